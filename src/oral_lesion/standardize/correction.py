"""Colour correction from the card's patches, chosen by leaving each patch out in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.color import delta_e_2000_components, lab_from_linear_rgb, linear_from_srgb
from oral_lesion.records import ColorAgreement

__all__ = ["ColorCorrection", "apply_correction", "fit_correction"]

_MATRIX, _GAMMA, _SHADING = slice(0, 9), slice(9, 12), slice(12, 14)
_MODELS: tuple[tuple[str, str], ...] = (
    ("matrix", ""),
    ("gamma-matrix", "g"),
    ("channel-gamma-matrix", "c"),
    ("shading-gamma-matrix", "gs"),
)
_PRIOR_SD_GAMMA, _PRIOR_SD_SHADING = 0.3, 0.3
_PRECISION = np.concatenate([np.zeros(9), np.full(3, _PRIOR_SD_GAMMA**-2), np.full(2, _PRIOR_SD_SHADING**-2)])
_OUTLIER_DELTA_E = 10.0
_SIMPLER_UNLESS = 0.97
_STEP, _SETTLED, _DAMPING = 1e-5, 1e-4, 1e-3
_REWEIGHTED_ROUNDS, _ROUNDS, _HELD_OUT_ROUNDS = 3, 8, 3
_LEAST_LINEAR = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorCorrection:
    """
    Linear RGB to corrected linear RGB: power per channel, shading plane, 3×3 matrix.

    Parameters
    ----------
    name : str
        Which of the models was chosen.
    matrix : ndarray of float64, shape (3, 3)
        Acts on RGB columns.
    gamma : ndarray of float64, shape (3,)
        Exponents of the linear channels.
    shading : ndarray of float64, shape (2,)
        Relative change of the light from the card's centre to its right and lower border.
    agreement : ColorAgreement
        CIEDE2000 of the patches.
    """

    name: str
    matrix: NDArray[np.float64]
    gamma: NDArray[np.float64]
    shading: NDArray[np.float64]
    agreement: ColorAgreement


@dataclass(frozen=True, slots=True, kw_only=True)
class _Patches:
    values: NDArray[np.float64]
    place: NDArray[np.float64]
    reference: NDArray[np.float64]
    lab: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    name: str
    parameters: NDArray[np.float64]
    fitted: NDArray[np.float64]
    held_out: NDArray[np.float64]


def fit_correction(
    measured: NDArray[np.float64], reference: NDArray[np.float64], place: NDArray[np.float64]
) -> ColorCorrection:
    """
    Fit several corrections to the patches and keep the one that predicts left-out patches best.

    Parameters
    ----------
    measured : ndarray of float64, shape (patches, 3)
        Linear RGB; NaN where a patch was rejected.
    reference : ndarray of float64, shape (patches, 3)
        Linear RGB of the card's definition.
    place : ndarray of float64, shape (patches, 2)
        Where the patch lies on the card, x and y in [-1, 1].

    Returns
    -------
    ColorCorrection
        A simpler model is kept unless another is better by 3 % in mean held-out CIEDE2000.
    """
    used = np.isfinite(measured).all(axis=1)
    patches = _Patches(
        values=np.maximum(measured[used], _LEAST_LINEAR),
        place=place[used],
        reference=reference[used],
        lab=lab_from_linear_rgb(reference[used]),
    )
    best = first = _fit_model(*_MODELS[0], _start(patches), patches)
    for name, extras in _MODELS[1:]:
        fit = _fit_model(name, extras, first.parameters, patches)
        if float(fit.held_out.mean()) < _SIMPLER_UNLESS * float(best.held_out.mean()):
            best = fit
    return ColorCorrection(
        name=best.name,
        matrix=best.parameters[_MATRIX].reshape(3, 3),
        gamma=np.exp(best.parameters[_GAMMA]),
        shading=best.parameters[_SHADING],
        agreement=ColorAgreement(
            fitted_median=float(np.median(best.fitted)),
            fitted_max=float(best.fitted.max()),
            held_out_median=float(np.median(best.held_out)),
            held_out_max=float(best.held_out.max()),
        ),
    )


def apply_correction(
    correction: ColorCorrection, srgb: NDArray[np.uint8], card_from_picture: NDArray[np.float64]
) -> NDArray[np.float32]:
    """
    Correct a picture.

    Parameters
    ----------
    correction : ColorCorrection
        From `fit_correction`.
    srgb : ndarray of uint8, shape (height, width, 3)
        Picture in sRGB.
    card_from_picture : ndarray of float64, shape (2, 3)
        Affine map from (x, y, 1) of the picture to the card's [-1, 1] coordinates. Beyond the card the shading stays at
        its value on the card's border: a plane fitted on a small card says nothing of the light far from it.

    Returns
    -------
    ndarray of float32, shape (height, width, 3)
        Linear RGB, clipped to [0, 1].
    """
    levels = linear_from_srgb(np.arange(256, dtype=np.uint8)).astype(np.float64)
    table = (np.maximum(levels, _LEAST_LINEAR)[:, None] ** correction.gamma).astype(np.float32)
    height, width = srgb.shape[:2]
    corrected = np.empty((height, width, 3), dtype=np.float32)
    matrix = correction.matrix.astype(np.float32)
    shaded = bool(np.any(correction.shading != 0.0))
    x = np.arange(width, dtype=np.float32)[None, :]
    for top in range(0, height, 256):
        rows = slice(top, min(top + 256, height))
        linear: NDArray[Any] = cv2.LUT(srgb[rows], table.reshape(1, 256, 3))
        if shaded:
            y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None]
            light = np.ones((rows.stop - top, width), dtype=np.float32)
            for axis in (0, 1):
                a, b, c = (np.float32(value) for value in card_from_picture[axis])
                light += np.float32(correction.shading[axis]) * np.clip(a * x + b * y + c, -1.0, 1.0)
            np.divide(linear, light[..., None], out=linear)
        cv2.transform(linear, matrix, dst=corrected[rows])
    np.clip(corrected, 0.0, 1.0, out=corrected)
    return corrected


def _free_parameters(extras: str) -> NDArray[np.float64]:
    """Return the map (14, k) from a model's free parameters to all."""
    unit = np.eye(14)
    columns = [unit[:, index] for index in range(9)]
    if "g" in extras:
        columns.append(unit[:, _GAMMA].sum(axis=1))
    if "c" in extras:
        columns.extend(unit[:, index] for index in range(9, 12))
    if "s" in extras:
        columns.extend(unit[:, index] for index in range(12, 14))
    return np.stack(columns, axis=1)


