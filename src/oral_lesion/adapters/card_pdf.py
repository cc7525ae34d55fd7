"""The open card as a PDF at true size, with a guide for the site beside it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from oral_lesion.adapters.card_texts import CARD_WARNING, CHECK_TEXT, GUIDE, GUIDE_TITLE, SHEET_NOTE
from oral_lesion.errors import InputError
from oral_lesion.numerics.color import linear_rgb_from_lab_d50, srgb_from_linear
from oral_lesion.numerics.markers import MARKER_MODULES, marker_cells
from oral_lesion.protocol import CardDefinition, CardMarkers, CardRuler

__all__ = ["PAPERS_MM", "card_pdf"]

PAPERS_MM = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}
"""Width and height of the papers."""

_PT_PER_MM = 72.0 / 25.4
_CARD_AT_MM = (22.0, 24.0)
_CHECK_MM = 50.0
_MARGIN_MM = 16.0
_PLAIN, _BOLD = "Helvetica", "Helvetica-Bold"
_LEADING = 1.28


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A canvas with (0, 0) at the paper's upper left corner, in mm, y down."""

    canvas: Any
    high_mm: float

    def box(self, x: float, y: float, wide: float, high: float) -> None:
        """Fill a rectangle given by its upper left corner."""
        self.canvas.rect(*self._pt(x, y + high), wide * _PT_PER_MM, high * _PT_PER_MM, stroke=0, fill=1)

    def boxes(self, places: Sequence[tuple[float, float, float, float]]) -> None:
        """Fill rectangles as one path, so that neighbours show no seam."""
        path = self.canvas.beginPath()
        for x, y, wide, high in places:
            path.rect(*self._pt(x, y + high), wide * _PT_PER_MM, high * _PT_PER_MM)
        self.canvas.drawPath(path, stroke=0, fill=1)

    def line(self, x: float, y: float, to_x: float, to_y: float) -> None:
        """Draw a line."""
        self.canvas.line(*self._pt(x, y), *self._pt(to_x, to_y))

    def text(self, x: float, y: float, words: str, size_pt: float, font: str = _PLAIN) -> None:
        """Write one line; y is its base line."""
        self.canvas.setFont(font, size_pt)
        self.canvas.drawString(*self._pt(x, y), words)

    def paragraph(self, x: float, y: float, words: str, size_pt: float, wide: float, font: str = _PLAIN) -> float:
        """Write words over as many lines as they need; return y below them."""
        step = size_pt * _LEADING / _PT_PER_MM
        for line in simpleSplit(words, font, size_pt, wide * _PT_PER_MM):
            y += step
            self.text(x, y, line, size_pt, font)
        return y

    def _pt(self, x: float, y: float) -> tuple[float, float]:
        return x * _PT_PER_MM, (self.high_mm - y) * _PT_PER_MM


def card_pdf(card: CardDefinition, *, paper: str = "a4", batch: str | None = None) -> bytes:
    """
    Draw a card with markers as a PDF at true size, all of it as vectors.

    Parameters
    ----------
    card : CardDefinition
        With markers and outer size; its layout is drawn to the micrometre.
    paper : str
        A key of `PAPERS_MM`.
    batch : str or None
        Name of the print run, printed on the card; None leaves room to write it.

    Returns
    -------
    bytes
        One page: the card with cut lines, lines to check the print by, and a guide for the site. Equal for equal input.

    Raises
    ------
    InputError
        Where the card has no markers, the paper is unknown, or the batch's name does not fit on the card.
    """
    if card.markers is None or card.outer_mm is None:
        raise InputError(f"card: expected one with markers, got {card.name}; take an open card.")
    if paper not in PAPERS_MM:
        raise InputError(f"paper: expected one of {', '.join(PAPERS_MM)}, got {paper!r}.")
    wide, high = PAPERS_MM[paper]
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(wide * _PT_PER_MM, high * _PT_PER_MM), invariant=1, pageCompression=0)
    canvas.setTitle(card.title)
    canvas.setAuthor("oral-lesion")
    canvas.setSubject(card.name)
    canvas.setViewerPreference("PrintScaling", "None")
    sheet = _Sheet(canvas, high)
    _draw_cut_lines(sheet, card.outer_mm)
    _draw_patches(sheet, card)
    _draw_markers(sheet, card.markers)
    if card.ruler is not None:
        _draw_ruler(sheet, card.ruler)
    _draw_card_texts(sheet, card, batch)
    _draw_checks(sheet, card.outer_mm)
    _draw_guide(sheet, card, wide)
    canvas.showPage()
    canvas.save()
    return target.getvalue()


