"""One labelled picture, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import FormatError

__all__ = ["IGNORE_VALUE", "LESION_VALUE", "LabelledPicture", "read_picture"]

IGNORE_VALUE = 128
LESION_VALUE = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPicture:
    """
    One picture with its mask.

    Parameters
    ----------
    picture_id : str
        Name within its source.
    image : Path
        File of the picture.
    mask : Path or None
        File of the mask; None where the picture has no lesion.
    group : str
        Scene or patient; pictures of a group stay together when the data are split.
    split : str
        Such as ``"train"`` or ``"val"``; empty where none is given.
    weight : float
        Sampling weight within its source.
    mm_per_px : float or None
        Scale of the picture, where it is known.
    confidence : str
        Of the label, such as ``"high"``; empty where none is given.
    """

    picture_id: str
    image: Path
    mask: Path | None
    group: str
    split: str = ""
    weight: float = 1.0
    mm_per_px: float | None = None
    confidence: str = ""


def read_picture(picture: LabelledPicture) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """
    Read a picture and its mask.

    Parameters
    ----------
    picture : LabelledPicture
        What to read.

    Returns
    -------
    srgb : ndarray of uint8, shape (height, width, 3)
        sRGB.
    labels : ndarray of uint8, shape (height, width)
        255 lesion, 0 other, 128 ignore.

    Raises
    ------
    FormatError
        A file is no picture, or the sizes differ.
    """
    srgb = _decoded(picture.image, cv2.IMREAD_COLOR_RGB)
    if picture.mask is None:
        return srgb, np.zeros(srgb.shape[:2], np.uint8)
    mask = _decoded(picture.mask, cv2.IMREAD_GRAYSCALE)
    if srgb.shape[:2] != mask.shape:
        raise FormatError(
            f"{picture.mask}: is {mask.shape[1]}×{mask.shape[0]} px, "
            f"its picture {srgb.shape[1]}×{srgb.shape[0]} px; export the mask at the picture's size"
        )
    labels = np.zeros(mask.shape, np.uint8)
    labels[mask > 191] = LESION_VALUE
    labels[(mask > 64) & (mask <= 191)] = IGNORE_VALUE
    return srgb, labels


def _decoded(file: Path, mode: int) -> NDArray[np.uint8]:
    pixels = cv2.imread(str(file), mode)
    if pixels is None:
        raise FormatError(f"{file}: not a readable picture; expected PNG or JPEG; replace or remove it")
    return np.ascontiguousarray(pixels, dtype=np.uint8)
