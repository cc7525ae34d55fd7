"""Sharpness, exposure and reflections of the tissue in a standardized photo."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.geometry import shrink
from oral_lesion.records import Photo, StandardizedPhoto

__all__ = ["TissueLook", "measure_tissue"]

_SAMPLE_PIXELS = 200_000
_SHARPNESS_MM_PER_PX = 0.4
_FULL = 254
_LEAST_TISSUE_PIXELS = 500

_NEUTRAL_SHARE = 0.5
_GLARE_CONTRAST = 1.5
_GLARE_WINDOW_MM = 8.0

_REBLUR_PX = 1.5
_OPERATOR_VARIANCE_PX2 = 0.55
_STRONGEST = 0.02
_FEWEST_EDGES, _MOST_EDGES = 40, 1500
_SHARPEST_QUANTILE = 0.25
_NOISE_FACTOR = 6.0
_LEAST_GRADIENT_NOISE = 5e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class TissueLook:
    """
    What the tissue tells of the photo; None where there is too little of it.

    Parameters
    ----------
    clipped_ratio_rgb : tuple of float or None
        Share of its pixels in the photo that are at the upper end of the range (254 or 255), for each channel.
    glare_ratio : float or None
        Share of it under specular reflections.
    blur_mm : float or None
        Standard deviation of the spread at its sharpest strong edges; None where fewer than 40 stand out of the noise.
    """

    clipped_ratio_rgb: tuple[float, float, float] | None
    glare_ratio: float | None
    blur_mm: float | None


def measure_tissue(photo: Photo, standardized: StandardizedPhoto) -> TissueLook:
    """
    Measure clipping, reflections and sharpness where the standardized photo shows no card.

    Parameters
    ----------
    photo : Photo
        Upright, in sRGB.
    standardized : StandardizedPhoto
        Of the same photo.

    Returns
    -------
    TissueLook
    """
    step = max(1, math.ceil(math.sqrt(standardized.valid.size / _SAMPLE_PIXELS)))
    valid = standardized.valid[::step, ::step]
    if np.count_nonzero(valid) < _LEAST_TISSUE_PIXELS:
        return TissueLook(clipped_ratio_rgb=None, glare_ratio=None, blur_mm=None)
    red, green, blue = _clipped_ratios(photo, standardized, step)
    return TissueLook(
        clipped_ratio_rgb=(red, green, blue),
        glare_ratio=_glare_ratio(standardized.linear_rgb[::step, ::step], valid, step * standardized.scale.mm_per_px),
        blur_mm=_blur_mm(standardized),
    )


def _clipped_ratios(photo: Photo, standardized: StandardizedPhoto, step: int) -> list[float]:
    """Look up the photo's own pixels under every `step`-th pixel of the standardized picture, without averaging."""
    valid = standardized.valid[::step, ::step]
    height, width = valid.shape
    samples: NDArray[Any] = cv2.warpPerspective(
        photo.srgb,
        standardized.photo_xy_from_standard_xy @ np.diag([float(step), float(step), 1.0]),
        (width, height),
        flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
    )
    full = np.count_nonzero((samples >= _FULL) & valid[..., None], axis=(0, 1))
    return [float(count) / np.count_nonzero(valid) for count in full]


def _glare_ratio(linear_rgb: NDArray[np.float32], valid: NDArray[np.bool_], mm_per_px: float) -> float:
    """
    Return the share of tissue that is whiter than tissue is, and brighter than what lies around it.

    A reflection has the light's colour, which the correction made neutral, so its R/G and R/B lie nearer to 1 than to
    the tissue's own medians [1]_; teeth are pale too, but no brighter than their surroundings of 8 mm.

    References
    ----------
    .. [1] Arnold et al. 2010, doi:10.1155/2010/814319: highlights of endoscopy by adaptive thresholds of colour
       ratios; their thresholds are not taken over.
    """
    picture = np.ascontiguousarray(linear_rgb)
    red, green, blue = (picture[..., channel] + np.float32(1e-3) for channel in range(3))
    by_green, by_blue = red / green, red / blue
    pale = valid.copy()
    for ratio in (by_green, by_blue):
        pale &= ratio <= 1.0 + _NEUTRAL_SHARE * max(float(np.median(ratio[valid])) - 1.0, 0.1)
    window = max(3, round(_GLARE_WINDOW_MM / mm_per_px) | 1)
    tissue = valid.astype(np.float32)
    light = (green * tissue).astype(np.float32)
    around: NDArray[Any] = cv2.boxFilter(light, -1, (window, window), borderType=cv2.BORDER_CONSTANT)
    share: NDArray[Any] = cv2.boxFilter(tissue, -1, (window, window), borderType=cv2.BORDER_CONSTANT)
    bright = light * np.maximum(share, 1e-6) > _GLARE_CONTRAST * around
    return float(np.count_nonzero(pale & bright)) / float(np.count_nonzero(valid))


