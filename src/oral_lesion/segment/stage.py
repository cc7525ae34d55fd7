"""The stage: from standardized photo to segmentation."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import Flag, InputError
from oral_lesion.records import Segmentation, StandardizedPhoto
from oral_lesion.segment.segmenter import PredictingSegmenter, Prediction, Segmenter

__all__ = ["segment"]

_RESOLUTION_TOLERANCE = 0.02


def segment(
    standardized: StandardizedPhoto, segmenter: Segmenter, *, threshold: float | Literal["bundle"]
) -> Segmentation:
    """
    Segment the erosions of a standardized photo.

    Parameters
    ----------
    standardized : StandardizedPhoto
        The photo at the working resolution.
    segmenter : Segmenter
        The model.
    threshold : float or "bundle"
        Probability in (0, 1) from which a pixel counts as erosion; ``"bundle"`` takes the model's own.

    Returns
    -------
    Segmentation
        Probability, 0 where `standardized.valid` is False, and the mask at the threshold. Flag: ``out-of-domain`` where
        the segmenter says that the photo does not resemble those that it learnt from.

    Raises
    ------
    InputError
        The threshold is out of range, the photo's resolution is not the model's, or the segmenter gave
        something other than a probability for each pixel.
    """
    level = segmenter.threshold if threshold == "bundle" else threshold
    if not 0.0 < level < 1.0:
        raise InputError(f"threshold: expected a number in (0, 1) or 'bundle', got {level}; correct the protocol")
    _require_resolution(standardized, segmenter)
    prediction = _predicted(standardized, segmenter)
    shape = standardized.valid.shape
    _require_probability(prediction.probability, shape, segmenter)
    if prediction.probability_sd is not None:
        _require_probability(prediction.probability_sd, shape, segmenter)
    probability = _where_valid(prediction.probability, standardized)
    spread = None if prediction.probability_sd is None else _where_valid(prediction.probability_sd, standardized)
    return Segmentation(
        probability=probability,
        mask=probability >= np.float32(level),
        valid=standardized.valid,
        threshold=float(level),
        model=segmenter.identity,
        probability_sd=spread,
        boundary=prediction.boundary,
        flags=(Flag.OUT_OF_DOMAIN,) if prediction.out_of_domain else (),
    )


def _predicted(standardized: StandardizedPhoto, segmenter: Segmenter) -> Prediction:
    if isinstance(segmenter, PredictingSegmenter):
        return segmenter.predict(standardized)
    return Prediction(probability=segmenter.probability(standardized))


def _where_valid(values: NDArray[np.float32], standardized: StandardizedPhoto) -> NDArray[np.float32]:
    return np.where(standardized.valid, values, np.float32(0.0)).astype(np.float32, copy=False)


def _require_resolution(standardized: StandardizedPhoto, segmenter: Segmenter) -> None:
    have, want = standardized.scale.mm_per_px, segmenter.working_mm_per_px
    if abs(have / want - 1.0) > _RESOLUTION_TOLERANCE:
        raise InputError(
            f"standardized photo: has {have:g} mm/px, model {segmenter.identity.name} is made for {want:g}; "
            "set working_mm_per_px of the protocol to the model's, or use a model made for the protocol's"
        )


def _require_probability(probability: NDArray[np.float32], shape: tuple[int, ...], segmenter: Segmenter) -> None:
    name = f"{segmenter.identity.name} {segmenter.identity.version}"
    if not isinstance(probability, np.ndarray) or probability.dtype != np.float32 or probability.shape != shape:
        got = getattr(probability, "dtype", type(probability).__name__), getattr(probability, "shape", ())
        raise InputError(
            f"segmenter {name}: expected float32 {shape}, got {got[0]} {got[1]}; use a model of this package's format"
        )
    lowest, highest = float(probability.min(initial=0.0)), float(probability.max(initial=0.0))
    if not (lowest >= 0.0 and highest <= 1.0):  # NaN fails both
        raise InputError(
            f"segmenter {name}: expected probabilities in [0, 1], got {lowest:g} to {highest:g}; export the model again"
        )
