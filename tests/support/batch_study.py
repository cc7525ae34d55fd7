"""A study of many photos at the price of few: copies with other bytes, twelve broken files, one that kills."""

import io
import os
import shutil
import signal
import struct
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageFilter

from oral_lesion.phantom.truth_segmenters import TruthSegmenters

SITE = "buccal-left"
DEADLY = "deadly.jpg"
BROKEN = {
    "empty.jpg": "unreadable", "truncated.jpg": "unreadable", "text.jpg": "unreadable", "bomb.png": "too-large",
    "one-pixel.png": "too-small", "grey.png": "not-color", "no-card.png": "no-card", "two-cards.png": "several-cards",
    "overexposed.png": "card-clipped", "dark.png": "card-dark", "tilted.png": "too-tilted", "poor.jpg": "jpeg-poor",
}  # fmt: skip
WIDTH_PX = 800


@dataclass(frozen=True, slots=True)
class DeadlySegmenters(TruthSegmenters):
    """True masks, but one photo ends the process that works on it."""

    def segmenter_for(self, photo):
        if photo.file == DEADLY:
            os.kill(os.getpid(), signal.SIGKILL)
        return TruthSegmenters.segmenter_for(self, photo)


def build_batch_study(out: Path, *, photos: int, per_visit: int = 6) -> dict[str, str]:
    """
    Fill a study with photos, and return the reason of each that is refused, by file name.

    The first subject has one site at two visits, so that something is followed; other photos tell no site.
    """
    from oral_lesion.io.settings import load_card
    from oral_lesion.phantom import SceneSettings, StudyPlan, plan_scenes, write_phantoms

    card = load_card("colorchecker-classic-nano")
    base = SceneSettings(seed=5, width_px=WIDTH_PX, height_px=round(0.75 * WIDTH_PX))
    rendered = out.with_name(f"{out.name}-rendered")
    write_phantoms(rendered, plan_scenes(StudyPlan(subjects=1, visits=2, sites=(SITE,), healing=0.6), base), card)
    sources = [
        (path, rendered / "truth" / path.relative_to(rendered).parent) for path in rendered.glob("phantom-*/*/*")
    ]
    for number in range(photos - len(BROKEN) - 1):
        photo, masks = sources[number % 2]
        visit = photo.parent.name if number < 2 else "week-00"
        subject = f"S-{0 if number < 2 else 1 + number // per_visit:03d}"
        stem = SITE if number < 2 else f"photo-{number:03d}"
        folder, truth = out / subject / visit, out / "truth" / subject / visit
        folder.mkdir(parents=True, exist_ok=True)
        truth.mkdir(parents=True, exist_ok=True)
        (folder / f"{stem}.jpg").write_bytes(photo.read_bytes() + b"%d" % number)  # another file, the same picture
        shutil.copy(masks / f"{SITE}_mask.png", truth / f"{stem}_mask.png")
    folder = out / "S-999" / "week-00"
    folder.mkdir(parents=True)
    truth = out / "truth" / "S-999" / "week-00"
    truth.mkdir(parents=True)
    jpeg = sources[0][0].read_bytes()
    for name, content in {**broken_files(base, card, jpeg), DEADLY: jpeg + b"deadly"}.items():
        (folder / name).write_bytes(content)
        shutil.copy(sources[0][1] / f"{SITE}_mask.png", truth / f"{Path(name).stem}_mask.png")
    shutil.rmtree(rendered)
    return {**BROKEN, DEADLY: "worker-crashed"}


def broken_files(base, card, jpeg: bytes) -> dict[str, bytes]:
    from dataclasses import replace

    from oral_lesion.phantom import render_scene

    def scene(**changes):
        return render_scene(replace(base, **changes), card)

    good = scene()
    two, half = good.srgb.copy(), (round(0.16 * WIDTH_PX), round(0.1 * WIDTH_PX))
    x, y = int(good.truth.card_x_px), int(good.truth.card_y_px)
    patch = good.srgb[max(y - half[1], 0) : y + half[1], max(x - half[0], 0) : x + half[0]]
    two[4 : 4 + patch.shape[0], 4 : 4 + patch.shape[1]] = patch
    soft = Image.fromarray(good.srgb).filter(ImageFilter.GaussianBlur(0.3))
    return {
        "empty.jpg": b"",
        "truncated.jpg": jpeg[: len(jpeg) // 2],
        "text.jpg": b"this is no picture\n" * 50,
        "bomb.png": png_header(40_000, 40_000),
        "one-pixel.png": encoded(Image.new("RGB", (1, 1), "red")),
        "grey.png": encoded(Image.fromarray(good.srgb).convert("L")),
        "no-card.png": encoded(Image.fromarray(scene(with_card=False).srgb)),
        "two-cards.png": encoded(Image.fromarray(two)),
        "overexposed.png": encoded(Image.fromarray(scene(exposure_ev=2.5).srgb)),
        "dark.png": encoded(Image.fromarray(scene(exposure_ev=-5.0).srgb)),
        "tilted.png": encoded(Image.fromarray(scene(tilt_deg=42.0).srgb)),
        "poor.jpg": encoded(soft, "JPEG", quality=20),
    }


def encoded(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def png_header(width: int, height: int) -> bytes:
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def main() -> None:
    """Call `oral-lesion` with segmenters that one photo ends its process with; for runs that are ended from outside."""
    import batch_study

    from oral_lesion.cli.app import main as call
    from oral_lesion.phantom import truth_segmenters

    truth_segmenters.TruthSegmenters = batch_study.DeadlySegmenters
    call()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
