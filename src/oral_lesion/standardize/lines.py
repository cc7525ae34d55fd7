"""Robust least squares on the gaps of a card: what the free homography and the camera's pose share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.geometry import apply_homography_xy
from oral_lesion.standardize.edges import GapLines

__all__ = ["across", "fit_homography_to_lines", "gauss_newton", "robust_weights"]

_Floats = NDArray[np.float64]
_ROUNDS = 8
_LEAST_U_PX = 0.3


def across(photo_xy_from_grid: _Floats, lines: GapLines) -> _Floats:
    """
    Return how far gaps predicted by a homography lie from where they were found.

    Parameters
    ----------
    photo_xy_from_grid : ndarray of float64, shape (3, 3)
        Homography from grid coordinates to photo pixels.
    lines : GapLines
        Found gaps.

    Returns
    -------
    ndarray of float64, shape (n,)
        Signed distance across the gap, in photo pixels.
    """
    away = apply_homography_xy(photo_xy_from_grid, lines.grid_xy) - lines.photo_xy
    return np.asarray(np.sum(away * lines.normal_xy, axis=1), dtype=np.float64)


def robust_weights(scaled: _Floats) -> _Floats:
    """
    Return weights of residuals: near 1 within three spreads of the bulk, falling beyond.

    Parameters
    ----------
    scaled : ndarray of float64, shape (n,)
        Residuals over their standard uncertainty.

    Returns
    -------
    ndarray of float64, shape (n,)
        In (0, 1]; Cauchy's weights.
    """
    size = np.abs(scaled)
    spread = max(1.4826 * float(np.median(size)), 0.2)
    return np.asarray(1.0 / (1.0 + (size / (3.0 * spread)) ** 2), dtype=np.float64)


def gauss_newton(
    residuals: Callable[[_Floats], _Floats], values: _Floats, steps: _Floats, weight: _Floats, damping: float
) -> tuple[_Floats, _Floats]:
    """
    Return one damped Gauss-Newton step and the information matrix.

    Parameters
    ----------
    residuals : callable
        From parameters (k,) to residuals (n,).
    values : ndarray of float64, shape (k,)
        Where to linearise.
    steps : ndarray of float64, shape (k,)
        Steps of the numerical derivative.
    weight : ndarray of float64, shape (n,)
        Square roots of the residuals' weights.
    damping : float
        Levenberg-Marquardt factor on the diagonal.

    Returns
    -------
    change : ndarray of float64, shape (k,)
        What to add to `values`.
    information : ndarray of float64, shape (k, k)
        Inverse of the covariance where the weights are inverse standard uncertainties.
    """
    base = residuals(values)
    columns = [
        (residuals(values + step * unit) - base) / step for step, unit in zip(steps, np.eye(len(values)), strict=True)
    ]
    slope = np.stack(columns, axis=1) * weight[:, None]
    information = slope.T @ slope
    diagonal = np.maximum(np.diag(information), 1e-12)
    scale = 1.0 / np.sqrt(diagonal)
    normal = information * scale * scale[:, None] + (damping + 1e-10) * np.eye(len(values))
    change = -scale * np.linalg.solve(normal, scale * (slope.T @ (weight * base)))
    return change, information


def fit_homography_to_lines(start: _Floats, lines: GapLines, *, affine: bool = False) -> _Floats:
    """
    Fit a free homography from grid to photo to points across gaps, robustly.

    Parameters
    ----------
    start : ndarray of float64, shape (3, 3)
        Homography from grid coordinates to photo pixels, close to right.
    lines : GapLines
        Found gaps.
    affine : bool
        Correct `start` by an affine map alone: for a start that is far off.

    Returns
    -------
    ndarray of float64, shape (3, 3)
        Last element 1.
    """
    base = start / start[2, 2]
    weight = 1.0 / np.hypot(lines.u_px, _LEAST_U_PX)
    correction = np.zeros(6 if affine else 8)
    residuals = partial(_corrected_across, base, lines)
    for _ in range(_ROUNDS):
        robust = robust_weights(residuals(correction) * weight)
        steps = np.full(len(correction), 1e-5)
        change, _ = gauss_newton(residuals, correction, steps, np.sqrt(robust) * weight, 0.0)
        correction = correction + change
        if float(np.abs(change).max()) < 1e-7:
            break
    homography = _corrected(base, correction)
    return np.asarray(homography / homography[2, 2], dtype=np.float64)


def _corrected(base: _Floats, correction: _Floats) -> _Floats:
    by = np.eye(3) + np.pad(correction, (0, 9 - len(correction))).reshape(3, 3)
    return np.asarray(base @ by, dtype=np.float64)


def _corrected_across(base: _Floats, lines: GapLines, correction: _Floats) -> _Floats:
    return across(_corrected(base, correction), lines)
