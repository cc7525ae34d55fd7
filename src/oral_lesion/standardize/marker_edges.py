"""Where the outer edges of a card's markers lie in a photo, to a small fraction of a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from oral_lesion.errors import InputError
from oral_lesion.numerics.color import linear_from_srgb
from oral_lesion.numerics.geometry import apply_homography_xy
from oral_lesion.numerics.markers import MARKER_MODULES, marker_cells
from oral_lesion.protocol import CardDefinition, CardMarkers

__all__ = ["MarkerEdges", "find_marker_edges", "marker_corners_grid", "pattern_agreement"]

_Floats = NDArray[np.float64]

_REACH = 0.8
_OFFSETS = np.linspace(-_REACH, _REACH, 41)
_ALONG = np.linspace(-0.3, 0.3, 7)
_FIRST_MODULE, _LAST_MODULE = 1, MARKER_MODULES - 1
_SIGMAS, _SKIP = np.geomspace(0.02, 0.8, 25), 3
_ROUNDS = 4
_MAX_SHIFT = 0.6
_MIN_CONTRAST = 0.02
_MAX_UNEXPLAINED = 0.2
_FAR_MODULES = 3.0
_RIDGE = 1e-6
_SIDES = np.array([[[-1, -1], [1, -1]], [[1, -1], [1, 1]], [[1, 1], [-1, 1]], [[-1, 1], [-1, -1]]], dtype=np.float64)
"""Ends of the upper, right, lower and left side, clockwise, in half markers from the middle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerEdges:
    """
    Points on the outer edges of markers, in the order marker, side, module.

    Parameters
    ----------
    grid_xy : ndarray of float64, shape (n, 2)
        Where the point lies on the card, in grid coordinates.
    photo_xy : ndarray of float64, shape (n, 2)
        Where its edge was found in the photo; only the position across the edge counts.
    normal_xy : ndarray of float64, shape (n, 2)
        Unit vector across the edge in the photo.
    outward_grid : ndarray of float64, shape (n, 2)
        One mm away from the marker's black, in grid coordinates.
    u_px : ndarray of float64, shape (n,)
        Standard uncertainty across the edge from the fit of one profile, in photo pixels.
    found : ndarray of bool, shape (n,)
        False where no edge of the expected form was seen.
    sigma_mm : float
        Standard deviation of the edge spread on the card.
    """

    grid_xy: _Floats
    photo_xy: _Floats
    normal_xy: _Floats
    outward_grid: _Floats
    u_px: _Floats
    found: NDArray[np.bool_]
    sigma_mm: float


@dataclass(frozen=True, slots=True)
class _Places:
    """
    Middles of modules on the markers' sides, in mm: where, and which way is inwards and along the side.

    `white_behind`: 1 where the cell behind the border is white, else 0. `paper`: modules of paper before the side.
    """

    middle_mm: _Floats
    inward: _Floats
    tangent: _Floats
    white_behind: _Floats
    paper: _Floats


def marker_corners_grid(card: CardDefinition, marker_id: int) -> _Floats:
    """
    Return the outer corners of one of the card's markers in grid coordinates.

    Parameters
    ----------
    card : CardDefinition
        With markers and outer size.
    marker_id : int
        One of its ids.

    Returns
    -------
    ndarray of float64, shape (4, 2)
        From the upright marker's upper left corner clockwise, as OpenCV's detector gives them.
    """
    markers = _markers_of(card)
    middle = next(marker.xy_mm for marker in markers.placed if marker.id == marker_id)
    return _grid_from_mm(card, np.array(middle) + _SIDES[:, 0] * markers.side_mm / 2.0)


def find_marker_edges(
    srgb: NDArray[np.uint8], photo_xy_from_grid: _Floats, card: CardDefinition, ids: Sequence[int]
) -> MarkerEdges:
    """
    Find the outer edges of markers on the full-resolution photo.

    Each edge is sampled across at the middle of its inner four modules, in linear light, and compared with white
    paper, one black module and the cell behind, blurred by a normal spread that all edges share. What lies beyond the
    card's border or a neighbouring marker may have any level.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Upright photo.
    photo_xy_from_grid : ndarray of float64, shape (3, 3)
        Homography from grid coordinates to photo pixels, right to about half a module.
    card : CardDefinition
        With markers.
    ids : sequence of int
        Markers in view.

    Returns
    -------
    MarkerEdges
    """
    module = _markers_of(card).module_mm
    places = _places(card, ids)
    profiles, inside = _sample(srgb, photo_xy_from_grid, card, places, module)
    sigma, shift, u_shift, good = _fit(profiles, places)
    found_mm = places.middle_mm + (shift * module)[:, None] * places.inward
    photo = apply_homography_xy(photo_xy_from_grid, _grid_from_mm(card, found_mm))
    ends = [
        apply_homography_xy(photo_xy_from_grid, _grid_from_mm(card, found_mm + sign * 0.5 * module * direction))
        for direction in (places.tangent, places.inward)
        for sign in (-1.0, 1.0)
    ]
    along, across = ends[1] - ends[0], ends[3] - ends[2]
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.linalg.norm(along, axis=1, keepdims=True)
    return MarkerEdges(
        grid_xy=_grid_from_mm(card, places.middle_mm),
        photo_xy=photo,
        normal_xy=normal,
        outward_grid=-places.inward / np.array(card.pitch_xy_mm),
        u_px=u_shift * np.abs(np.sum(across * normal, axis=1)),
        found=good & inside,
        sigma_mm=sigma * module,
    )


