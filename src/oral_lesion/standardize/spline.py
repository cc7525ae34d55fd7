"""What a matrix leaves of the patches' colour differences, as a smooth field that fades away from their colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.color import lab_from_linear_rgb, linear_from_srgb, linear_rgb_from_lab

__all__ = ["ColorSpline", "fit_spline", "spline_table"]

_Floats = NDArray[np.float64]
_SHARE_OF_HUE = 0.3
_REACH_HUE, _REACH_CHROMA, _REACH_LIGHTNESS = 15.0, 25.0, 30.0
_NOISE = 0.3
_MIDDLE_LIGHTNESS, _LEAST_LIGHTNESS = 66.0, 4.0
_LEAST_WEIGHT = 1e-9
TABLE_STEPS = 32
"""Nodes of the table along each channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorSpline:
    """
    A kernel spline from CIELAB to a displacement in CIELAB.

    The displacement is relative to the lightness, and part of the kernel knows only a colour's chroma relative to it:
    what the patches tell so carries over to the same colour in less light. There is no affine part: far from all
    patches the displacement vanishes, and towards black it shrinks.

    Parameters
    ----------
    lab : ndarray of float64, shape (..., patches, 3)
        Colours of the patches, corrected by the matrix.
    coefficients : ndarray of float64, shape (..., patches, 3)
        Weights of the kernels.
    """

    lab: _Floats
    coefficients: _Floats

    def displaced(self, lab: _Floats) -> _Floats:
        """
        Return colours after the displacement.

        Parameters
        ----------
        lab : ndarray of float64, shape (..., n, 3)
            CIELAB; leading axes as those of the spline.

        Returns
        -------
        ndarray of float64, same shape
            CIELAB.
        """
        return np.asarray(lab + _relative(lab) * (_kernel(lab, self.lab) @ self.coefficients), dtype=np.float64)


def fit_spline(lab: _Floats, target: _Floats, weight: _Floats) -> ColorSpline:
    """
    Fit a smoothed kernel spline (the mean of a Gaussian process) to colour differences.

    Parameters
    ----------
    lab : ndarray of float64, shape (..., patches, 3)
        Colours that the matrix gives, CIELAB (D65).
    target : ndarray of float64, shape (patches, 3) or (..., patches, 3)
        What they should be.
    weight : ndarray of float64, shape (..., patches)
        From 0 (left out) to 1; outliers pull less.

    Returns
    -------
    ColorSpline

    References
    ----------
    .. [1] Rasmussen, Williams 2006, Gaussian Processes for Machine Learning, eq. 2.25. Checked:
       tests/unit/standardize/test_spline.py.
    """
    # CIEDE2000 sees less of a difference between strong colours: they may be fitted less closely.
    spread = 1.0 + 0.045 * np.hypot(target[..., 1], target[..., 2])
    spread = spread / spread.mean(axis=-1, keepdims=True)
    noise = _NOISE**2 * spread**2 / np.maximum(weight, _LEAST_WEIGHT)
    normal = _kernel(lab, lab) + noise[..., None] * np.eye(lab.shape[-2])
    coefficients = np.linalg.solve(normal, (target - lab) / _relative(lab))
    return ColorSpline(lab=lab, coefficients=np.asarray(coefficients, dtype=np.float64))


def spline_table(spline: ColorSpline, matrix: _Floats, gamma: _Floats) -> NDArray[np.float32]:
    """
    Return the displacement in linear RGB for a raster of 8-bit sRGB colours.

    Parameters
    ----------
    spline : ColorSpline
        Of one card.
    matrix : ndarray of float64, shape (3, 3)
        Acts on the linear RGB that is raised to `gamma`.
    gamma : ndarray of float64, shape (3,)
        Exponents.

    Returns
    -------
    ndarray of float32, shape (32768, 3)
        Row ``(r << 10) + (g << 5) + b`` belongs to the code values 8 r, 8 g, 8 b.
    """
    codes = np.arange(0, 256, 256 // TABLE_STEPS, dtype=np.uint8)
    powered = np.maximum(linear_from_srgb(codes).astype(np.float64), 1e-4)[:, None] ** gamma
    parts = [powered[:, channel, None] * matrix[:, channel] for channel in range(3)]
    base = (parts[0][:, None, None] + parts[1][None, :, None] + parts[2][None, None, :]).reshape(-1, 3)
    return (linear_rgb_from_lab(spline.displaced(lab_from_linear_rgb(base))) - base).astype(np.float32)


def _relative(lab: _Floats) -> _Floats:
    """Return L* + 16, which a change of the light multiplies as it does every difference, over its value at L* 50."""
    return np.asarray(np.maximum(lab[..., :1] + 16.0, _LEAST_LIGHTNESS) / _MIDDLE_LIGHTNESS, dtype=np.float64)


def _kernel(lab: _Floats, of_patches: _Floats) -> _Floats:
    chroma = 100.0 / (_MIDDLE_LIGHTNESS * _relative(lab)) * lab[..., 1:]
    chroma_patches = 100.0 / (_MIDDLE_LIGHTNESS * _relative(of_patches)) * of_patches[..., 1:]
    apart = _squares(chroma, chroma_patches)
    lightness = _squares(lab[..., :1], of_patches[..., :1])
    near_hue = np.exp(-0.5 / _REACH_HUE**2 * apart)
    near_color = np.exp(-0.5 / _REACH_CHROMA**2 * apart - 0.5 / _REACH_LIGHTNESS**2 * lightness)
    return np.asarray(_SHARE_OF_HUE * near_hue + (1.0 - _SHARE_OF_HUE) * near_color, dtype=np.float64)


def _squares(first: _Floats, second: _Floats) -> _Floats:
    """Return squared distances (..., n, m) of points (..., n, k) and (..., m, k)."""
    dot = first @ np.swapaxes(second, -1, -2)
    lengths = np.sum(first**2, axis=-1)[..., :, None] + np.sum(second**2, axis=-1)[..., None, :]
    return np.asarray(np.maximum(lengths - 2.0 * dot, 0.0), dtype=np.float64)
