"""The colour card: its frame and patches, drawn with exact edges."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.color import linear_rgb_from_lab_d50
from oral_lesion.phantom.camera import apply_homography
from oral_lesion.phantom.outline import polygon_coverage
from oral_lesion.protocol import CardDefinition

__all__ = ["CardPose", "card_outside_mm", "paint_card"]

_FRAME_PITCHES = 0.3
_FRAME_LINEAR_RGB = (0.028, 0.028, 0.029)
_CORNER_PITCHES = 0.15


def card_outside_mm(card: CardDefinition) -> tuple[float, float]:
    """
    Return the size of the card as drawn, its black frame included.

    Where the definition does not tell it, the frame is 0.3 pitch wide beyond the outer patches on all sides.

    Parameters
    ----------
    card : CardDefinition
        Layout in mm.

    Returns
    -------
    tuple of float
        Along the rows and along the columns, in mm.
    """
    if card.outer_mm is not None:
        return card.outer_mm
    (pitch_x, pitch_y), (patch_x, patch_y) = card.pitch_xy_mm, card.patch_xy_mm
    frame = 2 * _FRAME_PITCHES * card.pitch_mm
    return (card.columns - 1) * pitch_x + patch_x + frame, (card.rows - 1) * pitch_y + patch_y + frame


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPose:
    """
    Where a card lies on the plane.

    Parameters
    ----------
    size_mm : tuple of float
        Outside, along the card's rows and columns.
    centre_xy_mm : tuple of float
        On the plane.
    turn_deg : float
        Clockwise as seen; at 0 the rows run along x.
    """

    size_mm: tuple[float, float]
    centre_xy_mm: tuple[float, float]
    turn_deg: float

    def to_plane(self, points_xy_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points of the card, shape (n, 2) in mm from its centre, on the plane."""
        cosine, sine = math.cos(math.radians(self.turn_deg)), math.sin(math.radians(self.turn_deg))
        turned = points_xy_mm @ np.array([[cosine, sine], [-sine, cosine]])
        moved: NDArray[np.float64] = turned + np.asarray(self.centre_xy_mm)
        return moved

    def corners_xy_mm(self) -> NDArray[np.float64]:
        """Return the outer corners on the plane, shape (4, 2), from the first patch's corner clockwise."""
        return self.to_plane(_rectangle(*self.size_mm))

    def distance_mm(self, point_xy_mm: tuple[float, float]) -> float:
        """Return the distance of a point of the plane from the card; 0 on it."""
        turn = math.radians(self.turn_deg)
        x, y = point_xy_mm[0] - self.centre_xy_mm[0], point_xy_mm[1] - self.centre_xy_mm[1]
        along = abs(x * math.cos(turn) + y * math.sin(turn)) - self.size_mm[0] / 2
        across = abs(y * math.cos(turn) - x * math.sin(turn)) - self.size_mm[1] / 2
        return math.hypot(max(along, 0.0), max(across, 0.0))


def paint_card(
    linear_rgb: NDArray[np.float32], card: CardDefinition, pose: CardPose, homography: NDArray[np.float64]
) -> None:
    """
    Draw the card over a picture: black frame, then the patches, each edge with its exact coverage.

    Parameters
    ----------
    linear_rgb : ndarray of float32, shape (height, width, 3)
        Linear sRGB reflectance; changed in place.
    card : CardDefinition
        Layout and reference colours; a colour outside of sRGB keeps its values below 0 or above 1.
    pose : CardPose
        Where it lies.
    homography : ndarray of float64, shape (3, 3)
        From the plane in mm to pixels.
    """
    wide, high = pose.size_mm
    body = _rounded(wide, high, _CORNER_PITCHES * card.pitch_mm)
    _fill(linear_rgb, body, _FRAME_LINEAR_RGB, pose, homography)
    lab = np.array([patch.lab_d50 for patch in card.patches], dtype=np.float64)
    colors = linear_rgb_from_lab_d50(lab)
    pitch_x, pitch_y = card.pitch_xy_mm
    square = _rectangle(*card.patch_xy_mm)
    for index, color in enumerate(colors):
        row, column = divmod(index, card.columns)
        offset = (column - (card.columns - 1) / 2) * pitch_x, (row - (card.rows - 1) / 2) * pitch_y
        _fill(linear_rgb, square + offset, tuple(float(value) for value in color), pose, homography)


def _fill(
    linear_rgb: NDArray[np.float32],
    outline_mm: NDArray[np.float64],
    color: tuple[float, ...],
    pose: CardPose,
    homography: NDArray[np.float64],
) -> None:
    covered = polygon_coverage(
        apply_homography(homography, pose.to_plane(outline_mm)), (linear_rgb.shape[0], linear_rgb.shape[1])
    )
    if covered is None:
        return
    window = linear_rgb[covered.rows, covered.columns]
    window += covered.share[:, :, None] * (np.asarray(color, dtype=np.float32) - window)


def _rectangle(wide: float, high: float) -> NDArray[np.float64]:
    return np.array([[-wide, -high], [wide, -high], [wide, high], [-wide, high]]) / 2


def _rounded(wide: float, high: float, radius: float) -> NDArray[np.float64]:
    angle = np.linspace(0, np.pi / 2, 9)
    arc = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x, y = wide / 2 - radius, high / 2 - radius
    corners = [((x, y), 1, 1), ((-x, y), -1, 1), ((-x, -y), -1, -1), ((x, -y), 1, -1)]
    parts = [
        np.asarray(centre) + (arc if along * across > 0 else arc[::-1]) * (along, across)
        for centre, along, across in corners
    ]
    return np.concatenate(parts)
