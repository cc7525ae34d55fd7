"""A sheet of paper with (0, 0) at its upper left corner, in mm, y down: boxes, lines and words."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

__all__ = ["CHINESE_FONT_FILE", "LEADING", "PT_PER_MM", "Fonts", "Sheet", "chinese_fonts", "latin_fonts"]

PT_PER_MM = 72.0 / 25.4
LEADING = 1.28
"""Distance of base lines over the size of the letters."""

CHINESE_FONT_FILE = Path(__file__).with_name("fonts") / "DroidSansFallback-sheet.ttf"
_CHINESE_FONT = "DroidSansFallback-sheet"
_NEVER_FIRST = frozenset("，。、；：）”％%")
_NEVER_LAST = frozenset("（“")


@dataclass(frozen=True, slots=True)
class Fonts:
    """
    The fonts of a sheet.

    Parameters
    ----------
    plain, bold : str
        Names that the canvas knows, of fonts with the letters of Windows-1252.
    chinese : str or None
        Of a font for all others; a line may then end between any two of its letters.
    """

    plain: str
    bold: str
    chinese: str | None = None

    def runs(self, words: str, *, bold: bool = False) -> list[tuple[str, str]]:
        """
        Return the font of each piece of a line, and the piece.

        Parameters
        ----------
        words : str
            What is written.
        bold : bool
            Whether they are bold.

        Returns
        -------
        list of tuple of str
        """
        latin = self.bold if bold else self.plain
        if self.chinese is None:
            return [(latin, words)]
        fonts = [latin if _is_latin(letter) else self.chinese for letter in words]
        grouped = itertools.groupby(zip(fonts, words, strict=True), key=lambda pair: pair[0])
        return [(font, "".join(letter for _, letter in pairs)) for font, pairs in grouped]


def latin_fonts() -> Fonts:
    """Return the fonts that every viewer of PDF has; they know the letters of Windows-1252."""
    return Fonts("Helvetica", "Helvetica-Bold")


@functools.cache
def chinese_fonts() -> Fonts:
    """Return the same with the font that comes with the package; what is used of it goes into the PDF."""
    pdfmetrics.registerFont(TTFont(_CHINESE_FONT, str(CHINESE_FONT_FILE)))
    latin = latin_fonts()
    return Fonts(latin.plain, latin.bold, _CHINESE_FONT)


@dataclass(frozen=True, slots=True)
class Sheet:
    """
    A canvas in mm.

    Parameters
    ----------
    canvas : reportlab.pdfgen.canvas.Canvas
        What is drawn on.
    high_mm : float
        Of the paper.
    fonts : Fonts
        Of its words.
    """

    canvas: Any
    high_mm: float
    fonts: Fonts

    def ink(self, grey: float) -> None:
        """
        Take a grey for lines and areas.

        Parameters
        ----------
        grey : float
            0 is black, 1 white.
        """
        self.canvas.setFillGray(grey)
        self.canvas.setStrokeGray(grey)

    def pen(self, wide_mm: float) -> None:
        """
        Take a width of lines.

        Parameters
        ----------
        wide_mm : float
            Width.
        """
        self.canvas.setLineWidth(wide_mm * PT_PER_MM)

    def box(self, x: float, y: float, wide: float, high: float, *, filled: bool = True) -> None:
        """
        Draw a rectangle.

        Parameters
        ----------
        x, y : float
            Upper left corner.
        wide, high : float
            Sides.
        filled : bool
            Else its outline is drawn.
        """
        place = (*self._pt(x, y + high), wide * PT_PER_MM, high * PT_PER_MM)
        self.canvas.rect(*place, stroke=int(not filled), fill=int(filled))

    def boxes(self, places: Sequence[tuple[float, float, float, float]]) -> None:
        """
        Fill rectangles as one path, so that neighbours show no seam.

        Parameters
        ----------
        places : sequence of tuple
            Upper left corner and sides of each.
        """
        path = self.canvas.beginPath()
        for x, y, wide, high in places:
            path.rect(*self._pt(x, y + high), wide * PT_PER_MM, high * PT_PER_MM)
        self.canvas.drawPath(path, stroke=0, fill=1)

    def line(self, x: float, y: float, to_x: float, to_y: float) -> None:
        """
        Draw a line.

        Parameters
        ----------
        x, y : float
            Its start.
        to_x, to_y : float
            Its end.
        """
        self.canvas.line(*self._pt(x, y), *self._pt(to_x, to_y))

    def polygon(self, corners: Sequence[tuple[float, float]], *, filled: bool = True) -> None:
        """
        Draw a polygon.

        Parameters
        ----------
        corners : sequence of tuple
            In order.
        filled : bool
            Else its outline is drawn.
        """
        path = self.canvas.beginPath()
        path.moveTo(*self._pt(*corners[0]))
        for corner in corners[1:]:
            path.lineTo(*self._pt(*corner))
        path.close()
        self.canvas.drawPath(path, stroke=int(not filled), fill=int(filled))

    def ellipse(self, x: float, y: float, radius_x: float, radius_y: float, *, filled: bool = True) -> None:
        """
        Draw an ellipse.

        Parameters
        ----------
        x, y : float
            Its middle.
        radius_x, radius_y : float
            Half its sides.
        filled : bool
            Else its outline is drawn.
        """
        low, high = self._pt(x - radius_x, y + radius_y), self._pt(x + radius_x, y - radius_y)
        self.canvas.ellipse(*low, *high, stroke=int(not filled), fill=int(filled))

    def text(self, x: float, y: float, words: str, size_pt: float, *, bold: bool = False) -> None:
        """
        Write one line.

        Parameters
        ----------
        x, y : float
            Start of its base line.
        words : str
            What is written.
        size_pt : float
            Size of the letters in points.
        bold : bool
            Whether they are bold.
        """
        for font, piece in self.fonts.runs(words, bold=bold):
            self.canvas.setFont(font, size_pt)
            self.canvas.drawString(*self._pt(x, y), piece)
            x += float(pdfmetrics.stringWidth(piece, font, size_pt)) / PT_PER_MM

    def paragraph(self, x: float, y: float, words: str, size_pt: float, wide: float, *, bold: bool = False) -> float:
        """
        Write words over as many lines as they need.

        Parameters
        ----------
        x, y : float
            Upper left corner.
        words : str
            What is written.
        size_pt : float
            Size of the letters in points.
        wide : float
            Longest line.
        bold : bool
            Whether they are bold.

        Returns
        -------
        float
            Base line of the last one.
        """
        step = size_pt * LEADING / PT_PER_MM
        for line in self._lines(words, size_pt, wide, bold=bold):
            y += step
            self.text(x, y, line, size_pt, bold=bold)
        return y

    def width_mm(self, words: str, size_pt: float, *, bold: bool = False) -> float:
        """
        Return how long words are in one line.

        Parameters
        ----------
        words : str
            What is written.
        size_pt : float
            Size of the letters in points.
        bold : bool
            Whether they are bold.

        Returns
        -------
        float
        """
        runs = self.fonts.runs(words, bold=bold)
        return sum(float(pdfmetrics.stringWidth(piece, font, size_pt)) for font, piece in runs) / PT_PER_MM

    def _lines(self, words: str, size_pt: float, wide: float, *, bold: bool) -> list[str]:
        if self.fonts.chinese is None:
            font = self.fonts.bold if bold else self.fonts.plain
            return list(simpleSplit(words, font, size_pt, wide * PT_PER_MM))
        lines = [""]
        for word in _unbroken(words):
            if lines[-1] and self.width_mm(lines[-1] + word, size_pt) > wide:
                lines.append("")
            lines[-1] += word
        return [line.strip() for line in lines]

    def _pt(self, x: float, y: float) -> tuple[float, float]:
        return x * PT_PER_MM, (self.high_mm - y) * PT_PER_MM


def _is_latin(letter: str) -> bool:
    try:
        letter.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def _unbroken(words: str) -> list[str]:
    """Return the pieces that a line may end between: Latin words stay whole, and marks stay with their letters."""
    pieces: list[str] = []
    for letter in words:
        before = pieces[-1][-1] if pieces else ""
        inside_latin = letter.isascii() and before.isascii() and not {letter, before} & {"", " "}
        if pieces and (inside_latin or letter in _NEVER_FIRST or before in _NEVER_LAST):
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces
