"""
Make a checkpoint of a bundle's exported model, so that training can go on where only the bundle is at hand.

    python scripts/checkpoint_from_bundle.py models/oral-erosion PICTURES -o runs/oral-erosion-0.2.0

The exported graph has its batch normalizations folded into the convolutions before them. Each is taken apart again:
mean and variance of the convolution's output are measured on crops of PICTURES (a folder with photos.csv and a column
split, of which train is taken), and weight and bias are set so that the network gives what the exported model gives.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from oral_lesion.evaluation.pictures import find_pictures
from oral_lesion.io.bundle import ModelBundle, load_bundle
from oral_lesion.io.datasets import read_picture
from oral_lesion.numerics.scaling import scaled_srgb
from oral_lesion.segment.onnx import INPUT_NAME, OUTPUT_NAME
from oral_lesion.training.checkpoint import write_checkpoint
from oral_lesion.training.network import build_network, normalize
from oral_lesion.training.settings import NetworkSettings

CROP_PX = 320
CROPS = 96
LONGER_SIDE_PX = (380, 700)
SEED = 1
LARGEST_DIFFERENCE = 1e-4
PREFIX = "network."
NORMALIZATION_AFTER = {
    "DepthwiseSeparableConv": {"conv_dw": "bn1", "conv_pw": "bn2"},
    "InvertedResidual": {"conv_pw": "bn1", "conv_dw": "bn2", "conv_pwl": "bn3"},
}


def main() -> int:
    """Write the checkpoint; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    arguments = parser.parse_args()
    bundle = load_bundle(arguments.bundle)
    graph = onnx.load_from_string(bundle.model_bytes).graph
    network = build_network(NetworkSettings(initial_weights="none")).eval()
    folded = fill_with_weights(network, graph)
    measure_statistics(network, folded, crops_of(arguments.pictures))
    noise = random_picture()
    difference = float(np.abs(probability_of(network, bundle, noise) - exported_probability(bundle, noise)).max())
    if difference > LARGEST_DIFFERENCE:
        print(f"The network differs from the exported one by {difference:.2g} in probability. Nothing is written.")
        return 1
    arguments.out.mkdir(parents=True, exist_ok=True)
    content = {"settings_sha256": "", "average": network.state_dict(), "average_steps": 0, "history": []}
    write_checkpoint(arguments.out, content)
    print(f"{arguments.out}: agrees with the exported network to {difference:.2g} in probability")
    return 0


def fill_with_weights(network: nn.Module, graph: onnx.GraphProto) -> dict[str, Tensor]:
    """
    Take over the weights of the graph; return the bias of each convolution whose normalization was folded into it.

    Each such normalization is left as one that only adds that bias.
    """
    weights = {one.name: torch.from_numpy(numpy_helper.to_array(one).copy()) for one in graph.initializer}
    normalizations = {
        node.input[1]: list(node.input[1:5]) for node in graph.node if node.op_type == "BatchNormalization"
    }
    modules = dict(network.named_modules())
    folded: dict[str, Tensor] = {}
    for node in graph.node:
        if node.op_type != "Conv" or not node.input[1].startswith(PREFIX):
            continue
        name = node.input[1].removeprefix(PREFIX).removesuffix(".weight")
        convolution = modules[name]
        convolution.weight.data = weights[node.input[1]]
        bias = weights[node.input[2]] if len(node.input) > 2 else torch.zeros(len(convolution.weight))
        if convolution.bias is not None:
            convolution.bias.data = bias
            continue
        after = modules[normalization_after(name, modules)]
        kept = normalizations.get(f"{PREFIX}{normalization_after(name, modules)}.weight")
        if kept is not None:
            after.weight.data, after.bias.data, after.running_mean, after.running_var = (weights[one] for one in kept)
        else:
            set_normalization(after, mean=torch.zeros_like(bias), variance=torch.ones_like(bias) - after.eps, bias=bias)
            folded[name] = bias
    return folded


