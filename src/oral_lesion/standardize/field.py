"""The part of the card's plane that a photo shows, and the picture that is laid over it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import Reason, Refusal, Refused
from oral_lesion.numerics.geometry import (
    apply_homography_xy,
    clip_polygon,
    homography_weight,
    jacobian,
)
from oral_lesion.protocol import CardDefinition, StandardizationSettings

__all__ = ["LEAST_WEIGHT", "StandardFrame", "frame_of", "valid_mask"]

LEAST_WEIGHT = 0.6
"""Points farther along the optical axis than the card by more than 1 / 0.6 are left out: their scale is guesswork."""
_INSET_PX = 1.5
_FOOTPRINT_MARGIN_PITCHES = 0.2
_UNKNOWN_BORDER_PITCHES = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardFrame:
    """
    A picture of the card's plane at the working resolution, framed as the photo was.

    Parameters
    ----------
    shape : tuple of int
        (height, width).
    card_mm_from_standard_xy : ndarray of float64, shape (3, 3)
        Similarity from the picture's pixels to the card's mm.
    photo_xy_from_standard_xy : ndarray of float64, shape (3, 3)
        Homography from the picture's pixels to the photo's.
    outline_xy : ndarray of float64, shape (n, 2)
        Convex polygon of what is in view, in the picture's pixels.
    """

    shape: tuple[int, int]
    card_mm_from_standard_xy: NDArray[np.float64]
    photo_xy_from_standard_xy: NDArray[np.float64]
    outline_xy: NDArray[np.float64]


def frame_of(
    photo_xy_from_card_mm: NDArray[np.float64],
    photo_shape: tuple[int, int],
    card: CardDefinition,
    settings: StandardizationSettings,
) -> StandardFrame:
    """
    Lay a picture at the working resolution over what the photo shows of the card's plane.

    The picture is turned so that the photo's rows stay its rows at the card, and never mirrored.

    Parameters
    ----------
    photo_xy_from_card_mm : ndarray of float64, shape (3, 3)
        Homography from the card's plane to the photo.
    photo_shape : tuple of int
        (height, width).
    card : CardDefinition
        Layout.
    settings : StandardizationSettings
        Working resolution and largest picture.

    Returns
    -------
    StandardFrame

    Raises
    ------
    Refused
        ``too-wide`` where the picture would exceed `max_working_megapixels`; nothing was allocated by then.
    """
    centre_mm = np.array([(card.columns - 1) / 2.0 * card.pitch_xy_mm[0], (card.rows - 1) / 2.0 * card.pitch_xy_mm[1]])
    in_view_mm = _in_view_mm(photo_xy_from_card_mm, photo_shape, centre_mm)
    turn = _turn(photo_xy_from_card_mm, centre_mm)
    turned = in_view_mm @ turn
    low, high = turned.min(axis=0), turned.max(axis=0)
    step = settings.working_mm_per_px
    width, height = (max(1, math.ceil(extent / step)) for extent in high - low)
    megapixels = width * height / 1e6
    if megapixels > settings.max_working_megapixels:
        raise Refused(
            Refusal(
                reason=Reason.TOO_WIDE,
                observed=megapixels,
                limit=settings.max_working_megapixels,
                unit="megapixels at the working resolution",
            )
        )
    similarity = np.eye(3)
    similarity[:2, :2] = step * turn
    similarity[:2, 2] = turn @ (low + step / 2.0)
    return StandardFrame(
        shape=(height, width),
        card_mm_from_standard_xy=similarity,
        photo_xy_from_standard_xy=np.asarray(photo_xy_from_card_mm @ similarity, dtype=np.float64),
        outline_xy=apply_homography_xy(np.linalg.inv(similarity), in_view_mm),
    )


def valid_mask(frame: StandardFrame, card: CardDefinition) -> NDArray[np.bool_]:
    """
    Return where the photo covers the picture and the card does not.

    Parameters
    ----------
    frame : StandardFrame
        From `frame_of`.
    card : CardDefinition
        Its outer size, with a margin of 0.2 pitch, is left out.

    Returns
    -------
    ndarray of bool, shape (height, width)
    """
    mask = np.zeros(frame.shape, dtype=np.uint8)
    _fill(mask, frame.outline_xy, 1)
    (pitch_x, pitch_y), (patch_x, patch_y) = card.pitch_xy_mm, card.patch_xy_mm
    area = np.array([(card.columns - 1) * pitch_x, (card.rows - 1) * pitch_y])
    outer = area + np.array([patch_x, patch_y]) + 2.0 * _UNKNOWN_BORDER_PITCHES * np.array([pitch_x, pitch_y])
    if card.outer_mm is not None:
        outer = np.array(card.outer_mm)
    half = outer / 2.0 + _FOOTPRINT_MARGIN_PITCHES * np.array([pitch_x, pitch_y])
    corners = area / 2.0 + half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    _fill(mask, apply_homography_xy(np.linalg.inv(frame.card_mm_from_standard_xy), corners), 0)
    return mask.view(np.bool_)


def _in_view_mm(
    photo_from_mm: NDArray[np.float64], photo_shape: tuple[int, int], centre_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    mm_from_photo = np.linalg.inv(photo_from_mm)
    at_card = float(homography_weight(mm_from_photo, apply_homography_xy(photo_from_mm, centre_mm)))
    mm_from_photo = mm_from_photo / at_card
    height, width = photo_shape
    right, bottom = width - 1 - _INSET_PX, height - 1 - _INSET_PX
    border = np.array([[_INSET_PX, _INSET_PX], [right, _INSET_PX], [right, bottom], [_INSET_PX, bottom]])
    side = mm_from_photo[2] - np.array([0.0, 0.0, LEAST_WEIGHT])
    return apply_homography_xy(mm_from_photo, clip_polygon(border, side))


def _turn(photo_from_mm: NDArray[np.float64], centre_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotation from picture axes to card axes that keeps the photo's rows."""
    derivative = jacobian(photo_from_mm, centre_mm)
    if np.linalg.det(derivative) < 0:
        derivative = np.diag([-1.0, 1.0]) @ derivative
    left, _, right = np.linalg.svd(derivative)
    return np.asarray((left @ right).T, dtype=np.float64)


def _fill(mask: NDArray[np.uint8], polygon_xy: NDArray[np.float64], value: int) -> None:
    reach = 8 * max(mask.shape)
    fixed = np.rint(np.clip(polygon_xy, -reach, reach) * 16).astype(np.int32)
    cv2.fillConvexPoly(mask, fixed, value, lineType=cv2.LINE_8, shift=4)
