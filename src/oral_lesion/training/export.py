"""Export: from the checkpoint of a run to a model bundle, through a gate on tensor and area."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from oral_lesion.errors import BundleError, FormatError
from oral_lesion.io.bundle import (
    BundleMetadata,
    ModelBundle,
    TensorDescription,
    TrainingData,
    TrainingDescription,
    write_bundle,
)
from oral_lesion.records import ModelIdentity
from oral_lesion.segment.onnx import INPUT_NAME, OUTPUT_NAME, OnnxSegmenter
from oral_lesion.training.checkpoint import SETTINGS_NAME, read_checkpoint
from oral_lesion.training.data import open_sources
from oral_lesion.training.network import MULTIPLE_OF_PX, ProbabilityNetwork, build_network
from oral_lesion.training.settings import TrainingSettings

__all__ = ["Parity", "export_run", "load_trained", "measure_parity", "onnx_bytes", "require_parity"]

MAX_PROBABILITY_DIFFERENCE = 1e-4
MAX_AREA_DIFFERENCE_PERCENT = 0.1

_OPSET = 20
_SIZES_PX = ((256, 256), (384, 512), (512, 384), (736, 992), (32, 96))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """
    How far the exported model lies from the network.

    Parameters
    ----------
    max_probability_difference : float
        Largest difference of a pixel's probability.
    max_area_difference_percent : float
        Largest difference of the area at the threshold, as a percentage of the network's.
    """

    max_probability_difference: float
    max_area_difference_percent: float


def export_run(
    run_folder: Path, target: Path, *, version: str, threshold: float, overwrite: bool = False
) -> ModelBundle:
    """
    Export the averaged weights of a run as a bundle.

    Parameters
    ----------
    run_folder : Path
        Folder of a run of `fit`, finished or not.
    target : Path
        Directory of the bundle.
    version : str
        Version of the model.
    threshold : float
        Recommended threshold in (0, 1).
    overwrite : bool
        Replace a bundle that is there.

    Returns
    -------
    ModelBundle
        What was written.

    Raises
    ------
    FormatError
        The folder holds no run.
    BundleError
        The exported model differs from the network; nothing is written.
    OutputError
        The bundle cannot be written.
    """
    settings, network, history = load_trained(run_folder)
    model_bytes = onnx_bytes(network)
    require_parity(measure_parity(network, model_bytes, threshold=threshold))
    metadata = _metadata(settings, history, version=version, threshold=threshold)
    return write_bundle(target, metadata, model_bytes, overwrite=overwrite)


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


def onnx_bytes(network: nn.Module) -> bytes:
    """
    Export a network to ONNX, with normalization and sigmoid inside and free batch, height and width.

    Parameters
    ----------
    network : Module
        Takes normalized pictures, gives logits.

    Returns
    -------
    bytes
        ONNX model: ``image_rgb`` uint8 (batch, height, width, 3) to ``probability`` float32
        (batch, height, width).
    """
    model = ProbabilityNetwork(network).eval().to("cpu")
    dim = torch.export.Dim
    shapes = {0: dim("batch"), 1: dim("rows") * MULTIPLE_OF_PX, 2: dim("columns") * MULTIPLE_OF_PX}
    example = torch.zeros((2, 4 * MULTIPLE_OF_PX, 6 * MULTIPLE_OF_PX, 3), dtype=torch.uint8)
    program = torch.onnx.export(
        model,
        (example,),
        dynamo=True,
        verbose=False,
        input_names=[INPUT_NAME],
        output_names=[OUTPUT_NAME],
        dynamic_shapes={"image_rgb": shapes},
        opset_version=_OPSET,
    )
    if program is None:
        raise BundleError("export: torch gave no ONNX program; install the versions that oral-lesion[train] names")
    return _without_traces(program.model_proto)


def _without_traces(model: Any) -> bytes:
    """Serialize a model without the source paths and stack traces that torch writes into it."""
    graph, functions = model.graph, model.functions
    nodes = [*graph.node, *(node for function in functions for node in function.node)]
    values = [*graph.value_info, *graph.input, *graph.output, *graph.initializer]
    for entry in (model, graph, *functions, *nodes, *values):
        entry.doc_string = ""
        del entry.metadata_props[:]
    return cast(bytes, model.SerializeToString(deterministic=True))


def measure_parity(network: nn.Module, model_bytes: bytes, *, threshold: float) -> Parity:
    """
    Compare an exported model with its network on drawn pictures of several sizes.

    Parameters
    ----------
    network : Module
        Takes normalized pictures, gives logits.
    model_bytes : bytes
        Its ONNX model.
    threshold : float
        At which areas are compared.

    Returns
    -------
    Parity
        Largest differences over all sizes.
    """
    model = ProbabilityNetwork(network).eval()
    identity = ModelIdentity(name="export", version="", sha256=hashlib.sha256(model_bytes).hexdigest())
    segmenter = OnnxSegmenter(model_bytes, identity, threshold, 0.1)
    differences, areas = [0.0], [0.0]
    for height, width in _SIZES_PX:
        srgb = _drawn_picture(height, width)
        with torch.inference_mode():
            expected = model(torch.from_numpy(srgb)[None])[0].numpy()
        got = segmenter.probability_of_srgb(srgb)
        differences.append(float(np.abs(expected - got).max()))
        area_px, expected_px = (int((values >= threshold).sum()) for values in (got, expected))
        areas.append(100.0 * abs(area_px - expected_px) / max(expected_px, 1))
    return Parity(max_probability_difference=max(differences), max_area_difference_percent=max(areas))


def require_parity(parity: Parity) -> None:
    """
    Refuse an exported model that differs from its network.

    Parameters
    ----------
    parity : Parity
        What was measured.

    Raises
    ------
    BundleError
        The probability differs by more than 1e-4, or the area by more than 0.1 %.
    """
    if (
        parity.max_probability_difference > MAX_PROBABILITY_DIFFERENCE
        or parity.max_area_difference_percent > MAX_AREA_DIFFERENCE_PERCENT
    ):
        raise BundleError(
            "export: model.onnx differs from the network by "
            f"{parity.max_probability_difference:.2g} in probability (limit {MAX_PROBABILITY_DIFFERENCE:g}) and "
            f"{parity.max_area_difference_percent:.3g} % in area (limit {MAX_AREA_DIFFERENCE_PERCENT:g} %); "
            "install the versions that oral-lesion[train] names"
        )


def _drawn_picture(height: int, width: int) -> NDArray[np.uint8]:
    """Draw smooth blobs of tissue colours with some noise: enough for both classes to appear."""
    rng = np.random.default_rng([height, width])
    rows, columns = np.mgrid[0:height, 0:width]
    srgb = np.full((height, width, 3), (196.0, 120.0, 118.0))
    for _ in range(8):
        row, column = rng.uniform(0, height), rng.uniform(0, width)
        radius = rng.uniform(0.05, 0.2) * min(height, width)
        inside = 1.0 / (1.0 + np.exp((np.hypot(rows - row, columns - column) - radius) / 3.0))
        colour = np.array([rng.uniform(120, 240), rng.uniform(20, 220), rng.uniform(20, 200)])
        srgb += inside[..., None] * (colour - srgb)
    noisy = srgb + rng.normal(0.0, 4.0, srgb.shape)
    picture: NDArray[np.uint8] = np.clip(np.round(noisy), 0, 255).astype(np.uint8)
    return picture


def _metadata(
    settings: TrainingSettings, history: list[dict[str, Any]], *, version: str, threshold: float
) -> BundleMetadata:
    sources = open_sources(settings)
    return BundleMetadata(
        name=settings.name,
        version=version,
        created=dt.datetime.now(tz=dt.UTC).date(),
        classes=("erosion",),
        working_mm_per_px=settings.working_mm_per_px,
        threshold=threshold,
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
        licence=settings.card.licence,
        intended_use=settings.card.intended_use,
        limits=settings.card.limits,
        training=_training_description(settings, epochs=len(history)),
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
        stages=tuple(lines),
    )
