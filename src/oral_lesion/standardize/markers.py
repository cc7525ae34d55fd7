"""Find a card by its ArUco markers, and place it by their edges."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import InputError
from oral_lesion.numerics.geometry import (
    apply_homography_xy,
    fit_homography,
    homography_weight,
    local_scale,
)
from oral_lesion.protocol import CardDefinition
from oral_lesion.standardize.edges import GapLines
from oral_lesion.standardize.marker_edges import MarkerEdges, find_marker_edges, marker_corners_grid, pattern_agreement
from oral_lesion.standardize.pose import CardPose, fit_pose

__all__ = ["MarkerReading", "count_markers", "find_markers"]

_Floats = NDArray[np.float64]

_LONG_SIDES_PX, _SHARPENED_PX = (1600, 1000, 2800), 1600
_SHARPEN_SIGMA_PX, _SHARPEN_GAIN = 4.0, 3.0
_CELL_PX, _CELL_MARGIN = 10, 0.4
"""Bits are read from the middle fifth of a cell: blur spoils the rest."""
_SHORTEST_SIDE_PX = 48
_FEWEST_MARKERS = 3
_MIN_PERIMETER_RATIO = 0.015
_MAX_COARSE_ERROR_PX, _MAX_COARSE_ERROR_SIDES = 2.5, 0.1
_REFINEMENTS = 4
_MAX_GROWTH_MM, _LEAST_SLOPE = 0.25, 0.1
_MIN_PATTERN = 0.8
_MIN_ACCEPTED_EDGES, _MIN_EDGES_OF_UNDETECTED = 0.6, 0.75
_MAX_RMS_PX, _MAX_RMS_MODULES = 0.5, 0.12


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerReading:
    """
    A card located by its markers.

    Parameters
    ----------
    ids : tuple of int
        Markers that were found and agree, in the card's order.
    corners_rc_px : ndarray of float64, shape (markers, 4, 2)
        Their outer corners on the photo as seen, from the upright marker's upper left clockwise: where the lines
        through the edges found cross. NaN where a side was not seen.
    residual_covariance_px2 : ndarray of float64, shape (2, 2)
        Covariance (row, column) of those corners about the pose's own.
    pose : CardPose
        The camera's pose with its covariance; `mirrored` where the photo shows the card in a mirror.
    blur_mm : float
        Standard deviation of the edge spread.
    growth_mm : float
        How far the markers' edges lie outside of where the layout has them, on all sides: ink that spread, or a
        camera's tone curve. Allowed for in the pose.
    cards : int
        How many cards of this kind are in view.
    """

    ids: tuple[int, ...]
    corners_rc_px: _Floats
    residual_covariance_px2: _Floats
    pose: CardPose
    blur_mm: float
    growth_mm: float
    cards: int

    @property
    def mirrored(self) -> bool:
        """Whether the card appears mirrored."""
        return self.pose.mirrored

    @property
    def photo_xy_from_card_mm(self) -> _Floats:
        """Homography from the card's plane (mm, first patch at the origin) to photo pixels, shape (3, 3)."""
        return self.pose.photo_xy_from_card_mm


@dataclass(frozen=True, slots=True)
class _Seen:
    """A detected marker: its id and its corners (4, 2) in photo pixels."""

    marker_id: int
    corners_xy: _Floats


@dataclass(frozen=True, slots=True)
class _Refined:
    """The markers in view, the camera's pose, and the edges that gave it."""

    ids: tuple[int, ...]
    pose: CardPose
    edges: MarkerEdges
    growth_mm: float


def find_markers(
    srgb: NDArray[np.uint8], card: CardDefinition, *, focal_length_px: float | None = None
) -> MarkerReading | None:
    """
    Find a card by its ArUco markers.

    Markers are detected on reduced copies, mirrored ones if need be. At least three of the card's own must lie where
    one plane's view puts them; their edges are then found on the full-resolution photo and give the pose.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Upright photo.
    card : CardDefinition
        With markers.
    focal_length_px : float or None
        From the photo's metadata.

    Returns
    -------
    MarkerReading or None
        None where the card's markers are not there, are other ones, or do not fit together.

    Raises
    ------
    InputError
        Where the card has no markers.
    """
    if card.markers is None:
        raise InputError(f"card: expected one with markers, got {card.name}.")
    own = set(_ids_of(card))
    for seen in _detections(srgb):
        ours = [one for one in seen if one.marker_id in own]
        start = _consistent(ours, card)
        if start is None:
            continue
        homography, kept = start
        detected = {one.marker_id for one in kept}
        refined = _refined(srgb, homography, detected, card, focal_length_px)
        if refined is None:
            continue
        others = [one for one in ours if not any(one is other for other in kept)]
        cards = 1 if _consistent(others, card) is None else 2
        return _reading(refined, card, cards)
    return None


def count_markers(srgb: NDArray[np.uint8]) -> int:
    """
    Return how many ArUco markers are seen at once in a photo, whatever their ids.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Upright photo.

    Returns
    -------
    int
        The most that one of the reduced copies shows, the mirrored ones included.
    """
    return max((len(seen) for seen in _detections(srgb)), default=0)


