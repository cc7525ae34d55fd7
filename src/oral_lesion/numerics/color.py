"""Colour spaces and colour differences: sRGB, linear RGB, CIELAB, CIEDE2000."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from oral_lesion.errors import InputError

__all__ = [
    "WHITE_D50",
    "WHITE_D65",
    "XYZ_FROM_LINEAR_RGB",
    "bradford_adaptation",
    "delta_e_2000",
    "delta_e_2000_components",
    "lab_from_linear_rgb",
    "lab_from_xyz",
    "linear_from_srgb",
    "linear_rgb_from_lab",
    "linear_rgb_from_lab_d50",
    "srgb_from_linear",
    "srgb_uint8_from_linear",
    "xyz_from_lab",
]

WHITE_D65: Final = np.array([0.95047, 1.0, 1.08883])
"""XYZ of D65, 2 degree observer (ASTM E308-01)."""
WHITE_D50: Final = np.array([0.96422, 1.0, 0.82521])
"""XYZ of D50, 2 degree observer (ASTM E308-01, ICC profile connection space)."""

_PRIMARIES_XY = np.array([[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_LAB_EPSILON = 216.0 / 24389.0
_LAB_KAPPA = 24389.0 / 27.0
_TABLE_STEPS = 65535


def _xyz_from_rgb_matrix() -> NDArray[np.float64]:
    x, y = _PRIMARIES_XY.T
    columns = np.stack([x / y, np.ones(3), (1.0 - x - y) / y])
    return np.asarray(columns * np.linalg.solve(columns, WHITE_D65), dtype=np.float64)


XYZ_FROM_LINEAR_RGB: Final = _xyz_from_rgb_matrix()
"""XYZ (D65) from linear RGB with the sRGB primaries."""
_RGB_FROM_XYZ = np.linalg.inv(XYZ_FROM_LINEAR_RGB)


def _decode(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


_LINEAR_TABLE = _decode(np.arange(256) / 255.0).astype(np.float32)


def linear_from_srgb(srgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """
    Return linear RGB from 8-bit sRGB by table.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (...)
        sRGB-coded values.

    Returns
    -------
    ndarray of float32, same shape
        In [0, 1].

    Raises
    ------
    InputError
        Where the dtype is not uint8.

    References
    ----------
    .. [1] IEC 61966-2-1:1999. Checked: tests/reference/test_color.py.
    """
    if srgb.dtype != np.uint8:
        raise InputError(f"srgb: expected uint8, got {srgb.dtype}; scale and round it first.")
    if srgb.ndim == 3 and srgb.size:
        return np.asarray(cv2.LUT(srgb, _LINEAR_TABLE), dtype=np.float32)
    return np.asarray(_LINEAR_TABLE[srgb], dtype=np.float32)


def srgb_from_linear(linear: ArrayLike) -> NDArray[np.float64]:
    """
    Return sRGB-coded values from linear ones.

    Parameters
    ----------
    linear : array_like, shape (...)
        Linear values; clipped to [0, 1].

    Returns
    -------
    ndarray of float64, same shape
        In [0, 1].

    References
    ----------
    .. [1] IEC 61966-2-1:1999. Checked: tests/reference/test_color.py.
    """
    value = np.clip(np.asarray(linear, dtype=np.float64), 0.0, 1.0)
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1.0 / 2.4) - 0.055)


_ROWS_AT_A_TIME = 256  # bounds the memory of the steps in between
_SRGB_TABLE = np.floor(srgb_from_linear(np.arange(_TABLE_STEPS + 1) / _TABLE_STEPS) * 255.0 + 0.5).astype(np.uint8)


def srgb_uint8_from_linear(linear_rgb: NDArray[Any]) -> NDArray[np.uint8]:
    """
    Return 8-bit sRGB from linear RGB, rounded half up, by a table of 65536 steps.

    Parameters
    ----------
    linear_rgb : ndarray of float, shape (...)
        Linear values; clipped to [0, 1], NaN becomes 0.

    Returns
    -------
    ndarray of uint8, same shape
        Inverse of `linear_from_srgb` for all 256 values.
    """
    values = np.atleast_1d(linear_rgb)
    srgb = np.empty(values.shape, dtype=np.uint8)
    for start in range(0, len(values), _ROWS_AT_A_TIME):
        rows = slice(start, start + _ROWS_AT_A_TIME)
        scaled = np.multiply(values[rows], _TABLE_STEPS, dtype=np.float32)
        scaled += np.float32(0.5)
        np.nan_to_num(scaled, copy=False, nan=0.0, posinf=float(_TABLE_STEPS), neginf=0.0)
        np.clip(scaled, 0.0, float(_TABLE_STEPS), out=scaled)
        srgb[rows] = _SRGB_TABLE[scaled.astype(np.uint16)]
    return srgb.reshape(np.shape(linear_rgb))


def bradford_adaptation(white_from: ArrayLike, white_to: ArrayLike) -> NDArray[np.float64]:
    """
    Return the Bradford matrix that adapts XYZ from one white to another.

    Parameters
    ----------
    white_from, white_to : array_like, shape (3,)
        XYZ of the whites, Y = 1.

    Returns
    -------
    ndarray of float64, shape (3, 3)
        Acts on XYZ columns.

    References
    ----------
    .. [1] Lindbloom, brucelindbloom.com, "Chromatic Adaptation". Checked: tests/reference/test_color.py, D50 to D65.
    """
    gain = (_BRADFORD @ np.asarray(white_to, float)) / (_BRADFORD @ np.asarray(white_from, float))
    return np.asarray(np.linalg.inv(_BRADFORD) @ (gain[:, None] * _BRADFORD), dtype=np.float64)


def lab_from_xyz(xyz: ArrayLike, white: ArrayLike) -> NDArray[np.float64]:
    """
    Return CIELAB from XYZ.

    Parameters
    ----------
    xyz : array_like, shape (..., 3)
        XYZ, Y = 1 for white.
    white : array_like, shape (3,)
        XYZ of the white.

    Returns
    -------
    ndarray of float64, shape (..., 3)
        L* in [0, 100], a*, b*; negative XYZ continue the linear part.

    References
    ----------
    .. [1] CIE 15:2018. Checked: tests/reference/test_color.py.
    """
    ratio = np.asarray(xyz, dtype=np.float64) / np.asarray(white, dtype=np.float64)
    f = np.where(ratio > _LAB_EPSILON, np.cbrt(ratio), (_LAB_KAPPA * ratio + 16.0) / 116.0)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def xyz_from_lab(lab: ArrayLike, white: ArrayLike) -> NDArray[np.float64]:
    """
    Return XYZ from CIELAB; the inverse of `lab_from_xyz`.

    Parameters
    ----------
    lab : array_like, shape (..., 3)
        L* in [0, 100], a*, b*.
    white : array_like, shape (3,)
        XYZ of the white.

    Returns
    -------
    ndarray of float64, shape (..., 3)
        XYZ, Y = 1 for white.
    """
    lab = np.asarray(lab, dtype=np.float64)
    y = (lab[..., 0] + 16.0) / 116.0
    f = np.stack([y + lab[..., 1] / 500.0, y, y - lab[..., 2] / 200.0], axis=-1)
    ratio = np.where(f**3 > _LAB_EPSILON, f**3, (116.0 * f - 16.0) / _LAB_KAPPA)
    return np.asarray(ratio * np.asarray(white, dtype=np.float64), dtype=np.float64)


def lab_from_linear_rgb(linear_rgb: ArrayLike) -> NDArray[np.float64]:
    """
    Return CIELAB (D65, 2 degree observer) from linear RGB with the sRGB primaries.

    Parameters
    ----------
    linear_rgb : array_like, shape (..., 3)
        Linear RGB, 1 for white; values outside [0, 1] are colours outside sRGB.

    Returns
    -------
    ndarray of float64, shape (..., 3)
        L*, a*, b*.
    """
    return lab_from_xyz(np.asarray(linear_rgb, dtype=np.float64) @ XYZ_FROM_LINEAR_RGB.T, WHITE_D65)


def linear_rgb_from_lab(lab: ArrayLike) -> NDArray[np.float64]:
    """
    Return linear RGB from CIELAB (D65); the inverse of `lab_from_linear_rgb`.

    Parameters
    ----------
    lab : array_like, shape (..., 3)
        L*, a*, b* under D65, 2 degree observer.

    Returns
    -------
    ndarray of float64, shape (..., 3)
        Linear RGB with the sRGB primaries; outside [0, 1] for colours outside sRGB.
    """
    return np.asarray(xyz_from_lab(lab, WHITE_D65) @ _RGB_FROM_XYZ.T, dtype=np.float64)


def linear_rgb_from_lab_d50(lab_d50: ArrayLike) -> NDArray[np.float64]:
    """
    Return linear RGB (sRGB primaries, D65) from CIELAB (D50), adapted by Bradford.

    Parameters
    ----------
    lab_d50 : array_like, shape (..., 3)
        L*, a*, b* under D50, 2 degree observer.

    Returns
    -------
    ndarray of float64, shape (..., 3)
        Linear RGB; outside [0, 1] for colours outside sRGB (the card's cyan has a negative red).
    """
    xyz = xyz_from_lab(lab_d50, WHITE_D50) @ bradford_adaptation(WHITE_D50, WHITE_D65).T
    return np.asarray(xyz @ _RGB_FROM_XYZ.T, dtype=np.float64)


def delta_e_2000(lab: ArrayLike, lab_reference: ArrayLike) -> NDArray[np.float64]:
    """
    Return the CIEDE2000 colour difference of paired colours.

    Parameters
    ----------
    lab, lab_reference : array_like, shape (..., 3)
        CIELAB under the same white; L* in [0, 100].

    Returns
    -------
    ndarray of float64, shape (...)
        ΔE00 with kL = kC = kH = 1.

    References
    ----------
    .. [1] Sharma, Wu, Dalal 2005, doi:10.1002/col.20070. Checked: tests/reference/test_color.py, all 34 pairs,
       atol 5e-5.
    """
    components = delta_e_2000_components(lab, lab_reference)
    return np.asarray(np.sqrt(np.sum(components**2, axis=-1)), dtype=np.float64)


def delta_e_2000_components(lab: ArrayLike, lab_reference: ArrayLike) -> NDArray[np.float64]:
    """
    Return three signed components whose squares add up to the square of ΔE00.

    They are smooth where ΔE00 itself has a kink (at zero), as a least-squares fit needs. The rotation term is
    absorbed by completing the square of the chroma component.

    Parameters
    ----------
    lab, lab_reference : array_like, shape (..., 3)
        CIELAB under the same white.

    Returns
    -------
    ndarray of float64, shape (..., 3)
        Lightness, chroma (with its share of the rotation), hue.

    References
    ----------
    .. [1] Sharma, Wu, Dalal 2005, doi:10.1002/col.20070. Checked: tests/reference/test_color.py.
    """
    first, second = np.broadcast_arrays(np.asarray(lab, float), np.asarray(lab_reference, float))
    l1, a1, b1 = first[..., 0], first[..., 1], first[..., 2]
    l2, a2, b2 = second[..., 0], second[..., 1], second[..., 2]
    c_mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2.0
    g = 0.5 * (1.0 - np.sqrt(c_mean**7 / (c_mean**7 + 25.0**7)))
    a1, a2 = (1.0 + g) * a1, (1.0 + g) * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360.0, np.degrees(np.arctan2(b2, a2)) % 360.0
    gray = c1 * c2 == 0.0
    dh = np.where(gray, 0.0, (h2 - h1 + 180.0) % 360.0 - 180.0)
    dh = np.where(~gray & (h2 - h1 == 180.0), 180.0, dh)
    far = np.abs(h1 - h2) > 180.0
    h_mean = np.where(gray, h1 + h2, (h1 + h2 + np.where(far, np.where(h1 + h2 < 360.0, 360.0, -360.0), 0.0)) / 2.0)
    s_l, s_c, s_h, r_t = _weights((l1 + l2) / 2.0, (c1 + c2) / 2.0, h_mean)
    lightness = (l2 - l1) / s_l
    chroma = (c2 - c1) / s_c
    hue = 2.0 * np.sqrt(c1 * c2) * np.sin(np.radians(dh) / 2.0) / s_h
    return np.stack([lightness, chroma + 0.5 * r_t * hue, hue * np.sqrt(1.0 - 0.25 * r_t**2)], axis=-1)


def _weights(
    l_mean: NDArray[np.float64], c_mean: NDArray[np.float64], h_mean: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    h = np.radians(h_mean)
    t = (
        1.0
        - 0.17 * np.cos(h - np.radians(30.0))
        + 0.24 * np.cos(2.0 * h)
        + 0.32 * np.cos(3.0 * h + np.radians(6.0))
        - 0.20 * np.cos(4.0 * h - np.radians(63.0))
    )
    l_50 = (l_mean - 50.0) ** 2
    s_l = 1.0 + 0.015 * l_50 / np.sqrt(20.0 + l_50)
    s_c = 1.0 + 0.045 * c_mean
    s_h = 1.0 + 0.015 * c_mean * t
    rotation = np.radians(60.0) * np.exp(-(((h_mean - 275.0) / 25.0) ** 2))
    r_t = -np.sin(rotation) * 2.0 * np.sqrt(c_mean**7 / (c_mean**7 + 25.0**7))
    return s_l, s_c, s_h, r_t
