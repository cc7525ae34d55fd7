"""The network as it is exported: its ONNX graph, and the proof that both agree."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from oral_lesion.errors import BundleError, InputError
from oral_lesion.records import ModelIdentity
from oral_lesion.segment.onnx import DOMAIN_NAME, INPUT_NAME, OUTPUT_NAME, OnnxSegmenter
from oral_lesion.segment.tiles import padded_to_multiple
from oral_lesion.training.network import MULTIPLE_OF_PX, normalize

__all__ = [
    "DomainProjection",
    "ExportedNetwork",
    "Parity",
    "domain_features",
    "measure_parity",
    "onnx_bytes",
    "require_parity",
]

MAX_PROBABILITY_DIFFERENCE = 1e-4
MAX_AREA_DIFFERENCE_PERCENT = 0.1

_OPSET = 20
_SIZES_PX = ((256, 256), (384, 512), (512, 384), (736, 992), (32, 96))
_DOMAIN_STAGE = -2
"""The encoder's last stage but one, at a sixteenth of the picture: the last knows lesions more than surroundings."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DomainProjection:
    """
    A linear map from the encoder's features to those of the domain rule.

    Parameters
    ----------
    weight : ndarray of float32, shape (features, channels)
        Rows that whiten, and last the contrast.
    bias : ndarray of float32, shape (features,)
        Added.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


class ExportedNetwork(nn.Module):
    """
    The network with everything inside that inference needs: sRGB bytes in, calibrated probabilities out.

    Parameters
    ----------
    network : Module
        Takes normalized pictures, gives logits.
    temperature : float
        The logits are divided by it.
    projection : DomainProjection or None
        Of the domain rule; None leaves the second output out.
    """

    def __init__(
        self, network: nn.Module, *, temperature: float = 1.0, projection: DomainProjection | None = None
    ) -> None:
        super().__init__()
        if not temperature > 0.0:
            raise InputError(f"temperature: expected a positive number, got {temperature}; calibrate again")
        self.network = network
        self.temperature = temperature
        self.project: nn.Conv2d | None = None
        if projection is not None:
            features, channels = projection.weight.shape
            self.project = nn.Conv2d(channels, features, kernel_size=1)
            self.project.weight.data = torch.from_numpy(projection.weight)[:, :, None, None].clone()
            self.project.bias = nn.Parameter(torch.from_numpy(projection.bias).clone())

    def forward(self, image_rgb: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """
        Return the probability of an erosion for every pixel, and the features of the domain rule where asked for.

        Parameters
        ----------
        image_rgb : Tensor of uint8, shape (batch, height, width, 3)
            sRGB; height and width are multiples of 32.

        Returns
        -------
        Tensor of float32, shape (batch, height, width), or two tensors
            Probability in [0, 1]; (batch, features, height / 32, width / 32).
        """
        pictures = normalize(image_rgb)
        if self.project is None:
            return self._probability(self.network(pictures))
        logits, cells = _logits_and_cells(self.network, pictures)
        return self._probability(logits), self.project(cells)

    def _probability(self, logits: Tensor) -> Tensor:
        return torch.sigmoid(logits[:, 0] / self.temperature)


def domain_features(network: nn.Module, srgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """
    Return the features that the domain rule is fitted to.

    Parameters
    ----------
    network : Module
        In evaluation mode.
    srgb : ndarray of uint8, shape (height, width, 3)
        Picture.

    Returns
    -------
    ndarray of float32, shape (channels, rows, columns)
        One column of features for every 32 × 32 px, the mirrored padding included.
    """
    padded = padded_to_multiple(srgb, MULTIPLE_OF_PX)
    with torch.inference_mode():
        features = _encoder_of(network)(normalize(torch.from_numpy(padded)[None]))[_DOMAIN_STAGE]
        cells: NDArray[np.float32] = _cells_of(features)[0].numpy()
    return cells


def _logits_and_cells(network: nn.Module, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Run a network once, and keep what its encoder gives on the way."""
    seen: list[Sequence[Tensor]] = []
    hook = _encoder_of(network).register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    try:
        logits: Tensor = network(pictures)
    finally:
        hook.remove()
    return logits, _cells_of(seen[0][_DOMAIN_STAGE])


def _encoder_of(network: nn.Module) -> nn.Module:
    """Return the encoder of a network, or that of an ensemble's first member."""
    members = getattr(network, "members", None)
    return cast(nn.Module, getattr(members[0] if members else network, "encoder"))  # noqa: B009 - typed as Tensor else


def _cells_of(features: Tensor) -> Tensor:
    return nn.functional.avg_pool2d(features, kernel_size=2)


def onnx_bytes(exported: ExportedNetwork) -> bytes:
    """
    Export a network to ONNX, with all that inference needs inside and free batch, height and width.

    Parameters
    ----------
    exported : ExportedNetwork
        The network.

    Returns
    -------
    bytes
        ONNX model: ``image_rgb`` uint8 (batch, height, width, 3) to ``probability`` float32 (batch, height, width),
        and to ``domain`` float32 (batch, features, height / 32, width / 32) where it has a projection.

    Raises
    ------
    BundleError
        Torch gave no program.
    """
    model = exported.eval().to("cpu")
    dim = torch.export.Dim
    shapes = {0: dim("batch"), 1: dim("rows") * MULTIPLE_OF_PX, 2: dim("columns") * MULTIPLE_OF_PX}
    example = torch.zeros((2, 4 * MULTIPLE_OF_PX, 6 * MULTIPLE_OF_PX, 3), dtype=torch.uint8)
    program = torch.onnx.export(
        model,
        (example,),
        dynamo=True,
        verbose=False,
        input_names=[INPUT_NAME],
        output_names=[OUTPUT_NAME] + ([] if model.project is None else [DOMAIN_NAME]),
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


def measure_parity(
    exported: ExportedNetwork,
    model_bytes: bytes,
    *,
    threshold: float,
    pictures: Sequence[NDArray[np.uint8]] = (),
) -> Parity:
    """
    Compare an exported model with its network on drawn pictures of several sizes, and on given ones.

    Parameters
    ----------
    exported : ExportedNetwork
        The network.
    model_bytes : bytes
        Its ONNX model.
    threshold : float
        At which areas are compared.
    pictures : sequence of ndarray of uint8, shape (height, width, 3)
        More pictures, of any size.

    Returns
    -------
    Parity
        Largest differences over all pictures.
    """
    exported = exported.eval()
    identity = ModelIdentity(name="export", version="", sha256=hashlib.sha256(model_bytes).hexdigest())
    segmenter = OnnxSegmenter(model_bytes, identity, threshold, 0.1)
    differences, areas = [0.0], [0.0]
    for srgb in (*(_drawn_picture(*size) for size in _SIZES_PX), *pictures):
        padded = padded_to_multiple(srgb, MULTIPLE_OF_PX)
        with torch.inference_mode():
            outputs = exported(torch.from_numpy(padded)[None])
        expected = (outputs[0] if isinstance(outputs, tuple) else outputs)[0].numpy()
        got = segmenter.probability_of_srgb(padded)
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
