"""Render the picture of docs/report.md from phantoms: `python scripts/render_report_picture.py`. Needs Chromium.

The outlines are the rendering's own, in place of a model's.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageFilter

OUT = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "report.jpg"
SITES = ("buccal-left", "palate-hard", "tongue-ventral")
WIDTH_PX, HEIGHT_PX, SCALE = 1160, 1500, 0.75
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


def main() -> None:
    """Score three rendered photos, one of them blurred, and take a picture of their report."""
    command = [sys.executable, "-m", "oral_lesion"]
    with tempfile.TemporaryDirectory() as scratch:
        photos, out, shot = (Path(scratch) / name for name in ("photos", "S-001-week-04", "shot.png"))
        rendering = [
            "--subjects",
            "1",
            "--visits",
            "2",
            "--sites",
            ",".join(SITES),
            "--seed",
            "3",
            "--light",
            "warm-led",
        ]
        subprocess.run([*command, "phantom", str(photos), *rendering], check=True, stdout=subprocess.DEVNULL)
        (visit,) = photos.glob("phantom-01/week-04")
        blurred = visit / f"{SITES[2]}.jpg"
        with Image.open(blurred) as photo:
            photo.filter(ImageFilter.GaussianBlur(12)).save(blurred, quality=92)
        scoring = ["score", str(visit), "-o", str(out), "--segmenter", "truth"]
        subprocess.run([*command, *scoring], check=False, stdout=subprocess.DEVNULL)  # 3: one is refused
        browser = shutil.which("chromium") or shutil.which("chromium-browser") or sys.exit("Chromium is needed")
        window = [f"--window-size={WIDTH_PX},{HEIGHT_PX}", "--hide-scrollbars", f"--user-data-dir={scratch}/profile"]
        page = (out / "report.html").as_uri()
        subprocess.run([browser, *FLAGS, *window, f"--screenshot={shot}", page], check=True, stderr=subprocess.DEVNULL)
        with Image.open(shot) as picture:
            size = round(picture.width * SCALE), round(picture.height * SCALE)
            picture.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(OUT, quality=80, optimize=True)


if __name__ == "__main__":
    main()
