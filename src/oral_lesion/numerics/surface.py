"""Distances between the borders of two masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from oral_lesion.errors import InputError

__all__ = ["BorderDistances", "border_distances"]

_DIAGONAL = 0.5**0.5
# Length of a border by the corners of a 2×2 window that are set, in bits 8 4 / 2 1.
_LENGTH_PX = np.array((0.0, _DIAGONAL, 1.0, 2 * _DIAGONAL))[[0, 1, 1, 2, 1, 2, 3, 1, 1, 3, 2, 1, 2, 1, 1, 0]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BorderDistances:
    """
    Pieces of the borders of two masks: how far each is from the other border, and how long it is.

    Parameters
    ----------
    distance_px : tuple of ndarray of float64
        Of the first mask's pieces to the second's border, and the other way, rising.
    length_px : tuple of ndarray of float64
        Of the pieces, in the same order.
    """

    distance_px: tuple[NDArray[np.float64], NDArray[np.float64]]
    length_px: tuple[NDArray[np.float64], NDArray[np.float64]]

    def normalized_surface_distance(self, tolerance_px: float) -> float:
        """
        Return the share of both borders that lies within a tolerance of the other.

        Parameters
        ----------
        tolerance_px : float
            In pixels.

        Returns
        -------
        float
            In [0, 1]; 0 where one mask is empty, 1 where both are.

        References
        ----------
        .. [1] Nikolov et al. 2021, doi:10.2196/26151. Checked: tests/reference/test_surface.py (the published tests of
           the authors' code, and that code itself).
        """
        total = sum(float(length.sum()) for length in self.length_px)
        near = sum(
            float(length[distance <= tolerance_px].sum())
            for distance, length in zip(self.distance_px, self.length_px, strict=True)
        )
        return near / total if total else 1.0

    def hausdorff_px(self, share: float = 0.95) -> float:
        """
        Return the distance within which a share of each border lies.

        Parameters
        ----------
        share : float
            In (0, 1].

        Returns
        -------
        float
            In pixels, the larger of both directions; NaN where a mask is empty.

        References
        ----------
        .. [1] Huttenlocher et al. 1993, doi:10.1109/34.232073; weighted by length as Nikolov et al. 2021,
           doi:10.2196/26151. Checked: tests/reference/test_surface.py.
        """
        if not all(len(distance) for distance in self.distance_px):
            return float("nan")
        farthest = []
        for distance, length in zip(self.distance_px, self.length_px, strict=True):
            reached = np.cumsum(length) / length.sum()
            farthest.append(float(distance[min(int(np.searchsorted(reached, share)), len(distance) - 1)]))
        return max(farthest)


def border_distances(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> BorderDistances:
    """
    Measure the distances between the borders of two masks; beyond the picture is background.

    Parameters
    ----------
    first, second : ndarray of bool, shape (height, width)
        Masks.

    Returns
    -------
    BorderDistances
        Pieces lie between pixels. Where one mask is empty the other's distances are infinite.

    Raises
    ------
    InputError
        The shapes differ.
    """
    if first.shape != second.shape or first.ndim != 2:
        raise InputError(f"masks: expected two of one shape (height, width), got {first.shape} and {second.shape}")
    rows, columns = np.nonzero(first | second)
    if not len(rows):
        nothing = np.zeros(0)
        return BorderDistances(distance_px=(nothing, nothing), length_px=(nothing, nothing))
    box = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    codes = [_window_codes(mask[box]) for mask in (first, second)]
    borders = [(code != 0) & (code != 15) for code in codes]
    to_border = [
        ndimage.distance_transform_edt(~border) if border.any() else np.full(border.shape, np.inf) for border in borders
    ]
    pieces = []
    for own, other in ((0, 1), (1, 0)):
        distance, length = to_border[other][borders[own]], _LENGTH_PX[codes[own]][borders[own]]
        order = np.lexsort((length, distance))
        pieces.append((distance[order], length[order]))
    return BorderDistances(distance_px=(pieces[0][0], pieces[1][0]), length_px=(pieces[0][1], pieces[1][1]))


def _window_codes(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return which corners of every 2×2 window are set, background all round."""
    padded = np.pad(mask, 1).astype(np.uint8)
    codes: NDArray[np.uint8] = 8 * padded[:-1, :-1] + 4 * padded[:-1, 1:] + 2 * padded[1:, :-1] + padded[1:, 1:]
    return codes
