"""A photograph of real tissue, laid out on the plane, and the erosions marked on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from oral_lesion.errors import FormatError, InputError
from oral_lesion.numerics.color import linear_from_srgb

__all__ = ["Background", "read_background"]

_EROSION, _IGNORED, _OTHER = 255, 128, 0
_FINER = 4
_SMOOTHING_PX = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """
    A photograph on the plane, its middle at the origin.

    The erosion is where `erosion_field` reaches `erosion_level`: a smooth contour through the mask's steps,
    at the level at which it encloses the area of the mask's pixels.

    Parameters
    ----------
    linear_rgb : ndarray of float32, shape (height, width, 3)
        Linear sRGB.
    erosion_field : ndarray of float32, shape (height, width)
        The mask of erosions, smoothed; in [0, 1].
    erosion_level : float
        Level of the contour; infinite where nothing is marked, and negative so where all is.
    ignored : ndarray of uint8, shape (height, width)
        1 where the mask says neither erosion nor other.
    mm_per_px : float
        Of the photograph on the plane.
    erosion_area_mm2, ignored_area_mm2 : float
        Number of such pixels × mm² of a pixel.
    lesion_count : int
        Connected parts of the mask's erosions (8 neighbours).
    """

    linear_rgb: NDArray[np.float32]
    erosion_field: NDArray[np.float32]
    erosion_level: float
    ignored: NDArray[np.uint8]
    mm_per_px: float
    erosion_area_mm2: float
    ignored_area_mm2: float
    lesion_count: int

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height on the plane."""
        height, width = self.erosion_field.shape
        return width * self.mm_per_px, height * self.mm_per_px

    @property
    def plane_mm_from_px(self) -> NDArray[np.float64]:
        """Matrix, shape (3, 3): (column, row, 1) of the photograph to mm from its middle."""
        height, width = self.erosion_field.shape
        scale = self.mm_per_px
        return np.array(
            [[scale, 0.0, -scale * (width - 1) / 2], [0.0, scale, -scale * (height - 1) / 2], [0.0, 0.0, 1.0]]
        )

    @property
    def marked_corners_xy_mm(self) -> NDArray[np.float64]:
        """Corners of the box around erosions, shape (4, 2) in mm from the middle; (0, 2) without."""
        rows, columns = np.nonzero(self.erosion_field > 0)
        if not len(rows):
            return np.empty((0, 2))
        left, right, top, bottom = columns.min(), columns.max(), rows.min(), rows.max()
        corners = np.array([[left, top, 1], [right, top, 1], [right, bottom, 1], [left, bottom, 1]])
        placed: NDArray[np.float64] = (corners @ self.plane_mm_from_px.T)[:, :2]
        return placed


def read_background(photo: Path, mask: Path, *, width_mm: float) -> Background:
    """
    Read a photograph and its mask.

    Parameters
    ----------
    photo : path
        JPEG, PNG or another format that Pillow reads; taken as sRGB.
    mask : path
        One channel of the same size: 255 erosion, 128 ignored, 0 other.
    width_mm : float
        Width of the photograph on the plane.

    Returns
    -------
    Background

    Raises
    ------
    FormatError
        Where a file cannot be read as a picture, or the mask holds other values.
    InputError
        Where the sizes differ.
    """
    srgb = np.asarray(_open(photo, "background").convert("RGB"))
    marks = np.asarray(_open(mask, "background mask").convert("L"))
    if marks.shape != srgb.shape[:2]:
        raise InputError(
            f"background mask {mask.name}: expected the photograph's size {srgb.shape[1]} × {srgb.shape[0]}, "
            f"got {marks.shape[1]} × {marks.shape[0]}."
        )
    strange = sorted(set(np.unique(marks).tolist()) - {_EROSION, _IGNORED, _OTHER})
    if strange:
        raise FormatError(
            f"background mask {mask.name}: expected the values 255 (erosion), 128 (ignored) and 0, "
            f"got {strange[:5]} as well; save it as PNG without smoothing."
        )
    scale = width_mm / srgb.shape[1]
    erosion = (marks == _EROSION).astype(np.uint8)
    field = cv2.GaussianBlur(erosion.astype(np.float32), (0, 0), _SMOOTHING_PX)
    return Background(
        linear_rgb=linear_from_srgb(srgb),
        erosion_field=field,
        erosion_level=_level_of_area(field, int(erosion.sum())),
        ignored=(marks == _IGNORED).astype(np.uint8),
        mm_per_px=scale,
        erosion_area_mm2=float(erosion.sum()) * scale**2,
        ignored_area_mm2=float((marks == _IGNORED).sum()) * scale**2,
        lesion_count=int(cv2.connectedComponents(erosion, connectivity=8)[0]) - 1,
    )


def _open(path: Path, what: str) -> Image.Image:
    try:
        with Image.open(path) as picture:
            picture.load()
            return ImageOps.exif_transpose(picture)
    except FileNotFoundError as error:
        raise InputError(f"{what}: expected a file, but {path} does not exist.") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise FormatError(
            f"{what} {path.name}: expected a picture, got what cannot be read ({error}); save it as JPEG or PNG."
        ) from error


def _level_of_area(field: NDArray[np.float32], pixels: int) -> float:
    """Return the level at which the field's contour encloses that many pixels, judged on a finer grid."""
    if pixels in (0, field.size):
        return float("-inf") if pixels else float("inf")
    fine = cv2.resize(field, None, fx=_FINER, fy=_FINER, interpolation=cv2.INTER_CUBIC).ravel()
    rank = fine.size - pixels * _FINER**2
    return float(np.partition(fine, rank)[rank])
