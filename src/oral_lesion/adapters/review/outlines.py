"""The model's outlines as regions that people can edit, and whether they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oral_lesion.adapters.annotations.raster import cropped, outlines_xy
from oral_lesion.adapters.annotations.records import MaskPatch, Region

__all__ = ["CLASS_NAME", "READ_MARK", "UNREADABLE", "StartOutline", "start_outlines", "with_exact_pixels"]

CLASS_NAME = "erosion"
"""The one class that readers draw."""

UNREADABLE = "unreadable"
"""Flag, or class of any shape, of a picture that cannot be read."""

READ_MARK = "read"
"""Flag that a reader ticks when done with a picture."""

_TOLERANCE_PX = 0.75
_ROUNDED_PX = 0.011  # tools write two decimals


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StartOutline:
    """
    One lesion as the reader gets it.

    Parameters
    ----------
    polygon_xy : ndarray of float64, shape (vertices, 2)
        With few vertices, within 0.75 px of the pixels' edges.
    pixels : MaskPatch
        What it stands for.
    """

    polygon_xy: NDArray[np.float64]
    pixels: MaskPatch

    def region(self, *, as_mask: bool) -> Region:
        """
        Return it as a region of an annotation file.

        Parameters
        ----------
        as_mask : bool
            As pixels; else as a polygon.

        Returns
        -------
        Region
        """
        if as_mask:
            return Region(class_name=CLASS_NAME, patch=self.pixels)
        return Region(class_name=CLASS_NAME, polygons_xy=(self.polygon_xy,))


def start_outlines(erosion: NDArray[np.bool_]) -> tuple[StartOutline, ...]:
    """
    Return the outlines of a mask.

    Parameters
    ----------
    erosion : ndarray of bool, shape (height, width)
        The model's, on the canvas.

    Returns
    -------
    tuple of StartOutline
        One for each 4-connected lesion, from top to bottom.
    """
    from scipy.ndimage import find_objects, label

    labelled, _ = label(erosion)
    found = []
    for number, (rows, columns) in enumerate(find_objects(labelled), start=1):
        inside = labelled[rows, columns] == number
        (polygon,) = outlines_xy(inside, tolerance_px=_TOLERANCE_PX)
        patch = cropped(inside)
        pixels = MaskPatch(top=rows.start, left=columns.start, shape=patch.shape, packed=patch.packed)
        found.append(StartOutline(polygon_xy=polygon + np.array([columns.start, rows.start]), pixels=pixels))
    return tuple(found)


def with_exact_pixels(region: Region, starts: Sequence[StartOutline]) -> Region:
    """
    Return a region with the model's own pixels in place of each polygon that the reader left as it was.

    Parameters
    ----------
    region : Region
        As returned.
    starts : sequence of StartOutline
        As given.

    Returns
    -------
    Region
        The same where every polygon was changed; of several polygons at most one is replaced.
    """
    for index, polygon in enumerate(region.polygons_xy):
        for start in starts:
            if region.patch is None and _is_same(polygon, start.polygon_xy):
                others = (*region.polygons_xy[:index], *region.polygons_xy[index + 1 :])
                return Region(class_name=region.class_name, polygons_xy=others, patch=start.pixels, crowd=region.crowd)
    return region


def _is_same(polygon: NDArray[np.float64], start: NDArray[np.float64]) -> bool:
    return polygon.shape == start.shape and bool(np.abs(polygon - start).max() < _ROUNDED_PX)
