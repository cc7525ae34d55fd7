"""Uncertainty budget of a length scale."""

from __future__ import annotations

import math

__all__ = ["combine", "u_plane_offset_ratio", "u_plane_tilt_ratio"]


def combine(*ratios: float) -> float:
    """
    Return the root of the sum of squares of independent relative standard uncertainties.

    Parameters
    ----------
    *ratios : float
        Relative standard uncertainties (k = 1).

    Returns
    -------
    float
        Combined relative standard uncertainty (k = 1).

    References
    ----------
    .. [1] JCGM 100:2008 (GUM), 5.1.2. Checked: tests/reference/test_uncertainty.py.
    """
    return math.sqrt(sum(ratio * ratio for ratio in ratios))


def u_plane_offset_ratio(offset_mm: float, distance_mm: float) -> float:
    """
    Return the relative standard uncertainty of a length whose plane may lie off the card's plane.

    Parameters
    ----------
    offset_mm : float
        Half-width of the rectangular distribution of the offset, in mm along the optical axis.
    distance_mm : float
        From the camera to the card, in mm.

    Returns
    -------
    float
        ``offset / (sqrt(3) distance)``.

    References
    ----------
    .. [1] JCGM 100:2008 (GUM), 4.3.7 (rectangular distribution). Checked: tests/reference/test_uncertainty.py.
    """
    return offset_mm / (math.sqrt(3.0) * distance_mm)


def u_plane_tilt_ratio(max_tilt_deg: float) -> float:
    """
    Return the relative standard uncertainty of a length on a surface inclined to the card by an unknown angle.

    Foreshortening is one-sided: between 0 and ``1 - cos(max_tilt)``, taken as rectangular.

    Parameters
    ----------
    max_tilt_deg : float
        Largest inclination, in degrees.

    Returns
    -------
    float
        ``(1 - cos(max_tilt)) / sqrt(12)``.

    References
    ----------
    .. [1] JCGM 100:2008 (GUM), 4.3.7. Checked: tests/reference/test_uncertainty.py.
    """
    return (1.0 - math.cos(math.radians(max_tilt_deg))) / math.sqrt(12.0)
