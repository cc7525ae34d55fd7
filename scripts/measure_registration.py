"""
Alignment of photos of one mouth, refusal of two mouths, changes and lesion links, on warped pictures of real tissue.

    python scripts/measure_registration.py                       # all parts, over ../shared/data/oral
    python scripts/measure_registration.py --only pairs --overlays FOLDER
    python scripts/measure_registration.py --drawn               # rendered tissue: no photographs needed

A pair is one picture at its own resolution, laid out at a stated width, photographed twice: from straight above, and
with rotation up to 25 degrees, scale 0.7 to 1.4, tilt up to 20 degrees over tissue with relief and inclination, a
smooth non-rigid warp, and light, white balance, noise, reflections, JPEG and card of its own. The photos are made as
standardized pictures at 0.1 mm/px: reading the card is not part of this. What the picture itself holds, such as its
reflections, moves with the tissue, which real photos do not do. The last line is JSON.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from lesion_histories import CELL_MM, CELLS_XY, TrueVisit, events_right, history
from lesion_histories import MM_PER_PX as HISTORY_MM_PER_PX
from tissue_pairs import (
    MM_PER_PX,
    STRAIGHT,
    Pose,
    Tissue,
    drawn_pose,
    drawn_tissue,
    photographed,
    residual_mm,
    tissue_from_standard,
)

from oral_lesion.compare import (
    ChangeSettings,
    ComparisonSettings,
    compare_areas,
    identity_registration,
    label_lesions,
    lay_over_reference,
    link_lesions,
    register,
    warp_to_baseline,
)
from oral_lesion.measure import measure
from oral_lesion.numerics.color import linear_from_srgb, srgb_uint8_from_linear
from oral_lesion.phantom import LesionShape
from oral_lesion.records import ModelIdentity, RepeatabilityProfile, Scale, Segmentation

FIELD_MM = (72.0, 54.0)
WIDTH_MM = {"G": 75.0, "Q": 75.0, "T": 110.0}
LEAST_WIDTH_PX = 450
WRONG_MM = 3.0
SETTINGS = ComparisonSettings()
MODEL = ModelIdentity(name="true outlines", version="1", sha256="0" * 64)
BOUNDARY_MM = 0.15
HISTORY_MIDDLE_MM = 0.5 * CELL_MM * np.array(CELLS_XY)


@dataclass(frozen=True)
class Source:
    """A picture of tissue, and who it is of."""

    name: str
    group: str
    tissue: Tissue


def main() -> None:
    """Print the figures of the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/oral"))
    parser.add_argument("--only", choices=["pairs", "strangers", "cost", "change", "links"])
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--strangers", type=int, default=250)
    parser.add_argument("--histories", type=int, default=50)
    parser.add_argument("--warp-mm", type=float, default=0.5, help="standard deviation of the non-rigid warp")
    parser.add_argument(
        "--overlays", type=Path, help="folder for pictures of some pairs; keep it out of the repository"
    )
    parser.add_argument("--drawn", action="store_true", help="rendered tissue in place of photographs")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    sources = drawn_sources() if chosen.drawn else photographs(chosen.data)
    parts = {
        "pairs": lambda: pairs(sources, chosen.pairs, chosen.warp_mm, chosen.overlays),
        "strangers": lambda: strangers(sources, chosen.strangers),
        "cost": lambda: cost(sources),
        "change": changes,
        "links": lambda: links(sources, chosen.histories, chosen.warp_mm),
    }
    figures: dict[str, float] = {}
    for name, part in parts.items():
        if chosen.only in (None, name):
            figures |= part()
    print(json.dumps({key: round(float(value), 4) for key, value in figures.items()}))


