"""Light, tone curve and matrix that bring a card's patches to their reference: with all, and without each in turn."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.color import delta_e_2000_components, lab_from_linear_rgb

__all__ = [
    "GREY_CURVE",
    "LINEAR_DATA",
    "SHARED_GAMMA",
    "LightAndMatrix",
    "MatrixFit",
    "MatrixModel",
    "PatchColors",
    "fit_model",
]

_Floats = NDArray[np.float64]
MATRIX, GAMMA, SHADING = slice(0, 9), slice(9, 12), slice(12, 14)
_COUNT = 14
LEAST_LINEAR = 1e-4
_LEAST_LIGHT = 0.1
_OUTLIER_DELTA_E = 10.0
_LEAST_VARIANCE = 0.05
_STEP, _SETTLED, _DAMPING = 1e-5, 1e-4, 1e-3
_LARGEST_CHANGE = 0.3
_REWEIGHTED_ROUNDS, _ROUNDS = 3, 8
_HELD_OUT_REWEIGHTED, _HELD_OUT_ROUNDS = 3, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixModel:
    """
    A 3×3 matrix after a power of each channel and a plane of light.

    Parameters
    ----------
    name : str
        As in the results.
    shared : bool
        One exponent for all channels.
    prior_sd_gamma, prior_sd_shading : float
        Of the exponents' logarithms and of the light's relative change from the card's centre to its border. A narrow
        prior for the exponent keeps the correction nearly proportional: a lesion is darker than most of the card.
    stored : bool
        The exponents act on the stored values: the file holds linear data, without the curve of sRGB.
    """

    name: str
    shared: bool
    prior_sd_gamma: float
    prior_sd_shading: float
    stored: bool = False

    @property
    def free(self) -> _Floats:
        """Map (14, k) from free parameters to all."""
        unit = np.eye(_COUNT)
        gamma = [unit[:, GAMMA].sum(axis=1)] if self.shared else list(unit[:, GAMMA].T)
        return np.stack([*unit[:, MATRIX].T, *gamma, *unit[:, SHADING].T], axis=1)

    @property
    def precision(self) -> _Floats:
        """Of the priors, shape (14,)."""
        gamma, shading = self.prior_sd_gamma**-2, self.prior_sd_shading**-2
        return np.concatenate([np.zeros(9), np.full(3, gamma), np.full(2, shading)])


SHARED_GAMMA = MatrixModel(name="shading-gamma-matrix", shared=True, prior_sd_gamma=0.09, prior_sd_shading=0.2)
LINEAR_DATA = replace(SHARED_GAMMA, name="shading-linear-data-matrix", stored=True)
GREY_CURVE = MatrixModel(name="shading-grey-curve-matrix", shared=False, prior_sd_gamma=0.9, prior_sd_shading=0.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchColors:
    """
    Patches that were read, and their reference.

    Parameters
    ----------
    values, reference : ndarray of float64, shape (patches, 3)
        Linear RGB.
    place : ndarray of float64, shape (patches, 2)
        On the card, x and y in [-1, 1].
    lab : ndarray of float64, shape (patches, 3)
        CIELAB (D65) of the reference.
    """

    values: _Floats
    reference: _Floats
    place: _Floats
    lab: _Floats


@dataclass(frozen=True, slots=True)
class LightAndMatrix:
    """Parameters (..., 14) of a model: matrix by rows, log exponents, shading."""

    parameters: _Floats

    def matched(self, values: _Floats) -> _Floats:
        """
        Return colours after exponents and matrix, the light not yet evened.

        Parameters
        ----------
        values : ndarray of float64, shape (n, 3)
            Linear RGB above 0.

        Returns
        -------
        ndarray of float64, shape (..., n, 3)
            Linear RGB.
        """
        gamma = np.exp(self.parameters[..., None, GAMMA])
        powered = np.exp(gamma * np.log(values))
        matrix = self.parameters[..., MATRIX].reshape(*self.parameters.shape[:-1], 3, 3)
        return np.asarray(np.einsum("...ij,...pj->...pi", matrix, powered), dtype=np.float64)

    def light(self, place: _Floats) -> _Floats:
        """
        Return the light, 1 at the card's centre.

        Parameters
        ----------
        place : ndarray of float64, shape (n, 2)
            On the card.

        Returns
        -------
        ndarray of float64, shape (..., n, 1)
            Relative.
        """
        light = 1.0 + np.einsum("...k,pk->...p", self.parameters[..., SHADING], place)
        return np.asarray(np.maximum(light, _LEAST_LIGHT)[..., None], dtype=np.float64)

    def lab_of(self, patches: PatchColors) -> _Floats:
        """
        Return the patches' corrected colours.

        Parameters
        ----------
        patches : PatchColors
            As read.

        Returns
        -------
        ndarray of float64, shape (..., patches, 3)
            CIELAB.
        """
        return lab_from_linear_rgb(self.matched(patches.values) / self.light(patches.place))


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixFit:
    """
    A model fitted to all patches, and to all but one.

    Parameters
    ----------
    model : MatrixModel
        What was fitted.
    whole : LightAndMatrix
        Fitted to all patches, parameters of shape (1, 14).
    folds : LightAndMatrix
        Fitted without each patch in turn, parameters of shape (patches, 14).
    weight : ndarray of float64, shape (patches,)
        Of the patches; small for outliers.
    fold_weight : ndarray of float64, shape (patches, patches)
        The same for each fold, 0 on the diagonal.
    """

    model: MatrixModel
    whole: LightAndMatrix
    folds: LightAndMatrix
    weight: _Floats
    fold_weight: _Floats


def fit_model(model: MatrixModel, patches: PatchColors) -> MatrixFit:
    """
    Fit a model by CIEDE2000, robustly; the fits without one patch start from the common solution, all at once.

    Parameters
    ----------
    model : MatrixModel
        What to fit.
    patches : PatchColors
        At least six.

    Returns
    -------
    MatrixFit
    """
    relative = 1.0 / (patches.reference.mean(axis=1, keepdims=True) + 0.03)
    matrix, *_ = np.linalg.lstsq(patches.values * relative, patches.reference * relative, rcond=None)
    parameters = np.concatenate([matrix.T.ravel(), np.zeros(5)])[None]
    weight = np.ones((1, len(patches.values)))
    # Priors count against what the model leaves: where it fits, the patches alone decide.
    prior = _LEAST_VARIANCE * model.precision
    for _ in range(_REWEIGHTED_ROUNDS):
        parameters = _descend(parameters, model, patches, weight, prior, rounds=_ROUNDS)
        away = np.sum(_residual(parameters, patches) ** 2, axis=2)
        weight = 1.0 / (1.0 + away / _OUTLIER_DELTA_E**2)
        prior = max(_LEAST_VARIANCE, float(np.mean(weight * away))) * model.precision
    folds, fold_weight = _without_each(parameters, model, patches, weight)
    return MatrixFit(
        model=model,
        whole=LightAndMatrix(parameters),
        folds=LightAndMatrix(folds),
        weight=weight[0],
        fold_weight=fold_weight,
    )


def _without_each(
    parameters: _Floats, model: MatrixModel, patches: PatchColors, weight: _Floats
) -> tuple[_Floats, _Floats]:
    """Return the fits without each patch, and their weights: these and the prior's share, too, are found without it."""
    count = len(patches.values)
    others = 1.0 - np.eye(count)
    folds, kept = np.repeat(parameters, count, axis=0), weight * others
    for _ in range(_HELD_OUT_REWEIGHTED):
        away = np.sum(_residual(folds, patches) ** 2, axis=2)
        left = np.sum(kept * away, axis=1, keepdims=True) / (count - 1)
        prior = np.maximum(_LEAST_VARIANCE, left) * model.precision
        kept = others / (1.0 + away / _OUTLIER_DELTA_E**2)
        folds = _descend(folds, model, patches, kept, prior, rounds=_HELD_OUT_ROUNDS)
    return folds, kept