def _ink(sheet: _Sheet, grey: float) -> None:
    sheet.canvas.setFillGray(grey)
    sheet.canvas.setStrokeGray(grey)


def _draw_cut_lines(sheet: _Sheet, size: tuple[float, float]) -> None:
    """Draw crop marks off the card's corners, and a pale dashed outline between them."""
    (left, top), (wide, high) = _CARD_AT_MM, size
    sheet.canvas.setLineWidth(0.1 * _PT_PER_MM)
    _ink(sheet, 0.0)
    for x, away_x in ((left, -1), (left + wide, 1)):
        for y, away_y in ((top, -1), (top + high, 1)):
            sheet.line(x + away_x, y, x + 5 * away_x, y)
            sheet.line(x, y + away_y, x, y + 5 * away_y)
    _ink(sheet, 0.8)
    sheet.canvas.setDash(2, 3)
    for x in (left, left + wide):
        sheet.line(x, top, x, top + high)
    for y in (top, top + high):
        sheet.line(left, y, left + wide, y)
    sheet.canvas.setDash()


def _draw_patches(sheet: _Sheet, card: CardDefinition) -> None:
    if card.first_patch_xy_mm is None:
        return
    (first_x, first_y), (pitch_x, pitch_y) = card.first_patch_xy_mm, card.pitch_xy_mm
    wide, high = card.patch_xy_mm
    colors = srgb_from_linear(linear_rgb_from_lab_d50([patch.lab_d50 for patch in card.patches]))
    for index, color in enumerate(colors):
        row, column = divmod(index, card.columns)
        sheet.canvas.setFillColorRGB(*(round(float(value), 4) for value in color))
        x, y = first_x + column * pitch_x - wide / 2, first_y + row * pitch_y - high / 2
        sheet.box(_CARD_AT_MM[0] + x, _CARD_AT_MM[1] + y, wide, high)


def _draw_markers(sheet: _Sheet, markers: CardMarkers) -> None:
    side, module = markers.side_mm, markers.module_mm
    for marker in markers.placed:
        left = _CARD_AT_MM[0] + marker.xy_mm[0] - side / 2
        top = _CARD_AT_MM[1] + marker.xy_mm[1] - side / 2
        _ink(sheet, 0.0)
        sheet.box(left, top, side, side)
        _ink(sheet, 1.0)
        runs = _white_runs(marker.id)
        sheet.boxes([(left + column * module, top + row * module, n * module, module) for row, column, n in runs])


def _white_runs(marker_id: int) -> list[tuple[int, int, int]]:
    """Return row, first column and length of each run of white modules."""
    runs = []
    cells = np.pad(marker_cells(marker_id), ((0, 0), (1, 1))).astype(np.int8)
    for row in range(MARKER_MODULES):
        step = np.diff(cells[row])
        starts, ends = np.flatnonzero(step == 1), np.flatnonzero(step == -1)
        runs += [(row, int(start), int(end - start)) for start, end in zip(starts, ends, strict=True)]
    return runs


def _draw_ruler(sheet: _Sheet, ruler: CardRuler) -> None:
    x, y = (at + start for at, start in zip(_CARD_AT_MM, ruler.start_xy_mm, strict=True))
    _ink(sheet, 0.0)
    half = ruler.line_mm / 2
    sheet.boxes([(x + along - half, y - high, ruler.line_mm, high) for along, high in ruler.ticks_mm])
    for number in range(0, ruler.length_mm, 10):
        last = number + 10 >= ruler.length_mm
        sheet.text(x + number + 0.4, y - 2.1, f"{number} mm" if last else str(number), 3.6)


