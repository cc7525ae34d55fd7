"""Overlap of a predicted mask with a labelled one: by pixel, by lesion, and of probabilities with what came true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from oral_lesion.errors import InputError

__all__ = [
    "LesionMatches",
    "calibration_bins",
    "calibration_error",
    "dice_coefficient",
    "intersection_over_union",
    "match_lesions",
    "ratio",
]

_EIGHT_CONNECTED = np.ones((3, 3), dtype=np.int8)


def ratio(part: Any, whole: Any) -> NDArray[np.float64]:
    """
    Return ``part / whole``, NaN where the whole is 0.

    Parameters
    ----------
    part, whole : array_like of float
        Counts or sums of them; of one shape.

    Returns
    -------
    ndarray of float64
        Precision is ``ratio(overlap, predicted)`` and recall ``ratio(overlap, true)``.
    """
    above, below = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    quotient = np.full(np.broadcast(above, below).shape, np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient


def dice_coefficient(true_px: Any, predicted_px: Any, overlap_px: Any) -> NDArray[np.float64]:
    """
    Return the Dice coefficient: 1 where both masks are empty, 0 where one is.

    Parameters
    ----------
    true_px, predicted_px, overlap_px : array_like of int
        Pixels of the label, of the prediction, and of both.

    Returns
    -------
    ndarray of float64
        ``2 overlap / (true + predicted)``, in [0, 1].

    References
    ----------
    .. [1] Dice 1945, doi:10.2307/1932409. The rule for empty masks: Reinke et al. 2024,
       doi:10.1038/s41592-023-02150-0. Checked: tests/reference/test_agreement.py (against scikit-learn).
    """
    return np.nan_to_num(ratio(2.0 * np.asarray(overlap_px), np.asarray(true_px) + np.asarray(predicted_px)), nan=1.0)


def intersection_over_union(true_px: Any, predicted_px: Any, overlap_px: Any) -> NDArray[np.float64]:
    """
    Return the Jaccard index: 1 where both masks are empty, 0 where one is.

    Parameters
    ----------
    true_px, predicted_px, overlap_px : array_like of int
        Pixels of the label, of the prediction, and of both.

    Returns
    -------
    ndarray of float64
        ``overlap / (true + predicted - overlap)``, in [0, 1].

    References
    ----------
    .. [1] Jaccard 1912, doi:10.1111/j.1469-8137.1912.tb05611.x. Checked: tests/reference/test_agreement.py
       (against scikit-learn).
    """
    both = np.asarray(overlap_px)
    return np.nan_to_num(ratio(both, np.asarray(true_px) + np.asarray(predicted_px) - both), nan=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionMatches:
    """
    Lesions of a picture that were labelled, predicted, and both.

    Parameters
    ----------
    true, predicted, matched : int
        Recall is matched / true, precision matched / predicted.
    """

    true: int
    predicted: int
    matched: int


def match_lesions(
    truth: NDArray[np.bool_],
    predicted: NDArray[np.bool_],
    counted: NDArray[np.bool_],
    *,
    smallest_px: float = 0.0,
    least_iou: float = 0.1,
) -> LesionMatches:
    """
    Match labelled and predicted lesions one to one, so that the sum of their IoU is largest.

    Lesions are 8-connected components. A predicted one below the smallest size is left out, as scoring leaves it
    out; one that lies mostly in pixels without judgement is not counted; nor is a labelled one below the smallest size,
    or what matches it.

    Parameters
    ----------
    truth, predicted : ndarray of bool, shape (height, width)
        Masks.
    counted : ndarray of bool, shape (height, width)
        False where the label gives no judgement.
    smallest_px : float
        Smallest lesion, in pixels.
    least_iou : float
        Intersection over union from which two are the same lesion.

    Returns
    -------
    LesionMatches

    References
    ----------
    .. [1] Maier-Hein et al. 2024 (Metrics Reloaded), doi:10.1038/s41592-023-02151-z: localization by mask IoU,
       assignment by the Hungarian method. The cut-off 0.1, for coarse localization: Baumgartner et al. 2021,
       doi:10.1007/978-3-030-87240-3_51.
    """
    true_labels, true_sizes = _components(truth & counted)
    labels, sizes = _components(predicted)
    inside = np.bincount(labels[counted], minlength=len(sizes))
    keep = (sizes >= smallest_px) & (2 * inside >= sizes) & (inside > 0)
    keep[0] = False
    shared = np.zeros((len(true_sizes), len(sizes)))
    np.add.at(shared, (true_labels[counted], labels[counted]), 1)
    iou = shared / np.maximum(true_sizes[:, None] + inside[None, :] - shared, 1)
    iou = np.where(iou >= least_iou, iou, 0.0)[1:][:, keep]
    rows, columns = optimize.linear_sum_assignment(iou, maximize=True)
    same = rows[iou[rows, columns] > 0]
    large = true_sizes[1:] >= smallest_px
    return LesionMatches(
        true=int(large.sum()),
        predicted=int(keep.sum()) - int((~large[same]).sum()),
        matched=int(large[same].sum()),
    )


def _components(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Return labels from 1, and the pixels of each; entry 0 is the background."""
    labels, count = ndimage.label(mask, structure=_EIGHT_CONNECTED)
    return labels, np.bincount(labels.ravel(), minlength=count + 1)


def calibration_bins(probability: NDArray[Any], true: NDArray[np.bool_], *, bins: int = 10) -> NDArray[np.float64]:
    """
    Sum probabilities and outcomes in bins of equal width.

    Parameters
    ----------
    probability : ndarray of float
        In [0, 1].
    true : ndarray of bool
        Of the same shape: what came true.
    bins : int
        How many; a bin holds its lower limit, the last one its upper too.

    Returns
    -------
    ndarray of float64, shape (3, bins)
        Number, sum of the probabilities, and number that came true.

    Raises
    ------
    InputError
        The shapes differ.
    """
    if probability.shape != true.shape:
        raise InputError(f"calibration: expected equal shapes, got {probability.shape} and {true.shape}; align them")
    flat = probability.ravel().astype(np.float64)
    index = np.minimum((flat * bins).astype(np.intp), bins - 1)
    return np.stack(
        [
            np.bincount(index, minlength=bins).astype(np.float64),
            np.bincount(index, weights=flat, minlength=bins),
            np.bincount(index, weights=true.ravel().astype(np.float64), minlength=bins),
        ]
    )


def calibration_error(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Return the expected calibration error of binned sums.

    Parameters
    ----------
    sums : ndarray of float64, shape (..., 3, bins)
        As `calibration_bins` gives them; sums of pictures may be added.

    Returns
    -------
    ndarray of float64, shape (...)
        Mean distance of probability and frequency, weighted by the bins' numbers; NaN where there are none.

    References
    ----------
    .. [1] Naeini et al. 2015, doi:10.1609/aaai.v29i1.9602. Checked: tests/reference/test_agreement.py (the example of
       the documentation of torchmetrics' BinaryCalibrationError: 0.29).
    """
    number, probability, true = (sums[..., row, :] for row in range(3))
    return ratio(np.abs(probability - true).sum(axis=-1), number.sum(axis=-1))
