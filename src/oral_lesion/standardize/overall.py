"""How sharp a photo is as a whole: where no card was found, the site is told why."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.geometry import shrink

__all__ = ["sharpest_edge_ratio"]

_LONG_SIDE_PX = 500
_SMOOTHING_PX = 1.0
_SHARPEST_PERCENT = 99.7
_LEAST_SLOPE = 0.5
_SIGMA_FROM_RATIO = 0.61


def sharpest_edge_ratio(srgb: NDArray[np.uint8]) -> float | None:
    """
    Return the spread of the sharpest edges, from the ratio of the steepest slope to the strongest curvature.

    For an edge blurred by a Gaussian of standard deviation s they are A / (s √(2π)) and A / (s² √(2π e)). What the
    smoothing against noise adds is taken off.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Upright photo.

    Returns
    -------
    float or None
        Standard deviation over the photo's long side; None where there is no edge.
    """
    long_side = max(srgb.shape[:2])
    factor = max(1, min(round(long_side / _LONG_SIDE_PX), *srgb.shape[:2]))
    grey = np.asarray(cv2.cvtColor(shrink(srgb, factor), cv2.COLOR_RGB2GRAY), dtype=np.float32)
    grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), _SMOOTHING_PX), dtype=np.float32)
    derivatives = [
        np.asarray(cv2.Sobel(grey, cv2.CV_32F, *order, ksize=3, scale=scale))
        for order, scale in (((1, 0), 1 / 8), ((0, 1), 1 / 8), ((2, 0), 1 / 4), ((0, 2), 1 / 4))
    ]
    slope = float(np.percentile(np.hypot(derivatives[0], derivatives[1]), _SHARPEST_PERCENT))
    curvature = float(np.percentile(np.maximum(*np.abs(derivatives[2:])), _SHARPEST_PERCENT))
    if slope < _LEAST_SLOPE or long_side < _LONG_SIDE_PX // 2:
        return None
    smoothed = _SIGMA_FROM_RATIO * slope / max(curvature, 1e-6)
    sigma = math.sqrt(max(smoothed**2 - _SMOOTHING_PX**2, 0.0))
    return float(sigma * factor / long_side)
