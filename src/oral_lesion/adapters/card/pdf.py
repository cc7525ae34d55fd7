"""The open card as a PDF at true size, with a guide for the site beside it."""

from __future__ import annotations

import io

import numpy as np
from reportlab.pdfgen.canvas import Canvas

from oral_lesion.adapters.card.pictograms import draw_pictograms
from oral_lesion.adapters.card.sheet import LEADING, PT_PER_MM, Sheet, chinese_fonts, latin_fonts
from oral_lesion.adapters.card.texts import SheetTexts, sheet_texts
from oral_lesion.errors import InputError
from oral_lesion.io.texts import Language
from oral_lesion.numerics.color import linear_rgb_from_lab_d50, srgb_from_linear
from oral_lesion.numerics.markers import MARKER_MODULES, marker_cells
from oral_lesion.protocol import CardDefinition, CardMarkers, CardRuler

__all__ = ["PAPERS_MM", "card_pdf"]

PAPERS_MM = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}
"""Width and height of the papers."""

_CARD_AT_MM = (22.0, 24.0)
_CHECK_MM = 50.0
_MARGIN_MM = 16.0
_PICTOGRAMS_TOP_MM = 168.0


def card_pdf(
    card: CardDefinition, *, paper: str = "a4", batch: str | None = None, language: Language = Language.ENGLISH
) -> bytes:
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
    language : Language
        Of the words.

    Returns
    -------
    bytes
        One page: the card with cut lines, lines to check the print by, and a guide for the site in words and
        pictograms. Equal for equal input.

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
    canvas = Canvas(target, pagesize=(wide * PT_PER_MM, high * PT_PER_MM), invariant=1, pageCompression=0)
    canvas.setTitle(card.title)
    canvas.setAuthor("oral-lesion")
    canvas.setSubject(card.name)
    canvas.setViewerPreference("PrintScaling", "None")
    sheet = Sheet(canvas, high, chinese_fonts() if language is Language.CHINESE else latin_fonts())
    texts = sheet_texts(language)
    _draw_cut_lines(sheet, card.outer_mm)
    _draw_patches(sheet, card)
    _draw_markers(sheet, card.markers)
    if card.ruler is not None:
        _draw_ruler(sheet, card.ruler)
    _draw_card_texts(sheet, card, batch, texts)
    _draw_checks(sheet, card.outer_mm, texts)
    _draw_guide(sheet, card, wide, texts)
    at = (_CARD_AT_MM[0], _PICTOGRAMS_TOP_MM)
    draw_pictograms(sheet, texts.captions, at, wide - _MARGIN_MM - _CARD_AT_MM[0])
    canvas.showPage()
    canvas.save()
    return target.getvalue()


def _draw_cut_lines(sheet: Sheet, size: tuple[float, float]) -> None:
    """Draw crop marks off the card's corners, and a pale dashed outline between them."""
    (left, top), (wide, high) = _CARD_AT_MM, size
    sheet.pen(0.1)
    sheet.ink(0.0)
    for x, away_x in ((left, -1), (left + wide, 1)):
        for y, away_y in ((top, -1), (top + high, 1)):
            sheet.line(x + away_x, y, x + 5 * away_x, y)
            sheet.line(x, y + away_y, x, y + 5 * away_y)
    sheet.ink(0.8)
    sheet.canvas.setDash(2, 3)
    for x in (left, left + wide):
        sheet.line(x, top, x, top + high)
    for y in (top, top + high):
        sheet.line(left, y, left + wide, y)
    sheet.canvas.setDash()


def _draw_patches(sheet: Sheet, card: CardDefinition) -> None:
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


def _draw_markers(sheet: Sheet, markers: CardMarkers) -> None:
    side, module = markers.side_mm, markers.module_mm
    for marker in markers.placed:
        left = _CARD_AT_MM[0] + marker.xy_mm[0] - side / 2
        top = _CARD_AT_MM[1] + marker.xy_mm[1] - side / 2
        sheet.ink(0.0)
        sheet.box(left, top, side, side)
        sheet.ink(1.0)
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