def pattern_agreement(
    srgb: NDArray[np.uint8], photo_xy_from_grid: _Floats, card: CardDefinition, marker_id: int
) -> float:
    """
    Return how well the photo shows a marker's pattern where it must lie.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Upright photo.
    photo_xy_from_grid : ndarray of float64, shape (3, 3)
        Homography from grid coordinates to photo pixels, right to about half a module.
    card : CardDefinition
        With markers.
    marker_id : int
        One of its ids.

    Returns
    -------
    float
        Correlation of the modules' brightness with the pattern, in [-1, 1]; 0 where it lies outside of the photo.
    """
    corners = marker_corners_grid(card, marker_id)
    at = (np.arange(MARKER_MODULES) + 0.5) / MARKER_MODULES
    along, down = np.meshgrid(at, at)
    grid = corners[0] + along[..., None] * (corners[1] - corners[0]) + down[..., None] * (corners[3] - corners[0])
    photo = apply_homography_xy(photo_xy_from_grid, grid)
    if not (np.isfinite(photo).all() and photo.min() >= 0.0 and (photo <= np.array(srgb.shape[1::-1]) - 1.0).all()):
        return 0.0
    column, row = np.moveaxis(np.rint(photo).astype(int), -1, 0)
    level = srgb[row, column].astype(np.float64).mean(axis=-1)
    white = marker_cells(marker_id).astype(np.float64)
    spread = float(level.std() * white.std())
    return float(np.mean((level - level.mean()) * (white - white.mean())) / spread) if spread > 0.0 else 0.0


def _markers_of(card: CardDefinition) -> CardMarkers:
    if card.markers is None:
        raise InputError(f"card: expected one with markers, got {card.name}.")
    return card.markers


def _grid_from_mm(card: CardDefinition, points_mm: _Floats) -> _Floats:
    """Return grid coordinates of points in mm from the card's corner."""
    return np.asarray((points_mm - np.array(card.first_patch_xy_mm)) / np.array(card.pitch_xy_mm), dtype=np.float64)


def _places(card: CardDefinition, ids: Sequence[int]) -> _Places:
    markers = _markers_of(card)
    middles = {marker.id: np.array(marker.xy_mm) for marker in markers.placed}
    half, last = markers.side_mm / 2.0, MARKER_MODULES - 1
    rows: list[tuple[_Floats, _Floats, _Floats, float, float]] = []
    for marker_id in ids:
        cells = marker_cells(marker_id)
        for side, (start, end) in enumerate(_SIDES):
            step = (end - start) / 2.0
            inward = np.array([-step[1], step[0]])
            paper = _paper_modules(card, middles[marker_id], inward)
            # Cells one module inside each side, in the side's own direction.
            behind = (cells[1], cells[:, last - 1], cells[last - 1, ::-1], cells[::-1, 1])[side]
            for module in range(_FIRST_MODULE, _LAST_MODULE):
                along = start + (module + 0.5) / MARKER_MODULES * (end - start)
                rows.append((middles[marker_id] + half * along, inward, step, float(behind[module]), paper))
    return _Places(*(np.array(column, dtype=np.float64) for column in zip(*rows, strict=True)))


def _paper_modules(card: CardDefinition, middle_mm: _Floats, inward: _Floats) -> float:
    """Return the width of white paper before a marker's side: to the card's border or the next marker."""
    markers, size = _markers_of(card), np.array(card.outer_mm)
    half = markers.side_mm / 2.0
    axis = int(np.argmax(np.abs(inward)))
    to_border = middle_mm[axis] if inward[axis] > 0 else size[axis] - middle_mm[axis]
    gaps = [float(to_border) - half]
    for other in markers.placed:
        away = np.array(other.xy_mm) - middle_mm
        if -away @ inward > half and abs(away[1 - axis]) < markers.side_mm:
            gaps.append(float(-away @ inward) - markers.side_mm)
    return min(gaps) / markers.module_mm