def _detections(srgb: NDArray[np.uint8]) -> Iterator[list[_Seen]]:
    """Yield the markers seen on reduced copies: as it is, mirrored, then the same sharpened, then other sizes."""
    height, width = srgb.shape[:2]
    if min(height, width) < _SHORTEST_SIDE_PX:
        return
    detector = _detector()
    grey = np.asarray(cv2.cvtColor(np.ascontiguousarray(srgb), cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    sizes: list[tuple[int, int]] = []
    for long_side in _LONG_SIDES_PX:
        ratio = min(1.0, long_side / max(height, width))
        size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        if size in sizes or min(size) < _SHORTEST_SIDE_PX:
            continue
        sizes.append(size)
        reduced = grey if ratio == 1.0 else np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
        factor = np.array([width / size[0], height / size[1]])
        pictures = [reduced] if long_side != _SHARPENED_PX else [reduced, _sharpened(reduced)]
        for picture, mirrored in itertools.product(pictures, (False, True)):
            corners, ids, _ = detector.detectMarkers(np.ascontiguousarray(picture[:, ::-1]) if mirrored else picture)
            yield [
                _Seen(int(marker_id), _in_photo(found[0], size[0], mirrored, factor))
                for found, marker_id in zip(corners, [] if ids is None else ids.ravel(), strict=True)
            ]


def _detector() -> Any:
    settings = cv2.aruco.DetectorParameters()
    settings.minMarkerPerimeterRate = _MIN_PERIMETER_RATIO
    settings.perspectiveRemovePixelPerCell = _CELL_PX
    settings.perspectiveRemoveIgnoredMarginPerCell = _CELL_MARGIN
    # One wrong bit may be mended: what counts is how three markers or more lie to each other.
    settings.errorCorrectionRate = 1.0
    return cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50), settings)


