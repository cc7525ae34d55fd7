"""A segmenter that runs an ONNX model with onnxruntime on the CPU."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import BundleError, InputError
from oral_lesion.records import BoundaryCalibration, ModelIdentity, StandardizedPhoto
from oral_lesion.segment.domain import DomainLimits, DomainScore, score_domain
from oral_lesion.segment.segmenter import Prediction
from oral_lesion.segment.tiles import TilePlan, in_tiles, padded_to_multiple

__all__ = ["DOMAIN_NAME", "INPUT_NAME", "MULTIPLE_OF_PX", "OUTPUT_NAME", "InferenceOptions", "OnnxSegmenter"]

INPUT_NAME = "image_rgb"
OUTPUT_NAME = "probability"
DOMAIN_NAME = "domain"
MULTIPLE_OF_PX = 32

_ROWS_AT_ONCE = 256
_REMEDY = "use a model that `oral-lesion export` wrote"


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceOptions:
    """
    How a model is run, and how its answers are to be read; stored in its bundle.

    Parameters
    ----------
    mirror : bool
        Run every picture a second time mirrored left to right; the mean of both counts, and their spread is kept.
    boundary : BoundaryCalibration
        How the uncertainty of the boundary is to be scaled.
    domain : DomainLimits or None
        Where a picture stops resembling those that the model learnt from; None where the model cannot tell.
    tile_plan : TilePlan
        How large pictures are cut.
    """

    mirror: bool = False
    boundary: BoundaryCalibration = field(default_factory=BoundaryCalibration)
    domain: DomainLimits | None = None
    tile_plan: TilePlan = field(default_factory=TilePlan)


class OnnxSegmenter:
    """
    Segmenter that runs an ONNX model; the same picture gives the same bits every time.

    Parameters
    ----------
    model_bytes : bytes
        ONNX model: input ``image_rgb`` uint8 (batch, height, width, 3) sRGB, sides multiples of 32; output
        ``probability`` float32 (batch, height, width), and where `options.domain` is given a second output
        ``domain`` float32 (batch, features, height / 32, width / 32).
    identity : ModelIdentity
        Name, version and SHA-256.
    threshold : float
        The model's recommended threshold, in (0, 1).
    working_mm_per_px : float
        Resolution (mm/px) that the model is made for.
    threads : int
        Threads within one picture; never taken from the machine, whose core count misleads under CPU limits.
    options : InferenceOptions
        How it is run.

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
        options: InferenceOptions = InferenceOptions(),
    ) -> None:
        if threads < 1:
            raise InputError(f"threads: expected at least 1, got {threads}; name a number of threads")
        self._model_bytes = model_bytes
        self._identity = identity
        self._threshold = threshold
        self._working_mm_per_px = working_mm_per_px
        self._threads = threads
        self._options = options
        self._session = _open_session(model_bytes, identity, threads)
        _require_ports(self._session, identity, domain=options.domain is not None)

    def __reduce__(self) -> tuple[Any, ...]:
        model = (self._model_bytes, self._identity, self._threshold, self._working_mm_per_px)
        return (OnnxSegmenter, (*model, self._threads, self._options))

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
        return self.probability_of_srgb(_srgb_of(standardized))

    def predict(self, standardized: StandardizedPhoto) -> Prediction:
        """
        Return all that the model says of a standardized photo.

        Parameters
        ----------
        standardized : StandardizedPhoto
            A photo at `working_mm_per_px`.

        Returns
        -------
        Prediction
            With the spread where the model is run mirrored too, and whether the photo is out of its domain where it can
            tell.
        """
        return self.predict_srgb(_srgb_of(standardized), standardized.valid)

    def probability_of_srgb(self, srgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """
        Return the probability of erosion of every pixel of an sRGB picture.

        Up to 1.1 megapixels the picture is taken whole; beyond, in overlapping tiles, which bounds memory.

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
        probability, _, _ = self._maps(srgb)
        return probability

    def predict_srgb(self, srgb: NDArray[np.uint8], valid: NDArray[np.bool_] | None = None) -> Prediction:
        """
        Return all that the model says of an sRGB picture.

        Parameters
        ----------
        srgb : ndarray of uint8, shape (height, width, 3)
            sRGB at `working_mm_per_px`.
        valid : ndarray of bool, shape (height, width), or None
            What of the picture is to resemble the model's domain; None takes all of it.

        Returns
        -------
        Prediction
            See `predict`.

        Raises
        ------
        InputError
            `srgb` is no such array, or is empty.
        BundleError
            The model fails on the picture, or gives another shape.
        """
        probability, spread, cells = self._maps(srgb)
        limits = self._options.domain
        score = _score_of(cells, srgb, valid, limits)
        return Prediction(
            probability=probability,
            probability_sd=spread,
            boundary=self._options.boundary,
            out_of_domain=limits is not None and score is not None and score.outside(limits),
        )

    def domain_score(self, srgb: NDArray[np.uint8], valid: NDArray[np.bool_] | None = None) -> DomainScore | None:
        """
        Return how far a picture lies from those that the model learnt from.

        Parameters
        ----------
        srgb : ndarray of uint8, shape (height, width, 3)
            sRGB at `working_mm_per_px`.
        valid : ndarray of bool, shape (height, width), or None
            What of the picture to look at; None takes all of it.

        Returns
        -------
        DomainScore or None
            None where the model cannot tell, or nothing is to be looked at.
        """
        return _score_of(self._maps(srgb)[2], srgb, valid, self._options.domain)

    def _maps(
        self, srgb: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, NDArray[np.float32] | None]:
        """Return probability, its spread and the cells of the domain; None for what the model does not give."""
        if srgb.dtype != np.uint8 or srgb.ndim != 3 or srgb.shape[2] != 3 or srgb.size == 0:
            raise InputError(
                f"srgb: expected uint8 (height, width, 3), got {srgb.dtype} {srgb.shape}; convert it first"
            )
        maps = list(in_tiles(padded_to_multiple(srgb, MULTIPLE_OF_PX), self._run_passes, self._options.tile_plan))
        cells = maps.pop() if self._options.domain is not None else None
        passes = [np.ascontiguousarray(one[: srgb.shape[0], : srgb.shape[1]]) for one in maps]
        if not self._options.mirror:
            return np.clip(passes[0], 0.0, 1.0), None, cells
        straight, mirrored = passes
        # Two draws: their half difference is the standard deviation of their mean.
        return np.clip((straight + mirrored) / 2, 0.0, 1.0), np.abs(straight - mirrored) / 2, cells

    def _run_passes(self, padded: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Run the model on a picture whose sides fit: probability, that of the mirrored picture, cells."""
        wanted = [OUTPUT_NAME] + ([DOMAIN_NAME] if self._options.domain is not None else [])
        probability, *cells = self._run(padded, wanted)
        passes = [probability]
        if self._options.mirror:
            (mirrored,) = self._run(np.ascontiguousarray(padded[:, ::-1]), [OUTPUT_NAME])
            passes.append(mirrored[:, ::-1])
        return [*passes, *cells]

    def _run(self, padded: NDArray[np.uint8], wanted: list[str]) -> list[NDArray[np.float32]]:
        height, width = padded.shape[:2]
        try:
            outputs = self._session.run(wanted, {INPUT_NAME: padded[None]})
        except Exception as error:
            raise BundleError(
                f"{_name(self._identity)}: fails on a picture of {width}×{height} px ({_first_line(error)}); {_REMEDY}"
            ) from error
        if outputs[0].shape != (1, height, width):
            raise BundleError(
                f"{_name(self._identity)}: expected output (1, {height}, {width}), got {outputs[0].shape}; {_REMEDY}"
            )
        return [output[0] for output in outputs]


def _srgb_of(standardized: StandardizedPhoto) -> NDArray[np.uint8]:
    from oral_lesion.numerics.color import srgb_uint8_from_linear

    linear_rgb = standardized.linear_rgb
    srgb = np.empty(linear_rgb.shape, np.uint8)
    for top in range(0, len(linear_rgb), _ROWS_AT_ONCE):  # in strips, so that no large float array comes about
        srgb[top : top + _ROWS_AT_ONCE] = srgb_uint8_from_linear(linear_rgb[top : top + _ROWS_AT_ONCE])
    return srgb


def _score_of(
    cells: NDArray[np.float32] | None,
    srgb: NDArray[np.uint8],
    valid: NDArray[np.bool_] | None,
    limits: DomainLimits | None,
) -> DomainScore | None:
    if cells is None or limits is None:
        return None
    return score_domain(cells, np.ones(srgb.shape[:2], np.bool_) if valid is None else valid, limits)


def _open_session(model_bytes: bytes, identity: ModelIdentity, threads: int) -> Any:
    """Open an onnxruntime session that gives the same bits every time."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # it keeps a second set of buffers from the second run on
    options.log_severity_level = 4  # errors come as exceptions
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(model_bytes, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BundleError(f"{_name(identity)}: onnxruntime cannot open it ({_first_line(error)}); {_REMEDY}") from error
    return session


def _require_ports(session: Any, identity: ModelIdentity, *, domain: bool) -> None:
    inputs = [(port.name, port.type, len(port.shape)) for port in session.get_inputs()]
    outputs = [(port.name, port.type, len(port.shape)) for port in session.get_outputs()]
    wanted_inputs = [(INPUT_NAME, "tensor(uint8)", 4)]
    wanted_outputs = [(OUTPUT_NAME, "tensor(float)", 3)] + [(DOMAIN_NAME, "tensor(float)", 4)] * domain
    if inputs != wanted_inputs or outputs[: len(wanted_outputs)] != wanted_outputs:
        raise BundleError(
            f"{_name(identity)}: expected input {_ports(wanted_inputs)} and output {_ports(wanted_outputs)}, "
            f"got {_ports(inputs)} and {_ports(outputs)}; {_REMEDY}"
        )


def _ports(ports: list[tuple[str, str, int]]) -> str:
    return ", ".join(f"{name} {kind} of rank {rank}" for name, kind, rank in ports) or "none"


def _name(identity: ModelIdentity) -> str:
    return f"model.onnx of {identity.name} {identity.version}"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
