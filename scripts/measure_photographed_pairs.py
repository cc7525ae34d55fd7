"""
Two photographs of one place, with card, through the whole chain: card, standardization, lesion, registration, change.

    python scripts/measure_photographed_pairs.py --sources 12          # pictures that the model was not trained on
    python scripts/measure_photographed_pairs.py --split train --segmenter truth

A place is a real photograph of an ulcer or erosion, laid on a plane beside a rendered colour card and photographed once
as baseline and several times as follow-up, each time with card, light, white balance, exposure and noise of its own,
tilted by up to 20 degrees to any side, turned by up to 25 degrees and at 0.7 to 1.4 times the baseline's scale. For a
follow-up the tissue is bent (0.5 mm) and the lesion changed: `grown` lets tissue grow over its margin, or the lesion
over the tissue's, each mirrored at the old border, so that no tissue moves; `pulled` draws all tissue to the lesion's
middle or from it, so that the lesion keeps its look and the mouth does not keep its shape. Truth is the area of the
mask that was bent with it. Each photo is then scored as any photo would be, with the true mask or the model. The last
line is JSON. No picture is written anywhere but to --pictures.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from oral_lesion.compare import compare_areas, register
from oral_lesion.compare.features import tissue_picture
from oral_lesion.compare.mapping import map_to_baseline
from oral_lesion.endpoint.precision import ReplicateSet, precision_profile, repeatability_of
from oral_lesion.errors import InputError
from oral_lesion.io.bundle import load_bundle
from oral_lesion.io.settings import load_study_protocol
from oral_lesion.numerics.geometry import apply_homography_xy
from oral_lesion.phantom import LIGHTS, PhantomScene, SceneSettings, render_scene
from oral_lesion.phantom.background import read_background
from oral_lesion.phantom.layout import lay_out
from oral_lesion.phantom.tissue import smooth_noise
from oral_lesion.phantom.tree import encode_jpeg
from oral_lesion.records import (
    LesionSize,
    Measurement,
    Mirror,
    Photo,
    PhotoIdentity,
    PhotoScore,
    RepeatabilityProfile,
    ScoredPhoto,
    Visit,
)
from oral_lesion.score import score_photo
from oral_lesion.segment.known_mask import KnownMaskSegmenter

WIDTH_MM = 65.0
BEND_MM, BEND_CELL_MM = 0.5, 26
LEAST_WIDTH_PX = 320
REACH = 2.5
WRONG_MM = 3.0
TRIES = 40
CHANGES = (0.0, 0.0, 0.0, -75.0, -50.0, -25.0, 25.0)


@dataclass(frozen=True)
class Place:
    """A photograph of a lesion, and where on it the lesion is."""

    name: str
    srgb: np.ndarray
    marks: np.ndarray
    middle_px: np.ndarray
    radius_px: float


@dataclass(frozen=True)
class Taken:
    """One photograph of a place: the scene, its middle on the plane, and where its picture comes from."""

    scene: PhantomScene
    middle_mm: np.ndarray
    from_rest_xy: np.ndarray
    zoom: float
    focal_length_px: float

    @property
    def true_mm2(self) -> float:
        """Area of the bent mask."""
        return self.scene.truth.erosion_area_mm2


@dataclass
class Found:
    """What became of the pairs of one segmenter."""

    pairs: int = 0
    refused: Counter = field(default_factory=Counter)
    registered: int = 0
    residuals: list[float] = field(default_factory=list)
    failures: Counter = field(default_factory=Counter)
    changes: list[tuple[str, float, float, object]] = field(default_factory=list)
    unchanged: list[tuple[str, Measurement, Measurement]] = field(default_factory=list)


def main() -> None:
    """Print each pair, then the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/oral"))
    parser.add_argument("--split", default="val", choices=["val", "train"])
    parser.add_argument("--segmenter", default="both", choices=["both", "truth", "model"])
    parser.add_argument("--bundle", type=Path, default=Path("models/oral-erosion"))
    parser.add_argument("--healing", default="grown", choices=["grown", "pulled"])
    parser.add_argument("--sources", type=int, default=100)
    parser.add_argument("--width-px", type=int, default=2016)
    parser.add_argument("--pictures", type=Path, help="folder for the photos of the first places; not the repository")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    protocol = load_study_protocol(None)
    found = {name: Found() for name in ("truth", "model") if chosen.segmenter in (name, "both")}
    model = load_bundle(chosen.bundle).open_segmenter(1) if "model" in found else None
    start = time.process_time()
    zooms = []
    for number, place in enumerate(places(chosen.data, chosen.split)[: chosen.sources]):
        taken = photographs(place, number, chosen, protocol.scoring.card)
        zooms += [one.zoom for one in taken[1:]]
        if chosen.pictures is not None and number < 3:
            write_pictures(chosen.pictures, place.name, taken)
        for name, result in found.items():
            scores = [scored(one, protocol.scoring, model if name == "model" else None) for one in taken]
            judge(result, place.name, name, taken, scores, protocol)
    figures = {name: figures_of(result, protocol) for name, result in found.items()}
    told = {"zoom": [round(float(np.quantile(zooms, share)), 2) for share in (0, 0.5, 1)], "split": chosen.split}
    print(json.dumps(told | figures | {"cpu_seconds": round(time.process_time() - start)}))


