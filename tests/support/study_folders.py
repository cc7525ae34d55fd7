"""A small phantom study, and what tests read from its results."""

import csv
import shutil
from pathlib import Path

SITES = ("buccal-left", "tongue-ventral")
WIDTH_PX = 720
TABLES = ("changes.csv", "lesions_over_time.csv", "endpoints.csv")


def render_study(out, *, subjects=1, visits=3, sites=SITES, seed=5):
    from oral_lesion.io.settings import load_card
    from oral_lesion.phantom import SceneSettings, StudyPlan, plan_scenes, write_phantoms

    base = SceneSettings(seed=seed, width_px=WIDTH_PX, height_px=round(0.75 * WIDTH_PX))
    plan = StudyPlan(subjects=subjects, visits=visits, sites=sites, healing=0.55)
    write_phantoms(out, plan_scenes(plan, base), load_card("colorchecker-classic-nano"))
    return out


def render_replicates(out, scratch, *, subjects, replicates=2):
    """Photograph each phantom several times: another tilt, light and noise, the same erosions."""
    from oral_lesion.io.settings import load_card
    from oral_lesion.phantom import SceneSettings, StudyPlan, plan_scenes, write_phantoms

    card = load_card("colorchecker-classic-nano")
    plan = StudyPlan(subjects=subjects, visits=1, sites=("buccal-left",))
    for number in range(1, replicates + 1):
        base = SceneSettings(
            seed=5,
            width_px=WIDTH_PX,
            height_px=round(0.75 * WIDTH_PX),
            tilt_deg=5.0 * number,
            exposure_ev=-0.1 * number,
        )
        write_phantoms(scratch / str(number), plan_scenes(plan, base), card)
        for photo in sorted((scratch / str(number)).glob("phantom-*/*/*.jpg")):
            place = photo.relative_to(scratch / str(number)).parent
            for folder, name, new in (
                (place, photo.name, f"{photo.stem}-{number}.jpg"),
                (Path("truth") / place, f"{photo.stem}_mask.png", f"{photo.stem}-{number}_mask.png"),
            ):
                (out / folder).mkdir(parents=True, exist_ok=True)
                shutil.copy(scratch / str(number) / folder / name, out / folder / new)
    return out


def rows_in(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def row_of(rows, **wanted):
    (row,) = [row for row in rows if all(row[column] == value for column, value in wanted.items())]
    return row
