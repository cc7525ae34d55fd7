"""A segmenter that runs an ONNX model with onnxruntime on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import BundleError, InputError
from oral_lesion.records import ModelIdentity, StandardizedPhoto
from oral_lesion.segment.tiles import TilePlan, in_tiles, padded_to_multiple

__all__ = ["INPUT_NAME", "MULTIPLE_OF_PX", "OUTPUT_NAME", "OnnxSegmenter"]

INPUT_NAME = "image_rgb"
OUTPUT_NAME = "probability"
MULTIPLE_OF_PX = 32

_ROWS_AT_ONCE = 256
_REMEDY = "use a model that `oral-lesion export` wrote"


class OnnxSegmenter:
    """
    Segmenter that runs an ONNX model; the same picture gives the same bits every time.

    Parameters
    ----------
    model_bytes : bytes
        ONNX model: input ``image_rgb`` uint8 (batch, height, width, 3) sRGB, sides multiples of 32; output
        ``probability`` float32 (batch, height, width).
    identity : ModelIdentity
        Name, version and SHA-256.
    threshold : float
        The model's recommended threshold, in (0, 1).
    working_mm_per_px : float
        Resolution (mm/px) that the model is made for.
    threads : int
        Threads within one picture; never taken from the machine, whose core count misleads under CPU limits.

    Raises
    ------
    BundleError
        The bytes are no ONNX model, or its input or output is another.
    InputError
        `threads` is below 1.
    """

    def __init__(
        self,
        model_bytes: bytes,
        identity: ModelIdentity,
        threshold: float,
        working_mm_per_px: float,
        threads: int = 1,
    ) -> None:
        if threads < 1:
            raise InputError(f"threads: expected at least 1, got {threads}; name a number of threads")
        self._model_bytes = model_bytes
        self._identity = identity
        self._threshold = threshold
        self._working_mm_per_px = working_mm_per_px
        self._threads = threads
        self._tile_plan = TilePlan()
        self._session = _open_session(model_bytes, identity, threads)

    def __reduce__(self) -> tuple[Any, ...]:
        return (
            OnnxSegmenter,
            (self._model_bytes, self._identity, self._threshold, self._working_mm_per_px, self._threads),
        )

    @property
    def identity(self) -> ModelIdentity:
        """Name, version and SHA-256 of the model."""
        return self._identity

    @property
    def threshold(self) -> float:
        """The model's recommended threshold, in (0, 1)."""
        return self._threshold

    @property
    def working_mm_per_px(self) -> float:
        """Resolution (mm/px) that the model is made for."""
        return self._working_mm_per_px

    def probability(self, standardized: StandardizedPhoto) -> NDArray[np.float32]:
        """
        Return the probability of erosion of every pixel of a standardized photo.

        Parameters
        ----------
        standardized : StandardizedPhoto
            A photo at `working_mm_per_px`.

        Returns
        -------
        ndarray of float32, shape (height, width)
            In [0, 1].
        """
        from oral_lesion.numerics.color import srgb_uint8_from_linear

        linear_rgb = standardized.linear_rgb
        srgb = np.empty(linear_rgb.shape, np.uint8)
        for top in range(0, len(linear_rgb), _ROWS_AT_ONCE):  # in strips, so that no large float array comes about
            srgb[top : top + _ROWS_AT_ONCE] = srgb_uint8_from_linear(linear_rgb[top : top + _ROWS_AT_ONCE])
        return self.probability_of_srgb(srgb)

    def probability_of_srgb(self, srgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """
        Return the probability of erosion of every pixel of an sRGB picture.

        Up to 0.8 megapixels the picture is taken whole; beyond, in overlapping tiles, which bounds memory.

        Parameters
        ----------
        srgb : ndarray of uint8, shape (height, width, 3)
            sRGB at `working_mm_per_px`.

        Returns
        -------
        ndarray of float32, shape (height, width)
            In [0, 1].

        Raises
        ------
        InputError
            `srgb` is no such array, or is empty.
        BundleError
            The model fails on the picture, or gives another shape.
        """
        if srgb.dtype != np.uint8 or srgb.ndim != 3 or srgb.shape[2] != 3 or srgb.size == 0:
            raise InputError(
                f"srgb: expected uint8 (height, width, 3), got {srgb.dtype} {srgb.shape}; convert it first"
            )
        return in_tiles(srgb, self._predict, self._tile_plan)

    def _predict(self, srgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        height, width = srgb.shape[:2]
        padded = padded_to_multiple(srgb, MULTIPLE_OF_PX)
        try:
            (output,) = self._session.run([OUTPUT_NAME], {INPUT_NAME: padded[None]})
        except Exception as error:
            raise BundleError(
                f"{_name(self._identity)}: fails on a picture of {padded.shape[1]}×{padded.shape[0]} px "
                f"({_first_line(error)}); {_REMEDY}"
            ) from error
        if output.shape != (1, *padded.shape[:2]):
            raise BundleError(
                f"{_name(self._identity)}: expected output (1, {padded.shape[0]}, {padded.shape[1]}), "
                f"got {output.shape}; {_REMEDY}"
            )
        probability: NDArray[np.float32] = np.ascontiguousarray(output[0, :height, :width])
        return probability


def _open_session(model_bytes: bytes, identity: ModelIdentity, threads: int) -> Any:
    """Open an onnxruntime session and check the model's input and output."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors come as exceptions
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(model_bytes, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BundleError(f"{_name(identity)}: onnxruntime cannot open it ({_first_line(error)}); {_REMEDY}") from error
    _require_ports(session, identity)
    return session


def _require_ports(session: Any, identity: ModelIdentity) -> None:
    inputs = [(port.name, port.type, len(port.shape)) for port in session.get_inputs()]
    outputs = [(port.name, port.type, len(port.shape)) for port in session.get_outputs()]
    wanted = [(INPUT_NAME, "tensor(uint8)", 4)], [(OUTPUT_NAME, "tensor(float)", 3)]
    if (inputs, outputs) != wanted:
        raise BundleError(
            f"{_name(identity)}: expected input {_ports(wanted[0])} and output {_ports(wanted[1])}, "
            f"got {_ports(inputs)} and {_ports(outputs)}; {_REMEDY}"
        )


def _ports(ports: list[tuple[str, str, int]]) -> str:
    return ", ".join(f"{name} {kind} of rank {rank}" for name, kind, rank in ports) or "none"


def _name(identity: ModelIdentity) -> str:
    return f"model.onnx of {identity.name} {identity.version}"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
