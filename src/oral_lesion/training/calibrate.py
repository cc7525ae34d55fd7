"""Calibration on held-out pictures: the temperature of the probabilities, and the threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from torch import nn

from oral_lesion.errors import InputError
from oral_lesion.io.bundle import ProbabilityCalibration, ThresholdChoice
from oral_lesion.io.datasets import IGNORE_VALUE, LESION_VALUE, LabelledPicture, read_picture
from oral_lesion.numerics.scaling import scaled_srgb
from oral_lesion.segment import Prediction
from oral_lesion.segment.tiles import padded_to_multiple
from oral_lesion.training.network import MULTIPLE_OF_PX, normalize

__all__ = [
    "SeenPicture",
    "calibrate_probability",
    "choose_threshold",
    "seen_picture",
    "threshold_figures",
]

THRESHOLD_RULE = (
    "of the thresholds 0.10, 0.15, … 0.90 whose mean Dice by image lies within 0.01 of the best, the one with the "
    "smallest area bias; of equal ones the nearest to 0.5"
)

_THRESHOLDS = tuple(number / 20 for number in range(2, 19))
_DICE_TOLERANCE = 0.01
_TEMPERATURES = (0.25, 8.0)
_EVERY_PX = 2
_BINS = 10

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenPicture:
    """
    A labelled picture at the size that the model sees.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Picture.
    labels : ndarray of uint8, shape (height, width)
        255 lesion, 0 other, 128 ignore.
    """

    srgb: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    @property
    def truth(self) -> NDArray[np.bool_]:
        """Pixels of the lesion."""
        return np.asarray(self.labels == LESION_VALUE)

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Pixels that count."""
        return np.asarray(self.labels != IGNORE_VALUE)


