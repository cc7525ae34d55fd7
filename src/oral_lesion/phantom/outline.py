"""Outlines of lesions in mm, and the exact share of each pixel that an outline covers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import InputError

__all__ = ["Coverage", "LesionShape", "polygon_area", "polygon_coverage"]

Points = NDArray[np.float64]

_VERTICES = 720
_MAX_AMPLITUDE_SUM = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionShape:
    """
    A smooth closed outline on the plane, of exactly the area asked for.

    The radius follows a Fourier series of the angle; the outline is then stretched, turned and scaled.

    Parameters
    ----------
    centre_xy_mm : tuple of float
        Where the series has its origin: right and down of the field's centre.
    area_mm2 : float
        Area of the outline's dense polygon, exact to rounding.
    elongation : float
        Length over width of the stretched circle, 1 or more.
    orientation_deg : float
        Direction of the length, from the x axis towards the y axis (clockwise as seen).
    amplitudes : tuple of float
        Amplitude of harmonic 2, 3, … relative to the mean radius; their absolute values sum to less than 0.8.
    phases_rad : tuple of float
        Phase of each harmonic.

    Raises
    ------
    InputError
        Where a number is not finite or out of range, or amplitudes and phases differ in number.
    """

    centre_xy_mm: tuple[float, float] = (0.0, 0.0)
    area_mm2: float
    elongation: float = 1.0
    orientation_deg: float = 0.0
    amplitudes: tuple[float, ...] = ()
    phases_rad: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        numbers = (
            *self.centre_xy_mm, self.area_mm2, self.elongation, self.orientation_deg,
            *self.amplitudes, *self.phases_rad,
        )  # fmt: skip
        if not all(math.isfinite(number) for number in numbers):
            raise InputError(f"LesionShape: expected finite numbers, got {numbers}.")
        if self.area_mm2 <= 0:
            raise InputError(f"LesionShape.area_mm2: expected more than 0, got {self.area_mm2}.")
        if self.elongation < 1:
            raise InputError(f"LesionShape.elongation: expected 1 or more, got {self.elongation}.")
        if len(self.amplitudes) != len(self.phases_rad):
            raise InputError(
                "LesionShape: expected a phase for each amplitude, "
                f"got {len(self.amplitudes)} amplitudes and {len(self.phases_rad)} phases."
            )
        if sum(abs(amplitude) for amplitude in self.amplitudes) >= _MAX_AMPLITUDE_SUM:
            raise InputError(
                f"LesionShape.amplitudes: expected a sum below {_MAX_AMPLITUDE_SUM} "
                f"(else the outline may cross itself), got {self.amplitudes}."
            )

    def outline_xy_mm(self, *, margin_mm: float = 0.0) -> Points:
        """
        Return the outline as a dense polygon.

        Parameters
        ----------
        margin_mm : float
            Moves each vertex away from the centre by this length.

        Returns
        -------
        ndarray of float64, shape (720, 2)
            x to the right and y down, in mm from the field's centre.
        """
        angle = np.linspace(0.0, 2 * np.pi, _VERTICES, endpoint=False)
        radius = np.ones_like(angle)
        waves = zip(self.amplitudes, self.phases_rad, strict=True)
        for order, (amplitude, phase) in enumerate(waves, start=2):
            radius += amplitude * np.cos(order * angle + phase)
        stretch = math.sqrt(self.elongation)
        along, across = radius * np.cos(angle) * stretch, radius * np.sin(angle) / stretch
        turn = math.radians(self.orientation_deg)
        points = np.stack(
            [
                along * math.cos(turn) - across * math.sin(turn),
                along * math.sin(turn) + across * math.cos(turn),
            ],
            axis=1,
        )
        points *= math.sqrt(self.area_mm2 / polygon_area(points))
        if margin_mm:
            length = np.hypot(points[:, 0], points[:, 1])[:, None]
            points *= (length + margin_mm) / length
        moved: Points = points + np.asarray(self.centre_xy_mm)
        return moved

    @property
    def reach_mm(self) -> float:
        """Largest distance of the outline from its centre, in mm."""
        offset = self.outline_xy_mm() - np.asarray(self.centre_xy_mm)
        return float(np.hypot(offset[:, 0], offset[:, 1]).max())


def polygon_area(points: Points) -> float:
    """
    Return the area that a polygon encloses, by the shoelace formula.

    Parameters
    ----------
    points : ndarray of float64, shape (n, 2)
        Vertices in order, either way round; not repeated at the end.

    Returns
    -------
    float
        In the points' unit squared, 0 or more.
    """
    x, y = points[:, 0], points[:, 1]
    return abs(float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """
    The share of each pixel that a polygon covers, cut out.

    Parameters
    ----------
    rows, columns : slice
        Where the cut-out lies in the picture.
    share : ndarray of float32, shape (rows, columns)
        In [0, 1].
    """

    rows: slice
    columns: slice
    share: NDArray[np.float32]


def polygon_coverage(points: Points, shape: tuple[int, int]) -> Coverage | None:
    """
    Return the exact share of each pixel that a simple polygon covers.

    The edges are cut at the pixels' borders; each piece then adds a trapezoid to its own pixel and its height
    to all pixels right of it, so that a running sum along the rows gives the area without any sampling.

    Parameters
    ----------
    points : ndarray of float64, shape (n, 2)
        Vertices (x, y) in pixels; integers are pixel centres. The polygon must not cross itself.
    shape : tuple of int
        (height, width) of the picture; what lies outside of it is cut off.

    Returns
    -------
    Coverage or None
        None where the polygon does not meet the picture.
    """
    height, width = shape
    inside = _clip_to(points + 0.5, width, height)
    if len(inside) < 3:
        return None
    left, top = (int(number) for number in np.floor(inside.min(axis=0)))
    right, bottom = (int(number) for number in np.ceil(inside.max(axis=0)))
    right, bottom = min(max(right, left + 1), width), min(max(bottom, top + 1), height)
    if left >= width or top >= height:
        return None
    local = inside - (left, top)
    start, end = _cut(local, np.roll(local, -1, axis=0), axis=1)
    start, end = _cut(start, end, axis=0)
    rows, columns = bottom - top, right - left
    middle = (start + end) / 2
    column = np.clip(np.floor(middle[:, 0]).astype(np.int64), 0, columns - 1)
    row = np.clip(np.floor(middle[:, 1]).astype(np.int64), 0, rows - 1)
    fall = end[:, 1] - start[:, 1]
    to_right = fall * (middle[:, 0] - column)
    cell = row * (columns + 1) + column
    size = rows * (columns + 1)
    summed = np.bincount(cell, fall - to_right, size) + np.bincount(cell + 1, to_right, size + 1)[:size]
    share = np.abs(np.cumsum(summed.reshape(rows, columns + 1), axis=1)[:, :columns])
    return Coverage(
        rows=slice(top, bottom),
        columns=slice(left, right),
        share=np.clip(share, 0, 1).astype(np.float32),
    )


def _clip_to(points: Points, width: float, height: float) -> Points:
    """Return the part of a polygon inside of [0, width] × [0, height] (Sutherland and Hodgman 1974)."""
    for axis, limit, sign in ((0, 0.0, 1.0), (0, width, -1.0), (1, 0.0, 1.0), (1, height, -1.0)):
        if not len(points):
            return points
        distance = sign * (points[:, axis] - limit)
        if np.all(distance >= 0):
            continue
        following, distance_following = np.roll(points, -1, axis=0), np.roll(distance, -1)
        crosses = (distance >= 0) != (distance_following >= 0)
        kept: list[Points] = []
        for index in range(len(points)):
            if distance[index] >= 0:
                kept.append(points[index])
            if crosses[index]:
                part = distance[index] / (distance[index] - distance_following[index])
                kept.append(points[index] + part * (following[index] - points[index]))
        points = np.array(kept).reshape(-1, 2)
    return points


def _cut(start: Points, end: Points, *, axis: int) -> tuple[Points, Points]:
    """Return the segments cut wherever their coordinate on `axis` passes an integer."""
    first, last = start[:, axis], end[:, axis]
    lowest = np.floor(np.minimum(first, last)) + 1
    highest = np.ceil(np.maximum(first, last)) - 1
    cuts = np.maximum(highest - lowest + 1, 0).astype(np.int64)
    pieces = cuts + 1
    segment = np.repeat(np.arange(len(start)), pieces)
    piece = np.arange(int(pieces.sum())) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    rises = (last > first)[segment]
    length = np.where(last == first, 1.0, last - first)[segment]

    def share(number: NDArray[np.int64]) -> Points:
        level = np.where(rises, lowest[segment] + number - 1, highest[segment] - number + 1)
        part = (level - first[segment]) / length
        return np.where(number == 0, 0.0, np.where(number == pieces[segment], 1.0, part))[:, None]

    step = (end - start)[segment]
    return start[segment] + share(piece) * step, start[segment] + share(piece + 1) * step
