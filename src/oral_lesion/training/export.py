"""Export: from the checkpoint of a run to a model bundle, through calibration and a gate on tensor and area."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from oral_lesion.errors import FormatError
from oral_lesion.io.bundle import (
    BundleMetadata,
    ModelBundle,
    TensorDescription,
    TrainingData,
    TrainingDescription,
    write_bundle,
)
from oral_lesion.segment.onnx import INPUT_NAME, OUTPUT_NAME
from oral_lesion.training.calibration_run import CalibrationSettings, Calibrator
from oral_lesion.training.checkpoint import SETTINGS_NAME, read_checkpoint
from oral_lesion.training.data import open_sources
from oral_lesion.training.exported import ExportedNetwork, measure_parity, onnx_bytes, require_parity
from oral_lesion.training.network import MULTIPLE_OF_PX, build_network
from oral_lesion.training.settings import TrainingSettings

__all__ = ["ExportSettings", "export_run", "load_trained"]

_PARITY_PICTURES = 8
_DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSettings:
    """
    How a run becomes a bundle.

    Parameters
    ----------
    version : str
        Version of the model.
    threshold : float or None
        Recommended threshold in (0, 1); None takes that of the calibration, or 0.5 without one.
    mirror : bool
        Run every picture mirrored too.
    int8 : bool
        Try the model in eight-bit integers too; needs a calibration.
    calibration : CalibrationSettings or None
        On which pictures to calibrate; None leaves everything as the network gives it.
    overwrite : bool
        Replace a bundle that is there.
    """

    version: str
    threshold: float | None = None
    mirror: bool = False
    int8: bool = False
    calibration: CalibrationSettings | None = None
    overwrite: bool = False


def export_run(run_folder: Path, target: Path, settings: ExportSettings) -> ModelBundle:
    """
    Export the averaged weights of a run as a bundle.

    Parameters
    ----------
    run_folder : Path
        Folder of a run of `fit`, finished or not.
    target : Path
        Directory of the bundle.
    settings : ExportSettings
        How.

    Returns
    -------
    ModelBundle
        What was written.

    Raises
    ------
    FormatError
        The folder holds no run, or a picture cannot be read.
    InputError
        The pictures of the calibration are missing or do not suffice.
    BundleError
        The exported model differs from the network; nothing is written.
    OutputError
        The bundle cannot be written.
    """
    training, network, history = load_trained(run_folder)
    metadata = _metadata(training, history, settings)
    if settings.calibration is None:
        model_bytes = _checked_bytes(ExportedNetwork(network), metadata.threshold, ())
        return write_bundle(target, metadata, model_bytes, overwrite=settings.overwrite)
    calibrator = Calibrator(
        network, settings.calibration, mirror=settings.mirror, working_mm_per_px=training.working_mm_per_px
    )
    exported = calibrator.calibrated_network()
    pictures = [picture.srgb for picture in calibrator.pictures[:_PARITY_PICTURES]]
    model_bytes = _checked_bytes(exported, metadata.threshold, pictures)
    metadata = calibrator.calibrated_metadata(metadata, model_bytes, keep_threshold=settings.threshold is not None)
    int8_bytes = None
    if settings.int8:
        metadata, int8_bytes = calibrator.with_int8(metadata, model_bytes)
    return write_bundle(target, metadata, model_bytes, int8_bytes=int8_bytes, overwrite=settings.overwrite)


def _checked_bytes(exported: ExportedNetwork, threshold: float, pictures: Sequence[NDArray[np.uint8]]) -> bytes:
    model_bytes = onnx_bytes(exported)
    require_parity(measure_parity(exported, model_bytes, threshold=threshold, pictures=pictures))
    return model_bytes


def load_trained(run_folder: Path) -> tuple[TrainingSettings, nn.Module, list[dict[str, Any]]]:
    """
    Load the averaged weights of a run.

    Parameters
    ----------
    run_folder : Path
        Folder of a run of `fit`.

    Returns
    -------
    settings : TrainingSettings
        Settings of the run.
    network : Module
        In evaluation mode; takes normalized pictures.
    history : list of dict
        Epochs that are behind the weights.

    Raises
    ------
    FormatError
        The folder holds no run, or its files do not fit together.
    """
    checkpoint = read_checkpoint(run_folder)
    try:
        settings = TrainingSettings.model_validate_json((run_folder / SETTINGS_NAME).read_bytes())
        begin_empty = settings.network.model_copy(update={"initial_weights": "none"})
        network = build_network(begin_empty)
        network.load_state_dict(checkpoint["average"])
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise FormatError(
            f"{run_folder}: {SETTINGS_NAME} and checkpoint do not fit together ({error}); train again"
        ) from error
    return settings, network.eval(), checkpoint["history"]


def _metadata(training: TrainingSettings, history: list[dict[str, Any]], settings: ExportSettings) -> BundleMetadata:
    sources = open_sources(training)
    return BundleMetadata(
        name=training.name,
        version=settings.version,
        created=dt.datetime.now(tz=dt.UTC).date(),
        classes=("erosion",),
        working_mm_per_px=training.working_mm_per_px,
        threshold=_DEFAULT_THRESHOLD if settings.threshold is None else settings.threshold,
        input=TensorDescription(
            name=INPUT_NAME,
            dtype="uint8",
            axes=("batch", "height", "width", "3"),
            content="sRGB, top row first",
        ),
        output=TensorDescription(
            name=OUTPUT_NAME,
            dtype="float32",
            axes=("batch", "height", "width"),
            content="probability of erosion in [0, 1]",
        ),
        multiple_of_px=MULTIPLE_OF_PX,
        training_data=tuple(
            TrainingData(
                name=name,
                licence=source.settings.licence,
                source=source.settings.source,
                pictures=len(source.pictures),
            )
            for name, source in sources.items()
        ),
        licence=training.card.licence,
        intended_use=training.card.intended_use,
        limits=training.card.limits,
        training=_training_description(training, epochs=len(history)),
        test_time_augmentation="mirror" if settings.mirror else "none",
    )


def _training_description(settings: TrainingSettings, *, epochs: int) -> TrainingDescription:
    located = [settings.locate(epoch)[1] for epoch in range(epochs)]
    lines = []
    for stage in settings.stages:
        done = located.count(stage)
        shares = ", ".join(f"{name} {share:.0%}" for name, share in stage.shares.items())
        drawn = f"; lesions drawn on {stage.drawn_share:.0%}" if stage.drawn_share else ""
        lines.append(
            f"{stage.name}: {done} of {stage.epochs} epochs of {stage.pictures_per_epoch} crops of "
            f"{stage.crop_px} px, learning rate up to {stage.learning_rate:g}; {shares}{drawn}; "
            f"foreign surfaces drawn on {stage.decoy_share:.0%}"
        )
    return TrainingDescription(
        settings_sha256=settings.sha256,
        seed=settings.seed,
        epochs=epochs,
        crops=sum(stage.pictures_per_epoch for stage in located),
        encoder=settings.network.encoder,
        initial_weights=settings.network.initial_weights,
        stages=(*lines, *settings.card.training_notes),
    )
