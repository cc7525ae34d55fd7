"""What a model bundle says of its model: metadata.json."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from oral_lesion.io.bundle.calibrations import (
    BoundaryUncertainty,
    Domain,
    Frozen,
    Int8Model,
    ProbabilityCalibration,
    Text,
    ThresholdChoice,
)
from oral_lesion.segment.onnx import InferenceOptions

__all__ = ["BundleMetadata", "Figure", "TensorDescription", "TrainingData", "TrainingDescription"]


class TensorDescription(Frozen):
    """
    An input or output of the model.

    Parameters
    ----------
    name : str
        As in the ONNX graph.
    dtype : {"uint8", "float32"}
        Element type.
    axes : tuple of str
        Axis names in order; a number is a fixed length.
    content : str
        What the numbers mean, and their range.
    """

    name: Text
    dtype: Literal["uint8", "float32"]
    axes: tuple[Text, ...]
    content: Text


class TrainingData(Frozen):
    """
    One source of the pictures that a model was trained on.

    Parameters
    ----------
    name : str
        Short name.
    licence, source : str
        Licence and origin, as far as they are stated.
    pictures : int
        How many.
    """

    name: Text
    licence: Text
    source: Text
    pictures: Annotated[int, Field(ge=1)]


class TrainingDescription(Frozen):
    """
    How a model was trained.

    Parameters
    ----------
    settings_sha256 : str
        Hash of the training settings.
    seed, epochs, crops : int
        Seed, epochs and crops seen.
    encoder, initial_weights : str
        Network and what its weights began as.
    stages : tuple of str
        One line a stage.
    """

    settings_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    seed: int
    epochs: int
    crops: int
    encoder: Text
    initial_weights: Text
    stages: tuple[Text, ...]


class Figure(Frozen):
    """
    A measured figure.

    Parameters
    ----------
    name : str
        What was measured, with its convention.
    value : float
        Result.
    unit : str
        Unit; empty for a ratio.
    data_set : str
        On what.
    n : int
        Number of pictures (or scenes) behind it.
    command : str
        What gives the figure again.
    """

    name: Text
    value: float
    unit: str = ""
    data_set: Text
    n: Annotated[int, Field(ge=1)]
    command: Text


class BundleMetadata(Frozen):
    """
    Content of metadata.json.

    Parameters
    ----------
    schema_version : {1, 2}
        Version of this schema; version 1 has none of the calibrations.
    name, version : str
        Identity of the model; every result row carries it with the hash of model.onnx.
    created : date
        Day of export (UTC).
    classes : tuple of str
        What the probability speaks of.
    working_mm_per_px : float
        Resolution (mm/px) that the model is made for.
    threshold : float
        Recommended threshold.
    input, output : TensorDescription
        Ports of the ONNX graph.
    multiple_of_px : int
        Sides of the input must be multiples of this.
    training_data : tuple of TrainingData
        Every source.
    licence, intended_use : str
        Licence of the weights, and what they are for.
    limits : tuple of str
        What the model is known not to do.
    training : TrainingDescription
        How it was trained.
    figures : tuple of Figure
        What was measured.
    test_time_augmentation : {"none", "mirror"}
        Whether every picture is run a second time mirrored left to right; the mean of both counts.
    probability_calibration : ProbabilityCalibration or None
        How the probabilities were calibrated; None where they were not.
    threshold_choice : ThresholdChoice or None
        How the threshold was chosen; None where someone set it.
    boundary_uncertainty : BoundaryUncertainty or None
        How the uncertainty of the boundary is scaled; None where it is the model's own.
    domain : Domain or None
        When a picture is flagged as foreign; None where the model cannot tell.
    int8 : Int8Model or None
        The model in eight-bit integers; None where none was tried.
    """

    schema_version: Literal[1, 2] = 2
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    version: Text
    created: dt.date
    classes: tuple[Text, ...]
    working_mm_per_px: Annotated[float, Field(gt=0)]
    threshold: Annotated[float, Field(gt=0, lt=1)]
    input: TensorDescription
    output: TensorDescription
    multiple_of_px: Annotated[int, Field(ge=1)]
    training_data: Annotated[tuple[TrainingData, ...], Field(min_length=1)]
    licence: Text
    intended_use: Text
    limits: tuple[Text, ...]
    training: TrainingDescription
    figures: tuple[Figure, ...] = ()
    test_time_augmentation: Literal["none", "mirror"] = "none"
    probability_calibration: ProbabilityCalibration | None = None
    threshold_choice: ThresholdChoice | None = None
    boundary_uncertainty: BoundaryUncertainty | None = None
    domain: Domain | None = None
    int8: Int8Model | None = None

    @property
    def inference_options(self) -> InferenceOptions:
        """How the model is to be run."""
        plain = InferenceOptions()
        return InferenceOptions(
            mirror=self.test_time_augmentation == "mirror",
            boundary=plain.boundary if self.boundary_uncertainty is None else self.boundary_uncertainty.calibration,
            domain=None if self.domain is None else self.domain.limits,
        )
