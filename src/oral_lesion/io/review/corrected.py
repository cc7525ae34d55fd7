"""Measure what a reader drew, with the code and the scale that the photo was scored with."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import FormatError, InputError
from oral_lesion.io.review.photos import ReviewPhoto
from oral_lesion.io.scored_visits import load_photo_score
from oral_lesion.io.store import RUN_FILE
from oral_lesion.measure import measure
from oral_lesion.records import Measurement, Segmentation

__all__ = ["CorrectedArea", "measure_corrected", "read_study_settings", "smallest_lesion_mm2"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CorrectedArea:
    """
    What a reader's mask measures.

    Parameters
    ----------
    automatic, corrected : Measurement
        Of the model's lesions and of the reader's; the same where the reader changed nothing.
    erosion : ndarray of bool, shape (height, width)
        The reader's mask in the standardized picture, within the tissue.
    mm2_per_px : float
        Area of a pixel.
    """

    automatic: Measurement
    corrected: Measurement
    erosion: NDArray[np.bool_]
    mm2_per_px: float


def measure_corrected(photo: ReviewPhoto, drawn: NDArray[np.bool_], *, smallest_mm2: float) -> CorrectedArea:
    """
    Measure a reader's mask.

    Where the reader left the model's boundary as it is, the model's probability and thus its sub-pixel contour stay: a
    lesion that was not touched keeps its area to the last digit. Where the reader moved it, the contour runs half-way
    between the pixels inside and outside.

    The scale's uncertainty is that of the photo. The boundary's is what the drawn outline itself shows, and relative to
    the area no less than that of the automatic one: a correction is not taken to be the more exact of both until two
    readers show it.

    Parameters
    ----------
    photo : ReviewPhoto
        Of a study.
    drawn : ndarray of bool, shape (height, width)
        Erosion, in the standardized picture.
    smallest_mm2 : float
        Smallest lesion that counts, as in scoring.

    Returns
    -------
    CorrectedArea

    Raises
    ------
    InputError
        Where the mask has another size than the standardized picture.
    FormatError
        Where a picture of the results is missing or damaged.
    """
    score = load_photo_score(photo.stored)
    segmentation, standardized = score.segmentation, score.standardized
    if segmentation is None or standardized is None or not isinstance(score.outcome, Measurement):
        raise InputError(f"{photo.place}: was refused, so it has nothing to correct.")
    if drawn.shape != segmentation.mask.shape:
        raise InputError(f"{photo.place}: expected a mask of {segmentation.mask.shape}, got {drawn.shape}.")
    erosion = drawn & segmentation.valid
    corrected = score.outcome
    if not np.array_equal(erosion, segmentation.mask):
        by_reader = Segmentation(
            probability=_as_drawn(segmentation, erosion),
            mask=erosion,
            valid=segmentation.valid,
            threshold=segmentation.threshold,
            model=segmentation.model,
        )
        measured = measure(by_reader, standardized.scale, smallest_lesion_mm2=smallest_mm2)
        corrected = _no_surer_than(score.outcome, measured)
    return CorrectedArea(
        automatic=score.outcome,
        corrected=corrected,
        erosion=erosion,
        mm2_per_px=standardized.scale.mm_per_px**2,
    )


def _as_drawn(segmentation: Segmentation, erosion: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return a probability that is at or above the threshold where the reader drew, and below elsewhere."""
    threshold, probability = segmentation.threshold, segmentation.probability
    inside = np.float32(min(1.0, 2.0 * threshold))  # half-way between both lies the threshold
    outside = np.float32(max(0.0, 2.0 * threshold - 1.0))
    moved = (erosion != segmentation.mask) | (~erosion & (probability >= threshold))
    near = cv2.dilate(moved.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.bool_)
    at_least = np.nextafter(np.float32(threshold), np.float32(1))  # 16 bits may have rounded it below
    kept = np.where(erosion, np.maximum(probability, at_least), probability)
    return np.where(near, np.where(erosion, inside, outside), kept).astype(np.float32)


def _no_surer_than(automatic: Measurement, measured: Measurement) -> Measurement:
    if measured.u_boundary_mm2 is None or automatic.u_boundary_mm2 is None or automatic.area_mm2 <= 0:
        return measured
    least = automatic.u_boundary_mm2 / automatic.area_mm2 * measured.area_mm2
    return replace(measured, u_boundary_mm2=max(measured.u_boundary_mm2, least))


def read_study_settings(results: Path) -> Mapping[str, Any]:
    """
    Return the protocol that a study was run with.

    Parameters
    ----------
    results : Path
        Results folder of `oral-lesion study`.

    Returns
    -------
    mapping
        Its settings, as run.json states them.

    Raises
    ------
    FormatError
        Where run.json is missing or states none: a run that did not finish.
    """
    path = results / RUN_FILE
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))["protocol"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(
            f"{path}: expected the finished run of `oral-lesion study` ({type(error).__name__}). Run it to its end."
        ) from error
    if not isinstance(settings, dict):
        raise FormatError(f"{path}: expected the protocol of the study. Run it again.")
    return settings


def smallest_lesion_mm2(settings: Mapping[str, Any]) -> float:
    """
    Return the smallest lesion that counts.

    Parameters
    ----------
    settings : mapping
        From `read_study_settings`.

    Returns
    -------
    float
        mm².

    Raises
    ------
    FormatError
        Where the protocol does not say.
    """
    try:
        smallest = float(settings["segmentation"]["smallest_lesion_mm2"])
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(
            f"{RUN_FILE}: its protocol has no segmentation.smallest_lesion_mm2. Run the study."
        ) from error
    if not math.isfinite(smallest) or smallest < 0:
        raise FormatError(f"{RUN_FILE}: segmentation.smallest_lesion_mm2 is {smallest}. Run the study again.")
    return smallest
