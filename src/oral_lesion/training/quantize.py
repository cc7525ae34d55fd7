"""Static int8: the model in eight-bit integers, and the gate that it must pass."""

from __future__ import annotations

import hashlib
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oral_lesion.io.bundle import Int8Model
from oral_lesion.segment.onnx import INPUT_NAME, OnnxSegmenter
from oral_lesion.segment.tiles import padded_to_multiple
from oral_lesion.training.calibrate import SeenPicture

__all__ = ["judge_int8", "quantized_bytes"]

MAX_DICE_DROP = 0.005
MAX_AREA_BIAS = 0.01

_MULTIPLE_OF_PX = 32
_TIMED_RUNS = 5
_TIMED_SIDE_PX = 512


def quantized_bytes(model_bytes: bytes, pictures: Sequence[NDArray[np.uint8]]) -> bytes:
    """
    Return a model with the weights and activations of its convolutions in eight-bit integers.

    Parameters
    ----------
    model_bytes : bytes
        The fp32 ONNX model.
    pictures : sequence of ndarray of uint8, shape (height, width, 3)
        Training pictures, from which the ranges of the activations are taken.

    Returns
    -------
    bytes
        ONNX model with the same input and outputs.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        source, prepared, target = (Path(folder) / name for name in ("fp32.onnx", "prepared.onnx", "int8.onnx"))
        source.write_bytes(model_bytes)
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(target),
            _PictureReader(pictures),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return target.read_bytes()


class _PictureReader:
    """
    Gives onnxruntime one picture after the other.

    Parameters
    ----------
    pictures : sequence of ndarray of uint8, shape (height, width, 3)
        What to give.
    """

    def __init__(self, pictures: Sequence[NDArray[np.uint8]]) -> None:
        self._inputs: Iterator[NDArray[np.uint8]] = iter(pictures)

    def get_next(self) -> dict[str, Any] | None:
        """Return the next input, or None after the last."""
        picture = next(self._inputs, None)
        return None if picture is None else {INPUT_NAME: padded_to_multiple(picture, _MULTIPLE_OF_PX)[None]}

    def __iter__(self) -> _PictureReader:
        return self

    def __next__(self) -> dict[str, Any]:
        given = self.get_next()
        if given is None:
            raise StopIteration
        return given


def judge_int8(
    fp32: OnnxSegmenter, int8: OnnxSegmenter, pictures: Sequence[SeenPicture], *, int8_bytes: bytes, data_set: str
) -> Int8Model:
    """
    Compare an int8 model with its fp32 model, and judge it by the gate.

    Parameters
    ----------
    fp32, int8 : OnnxSegmenter
        Both models, run in the same way.
    pictures : sequence of SeenPicture
        Held-out pictures.
    int8_bytes : bytes
        The int8 model.
    data_set : str
        What the pictures are, in words.

    Returns
    -------
    Int8Model
        To be written only where it loses at most 0.005 of Dice by image, its area differs by at most 1 %, and it is the
        faster one.
    """
    dice: dict[str, list[float]] = {"fp32": [], "int8": []}
    areas = {"fp32": 0, "int8": 0}
    for picture in pictures:
        for name, segmenter in (("fp32", fp32), ("int8", int8)):
            mask = (segmenter.probability_of_srgb(picture.srgb) >= fp32.threshold) & picture.counted
            areas[name] += int(mask.sum())
            if picture.truth.any():
                total = int(mask.sum() + picture.truth.sum())
                dice[name].append(2.0 * int((mask & picture.truth).sum()) / total)
    drop = float(np.mean(dice["fp32"]) - np.mean(dice["int8"])) if dice["fp32"] else 0.0
    bias = areas["int8"] / max(areas["fp32"], 1) - 1.0
    speed_ratio = _cpu_seconds(int8) / _cpu_seconds(fp32)
    passed = drop <= MAX_DICE_DROP and abs(bias) <= MAX_AREA_BIAS and speed_ratio < 1.0
    return Int8Model(
        written=passed,
        sha256=hashlib.sha256(int8_bytes).hexdigest(),
        dice_drop=round(drop, 5),
        area_bias=round(bias, 5),
        max_dice_drop=MAX_DICE_DROP,
        max_area_bias=MAX_AREA_BIAS,
        speed_ratio=round(speed_ratio, 3),
        n=len(pictures),
        data_set=data_set,
        verdict="passed" if passed else "failed",
    )


def _cpu_seconds(segmenter: OnnxSegmenter) -> float:
    """Return the median CPU seconds of one picture of 512 × 512 px."""
    srgb = np.random.default_rng(0).integers(0, 256, (_TIMED_SIDE_PX, _TIMED_SIDE_PX, 3), dtype=np.uint8)
    segmenter.probability_of_srgb(srgb)
    seconds = []
    for _ in range(_TIMED_RUNS):
        began = time.process_time()
        segmenter.probability_of_srgb(srgb)
        seconds.append(time.process_time() - began)
    return statistics.median(seconds)
