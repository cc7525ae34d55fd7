"""The worst and best pictures, small, with label and prediction outlined."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.evaluation.counts import PictureCounts, PictureModel, predict_picture
from oral_lesion.evaluation.run import Round
from oral_lesion.io.datasets import IGNORE_VALUE, LESION_VALUE, LabelledPicture, read_picture
from oral_lesion.numerics.scaling import scaled_srgb

__all__ = ["LABEL_COLOR", "PREDICTION_COLOR", "Case", "CaseSet", "draw_cases", "pick_cases"]

LABEL_COLOR = (60, 200, 255)
PREDICTION_COLOR = (255, 214, 0)
_IGNORED_COLOR = (150, 150, 150)
_EDGE_COLOR = (0, 0, 0)
_LONGER_SIDE_PX = 340
_JPEG_QUALITY = 82


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """
    One picture on the page.

    Parameters
    ----------
    count : PictureCounts
        What was counted on it.
    jpeg_base64 : str
        The picture, small, with outlines.
    width_px, height_px : int
        Of the small picture.
    """

    count: PictureCounts
    jpeg_base64: str
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSet:
    """
    Pictures of one kind.

    Parameters
    ----------
    title : str
        Such as the worst ones.
    cases : tuple of Case
        In the order in which they are shown.
    """

    title: str
    cases: tuple[Case, ...]


def pick_cases(counts: Sequence[PictureCounts], number: int) -> dict[str, list[PictureCounts]]:
    """
    Pick pictures to show: worst and best Dice with a lesion, and lesion-free ones on which most was predicted.

    Parameters
    ----------
    counts : sequence of PictureCounts
        All pictures.
    number : int
        At most so many of each kind; worst and best share none.

    Returns
    -------
    dict of str to list of PictureCounts
        By title; kinds without a picture are left out.
    """
    with_lesion = sorted((count for count in counts if count.true_px), key=lambda count: (count.dice, count.picture_id))
    worst = with_lesion[: min(number, (len(with_lesion) + 1) // 2)]
    best = with_lesion[len(worst) :][::-1][:number]
    false = sorted(
        (count for count in counts if count.lesion_free and count.predicted_px),
        key=lambda count: (-count.predicted_px / count.counted_px, count.picture_id),
    )[:number]
    kinds = {
        "Worst with a lesion": worst,
        "Best with a lesion": best,
        "Without lesion, most predicted": false,
    }
    return {title: picked for title, picked in kinds.items() if picked}


def draw_cases(
    one: Round, pictures: Mapping[str, LabelledPicture], model: PictureModel, *, number: int
) -> tuple[CaseSet, ...]:
    """
    Draw the pictures to show; the model sees them once more.

    Parameters
    ----------
    one : Round
        Results of the model at one size.
    pictures : mapping of str to LabelledPicture
        By picture_id.
    model : PictureModel
        The model of the round.
    number : int
        At most so many of each kind.

    Returns
    -------
    tuple of CaseSet

    Raises
    ------
    FormatError
        A picture cannot be read.
    """
    return tuple(
        CaseSet(title=title, cases=tuple(_drawn(count, pictures[count.picture_id], model) for count in picked))
        for title, picked in pick_cases(one.counts, number).items()
    )


def _drawn(count: PictureCounts, picture: LabelledPicture, model: PictureModel) -> Case:
    srgb, labels = read_picture(picture)
    prediction = predict_picture(srgb, model, longer_side_px=count.longer_side_px, mm_per_px=count.mm_per_px)
    drawn = np.ascontiguousarray(scaled_srgb(srgb, _LONGER_SIDE_PX / max(labels.shape)))
    for mask, color in (
        (labels == IGNORE_VALUE, _IGNORED_COLOR),
        (prediction.mask, PREDICTION_COLOR),
        (labels == LESION_VALUE, LABEL_COLOR),
    ):
        _outline(drawn, mask, color)
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return Case(
        count=count,
        jpeg_base64=base64.b64encode(encoded.tobytes()).decode("ascii"),
        width_px=drawn.shape[1],
        height_px=drawn.shape[0],
    )


def _outline(srgb: NDArray[np.uint8], mask: NDArray[np.bool_], color: tuple[int, int, int]) -> None:
    """Draw the borders of a mask onto a small picture, edged dark so that they show on any ground."""
    size = (srgb.shape[1], srgb.shape[0])
    small = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) >= 0.5
    contours, _ = cv2.findContours(small.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(srgb, contours, -1, _EDGE_COLOR, 4, cv2.LINE_AA)
    cv2.drawContours(srgb, contours, -1, color, 2, cv2.LINE_AA)