def _start(patches: _Patches) -> NDArray[np.float64]:
    weight = 1.0 / (patches.reference.mean(axis=1, keepdims=True) + 0.03)
    matrix, *_ = np.linalg.lstsq(patches.values * weight, patches.reference * weight, rcond=None)
    return np.concatenate([matrix.T.ravel(), np.zeros(5)])


def _fit_model(name: str, extras: str, start: NDArray[np.float64], patches: _Patches) -> _Fit:
    free = _free_parameters(extras)
    parameters = start[None]
    weight = np.ones((1, len(patches.values)))
    for _ in range(_REWEIGHTED_ROUNDS):
        parameters = _descend(parameters, free, patches, weight, rounds=_ROUNDS)
        away = np.sum(_residual(parameters, patches) ** 2, axis=2)
        weight = 1.0 / (1.0 + away / _OUTLIER_DELTA_E**2)
    return _Fit(
        name=name,
        parameters=parameters[0],
        fitted=np.sqrt(away[0]),
        held_out=_held_out(parameters[0], free, patches, weight[0]),
    )


def _predict(parameters: NDArray[np.float64], patches: _Patches) -> NDArray[np.float64]:
    """Return corrected colours (..., patches, 3) for parameter sets (..., 14)."""
    gamma = np.exp(parameters[..., None, _GAMMA])
    light = 1.0 + np.einsum("...k,pk->...p", parameters[..., _SHADING], patches.place)
    powered = np.exp(gamma * np.log(patches.values)) / np.maximum(light, 0.1)[..., None]
    matrix = parameters[..., _MATRIX].reshape(*parameters.shape[:-1], 3, 3)
    return np.asarray(np.einsum("...ij,...pj->...pi", matrix, powered), dtype=np.float64)


