"""Six pairs of pictograms: how to photograph with the card, and how not to."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from oral_lesion.adapters.card.sheet import LEADING, PT_PER_MM, Sheet

__all__ = ["draw_pictograms"]

_COLUMNS, _GAP_MM, _SIDE_MM = 3, 4.0, 25.0
_CAPTION_PT = 8.0
_BLACK, _GREY, _PALE, _WHITE = 0.0, 0.45, 0.85, 1.0

Panel = Callable[[Sheet, float, float], None]


def draw_pictograms(sheet: Sheet, captions: Sequence[str], corner_mm: tuple[float, float], wide_mm: float) -> None:
    """
    Draw the pictograms in rows of three: on the left of each what is right, on the right what is wrong.

    Parameters
    ----------
    sheet : Sheet
        Drawn on.
    captions : sequence of str
        One a pictogram: print, plane, square, frame, light, mirror.
    corner_mm : tuple of float
        Upper left corner of all.
    wide_mm : float
        Of all.
    """
    cell = (wide_mm - (_COLUMNS - 1) * _GAP_MM) / _COLUMNS
    side = min(_SIDE_MM, (cell - 1.5) / 2)
    high = side + 2.4 * _CAPTION_PT * LEADING / PT_PER_MM + 7.0
    for index, ((right, wrong), caption) in enumerate(zip(_PAIRS, captions, strict=True)):
        row, column = divmod(index, _COLUMNS)
        x, y = corner_mm[0] + column * (cell + _GAP_MM), corner_mm[1] + row * high
        for place, panel, good in ((x, right, True), (x + side + 1.5, wrong, False)):
            _draw_panel(sheet, place, y, side, panel, good=good)
        sheet.ink(_BLACK)
        sheet.paragraph(x, y + side + 0.6, caption, _CAPTION_PT, cell)


def _draw_panel(sheet: Sheet, x: float, y: float, side: float, panel: Panel, *, good: bool) -> None:
    """Draw one panel in its frame; panels draw in a square of 25 mm from (x, y)."""
    scale = side / _SIDE_MM
    sheet.canvas.saveState()
    sheet.canvas.translate(x * PT_PER_MM, (sheet.high_mm - y) * PT_PER_MM)
    sheet.canvas.scale(scale, scale)
    sheet.canvas.translate(-x * PT_PER_MM, -(sheet.high_mm - y) * PT_PER_MM)
    sheet.pen(0.35)
    panel(sheet, x, y)
    sheet.pen(0.2)
    sheet.ink(_GREY)
    sheet.box(x, y, _SIDE_MM, _SIDE_MM, filled=False)
    _draw_verdict(sheet, x + 21.4, y + 3.6, good=good)
    sheet.canvas.restoreState()


def _draw_verdict(sheet: Sheet, x: float, y: float, *, good: bool) -> None:
    """Draw a tick or a cross on a disc: told apart by shape, and by black and white."""
    sheet.ink(_BLACK)
    sheet.pen(0.3)
    if good:
        sheet.ellipse(x, y, 2.5, 2.5)
        sheet.canvas.setStrokeGray(_WHITE)
    else:
        sheet.canvas.setFillGray(_WHITE)
        sheet.ellipse(x, y, 2.5, 2.5)
        sheet.ellipse(x, y, 2.5, 2.5, filled=False)
    sheet.pen(0.7)
    strokes = (
        ((-1.3, 0.1, -0.3, 1.2), (-0.3, 1.2, 1.4, -1.2)) if good else ((-1.2, -1.2, 1.2, 1.2), (-1.2, 1.2, 1.2, -1.2))
    )
    for from_x, from_y, to_x, to_y in strokes:
        sheet.line(x + from_x, y + from_y, x + to_x, y + to_y)


def _card_from_above(sheet: Sheet, x: float, y: float, wide: float) -> None:
    """Draw the card as the camera sees it."""
    high, mark = 0.63 * wide, 0.14 * wide
    sheet.ink(_WHITE)
    sheet.box(x, y, wide, high)
    sheet.ink(_BLACK)
    sheet.box(x, y, wide, high, filled=False)
    for left in (x + 0.05 * wide, x + wide - mark - 0.05 * wide):
        for top in (y + 0.05 * wide, y + high - mark - 0.05 * wide):
            sheet.box(left, top, mark, mark)
    for column in range(3):
        sheet.ink((0.8, 0.55, 0.3)[column])
        sheet.box(x + (0.27 + 0.16 * column) * wide, y + 0.2 * high, 0.14 * wide, 0.6 * high)


def _lesion_from_above(sheet: Sheet, x: float, y: float, radius: float) -> None:
    sheet.ink(_GREY)
    turns = [2 * math.pi * step / 18 for step in range(18)]
    reach = [radius * (1 + 0.16 * math.sin(3 * turn) + 0.1 * math.cos(5 * turn)) for turn in turns]
    sheet.polygon(
        [(x + r * math.cos(turn), y + 0.8 * r * math.sin(turn)) for r, turn in zip(reach, turns, strict=True)]
    )


def _tissue_from_beside(sheet: Sheet, x: float, y: float) -> None:
    """Draw tissue cut through, with the lesion as a dark dent on its surface at y + 20."""
    sheet.ink(_PALE)
    sheet.box(x, y + 20, _SIDE_MM, 5)
    sheet.ink(_GREY)
    sheet.ellipse(x + 7, y + 20.4, 3.6, 0.9)


def _camera_from_beside(sheet: Sheet, x: float, y: float, turn_deg: float) -> None:
    """Draw a camera that looks down, turned about its lens at (x, y)."""
    turn = math.radians(turn_deg)

    def turned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        return [
            (x + a * math.cos(turn) - b * math.sin(turn), y + a * math.sin(turn) + b * math.cos(turn))
            for a, b in points
        ]

    sheet.ink(_BLACK)
    sheet.polygon(turned([(-4, -5), (4, -5), (4, -1.4), (-4, -1.4)]))
    sheet.polygon(turned([(-1.7, -1.4), (1.7, -1.4), (1.7, 0.4), (-1.7, 0.4)]))
    sheet.pen(0.2)
    sheet.canvas.setDash(1.2, 1.2)
    (near, far) = turned([(0, 0.8), (0, 12.5)])
    sheet.line(*near, *far)
    sheet.canvas.setDash()
    sheet.pen(0.35)


def _print(sheet: Sheet, x: float, y: float, *, true_to_size: bool) -> None:
    sheet.ink(_BLACK)
    sheet.box(x + 4, y + 2.5, 13.5, 20, filled=False)
    _card_from_above(sheet, x + 6, y + 5, 9.5 if true_to_size else 6.5)
    sheet.ink(_BLACK)
    sheet.text(x + 6.6, y + 14.5, "100 %" if true_to_size else "93 %", 7.5)
    left, long = x + 6, 9.5 if true_to_size else 8.0
    sheet.line(left, y + 18, left + long, y + 18)
    for tick in (left, left + long):
        sheet.line(tick, y + 17, tick, y + 19)
    sheet.text(left + 0.5, y + 21.6, "50 mm" if true_to_size else "46 mm", 6)


def _plane(sheet: Sheet, x: float, y: float, *, raised: bool) -> None:
    _tissue_from_beside(sheet, x, y)
    _camera_from_beside(sheet, x + 12.5, y + 6.5, 0)
    sheet.ink(_BLACK)
    height = 6.5 if raised else 0.9
    sheet.box(x + 13, y + 20 - height, 9, 0.9)
    if raised:
        sheet.pen(0.2)
        for at in (14.0, 21.0):
            sheet.line(x + at, y + 14.6, x + at, y + 19.8)


def _square(sheet: Sheet, x: float, y: float, *, turn_deg: float) -> None:
    _tissue_from_beside(sheet, x, y)
    sheet.ink(_BLACK)
    sheet.box(x + 13, y + 19.1, 9, 0.9)
    tilted = turn_deg != 0
    _camera_from_beside(sheet, x + (7.5 if tilted else 12.5), y + (9 if tilted else 6.5), turn_deg)
    if tilted:
        return
    sheet.ink(_BLACK)
    sheet.pen(0.2)
    sheet.line(x + 3, y + 7, x + 3, y + 19)
    for tip, back in ((7.0, 8.4), (19.0, 17.6)):
        sheet.polygon([(x + 3, y + tip), (x + 2.4, y + back), (x + 3.6, y + back)])
    sheet.text(x + 3.7, y + 13.6, "20–30", 5.5)
    sheet.text(x + 3.7, y + 16.0, "cm", 5.5)


def _frame(sheet: Sheet, x: float, y: float, *, cut: bool) -> None:
    sheet.canvas.saveState()
    path = sheet.canvas.beginPath()
    path.rect((x + 2) * PT_PER_MM, (sheet.high_mm - y - 21) * PT_PER_MM, 21 * PT_PER_MM, 14 * PT_PER_MM)
    sheet.canvas.clipPath(path, stroke=0, fill=0)
    sheet.ink(_PALE)
    sheet.box(x + 2, y + 7, 21, 14)
    _lesion_from_above(sheet, x + (12 if cut else 8), y + 12.5, 3)
    _card_from_above(sheet, x + (19 if cut else 14), y + (16 if cut else 14.5), 7)
    sheet.canvas.restoreState()
    sheet.ink(_BLACK)
    sheet.box(x + 2, y + 7, 21, 14, filled=False)


def _light(sheet: Sheet, x: float, y: float, *, shine: bool) -> None:
    _lesion_from_above(sheet, x + 6.5, y + 15, 3)
    _card_from_above(sheet, x + 12, y + 12.5, 10)
    lamps = ((12.5, 4.5),) if shine else ((4.5, 4.5), (13.5, 4.5))
    for lamp_x, lamp_y in lamps:
        sheet.ink(_BLACK)
        sheet.ellipse(x + lamp_x, y + lamp_y, 1.5, 1.5, filled=False)
        for step in range(8):
            turn = math.pi * step / 4
            near, far = 2.0, 3.2
            sheet.line(
                x + lamp_x + near * math.cos(turn), y + lamp_y + near * math.sin(turn),
                x + lamp_x + far * math.cos(turn), y + lamp_y + far * math.sin(turn),
            )  # fmt: skip
    if shine:
        for middle_x, middle_y, radius in ((17, 15.5, 3.6), (6.5, 14.5, 2.2)):
            corners = [
                (x + middle_x + r * math.cos(math.pi * k / 8), y + middle_y + r * math.sin(math.pi * k / 8))
                for k in range(16)
                for r in (radius if k % 2 == 0 else 0.45 * radius,)
            ]
            sheet.ink(_WHITE)
            sheet.polygon(corners)
            sheet.ink(_BLACK)
            sheet.pen(0.2)
            sheet.polygon(corners, filled=False)


def _mirror(sheet: Sheet, x: float, y: float, *, card_inside: bool) -> None:
    sheet.ink(_BLACK)
    sheet.pen(1.1)
    sheet.line(x + 4.5, y + 21, x + 1, y + 24)
    sheet.pen(0.5)
    sheet.ink(_PALE)
    sheet.ellipse(x + 11, y + 14, 9, 8.3)
    sheet.ink(_BLACK)
    sheet.ellipse(x + 11, y + 14, 9, 8.3, filled=False)
    sheet.pen(0.3)
    _lesion_from_above(sheet, x + (8 if card_inside else 11), y + 11, 2.8)
    if card_inside:
        _card_from_above(sheet, x + 9.5, y + 14.5, 7)
    else:
        _card_from_above(sheet, x + 17.2, y + 19.4, 6.6)


_PAIRS: tuple[tuple[Panel, Panel], ...] = (
    (lambda s, x, y: _print(s, x, y, true_to_size=True), lambda s, x, y: _print(s, x, y, true_to_size=False)),
    (lambda s, x, y: _plane(s, x, y, raised=False), lambda s, x, y: _plane(s, x, y, raised=True)),
    (lambda s, x, y: _square(s, x, y, turn_deg=0), lambda s, x, y: _square(s, x, y, turn_deg=-38)),
    (lambda s, x, y: _frame(s, x, y, cut=False), lambda s, x, y: _frame(s, x, y, cut=True)),
    (lambda s, x, y: _light(s, x, y, shine=False), lambda s, x, y: _light(s, x, y, shine=True)),
    (lambda s, x, y: _mirror(s, x, y, card_inside=True), lambda s, x, y: _mirror(s, x, y, card_inside=False)),
)
