"""Cards found roughly, and the reduced copies of a photo that they are looked for on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.geometry import apply_homography_xy, jacobian, shrink
from oral_lesion.protocol import CardDefinition

__all__ = ["SHORTEST_SIDE_PX", "Candidate", "covers", "pyramid", "to_photo"]

SHORTEST_SIDE_PX = 48
_LONG_SIDES_PX = (1000, 1500, 700, 2200)
_SMALL_PX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """
    A card found on a reduced photo.

    Parameters
    ----------
    photo_xy_from_grid : ndarray of float64, shape (3, 3)
        Homography from grid coordinates (column, row of a patch; the first patch is (0, 0)) to photo pixels.
    delta_e00 : float
        From `color_mismatch`; small where colours and order are right.
    """

    photo_xy_from_grid: NDArray[np.float64]
    delta_e00: float

    @property
    def mirrored(self) -> bool:
        """Whether the card appears mirrored."""
        return bool(np.linalg.det(jacobian(self.photo_xy_from_grid, (2.5, 1.5))) < 0)

    def outline_xy(self, card: CardDefinition, margin: float = 0.5) -> NDArray[np.float64]:
        """
        Return the corners of the patch area.

        Parameters
        ----------
        card : CardDefinition
            Rows and columns.
        margin : float
            How far beyond the centres of the outer patches, in pitches.

        Returns
        -------
        ndarray of float64, shape (4, 2)
            Photo pixels: at the first patch, then clockwise on the card.
        """
        right, bottom = card.columns - 1 + margin, card.rows - 1 + margin
        grid = [(-margin, -margin), (right, -margin), (right, bottom), (-margin, bottom)]
        return apply_homography_xy(self.photo_xy_from_grid, grid)


def pyramid(srgb: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.uint8], float]]:
    """
    Give reduced copies, the likeliest size first; a small picture is enlarged at last.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Upright photo.

    Yields
    ------
    reduced : ndarray of uint8, shape (height, width, 3)
        Copy.
    factor : float
        Pixel x of the copy is pixel factor · x + (factor - 1) / 2 of the photo.
    """
    tried = set()
    for long_side in _LONG_SIDES_PX:
        factor = max(1, round(max(srgb.shape[:2]) / long_side))
        if factor not in tried and min(srgb.shape[:2]) // factor >= SHORTEST_SIDE_PX:
            tried.add(factor)
            yield shrink(srgb, factor), float(factor)
    if max(srgb.shape[:2]) <= _SMALL_PX:
        enlarged = cv2.resize(srgb, None, fx=2.0, fy=2.0, interpolation=cv2.INTER_CUBIC)
        yield np.asarray(enlarged, dtype=np.uint8), 0.5


def covers(candidate: Candidate, point_xy: NDArray[np.float64], rows: int, columns: int) -> bool:
    """
    Return whether a point lies on a candidate, or within half a pitch of its patches.

    Parameters
    ----------
    candidate : Candidate
        Found card.
    point_xy : ndarray of float64, shape (2,)
        Pixels of the same picture.
    rows, columns : int
        Of the card.

    Returns
    -------
    bool
    """
    column, row = apply_homography_xy(np.linalg.inv(candidate.photo_xy_from_grid), point_xy)
    return bool(-1.0 < column < columns and -1.0 < row < rows)


def to_photo(candidate: Candidate, factor: float) -> Candidate:
    """
    Return a candidate of a reduced copy in the photo's pixels.

    Parameters
    ----------
    candidate : Candidate
        In pixels of a copy.
    factor : float
        From `pyramid`.

    Returns
    -------
    Candidate
    """
    offset = (factor - 1) / 2.0
    photo_from_reduced = np.array([[factor, 0.0, offset], [0.0, factor, offset], [0.0, 0.0, 1.0]])
    return Candidate(
        photo_xy_from_grid=photo_from_reduced @ candidate.photo_xy_from_grid, delta_e00=candidate.delta_e00
    )
