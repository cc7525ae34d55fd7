"""Find lattices of patch-like blobs: what the chart detector overlooks or misjudges."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.geometry import apply_homography_xy, fit_homography

__all__ = ["find_lattices", "placements"]

_Floats = NDArray[np.float64]
_Cell = tuple[int, int]
_BLOCKS_PX = (31, 81)
_LEAST_AREA_PX, _MOST_AREA_RATIO = 30.0, 0.02
_LEAST_FILL, _MOST_ASPECT = 0.75, 2.6
_SIMILAR_AREA = 2.2
_NEAREST = 8
_REACH, _NEAR = 4.5, 0.28
_LEAST_SINE, _MOST_UNEQUAL = 0.7, 2.4
_FEWEST_BLOBS = 9
_LONG_SIDE, _SHORT_SIDE = 6, 4
_MOST_LATTICES = 3
_MOST_BLOBS = 600


def find_lattices(srgb: NDArray[np.uint8]) -> list[tuple[_Floats, list[_Cell]]]:
    """
    Find regular arrangements of bright blobs on a darker ground.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Reduced photo.

    Returns
    -------
    list of (ndarray of float64, shape (3, 3), list of (int, int))
        Homography from lattice cells (x, y) to pixels and the cells where a blob was seen; those with most first.
    """
    lattices = []
    red, green, blue = cv2.split(srgb)
    lightness = np.asarray(cv2.max(cv2.max(red, green), blue), dtype=np.uint8)
    for block in _BLOCKS_PX:
        middles, areas = _blobs(lightness, block)
        free = np.ones(len(middles), dtype=bool)
        for _ in range(_MOST_LATTICES):
            cells = _largest_lattice(middles, areas, free)
            if len(cells) < _FEWEST_BLOBS:
                break
            free[list(cells.values())] = False
            homography = _homography_of(cells, middles)
            if homography is not None:
                lattices.append((homography, sorted(cells)))
    return sorted(lattices, key=lambda lattice: -len(lattice[1]))


def _blobs(lightness: NDArray[np.uint8], block: int) -> tuple[_Floats, _Floats]:
    """Return middles (n, 2) and areas (n,) of compact bright blobs."""
    bright = cv2.adaptiveThreshold(lightness, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, block, -3)
    contours, _ = cv2.findContours(bright, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    most = _MOST_AREA_RATIO * lightness.size
    middles, areas = [], []
    for contour in contours:
        if len(contour) < 4:
            continue
        area = cv2.contourArea(contour)
        if not _LEAST_AREA_PX <= area <= most:
            continue
        _, (width, height), _ = cv2.minAreaRect(contour)
        if area < _LEAST_FILL * width * height or max(width, height) > _MOST_ASPECT * min(width, height):
            continue
        moments = cv2.moments(contour)
        middles.append((moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]))
        areas.append(area)
    order = np.argsort(-np.array(areas), kind="stable")[:_MOST_BLOBS]
    return np.array(middles, dtype=np.float64).reshape(-1, 2)[order], np.array(areas, dtype=np.float64)[order]


def _largest_lattice(middles: _Floats, areas: _Floats, free: NDArray[np.bool_]) -> dict[_Cell, int]:
    best: dict[_Cell, int] = {}
    tried = ~free
    for seed in np.flatnonzero(free):
        if tried[seed]:
            continue
        similar = free & (areas < _SIMILAR_AREA * areas[seed]) & (areas * _SIMILAR_AREA > areas[seed])
        offsets = middles - middles[seed]
        distance = np.hypot(offsets[:, 0], offsets[:, 1])
        near = np.flatnonzero(similar & (distance > 0) & (distance < _REACH * math.sqrt(areas[seed])))
        near = near[np.argsort(distance[near], kind="stable")][:_NEAREST]
        for first, second in _axes(offsets[near]):
            cells = _grow(int(seed), first, second, middles, similar)
            if len(cells) > len(best):
                best = cells
            tried[list(cells.values())] |= len(cells) >= _FEWEST_BLOBS
    return best


def _axes(offsets: _Floats) -> list[tuple[_Floats, _Floats]]:
    """Return up to two pairs of lattice vectors: the nearest neighbour, and the nearest across to it."""
    pairs = []
    for first in offsets[:2]:
        for second in offsets:
            sine = abs(first[0] * second[1] - first[1] * second[0])
            lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
            if sine > _LEAST_SINE * lengths and np.linalg.norm(second) < _MOST_UNEQUAL * np.linalg.norm(first):
                pairs.append((first, second))
                break
    return pairs


def _grow(seed: int, first: _Floats, second: _Floats, middles: _Floats, usable: NDArray[np.bool_]) -> dict[_Cell, int]:
    """Walk from blob to blob along both axes; each step starts from the blob's own place and local axes."""
    cells: dict[_Cell, int] = {(0, 0): seed}
    taken = {seed}
    queue = [((0, 0), first, second)]
    candidates = np.flatnonzero(usable)
    while queue:
        (i, j), along, across = queue.pop(0)
        here = middles[cells[i, j]]
        for step_i, step_j, vector in ((1, 0, along), (-1, 0, -along), (0, 1, across), (0, -1, -across)):
            cell = (i + step_i, j + step_j)
            if cell in cells or max(abs(cell[0]), abs(cell[1])) >= _LONG_SIDE:
                continue
            away = np.hypot(*(middles[candidates] - here - vector).T)
            nearest = int(np.argmin(away))
            blob = int(candidates[nearest])
            if away[nearest] > _NEAR * float(np.linalg.norm(vector)) or blob in taken:
                continue
            found = middles[blob] - here
            found = found if step_i + step_j > 0 else -found
            cells[cell] = blob
            taken.add(blob)
            queue.append((cell, found if step_i else along, found if step_j else across))
    return cells


