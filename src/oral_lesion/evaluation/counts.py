"""What is counted on one picture: everything that the figures are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.evaluation.settings import EvaluationSettings
from oral_lesion.io.datasets import IGNORE_VALUE, LESION_VALUE, LabelledPicture
from oral_lesion.numerics.overlap import (
    LesionMatches,
    calibration_bins,
    dice_coefficient,
    intersection_over_union,
    match_lesions,
    ratio,
)
from oral_lesion.numerics.scaling import scaled_srgb
from oral_lesion.numerics.surface import border_distances
from oral_lesion.records import ModelIdentity

__all__ = [
    "CALIBRATION_BINS",
    "FIRING_COMPONENT_PX",
    "TOLERANCE_MM",
    "TOLERANCE_PX",
    "PictureCounts",
    "PictureModel",
    "PicturePrediction",
    "count_picture",
    "predict_picture",
]

CALIBRATION_BINS = 10
FIRING_COMPONENT_PX = 30
"""A lesion-free picture counts as fired where a predicted component has this many pixels that the model sees."""
TOLERANCE_PX = 2.0
TOLERANCE_MM = 0.25
"""Tolerance of the normalized surface distance; in mm where the scale is known."""


class PictureModel(Protocol):
    """What is asked of a model."""

    @property
    def identity(self) -> ModelIdentity:
        """Name, version and SHA-256."""
        ...

    @property
    def threshold(self) -> float:
        """Probability from which a pixel counts as erosion."""
        ...

    @property
    def working_mm_per_px(self) -> float:
        """Resolution (mm/px) that the model is made for."""
        ...

    def probability_of_srgb(self, srgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """
        Return the probability of erosion of each pixel.

        Parameters
        ----------
        srgb : ndarray of uint8, shape (height, width, 3)
            sRGB.

        Returns
        -------
        ndarray of float32, shape (height, width)
            In [0, 1].
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturePrediction:
    """
    What a model makes of a picture.

    Parameters
    ----------
    seen : ndarray of float32, shape (seen height, seen width)
        Probability at the size that the model saw.
    probability : ndarray of float32, shape (height, width)
        The same at the picture's own size.
    threshold : float
        Probability from which a pixel counts as erosion.
    """

    seen: NDArray[np.float32]
    probability: NDArray[np.float32]
    threshold: float

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Pixels predicted as erosion, at the picture's own size."""
        return self.probability >= np.float32(self.threshold)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureCounts:
    """
    PicturePrediction and label of one picture, counted at its own size without the pixels that give no judgement.

    Parameters
    ----------
    picture_id, group, split : str
        Of the picture.
    longer_side_px : int or None
        At which the model saw it; None for its working resolution.
    mm_per_px : float or None
        Scale of the picture.
    counted_px, ignored_px : int
        Pixels with and without judgement.
    true_px, predicted_px, overlap_px : int
        Pixels of the label, of the prediction, and of both.
    surface_agreement : float
        Normalized surface distance, in [0, 1].
    hausdorff_px : float
        95th percentile of the distances of the borders; NaN where a mask is empty.
    lesions : LesionMatches
        Labelled, predicted and matched lesions.
    fired : bool
        Whether a predicted component has 30 px or more at the size that the model saw.
    calibration : ndarray of float64, shape (3, bins)
        Pixels, sum of probabilities and lesion pixels by probability.
    squared_error : float
        Sum over pixels of the squared distance of probability and label.
    """

    picture_id: str
    group: str
    split: str
    longer_side_px: int | None
    mm_per_px: float | None
    counted_px: int
    ignored_px: int
    true_px: int
    predicted_px: int
    overlap_px: int
    surface_agreement: float
    hausdorff_px: float
    lesions: LesionMatches
    fired: bool
    calibration: NDArray[np.float64]
    squared_error: float

    @property
    def dice(self) -> float:
        """Dice coefficient; 1 where both are empty."""
        return float(dice_coefficient(self.true_px, self.predicted_px, self.overlap_px))

    @property
    def iou(self) -> float:
        """Intersection over union; 1 where both are empty."""
        return float(intersection_over_union(self.true_px, self.predicted_px, self.overlap_px))

    @property
    def precision(self) -> float:
        """Share of the prediction that is right; NaN where it is empty."""
        return float(ratio(self.overlap_px, self.predicted_px))

    @property
    def recall(self) -> float:
        """Share of the label that is predicted; NaN where it is empty."""
        return float(ratio(self.overlap_px, self.true_px))

    @property
    def lesion_free(self) -> bool:
        """Whether the picture is known to have no lesion: none labelled, and nothing left without judgement."""
        return self.true_px == 0 and self.ignored_px == 0


