"""Find cards of greys alone by their flat quadrilaterals: no colour tells where such a card is, or its order."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.geometry import apply_homography_xy, fit_homography
from oral_lesion.protocol import CardDefinition
from oral_lesion.standardize.candidates import Candidate, covers, pyramid, to_photo
from oral_lesion.standardize.grey_match import (
    MAX_GREY_MISMATCH,
    grey_mismatch,
    looks_like_the_card,
    sample_patches,
)
from oral_lesion.standardize.orders import reference_linear_rgb

__all__ = ["find_grey_candidates"]

_Floats = NDArray[np.float64]

_SLOPES = (1.0, 2.5, 6.0)
_LEAST_AREA_PX, _MOST_AREA_RATIO = 60, 0.08
_MOST_REGIONS, _MOST_QUADS = 250, 160
_LEAST_FILL, _MOST_ASPECT = 0.86, 3.0
_EDGE_PX = 1.5
_SIMILAR_AREA, _NEAREST = 1.9, 8
_MOST_LENGTH_RATIO = 1.3
_MOST_AWAY_PITCHES = 0.10
_STEPS = (1, 2)
_MIN_ORDER_RATIO = 1.15


def find_grey_candidates(srgb: NDArray[np.uint8], card: CardDefinition) -> list[Candidate]:
    """
    Find a card of greys, or several, on reduced copies of a photo.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Upright photo.
    card : CardDefinition
        All its patches grey, two columns or more.

    Returns
    -------
    list of Candidate
        At most one for each place; the best first. A single row looks the same in a mirror: it is taken as seen
        directly.
    """
    if card.columns < min(_STEPS) + 1:
        return []
    reference = reference_linear_rgb(card)
    for reduced, factor in pyramid(srgb):
        found = _distinct(_matching(reduced, card, reference), card)
        if found:
            return [to_photo(candidate, factor) for candidate in found]
    return []


def _matching(srgb: NDArray[np.uint8], card: CardDefinition, reference: _Floats) -> list[Candidate]:
    found = []
    spared = len(reference) // 6
    for homography in _placements(_flat_quads(srgb), card):
        median, flat = sample_patches(srgb, homography, card)
        if np.count_nonzero(~flat) > spared:
            continue
        mismatch = grey_mismatch(median[flat], reference[flat])
        if mismatch <= MAX_GREY_MISMATCH and looks_like_the_card(srgb, homography, card):
            found.append(Candidate(photo_xy_from_grid=homography, delta_e00=mismatch))
    return found


def _flat_quads(srgb: NDArray[np.uint8]) -> list[_Floats]:
    """Return quadrilaterals (4, 2) without any slope inside of them, the largest first."""
    grey = np.asarray(cv2.GaussianBlur(cv2.cvtColor(srgb, cv2.COLOR_RGB2GRAY), (0, 0), 1.0), dtype=np.float32)
    slope = cv2.magnitude(
        cv2.Scharr(grey, cv2.CV_32F, 1, 0, scale=1 / 32), cv2.Scharr(grey, cv2.CV_32F, 0, 1, scale=1 / 32)
    )
    quads = []
    for limit in _SLOPES:
        _, labels, stats, _ = cv2.connectedComponentsWithStats((slope < limit).astype(np.uint8), connectivity=4)
        areas = stats[:, cv2.CC_STAT_AREA]
        usual = (areas >= _LEAST_AREA_PX) & (areas <= _MOST_AREA_RATIO * grey.size)
        usual[0] = False
        regions = np.flatnonzero(usual)
        for region in regions[np.argsort(-areas[regions], kind="stable")][:_MOST_REGIONS]:
            x, y, wide, high = (int(value) for value in stats[region, :4])
            quad = _quad_of((labels[y : y + high, x : x + wide] == region).astype(np.uint8))
            if quad is not None:
                quads.append(quad + np.array([x, y]))
    quads.sort(key=lambda quad: -float(cv2.contourArea(quad.astype(np.float32))))
    return quads[:_MOST_QUADS]


def _quad_of(mask: NDArray[np.uint8]) -> _Floats | None:
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = cv2.convexHull(max(contours, key=cv2.contourArea))
    area = float(cv2.contourArea(hull))
    if len(hull) < 4 or area < _LEAST_FILL * _LEAST_AREA_PX / 2 or np.count_nonzero(mask) < _LEAST_FILL * area:
        return None
    _, (wide, high), _ = cv2.minAreaRect(hull)
    if max(wide, high) > _MOST_ASPECT * min(wide, high) or area < 0.6 * wide * high:
        return None
    quad = np.asarray(cv2.approxPolyN(hull, 4), dtype=np.float64).reshape(-1, 2)
    if quad.shape != (4, 2) or area < _LEAST_FILL * cv2.contourArea(quad.astype(np.float32)):
        return None
    middle = quad.mean(axis=0)
    # The slope at its border took a little off all round.
    return np.asarray(middle + (quad - middle) * (1.0 + 2.0 * _EDGE_PX / max(min(wide, high), 1.0)))


def _placements(quads: list[_Floats], card: CardDefinition) -> Iterator[_Floats]:
    """Yield homographies from the card's grid to the picture that put two patches of a row onto two quadrilaterals."""
    if len(quads) < 2:
        return
    middles = np.array([quad.mean(axis=0) for quad in quads])
    areas = np.array([cv2.contourArea(quad.astype(np.float32)) for quad in quads])
    for first in range(len(quads)):
        away = np.linalg.norm(middles - middles[first], axis=1)
        similar = (areas < _SIMILAR_AREA * areas[first]) & (areas * _SIMILAR_AREA > areas[first])
        reach = 4.0 * max(_STEPS) * np.sqrt(areas[first])
        near = np.flatnonzero(similar & (away > 0.5 * np.sqrt(areas[first])) & (away < reach))
        for second in near[np.argsort(away[near], kind="stable")][:_NEAREST]:
            yield from _laid(quads[first], quads[second], card)


