"""
What the pages cost: CPU time a photo, size, and the time until a browser has opened a study of 200 photos.

    python scripts/benchmark_report.py                 # renders one visit, copies its results to a study of 200 photos
    python scripts/benchmark_report.py --photos 1000

The browser is Chromium with its driver, without a window; without them the times are left out.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SITES = ("buccal-left", "tongue-ventral", "palate-hard", "buccal-right")
VISITS = ("week-00", "week-04", "week-08", "week-12", "week-16")
SIZE_LIMIT_MB = 25.0
OPEN_LIMIT_S = 3.0
REPEATS = 5


def main() -> int:
    """Print the figures; exit code 1 where one is beyond its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--photos", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        scored = scored_visit(base)
        print(f"a visit's page, {len(SITES)} photos of 1.9 Mpx: {page_cpu_s(scored):.3f} CPU s a photo")
        study, visit = (
            copied_study(base / "study", scored, arguments.photos),
            copied_visit(base, scored, arguments.photos),
        )
        return int(not all([report_study(study, arguments.photos), report_visit(visit, arguments.photos)]))


def report_study(study: Path, photos: int) -> bool:
    """Make the pages of the study and say what its own page weighs."""
    from oral_lesion.adapters.html import write_study_pages

    began = time.process_time()
    write_study_pages(study)
    print(f"all pages of a study of {photos} photos: {(time.process_time() - began) / photos:.3f} CPU s a photo")
    return verdict(f"study of {photos} photos", study / "report.html")


def report_visit(visit: Path, photos: int) -> bool:
    """Make the page of a visit with as many photos, which holds all of their pictures."""
    from oral_lesion.adapters.html import write_visit_page

    write_visit_page(visit)
    return verdict(f"one visit of {photos} photos", visit / "report.html")


def verdict(name: str, page: Path) -> bool:
    """Print size and opening time of a page beside their limits."""
    size_mb, opened_s = page.stat().st_size / 1e6, seconds_to_open(page)
    within = size_mb <= SIZE_LIMIT_MB and (opened_s is None or opened_s <= OPEN_LIMIT_S)
    opened = "no browser found" if opened_s is None else f"opened in {opened_s:.2f} s (limit {OPEN_LIMIT_S:g})"
    print(f"{name}: {size_mb:.1f} MB (limit {SIZE_LIMIT_MB:g}), {opened} {'ok' if within else 'BEYOND THE LIMIT'}")
    return within


def scored_visit(base: Path) -> Path:
    """Render one visit and score it with the packaged model."""
    command = [sys.executable, "-m", "oral_lesion"]
    rendered, out = base / "photos", base / "scored"
    phantom = ["phantom", str(rendered), "--subjects", "1", "--visits", "1", "--sites", ",".join(SITES)]
    subprocess.run([*command, *phantom], check=True, stdout=subprocess.DEVNULL)
    visit = next(path.parent for path in rendered.glob("phantom-*/*/*.jpg"))
    subprocess.run([*command, "score", str(visit), "-o", str(out)], check=True, stdout=subprocess.DEVNULL)
    return out


