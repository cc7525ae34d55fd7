"""Calibration on held-out pictures: how far the boundary's uncertainty must reach to cover reference areas."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from oral_lesion.errors import InputError
from oral_lesion.io.bundle import BoundaryUncertainty
from oral_lesion.measure import measure
from oral_lesion.records import BoundaryCalibration, ModelIdentity, Scale, Segmentation
from oral_lesion.segment import Prediction
from oral_lesion.training.calibrate import SeenPicture

__all__ = ["AreaPair", "calibrate_boundary", "measured_pairs"]

COVERAGE_WANTED = 0.95

_FACTORS = np.geomspace(1.0, 20.0, 49)
_FLOORS = np.arange(0.0, 0.5001, 0.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaPair:
    """
    Measured and reference area of one picture.

    Parameters
    ----------
    area_mm2, reference_mm2 : float
        Areas, as if the picture were at the working resolution.
    own_u_mm2 : float
        The model's own standard uncertainty of the boundary, not scaled; 0 where nothing was measured.
    """

    area_mm2: float
    reference_mm2: float
    own_u_mm2: float


def measured_pairs(
    predictions: Sequence[Prediction],
    pictures: Sequence[SeenPicture],
    *,
    threshold: float,
    mm_per_px: float,
    smallest_lesion_mm2: float,
) -> list[AreaPair]:
    """
    Measure predictions as a photo is measured, beside the labels' areas.

    Parameters
    ----------
    predictions : sequence of Prediction
        One a picture.
    pictures : sequence of SeenPicture
        Held-out pictures.
    threshold : float
        In (0, 1).
    mm_per_px : float
        Resolution that the pictures stand for.
    smallest_lesion_mm2 : float
        From the protocol.

    Returns
    -------
    list of AreaPair
        One a picture.
    """
    pairs = []
    for prediction, picture in zip(predictions, pictures, strict=True):
        probability = np.where(picture.counted, prediction.probability, np.float32(0))
        segmentation = Segmentation(
            probability=probability,
            mask=probability >= np.float32(threshold),
            valid=picture.counted,
            threshold=threshold,
            model=ModelIdentity(name="calibration", version="", sha256=""),
            probability_sd=prediction.probability_sd,
        )
        scale = Scale(mm_per_px=mm_per_px, u_mm_per_px=0.0, source="assumed")
        measured = measure(segmentation, scale, smallest_lesion_mm2=smallest_lesion_mm2)
        reference_mm2 = float(picture.truth.sum()) * mm_per_px**2
        pairs.append(
            AreaPair(area_mm2=measured.area_mm2, reference_mm2=reference_mm2, own_u_mm2=measured.u_boundary_mm2 or 0.0)
        )
    return pairs


def calibrate_boundary(pairs: Sequence[AreaPair], *, data_set: str) -> BoundaryUncertainty:
    """
    Choose how the model's own uncertainty is scaled so that ± 2u covers the reference area of 95 % of the lesions.

    Of all factors from 1 to 20 and floors from 0 to 50 % of the area that cover 95 % of the pictures on which a lesion
    was both labelled and measured, the pair with the smallest mean uncertainty relative to the area is taken; where
    none does, the one that covers most.

    Parameters
    ----------
    pairs : sequence of AreaPair
        Held-out pictures.
    data_set : str
        What the pictures are, in words.

    Returns
    -------
    BoundaryUncertainty
        With its coverage.

    Raises
    ------
    InputError
        Fewer than two pictures have a lesion that was measured.
    """
    lesions = [pair for pair in pairs if pair.reference_mm2 > 0]
    measured = [pair for pair in lesions if pair.area_mm2 > 0]
    if len(measured) < 2:
        raise InputError(
            f"calibration: expected at least 2 pictures on which a labelled lesion is found, got {len(measured)}; "
            "give more pictures to --calibrate, or train further"
        )
    chosen = _fit_boundary(measured)
    left_out = sum(
        _covered(pair, _fit_boundary([*measured[:number], *measured[number + 1 :]]))
        for number, pair in enumerate(measured)
    )
    return BoundaryUncertainty(
        factor=round(chosen.factor, 4),
        relative_floor=round(chosen.relative_floor, 4),
        coverage=_coverage(lesions, chosen),
        coverage_left_out=left_out / len(lesions),
        coverage_uncalibrated=_coverage(lesions, BoundaryCalibration()),
        n=len(lesions),
        n_missed=len(lesions) - len(measured),
        coverage_of_all=_coverage(pairs, chosen),
        n_of_all=len(pairs),
        data_set=data_set,
    )


def _fit_boundary(pairs: Sequence[AreaPair]) -> BoundaryCalibration:
    area, reference, own = (
        np.array([getattr(pair, name) for pair in pairs]) for name in ("area_mm2", "reference_mm2", "own_u_mm2")
    )
    u = np.hypot(_FACTORS[:, None, None] * own, _FLOORS[None, :, None] * area)
    covered = (np.abs(area - reference) <= 2.0 * u).mean(axis=-1)
    enough = covered >= min(COVERAGE_WANTED, covered.max())
    width = np.where(enough, (u / area).mean(axis=-1), np.inf)
    factor, floor = np.unravel_index(int(np.argmin(width)), width.shape)
    return BoundaryCalibration(factor=float(_FACTORS[factor]), relative_floor=float(_FLOORS[floor]))


def _covered(pair: AreaPair, calibration: BoundaryCalibration) -> bool:
    u = math.hypot(calibration.factor * pair.own_u_mm2, calibration.relative_floor * pair.area_mm2)
    return abs(pair.area_mm2 - pair.reference_mm2) <= 2.0 * u * (1.0 + 1e-3)


def _coverage(pairs: Sequence[AreaPair], calibration: BoundaryCalibration) -> float:
    return sum(_covered(pair, calibration) for pair in pairs) / len(pairs)