def _residual(parameters: NDArray[np.float64], patches: _Patches) -> NDArray[np.float64]:
    return delta_e_2000_components(lab_from_linear_rgb(_predict(parameters, patches)), patches.lab)


def _descend(
    parameters: NDArray[np.float64],
    free: NDArray[np.float64],
    patches: _Patches,
    weight: NDArray[np.float64],
    *,
    rounds: int,
) -> NDArray[np.float64]:
    """Return parameter sets (folds, 14) after Levenberg-Marquardt steps, each fold with its own weights and damping."""
    damping = np.full(len(parameters), _DAMPING)
    cost = _cost(parameters, patches, weight)
    for _ in range(rounds):
        proposed = parameters + _change(parameters, free, patches, weight, damping)
        proposed_cost = _cost(proposed, patches, weight)
        better = proposed_cost < cost
        parameters = np.where(better[:, None], proposed, parameters)
        settled = np.where(better, cost - proposed_cost, 0.0) < _SETTLED * (1.0 + cost)
        cost = np.where(better, proposed_cost, cost)
        damping = np.where(better, 0.2 * damping, 20.0 * damping)
        if (settled & better).all():
            break
    return parameters


def _cost(parameters: NDArray[np.float64], patches: _Patches, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    away = np.sum(_residual(parameters, patches) ** 2, axis=2)
    return np.asarray(np.sum(weight * away, axis=1) + parameters**2 @ _PRECISION, dtype=np.float64)


def _change(
    parameters: NDArray[np.float64],
    free: NDArray[np.float64],
    patches: _Patches,
    weight: NDArray[np.float64],
    damping: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return one damped Gauss-Newton step for each parameter set."""
    moved = parameters[:, None] + np.concatenate([np.zeros((1, 14)), _STEP * free.T])
    residual = _residual(moved, patches)
    base = residual[:, 0]
    slope = ((residual[:, 1:] - base[:, None]) / _STEP).transpose(0, 2, 3, 1)
    weighted = slope * weight[:, :, None, None]
    normal = np.einsum("fpck,fpcl->fkl", weighted, slope) + (free.T * _PRECISION) @ free
    gradient = np.einsum("fpck,fpc->fk", weighted, base) + (parameters * _PRECISION) @ free
    diagonal = np.einsum("fkk->fk", normal)
    normal = normal + (damping[:, None, None] * diagonal[:, :, None] + 1e-9) * np.eye(free.shape[1])
    full = -np.linalg.solve(normal, gradient[..., None])[..., 0] @ free.T
    full[:, 9:] = np.clip(full[:, 9:], -0.3, 0.3)
    return np.asarray(full, dtype=np.float64)


def _held_out(
    parameters: NDArray[np.float64], free: NDArray[np.float64], patches: _Patches, weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return each patch's CIEDE2000 under the fit without it; all fits run at once, from the common solution."""
    count = len(patches.values)
    folds = np.repeat(parameters[None], count, axis=0)
    weights = weight * (1.0 - np.eye(count))
    folds = _descend(folds, free, patches, weights, rounds=_HELD_OUT_ROUNDS)
    away = np.sum(_residual(folds, patches) ** 2, axis=-1)
    return np.asarray(np.sqrt(np.diagonal(away)), dtype=np.float64)