def _sharpened(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    soft = cv2.GaussianBlur(grey, (0, 0), _SHARPEN_SIGMA_PX)
    return np.asarray(cv2.addWeighted(grey, 1.0 + _SHARPEN_GAIN, soft, -_SHARPEN_GAIN, 0.0), dtype=np.uint8)


def _in_photo(corners: NDArray[np.float32], width: int, mirrored: bool, factor: _Floats) -> _Floats:
    xy = corners.astype(np.float64)
    if mirrored:
        xy[:, 0] = width - 1 - xy[:, 0]
    return np.asarray((xy + 0.5) * factor - 0.5, dtype=np.float64)


def _consistent(seen: list[_Seen], card: CardDefinition) -> tuple[_Floats, list[_Seen]] | None:
    """Return the view of the card that most markers share, and these; None where fewer than three do."""
    if len({one.marker_id for one in seen}) < _FEWEST_MARKERS:
        return None
    grid = np.concatenate([marker_corners_grid(card, one.marker_id) for one in seen])
    photo = np.concatenate([one.corners_xy for one in seen])
    sides = np.linalg.norm(photo - np.roll(photo.reshape(-1, 4, 2), 1, axis=1).reshape(-1, 2), axis=1)
    tolerance = max(_MAX_COARSE_ERROR_PX, _MAX_COARSE_ERROR_SIDES * float(np.median(sides)))
    # OpenCV's RANSAC draws from a generator of fixed seed: equal input gives equal output.
    homography, agree = cv2.findHomography(grid, photo, cv2.RANSAC, tolerance)
    if homography is None or not np.isfinite(homography).all():
        return None
    good = np.asarray(agree.reshape(-1, 4).astype(bool).all(axis=1), dtype=np.bool_)
    kept = [one for one, is_good in zip(seen, good, strict=True) if is_good]
    if len(kept) < _FEWEST_MARKERS or len({one.marker_id for one in kept}) < len(kept):
        return None
    rows = np.repeat(good, 4)
    try:
        fitted = fit_homography(grid[rows], photo[rows])
    except InputError:
        return None
    away = np.linalg.norm(apply_homography_xy(fitted, grid[rows]) - photo[rows], axis=1)
    in_front = _in_front(fitted, grid)
    return (fitted, kept) if in_front and float(away.max()) <= tolerance else None


def _in_front(homography: _Floats, grid: _Floats) -> bool:
    weight = homography_weight(homography, grid)
    return bool(np.isfinite(homography).all() and ((weight > 0).all() or (weight < 0).all()))


def _refined(
    srgb: NDArray[np.uint8],
    homography: _Floats,
    detected: set[int],
    card: CardDefinition,
    focal_length_px: float | None,
) -> _Refined | None:
    """Return pose and edges; None where the markers' edges do not lie as on the card."""
    ids = _visible(srgb, homography, detected, card)
    tried: list[tuple[float, float]] = []
    for _ in range(_REFINEMENTS):
        edges = find_marker_edges(srgb, homography, card, ids)
        if edges.found.sum() < _MIN_ACCEPTED_EDGES * len(edges.found):
            return None
        growth = _next_growth(tried)
        pose = fit_pose(homography, _lines(edges, growth), card, (srgb.shape[0], srgb.shape[1]), focal_length_px)
        homography = pose.photo_xy_from_grid
        tried.append((growth, _mean_growth_mm(edges, homography, card) - growth))
    module_px = float(local_scale(pose.photo_xy_from_card_mm, pose.centre_mm)) * _module_mm(card)
    within = pose.rms_px <= max(_MAX_RMS_PX, _MAX_RMS_MODULES * module_px)
    if not (within and pose.accepted_ratio >= _MIN_ACCEPTED_EDGES):
        return None
    return _Refined(ids, pose, edges, growth)


def _lines(edges: MarkerEdges, growth_mm: float) -> GapLines:
    """Return the edges found as lines to fit a pose to, the markers grown on all sides."""
    found = edges.found
    return GapLines(
        grid_xy=(edges.grid_xy + growth_mm * edges.outward_grid)[found],
        photo_xy=edges.photo_xy[found],
        normal_xy=edges.normal_xy[found],
        u_px=edges.u_px[found],
    )


def _mean_growth_mm(edges: MarkerEdges, homography: _Floats, card: CardDefinition) -> float:
    """Return how far out the edges lie under a pose: the median over sides, so that a hidden one has no say."""
    away_mm = (apply_homography_xy(np.linalg.inv(homography), edges.photo_xy) - edges.grid_xy) * card.pitch_xy_mm
    outward = edges.outward_grid * card.pitch_xy_mm
    return float(np.median(np.sum(away_mm * outward, axis=1)[edges.found]))


def _next_growth(tried: list[tuple[float, float]]) -> float:
    """Return the growth that leaves none over, by the secant of what earlier ones left over."""
    if not tried:
        return 0.0
    growth, left = tried[-1]
    step = left
    if len(tried) > 1:
        before, left_before = tried[-2]
        slope = (left - left_before) / (growth - before) if growth != before else -1.0
        step = -left / slope if slope < -_LEAST_SLOPE else left
    return float(np.clip(growth + step, -_MAX_GROWTH_MM, _MAX_GROWTH_MM))


def _visible(srgb: NDArray[np.uint8], homography: _Floats, detected: set[int], card: CardDefinition) -> tuple[int, ...]:
    """Return the markers detected, and those whose edges can be seen where they must lie."""
    ids = _ids_of(card)
    found = find_marker_edges(srgb, homography, card, ids).found.reshape(len(ids), -1).mean(axis=1)
    return tuple(
        marker_id for marker_id, share in zip(ids, found, strict=True)
        if marker_id in detected
        or (share >= _MIN_EDGES_OF_UNDETECTED and pattern_agreement(srgb, homography, card, marker_id) > _MIN_PATTERN)
    )  # fmt: skip


def _reading(refined: _Refined, card: CardDefinition, cards: int) -> MarkerReading:
    corners = _crossings_xy(refined)
    grid = np.stack([marker_corners_grid(card, one) for one in refined.ids])
    away = corners - apply_homography_xy(refined.pose.photo_xy_from_grid, grid)
    away = away.reshape(-1, 2)[np.isfinite(away).all(axis=2).ravel(), ::-1]
    return MarkerReading(
        ids=refined.ids,
        corners_rc_px=np.ascontiguousarray(corners[..., ::-1]),
        residual_covariance_px2=away.T @ away / max(1, len(away)),
        pose=refined.pose,
        blur_mm=refined.edges.sigma_mm,
        growth_mm=refined.growth_mm,
        cards=cards,
    )


def _ids_of(card: CardDefinition) -> tuple[int, ...]:
    return () if card.markers is None else tuple(marker.id for marker in card.markers.placed)


def _module_mm(card: CardDefinition) -> float:
    return 1.0 if card.markers is None else card.markers.module_mm


def _crossings_xy(refined: _Refined) -> _Floats:
    """Return where the lines through each marker's sides cross, their growth taken off, shape (markers, 4, 2)."""
    edges, markers, homography = refined.edges, len(refined.ids), refined.pose.photo_xy_from_grid
    at = apply_homography_xy(homography, edges.grid_xy + refined.growth_mm * edges.outward_grid)
    grown = at - apply_homography_xy(homography, edges.grid_xy)
    photo = (edges.photo_xy - grown).reshape(markers, 4, -1, 2)
    found = edges.found.reshape(markers, 4, -1)
    lines = np.full((markers, 4, 3), np.nan)
    for marker in range(markers):
        for side in range(4):
            points = photo[marker, side][found[marker, side]]
            if len(points) < 2:
                continue
            middle = points.mean(axis=0)
            normal = np.linalg.svd(points - middle)[2][1]
            lines[marker, side] = (*normal, -normal @ middle)
    crossing = np.cross(np.roll(lines, 1, axis=1), lines)
    return np.asarray(crossing[..., :2] / crossing[..., 2:], dtype=np.float64)
