"""The card's patches: colour, spread, clipping, and whether each can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.color import linear_from_srgb
from oral_lesion.protocol import CardDefinition
from oral_lesion.standardize.edges import CardView
from oral_lesion.standardize.orders import color_differences

__all__ = ["CHART_PATCHES", "FEWEST_PATCHES", "PatchReading", "odd_patches", "read_patches"]

CHART_PATCHES = 24
"""Patches of the chart that the protocol's limits on patches are meant for; a card of fewer needs its share of them."""
FEWEST_PATCHES = 3
"""With fewer a white balance could not be checked."""
_HALF_EXTENT = 0.3
_MOST_CLIPPED, _ALL_CLIPPED = 0.02, 0.7
_MOST_BLACK = 0.5
_ODD_DELTA_E, _ODD_RATIO, _FEWEST_TO_JUDGE = 16.0, 5.0, 12
_MOST_UNEVEN = 0.20
_UNEVEN_FLOOR = 0.015
_MOST_SPECKLED = 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchReading:
    """
    What was read from the patches, in the card's order.

    Parameters
    ----------
    linear_rgb, sd : ndarray of float64, shape (patches, 3)
        Mean without outliers and robust standard deviation inside a patch.
    clipped_fraction : ndarray of float64, shape (patches,)
        Fraction of pixels with a channel at an end of its range.
    clipped, uneven : ndarray of bool, shape (patches,)
        Too many pixels at the upper end (or black where the reference is not); glare, shadow or something on the patch.
    """

    linear_rgb: NDArray[np.float64]
    sd: NDArray[np.float64]
    clipped_fraction: NDArray[np.float64]
    clipped: NDArray[np.bool_]
    uneven: NDArray[np.bool_]


def read_patches(view: CardView, card: CardDefinition, reference: NDArray[np.float64]) -> PatchReading:
    """
    Read the middle of every patch of a rectified card.

    Parameters
    ----------
    view : CardView
        Rectified by the fitted pose.
    card : CardDefinition
        Layout.
    reference : ndarray of float64, shape (patches, 3)
        Reference colours, linear RGB.

    Returns
    -------
    PatchReading
    """
    pixels = _patch_pixels(view, card)
    linear = linear_from_srgb(pixels.reshape(len(pixels), -1, 3)).astype(np.float64)
    median = np.median(linear, axis=1, keepdims=True)
    sd = 1.4826 * np.median(np.abs(linear - median), axis=1)
    inlier = (np.abs(linear - median) <= 3.0 * sd[:, None] + 0.004).all(axis=2, keepdims=True)
    mean = np.sum(linear * inlier, axis=1) / np.maximum(inlier.sum(axis=1), 1)
    flat = pixels.reshape(len(pixels), -1, 3)
    high = (flat == 255).any(axis=2).mean(axis=1)
    black = ((flat == 0).mean(axis=1) > _MOST_BLACK) & (reference > 0.02)
    at_end = ((flat == 255) | (flat == 0)).any(axis=2).mean(axis=1)
    uneven = _uneven(pixels)
    # Glare clips the part of a patch that it lies on, too much light all of it.
    clipped = ((high > _MOST_CLIPPED) & ~(uneven & (high < _ALL_CLIPPED))) | black.any(axis=1)
    return PatchReading(
        linear_rgb=mean,
        sd=sd,
        clipped_fraction=at_end,
        clipped=clipped,
        uneven=uneven & ~clipped,
    )


def odd_patches(linear_rgb: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.bool_]:
    """
    Return which patches have another colour than the rest would have them: covered, or in a shadow of their own.

    Parameters
    ----------
    linear_rgb, reference : ndarray of float64, shape (patches, 3)
        As read, and as the card defines them.

    Returns
    -------
    ndarray of bool, shape (patches,)
        At most half of them; none where the rest disagree, too.
    """
    if len(linear_rgb) < _FEWEST_TO_JUDGE:
        return np.zeros(len(linear_rgb), dtype=np.bool_)
    difference = color_differences(linear_rgb, reference)
    limit = max(_ODD_DELTA_E, _ODD_RATIO * float(np.median(difference)))
    odd = difference > limit
    return odd if odd.sum() <= len(odd) // 2 else np.zeros_like(odd)


def _patch_pixels(view: CardView, card: CardDefinition) -> NDArray[np.uint8]:
    """Return the middle pixels of all patches, shape (patches, height, width, 3)."""
    half_x, half_y = (
        max(2, int(_HALF_EXTENT * patch / pitch * view.px_per_pitch))
        for patch, pitch in zip(card.patch_xy_mm, card.pitch_xy_mm, strict=True)
    )
    blocks = []
    for row in range(card.rows):
        for column in range(card.columns):
            y, x = round(float(view.index(row))), round(float(view.index(column)))
            blocks.append(view.srgb[y - half_y : y + half_y, x - half_x : x + half_x])
    return np.stack(blocks)


def _uneven(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    luminance = linear_from_srgb(pixels.reshape(-1, *pixels.shape[2:])).mean(axis=2).reshape(pixels.shape[:3])
    height, width = luminance.shape[1] // 2, luminance.shape[2] // 2
    quarters = np.stack(
        [
            np.median(luminance[:, top : top + height, left : left + width], axis=(1, 2))
            for top in (0, height)
            for left in (0, width)
        ]
    )
    middle = np.median(luminance, axis=(1, 2))
    spread = quarters.max(axis=0) - quarters.min(axis=0)
    deviation = np.abs(luminance - middle[:, None, None])
    noise = 1.4826 * np.median(deviation, axis=(1, 2))
    speckled = (deviation > (5.0 * noise + 0.15 * middle + 0.02)[:, None, None]).mean(axis=(1, 2))
    return np.asarray((spread > _MOST_UNEVEN * middle + _UNEVEN_FLOOR) | (speckled > _MOST_SPECKLED))
