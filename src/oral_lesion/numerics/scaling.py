"""A picture at another size: the one rule by which all parts resample what a model is to see."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["scaled_srgb"]


def scaled_srgb(srgb: NDArray[np.uint8], ratio: float) -> NDArray[np.uint8]:
    """
    Return a picture at `ratio` times its size: area means where it shrinks, cubic interpolation where it grows.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        sRGB.
    ratio : float
        New length over old length, above 0.

    Returns
    -------
    ndarray of uint8, shape (round(height * ratio), round(width * ratio), 3)
        sRGB; no side is shorter than 1 px.
    """
    height, width = srgb.shape[:2]
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    return np.asarray(cv2.resize(srgb, size, interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_CUBIC), np.uint8)
