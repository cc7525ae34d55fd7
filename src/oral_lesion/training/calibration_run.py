"""Calibrate a network for export: read the pictures, fit what belongs into the graph, measure what it then does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from oral_lesion.evaluation import find_pictures
from oral_lesion.io.bundle import BundleMetadata, Domain, DomainCheck, ProbabilityCalibration
from oral_lesion.io.datasets import LabelledPicture
from oral_lesion.io.settings import load_protocol
from oral_lesion.records import ModelIdentity
from oral_lesion.segment import Prediction
from oral_lesion.segment.domain import mean_of_covered
from oral_lesion.segment.onnx import OnnxSegmenter
from oral_lesion.training.calibrate import (
    SeenPicture,
    calibrate_probability,
    choose_threshold,
    seen_picture,
    threshold_figures,
)
from oral_lesion.training.calibrate_boundary import calibrate_boundary, measured_pairs
from oral_lesion.training.domain import PERCENTILE, RULE, DomainFit, fit_domain
from oral_lesion.training.exported import ExportedNetwork, domain_features
from oral_lesion.training.quantize import judge_int8, quantized_bytes

__all__ = ["CalibrationSettings", "Calibrator"]

_MOST_OUTSIDE = 100
_MOST_QUANTIZED = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationSettings:
    """
    On which pictures a model is calibrated.

    Parameters
    ----------
    folder : Path
        Labelled pictures: photos.csv, or images/ and masks/.
    keep : mapping of str to str
        Rows of photos.csv for probability, threshold and boundary: held-out ones.
    domain_keep : mapping of str to str
        Rows of photos.csv that show what mouths look like: the training pictures; empty fits no domain rule.
    outside : Path or None
        Folder with images/ of other surfaces; at most 100 are taken, evenly spread.
    checks : mapping of str to Path
        More folders with images/, by what they show: how many are flagged goes to the model card.
    longer_side_px : int
        The model sees pictures of unknown scale at this length of their longer side.
    """

    folder: Path
    keep: Mapping[str, str] = field(default_factory=dict)
    domain_keep: Mapping[str, str] = field(default_factory=dict)
    outside: Path | None = None
    checks: Mapping[str, Path] = field(default_factory=dict)
    longer_side_px: int = 512


class Calibrator:
    """
    Calibrates one network.

    Parameters
    ----------
    network : Module
        In evaluation mode; takes normalized pictures, gives logits.
    settings : CalibrationSettings
        On which pictures.
    mirror : bool
        Whether pictures are run mirrored too.
    working_mm_per_px : float
        Resolution to which pictures of known scale are brought.

    Raises
    ------
    InputError
        The pictures are missing.
    FormatError
        One of them cannot be read.
    """

    def __init__(
        self, network: nn.Module, settings: CalibrationSettings, *, mirror: bool, working_mm_per_px: float
    ) -> None:
        self._network = network
        self._working_mm_per_px = working_mm_per_px
        self._settings = settings
        self._mirror = mirror
        self._data_set = f"{_words_of(settings.folder, settings.keep)}, longer side {settings.longer_side_px} px"
        self._smallest_lesion_mm2 = load_protocol(None).segmentation.smallest_lesion_mm2
        self._domain: tuple[DomainFit, int, int] | None = None
        self._probability: ProbabilityCalibration | None = None
        self.pictures = self._seen(pictures_of(settings.folder, settings.keep))

    def calibrated_network(self) -> ExportedNetwork:
        """
        Fit what belongs into the graph.

        Returns
        -------
        ExportedNetwork
            With the temperature, and with the domain rule where its pictures were named.
        """
        probability = calibrate_probability(self._network, self.pictures, mirror=self._mirror, data_set=self._data_set)
        self._probability = probability
        self._domain = self._fitted_domain()
        projection = None if self._domain is None else self._domain[0].projection
        return ExportedNetwork(self._network, temperature=probability.temperature, projection=projection)

    def calibrated_metadata(
        self, metadata: BundleMetadata, model_bytes: bytes, *, keep_threshold: bool
    ) -> BundleMetadata:
        """
        Choose threshold and scale of the boundary's uncertainty by what the exported model itself gives.

        Parameters
        ----------
        metadata : BundleMetadata
            What is known so far.
        model_bytes : bytes
            The model that `calibrated_network` became.
        keep_threshold : bool
            Leave the threshold of the metadata as it is.

        Returns
        -------
        BundleMetadata
            With all calibrations.
        """
        metadata = metadata.model_copy(
            update={"probability_calibration": self._probability, "domain": self._described_domain()}
        )
        segmenter = _segmenter(metadata, model_bytes)
        predictions = [segmenter.predict_srgb(picture.srgb) for picture in self.pictures]
        if keep_threshold:
            threshold = metadata.threshold
            choice = threshold_figures(
                predictions, self.pictures, threshold, rule="set by hand", data_set=self._data_set
            )
        else:
            threshold, choice = choose_threshold(predictions, self.pictures, data_set=self._data_set)
        pairs = measured_pairs(
            predictions,
            self.pictures,
            threshold=threshold,
            mm_per_px=metadata.working_mm_per_px,
            smallest_lesion_mm2=self._smallest_lesion_mm2,
        )
        return metadata.model_copy(
            update={
                "threshold": threshold,
                "threshold_choice": choice,
                "boundary_uncertainty": calibrate_boundary(pairs, data_set=self._data_set),
                "domain": self._checked_domain(metadata, _without_mirror(metadata, model_bytes), predictions),
            }
        )

    def with_int8(self, metadata: BundleMetadata, model_bytes: bytes) -> tuple[BundleMetadata, bytes | None]:
        """
        Try the model in eight-bit integers.

        Parameters
        ----------
        metadata : BundleMetadata
            With all calibrations.
        model_bytes : bytes
            The fp32 model.

        Returns
        -------
        metadata : BundleMetadata
            With the verdict.
        int8_bytes : bytes or None
            The model where it passed its gate.
        """
        keep = self._settings.domain_keep or self._settings.keep
        pictures = self._seen(_spread(pictures_of(self._settings.folder, keep), _MOST_QUANTIZED))
        int8_bytes = quantized_bytes(model_bytes, [picture.srgb for picture in pictures])
        verdict = judge_int8(
            _segmenter(metadata, model_bytes),
            _segmenter(metadata, int8_bytes),
            self.pictures,
            int8_bytes=int8_bytes,
            data_set=self._data_set,
        )
        return metadata.model_copy(update={"int8": verdict}), int8_bytes if verdict.written else None

    def _seen(self, pictures: Sequence[LabelledPicture]) -> list[SeenPicture]:
        return [
            seen_picture(picture, self._settings.longer_side_px, working_mm_per_px=self._working_mm_per_px)
            for picture in pictures
        ]

    def _fitted_domain(self) -> tuple[DomainFit, int, int] | None:
        """Fit the domain rule; with it go the numbers of pictures inside and outside."""
        settings = self._settings
        if not settings.domain_keep:
            return None
        inside = pictures_of(settings.folder, settings.domain_keep)
        outside = [] if settings.outside is None else _spread(pictures_of(settings.outside, {}), _MOST_OUTSIDE)
        fit = fit_domain(self._features(inside), [picture.group for picture in inside], self._features(outside))
        return fit, len(inside), len(outside)

    def _features(self, pictures: Sequence[LabelledPicture]) -> NDArray[np.float64]:
        """Return the mean features of pictures, one row each."""
        rows = []
        for picture in pictures:
            seen = seen_picture(picture, self._settings.longer_side_px, working_mm_per_px=self._working_mm_per_px)
            cells = domain_features(self._network, seen.srgb)
            rows.append(mean_of_covered(cells, np.ones(seen.labels.shape, np.bool_)))
        return np.array(rows, np.float64)

    def _described_domain(self) -> Domain | None:
        if self._domain is None:
            return None
        fit, n_inside, n_outside = self._domain
        outside = self._settings.outside
        return Domain(
            rule=RULE,
            distance_limit=fit.limits.distance,
            contrast_limit=fit.limits.contrast,
            percentile=PERCENTILE,
            inside=_words_of(self._settings.folder, self._settings.domain_keep),
            n_inside=n_inside,
            outside="" if outside is None else _words_of(outside, {}),
            n_outside=n_outside,
        )

    def _checked_domain(
        self, metadata: BundleMetadata, segmenter: OnnxSegmenter | None, predictions: Sequence[Prediction]
    ) -> Domain | None:
        """Count how many held-out mouths and other pictures the rule flags."""
        if metadata.domain is None or segmenter is None:
            return None
        flagged = float(np.mean([prediction.out_of_domain for prediction in predictions]))
        checks = [DomainCheck(data_set=self._data_set, n=len(predictions), flagged=round(flagged, 4))]
        for words, folder in self._settings.checks.items():
            seen = self._seen(pictures_of(folder, {}))
            flags = [segmenter.predict_srgb(picture.srgb).out_of_domain for picture in seen]
            checks.append(DomainCheck(data_set=words, n=len(flags), flagged=round(float(np.mean(flags)), 4)))
        return metadata.domain.model_copy(update={"checks": tuple(checks)})


def pictures_of(folder: Path, keep: Mapping[str, str]) -> tuple[LabelledPicture, ...]:
    """
    List the pictures of a folder of any layout.

    Parameters
    ----------
    folder : Path
        With dataset.toml or photos.csv; else with images/ and masks/; else with images/.
    keep : mapping of str to str
        Rows of photos.csv to keep.

    Returns
    -------
    tuple of LabelledPicture
        Sorted by name.

    Raises
    ------
    InputError
        There are none, or rows are to be kept where there is no table.
    """
    return find_pictures(folder, keep=keep or None).pictures


def _without_mirror(metadata: BundleMetadata, model_bytes: bytes) -> OnnxSegmenter | None:
    """Open a model for its domain rule alone: without the mirrored pass; None where it has no such rule."""
    if metadata.domain is None:
        return None
    return _segmenter(metadata.model_copy(update={"test_time_augmentation": "none"}), model_bytes)


def _segmenter(metadata: BundleMetadata, model_bytes: bytes) -> OnnxSegmenter:
    sha256 = hashlib.sha256(model_bytes).hexdigest()
    identity = ModelIdentity(name=metadata.name, version=metadata.version, sha256=sha256)
    options = metadata.inference_options
    return OnnxSegmenter(model_bytes, identity, metadata.threshold, metadata.working_mm_per_px, options=options)


def _spread(pictures: Sequence[LabelledPicture], most: int) -> list[LabelledPicture]:
    """Return at most so many pictures, evenly spread."""
    step = max(1, -(-len(pictures) // most))
    return list(pictures[::step])


def _words_of(folder: Path, keep: Mapping[str, str]) -> str:
    """Return a folder's name and the rows that are kept; never its place on this machine."""
    named = [part for part in folder.parts if part not in ("..", ".")]
    place = "/".join(named[-2:]) if named and not folder.is_absolute() else folder.resolve().name
    rows = "".join(f", {column} {value}" for column, value in sorted(keep.items()))
    return f"{place}{rows}"
