"""Standard uncertainty of an area, split by source."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.measure.boundary import contour_area_and_perimeter_px
from oral_lesion.records import BoundaryCalibration, Scale

__all__ = ["calibrated_u_mm2", "u_boundary_px2", "u_scale_mm2", "u_spread_px2"]

_ONE_SIGMA = 0.8413447460685429
"""Standard normal distribution at +1."""

_U_PIXEL_CONTOUR_PX = 1.0 / np.sqrt(12.0)
"""A boundary known to lie within one pixel: rectangular distribution of that width."""


def u_scale_mm2(area_mm2: float, scale: Scale) -> float:
    """
    Return the standard uncertainty of an area that comes from its scale: twice the relative one of a length.

    Parameters
    ----------
    area_mm2 : float
        Area.
    scale : Scale
        With its standard uncertainty at the lesion.

    Returns
    -------
    float
        mm², k = 1.

    References
    ----------
    .. [1] JCGM 100:2008 (GUM), 5.1.6: u(y)/y = |p| u(x)/x for y proportional to x**p.
       Checked: tests/unit/measure/test_measure.py.
    """
    return 2.0 * area_mm2 * scale.relative_u


def u_boundary_px2(
    probability: NDArray[np.float32], lesions: NDArray[np.bool_], threshold: float, perimeter_px: float
) -> float:
    """
    Return the standard uncertainty of the total area that comes from where the boundary lies.

    The probability is read as the distribution of the boundary's position: its contours one standard
    deviation to either side of the threshold's, in logits, are those at the odds of Φ(±1). Half the
    difference of the areas inside them is one standard deviation of the area. The contour's own resolution
    is added for the boundary as a whole, since a threshold error moves all of it alike.

    Parameters
    ----------
    probability : ndarray of float32, shape (height, width)
        In [0, 1].
    lesions : ndarray of bool, shape (height, width)
        Pixels of the lesions that were measured.
    threshold : float
        In (0, 1).
    perimeter_px : float
        Total perimeter of the measured lesions.

    Returns
    -------
    float
        Square pixels, k = 1.
    """
    if not lesions.any():
        return 0.0
    inner_level, outer_level = _levels_one_sigma_apart(threshold)
    around = _around_components_that_hold(probability >= outer_level, lesions)
    window = _bounding_window(around)
    outer = np.where(around[window], probability[window], np.float32(0))
    inner = np.where(lesions[window], probability[window], np.float32(0))
    outer_area, _ = contour_area_and_perimeter_px(np.pad(outer, 1), outer_level)
    inner_area, _ = contour_area_and_perimeter_px(np.pad(inner, 1), inner_level)
    # One pixel in ten is the repeatability of the contour of a sampled smooth edge; see docs/uncertainty.md.
    resolution = 0.1 * _U_PIXEL_CONTOUR_PX * perimeter_px
    return float(np.hypot(max(outer_area - inner_area, 0.0) / 2.0, resolution))


def u_spread_px2(
    probability: NDArray[np.float32],
    probability_sd: NDArray[np.float32],
    lesions: NDArray[np.bool_],
    threshold: float,
) -> float:
    """
    Return the standard uncertainty of the total area that comes from the spread between passes of the model.

    The probability one standard deviation higher, and lower, everywhere at once encloses a larger and a smaller area:
    half their difference is one standard deviation of the area. A pass differs from another in large patches rather
    than pixel by pixel, so that all pixels are moved alike.

    Parameters
    ----------
    probability : ndarray of float32, shape (height, width)
        In [0, 1].
    probability_sd : ndarray of float32, shape (height, width)
        Its standard deviation between passes.
    lesions : ndarray of bool, shape (height, width)
        Pixels of the lesions that were measured.
    threshold : float
        In (0, 1).

    Returns
    -------
    float
        Square pixels, k = 1.
    """
    if not lesions.any() or not probability_sd.any():
        return 0.0
    around = _around_components_that_hold(probability + probability_sd >= threshold, lesions)
    window = _bounding_window(around)
    held = np.where(around[window], probability[window], np.float32(0))
    spread = np.where(around[window], probability_sd[window], np.float32(0))
    raised, lowered = np.minimum(held + spread, np.float32(1)), np.maximum(held - spread, np.float32(0))
    larger, _ = contour_area_and_perimeter_px(np.pad(raised, 1), threshold)
    smaller, _ = contour_area_and_perimeter_px(np.pad(lowered, 1), threshold)
    return max(larger - smaller, 0.0) / 2.0


def calibrated_u_mm2(u_mm2: float, area_mm2: float, calibration: BoundaryCalibration) -> float:
    """
    Return a boundary's standard uncertainty, scaled as its model's calibration says.

    Parameters
    ----------
    u_mm2 : float
        The model's own, k = 1.
    area_mm2 : float
        Area.
    calibration : BoundaryCalibration
        Factor, and floor relative to the area.

    Returns
    -------
    float
        mm², k = 1: the scaled uncertainty and the floor in quadrature.
    """
    return float(np.hypot(calibration.factor * u_mm2, calibration.relative_floor * area_mm2))


def _levels_one_sigma_apart(threshold: float) -> tuple[float, float]:
    logit = np.log(threshold / (1.0 - threshold))
    one_sigma = np.log(_ONE_SIGMA / (1.0 - _ONE_SIGMA))
    inner = 1.0 / (1.0 + np.exp(-(logit + one_sigma)))
    outer = 1.0 / (1.0 + np.exp(-(logit - one_sigma)))
    return float(inner), float(outer)


def _around_components_that_hold(mask: NDArray[np.bool_], seeds: NDArray[np.bool_]) -> NDArray[np.bool_]:
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    held = np.zeros(int(labels.max()) + 1, dtype=np.uint8)
    held[np.unique(labels[seeds])] = 1
    held[0] = 0
    # The contour runs between these pixels and their neighbours, whose probabilities it needs.
    return cv2.dilate(held[labels], np.ones((3, 3), np.uint8)).astype(np.bool_)


def _bounding_window(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
