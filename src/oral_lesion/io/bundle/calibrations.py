"""What the metadata of a bundle say of its calibration: probability, threshold, boundary, domain, int8."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from oral_lesion.records import BoundaryCalibration
from oral_lesion.segment.domain import DomainLimits

__all__ = [
    "BoundaryUncertainty",
    "Domain",
    "DomainCheck",
    "Frozen",
    "Int8Model",
    "ProbabilityCalibration",
    "Share",
    "Text",
    "ThresholdChoice",
]

Text = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class Frozen(BaseModel):
    """Base of all parts of metadata.json: unknown keys and numbers that are none are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ProbabilityCalibration(Frozen):
    """
    How the probabilities were calibrated.

    Parameters
    ----------
    temperature : float
        The network's logits are divided by it, inside model.onnx.
    nll_before, nll_after : float
        Negative log-likelihood of a pixel, mean over pictures, with a temperature of 1 and with this one.
    ece_before, ece_after : float
        Expected calibration error over ten bins of equal width, likewise.
    data_set : str
        On what.
    n : int
        Number of pictures.
    """

    temperature: Annotated[float, Field(gt=0)]
    nll_before: float
    nll_after: float
    ece_before: Share
    ece_after: Share
    data_set: Text
    n: Annotated[int, Field(ge=1)]


class ThresholdChoice(Frozen):
    """
    How the threshold was chosen.

    Parameters
    ----------
    rule : str
        In words.
    dice_by_image, area_bias : float
        At the chosen threshold: mean Dice of the pictures with a lesion; predicted over reference area of all
        pictures together, minus 1.
    dice_by_image_at_half, area_bias_at_half : float
        The same at 0.5.
    data_set : str
        On what.
    n : int
        Number of pictures.
    """

    rule: Text
    dice_by_image: Share
    area_bias: Annotated[float, Field(ge=-1)]
    dice_by_image_at_half: Share
    area_bias_at_half: Annotated[float, Field(ge=-1)]
    data_set: Text
    n: Annotated[int, Field(ge=1)]


class BoundaryUncertainty(Frozen):
    """
    How the uncertainty of the boundary is scaled, and how often it then covers the reference area.

    Parameters
    ----------
    factor, relative_floor : float
        The model's own standard uncertainty is multiplied by the factor; the floor, relative to the area, is added
        in quadrature.
    coverage, coverage_left_out, coverage_uncalibrated : float
        Share of the pictures with a lesion whose reference area lies within ± 2u: as calibrated; each picture judged
        by a calibration without it; with factor 1 and no floor. Missed lesions count as not covered.
    n : int
        Number of pictures with a lesion.
    n_missed : int
        How many of them have a measured area of 0: no factor covers these.
    coverage_of_all : float
        Share of all pictures, those without lesion too.
    n_of_all : int
        Number of all pictures.
    data_set : str
        On what.
    """

    factor: Annotated[float, Field(gt=0)]
    relative_floor: Annotated[float, Field(ge=0)]
    coverage: Share
    coverage_left_out: Share
    coverage_uncalibrated: Share
    n: Annotated[int, Field(ge=1)]
    n_missed: Count
    coverage_of_all: Share
    n_of_all: Annotated[int, Field(ge=1)]
    data_set: Text

    @property
    def calibration(self) -> BoundaryCalibration:
        """What the measurement needs of it."""
        return BoundaryCalibration(factor=self.factor, relative_floor=self.relative_floor)


class DomainCheck(Frozen):
    """
    How many pictures of a set are flagged.

    Parameters
    ----------
    data_set : str
        What they show.
    n : int
        How many there are.
    flagged : float
        Share that is flagged ``out-of-domain``.
    """

    data_set: Text
    n: Annotated[int, Field(ge=1)]
    flagged: Share


class Domain(Frozen):
    """
    When a picture is flagged as not resembling those that the model learnt from.

    Parameters
    ----------
    rule : str
        In words.
    distance_limit, contrast_limit : float
        Limits of the rule; see `oral_lesion.segment.domain`.
    percentile : float
        Of the held-out inside pictures, at which each limit lies.
    inside, outside : str
        What counts as mouth, and what stands for everything else.
    n_inside, n_outside : int
        How many pictures of each.
    checks : tuple of DomainCheck
        How the rule does on sets of pictures.
    """

    rule: Text
    distance_limit: Annotated[float, Field(gt=0)]
    contrast_limit: Annotated[float, Field(gt=0)]
    percentile: Annotated[float, Field(gt=0, le=100)]
    inside: Text
    n_inside: Annotated[int, Field(ge=1)]
    outside: str
    n_outside: Count
    checks: tuple[DomainCheck, ...] = ()

    @property
    def limits(self) -> DomainLimits:
        """What the segmenter needs of it."""
        return DomainLimits(distance=self.distance_limit, contrast=self.contrast_limit)


class Int8Model(Frozen):
    """
    The model in eight-bit integers, and whether it passed its gate; it is in the bundle only where it did.

    Parameters
    ----------
    written : bool
        Whether model-int8.onnx is in the bundle.
    sha256 : str
        Of model-int8.onnx, written or not.
    dice_drop, area_bias : float
        Mean Dice by image that is lost; its area over the fp32 model's, all pictures together, minus 1.
    max_dice_drop, max_area_bias : float
        Limits of the gate on the former, and on the size of the latter.
    speed_ratio : float
        CPU time over that of the fp32 model, on one thread at 512 × 512 px in one run.
    n : int
        Number of pictures behind the gate.
    data_set : str
        On what.
    verdict : {"passed", "failed"}
        Of the gate.
    """

    written: bool
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    dice_drop: float
    area_bias: float
    max_dice_drop: Annotated[float, Field(gt=0)]
    max_area_bias: Annotated[float, Field(gt=0)]
    speed_ratio: Annotated[float, Field(gt=0)]
    n: Annotated[int, Field(ge=1)]
    data_set: Text
    verdict: Literal["passed", "failed"]
