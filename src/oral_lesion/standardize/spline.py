"""What a matrix leaves of the patches' colour differences, as a smooth field that fades away from their colours."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.color import lab_from_linear_rgb, linear_rgb_from_lab

__all__ = ["TABLE_STEPS", "ColorSpline", "SplineSettings", "fit_spline", "spline_table"]

_Floats = NDArray[np.float64]
_MIDDLE_LIGHTNESS, _LEAST_LIGHTNESS = 66.0, 4.0
_LEAST_WEIGHT = 1e-9
TABLE_STEPS = 32
"""Nodes of the table along each channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplineSettings:
    """
    How far and how closely a spline follows what the matrix leaves.

    Chosen on simulated cameras, never on photographs: scripts/choose_color_constants.py and docs/adr/0008.

    Parameters
    ----------
    share_of_hue : float
        In [0, 1]: part of the kernel that knows only the chroma relative to the lightness.
    reach_hue : float
        Of that part, in CIELAB chroma at L* 50.
    reach_chroma, reach_lightness : float
        Of the other part, in CIELAB.
    noise : float
        Standard deviation of what is not to be followed, over that of what is.
    """

    share_of_hue: float = 0.15
    reach_hue: float = 8.0
    reach_chroma: float = 50.0
    reach_lightness: float = 100.0
    noise: float = 0.2

    def scaled(self, factor: float) -> SplineSettings:
        """
        Return the same with other reaches.

        Parameters
        ----------
        factor : float
            Of all three; below 1 the spline follows finer differences.

        Returns
        -------
        SplineSettings
        """
        return replace(
            self,
            reach_hue=factor * self.reach_hue,
            reach_chroma=factor * self.reach_chroma,
            reach_lightness=factor * self.reach_lightness,
        )


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
    settings : SplineSettings
        Of the kernel.
    """

    lab: _Floats
    coefficients: _Floats
    settings: SplineSettings

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
        return np.asarray(
            lab + _relative(lab) * (_kernel(lab, self.lab, self.settings) @ self.coefficients), dtype=np.float64
        )


def fit_spline(lab: _Floats, target: _Floats, weight: _Floats, settings: SplineSettings | None = None) -> ColorSpline:
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
    settings : SplineSettings, optional
        Reach and smoothing.

    Returns
    -------
    ColorSpline

    References
    ----------
    .. [1] Rasmussen, Williams 2006, Gaussian Processes for Machine Learning, eq. 2.25. Checked:
       tests/unit/standardize/test_spline.py.
    """
    settings = settings or SplineSettings()
    # CIEDE2000 sees less of a difference between strong colours: they may be fitted less closely.
    spread = 1.0 + 0.045 * np.hypot(target[..., 1], target[..., 2])
    spread = spread / spread.mean(axis=-1, keepdims=True)
    noise = settings.noise**2 * spread**2 / np.maximum(weight, _LEAST_WEIGHT)
    normal = _kernel(lab, lab, settings) + noise[..., None] * np.eye(lab.shape[-2])
    coefficients = np.linalg.solve(normal, (target - lab) / _relative(lab))
    return ColorSpline(lab=lab, coefficients=np.asarray(coefficients, dtype=np.float64), settings=settings)


def spline_table(spline: ColorSpline, matrix: _Floats, powers: _Floats) -> NDArray[np.float32]:
    """
    Return the displacement in linear RGB for a raster of 8-bit sRGB colours.

    Parameters
    ----------
    spline : ColorSpline
        Of one card.
    matrix : ndarray of float64, shape (3, 3)
        Acts on the powers.
    powers : ndarray of float64, shape (256, 3)
        What the correction makes of each 8-bit value before the matrix, by channel.

    Returns
    -------
    ndarray of float32, shape (32768, 3)
        Row ``(r << 10) + (g << 5) + b`` belongs to the code values 8 r, 8 g, 8 b.
    """
    powered = powers[:: 256 // TABLE_STEPS]
    parts = [powered[:, channel, None] * matrix[:, channel] for channel in range(3)]
    base = (parts[0][:, None, None] + parts[1][None, :, None] + parts[2][None, None, :]).reshape(-1, 3)
    return (linear_rgb_from_lab(spline.displaced(lab_from_linear_rgb(base))) - base).astype(np.float32)


def _relative(lab: _Floats) -> _Floats:
    """Return L* + 16, which a change of the light multiplies as it does every difference, over its value at L* 50."""
    return np.asarray(np.maximum(lab[..., :1] + 16.0, _LEAST_LIGHTNESS) / _MIDDLE_LIGHTNESS, dtype=np.float64)


def _kernel(lab: _Floats, of_patches: _Floats, settings: SplineSettings) -> _Floats:
    chroma = 100.0 / (_MIDDLE_LIGHTNESS * _relative(lab)) * lab[..., 1:]
    chroma_patches = 100.0 / (_MIDDLE_LIGHTNESS * _relative(of_patches)) * of_patches[..., 1:]
    apart = _squares(chroma, chroma_patches)
    lightness = _squares(lab[..., :1], of_patches[..., :1])
    near_hue = np.exp(-0.5 / settings.reach_hue**2 * apart)
    near_color = np.exp(-0.5 / settings.reach_chroma**2 * apart - 0.5 / settings.reach_lightness**2 * lightness)
    return np.asarray(settings.share_of_hue * near_hue + (1.0 - settings.share_of_hue) * near_color, dtype=np.float64)


def _squares(first: _Floats, second: _Floats) -> _Floats:
    """Return squared distances (..., n, m) of points (..., n, k) and (..., m, k)."""
    dot = first @ np.swapaxes(second, -1, -2)
    lengths = np.sum(first**2, axis=-1)[..., :, None] + np.sum(second**2, axis=-1)[..., None, :]
    return np.asarray(np.maximum(lengths - 2.0 * dot, 0.0), dtype=np.float64)