def _draw_ruler(sheet: Sheet, ruler: CardRuler) -> None:
    x, y = (at + start for at, start in zip(_CARD_AT_MM, ruler.start_xy_mm, strict=True))
    sheet.ink(0.0)
    half = ruler.line_mm / 2
    sheet.boxes([(x + along - half, y - high, ruler.line_mm, high) for along, high in ruler.ticks_mm])
    for number in range(0, ruler.length_mm, 10):
        last = number + 10 >= ruler.length_mm
        sheet.text(x + number + 0.4, y - 2.1, f"{number} mm" if last else str(number), 3.6)


def _draw_card_texts(sheet: Sheet, card: CardDefinition, batch: str | None, texts: SheetTexts) -> None:
    """Write name, batch and warning above the patches, and the patches' names beside them."""
    if card.outer_mm is None or card.first_patch_xy_mm is None or card.markers is None:
        return
    named = f"oral-lesion  {card.name}  {texts.batch} {batch or '____________'}"
    free_left = max(m.xy_mm[0] for m in card.markers.placed if m.xy_mm[0] < card.outer_mm[0] / 2)
    free_left += card.markers.side_mm / 2 + 1.5 * card.markers.module_mm
    left = _CARD_AT_MM[0] + free_left
    top = _CARD_AT_MM[1] + card.first_patch_xy_mm[1] - card.patch_xy_mm[1] / 2
    roomy = card.rows > 1
    size = 6.0 if roomy else 3.6
    step = size * LEADING / PT_PER_MM
    _require_fit(sheet, batch or "", named, size, card.outer_mm[0] - 2 * free_left)
    sheet.ink(0.0)
    base = top - (3.0 if roomy else 0.7)
    for line, words in enumerate((texts.card_warning, named)):
        sheet.text(left, base - line * step, words, size if line else 0.85 * size, bold=bool(line))
    if roomy:
        _name_patches(sheet, card)


def _require_fit(sheet: Sheet, batch: str, named: str, size_pt: float, wide_mm: float) -> None:
    try:
        batch.encode("cp1252")
    except UnicodeEncodeError as error:
        raise InputError(
            f"batch: expected Latin letters and digits, got {batch!r}; the PDF's font has no others."
        ) from error
    if sheet.width_mm(named, size_pt, bold=True) > wide_mm:
        raise InputError(f"batch: expected a name that fits on the card, got {batch!r}; take a shorter one.")


def _name_patches(sheet: Sheet, card: CardDefinition) -> None:
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


def _draw_checks(sheet: Sheet, size: tuple[float, float], texts: SheetTexts) -> None:
    """Draw a line along each direction of the paper: printers may stretch one alone."""
    left, top = _CARD_AT_MM[0], _CARD_AT_MM[1] + size[1] + 12.0
    sheet.ink(0.0)
    sheet.pen(0.15)
    for along_x in (True, False):
        x, y = (left, top) if along_x else (left + _CHECK_MM + 16.0, top)
        to_x, to_y = (x + _CHECK_MM, y) if along_x else (x, y + _CHECK_MM)
        sheet.line(x, y, to_x, to_y)
        for at_x, at_y in ((x, y), (to_x, to_y)):
            tick = (0.0, 2.0) if along_x else (2.0, 0.0)
            sheet.line(at_x - tick[0], at_y - tick[1], at_x + tick[0], at_y + tick[1])
    sheet.paragraph(left, top + 3.0, texts.check, 8.0, _CHECK_MM)


def _draw_guide(sheet: Sheet, card: CardDefinition, paper_wide: float, texts: SheetTexts) -> None:
    """Write the guide to the right of the card, and the note on colours below everything."""
    if card.outer_mm is None:
        return
    left = max(_CARD_AT_MM[0] + card.outer_mm[0], _CARD_AT_MM[0] + _CHECK_MM + 18.0) + 10.0
    wide = paper_wide - _MARGIN_MM - left
    sheet.ink(0.0)
    y = sheet.paragraph(left, _CARD_AT_MM[1] - 8.0, texts.title, 12.0, wide, bold=True) + 1.5
    for number, words in enumerate(texts.steps, start=1):
        sheet.text(left, y + 8.5 * LEADING / PT_PER_MM, f"{number}", 8.5, bold=True)
        y = sheet.paragraph(left + 5.0, y, words, 8.5, wide - 5.0) + 1.6
    sheet.paragraph(left, y + 2.0, texts.note, 7.5, wide)