def predict_picture(
    srgb: NDArray[np.uint8], model: PictureModel, *, longer_side_px: int | None, mm_per_px: float | None
) -> PicturePrediction:
    """
    Show a picture to a model at the right size.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        sRGB.
    model : PictureModel
        The model.
    longer_side_px : int or None
        The model sees the picture at this length of its longer side; None for its working resolution.
    mm_per_px : float or None
        Scale of the picture; used where `longer_side_px` is None.

    Returns
    -------
    PicturePrediction
    """
    height, width = srgb.shape[:2]
    if longer_side_px is not None:
        scale = longer_side_px / max(height, width)
    else:
        scale = (mm_per_px or model.working_mm_per_px) / model.working_mm_per_px
    seen = model.probability_of_srgb(scaled_srgb(srgb, scale))
    own = cv2.resize(seen, (width, height), interpolation=cv2.INTER_LINEAR)
    return PicturePrediction(seen=seen, probability=np.asarray(own, np.float32), threshold=model.threshold)


def count_picture(
    picture: LabelledPicture,
    labels: NDArray[np.uint8],
    prediction: PicturePrediction,
    *,
    longer_side_px: int | None,
    settings: EvaluationSettings,
) -> PictureCounts:
    """
    Compare a prediction with its label.

    Parameters
    ----------
    picture : LabelledPicture
        Which.
    labels : ndarray of uint8, shape (height, width)
        255 lesion, 0 other, 128 ignore; at the picture's own size.
    prediction : PicturePrediction
        Of the model.
    longer_side_px : int or None
        At which the model saw it; None for its working resolution.
    settings : EvaluationSettings
        What counts as a lesion.

    Returns
    -------
    PictureCounts
    """
    counted, truth = labels != IGNORE_VALUE, labels == LESION_VALUE
    mask = prediction.mask & counted
    distances = border_distances(truth, mask)
    scale_mm = picture.mm_per_px
    if scale_mm is not None:
        smallest_px, tolerance_px = settings.smallest_lesion_mm2 / scale_mm**2, TOLERANCE_MM / scale_mm
    else:
        smallest_px, tolerance_px = settings.smallest_lesion_px * labels.size / prediction.seen.size, TOLERANCE_PX
    probability = prediction.probability[counted]
    return PictureCounts(
        picture_id=picture.picture_id,
        group=picture.group,
        split=picture.split,
        longer_side_px=longer_side_px,
        mm_per_px=scale_mm,
        counted_px=int(counted.sum()),
        ignored_px=int((~counted).sum()),
        true_px=int(truth.sum()),
        predicted_px=int(mask.sum()),
        overlap_px=int((mask & truth).sum()),
        surface_agreement=distances.normalized_surface_distance(tolerance_px),
        hausdorff_px=distances.hausdorff_px(),
        lesions=match_lesions(truth, prediction.mask, counted, smallest_px=smallest_px),
        fired=_fires(prediction),
        calibration=calibration_bins(probability, truth[counted], bins=CALIBRATION_BINS),
        squared_error=float(((probability.astype(np.float64) - truth[counted]) ** 2).sum()),
    )


def _fires(prediction: PicturePrediction) -> bool:
    mask = (prediction.seen >= np.float32(prediction.threshold)).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    return int(stats[1:, cv2.CC_STAT_AREA].max(initial=0)) >= FIRING_COMPONENT_PX