def seen_picture(
    picture: LabelledPicture, longer_side_px: int, *, working_mm_per_px: float | None = None
) -> SeenPicture:
    """
    Read a labelled picture and resample it to the size that the model sees.

    Parameters
    ----------
    picture : LabelledPicture
        What to read.
    longer_side_px : int
        Length of its longer side, where its scale is not known.
    working_mm_per_px : float or None
        Resolution to which a picture of known scale is brought; None counts as unknown scale.

    Returns
    -------
    SeenPicture
        Labels are those of the nearest pixel.

    Raises
    ------
    FormatError
        The picture cannot be read.
    """
    srgb, labels = read_picture(picture)
    if picture.mm_per_px is not None and working_mm_per_px is not None:
        ratio = picture.mm_per_px / working_mm_per_px
    else:
        ratio = longer_side_px / max(labels.shape)
    seen = scaled_srgb(srgb, ratio)
    marks = cv2.resize(labels, seen.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    return SeenPicture(srgb=seen, labels=np.asarray(marks, np.uint8))


def calibrate_probability(
    network: nn.Module, pictures: Sequence[SeenPicture], *, mirror: bool, data_set: str
) -> ProbabilityCalibration:
    """
    Choose the temperature that makes the pixels' labels most likely.

    Parameters
    ----------
    network : Module
        Takes normalized pictures, gives logits; in evaluation mode.
    pictures : sequence of SeenPicture
        Held-out pictures; each counts the same.
    mirror : bool
        Whether the mean of the picture and its mirror image is what counts.
    data_set : str
        What the pictures are, in words.

    Returns
    -------
    ProbabilityCalibration
        Temperature, likelihood and calibration error.

    References
    ----------
    .. [1] Guo et al. 2017, arXiv:1706.04599 (temperature scaling, expected calibration error).
       Checked: tests/training/test_calibrate.py, on drawn logits of known temperature.
    """
    samples = [_logits_and_labels(network, picture, mirror=mirror) for picture in pictures]

    def _nll(log_temperature: float) -> float:
        temperature = math.exp(log_temperature)
        return float(np.mean([_negative_log_likelihood(*sample, temperature) for sample in samples]))

    found = minimize_scalar(_nll, bounds=tuple(np.log(_TEMPERATURES)), method="bounded", options={"xatol": 0.005})
    temperature = math.exp(float(found.x))
    return ProbabilityCalibration(
        temperature=round(temperature, 4),
        nll_before=round(_nll(0.0), 5),
        nll_after=round(float(found.fun), 5),
        ece_before=round(_calibration_error(samples, 1.0), 5),
        ece_after=round(_calibration_error(samples, temperature), 5),
        data_set=data_set,
        n=len(pictures),
    )


def _logits_and_labels(
    network: nn.Module, picture: SeenPicture, *, mirror: bool
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return logits (passes, pixels) and labels (pixels,) of every fourth pixel that counts."""
    height, width = picture.labels.shape
    padded = padded_to_multiple(picture.srgb, MULTIPLE_OF_PX)
    views = [padded, np.ascontiguousarray(padded[:, ::-1])] if mirror else [padded]
    passes = []
    for number, view in enumerate(views):
        with torch.inference_mode():
            logits = network(normalize(torch.from_numpy(view)[None]))[0, 0].numpy()
        passes.append((logits[:, ::-1] if number else logits)[:height:_EVERY_PX, :width:_EVERY_PX])
    counted = picture.counted[::_EVERY_PX, ::_EVERY_PX]
    return np.stack([one[counted] for one in passes]), picture.truth[::_EVERY_PX, ::_EVERY_PX][counted]


def _mean_probability(logits: NDArray[np.float32], temperature: float) -> Floats:
    return np.asarray((1.0 / (1.0 + np.exp(-logits / np.float32(temperature)))).mean(axis=0, dtype=np.float64))


def _negative_log_likelihood(logits: NDArray[np.float32], labels: NDArray[np.bool_], temperature: float) -> float:
    probability = np.clip(_mean_probability(logits, temperature), 1e-7, 1.0 - 1e-7)
    return float(-np.log(np.where(labels, probability, 1.0 - probability)).mean()) if len(labels) else 0.0


def _calibration_error(samples: Sequence[tuple[NDArray[np.float32], NDArray[np.bool_]]], temperature: float) -> float:
    probability = np.concatenate([_mean_probability(logits, temperature) for logits, _ in samples])
    labels = np.concatenate([labels for _, labels in samples])
    bins = np.minimum((probability * _BINS).astype(np.intp), _BINS - 1)
    gaps = np.abs(np.bincount(bins, labels - probability, minlength=_BINS))
    return float(gaps.sum() / len(labels))


def choose_threshold(
    predictions: Sequence[Prediction], pictures: Sequence[SeenPicture], *, data_set: str
) -> tuple[float, ThresholdChoice]:
    """
    Choose the threshold by area bias among those with about the best Dice.

    Parameters
    ----------
    predictions : sequence of Prediction
        One a picture.
    pictures : sequence of SeenPicture
        Held-out pictures, at least one with a lesion.
    data_set : str
        What the pictures are, in words.

    Returns
    -------
    threshold : float
        In (0, 1).
    choice : ThresholdChoice
        The rule, and what it gave.

    Raises
    ------
    InputError
        No picture has a lesion.
    """
    figures = {threshold: _dice_and_bias(predictions, pictures, threshold) for threshold in _THRESHOLDS}
    best_dice = max(dice for dice, _ in figures.values())
    good = [threshold for threshold, (dice, _) in figures.items() if dice >= best_dice - _DICE_TOLERANCE]
    threshold = min(good, key=lambda level: (round(abs(figures[level][1]), 6), abs(level - 0.5)))
    return threshold, threshold_figures(predictions, pictures, threshold, rule=THRESHOLD_RULE, data_set=data_set)


def threshold_figures(
    predictions: Sequence[Prediction],
    pictures: Sequence[SeenPicture],
    threshold: float,
    *,
    rule: str,
    data_set: str,
) -> ThresholdChoice:
    """
    Return what a threshold gives on held-out pictures.

    Parameters
    ----------
    predictions : sequence of Prediction
        One a picture.
    pictures : sequence of SeenPicture
        Held-out pictures, at least one with a lesion.
    threshold : float
        In (0, 1).
    rule : str
        How it was chosen, in words.
    data_set : str
        What the pictures are, in words.

    Returns
    -------
    ThresholdChoice
        Dice and area bias at it, and at 0.5.

    Raises
    ------
    InputError
        No picture has a lesion.
    """
    dice, bias = _dice_and_bias(predictions, pictures, threshold)
    dice_at_half, bias_at_half = _dice_and_bias(predictions, pictures, 0.5)
    return ThresholdChoice(
        rule=rule,
        dice_by_image=round(dice, 4),
        area_bias=round(bias, 4),
        dice_by_image_at_half=round(dice_at_half, 4),
        area_bias_at_half=round(bias_at_half, 4),
        data_set=data_set,
        n=len(pictures),
    )


def _dice_and_bias(
    predictions: Sequence[Prediction], pictures: Sequence[SeenPicture], threshold: float
) -> tuple[float, float]:
    """Return the mean Dice of pictures with a lesion, and the relative bias of all pictures' area together."""
    dice, predicted_px, true_px = [], 0, 0
    for prediction, picture in zip(predictions, pictures, strict=True):
        mask, truth = (prediction.probability >= np.float32(threshold)) & picture.counted, picture.truth
        if truth.any():
            dice.append(2.0 * int((mask & truth).sum()) / int(mask.sum() + truth.sum()))
        predicted_px += int(mask.sum())
        true_px += int(truth.sum())
    if not dice:
        raise InputError("calibration: no picture has a lesion; give pictures with lesions to --calibrate")
    return float(np.mean(dice)), predicted_px / true_px - 1.0