def _sample(
    srgb: NDArray[np.uint8], homography: _Floats, card: CardDefinition, places: _Places, module: float
) -> tuple[_Floats, NDArray[np.bool_]]:
    """Return linear profiles (n, offsets) from outside inwards, and which lie inside the picture."""
    offsets = places.inward[:, None, None] * (_OFFSETS[:, None, None] * module)
    along = places.tangent[:, None, None] * (_ALONG[:, None] * module)
    points_mm = places.middle_mm[:, None, None] + offsets + along
    photo = apply_homography_xy(homography, _grid_from_mm(card, points_mm))
    limit = np.array(srgb.shape[1::-1])
    seen = np.isfinite(photo) & (photo >= 0.0) & (photo <= limit - 1.0)
    inside = np.asarray(seen.all(axis=(1, 2, 3)), dtype=np.bool_)
    if not inside.any():
        return np.zeros((len(photo), len(_OFFSETS))), inside
    low = np.clip(np.floor(photo[inside].min(axis=(0, 1, 2))).astype(int) - 1, 0, limit - 1)
    high = np.clip(np.ceil(photo[inside].max(axis=(0, 1, 2))).astype(int) + 2, low + 1, limit)
    luma = cv2.cvtColor(np.ascontiguousarray(srgb[low[1] : high[1], low[0] : high[0]]), cv2.COLOR_RGB2GRAY)
    # Samples outside of the picture are dropped later: any place in the crop serves them.
    local = np.where(inside[:, None, None, None], photo - low, 0.0).astype(np.float32)
    flat = local.reshape(len(photo), -1, 2)
    values = cv2.remap(
        linear_from_srgb(np.asarray(luma, dtype=np.uint8)),
        flat[..., 0],
        flat[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(values.reshape(local.shape[:3]).mean(axis=2), dtype=np.float64), inside


def _fit(profiles: _Floats, places: _Places) -> tuple[float, _Floats, _Floats, NDArray[np.bool_]]:
    """Return the common spread, each edge's shift and its uncertainty, in modules, and which edges are good."""
    variance = np.maximum(profiles.var(axis=1), 1e-12)

    def cost(index: int, rounds: int) -> float:
        left = _fit_shifts(profiles, places, float(_SIGMAS[index]), rounds)[3]
        return float(np.sum(np.minimum(left / variance, _MAX_UNEXPLAINED)))

    roughly = min(range(0, len(_SIGMAS), _SKIP), key=lambda index: cost(index, 2))
    near = range(max(0, roughly - _SKIP + 1), min(len(_SIGMAS), roughly + _SKIP))
    sigma = float(_SIGMAS[min(near, key=lambda index: cost(index, _ROUNDS))])
    shift, u_shift, contrast, left = _fit_shifts(profiles, places, sigma, _ROUNDS)
    good = (contrast > _MIN_CONTRAST) & (left / variance < _MAX_UNEXPLAINED) & (np.abs(shift) < _MAX_SHIFT)
    return sigma, shift, u_shift, good


def _fit_shifts(
    profiles: _Floats, places: _Places, sigma: float, rounds: int
) -> tuple[_Floats, _Floats, _Floats, _Floats]:
    """Return shift, its uncertainty, contrast and mean square residual of each profile for a given spread."""
    shift = np.zeros(len(profiles))
    white_behind, paper = places.white_behind[:, None], places.paper[:, None]
    for _ in range(rounds):
        at = _OFFSETS - shift[:, None]
        black = ndtr(at / sigma) - white_behind * ndtr((at - 1.0) / sigma)
        slope = _normal(at, sigma) - white_behind * _normal(at - 1.0, sigma)
        beyond = np.where(paper < _FAR_MODULES, ndtr(-(at + paper) / sigma), 0.0)
        design = np.stack([np.ones_like(black), -black, slope, beyond], axis=2)
        normal = design.swapaxes(1, 2) @ design + _RIDGE * np.eye(4)
        values = np.linalg.solve(normal, design.swapaxes(1, 2) @ profiles[:, :, None])[:, :, 0]
        contrast, moved = values[:, 1], values[:, 2]
        step = np.where(contrast > 1e-6, moved / np.where(contrast > 1e-6, contrast, 1.0), 0.0)
        shift = np.clip(shift + np.clip(step, -0.3, 0.3), -1.0, 1.0)
    residual = profiles - np.einsum("nij,nj->ni", design, values)
    left = np.mean(residual**2, axis=1)
    u_shift = np.sqrt(left * np.linalg.inv(normal)[:, 2, 2]) / np.maximum(contrast, 1e-6)
    return shift, u_shift, contrast, left


def _normal(at: _Floats, sigma: float) -> _Floats:
    return np.asarray(np.exp(-0.5 * (at / sigma) ** 2) / (sigma * np.sqrt(2.0 * np.pi)), dtype=np.float64)
