"""
Measure a model bundle on phantoms composed over real photographs with masks: Dice and area error, end to end.

    python scripts/measure_on_composed_phantoms.py models/oral-erosion [--write]

Each validation photograph is laid on the plane of a rendered scene beside a colour card, under chosen light and tilt,
and the scene is scored as any photo would be. With --write, the bundle's metadata and model card take the figures.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import itertools
import math
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from oral_lesion.io.bundle import Figure, load_bundle, write_bundle
from oral_lesion.io.pictures import lesion_mask
from oral_lesion.io.settings import load_protocol
from oral_lesion.phantom import SceneSettings, render_scene
from oral_lesion.records import Measurement, Photo, PhotoIdentity, Visit
from oral_lesion.score import score_photo

LIGHTS = ("daylight", "cool-flash", "warm-led", "fluorescent")
TILTS_DEG = (3.0, 8.0, 13.0, 18.0)
SCENES_PER_LESION_PICTURE = 2
BACKGROUND_WIDTH_MM = 55.0


@dataclass(frozen=True)
class SceneResult:
    """What scoring one scene gave, beside its truth."""

    picture_id: str
    outcome: str
    true_mm2: float
    measured_mm2: float = float("nan")
    u_mm2: float = float("nan")
    dice: float = float("nan")
    ignored: bool = False


def main() -> int:
    """Score all scenes, print the figures, and write them to the bundle where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data-root", type=Path, default=Path("../shared/data"))
    parser.add_argument("--split", default="val")
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    bundle, protocol = load_bundle(chosen.bundle), load_protocol(None)
    segmenter = bundle.open_segmenter(1)
    cv2.setNumThreads(1)
    results = []
    for picture, settings in scenes(chosen.data_root / "oral", chosen.split):
        results.append(scored(picture, settings, protocol, segmenter))
        last = results[-1]
        print(
            f"{last.picture_id:8} {last.outcome:16} true {last.true_mm2:8.2f} measured {last.measured_mm2:8.2f}"
            f" ± {2 * last.u_mm2:7.2f} mm²  Dice {last.dice:.3f}",
            flush=True,
        )
    command = f"python scripts/measure_on_composed_phantoms.py models/{bundle.metadata.name}"
    figures = figures_of(results, chosen.split, command)
    for figure in figures:
        print(f"{figure.value:10.4f} {figure.unit:4} n={figure.n:<4} {figure.name}")
    if chosen.write:
        others = [figure for figure in bundle.metadata.figures if figure.command != command]
        metadata = bundle.metadata.model_copy(update={"figures": (*others, *figures)})
        write_bundle(chosen.bundle, metadata, bundle.model_bytes, overwrite=True)
    return 0


def scenes(folder: Path, split: str):
    """Yield (picture id, scene settings): two scenes a picture with lesion, one a picture without."""
    with (folder / "photos.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    ways = itertools.cycle(itertools.product(LIGHTS, TILTS_DEG))
    for row in rows:
        for repeat in range(SCENES_PER_LESION_PICTURE if float(row["erosion_fraction"]) > 0 else 1):
            light, tilt_deg = next(ways)
            yield (
                row["id"],
                SceneSettings(
                    subject=row["id"],
                    visit=f"scene-{repeat}",
                    light=light,
                    tilt_deg=tilt_deg,
                    background=folder / row["file"],
                    background_mask=folder / row["mask"],
                    background_width_mm=BACKGROUND_WIDTH_MM,
                    width_px=2016,
                    height_px=1512,
                    glare=0.0,
                ),
            )


def scored(picture_id: str, settings: SceneSettings, protocol, segmenter) -> SceneResult:
    """Render one scene and score it."""
    scene = render_scene(settings, protocol.card)
    sha256 = hashlib.sha256(scene.srgb.tobytes()).hexdigest()
    identity = PhotoIdentity(
        photo_id=f"{picture_id.lower()}-{sha256[:8]}",
        file=f"{picture_id}.png",
        sha256=sha256,
        subject_id=picture_id,
        visit=Visit(name=settings.visit),
    )
    photo = Photo(identity=identity, srgb=scene.srgb, focal_length_px=scene.truth.focal_length_px)
    score = score_photo(photo, protocol=protocol, segmenter=segmenter)
    true_mm2 = scene.truth.erosion_area_mm2
    if not isinstance(score.outcome, Measurement):
        return SceneResult(picture_id, score.outcome.reason.value, true_mm2)
    judged = ~scene.ignored
    found, true = (lesion_mask(score) > 0) & judged, (scene.mask > 0) & judged
    total = int(found.sum() + true.sum())
    return SceneResult(
        picture_id,
        "scored",
        true_mm2,
        score.outcome.area_mm2,
        math.nan if score.outcome.u_area_mm2 is None else score.outcome.u_area_mm2,  # nan covers nothing
        2 * int((found & true).sum()) / total if total else 1.0,
        bool(scene.ignored.any()),
    )


def figures_of(results: list[SceneResult], split: str, command: str) -> list[Figure]:
    """Return the figures of a set of scenes."""
    done = [one for one in results if one.outcome == "scored"]
    lesions = [one for one in done if one.true_mm2 > 0]
    whole = [one for one in lesions if not one.ignored]
    none = [one for one in done if one.true_mm2 == 0 and not one.ignored]
    relative = 100 * np.array([one.measured_mm2 / one.true_mm2 - 1 for one in whole])
    covered = [abs(one.measured_mm2 - one.true_mm2) <= 2 * one.u_mm2 for one in whole]
    data_set = f"phantoms composed over photographs of data/oral, {split} split, {BACKGROUND_WIDTH_MM:g} mm wide"
    entries = [
        ("scenes refused by standardization", "", len(results) - len(done), len(results)),
        (
            "Dice, image-based mean over scenes with a lesion",
            "",
            float(np.mean([o.dice for o in lesions])),
            len(lesions),
        ),
        ("median absolute relative area error", "%", float(np.median(np.abs(relative))), len(whole)),
        ("median relative area error (bias)", "%", float(np.median(relative)), len(whole)),
        ("share of scenes with the true area within ± 2u", "", float(np.mean(covered)), len(whole)),
        (
            "share of lesion-free scenes with a lesion measured",
            "",
            float(np.mean([one.measured_mm2 > 0 for one in none])),
            len(none),
        ),
    ]
    return [
        Figure(name=name, unit=unit, value=round(value, 4), data_set=data_set, n=n, command=command)
        for name, unit, value, n in entries
        if n
    ]


if __name__ == "__main__":
    sys.exit(main())