def _laid(first: _Floats, second: _Floats, card: CardDefinition) -> Iterator[_Floats]:
    axis = second.mean(axis=0) - first.mean(axis=0)
    half = 0.5 * np.array(card.patch_xy_mm) / np.array(card.pitch_xy_mm)
    signs = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])
    corners = [_ordered(quad, axis) for quad in (first, second)]
    if corners[0] is None or corners[1] is None:
        return
    length = float(np.linalg.norm(corners[0][1] - corners[0][0] + corners[0][2] - corners[0][3]) / 2.0)
    for step in _STEPS:
        ratio = float(np.linalg.norm(axis)) / max(length * step / (2.0 * half[0]), 1e-9)
        if step >= card.columns or not 1.0 / _MOST_LENGTH_RATIO < ratio < _MOST_LENGTH_RATIO:
            continue
        for mirror in (1.0, -1.0) if card.rows > 1 else (1.0,):
            cells = signs * half * (1.0, mirror)
            grid = np.concatenate([cells, cells + np.array([step, 0.0])])
            points = np.concatenate([corners[0], corners[1]])
            try:
                homography = fit_homography(grid, points)
            except ValueError:
                continue
            apart = np.linalg.norm(apply_homography_xy(homography, grid) - points, axis=1)
            if float(apart.max()) > _MOST_AWAY_PITCHES * float(np.linalg.norm(axis)) / step:
                continue
            for row in range(card.rows):
                for column in range(card.columns - step):
                    yield homography @ np.array([[1.0, 0.0, -column], [0.0, 1.0, -row], [0.0, 0.0, 1.0]])


def _ordered(quad: _Floats, axis: _Floats) -> _Floats | None:
    """Return the corners in the order of `signs`, x along the axis, y a quarter turn from it; None where skew."""
    along = axis / float(np.linalg.norm(axis))
    turned = (quad - quad.mean(axis=0)) @ np.array([[along[0], -along[1]], [along[1], along[0]]])
    order = []
    for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        match = np.flatnonzero((turned[:, 0] * x > 0) & (turned[:, 1] * y > 0))
        if len(match) != 1:
            return None
        order.append(int(match[0]))
    return np.asarray(quad[order])


def _distinct(candidates: list[Candidate], card: CardDefinition) -> list[Candidate]:
    """Return one candidate for each place, and none for a place where two orders explain the lightness alike."""
    kept: list[Candidate] = []
    unclear: list[bool] = []
    for candidate in sorted(candidates, key=lambda one: one.delta_e00):
        far = (card.columns - 1.0, card.rows - 1.0)
        centre = apply_homography_xy(candidate.photo_xy_from_grid, (far[0] / 2.0, far[1] / 2.0))
        same = next((place for place, other in enumerate(kept) if covers(other, centre, card.rows, card.columns)), None)
        if same is None:
            kept.append(candidate)
            unclear.append(False)
            continue
        start = apply_homography_xy(
            np.linalg.inv(kept[same].photo_xy_from_grid), apply_homography_xy(candidate.photo_xy_from_grid, (0.0, 0.0))
        )
        other_order = float(np.abs(start).max()) > 0.5
        close = candidate.delta_e00 < _MIN_ORDER_RATIO * kept[same].delta_e00
        unclear[same] = unclear[same] or (other_order and close)
    return [candidate for candidate, doubt in zip(kept, unclear, strict=True) if not doubt]
