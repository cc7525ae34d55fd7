"""Find colour cards on reduced copies of a photo; a candidate counts by its colours and its geometry alone."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.color import linear_from_srgb
from oral_lesion.numerics.geometry import apply_homography_xy, fit_homography
from oral_lesion.protocol import CardDefinition
from oral_lesion.standardize.candidates import SHORTEST_SIDE_PX, Candidate, covers, pyramid, to_photo
from oral_lesion.standardize.lattice import find_lattices, placements
from oral_lesion.standardize.orders import MAX_MISMATCH, color_mismatch, reference_linear_rgb
from oral_lesion.standardize.snap import snap_to_patches

__all__ = ["MAX_MISMATCH", "Candidate", "color_mismatch", "find_candidates", "reference_linear_rgb"]

_COLUMNS, _ROWS = 6, 4
_MAX_ASPECT = 6.0
_MCC_PITCH, _MCC_FIRST, _MCC_BOX = 2.75, 1.5, (16.75, 11.25)
_MIN_ORDER_RATIO = 1.15
_MIN_FLAT_PATCHES = 16
_SAMPLES = np.linspace(-0.2, 0.2, 5)


def find_candidates(srgb: NDArray[np.uint8], card: CardDefinition) -> list[Candidate]:
    """
    Find the card, or several, on reduced copies of a photo.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Upright photo.
    card : CardDefinition
        With 4 rows of 6 patches.

    Returns
    -------
    list of Candidate
        At most one for each place; the best first. Empty where there is none.
    """
    if (card.rows, card.columns) != (_ROWS, _COLUMNS) or min(srgb.shape[:2]) < SHORTEST_SIDE_PX:
        return []
    reference = reference_linear_rgb(card)
    for reduced, factor in pyramid(srgb):
        found = _search(reduced, reference)
        if found:
            others = _search(_cover(reduced, found), reference)
            return [to_photo(candidate, factor) for candidate in _distinct(found + others)]
    return []


def _search(srgb: NDArray[np.uint8], reference: NDArray[np.float64]) -> list[Candidate]:
    linear = linear_from_srgb(srgb)
    found = [_oriented(linear, _homographies_of_box(box), reference) for box in _detected_boxes(srgb)]
    if not any(found):
        found = [
            _oriented(linear, [homography @ way for way in placements(cells)], reference)
            for homography, cells in find_lattices(srgb)
        ]
    return _distinct([_snapped(srgb, linear, one, reference) for one in found if one is not None])


def _homographies_of_box(box: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    try:
        picture_from_unit = fit_homography([(0, 0), (1, 0), (1, 1), (0, 1)], box)
    except ValueError:
        return []
    return [picture_from_unit @ way for way in _WAYS]


def _snapped(
    srgb: NDArray[np.uint8], linear: NDArray[np.float32], candidate: Candidate, reference: NDArray[np.float64]
) -> Candidate:
    homography = snap_to_patches(srgb, candidate.photo_xy_from_grid)
    if homography is None:
        return candidate
    median, flat = _patch_colors(linear, homography)
    delta_e00 = color_mismatch(median, reference) if flat >= _MIN_FLAT_PATCHES else np.inf
    if delta_e00 > candidate.delta_e00 + 0.5:
        return candidate
    return Candidate(photo_xy_from_grid=homography, delta_e00=delta_e00)


def _detected_boxes(srgb: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
    height, width = srgb.shape[:2]
    picture: NDArray[Any] = np.ascontiguousarray(srgb[..., ::-1])
    if max(height, width) > _MAX_ASPECT * min(height, width):
        # The detector enlarges the short side: a narrow strip would exhaust the memory.
        short = int(max(height, width) / _MAX_ASPECT)
        picture = cv2.copyMakeBorder(picture, 0, max(0, short - height), 0, max(0, short - width), cv2.BORDER_REPLICATE)
    mcc: Any = cv2.mcc
    detector = mcc.CCheckerDetector_create()
    detector.setColorChartType(mcc.MCC24)
    parameters = mcc.DetectorParametersMCC()
    parameters.minImageSize = 400
    detector.setDetectionParams(parameters)
    try:
        if not detector.process(picture, 4):
            return []
        checkers = detector.getListColorChecker()
    except cv2.error:
        return []
    boxes = [np.asarray(checker.getBox(), dtype=np.float64).reshape(-1, 2) for checker in checkers]
    return [
        box
        for box in boxes
        if box.shape == (4, 2) and np.isfinite(box).all() and cv2.isContourConvex(box.astype(np.float32))
    ]


def _box_from_grid() -> list[NDArray[np.float64]]:
    """Return the eight ways to lay the grid into the unit square: four quarter turns, and mirrored."""
    ways = []
    pitch, first, (long, short) = _MCC_PITCH, _MCC_FIRST, _MCC_BOX
    base = np.array([[pitch / long, 0.0, first / long], [0.0, pitch / short, first / short], [0.0, 0.0, 1.0]])
    turn = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    mirror = np.array([[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    for flip in (np.eye(3), mirror):
        for turns in range(4):
            ways.append(np.linalg.matrix_power(turn, turns) @ flip @ base)
    return ways


_WAYS = _box_from_grid()
_GRID_XY = np.stack(np.meshgrid(np.arange(6.0), np.arange(4.0)), axis=-1).reshape(24, 2)
_OFFSETS_XY = np.stack(np.meshgrid(_SAMPLES, _SAMPLES), axis=-1).reshape(1, 25, 2)


def _oriented(
    linear: NDArray[np.float32], homographies: list[NDArray[np.float64]], reference: NDArray[np.float64]
) -> Candidate | None:
    """Return the way to lay the card that explains the colours, if one does and none comes near it."""
    scored = []
    for homography in homographies:
        median, flat = _patch_colors(linear, homography)
        if flat >= _MIN_FLAT_PATCHES:
            scored.append((color_mismatch(median, reference), homography))
    if not scored:
        return None
    scored.sort(key=lambda pair: pair[0])
    best, homography = scored[0]
    clear = len(scored) == 1 or scored[1][0] > _MIN_ORDER_RATIO * best
    if best > MAX_MISMATCH or not clear:
        return None
    return Candidate(photo_xy_from_grid=homography, delta_e00=best)


def _patch_colors(
    linear: NDArray[np.float32], picture_from_grid: NDArray[np.float64]
) -> tuple[NDArray[np.float64], int]:
    height, width = linear.shape[:2]
    points = apply_homography_xy(picture_from_grid, _GRID_XY[:, None] + _OFFSETS_XY)
    centres = points[:, 12]
    if (centres < 0).any() or (centres[:, 0] > width - 1).any() or (centres[:, 1] > height - 1).any():
        return np.zeros((24, 3)), 0
    columns = np.clip(np.rint(points[..., 0]), 0, width - 1).astype(np.intp)
    rows = np.clip(np.rint(points[..., 1]), 0, height - 1).astype(np.intp)
    samples = linear[rows, columns].astype(np.float64)
    median = np.median(samples, axis=1)
    tone = np.cbrt(samples.mean(axis=2))
    inside = np.median(np.abs(tone - np.median(tone, axis=1, keepdims=True)), axis=1)
    between = float(np.std(np.median(tone, axis=1)))
    return median, int(np.sum(inside < 0.25 * between))


def _distinct(candidates: list[Candidate]) -> list[Candidate]:
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda one: one.delta_e00):
        centre = apply_homography_xy(candidate.photo_xy_from_grid, (2.5, 1.5))
        if not any(covers(other, centre, _ROWS, _COLUMNS) for other in kept):
            kept.append(candidate)
    return kept


def _cover(srgb: NDArray[np.uint8], candidates: list[Candidate]) -> NDArray[np.uint8]:
    covered = srgb.copy()
    for candidate in candidates:
        corners = apply_homography_xy(
            candidate.photo_xy_from_grid, [(-0.6, -0.6), (5.6, -0.6), (5.6, 3.6), (-0.6, 3.6)]
        )
        cv2.fillConvexPoly(covered, np.rint(corners).astype(np.int32), (0, 0, 0))
    return covered