def _homography_of(cells: dict[_Cell, int], middles: _Floats) -> _Floats | None:
    grid = np.array(list(cells), dtype=np.float64)
    points = middles[list(cells.values())]
    extent = np.ptp(grid, axis=0)
    if extent.min() < 2 or extent.max() > _LONG_SIDE + 1:
        return None
    try:
        homography = fit_homography(grid, points)
    except ValueError:
        return None
    away = np.linalg.norm(apply_homography_xy(homography, grid) - points, axis=1)
    return homography if float(np.median(away)) < 0.1 * float(np.linalg.norm(points[0] - points[1])) else None


def placements(cells: list[_Cell]) -> list[_Floats]:
    """
    Return all ways to lay a card of 4 rows of 6 patches over a lattice so that most blobs lie on patches.

    Parameters
    ----------
    cells : list of (int, int)
        Lattice cells with a blob.

    Returns
    -------
    list of ndarray of float64, shape (3, 3)
        Homographies from grid coordinates to lattice cells: turned, mirrored and shifted.
    """
    seen = np.array(cells)
    ways = []
    for wide, high in ((_LONG_SIDE, _SHORT_SIDE), (_SHORT_SIDE, _LONG_SIDE)):
        for left in range(int(seen[:, 0].max()) - wide + 1 - 2, int(seen[:, 0].min()) + 3):
            for top in range(int(seen[:, 1].max()) - high + 1 - 2, int(seen[:, 1].min()) + 3):
                inside = (seen >= (left, top)).all(axis=1) & (seen < (left + wide, top + high)).all(axis=1)
                if inside.mean() >= 0.8:
                    ways.extend(_turned(left, top, wide, high))
    return ways


def _turned(left: int, top: int, wide: int, high: int) -> list[_Floats]:
    right, bottom = left + wide - 1, top + high - 1
    turned = []
    for x_start, x_step in ((left, 1), (right, -1)):
        for y_start, y_step in ((top, 1), (bottom, -1)):
            if wide > high:
                rows = [[x_step, 0, x_start], [0, y_step, y_start], [0, 0, 1]]
            else:
                rows = [[0, x_step, x_start], [y_step, 0, y_start], [0, 0, 1]]
            turned.append(np.array(rows, dtype=np.float64))
    return turned
