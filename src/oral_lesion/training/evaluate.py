"""Evaluate a model bundle on labelled pictures: Dice in both conventions, and false alarms."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.io.bundle import Figure, load_bundle, write_bundle
from oral_lesion.io.datasets import IGNORE_VALUE, LESION_VALUE, LabelledPicture, read_picture
from oral_lesion.training.data import find_pictures
from oral_lesion.training.settings import SourceSettings

__all__ = ["Evaluation", "PictureResult", "evaluate", "evaluate_picture", "figures_of"]

FIRING_COMPONENT_PX = 30

Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureResult:
    """
    Prediction and label of one picture, counted without the pixels that are to be ignored.

    Parameters
    ----------
    picture_id : str
        Name.
    true_px, predicted_px, overlap_px : int
        Pixels of the label, of the prediction, and of both, at the picture's own size.
    fired : bool
        Whether a predicted component has 30 px or more at the size that the model saw.
    ignored_px : int
        Pixels without judgement.
    """

    picture_id: str
    true_px: int
    predicted_px: int
    overlap_px: int
    fired: bool
    ignored_px: int

    @property
    def dice(self) -> float:
        """Dice coefficient; 1 where both are empty."""
        total = self.true_px + self.predicted_px
        return 2.0 * self.overlap_px / total if total else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """
    Results of a set of pictures.

    Parameters
    ----------
    pictures : tuple of PictureResult
        One a picture.
    """

    pictures: tuple[PictureResult, ...]

    @property
    def positives(self) -> tuple[PictureResult, ...]:
        """Pictures with a labelled lesion."""
        return tuple(picture for picture in self.pictures if picture.true_px)

    @property
    def negatives(self) -> tuple[PictureResult, ...]:
        """Pictures without any, and without pixels to be ignored."""
        return tuple(picture for picture in self.pictures if not picture.true_px and not picture.ignored_px)

    @property
    def dice_by_image(self) -> float:
        """Mean Dice of the pictures with a lesion; NaN where there are none."""
        return float(np.mean([picture.dice for picture in self.positives])) if self.positives else float("nan")

    @property
    def dice_pooled(self) -> float:
        """Dice of all pixels of all pictures together; NaN where there are none."""
        total = sum(picture.true_px + picture.predicted_px for picture in self.pictures)
        return 2.0 * sum(picture.overlap_px for picture in self.pictures) / total if total else float("nan")

    @property
    def negatives_fired(self) -> float:
        """Share of the pictures without a lesion on which the model sees one; NaN where there are none."""
        return float(np.mean([picture.fired for picture in self.negatives])) if self.negatives else float("nan")


def evaluate(
    predict: Predict, pictures: Sequence[LabelledPicture], *, threshold: float, longer_side_px: int
) -> Evaluation:
    """
    Evaluate a model.

    Parameters
    ----------
    predict : callable
        sRGB uint8 (height, width, 3) to probability float32 (height, width).
    pictures : sequence of LabelledPicture
        What to judge on.
    threshold : float
        In (0, 1).
    longer_side_px : int
        The model sees every picture at this length of its longer side; the pictures have no scale.

    Returns
    -------
    Evaluation
        One result a picture.

    Raises
    ------
    FormatError
        A picture cannot be read.
    """
    results = []
    for picture in pictures:
        srgb, labels = read_picture(picture)
        height, width = labels.shape
        scale = longer_side_px / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        seen = predict(np.asarray(cv2.resize(srgb, size, interpolation=interpolation), np.uint8))
        results.append(evaluate_picture(picture.picture_id, seen, labels, threshold=threshold))
    return Evaluation(pictures=tuple(results))


def evaluate_picture(
    picture_id: str, probability: NDArray[np.float32], labels: NDArray[np.uint8], *, threshold: float
) -> PictureResult:
    """
    Compare one prediction with its label.

    Parameters
    ----------
    picture_id : str
        Name.
    probability : ndarray of float32, shape (seen height, seen width)
        At the size that the model saw.
    labels : ndarray of uint8, shape (height, width)
        255 lesion, 0 other, 128 ignore; at the picture's own size.
    threshold : float
        In (0, 1).

    Returns
    -------
    PictureResult
        Counts at the picture's own size.
    """
    height, width = labels.shape
    counted = labels != IGNORE_VALUE
    truth = labels == LESION_VALUE
    mask = (cv2.resize(probability, (width, height), interpolation=cv2.INTER_LINEAR) >= threshold) & counted
    _, _, stats, _ = cv2.connectedComponentsWithStats((probability >= threshold).astype(np.uint8))
    largest = int(stats[1:, cv2.CC_STAT_AREA].max(initial=0))
    return PictureResult(
        picture_id=picture_id,
        true_px=int(truth.sum()),
        predicted_px=int(mask.sum()),
        overlap_px=int((mask & truth).sum()),
        fired=largest >= FIRING_COMPONENT_PX,
        ignored_px=int((~counted).sum()),
    )


def figures_of(evaluation: Evaluation, *, data_set: str, longer_side_px: int, command: str) -> tuple[Figure, ...]:
    """
    Return an evaluation as figures for metadata.json.

    Parameters
    ----------
    evaluation : Evaluation
        Results.
    data_set : str
        On what.
    longer_side_px : int
        At which length of the longer side.
    command : str
        What gives the figures again.

    Returns
    -------
    tuple of Figure
        Dice by image and pooled; with negatives also the share of them that fired.
    """
    on = f"{data_set}, longer side {longer_side_px} px"
    negatives = f"share of lesion-free pictures with a predicted component of {FIRING_COMPONENT_PX} px or more"
    entries = [(negatives, evaluation.negatives_fired, len(evaluation.negatives))]
    if evaluation.positives:
        entries = [
            ("Dice, image-based mean over pictures with a lesion", evaluation.dice_by_image, len(evaluation.positives)),
            ("Dice, pooled over all pixels", evaluation.dice_pooled, len(evaluation.pictures)),
            *entries,
        ]
    return tuple(
        Figure(name=name, value=round(value, 4), data_set=on, n=n, command=command) for name, value, n in entries if n
    )


_DATA_SETS = (
    (
        "mouths, validation split (no pemphigus, not standardized)",
        SourceSettings(
            name="oral",
            layout="table",
            path="oral",
            keep={"split": "val"},
            longer_side_px=(512, 512),
            licence="see README of the data",
            source="sources A, G and T",
        ),
        (384, 512, 768),
    ),
    (
        "FUSeg 2021 validation, de-duplicated",
        SourceSettings(
            name="fuseg",
            layout="pairs",
            path="fuseg/validation",
            longer_side_px=(512, 512),
            licence="CC BY-NC 4.0",
            source="FUSeg 2021",
        ),
        (512,),
    ),
    (
        "photographs of colour charts and desks, no mouth in view",
        SourceSettings(
            name="colorcards",
            layout="lesion-free",
            path="colorcards",
            longer_side_px=(800, 800),
            licence="see README of the data",
            source="see README of the data",
        ),
        (800,),
    ),
)


def _main(arguments: Sequence[str]) -> None:
    """Evaluate a bundle on the data at hand; with --write its metadata and card take the figures."""
    parser = argparse.ArgumentParser(prog="python -m oral_lesion.training.evaluate", description=_main.__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--data-root", type=Path, default=Path("../shared/data"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args(arguments)
    bundle = load_bundle(chosen.bundle)
    segmenter = bundle.open_segmenter(chosen.threads)
    command = f"python -m oral_lesion.training.evaluate models/{bundle.metadata.name}"
    figures: list[Figure] = []
    for data_set, source, sizes in _DATA_SETS:
        pictures = find_pictures(source, chosen.data_root)
        for longer_side_px in sizes:
            result = evaluate(
                segmenter.probability_of_srgb,
                pictures,
                threshold=segmenter.threshold,
                longer_side_px=longer_side_px,
            )
            figures += figures_of(result, data_set=data_set, longer_side_px=longer_side_px, command=command)
    for figure in figures:
        sys.stdout.write(f"{figure.value:.4f}  n={figure.n}  {figure.name}; {figure.data_set}\n")
    if chosen.write:
        others = [figure for figure in bundle.metadata.figures if figure.command != command]
        metadata = bundle.metadata.model_copy(update={"figures": (*figures, *others)})
        write_bundle(chosen.bundle, metadata, bundle.model_bytes, overwrite=True)


if __name__ == "__main__":
    _main(sys.argv[1:])