def places(folder: Path, split: str) -> list[Place]:
    """Return the pictures of one lesion that is wholly marked and clear of the border."""
    with (folder / "photos.csv").open(newline="", encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if row["split"] == split and row["source"] == "G"]
    kept = []
    for row in rows:
        if int(row["width"]) < LEAST_WIDTH_PX or float(row["erosion_fraction"]) == 0:
            continue
        srgb = np.ascontiguousarray(cv2.imread(str(folder / row["file"]))[..., ::-1])
        marks = cv2.imread(str(folder / row["mask"]), cv2.IMREAD_GRAYSCALE)
        rows_, columns = np.nonzero(marks == 255)
        middle = np.array([columns.mean(), rows_.mean()])
        radius = float(np.hypot(columns - middle[0], rows_ - middle[1]).max())
        count = cv2.connectedComponents((marks == 255).astype(np.uint8), connectivity=8)[0] - 1
        border = min(columns.min(), rows_.min(), marks.shape[1] - columns.max(), marks.shape[0] - rows_.max())
        if count == 1 and border > 12 and not (marks == 128).any():
            kept.append(Place(row["id"], srgb, marks, middle, radius))
    return kept


def photographs(place: Place, number: int, chosen: argparse.Namespace, card) -> list[Taken]:
    """Return the baseline and the follow-ups of a place."""
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        rng = np.random.default_rng([number, 50])
        baseline_roll = float(rng.uniform(-8, 8))
        for visit, percent in enumerate((0.0, *CHANGES)):
            rng = np.random.default_rng([number, 51, visit])
            grown = chosen.healing == "grown"
            at = bent_from(place, 0.0 if grown else percent, rng, bend_mm=BEND_MM if visit else 0.0)
            files = write_bent(Path(folder), overgrown(place, percent) if grown else place, at)
            taken.append(photographed(place, files, at, visit, baseline_roll, chosen.width_px, card, rng))
    return taken


def overgrown(place: Place, percent: float) -> Place:
    """Return the place with its lesion smaller or larger; what takes the room is mirrored at the old border."""
    if percent == 0:
        return place
    lesion = place.marks == 255
    side = lesion if percent < 0 else ~lesion
    depth, border = distance_transform_edt(side, return_indices=True)
    count = round(abs(percent) / 100 * lesion.sum())
    taken = side & (depth <= np.partition(depth[side], count - 1)[count - 1])
    here = np.indices(lesion.shape)
    mirrored = np.clip(2 * border - here, 0, np.array(lesion.shape)[:, None, None] - 1)
    # Behind a bay of the border lies the same side again: there the border's own pixel stands.
    source = np.where(side[tuple(mirrored)], border, mirrored)
    filled = cv2.GaussianBlur(place.srgb[tuple(source)], (0, 0), 0.7)
    share = cv2.GaussianBlur(taken.astype(np.float32), (0, 0), 1.2)[..., None]
    srgb = np.rint(filled * share + place.srgb * (1 - share)).astype(np.uint8)
    return replace(place, srgb=srgb, marks=np.where(lesion ^ taken, 255, 0).astype(np.uint8))


