"""The colour card of a photo: cut out of it, each patch with its colour difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.adapters.html.pictures import Picture, StandardPhoto, encoded_jpeg
from oral_lesion.adapters.html.printed import Cells, Number, number_of
from oral_lesion.numerics.color import srgb_uint8_from_linear

__all__ = ["CardView", "PatchView", "card_view"]

_PX_PER_MM = 9.0
_LARGEST_SIDE_PX = 420
_BORDER_PITCHES = 0.8
_DARK_BELOW = 110


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchView:
    """
    One patch.

    Parameters
    ----------
    name : str
        As in the card's file.
    delta_e00 : Number or None
        Held out; None where the patch was rejected or nothing was corrected.
    accepted : bool
        Whether it was used.
    cells : Cells
        Row of colour.csv.
    x_mm, y_mm, width_mm, height_mm : float
        Its place on the card, from the crop's upper left corner.
    fill : str
        Colour as read, ``#rrggbb``; empty where it was rejected.
    dark : bool
        Whether white text is read better on it.
    """

    name: str
    delta_e00: Number | None
    accepted: bool
    cells: Cells
    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    fill: str
    dark: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView:
    """
    The card of one photo.

    Parameters
    ----------
    title : str
        Of the card.
    picture : Picture or None
        Cut out of the standardized photo; None where it cannot be had.
    width_mm, height_mm : float
        Of the part that is shown.
    patches : tuple of PatchView
        In the card's order.
    """

    title: str
    picture: Picture | None
    width_mm: float
    height_mm: float
    patches: tuple[PatchView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    columns: int
    pitch_mm: tuple[float, float]
    patch_mm: tuple[float, float]
    corner_mm: tuple[float, float]
    size_mm: tuple[float, float]


def card_view(card: Mapping[str, Any] | None, rows: Sequence[Cells], photo: StandardPhoto | None) -> CardView | None:
    """
    Return what is shown of a photo's card.

    Parameters
    ----------
    card : mapping or None
        Definition of the card in run.json.
    rows : sequence of Cells
        Of colour.csv.
    photo : StandardPhoto or None
        That the card is cut out of; None of a refused one.

    Returns
    -------
    CardView or None
        None where no card was read, or its layout is not known.
    """
    layout = None if card is None else _layout_of(card, len(rows))
    if card is None or layout is None:
        return None
    return CardView(
        title=str(card.get("title") or card.get("name") or ""),
        picture=_crop(photo, layout),
        width_mm=layout.size_mm[0],
        height_mm=layout.size_mm[1],
        patches=tuple(_patch(index, row, layout) for index, row in enumerate(rows)),
    )


def _layout_of(card: Mapping[str, Any], patches: int) -> _Layout | None:
    try:
        columns, rows = int(card["columns"]), int(card["rows"])
        pitch = float(card["pitch_mm"]), float(card["pitch_y_mm"] or card["pitch_mm"])
        patch = float(card["patch_mm"]), float(card["patch_y_mm"] or card["patch_mm"])
        outer = card["outer_mm"]
        area = (columns - 1) * pitch[0], (rows - 1) * pitch[1]
        size = (
            (float(outer[0]), float(outer[1]))
            if outer
            else (
                area[0] + patch[0] + _BORDER_PITCHES * pitch[0],
                area[1] + patch[1] + _BORDER_PITCHES * pitch[1],
            )
        )
    except (KeyError, TypeError, ValueError, IndexError):
        return None
    if not patches or columns * rows != patches:
        return None
    corner = area[0] / 2 - size[0] / 2, area[1] / 2 - size[1] / 2
    return _Layout(columns=columns, pitch_mm=pitch, patch_mm=patch, corner_mm=corner, size_mm=size)


def _crop(photo: StandardPhoto | None, layout: _Layout) -> Picture | None:
    if photo is None or photo.geometry.get("photo_xy_from_card_mm") is None:
        return None
    geometry = photo.geometry
    px_per_mm = min(_PX_PER_MM, _LARGEST_SIDE_PX / max(layout.size_mm))
    card_from_shown = np.array(
        [
            [1 / px_per_mm, 0.0, layout.corner_mm[0] + 0.5 / px_per_mm],
            [0.0, 1 / px_per_mm, layout.corner_mm[1] + 0.5 / px_per_mm],
            [0.0, 0.0, 1.0],
        ]
    )
    photo_from_card = np.array(geometry["photo_xy_from_card_mm"], dtype=np.float64)
    standard_from_photo = np.linalg.inv(np.array(geometry["photo_xy_from_standard_xy"], dtype=np.float64))
    size = round(layout.size_mm[0] * px_per_mm), round(layout.size_mm[1] * px_per_mm)
    standard_from_shown = standard_from_photo @ photo_from_card @ card_from_shown
    shown: NDArray[Any] = cv2.warpPerspective(
        photo.bgr, standard_from_shown, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    return encoded_jpeg(shown)


def _patch(index: int, row: Cells, layout: _Layout) -> PatchView:
    line, column = divmod(index, layout.columns)
    fill, dark = _fill_of(row)
    return PatchView(
        name=row["patch"],
        delta_e00=number_of(row["held_out_delta_e00"], 1),
        accepted=row["accepted"] == "1",
        cells=row,
        x_mm=round(column * layout.pitch_mm[0] - layout.patch_mm[0] / 2 - layout.corner_mm[0], 3),
        y_mm=round(line * layout.pitch_mm[1] - layout.patch_mm[1] / 2 - layout.corner_mm[1], 3),
        width_mm=layout.patch_mm[0],
        height_mm=layout.patch_mm[1],
        fill=fill,
        dark=dark,
    )


def _fill_of(row: Cells) -> tuple[str, bool]:
    try:
        linear = np.array([float(row[f"linear_{channel}"]) for channel in ("red", "green", "blue")])
    except ValueError:
        return "", False
    red, green, blue = (int(value) for value in srgb_uint8_from_linear(linear.reshape(1, 1, 3))[0, 0])
    return f"#{red:02x}{green:02x}{blue:02x}", 0.3 * red + 0.59 * green + 0.11 * blue < _DARK_BELOW