def photographs(folder: Path) -> list[Source]:
    """Return the mouths of 450 pixels and more, and every third tongue, interleaved."""
    with (folder / "photos.csv").open(newline="", encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if row["source"] in WIDTH_MM]
    mouths = [row for row in rows if row["source"] in "GQ" and int(row["width"]) >= LEAST_WIDTH_PX]
    tongues = [row for row in rows if row["source"] == "T"][::3]
    order = itertools.chain.from_iterable(itertools.zip_longest(mouths[::2], tongues, mouths[1::2]))
    sources = []
    for row in order:
        if row is not None:
            srgb = np.ascontiguousarray(cv2.imread(str(folder / row["file"]))[..., ::-1])
            mm_per_px = WIDTH_MM[row["source"]] / srgb.shape[1]
            tissue = Tissue(linear_rgb=linear_from_srgb(srgb), mm_per_px=mm_per_px)
            sources.append(Source(row["id"], row["group"], tissue))
    return sources


def drawn_sources() -> list[Source]:
    """Return rendered tissue of several sites."""
    sites = ("buccal-left", "tongue-ventral", "palate-hard")
    return [Source(f"drawn-{k}", f"drawn-{k}", drawn_tissue(k, sites[k % 3])) for k in range(12)]


def pairs(sources: list[Source], count: int, warp_mm: float, overlays: Path | None) -> dict[str, float]:
    """Register two photos of one mouth, and compare with the true motion on the tissue."""
    medians, own, wrong, registered = [], [], 0, 0
    for number in range(count):
        source = sources[number % len(sources)]
        rng = np.random.default_rng([number, 40])
        pose = replace(drawn_pose(rng), warp_mm=warp_mm)
        baseline = photographed(source.tissue, STRAIGHT, FIELD_MM, rng)
        follow_up = photographed(source.tissue, pose, FIELD_MM, rng)
        found = register(baseline, follow_up, settings=SETTINGS.registration)
        if not found.registered:
            print(f"{source.name:8} {told(pose)}  not registered: {found.failure} ({found.observed:.2f})")
            continue
        error = residual_mm(found, baseline, follow_up, pose)
        registered += 1
        medians.append(float(np.median(error)))
        own.append(found.residual_mm)
        wrong += medians[-1] > WRONG_MM
        print(
            f"{source.name:8} {told(pose)}  {found.quality:5} inliers {found.inliers:4} correlation "
            f"{found.correlation:.2f}  held out {found.residual_mm:.2f}  true {medians[-1]:.2f} mm, 95 % "
            f"{np.quantile(error, 0.95):.2f} mm"
        )
        if overlays is not None and number % 6 == 0:
            write_overlay(overlays / f"{source.name}.png", baseline, follow_up, found)
    return {
        "pairs": count,
        "registered_share": registered / count,
        "median_residual_mm": float(np.median(medians)),
        "largest_median_residual_mm": max(medians),
        "median_held_out_residual_mm": float(np.median(own)),
        "wrong_accepted": wrong,
    }


def told(pose: Pose) -> str:
    """Return a pose in words."""
    return f"turn {pose.rotation_deg:4.0f}° scale {pose.zoom:.2f} tilt {pose.tilt_deg:3.0f}°"


