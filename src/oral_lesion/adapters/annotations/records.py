"""Labels as every annotation tool has them: pictures, regions of a class, and what could not be read."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["NO_CLASS", "Annotations", "LeftOut", "MaskPatch", "PictureLabels", "Region"]

NO_CLASS = "(no class)"
"""Class of a region that its tool saved without one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaskPatch:
    """
    Pixels of a region within their bounding box, held compressed: thousands of large ones fit into memory.

    Parameters
    ----------
    top, left : int
        Row and column in the picture of the patch's first pixel; may lie outside.
    shape : tuple of int
        Height and width.
    packed : bytes
        As `of` makes them.
    """

    top: int
    left: int
    shape: tuple[int, int]
    packed: bytes

    @classmethod
    def of(cls, inside: NDArray[np.bool_], *, top: int, left: int) -> MaskPatch:
        """
        Return pixels as a patch.

        Parameters
        ----------
        inside : ndarray of bool, shape (height, width)
            True in the region.
        top, left : int
            Row and column in the picture of the first pixel.

        Returns
        -------
        MaskPatch
        """
        height, width = inside.shape
        packed = zlib.compress(np.packbits(inside).tobytes(), level=1)
        return cls(top=top, left=left, shape=(height, width), packed=packed)

    @property
    def inside(self) -> NDArray[np.bool_]:
        """True in the region; shape (height, width)."""
        height, width = self.shape
        bits = np.frombuffer(zlib.decompress(self.packed), dtype=np.uint8)
        return np.unpackbits(bits, count=height * width).reshape(self.shape).astype(bool)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """
    One annotated region: the union of its polygons and its patch.

    Parameters
    ----------
    class_name : str
        As its tool names it.
    polygons_xy : tuple of ndarray of float64, shape (vertices, 2)
        Pixels from the picture's upper left corner: the first pixel covers [0, 1) in x and y. A polygon that crosses
        itself is filled by the even-odd rule.
    patch : MaskPatch or None
        Pixels, where the tool stores pixels.
    crowd : bool
        Whether it stands for many objects without outlines of their own (COCO); such a region is ignored.
    """

    class_name: str
    polygons_xy: tuple[NDArray[np.float64], ...] = ()
    patch: MaskPatch | None = None
    crowd: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PictureLabels:
    """
    The labels of one picture.

    Parameters
    ----------
    file : str
        Of the picture, relative to the folder of pictures, with slashes.
    size_px : tuple of int or None
        Width and height as the tool notes them; None where it does not.
    regions : tuple of Region
        May be empty: a picture without lesion.
    attributes : mapping of str to str
        What else the tool says of the picture, such as a patient's number.
    without_area : tuple of (str, str)
        Class and kind of each shape that has no area, such as points and lines.
    embedded : bytes or None
        The picture itself, where the tool stores it with the labels.
    """

    file: str
    size_px: tuple[int, int] | None = None
    regions: tuple[Region, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    without_area: tuple[tuple[str, str], ...] = ()
    embedded: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """
    A picture whose labels could not be taken.

    Parameters
    ----------
    file : str
        As the tool names it.
    why : str
        What, expected, got and the next step.
    """

    file: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotations:
    """
    What a file or folder of annotations holds.

    Parameters
    ----------
    pictures : tuple of PictureLabels
        In the order of the file.
    left_out : tuple of LeftOut
        One a picture that could not be read.
    """

    pictures: tuple[PictureLabels, ...]
    left_out: tuple[LeftOut, ...] = ()