def normalization_after(name: str, modules: Mapping[str, nn.Module]) -> str:
    """Return the name of the normalization that follows a convolution."""
    parent, leaf = name.rsplit(".", 1)
    if leaf == "conv_stem":
        return f"{parent}.bn1"
    if ".decoder." in f".{name}":
        return f"{parent}.1"
    return f"{parent}.{NORMALIZATION_AFTER[type(modules[parent]).__name__][leaf]}"


def set_normalization(after: nn.Module, *, mean: Tensor, variance: Tensor, bias: Tensor) -> None:
    """Set statistics, and weight and bias such that the normalization only adds `bias`."""
    after.running_mean, after.running_var = mean.float(), variance.float()
    after.weight.data = torch.sqrt(variance + after.eps).float()
    after.bias.data = (bias + mean).float()


@torch.no_grad()
def measure_statistics(network: nn.Module, folded: Mapping[str, Tensor], crops: Iterator[NDArray[np.uint8]]) -> None:
    """Give each folded normalization the mean and variance of what comes into it."""
    modules = dict(network.named_modules())
    sums: dict[str, list[Tensor]] = {}

    def add_up(name: str, output: Tensor) -> None:
        values = output.double().transpose(0, 1).flatten(1)
        count = torch.tensor(float(values.shape[1]))
        now = [count, values.sum(1), values.square().sum(1)]
        sums[name] = [before + new for before, new in zip(sums[name], now, strict=True)] if name in sums else now

    hooks = [
        modules[name].register_forward_hook(lambda _module, _inputs, output, name=name: add_up(name, output))
        for name in folded
    ]
    for crop in crops:
        network(normalize(torch.from_numpy(crop[None])))
    for hook in hooks:
        hook.remove()
    for name, bias in folded.items():
        count, total, squares = sums[name]
        mean = total / count
        variance = (squares / count - mean.square()).clamp_min(1e-6)
        set_normalization(modules[normalization_after(name, modules)], mean=mean, variance=variance, bias=bias.double())


def crops_of(folder: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield crops of the training pictures at random sizes, mirrored outward where a picture is too small."""
    rng = np.random.default_rng(SEED)
    pictures = find_pictures(folder, split="train").pictures
    for number in rng.permutation(len(pictures))[:CROPS]:
        srgb, _ = read_picture(pictures[number])
        scaled = scaled_srgb(srgb, float(rng.uniform(*LONGER_SIDE_PX)) / max(srgb.shape[:2]))
        missing = [(0, max(0, CROP_PX - side)) for side in scaled.shape[:2]]
        padded = np.pad(scaled, [*missing, (0, 0)], mode="reflect")
        row, column = (int(rng.integers(0, side - CROP_PX + 1)) for side in padded.shape[:2])
        yield np.ascontiguousarray(padded[row : row + CROP_PX, column : column + CROP_PX])


def random_picture() -> NDArray[np.uint8]:
    """Return noise: what both networks are compared on."""
    return np.random.default_rng(SEED).integers(0, 256, (256, 256, 3), dtype=np.uint8)


@torch.no_grad()
def probability_of(network: nn.Module, bundle: ModelBundle, srgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what the network would give for a picture with the bundle's calibration."""
    calibration = bundle.metadata.probability_calibration
    temperature = 1.0 if calibration is None else calibration.temperature
    return np.asarray(torch.sigmoid(network(normalize(torch.from_numpy(srgb[None])))[0, 0] / temperature), np.float32)


def exported_probability(bundle: ModelBundle, srgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what the bundle's model gives for a picture."""
    session = ort.InferenceSession(bundle.model_bytes, providers=["CPUExecutionProvider"])
    (probability,) = session.run([OUTPUT_NAME], {INPUT_NAME: srgb[None]})
    return np.asarray(probability[0], np.float32)


if __name__ == "__main__":
    sys.exit(main())
