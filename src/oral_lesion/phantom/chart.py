"""The colour card: its frame, patches and markers, drawn with exact edges."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.color import linear_rgb_from_lab_d50
from oral_lesion.numerics.geometry import apply_homography_xy
from oral_lesion.numerics.markers import MARKER_MODULES, marker_cells
from oral_lesion.phantom.outline import polygon_coverage
from oral_lesion.protocol import CardDefinition, CardMarkers, CardRuler

__all__ = ["CardPose", "card_outside_mm", "paint_card"]

_FRAME_PITCHES = 0.3
_FRAME_LINEAR_RGB = (0.028, 0.028, 0.029)
_CORNER_PITCHES = 0.15
_PAPER_LINEAR_RGB = (0.86, 0.86, 0.85)
_INK_LINEAR_RGB = (0.031, 0.031, 0.032)


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
        """
        Return points of the card on the plane.

        Parameters
        ----------
        points_xy_mm : ndarray of float64, shape (n, 2)
            From the card's centre, x along its rows.

        Returns
        -------
        ndarray of float64, shape (n, 2)
            On the plane, in mm.
        """
        cosine, sine = math.cos(math.radians(self.turn_deg)), math.sin(math.radians(self.turn_deg))
        turned = points_xy_mm @ np.array([[cosine, sine], [-sine, cosine]])
        moved: NDArray[np.float64] = turned + np.asarray(self.centre_xy_mm)
        return moved

    def corners_xy_mm(self) -> NDArray[np.float64]:
        """Return the outer corners on the plane, shape (4, 2), from the first patch's corner clockwise."""
        return self.to_plane(_rectangle(*self.size_mm))

    def distance_mm(self, point_xy_mm: tuple[float, float]) -> float:
        """
        Return the distance of a point of the plane from the card.

        Parameters
        ----------
        point_xy_mm : tuple of float
            On the plane.

        Returns
        -------
        float
            Millimetres; 0 on the card.
        """
        turn = math.radians(self.turn_deg)
        x, y = point_xy_mm[0] - self.centre_xy_mm[0], point_xy_mm[1] - self.centre_xy_mm[1]
        along = abs(x * math.cos(turn) + y * math.sin(turn)) - self.size_mm[0] / 2
        across = abs(y * math.cos(turn) - x * math.sin(turn)) - self.size_mm[1] / 2
        return math.hypot(max(along, 0.0), max(across, 0.0))


def paint_card(
    linear_rgb: NDArray[np.float32], card: CardDefinition, pose: CardPose, homography: NDArray[np.float64]
) -> None:
    """
    Draw the card over a picture, each edge with its exact coverage: its body, its patches, then its print.

    The body is a black frame; a card with markers is white paper, with the markers and the ruler's lines in black.

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
    if card.markers is None:
        body = _rounded(wide, high, _CORNER_PITCHES * card.pitch_mm)
        _fill(linear_rgb, body, _FRAME_LINEAR_RGB, pose, homography)
    else:
        _fill(linear_rgb, _rectangle(wide, high), _PAPER_LINEAR_RGB, pose, homography)
    lab = np.array([patch.lab_d50 for patch in card.patches], dtype=np.float64)
    colors = linear_rgb_from_lab_d50(lab)
    pitch_x, pitch_y = card.pitch_xy_mm
    square = _rectangle(*card.patch_xy_mm)
    for index, color in enumerate(colors):
        row, column = divmod(index, card.columns)
        offset = (column - (card.columns - 1) / 2) * pitch_x, (row - (card.rows - 1) / 2) * pitch_y
        _fill(linear_rgb, square + offset, tuple(float(value) for value in color), pose, homography)
    if card.markers is not None:
        _print_black(linear_rgb, card.markers, card.ruler, pose, homography)


def _print_black(
    linear_rgb: NDArray[np.float32],
    markers: CardMarkers,
    ruler: CardRuler | None,
    pose: CardPose,
    homography: NDArray[np.float64],
) -> None:
    """Draw all that is black at once: neighbours share pixels, and their shares add up."""
    shape = (linear_rgb.shape[0], linear_rgb.shape[1])
    ink = np.zeros(shape, dtype=np.float32)
    for outline, sign in _ink_outlines(markers, ruler):
        on_card = outline - np.array(pose.size_mm) / 2
        covered = polygon_coverage(apply_homography_xy(homography, pose.to_plane(on_card)), shape)
        if covered is not None:
            ink[covered.rows, covered.columns] += sign * covered.share
    linear_rgb += np.clip(ink, 0, 1)[:, :, None] * (np.asarray(_INK_LINEAR_RGB, dtype=np.float32) - linear_rgb)


def _ink_outlines(markers: CardMarkers, ruler: CardRuler | None) -> list[tuple[NDArray[np.float64], np.float32]]:
    """Return rectangles in mm from the card's corner: black ones (1), and white ones to take out of them (-1)."""
    module, ink, paper = markers.module_mm, np.float32(1), np.float32(-1)
    outlines: list[tuple[NDArray[np.float64], np.float32]] = []
    for marker in markers.placed:
        middle = np.array(marker.xy_mm)
        outlines.append((_rectangle(markers.side_mm, markers.side_mm) + middle, ink))
        white = (np.argwhere(marker_cells(marker.id))[:, ::-1] - (MARKER_MODULES - 1) / 2) * module
        outlines += [(_rectangle(module, module) + middle + place, paper) for place in white]
    if ruler is not None:
        start = np.array(ruler.start_xy_mm)
        outlines += [
            (_rectangle(ruler.line_mm, high) + start + (along, -high / 2), ink) for along, high in ruler.ticks_mm
        ]
    return outlines


def _fill(
    linear_rgb: NDArray[np.float32],
    outline_mm: NDArray[np.float64],
    color: tuple[float, ...],
    pose: CardPose,
    homography: NDArray[np.float64],
) -> None:
    covered = polygon_coverage(
        apply_homography_xy(homography, pose.to_plane(outline_mm)), (linear_rgb.shape[0], linear_rgb.shape[1])
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