def _blur_mm(standardized: StandardizedPhoto) -> float | None:
    """
    Return the spread at the tissue's sharpest strong edges, by how much a second blur lowers their gradient.

    A step of spread s has a gradient of 1/s at its middle, and of 1/sqrt(s² + t²) after a blur of t, hence
    s = t / sqrt(R² - 1) with R the ratio of both [1]_.

    References
    ----------
    .. [1] Zhuo, Sim 2011, doi:10.1016/j.patcog.2011.03.009.
       Checked: tests/unit/standardize/test_quality.py, steps of known spread.
    """
    factor = max(1, round(_SHARPNESS_MM_PER_PX / standardized.scale.mm_per_px))
    light = shrink(np.ascontiguousarray(standardized.linear_rgb[..., 1]), factor)
    inside = _inside(standardized.valid[::factor, ::factor], light.shape)
    gradient = _gradient(light)
    peaks = _peaks(gradient, inside, _NOISE_FACTOR * _gradient_noise(light, inside))
    if len(peaks) < _FEWEST_EDGES:
        return None
    reblurred = _gradient(cv2.GaussianBlur(light, (0, 0), _REBLUR_PX))
    ratio = gradient.ravel()[peaks] / np.maximum(reblurred.ravel()[peaks], 1e-9)
    variance = _REBLUR_PX**2 / np.maximum(ratio.astype(np.float64) ** 2 - 1.0, 1e-4)
    sharp = float(np.quantile(variance, _SHARPEST_QUANTILE)) - _OPERATOR_VARIANCE_PX2
    return math.sqrt(max(sharp, 0.0)) * factor * standardized.scale.mm_per_px


def _inside(valid: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return `valid` without a margin of six pixels, cut or padded to `shape`."""
    mask = np.zeros(shape, dtype=np.uint8)
    height, width = min(shape[0], valid.shape[0]), min(shape[1], valid.shape[1])
    mask[:height, :width] = valid[:height, :width]
    eroded: NDArray[Any] = cv2.erode(mask, np.ones((13, 13), np.uint8), borderValue=0)
    return eroded.astype(np.bool_)


def _gradient(light: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(
        cv2.magnitude(cv2.Sobel(light, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(light, cv2.CV_32F, 0, 1, scale=0.125)),
        dtype=np.float32,
    )


def _gradient_noise(light: NDArray[Any], inside: NDArray[np.bool_]) -> float:
    """Return the noise of `_gradient` along an axis, from the median absolute Laplacian, which edges hardly move."""
    if not inside.any():
        return 0.0
    laplacian: NDArray[Any] = cv2.Laplacian(light, cv2.CV_32F)
    noise = 1.4826 * float(np.median(np.abs(laplacian[inside]))) / math.sqrt(20.0)
    return max(noise * math.sqrt(12.0) / 8.0, _LEAST_GRADIENT_NOISE)


def _peaks(gradient: NDArray[np.float32], inside: NDArray[np.bool_], floor: float) -> NDArray[np.intp]:
    """Return flat indices of the strongest local maxima above the floor."""
    highest: NDArray[Any] = cv2.dilate(gradient, np.ones((3, 3), np.uint8))
    strong = inside & (gradient >= highest) & (gradient > floor)
    places = np.flatnonzero(strong)
    count = min(_MOST_EDGES, max(_FEWEST_EDGES, round(_STRONGEST * np.count_nonzero(inside) / 9.0)))
    order = np.argsort(-gradient.ravel()[places], kind="stable")
    return places[order[:count]]
