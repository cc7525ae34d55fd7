"""What is done to a photo's colours where the card tells little of them: nothing, or white balance and exposure."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import Flag
from oral_lesion.numerics.color import delta_e_2000, lab_from_linear_rgb
from oral_lesion.records import ColorAgreement
from oral_lesion.standardize.color_models import LEAST_LINEAR
from oral_lesion.standardize.correction import ColorCorrection, fit_correction

__all__ = ["NO_CORRECTION", "correction_for", "flags_of_correction"]

_Floats = NDArray[np.float64]

_MOST_CHROMA = 2.0
_FEWEST_GREYS, _FEWEST_FOR_GAMMA = 2, 4
_GAMMAS = np.linspace(0.5, 2.0, 301)
_NO_GAMMA = np.ones(1)
_SIMPLER_UNLESS = 0.97
_DIM = 0.25
_GAINS, _GAINS_AND_GAMMA = "white-balance", "white-balance-gamma"

NO_CORRECTION = ColorCorrection(
    name="none",
    matrix=np.eye(3),
    gamma=np.ones(3),
    shading=np.zeros(2),
    spline=None,
    agreement=ColorAgreement(
        fitted_median=math.nan, fitted_max=math.nan, held_out_median=math.nan, held_out_max=math.nan
    ),
)
"""Leaves the photo's colours as they are, and says nothing of how right they are."""


def correction_for(measured: _Floats, reference: _Floats, place: _Floats) -> ColorCorrection:
    """
    Fit what the card's patches can tell of the photo's colours.

    Parameters
    ----------
    measured : ndarray of float64, shape (patches, 3)
        Linear RGB; NaN where a patch was rejected, or its colour never measured.
    reference : ndarray of float64, shape (patches, 3)
        Linear RGB of the card's definition.
    place : ndarray of float64, shape (patches, 2)
        Where the patch lies on the card, x and y in [-1, 1].

    Returns
    -------
    ColorCorrection
        `NO_CORRECTION` without patches; a gain per channel, and from four greys on an exponent that the channels share,
        where all patches are grey (CIELAB chroma below 2); else that of `fit_correction`.
    """
    used = np.asarray(np.isfinite(measured).all(axis=1))
    if not used.any():
        return NO_CORRECTION
    chroma = np.linalg.norm(lab_from_linear_rgb(reference[used])[:, 1:], axis=1)
    if float(chroma.max()) >= _MOST_CHROMA:
        return fit_correction(measured, reference, place)
    return _white_balance(measured, reference, used) if used.sum() >= _FEWEST_GREYS else NO_CORRECTION


def flags_of_correction(correction: ColorCorrection) -> set[Flag]:
    """
    Return what a correction leaves undone.

    Parameters
    ----------
    correction : ColorCorrection
        From `correction_for`.

    Returns
    -------
    set of Flag
        ``color-uncorrected`` or ``white-balance-only``; empty where the colours were corrected.
    """
    if correction.name == NO_CORRECTION.name:
        return {Flag.COLOR_UNCORRECTED}
    return {Flag.WHITE_BALANCE_ONLY} if correction.name in (_GAINS, _GAINS_AND_GAMMA) else set()


def _white_balance(measured: _Floats, reference: _Floats, used: NDArray[np.bool_]) -> ColorCorrection:
    values, targets = np.maximum(measured[used], LEAST_LINEAR), np.maximum(reference[used], 0.0)
    models = {_GAINS: _NO_GAMMA}
    if len(values) >= _FEWEST_FOR_GAMMA:
        models[_GAINS_AND_GAMMA] = _GAMMAS
    table = np.stack([_held_out(values, targets, gammas) for gammas in models.values()])
    name = list(models)[_choice(table.mean(axis=1))]
    # The choice between the models, too, is made without the patch held out.
    others = table.sum(axis=1, keepdims=True) - table
    held_out = np.array([table[_choice(others[:, patch]), patch] for patch in range(len(values))])
    gains, gamma = _fit(values, targets, models[name])
    fitted = _differences(values, targets, gains, gamma)
    per_patch: list[float | None] = [None] * len(used)
    for patch, value in zip(np.flatnonzero(used).tolist(), held_out.tolist(), strict=True):
        per_patch[patch] = value
    return ColorCorrection(
        name=name,
        matrix=np.diag(gains),
        gamma=np.full(3, gamma),
        shading=np.zeros(2),
        spline=None,
        agreement=ColorAgreement(
            fitted_median=float(np.median(fitted)),
            fitted_max=float(fitted.max()),
            held_out_median=float(np.median(held_out)),
            held_out_max=float(held_out.max()),
            held_out_per_patch=tuple(per_patch),
        ),
        dim_delta_e00=float(_differences(_DIM * values, _DIM * targets, gains, gamma).mean()),
    )


def _fit(values: _Floats, targets: _Floats, gammas: _Floats) -> tuple[_Floats, float]:
    """Return the gains (3,) and the exponent that leave least between cube roots: these are near to lightness."""
    powered = np.cbrt(values) ** gammas[:, None, None]
    roots = np.cbrt(targets)
    root_gains = np.sum(powered * roots, axis=1, keepdims=True) / np.sum(powered**2, axis=1, keepdims=True)
    left = np.sum((powered * root_gains - roots) ** 2, axis=(1, 2))
    best = int(np.argmin(left))
    return np.asarray(root_gains[best, 0] ** 3, dtype=np.float64), float(gammas[best])


def _held_out(values: _Floats, targets: _Floats, gammas: _Floats) -> _Floats:
    """Return the CIEDE2000 (patches,) of each patch under a fit without it."""
    left_out = []
    for patch in range(len(values)):
        others = np.arange(len(values)) != patch
        gains, gamma = _fit(values[others], targets[others], gammas)
        left_out.append(float(_differences(values[[patch]], targets[[patch]], gains, gamma)[0]))
    return np.array(left_out)


def _differences(values: _Floats, targets: _Floats, gains: _Floats, gamma: float) -> _Floats:
    corrected = np.maximum(values, LEAST_LINEAR) ** gamma * gains
    return delta_e_2000(lab_from_linear_rgb(corrected), lab_from_linear_rgb(targets))


def _choice(errors: _Floats) -> int:
    return 1 if len(errors) > 1 and errors[1] < _SIMPLER_UNLESS * errors[0] else 0