def bent_from(place: Place, percent: float, rng: np.random.Generator, *, bend_mm: float) -> np.ndarray:
    """Return where in the picture at rest each pixel of the bent one comes from, shape (height, width, 2)."""
    height, width = place.marks.shape
    mm_per_px = WIDTH_MM / width
    rows, columns = np.indices((height, width), dtype=np.float32)
    here = np.stack([columns, rows], axis=-1)
    cells = (int(np.ceil(height * mm_per_px)) + 2, int(np.ceil(width * mm_per_px)) + 2)
    noise = [smooth_noise(cells, (BEND_CELL_MM,), (1.0,), rng) * bend_mm / mm_per_px for _ in range(2)]
    there = here + np.stack([cv2.resize(one, (width, height), interpolation=cv2.INTER_CUBIC) for one in noise], axis=-1)
    away = there - place.middle_px.astype(np.float32)
    reach = np.hypot(away[..., 0], away[..., 1])
    size = np.sqrt(1 + percent / 100)
    edge, end = size * place.radius_px, REACH * place.radius_px
    pulled = np.interp(reach, [0.0, edge, end, 1e6], [0.0, place.radius_px, end, 1e6])
    factor = pulled / np.maximum(reach, 1e-6)
    return place.middle_px.astype(np.float32) + away * factor[..., None].astype(np.float32)


def write_bent(folder: Path, place: Place, at: np.ndarray) -> tuple[Path, Path]:
    """Write the bent picture and its mask."""
    x, y = at[..., 0].astype(np.float32), at[..., 1].astype(np.float32)
    bent = cv2.remap(place.srgb, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    inside = cv2.GaussianBlur((place.marks == 255).astype(np.float32), (0, 0), 0.7)
    marks = cv2.remap(inside, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    files = folder / "bent.png", folder / "marks.png"
    cv2.imwrite(str(files[0]), bent[..., ::-1])
    cv2.imwrite(str(files[1]), np.where(marks >= 0.5, 255, 0).astype(np.uint8))
    return files


def photographed(place, files, at, visit: int, baseline_roll: float, width_px: int, card, rng) -> Taken:
    """Return a photograph; a pose at which card and lesion do not fit into the picture is drawn again."""
    first = SceneSettings(
        subject=place.name, visit=f"visit-{visit}", width_px=width_px, height_px=width_px * 3 // 4, glare=0.0,
        background=files[0], background_mask=files[1], background_width_mm=WIDTH_MM, jpeg_quality=90,
    )  # fmt: skip
    background = read_background(*files, width_mm=WIDTH_MM)
    share = 0.8 * lay_out(replace(first, tilt_deg=0.0, roll_deg=0.0), card, background).card_share
    for _ in range(TRIES):
        zoom = float(np.exp(rng.uniform(np.log(0.7), np.log(1.4)))) if visit else 1.0
        settings = replace(
            first,
            seed=int(rng.integers(2**31)),
            card_share=share * zoom,
            tilt_deg=float(rng.uniform(0, 20)),
            azimuth_deg=float(rng.uniform(0, 360)),
            roll_deg=baseline_roll + (float(rng.uniform(-25, 25)) if visit else 0.0),
            light=str(rng.choice(sorted(LIGHTS))),
            white_balance=float(rng.uniform(0.4, 0.8)),
            exposure_ev=float(rng.uniform(-0.3, 0.3)),
        )
        try:
            scene = render_scene(settings, card)
        except InputError:
            continue
        middle = np.array(lay_out(settings, card, background).background_centre_xy_mm)
        return Taken(scene, middle, at, zoom, scene.truth.focal_length_px)
    raise InputError(f"{place.name}: no pose in {TRIES} had card and lesion in view.")


def scored(taken: Taken, protocol, model) -> PhotoScore:
    """Score a photograph as the bytes of a JPEG file, with the model or with the true mask."""
    scene = taken.scene
    jpeg = np.frombuffer(encode_jpeg(scene), np.uint8)
    srgb = np.ascontiguousarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR)[..., ::-1])
    name = f"{scene.settings.subject}-{scene.settings.visit}".lower()
    identity = PhotoIdentity(
        photo_id=name, file=f"{name}.jpg", sha256="", subject_id=scene.settings.subject,
        visit=Visit(name=scene.settings.visit), mirror=Mirror.DIRECT,
    )  # fmt: skip
    photo = Photo(identity=identity, srgb=srgb, focal_length_px=taken.focal_length_px)
    segmenter = model or KnownMaskSegmenter(scene.mask, protocol.standardization.working_mm_per_px)
    return score_photo(photo, protocol=protocol, segmenter=segmenter)