def page_cpu_s(scored: Path) -> float:
    """Return the CPU seconds a photo of making a visit's page, the median of several."""
    from oral_lesion.adapters.html import write_visit_page

    write_visit_page(scored)
    seconds = []
    for _ in range(REPEATS):
        began = time.process_time()
        write_visit_page(scored)
        seconds.append((time.process_time() - began) / len(SITES))
    return sorted(seconds)[REPEATS // 2]


def copied_study(study: Path, scored: Path, photos: int) -> Path:
    """Copy a visit's results to as many subjects and visits as are needed, with the tables a study has."""
    visits = -(-photos // len(SITES))
    changes = []
    for number in range(visits):
        subject, visit = f"S-{number // len(VISITS) + 1:04d}", VISITS[number % len(VISITS)]
        folder = study / "scores" / subject / visit
        shutil.copytree(scored, folder, copy_function=hard_linked)
        (folder / "report.html").unlink()
        rows = rewrite(folder / "scores.csv", {"subject": subject, "visit": visit})
        if visit != VISITS[0]:
            changes += [change_row(row, number) for row in rows]
    write_csv(study / "changes.csv", changes)
    run = json.loads((scored / "run.json").read_text(encoding="utf-8"))
    endpoint = {"baseline_visit": VISITS[0], "visits": [{"name": v, "study_day": 28 * i} for i, v in enumerate(VISITS)]}
    contents = {"command": "study", "finished": True, "protocol": {**run["protocol"], "endpoint": endpoint}}
    (study / "run.json").write_text(json.dumps(contents), encoding="utf-8")
    return study


def copied_visit(base: Path, scored: Path, photos: int) -> Path:
    """Copy the photos of a visit under other identifiers until there are enough."""
    folder = base / "visit"
    shutil.copytree(scored, folder, copy_function=hard_linked)
    for name in ("scores.csv", "lesions.csv", "quality.csv", "colour.csv"):
        with (folder / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        copies = -(-photos // len(SITES))
        (folder / name).unlink()
        write_csv(
            folder / name,
            [{**row, "photo_id": f"{row['photo_id']}-{copy}"} for copy in range(copies) for row in rows],
        )
    for path in sorted((folder / "photos").iterdir()):
        for copy in range(-(-photos // len(SITES))):
            shutil.copytree(path, path.with_name(f"{path.name}-{copy}"), copy_function=hard_linked)
    return folder


def hard_linked(source: str, target: str) -> None:
    """Link a picture instead of copying it; tables are copied, for they are changed."""
    if Path(source).suffix in {".png", ".jpg"}:
        Path(target).hardlink_to(source)
    else:
        shutil.copy(source, target)


def rewrite(path: Path, columns: dict[str, str]) -> list[dict[str, str]]:
    """Set columns of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [{**row, **columns} for row in csv.DictReader(file)]
    write_csv(path, rows)
    return rows


def change_row(row: dict[str, str], number: int) -> dict[str, str]:
    """Return a row of changes.csv with an invented change: the page's cost does not depend on it."""
    area = float(row["erosion_area_mm2"])
    percent = -90.0 + 7.0 * (number % 17)
    return {
        "subject": row["subject"], "site": row["site"], "baseline_visit": VISITS[0], "visit": row["visit"],
        "baseline_photos": row["photo_id"], "photos": row["photo_id"], "baseline_area_mm2": f"{area:.3f}",
        "u_baseline_area_mm2": row["u_area_mm2"], "area_mm2": f"{area * (1 + percent / 100):.3f}",
        "u_area_mm2": row["u_area_mm2"], "change_mm2": f"{area * percent / 100:.3f}", "u_change_mm2": "5.000",
        "change_percent": f"{percent:.3f}", "u_change_percent": "9.000", "not_done_reason": "", "detail": "",
    }  # fmt: skip


def write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    """Write a table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def seconds_to_open(page: Path) -> float | None:
    """Return the seconds until the page's load event, the median of several, or None without a browser."""
    driver, browser = shutil.which("chromedriver"), shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from selenium.webdriver import Chrome, ChromeOptions
        from selenium.webdriver.chrome.service import Service
    except ImportError:
        return None
    if not (driver and browser):
        return None
    options = ChromeOptions()
    options.binary_location = browser
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1400,1000"):
        options.add_argument(flag)
    opened = Chrome(options=options, service=Service(executable_path=driver))
    try:
        seconds = []
        for _ in range(REPEATS):
            opened.get("about:blank")
            began = time.perf_counter()
            opened.get(page.absolute().as_uri())
            seconds.append(time.perf_counter() - began)
        return sorted(seconds)[REPEATS // 2]
    finally:
        opened.quit()


if __name__ == "__main__":
    sys.exit(main())
