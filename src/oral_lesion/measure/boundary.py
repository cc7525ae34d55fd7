"""Area and perimeter inside a sub-pixel contour of a probability map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.measure import find_contours

__all__ = ["contour_area_and_perimeter_px", "contours_rc_px"]


def contours_rc_px(probability: NDArray[np.float32], level: float) -> list[NDArray[np.float64]]:
    """
    Return the closed contours of `probability` at `level`.

    Parameters
    ----------
    probability : ndarray of float32, shape (height, width)
        Must lie below `level` along the border, so that each contour closes.
    level : float
        In (0, 1).

    Returns
    -------
    list of ndarray of float64, shape (points, 2)
        (row, column); outer contours and holes wind in opposite directions.

    References
    ----------
    .. [1] Lorensen, Cline 1987, doi:10.1145/37402.37422 (marching squares, linear interpolation).
    """
    contours: list[NDArray[np.float64]] = find_contours(
        probability.astype(np.float64), level, fully_connected="high", positive_orientation="high"
    )
    return contours


def contour_area_and_perimeter_px(probability: NDArray[np.float32], level: float) -> tuple[float, float]:
    """
    Return area and perimeter inside the contours of `probability` at `level`; holes are subtracted.

    Parameters
    ----------
    probability : ndarray of float32, shape (height, width)
        Must lie below `level` along the border.
    level : float
        In (0, 1).

    Returns
    -------
    area_px2, perimeter_px : float
        Square pixels and pixels; 0 where there is no contour.

    References
    ----------
    .. [1] Braden 1986, doi:10.2307/2686282 (surveyor's area formula).
       Checked: tests/reference/test_boundary.py, on that paper's polygon.
    """
    area = 0.0
    perimeter = 0.0
    for contour in contours_rc_px(probability, level):
        area += signed_polygon_area(contour)
        perimeter += float(np.hypot(*np.diff(contour, axis=0).T).sum())
    return abs(area), perimeter


def signed_polygon_area(points: NDArray[np.float64]) -> float:
    """
    Return the signed area of a closed polygon.

    Parameters
    ----------
    points : ndarray of float64, shape (points, 2)
        The last point may repeat the first.

    Returns
    -------
    float
        Square units of the points; its sign is the direction of winding.
    """
    first, second = (points - points.mean(axis=0)).T
    return float(0.5 * np.sum(first * np.roll(second, -1) - np.roll(first, -1) * second))