def judge(result: Found, name: str, segmenter: str, taken: list[Taken], scores: list[PhotoScore], protocol) -> None:
    """Compare each follow-up with the baseline."""
    for taken_then, then, percent in zip(taken[1:], scores[1:], CHANGES, strict=True):
        result.pairs += 1
        refused = [one.outcome.reason.value for one in (scores[0], then) if not one.scored]
        if refused:
            result.refused[refused[0]] += 1
            continue
        found = register(scores[0].standardized, then.standardized, settings=protocol.comparison.registration)
        told = f"{found.failure} ({found.observed:.2f})" if not found.registered else ""
        if found.registered:
            result.registered += 1
            result.residuals.append(residual_mm(found, (taken[0], scores[0]), (taken_then, then)))
            told = f"residual {result.residuals[-1]:.2f} mm, correlation {found.correlation:.2f}"
        else:
            result.failures[str(found.failure)] += 1
        true_percent = 100 * (taken_then.true_mm2 / taken[0].true_mm2 - 1)
        change = compare_areas(scores[0].outcome, then.outcome, settings=protocol.comparison.change)
        result.changes.append((name, percent, true_percent, change))
        if percent == 0:
            result.unchanged.append((name, scores[0].outcome, then.outcome))
        measured = "none" if change.change_percent is None else f"{change.change_percent:+7.1f}"
        print(
            f"{name:6} {segmenter:5} {percent:+4.0f} %: true {true_percent:+7.1f} measured {measured} %  "
            f"{change.baseline_mm2:7.1f} to {change.follow_up_mm2:7.1f} of {taken[0].true_mm2:6.1f} to "
            f"{taken_then.true_mm2:6.1f} mm²  {told}",
            flush=True,
        )


def residual_mm(found, baseline: tuple[Taken, PhotoScore], follow_up: tuple[Taken, PhotoScore]) -> float:
    """Return the median distance between where tissue is brought to and where it is, over the tissue in both."""
    (first, one), (then, other) = baseline, follow_up
    picture = tissue_picture(other.standardized, load_study_protocol(None).comparison.registration)
    rows, columns = np.nonzero(picture.tissue[::4, ::4])
    step = picture.mm_per_px / other.standardized.scale.mm_per_px
    xy = np.stack([columns, rows], axis=1) * 4.0 * step + (step - 1) / 2
    on_picture = picture_xy(then, apply_homography_xy(other.standardized.photo_xy_from_standard_xy, xy))
    height, width = then.from_rest_xy.shape[:2]
    shown = (on_picture >= 2).all(axis=1) & (on_picture < (width - 3, height - 3)).all(axis=1)
    at = on_picture[shown].astype(np.float32)
    rest = cv2.remap(then.from_rest_xy.astype(np.float32), at[:, 0], at[:, 1], cv2.INTER_LINEAR).reshape(-1, 2)
    plane = (rest - [(width - 1) / 2, (height - 1) / 2]) * (WIDTH_MM / width) + first.middle_mm
    photo = apply_homography_xy(first.scene.photo_xy_from_plane_mm, plane)
    true = apply_homography_xy(np.linalg.inv(one.standardized.photo_xy_from_standard_xy), photo)
    inside = (true >= 0).all(axis=1) & (true < one.standardized.valid.shape[::-1]).all(axis=1)
    away = np.hypot(*(map_to_baseline(found, xy[shown]) - true)[inside].T) * one.standardized.scale.mm_per_px
    return float(np.median(away))


def picture_xy(taken: Taken, photo_xy: np.ndarray) -> np.ndarray:
    """Return where on the bent picture points of the photograph lie."""
    height, width = taken.from_rest_xy.shape[:2]
    plane = apply_homography_xy(np.linalg.inv(taken.scene.photo_xy_from_plane_mm), photo_xy) - taken.middle_mm
    return plane / (WIDTH_MM / width) + [(width - 1) / 2, (height - 1) / 2]


