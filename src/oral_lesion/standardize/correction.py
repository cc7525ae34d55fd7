"""Colour correction from the card's patches, chosen by leaving each patch out in turn."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.color import (
    delta_e_2000,
    lab_from_linear_rgb,
    linear_from_srgb,
    linear_rgb_from_lab,
    srgb_from_linear,
)
from oral_lesion.records import ColorAgreement
from oral_lesion.standardize.color_models import (
    GAMMA,
    GREY_CURVE,
    LEAST_LINEAR,
    LINEAR_DATA,
    MATRIX,
    SHADING,
    SHARED_GAMMA,
    LightAndMatrix,
    MatrixFit,
    MatrixModel,
    PatchColors,
    fit_model,
)
from oral_lesion.standardize.spline import ColorSpline, SplineSettings, fit_spline, spline_table

__all__ = ["FINER", "ColorCorrection", "CorrectionSettings", "apply_correction", "correct_colors", "fit_correction"]

_Floats = NDArray[np.float64]
_POOR_DELTA_E = 6.0
"""Where the shared exponent leaves more than this in the mean, the values may be linear data, or the channels may have
exponents of their own."""
_LEAST_GAIN = 0.01
FINER = 0.5
"""Reach of the second spline over that of the first: a photo's own patches say how fine its differences are."""
_DIM = 0.25
_STRIP_ROWS = 256
_BAYER = np.array([[0, 4, 1, 5], [6, 2, 7, 3], [1, 5, 0, 4], [7, 3, 6, 2]], dtype=np.uint8)
_DITHER = np.stack([_BAYER, _BAYER.T, _BAYER[::-1]], axis=-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionSettings:
    """
    Constants of the corrections that are fitted.

    Parameters
    ----------
    shared_gamma : MatrixModel
        Fitted to every card.
    fallbacks : tuple of MatrixModel
        Fitted too where the first leaves much.
    splines : tuple of SplineSettings
        For what each model leaves, from the smoothest; the photo's own patches choose.
    """

    shared_gamma: MatrixModel = SHARED_GAMMA
    fallbacks: tuple[MatrixModel, ...] = (LINEAR_DATA, GREY_CURVE)
    splines: tuple[SplineSettings, ...] = (SplineSettings(), SplineSettings().scaled(FINER))


_CHOSEN = CorrectionSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorCorrection:
    """
    Linear RGB to corrected linear RGB: power per channel, 3×3 matrix, displacement, shading plane.

    Parameters
    ----------
    name : str
        Which of the models was chosen.
    matrix : ndarray of float64, shape (3, 3)
        Acts on RGB columns.
    gamma : ndarray of float64, shape (3,)
        Exponents of the linear channels, or of the stored ones.
    shading : ndarray of float64, shape (2,)
        Relative change of the light from the card's centre to its right and lower border.
    spline : ColorSpline or None
        Displacement of what the matrix gives, before the light is evened.
    agreement : ColorAgreement
        CIEDE2000 of the patches.
    dim_delta_e00 : float
        Mean CIEDE2000 of the patches at a quarter of the intensity, their reference likewise: a lesion is darker than
        most of the card.
    stored : bool
        The exponents act on the stored values: the file holds linear data, without the curve of sRGB.
    """

    name: str
    matrix: _Floats
    gamma: _Floats
    shading: _Floats
    spline: ColorSpline | None
    agreement: ColorAgreement
    dim_delta_e00: float = math.nan
    stored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    name: str
    fit: MatrixFit
    patches: PatchColors
    spline: ColorSpline | None
    fitted: _Floats
    held_out: _Floats


def fit_correction(
    measured: _Floats, reference: _Floats, place: _Floats, settings: CorrectionSettings = _CHOSEN
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
    settings : CorrectionSettings
        Priors, reach and smoothing.

    Returns
    -------
    ColorCorrection
        That with the smallest mean held-out CIEDE2000, the simplest of equals. The figure of a patch is that of the
        model with the smallest mean over the other patches, so the choice does not see its error.
    """
    used = np.asarray(np.isfinite(measured).all(axis=1))
    patches = PatchColors(
        values=np.maximum(measured[used], LEAST_LINEAR),
        place=place[used],
        reference=reference[used],
        lab=lab_from_linear_rgb(reference[used]),
    )
    candidates = _candidates(settings.shared_gamma, patches, settings.splines)
    if float(candidates[0].fitted.mean()) > _POOR_DELTA_E:
        for model in settings.fallbacks:
            candidates += _candidates(model, patches, settings.splines)
    table = np.stack([candidate.held_out for candidate in candidates])
    chosen = candidates[_choice(table.mean(axis=1))]
    others = (table.sum(axis=1, keepdims=True) - table) / max(1, table.shape[1] - 1)
    held_out = np.array([table[_choice(others[:, patch]), patch] for patch in range(table.shape[1])])
    parameters = chosen.fit.whole.parameters[0]
    correction = ColorCorrection(
        name=chosen.name,
        matrix=parameters[MATRIX].reshape(3, 3),
        gamma=np.exp(parameters[GAMMA]),
        shading=parameters[SHADING],
        spline=chosen.spline,
        agreement=ColorAgreement(
            fitted_median=float(np.median(chosen.fitted)),
            fitted_max=float(chosen.fitted.max()),
            held_out_median=float(np.median(held_out)),
            held_out_max=float(held_out.max()),
            held_out_per_patch=_per_patch(held_out, used),
        ),
        stored=chosen.fit.model.stored,
    )
    return replace(correction, dim_delta_e00=_dim_delta_e00(correction, chosen.patches))


def correct_colors(correction: ColorCorrection, linear_rgb: _Floats, place: _Floats) -> _Floats:
    """
    Correct single colours.

    Parameters
    ----------
    correction : ColorCorrection
        From `fit_correction`.
    linear_rgb : ndarray of float64, shape (n, 3)
        Linear RGB.
    place : ndarray of float64, shape (n, 2)
        Where on the card, x and y in [-1, 1].

    Returns
    -------
    ndarray of float64, shape (n, 3)
        Linear RGB, not clipped.
    """
    return _corrected(correction, srgb_from_linear(linear_rgb) if correction.stored else linear_rgb, place)


def _corrected(correction: ColorCorrection, linear_rgb: _Floats, place: _Floats) -> _Floats:
    matched = np.maximum(linear_rgb, LEAST_LINEAR) ** correction.gamma @ correction.matrix.T
    if correction.spline is not None:
        matched = linear_rgb_from_lab(correction.spline.displaced(lab_from_linear_rgb(matched)))
    light = np.maximum(1.0 + place @ correction.shading, 0.1)
    return np.asarray(matched / light[:, None], dtype=np.float64)


def apply_correction(
    correction: ColorCorrection, srgb: NDArray[np.uint8], card_from_picture: _Floats
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
    codes = np.arange(256, dtype=np.uint8)
    levels = codes / 255.0 if correction.stored else linear_from_srgb(codes).astype(np.float64)
    powers = np.maximum(levels, LEAST_LINEAR)[:, None] ** correction.gamma
    table = None if correction.spline is None else spline_table(correction.spline, correction.matrix, powers)
    power_table = powers.astype(np.float32).reshape(1, 256, 3)
    height, width = srgb.shape[:2]
    corrected = np.empty((height, width, 3), dtype=np.float32)
    matrix = correction.matrix.astype(np.float32)
    dither = np.tile(_DITHER, (_STRIP_ROWS // 4, width // 4 + 1, 1))[:, :width]
    for top in range(0, height, _STRIP_ROWS):
        rows = slice(top, min(top + _STRIP_ROWS, height))
        powered: NDArray[Any] = cv2.LUT(srgb[rows], power_table)
        strip: NDArray[Any] = cv2.transform(powered, matrix)
        if table is not None:
            strip += table.take(_table_rows(srgb[rows], dither), axis=0)
        if np.any(correction.shading != 0.0):
            strip /= _light(correction.shading, card_from_picture, rows, width)
        np.clip(strip, 0.0, 1.0, out=corrected[rows])
    return corrected


def _table_rows(srgb: NDArray[np.uint8], dither: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return each pixel's row of the table: dithered, so that the raster of the table shows no bands."""
    dithered: NDArray[Any] = cv2.add(srgb, np.ascontiguousarray(dither[: srgb.shape[0]]))
    codes = (dithered >> 3).astype(np.uint16)
    return np.asarray((codes[..., 0] << 10) | (codes[..., 1] << 5) | codes[..., 2], dtype=np.uint16)


def _light(shading: _Floats, card_from_picture: _Floats, rows: slice, width: int) -> NDArray[np.float32]:
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None]
    light = np.ones((rows.stop - rows.start, width), dtype=np.float32)
    for axis in (0, 1):
        a, b, c = (np.float32(value) for value in card_from_picture[axis])
        light += np.float32(shading[axis]) * np.clip(a * x + b * y + c, -1.0, 1.0)
    return np.maximum(light, np.float32(0.1))[..., None]


def _candidates(model: MatrixModel, patches: PatchColors, splines: tuple[SplineSettings, ...]) -> list[_Candidate]:
    """Return the model alone, and with each spline for what it leaves."""
    if model.stored:
        patches = replace(patches, values=np.maximum(srgb_from_linear(patches.values), LEAST_LINEAR))
    fit = fit_model(model, patches)
    diagonal = np.arange(len(patches.values))
    plain = _Candidate(
        name=model.name,
        fit=fit,
        patches=patches,
        spline=None,
        fitted=delta_e_2000(fit.whole.lab_of(patches)[0], patches.lab),
        held_out=delta_e_2000(fit.folds.lab_of(patches)[diagonal, diagonal], patches.lab),
    )
    candidates = [plain]
    for settings in splines:
        whole, fitted = _with_spline(fit.whole, fit.weight[None], patches, settings)
        _, left_out = _with_spline(fit.folds, fit.fold_weight, patches, settings)
        with_spline = replace(
            plain,
            name=f"{model.name}-spline",
            spline=replace(whole, lab=whole.lab[0], coefficients=whole.coefficients[0]),
            fitted=fitted[0],
            held_out=left_out[diagonal, diagonal],
        )
        candidates.append(with_spline)
    return candidates


def _with_spline(
    fits: LightAndMatrix, weight: _Floats, patches: PatchColors, settings: SplineSettings
) -> tuple[ColorSpline, _Floats]:
    """Return splines for several fits at once, and the CIEDE2000 (fits, patches) of all patches under each."""
    light = fits.light(patches.place)
    lab = lab_from_linear_rgb(fits.matched(patches.values))
    spline = fit_spline(lab, lab_from_linear_rgb(patches.reference * light), weight, settings)
    corrected = linear_rgb_from_lab(spline.displaced(lab)) / light
    return spline, delta_e_2000(lab_from_linear_rgb(corrected), patches.lab)


def _dim_delta_e00(correction: ColorCorrection, patches: PatchColors) -> float:
    dim = _corrected(correction, _DIM * patches.values, patches.place)
    return float(delta_e_2000(lab_from_linear_rgb(dim), lab_from_linear_rgb(_DIM * patches.reference)).mean())


def _choice(means: _Floats) -> int:
    """Return which candidate to keep; they come from the simplest on."""
    best = 0
    for index in range(1, len(means)):
        if means[index] < means[best] - _LEAST_GAIN:
            best = index
    return best


def _per_patch(values: _Floats, used: NDArray[np.bool_]) -> tuple[float | None, ...]:
    known = iter(values.tolist())
    return tuple(next(known) if patch else None for patch in used.tolist())
