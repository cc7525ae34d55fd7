"""Model bundle: a directory with the model, what is known of it, its card and their hashes."""

from oral_lesion.io.bundle.calibrations import (
    BoundaryUncertainty,
    Domain,
    DomainCheck,
    Int8Model,
    ProbabilityCalibration,
    ThresholdChoice,
)
from oral_lesion.io.bundle.directory import ModelBundle, load_bundle, open_segmenter, write_bundle
from oral_lesion.io.bundle.metadata import (
    BundleMetadata,
    Figure,
    TensorDescription,
    TrainingData,
    TrainingDescription,
)

__all__ = [
    "BoundaryUncertainty",
    "BundleMetadata",
    "Domain",
    "DomainCheck",
    "Figure",
    "Int8Model",
    "ModelBundle",
    "ProbabilityCalibration",
    "TensorDescription",
    "ThresholdChoice",
    "TrainingData",
    "TrainingDescription",
    "load_bundle",
    "open_segmenter",
    "write_bundle",
]
