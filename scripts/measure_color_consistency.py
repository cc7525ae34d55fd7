"""
Colour of the same tissue under different lights, after standardization: CIEDE2000 between each pair of lights.

    python scripts/measure_color_consistency.py              # rendered tissue
    python scripts/measure_color_consistency.py --photographs FOLDER   # with photos.csv: file, mask

Each scene is photographed under four lights by the same camera in the same pose, compressed as JPEG, read and
standardized. Colours are compared at the same points of the tissue, as means over 0.5 mm, as photographed and as
standardized. The last line is JSON.
"""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from oral_lesion.io.settings import load_protocol
from oral_lesion.numerics.color import delta_e_2000, lab_from_linear_rgb, linear_from_srgb
from oral_lesion.phantom import SceneSettings, render_scene
from oral_lesion.phantom.tree import encode_jpeg
from oral_lesion.records import Photo, PhotoIdentity, Visit
from oral_lesion.standardize import read_card, standardize

LIGHTS = ("daylight", "cool-flash", "warm-led", "fluorescent")
GRID_STEP_PX = 12
IDENTITY = PhotoIdentity(photo_id="p", file="p.jpg", sha256="0" * 64, subject_id="S", visit=Visit(name="V"))


def main() -> None:
    """Print the medians over all tissue of all scenes, before and after."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--scenes", type=int, default=4)
    parser.add_argument("--photographs", type=Path, help="composed scenes: photographs of tissue with the card laid on")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    protocol = load_protocol(None)
    before, after = {}, {}
    for number in range(arguments.scenes):
        settings = SceneSettings(subject="consistency", seed=number, tilt_deg=3.0 * (number % 5), glare=0.2)
        if arguments.photographs is not None:
            settings = replace(settings, **photograph(arguments.photographs, number, arguments.scenes))
        colors = {light: tissue_colors(replace(settings, light=light), protocol) for light in LIGHTS}
        valid = np.logical_and.reduce([seen for _, _, seen in colors.values()])
        for pair in itertools.combinations(LIGHTS, 2):
            (raw, fixed, _), (other_raw, other_fixed, _) = colors[pair[0]], colors[pair[1]]
            before.setdefault(pair, []).append(delta_e_2000(raw[valid], other_raw[valid]))
            after.setdefault(pair, []).append(delta_e_2000(fixed[valid], other_fixed[valid]))
    print("median (95th percentile) CIEDE2000 of the tissue: as photographed -> standardized")
    for pair in before:
        one, two = np.concatenate(before[pair]), np.concatenate(after[pair])
        print(f"{pair[0]:>11} / {pair[1]:<11}  {told(one)} -> {told(two)}")
    total_before, total_after = (np.concatenate([*itertools.chain(*found.values())]) for found in (before, after))
    print(f"{'all pairs':>11}   {'':11}  {told(total_before)} -> {told(total_after)}")
    worst = max(float(np.median(np.concatenate(values))) for values in after.values())
    figures = {
        "scenes": arguments.scenes,
        "median_before": float(np.median(total_before)),
        "median_after": float(np.median(total_after)),
        "worst_pair_median_after": worst,
        "p95_after": float(np.quantile(total_after, 0.95)),
    }
    print(json.dumps({key: round(value, 3) for key, value in figures.items()}))


def photograph(folder: Path, number: int, count: int) -> dict[str, Path]:
    """Return the settings that lay one of `count` photographs, evenly chosen, under the card."""
    with (folder / "photos.csv").open(newline="", encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if row["mask"]]
    row = rows[number * len(rows) // count]
    return {"background": folder / row["file"], "background_mask": folder / row["mask"]}


def told(differences: np.ndarray) -> str:
    """Return median and 95th percentile."""
    return f"{np.median(differences):5.2f} ({np.quantile(differences, 0.95):5.2f})"


def tissue_colors(settings: SceneSettings, protocol) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return Lab at a grid of the photo's points, as photographed and as standardized, and where both show tissue."""
    scene = render_scene(settings, protocol.card)
    srgb = np.asarray(Image.open(io.BytesIO(encode_jpeg(scene))).convert("RGB"))
    photo = Photo(identity=IDENTITY, srgb=srgb, focal_length_px=scene.truth.focal_length_px)
    reading = read_card(photo, protocol.card, limits=protocol.limits, uncertainty=protocol.uncertainty)
    standardized = standardize(photo, reading, protocol.card, protocol.standardization, protocol.uncertainty)
    rows, columns = np.mgrid[
        GRID_STEP_PX : settings.height_px : GRID_STEP_PX, GRID_STEP_PX : settings.width_px : GRID_STEP_PX
    ]
    points = np.stack([columns.ravel(), rows.ravel(), np.ones(rows.size)])
    seen = np.linalg.inv(standardized.photo_xy_from_standard_xy) @ points
    places = np.rint(seen[:2] / seen[2]).astype(int)
    height, width = standardized.valid.shape
    inside = (places >= 0).all(axis=0) & (places[0] < width) & (places[1] < height)
    x, y = np.clip(places[0], 0, width - 1), np.clip(places[1], 0, height - 1)
    window_px = max(1, round(0.5 / scene.truth.mm_per_px))
    raw = cv2.blur(linear_from_srgb(srgb), (window_px, window_px))
    fixed = cv2.blur(standardized.linear_rgb, (5, 5))
    return (
        lab_from_linear_rgb(raw[rows.ravel(), columns.ravel()].astype(np.float64)),
        lab_from_linear_rgb(fixed[y, x].astype(np.float64)),
        inside & standardized.valid[y, x],
    )


if __name__ == "__main__":
    main()
