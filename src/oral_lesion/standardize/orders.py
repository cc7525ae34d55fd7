"""How well the colours of laid patches agree with the card's, in the order that was tried."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.color import delta_e_2000, lab_from_linear_rgb, linear_rgb_from_lab_d50
from oral_lesion.protocol import CardDefinition

__all__ = ["MAX_MISMATCH", "color_differences", "color_mismatch", "reference_linear_rgb"]

MAX_MISMATCH = 13.0
"""Right orders gave up to 8.8 on photographs of cards, wrong ones and other things 18 and more."""
_CLEAR_MATCH = 6.0
_MOST_COVERED, _MOST_SPOILT = 4, 6


def reference_linear_rgb(card: CardDefinition) -> NDArray[np.float64]:
    """
    Return the card's reference colours.

    Parameters
    ----------
    card : CardDefinition
        With CIELAB (D50) of its patches.

    Returns
    -------
    ndarray of float64, shape (patches, 3)
        Linear RGB in the card's order.
    """
    return linear_rgb_from_lab_d50([patch.lab_d50 for patch in card.patches])


def color_mismatch(measured: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
    """
    Return the colour difference that the best 3×3 matrix leaves: large where patches are in the wrong order.

    Parameters
    ----------
    measured, reference : ndarray of float64, shape (patches, 3)
        Linear RGB.

    Returns
    -------
    float
        Mean CIEDE2000 of the best 20 of 24 patches, for four may be covered; or, where that is large, of the best 18
        after a fit without the six that `color_differences` spares.
    """
    weight = 1.0 / (reference.mean(axis=1, keepdims=True) + 0.05)
    mismatch = float(np.mean(np.sort(_differences(measured, reference, weight))[: len(measured) - _MOST_COVERED]))
    if mismatch <= _CLEAR_MATCH:
        return mismatch
    return min(
        mismatch, float(np.mean(np.sort(color_differences(measured, reference))[: len(measured) - _MOST_SPOILT]))
    )


def color_differences(measured: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Return each patch's colour difference under a 3×3 matrix fitted without the six that fit least.

    Parameters
    ----------
    measured, reference : ndarray of float64, shape (patches, 3)
        Linear RGB.

    Returns
    -------
    ndarray of float64, shape (patches,)
        CIEDE2000. Spared from the fit are those that differ most from a mere change of gains: glare would pull the
        matrix.
    """
    weight = 1.0 / (reference.mean(axis=1, keepdims=True) + 0.05)
    gain = np.median((reference + 0.01) / (measured + 0.01), axis=0)
    away = np.abs(np.log((measured * gain + 0.02) / (np.maximum(reference, 0.0) + 0.02))).max(axis=1)
    trusted = away <= np.sort(away)[-min(_MOST_SPOILT, len(away) // 4) - 1]
    return _differences(measured, reference, weight * trusted[:, None])


def _differences(
    measured: NDArray[np.float64], reference: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    matrix, *_ = np.linalg.lstsq(measured * weight, reference * weight, rcond=None)
    return delta_e_2000(lab_from_linear_rgb(np.clip(measured @ matrix, 0.0, 2.0)), lab_from_linear_rgb(reference))