def _draw_card_texts(sheet: _Sheet, card: CardDefinition, batch: str | None) -> None:
    """Write name, batch and warning above the patches, and the patches' names beside them."""
    if card.outer_mm is None or card.first_patch_xy_mm is None or card.markers is None:
        return
    named = f"oral-lesion  {card.name}  Batch {batch or '____________'}"
    free_left = max(m.xy_mm[0] for m in card.markers.placed if m.xy_mm[0] < card.outer_mm[0] / 2)
    free_left += card.markers.side_mm / 2 + 1.5 * card.markers.module_mm
    left = _CARD_AT_MM[0] + free_left
    top = _CARD_AT_MM[1] + card.first_patch_xy_mm[1] - card.patch_xy_mm[1] / 2
    roomy = card.rows > 1
    size = 6.0 if roomy else 3.6
    step = size * _LEADING / _PT_PER_MM
    _require_fit(named, size, card.outer_mm[0] - 2 * free_left)
    _ink(sheet, 0.0)
    base = top - (3.0 if roomy else 0.7)
    for line, words in enumerate((CARD_WARNING, named)):
        sheet.text(left, base - line * step, words, size if line else 0.85 * size, _BOLD if line else _PLAIN)
    if roomy:
        _name_patches(sheet, card)


def _require_fit(words: str, size_pt: float, wide_mm: float) -> None:
    try:
        words.encode("cp1252")
    except UnicodeEncodeError as error:
        raise InputError(
            f"batch: expected Latin letters and digits, got {words!r}; the PDF's font has no others."
        ) from error
    if stringWidth(words, _BOLD, size_pt) > wide_mm * _PT_PER_MM:
        raise InputError(f"batch: expected a name that fits on the card, got {words!r}; take a shorter one.")


def _name_patches(sheet: _Sheet, card: CardDefinition) -> None:
    if card.first_patch_xy_mm is None:
        return
    (first_x, first_y), (pitch_x, pitch_y) = card.first_patch_xy_mm, card.pitch_xy_mm
    wide, high = card.patch_xy_mm
    for row in range(card.rows):
        name = card.patches[row * card.columns].name
        y = _CARD_AT_MM[1] + first_y + row * pitch_y
        sheet.text(_CARD_AT_MM[0] + first_x - wide / 2 - 1.3, y + 0.4, name[0], 3.4)
    for column in range(card.columns):
        x = _CARD_AT_MM[0] + first_x + column * pitch_x
        sheet.text(x - 0.3, _CARD_AT_MM[1] + first_y - high / 2 - 0.4, card.patches[column].name[1:], 3.4)


def _draw_checks(sheet: _Sheet, size: tuple[float, float]) -> None:
    """Draw a line along each direction of the paper: printers may stretch one alone."""
    left, top = _CARD_AT_MM[0], _CARD_AT_MM[1] + size[1] + 12.0
    _ink(sheet, 0.0)
    sheet.canvas.setLineWidth(0.15 * _PT_PER_MM)
    for along_x in (True, False):
        x, y = (left, top) if along_x else (left + _CHECK_MM + 16.0, top)
        to_x, to_y = (x + _CHECK_MM, y) if along_x else (x, y + _CHECK_MM)
        sheet.line(x, y, to_x, to_y)
        for at_x, at_y in ((x, y), (to_x, to_y)):
            tick = (0.0, 2.0) if along_x else (2.0, 0.0)
            sheet.line(at_x - tick[0], at_y - tick[1], at_x + tick[0], at_y + tick[1])
    sheet.paragraph(left, top + 3.0, CHECK_TEXT, 8.0, _CHECK_MM)


def _draw_guide(sheet: _Sheet, card: CardDefinition, paper_wide: float) -> None:
    """Write the guide to the right of the card, and the note on colours below everything."""
    if card.outer_mm is None:
        return
    left = max(_CARD_AT_MM[0] + card.outer_mm[0], _CARD_AT_MM[0] + _CHECK_MM + 18.0) + 10.0
    wide = paper_wide - _MARGIN_MM - left
    _ink(sheet, 0.0)
    y = sheet.paragraph(left, _CARD_AT_MM[1] - 8.0, GUIDE_TITLE, 12.0, wide, _BOLD) + 1.5
    for number, words in enumerate(GUIDE, start=1):
        sheet.text(left, y + 8.5 * _LEADING / _PT_PER_MM, f"{number}", 8.5, _BOLD)
        y = sheet.paragraph(left + 5.0, y, words, 8.5, wide - 5.0) + 1.6
    sheet.paragraph(left, y + 2.0, SHEET_NOTE, 7.5, wide)
