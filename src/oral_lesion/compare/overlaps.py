"""How lesions of different visits lie to each other in the shared frame."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.records import VisitLesions

__all__ = ["LesionOverlaps"]


class LesionOverlaps:
    """
    Shared pixels, gaps and views of the lesions of all visits; each pair of visits is counted once.

    Parameters
    ----------
    visits : sequence of VisitLesions
        In one frame. A lesion is named by the index of its visit and its label.
    """

    def __init__(self, visits: Sequence[VisitLesions]) -> None:
        self._visits = visits
        self._shared: dict[tuple[int, int], NDArray[np.int64]] = {}
        self._seen: dict[tuple[int, int], NDArray[np.int64]] = {}

    def alike(self, first: tuple[int, int], second: tuple[int, int], least: float) -> float:
        """
        Return how much two lesions are one by overlap.

        Parameters
        ----------
        first, second : tuple of int
            (visit, label).
        least : float
            Share of the smaller that must lie in the larger.

        Returns
        -------
        float
            Dice, in [0, 1]; 0 below `least`. Of the parts of a lesion that split, the largest is most alike, however
            completely a small one lies in the old outline.
        """
        shared, sizes = self._pixels(first, second), (self._size(first), self._size(second))
        if shared == 0 or shared < least * min(sizes):
            return 0.0
        return 2.0 * shared / sum(sizes)

    def covered(self, inner: tuple[int, int], outer: tuple[int, int]) -> float:
        """
        Return the share of a lesion that lies in another.

        Parameters
        ----------
        inner, outer : tuple of int
            (visit, label).

        Returns
        -------
        float
            In [0, 1]; 0 for a lesion beyond the frame.
        """
        size = self._size(inner)
        return self._pixels(inner, outer) / size if size else 0.0

    def in_view(self, lesion: tuple[int, int], visit: int) -> float:
        """
        Return the share of a lesion's place that a visit shows.

        Parameters
        ----------
        lesion : tuple of int
            (visit, label).
        visit : int
            The visit that is asked.

        Returns
        -------
        float
            In [0, 1]; 0 for a lesion beyond the frame, whose place nobody knows.
        """
        key, size = (lesion[0], visit), self._size(lesion)
        if key not in self._seen:
            self._seen[key] = np.bincount(self._labels(lesion[0])[self._view(visit)], minlength=1)
        return int(self._at(self._seen[key], lesion[1])) / size if size else 0.0

    def gap_mm(self, first: tuple[int, int], second: tuple[int, int]) -> float:
        """
        Return the distance between the nearest pixels of two lesions.

        Parameters
        ----------
        first, second : tuple of int
            (visit, label).

        Returns
        -------
        float
            mm; 0 where they touch, infinite for a lesion beyond the frame.
        """
        there = self._labels(second[0]) == second[1]
        if not self._size(first) or not there.any():
            return float("inf")
        away = cv2.distanceTransform(
            (self._labels(first[0]) != first[1]).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
        )
        return max(0.0, float(np.asarray(away)[there].min()) - 1.0) * self._visits[first[0]].mm_per_px

    def _size(self, lesion: tuple[int, int]) -> int:
        return self._pixels(lesion, lesion)

    def _pixels(self, first: tuple[int, int], second: tuple[int, int]) -> int:
        key = (first[0], second[0])
        if key not in self._shared:
            one, other = self._labels(first[0]), self._labels(second[0])
            both = (one > 0) & (other > 0)
            table = np.zeros((int(one.max(initial=0)) + 1, int(other.max(initial=0)) + 1), dtype=np.int64)
            np.add.at(table, (one[both], other[both]), 1)
            self._shared[key] = table
        table = self._shared[key]
        # A lesion that lies beyond the frame has a label above those in it, and no pixels.
        if first[1] >= table.shape[0] or second[1] >= table.shape[1]:
            return 0
        return int(table[first[1], second[1]])

    def _labels(self, visit: int) -> NDArray[np.int32]:
        labels = self._visits[visit].labels
        return labels if labels is not None else np.zeros((1, 1), dtype=np.int32)

    def _view(self, visit: int) -> NDArray[np.bool_]:
        in_view = self._visits[visit].in_view
        return in_view if in_view is not None else np.zeros((1, 1), dtype=np.bool_)

    @staticmethod
    def _at(counts: NDArray[np.int64], label: int) -> int:
        return int(counts[label]) if label < len(counts) else 0