def figures_of(result: Found, protocol) -> dict[str, object]:
    """Return the figures of one segmenter; of the pairs in which a lesion was measured at baseline."""
    done = result.pairs - sum(result.refused.values())
    zero = [one for one in result.changes if one[1] == 0 and one[3].baseline_mm2 + one[3].follow_up_mm2 > 0]
    within = [abs(one[3].change_mm2) <= 2 * one[3].u_change_mm2 for one in zero]
    figures: dict[str, object] = {
        "pairs": result.pairs,
        "refused": dict(result.refused),
        "registered_share": result.registered / max(done, 1),
        "not_registered": dict(result.failures),
        "median_residual_mm": float(np.median(result.residuals)),
        "largest_residual_mm": max(result.residuals),
        "wrong_accepted": sum(one > WRONG_MM for one in result.residuals),
        "zero_pairs": len(zero),
        "zero_within_2u": float(np.mean(within)),
        "zero_exceeds_repeatability": exceeding(result.unchanged, protocol),
        "baseline_not_found": sum(one[3].change_percent is None for one in result.changes),
    }
    for percent in sorted(set(CHANGES)):
        known = [one for one in result.changes if one[1] == percent and one[3].change_percent is not None]
        error = np.array([one[3].change_percent - one[2] for one in known])
        key = f"{percent:+.0f}"
        figures[f"bias_points_{key}"] = [len(error), float(error.mean()), float(np.median(error)), float(error.std())]
        if abs(percent) >= 50:
            figures[f"sign_wrong_{key}"] = sum(np.sign(one[3].change_mm2) != np.sign(percent) for one in known)
    return json.loads(json.dumps(figures, default=float), parse_float=lambda text: round(float(text), 3))


def exceeding(unchanged, protocol) -> list[float]:
    """Return how many unchanged pairs exceed the coefficient that the pairs of the other half of the places gave."""
    names = sorted({name for name, *_ in unchanged})
    halves = {name: number % 2 for number, name in enumerate(names)}
    beyond = judged = 0
    for half in (0, 1):
        sets = [
            ReplicateSet(subject_id=name, visit=str(k), site="s", photos=(scored_photo(one), scored_photo(other)))
            for k, (name, one, other) in enumerate(unchanged)
            if halves[name] == half
        ]
        try:
            points = precision_profile(repeatability_of(sets).bins)
        except InputError:
            continue
        profile = RepeatabilityProfile(points=tuple((point.area_mm2, point.rc_mm2) for point in points))
        for name, one, other in unchanged:
            change = compare_areas(one, other, settings=protocol.comparison.change, profile=profile)
            if halves[name] != half and change.exceeds_repeatability is not None:
                judged, beyond = judged + 1, beyond + change.exceeds_repeatability
    return [judged, beyond / max(judged, 1)]


def scored_photo(measured: Measurement) -> ScoredPhoto:
    """Return what repeatability needs of a measurement."""
    return ScoredPhoto(
        photo_id="photo", sha256="", area_mm2=measured.area_mm2,
        u_scale_mm2=measured.u_scale_mm2, u_boundary_mm2=measured.u_boundary_mm2,
        lesions=tuple(
            LesionSize(label=one.label, area_mm2=one.area_mm2, perimeter_mm=one.perimeter_mm)
            for one in measured.lesions
        ),
    )  # fmt: skip


def write_pictures(folder: Path, name: str, taken: list[Taken]) -> None:
    """Write the photographs of a place side by side, with the true outlines."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for one in taken:
        small = cv2.resize(one.scene.srgb[..., ::-1], (504, 378), interpolation=cv2.INTER_AREA)
        mask = cv2.resize(one.scene.mask, (504, 378), interpolation=cv2.INTER_NEAREST)
        outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        drawn.append(cv2.drawContours(np.ascontiguousarray(small), outlines, -1, (255, 255, 0), 1))
    rows = [np.hstack(drawn[start : start + 4]) for start in range(0, len(drawn), 4)]
    cv2.imwrite(str(folder / f"{name}.jpg"), np.vstack(rows))


if __name__ == "__main__":
    main()