def _residual(parameters: _Floats, patches: PatchColors) -> _Floats:
    return delta_e_2000_components(LightAndMatrix(parameters).lab_of(patches), patches.lab)


def _descend(
    parameters: _Floats, model: MatrixModel, patches: PatchColors, weight: _Floats, prior: _Floats, *, rounds: int
) -> _Floats:
    """Return parameter sets (folds, 14) after Levenberg-Marquardt steps, each fold with its own weights and damping."""
    damping = np.full(len(parameters), _DAMPING)
    cost = _cost(parameters, patches, weight, prior)
    for _ in range(rounds):
        proposed = parameters + _change(parameters, model.free, patches, (weight, prior), damping)
        proposed_cost = _cost(proposed, patches, weight, prior)
        better = proposed_cost < cost
        parameters = np.where(better[:, None], proposed, parameters)
        settled = np.where(better, cost - proposed_cost, 0.0) < _SETTLED * (1.0 + cost)
        cost = np.where(better, proposed_cost, cost)
        damping = np.where(better, 0.2 * damping, 20.0 * damping)
        if (settled & better).all():
            break
    return parameters


def _cost(parameters: _Floats, patches: PatchColors, weight: _Floats, prior: _Floats) -> _Floats:
    away = np.sum(_residual(parameters, patches) ** 2, axis=2)
    return np.asarray(np.sum(weight * away, axis=1) + np.sum(parameters**2 * prior, axis=1), dtype=np.float64)


def _change(
    parameters: _Floats,
    free: _Floats,
    patches: PatchColors,
    weight_and_prior: tuple[_Floats, _Floats],
    damping: _Floats,
) -> _Floats:
    """Return one damped Gauss-Newton step for each parameter set."""
    weight, precision = weight_and_prior
    moved = parameters[:, None] + np.concatenate([np.zeros((1, _COUNT)), _STEP * free.T])
    residual = _residual(moved, patches)
    base = residual[:, 0]
    slope = ((residual[:, 1:] - base[:, None]) / _STEP).transpose(0, 2, 3, 1)
    weighted = slope * weight[:, :, None, None]
    normal = np.einsum("fpck,fpcl->fkl", weighted, slope) + np.einsum(
        "ak,fa,al->fkl", free, np.broadcast_to(precision, parameters.shape), free
    )
    gradient = np.einsum("fpck,fpc->fk", weighted, base) + (parameters * precision) @ free
    diagonal = np.einsum("fkk->fk", normal)
    normal = normal + (damping[:, None, None] * diagonal[:, :, None] + 1e-9) * np.eye(free.shape[1])
    full = -np.linalg.solve(normal, gradient[..., None])[..., 0] @ free.T
    full[:, 9:] = np.clip(full[:, 9:], -_LARGEST_CHANGE, _LARGEST_CHANGE)
    return np.asarray(full, dtype=np.float64)
