"""Polygons to pixels and back, by one rule: a pixel is inside where its centre is."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from oral_lesion.adapters.annotations.records import MaskPatch, Region
from oral_lesion.errors import FormatError

__all__ = ["cropped", "ellipse_xy", "fill_polygon", "outlines_xy", "paint_region", "rectangle_xy", "require_polygon"]

_FARTHEST_PX = 1e6
_MOST_VERTICES = 1_000_000
_ELLIPSE_VERTICES = 360


def require_polygon(points_xy: object) -> NDArray[np.float64]:
    """
    Return the vertices of a polygon, checked.

    Parameters
    ----------
    points_xy : object
        Whatever a file holds; expected pairs of numbers.

    Returns
    -------
    ndarray of float64, shape (vertices, 2)

    Raises
    ------
    FormatError
        Where they are fewer than three pairs, or no finite numbers within a million pixels.
    """
    try:
        points = np.asarray(points_xy, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise FormatError("a polygon holds something other than pairs of numbers; draw it again") from error
    if points.ndim != 2 or points.shape[1] != 2 or not 3 <= len(points) <= _MOST_VERTICES:
        raise FormatError(f"a polygon: expected three pairs of numbers or more, got {points.shape}; draw it again")
    if not np.isfinite(points).all() or np.abs(points).max() > _FARTHEST_PX:
        raise FormatError("a polygon's vertex is no number, or lies more than a million pixels away; draw it again")
    return points


def rectangle_xy(first_xy: tuple[float, float], second_xy: tuple[float, float]) -> NDArray[np.float64]:
    """
    Return a rectangle as a polygon.

    Parameters
    ----------
    first_xy, second_xy : tuple of float
        Two opposite corners.

    Returns
    -------
    ndarray of float64, shape (4, 2)
    """
    (x0, y0), (x1, y1) = first_xy, second_xy
    return require_polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def ellipse_xy(
    center_xy: tuple[float, float], radii: tuple[float, float], *, angle: float = 0.0
) -> NDArray[np.float64]:
    """
    Return an ellipse as a polygon of 360 vertices; it lacks 0.005 % of the area.

    Parameters
    ----------
    center_xy : tuple of float
        Middle.
    radii : tuple of float
        Half axes along x and y before the turn, in pixels.
    angle : float
        Turn from x towards y (clockwise as seen), in radians.

    Returns
    -------
    ndarray of float64, shape (360, 2)

    Raises
    ------
    FormatError
        Where a half axis is negative.
    """
    if not all(radius >= 0 for radius in radii):
        raise FormatError(f"an ellipse: expected half axes of 0 or more, got {radii[0]:g} and {radii[1]:g}")
    turn = np.linspace(0.0, 2 * math.pi, _ELLIPSE_VERTICES, endpoint=False)
    x, y = radii[0] * np.cos(turn), radii[1] * np.sin(turn)
    cosine, sine = math.cos(angle), math.sin(angle)
    return require_polygon(
        np.stack([center_xy[0] + cosine * x - sine * y, center_xy[1] + sine * x + cosine * y], axis=1)
    )


def fill_polygon(points_xy: NDArray[np.float64], shape: tuple[int, int]) -> tuple[int, int, NDArray[np.bool_]]:
    """
    Return the pixels whose centres lie inside a polygon; what lies outside of the picture is cut off.

    Centres on a left or upper edge are inside, those on a right or lower edge are not: polygons that share an edge
    share no pixel and leave none out. Where a polygon crosses itself the even-odd rule decides.

    Parameters
    ----------
    points_xy : ndarray of float64, shape (vertices, 2)
        Pixels from the picture's upper left corner; the first pixel's centre is (0.5, 0.5).
    shape : tuple of int
        Height and width of the picture.

    Returns
    -------
    top, left : int
        Row and column of the first pixel of what is returned: the polygon's bounding box within the picture.
    inside : ndarray of bool, shape (height, width)
        True in the polygon; may be empty.
    """
    height, width = shape
    left, top = (
        int(np.clip(math.floor(low), 0, side)) for low, side in zip(points_xy.min(0), (width, height), strict=True)
    )
    right, bottom = (
        int(np.clip(math.ceil(high), 0, side)) for high, side in zip(points_xy.max(0), (width, height), strict=True)
    )
    rows, columns = max(0, bottom - top), max(0, right - left)
    switches = np.zeros((rows, columns + 1), dtype=np.uint8)
    for start, end in zip(points_xy, np.roll(points_xy, -1, axis=0), strict=True):
        (x0, y0), (x1, y1) = (start, end) if start[1] < end[1] else (end, start)
        first = max(0, math.ceil(y0 - 0.5) - top)
        last = min(rows, math.ceil(y1 - 0.5) - top)
        if last <= first:
            continue
        centers = np.arange(first, last) + top + 0.5
        crossings = x0 + (centers - y0) * ((x1 - x0) / (y1 - y0))
        at = np.clip(np.ceil(crossings - 0.5) - left, 0, columns).astype(np.int64)
        switches[np.arange(first, last), at] ^= 1
    inside = np.bitwise_xor.accumulate(switches, axis=1)[:, :columns].astype(bool)
    return top, left, inside


def paint_region(labels: NDArray[np.uint8], region: Region, value: int) -> int:
    """
    Paint a region onto a mask.

    Parameters
    ----------
    labels : ndarray of uint8, shape (height, width)
        Changed in place.
    region : Region
        What lies outside of the picture is cut off.
    value : int
        To be set inside.

    Returns
    -------
    int
        Number of pixels that it covers.
    """
    height, width = labels.shape
    patches = [fill_polygon(polygon, (height, width)) for polygon in region.polygons_xy]
    if region.patch is not None:
        patches.append((region.patch.top, region.patch.left, region.patch.inside))
    covered = 0
    for first_row, first_column, pixels in patches:
        rows, columns = pixels.shape
        top, left = max(0, first_row), max(0, first_column)
        bottom, right = min(height, first_row + rows), min(width, first_column + columns)
        if bottom <= top or right <= left:
            continue
        inside = pixels[top - first_row : bottom - first_row, left - first_column : right - first_column]
        labels[top:bottom, left:right][inside] = value
        covered += int(np.count_nonzero(inside))
    return covered


def cropped(inside: NDArray[np.bool_]) -> MaskPatch:
    """
    Return a mask's pixels within their bounding box.

    Parameters
    ----------
    inside : ndarray of bool, shape (height, width)
        Of a whole picture.

    Returns
    -------
    MaskPatch
        Of no pixels where the mask is empty.
    """
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return MaskPatch.of(np.zeros((0, 0), dtype=bool), top=0, left=0)
    top, left = int(rows[0]), int(columns[0])
    return MaskPatch.of(inside[top : rows[-1] + 1, left : columns[-1] + 1], top=top, left=left)


def outlines_xy(inside: NDArray[np.bool_], *, tolerance_px: float = 0.0) -> tuple[NDArray[np.float64], ...]:
    """
    Return polygons along the edges of a mask's pixels: filled by `fill_polygon`, they give the mask again.

    With a tolerance they have fewer vertices, which people can move, and give about the mask.

    A hole is joined to the first outline by a bridge that is walked there and back, which every tool's even-odd
    filling cancels out; formats without holes can hold it so.

    Parameters
    ----------
    inside : ndarray of bool, shape (height, width)
        Mask.
    tolerance_px : float
        How far a pixel's edge may lie from the polygon.

    Returns
    -------
    tuple of ndarray of float64, shape (vertices, 2)
        One for each 4-connected lesion.

    References
    ----------
    .. [1] Douglas, Peucker 1973, doi:10.3138/FM57-6770-U75U-7727 (fewer vertices). Checked:
       tests/adapters/review/test_outlines.py, by the area that is left.
    """
    from scipy.ndimage import find_objects, label

    labelled, _ = label(inside)
    polygons = []
    for number, (rows, columns) in enumerate(find_objects(labelled), start=1):
        loops = [_simpler(loop, tolerance_px) for loop in _loops_xy(labelled[rows, columns] == number)]
        loops.sort(key=lambda loop: (*loop.min(axis=0), -np.ptp(loop[:, 0])))
        joined = [np.vstack([loop, loop[:1]]) for loop in loops]
        points = np.vstack([*joined, *(loop[:1] for loop in reversed(loops[:-1]))]) if len(loops) > 1 else loops[0]
        polygons.append(points + np.array([columns.start, rows.start], dtype=np.float64))
    return tuple(polygons)


def _simpler(loop_xy: NDArray[np.float64], tolerance_px: float) -> NDArray[np.float64]:
    """Leave out vertices of a loop; one that would become a line stays as it is."""
    from skimage.measure import approximate_polygon

    if tolerance_px <= 0:
        return loop_xy
    fewer: NDArray[np.float64] = approximate_polygon(np.vstack([loop_xy, loop_xy[:1]]), tolerance_px)[:-1]
    return fewer if len(fewer) > 2 else loop_xy


def _loops_xy(inside: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Walk along the pixel edges between inside and outside; a corner that two pixels share is walked twice."""
    padded = np.pad(inside, 1)
    ahead: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for (step_row, step_column), (start, end) in {
        (-1, 0): ((0, 0), (0, 1)), (0, 1): ((0, 1), (1, 1)), (1, 0): ((1, 1), (1, 0)), (0, -1): ((1, 0), (0, 0)),
    }.items():  # fmt: skip
        neighbour = np.roll(padded, (-step_row, -step_column), axis=(0, 1))
        for row, column in np.argwhere(padded & ~neighbour) - 1:
            ahead[(int(row) + start[0], int(column) + start[1])].append((int(row) + end[0], int(column) + end[1]))
    loops = []
    while ahead:
        here = first = min(ahead)
        walked = []
        while True:
            walked.append(here)
            onward = ahead[here]
            here_next = onward.pop()
            if not onward:
                del ahead[here]
            here = here_next
            if here == first:
                break
        points = np.array(walked, dtype=np.float64)[:, ::-1]
        turns = np.any((points - np.roll(points, 1, axis=0)) != (np.roll(points, -1, axis=0) - points), axis=1)
        loops.append(points[turns])
    return loops