def write_overlay(path: Path, baseline, follow_up, found) -> None:
    """Write baseline, aligned follow-up, and both in a chequerboard."""
    one = srgb_uint8_from_linear(baseline.linear_rgb)
    other = srgb_uint8_from_linear(warp_to_baseline(follow_up.linear_rgb, found, baseline.valid.shape))
    rows, columns = np.indices(baseline.valid.shape)
    squares = ((rows // 60 + columns // 60) % 2 == 0)[..., None]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.hstack([one, other, np.where(squares, one, other)])[..., ::-1])


def strangers(sources: list[Source], count: int) -> dict[str, float]:
    """Register photos of different mouths."""
    rng = np.random.default_rng(41)
    photos = [photographed(one.tissue, drawn_pose(rng), FIELD_MM, rng) for one in sources[:60]]
    apart = [(i, j) for i, j in itertools.combinations(range(len(photos)), 2) if sources[i].group != sources[j].group]
    accepted, most = 0, 0
    chosen = [apart[k] for k in rng.permutation(len(apart))[:count]]
    for i, j in chosen:
        found = register(photos[i], photos[j], settings=SETTINGS.registration)
        accepted += found.registered
        most = max(most, 0 if found.registered else found.inliers)
        if found.registered:
            print(
                f"{sources[i].name} and {sources[j].name}: accepted, inliers {found.inliers}, {found.correlation:.2f}"
            )
    return {
        "different_mouths": len(chosen),
        "different_mouths_accepted": accepted,
        "different_mouths_accepted_share": accepted / len(chosen),
        "most_inliers_of_refused": most,
    }


def cost(sources: list[Source]) -> dict[str, float]:
    """Return CPU seconds of comparing two photos of 1200 × 900 pixels at 0.1 mm: alignment and one link."""
    field_mm = (120.0, 90.0)
    seconds = []
    for number, source in enumerate(sources[:8]):
        tissue = replace(source.tissue, mm_per_px=120.0 / source.tissue.linear_rgb.shape[1])
        rng = np.random.default_rng([number, 42])
        baseline, follow_up = (photographed(tissue, pose, field_mm, rng) for pose in (STRAIGHT, Pose(rotation_deg=8.0)))
        shapes = [LesionShape(centre_xy_mm=(x, 4.0), area_mm2=60.0) for x in (-30.0, 0.0, 25.0)]
        scored = [(*outlined(shapes, STRAIGHT, photo), photo) for photo in (baseline, follow_up)]
        start = time.process_time()
        found = register(baseline, follow_up, settings=SETTINGS.registration)
        ways = (identity_registration(), found)
        laid = [
            lay_over_reference(name, segmentation, measurement, way, baseline, SETTINGS.linking)
            for name, way, (segmentation, measurement, _) in zip("ab", ways, scored, strict=True)
        ]
        link_lesions(laid, site="s", settings=SETTINGS.linking)
        seconds.append(time.process_time() - start)
    return {"cpu_seconds_median": float(np.median(seconds)), "cpu_seconds_most": max(seconds)}


def outlined(shapes, pose: Pose, photo, *, outward_mm: float = 0.0):
    """Return the segmentation of true outlines in a photo, its edge moved outward and as soft as that is unsure."""
    # The tissue is smooth over a few pixels: places between every fourth are interpolated.
    shape, step = photo.valid.shape, 4
    coarse = np.indices((shape[0] // step + 2, shape[1] // step + 2))[::-1].reshape(2, -1).T * float(step)
    known = tissue_from_standard(pose, shape)(coarse).reshape(shape[0] // step + 2, -1, 2).astype(np.float32)
    rows, columns = (axis.astype(np.float32) / step for axis in np.indices(shape))
    places = cv2.remap(known, columns, rows, cv2.INTER_LINEAR)
    return segmented(lesion_mask(shapes, places), photo, outward_mm)


def lesion_mask(shapes, places):
    """Return which places on the tissue, in mm, lie in an outline."""
    fine, reach = 0.03, 40.0
    side = int(2 * reach / fine)
    picture = np.zeros((side, side), np.uint8)
    for one in shapes:
        points = np.rint(16 * (one.outline_xy_mm() + reach) / fine).astype(np.int32)
        cv2.fillPoly(picture, [points], 1, cv2.LINE_8, 4)
    at = ((places + reach) / fine).astype(np.float32)
    return cv2.remap(picture, at[..., 0], at[..., 1], cv2.INTER_NEAREST, borderValue=0) > 0


def segmented(mask, photo, outward_mm: float):
    """Return a segmentation and its measurement: the odds fall with the distance from the outline."""
    inside = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    signed_mm = (np.where(mask, inside - 0.5, 0.5 - outside)) * MM_PER_PX + outward_mm
    steepness = np.log(0.8413447 / 0.1586553) / BOUNDARY_MM
    probability = (1 / (1 + np.exp(-np.clip(steepness * signed_mm, -30, 30)))).astype(np.float32)
    probability[~photo.valid] = 0
    segmentation = Segmentation(
        probability=probability, mask=probability >= 0.5, valid=photo.valid, threshold=0.5, model=MODEL
    )
    return segmentation, measure(segmentation, photo.scale, smallest_lesion_mm2=0.3)


def changes() -> dict[str, float]:
    """Compare true outlines in two photos: unchanged, and changed by a known share."""
    figures = {}
    profile = repeatability()
    for name, percent, count in (
        ("zero", 0.0, 100),
        ("m75", -75.0, 100),
        ("m50", -50.0, 150),
        ("m25", -25.0, 200),
        ("p25", 25.0, 200),
    ):
        got = [
            changed(percent, profile, np.random.default_rng([number, 143 + int(percent)])) for number in range(count)
        ]
        error = np.array([one.change_percent for one in got]) - percent
        if percent == 0:
            figures["zero_change_within_2u"] = np.mean([abs(one.change_mm2) <= 2 * one.u_change_mm2 for one in got])
            judged = [one.exceeds_repeatability for one in got if one.exceeds_repeatability is not None]
            figures["zero_change_exceeds_repeatability"] = np.mean(judged)
            figures["zero_change_beyond_the_profile"] = len(got) - len(judged)
        figures |= {f"bias_points_{name}": error.mean(), f"sd_points_{name}": error.std()}
        if abs(percent) >= 50:
            figures[f"sign_wrong_{name}"] = sum(np.sign(one.change_mm2) != np.sign(percent) for one in got)
    return figures


def changed(percent: float, profile: RepeatabilityProfile | None, rng: np.random.Generator):
    """Return the change between two photos of lesions whose true areas differ by a percentage."""
    areas = np.exp(rng.uniform(np.log(5), np.log(150), size=int(rng.integers(1, 4))))
    places = [(-17.0, 0.0), (0.0, -4.0), (16.0, 3.0)]
    form = rng.uniform(0, 1, size=(len(areas), 3))
    shapes = [
        LesionShape(
            centre_xy_mm=place, area_mm2=float(area), elongation=1 + float(f[0]), amplitudes=(0.1 * float(f[1]),),
            phases_rad=(6 * float(f[2]),),
        )
        for area, place, f in zip(areas, places, form, strict=False)
    ]  # fmt: skip
    after = [replace(one, area_mm2=one.area_mm2 * (1 + percent / 100)) for one in shapes]
    shared = rng.normal()
    r = SETTINGS.change.boundary_correlation
    measured = []
    for outlines in (shapes, after):
        # Tissue that is stretched has another area, which no scale tells: the budget holds for tissue at rest.
        pose = replace(drawn_pose(rng), warp_mm=0.0, zoom=1.0, shift_mm=(0.0, 0.0), scale_error=0.0)
        blank = blank_photo(float(rng.normal(0, 0.02)))
        outward = BOUNDARY_MM * (np.sqrt(r) * shared + np.sqrt(1 - r) * rng.normal())
        measured.append(outlined(outlines, pose, blank, outward_mm=float(outward))[1])
    return compare_areas(*measured, settings=ChangeSettings(boundary_correlation=r), profile=profile)


def blank_photo(scale_error: float):
    """Return a photo whose scale is off by a share that its uncertainty allows for; what it shows does not matter."""
    shape = (540, 720)
    black = Tissue(linear_rgb=np.zeros((8, 8, 3), np.float32), mm_per_px=20.0)
    photo = photographed(black, STRAIGHT, (4.0, 3.0), np.random.default_rng(0))
    scale = Scale(mm_per_px=MM_PER_PX * (1 + scale_error), u_mm_per_px=0.02 * MM_PER_PX, source="drawn")
    return replace(
        photo, linear_rgb=np.zeros((*shape, 3), np.float32), valid=np.ones(shape, bool), scale=scale, photo_shape=shape
    )


def repeatability() -> RepeatabilityProfile:
    """Return a profile from pairs without change, other than those that are judged by it."""
    found = [changed(0.0, None, np.random.default_rng([number, 77])) for number in range(120)]
    found.sort(key=lambda one: one.baseline_mm2 + one.follow_up_mm2)
    points = []
    for third in np.array_split(np.arange(len(found)), 3):
        some = [found[k] for k in third]
        area = float(np.median([0.5 * (one.baseline_mm2 + one.follow_up_mm2) for one in some]))
        # 2.77 within-subject standard deviations are 1.96 of the differences.
        points.append((area, 1.96 * float(np.sqrt(np.mean([one.change_mm2**2 for one in some])))))
    return RepeatabilityProfile(points=tuple(points), source="pairs without change")


def links(sources: list[Source], count: int, warp_mm: float) -> dict[str, float]:
    """Follow lesions over four visits, each photographed and aligned; every other history misses a visit."""
    right = total = refused = 0
    for number in range(count):
        source = sources[number % len(sources)]
        missing = None if number % 2 else 1 + number // 2 % 2
        seen = photographed_history(source, number, history(5000 + number, missing=missing, error_mm=0.0), warp_mm)
        if seen is None:
            refused += 1
            continue
        told_visits, laid = seen
        tracks = link_lesions(laid, site="buccal-left", settings=SETTINGS.linking)
        counted = events_right(told_visits, tracks)
        right, total = right + counted[0], total + counted[1]
        for line in counted[2]:
            print(f"{source.name}, history {number}: {line}")
    return {
        "histories": count,
        "histories_with_a_photo_not_registered": refused,
        "link_events": total,
        "link_events_right_share": right / total,
    }


def photographed_history(source: Source, number: int, told_visits: list[TrueVisit], warp_mm: float):
    """Return the true visits, in the labels that were measured, and the visits over the first; None if one fails."""
    rng = np.random.default_rng([number, 44])
    reference, truth, laid, hidden = None, [], [], set()
    for visit in told_visits:
        if visit.lesions.labels is None:
            truth.append(visit)
            laid.append(visit.lesions)
            continue
        pose = STRAIGHT if reference is None else replace(drawn_pose(rng), warp_mm=warp_mm)
        photo = photographed(source.tissue, pose, FIELD_MM, rng)
        found = identity_registration()
        if reference is None:
            reference = photo
        else:
            found = register(reference, photo, settings=SETTINGS.registration)
        if not found.registered:
            return None
        rows, columns = np.indices(photo.valid.shape)
        xy = np.stack([columns.ravel(), rows.ravel()], axis=1)
        places = tissue_from_standard(pose, photo.valid.shape)(xy).reshape(*photo.valid.shape, 2) + HISTORY_MIDDLE_MM
        labels = labels_at(visit, places)
        segmentation, measurement = segmented(labels > 0, photo, 0.0)
        now = label_lesions(segmentation, measurement)
        renamed = {0: 0}
        for lesion in measurement.lesions:
            renamed[int(np.bincount(labels[now == lesion.label]).argmax())] = lesion.label
        truth.append(TrueVisit(visit.lesions, {k: (s, renamed.get(v, -1)) for k, (s, v) in visit.states.items()}))
        laid.append(
            lay_over_reference(visit.lesions.visit, segmentation, measurement, found, reference, SETTINGS.linking)
        )
        hidden |= cells_not_in_view(places, photo.valid)
    kept = [
        TrueVisit(one.lesions, {name: state for name, state in one.states.items() if cell_of(name) not in hidden})
        for one in truth
    ]
    return kept, laid


def labels_at(visit: TrueVisit, places):
    """Return the label of a history's lesion at places in mm from its frame's corner."""
    at = (places / HISTORY_MM_PER_PX).astype(np.float32)
    labels = visit.lesions.labels.astype(np.float32)
    return cv2.remap(labels, at[..., 0], at[..., 1], cv2.INTER_NEAREST, borderValue=0).astype(np.int32)


def cells_not_in_view(places, valid) -> set[str]:
    """Return the cells of a history that a photo does not show whole: their events are not judged."""
    edge = ~valid
    edge[[0, -1]] = edge[:, [0, -1]] = True
    hidden = set()
    for column, row in itertools.product(range(CELLS_XY[0]), range(CELLS_XY[1])):
        middle = (np.array([column, row]) + 0.5) * CELL_MM
        near = np.hypot(*np.moveaxis(places - middle, -1, 0)) < 0.5 * CELL_MM
        if not near.any() or (near & edge).any():
            hidden.add(f"{middle[0]:.0f}-{middle[1]:.0f}")
    return hidden


def cell_of(name: str) -> str:
    """Return the cell that a lesion of a history lies in."""
    return "-".join(name.split("-")[1:3])


if __name__ == "__main__":
    main()
