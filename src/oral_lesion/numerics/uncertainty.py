"""Uncertainty budget of a length scale."""

from __future__ import annotations

import math

__all__ = ["combine", "u_oblique_view_ratio", "u_plane_offset_ratio", "u_plane_tilt_ratio"]


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
    Return the relative standard uncertainty of a length on an inclined surface, seen square to the card.

    The surface's normal is taken to be uniform over the directions within `max_tilt_deg` of the card's. Its area
    appears ``cos`` of the inclination times as large, never larger; the mean of that error is not corrected and counts.

    Parameters
    ----------
    max_tilt_deg : float
        Largest inclination, in degrees.

    Returns
    -------
    float
        ``(1 - cos(max_tilt)) / sqrt(12)``: half the root mean square error of the area.

    References
    ----------
    .. [1] JCGM 100:2008 (GUM), 4.3.7, and F.2.4.5 (errors that are not corrected).
       Checked: tests/reference/test_uncertainty.py.
    """
    return (1.0 - math.cos(math.radians(max_tilt_deg))) / math.sqrt(12.0)


def u_oblique_view_ratio(max_tilt_deg: float, camera_tilt_deg: float) -> float:
    """
    Return the relative standard uncertainty that a tilted camera adds to a length on an inclined surface.

    Rectified into the card's plane, a surface that is inclined by δ towards azimuth φ from the direction of the
    camera's tilt τ appears with cos δ + sin δ tan τ cos φ times its area: larger where it faces the camera, smaller
    where it turns away. The second part has a mean of zero and is uncorrelated with the first, which is
    `u_plane_tilt_ratio`'s; the normal is distributed as there.

    Parameters
    ----------
    max_tilt_deg : float
        Largest inclination of the surface to the card, in degrees.
    camera_tilt_deg : float
        Between the card's normal and the optical axis, in degrees.

    Returns
    -------
    float
        ``tan(camera_tilt) sqrt((1 - c) (2 + c) / 24)`` with ``c = cos(max_tilt)``: half the standard deviation of the
        area.

    References
    ----------
    .. [1] JCGM 100:2008 (GUM), 4.3.7. Checked against projections: tests/reference/test_uncertainty.py.
    """
    cosine = math.cos(math.radians(max_tilt_deg))
    return math.tan(math.radians(camera_tilt_deg)) * math.sqrt((1.0 - cosine) * (2.0 + cosine) / 24.0)
