"""What a page shows of one photo: its verdict, pictures, uncertainty budget, quality and card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oral_lesion.adapters.html.card import CardView, card_view
from oral_lesion.adapters.html.pictures import StandardView, standard_photo, standard_view
from oral_lesion.adapters.html.printed import Cells, Facts, Number, Table, number_of
from oral_lesion.errors import Flag, Reason
from oral_lesion.io.refusal_words import limit_words
from oral_lesion.io.sites import SITES
from oral_lesion.io.texts import Language, flag_text, reason_text

__all__ = ["FACTS", "Fact", "PhotoPart", "VisitTables", "photo_part", "side_px_for", "site_title"]

_SCALE_BARS_MM = (20, 10, 5, 2, 1)
_SIDES_PX = ((20, 880), (60, 640), (200, 420))
_SMALLEST_SIDE_PX = 300
FACTS = (
    ("Colour error of the card, median", "scores", "delta_e00_median", 2, "ΔE00", "max_delta_e00_median"),
    ("Colour error of the card, largest", "scores", "delta_e00_max", 2, "ΔE00", "max_delta_e00_max"),
    ("Tilt of the camera", "scores", "tilt_deg", 1, "°", "max_tilt_deg"),
    ("Blur at the card", "quality", "card_blur_mm", 3, "mm", "max_blur_mm"),
    ("Blur at the tissue", "quality", "tissue_blur_mm", 3, "mm", "max_tissue_blur_mm"),
    ("Motion blur", "quality", "motion_blur_mm", 3, "mm", "max_motion_blur_mm"),
    ("Reflections on the tissue", "quality", "tissue_glare_percent", 1, "%", "max_tissue_glare_percent"),
    ("Uncertainty of a length", "quality", "u_scale_percent", 2, "%", "max_u_scale_percent"),
    ("Resolution", "quality", "px_per_mm", 1, "px/mm", None),
)
"""Figures of quality: title, table, column, decimals, unit, and the name of the protocol's limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """
    One figure of a photo's quality.

    Parameters
    ----------
    title : str
        In words.
    number : Number or None
        None where it was not measured.
    unit : str
        Of it.
    limit : str
        Of the protocol; empty where there is none.
    used_percent : float
        Of the limit, at most 100.
    """

    title: str
    number: Number | None
    unit: str
    limit: str
    used_percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitTables:
    """
    The tables of one scored visit.

    Parameters
    ----------
    folder : Path
        Of the visit.
    run : mapping
        run.json.
    scores, lesions, quality, colors : Table
        As printed.
    """

    folder: Path
    run: Mapping[str, Any]
    scores: Table
    lesions: Table
    quality: Table
    colors: Table

    @property
    def settings(self) -> Mapping[str, Any]:
        """The protocol as run.json states it; empty where it does not."""
        protocol = self.run.get("protocol")
        return protocol if isinstance(protocol, Facts) else Facts()

    @property
    def stated_threshold(self) -> float | None:
        """Probability that a pixel needed; None where no photo got so far."""
        model = self.run.get("model")
        stated = model.get("threshold") if isinstance(model, dict) else None
        return float(stated) if isinstance(stated, int | float) else None

    @property
    def threshold(self) -> float:
        """The same, for pictures of results that do not state it."""
        return 0.5 if self.stated_threshold is None else self.stated_threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoPart:
    """
    What is shown of one photo.

    Parameters
    ----------
    anchor : str
        Id of its part of the page.
    title, file : str
        Site in words, and the file's name.
    row : Cells
        Of scores.csv.
    scored : bool
        Or refused.
    area, expanded, u, u_scale, u_boundary : Number or None
        In mm²; `expanded` is U (k = 2).
    budget : tuple of float
        Lengths of the bars of scale, boundary and both, in percent.
    meaning, found, retake : str
        Of a refusal: what is wrong, with which figures, and how to take the photo again.
    notes : tuple of str
        Caveats.
    lesions : tuple of Cells
        Rows of lesions.csv.
    facts : tuple of Fact
        Quality.
    view : StandardView or None
        Pictures; None of a refused photo, or where they are missing.
    bar_mm : int or None
        Length of the scale bar.
    card : CardView or None
        None where no card was read.
    """

    anchor: str
    title: str
    file: str
    row: Cells
    scored: bool
    area: Number | None
    expanded: Number | None
    u: Number | None
    u_scale: Number | None
    u_boundary: Number | None
    budget: tuple[float, float, float]
    meaning: str
    found: str
    retake: str
    notes: tuple[str, ...]
    lesions: tuple[Cells, ...]
    facts: tuple[Fact, ...]
    view: StandardView | None
    bar_mm: int | None
    card: CardView | None


def photo_part(
    row: Cells, tables: VisitTables, *, side_px: int, language: Language = Language.ENGLISH, anchor: str | None = None
) -> PhotoPart:
    """
    Return what is shown of a photo.

    Parameters
    ----------
    row : Cells
        Of scores.csv.
    tables : VisitTables
        Of its visit.
    side_px : int
        Of its pictures.
    language : Language
        Of reasons and caveats.
    anchor : str or None
        Id of its part; None takes its photo_id.

    Returns
    -------
    PhotoPart
    """
    photo_id, scored = row["photo_id"], row["status"] == "scored"
    photo = standard_photo(tables.folder / "photos" / photo_id) if scored else None
    view = None if photo is None else standard_view(photo, threshold=tables.threshold, side_px=side_px)
    quality = next(iter(tables.quality.of("photo_id", photo_id)), Cells())
    meaning, found, retake = ("", "", "") if scored else _refusal(row, language)
    return PhotoPart(
        anchor=anchor or photo_id,
        title=site_title(row["site"]),
        file=row["file"],
        row=row,
        scored=scored,
        area=number_of(row["erosion_area_mm2"], 1),
        expanded=number_of(row["u_area_mm2"], 1, times=2.0),
        u=number_of(row["u_area_mm2"], 2),
        u_scale=number_of(row["u_scale_mm2"], 2),
        u_boundary=number_of(row["u_boundary_mm2"], 2),
        budget=_budget(row),
        meaning=meaning,
        found=found,
        retake=retake,
        notes=_notes(row["flags"], language),
        lesions=tables.lesions.of("photo_id", photo_id),
        facts=_facts(row, quality, tables.settings.get("limits") or {}),
        view=view,
        bar_mm=None if view is None else _bar_of(view),
        card=card_view(tables.settings.get("card"), tables.colors.of("photo_id", photo_id), photo),
    )


def side_px_for(photos: int) -> int:
    """
    Return the size of pictures on a page of many photos, so that it stays below about 25 MB.

    Parameters
    ----------
    photos : int
        On the page.

    Returns
    -------
    int
        Longer side.
    """
    return next((side for most, side in _SIDES_PX if photos <= most), _SMALLEST_SIDE_PX)


def site_title(code: str) -> str:
    """
    Return a site in words.

    Parameters
    ----------
    code : str
        Of the vocabulary; empty where it is unknown.

    Returns
    -------
    str
    """
    return next((site.title for site in SITES if site.code == code), code or "Site unknown")


def _refusal(row: Cells, language: Language) -> tuple[str, str, str]:
    try:
        text = reason_text(Reason(row["reason"]), language)
    except ValueError:
        return row["reason"], "", ""
    found = ""
    if row["observed"] and row["limit"]:
        found = limit_words(float(row["observed"]), float(row["limit"]), row["unit"], language)
    return text.meaning, found, text.retake


def _notes(flags: str, language: Language) -> tuple[str, ...]:
    known = {flag.value for flag in Flag} - {Flag.MIRROR_UNDECLARED.value}
    return tuple(flag_text(Flag(flag), language) for flag in flags.split() if flag in known)


def _budget(row: Cells) -> tuple[float, float, float]:
    try:
        scale, boundary, both = (float(row[column]) for column in ("u_scale_mm2", "u_boundary_mm2", "u_area_mm2"))
    except ValueError:
        return 0.0, 0.0, 0.0
    longest = max(scale, boundary, both)
    if longest <= 0:
        return 0.0, 0.0, 0.0
    return (
        round(100 * scale / longest, 1),
        round(100 * boundary / longest, 1),
        round(100 * both / longest, 1),
    )


def _facts(row: Cells, quality: Cells, limits: Mapping[str, Any]) -> tuple[Fact, ...]:
    facts: list[Fact] = []
    for title, table, column, decimals, unit, limit_name in FACTS:
        cell = (row if table == "scores" else quality)[column]
        limit = limits.get(limit_name) if limit_name else None
        number = number_of(cell, decimals)
        if number is None:
            continue
        used = 100 * float(cell) / float(limit) if isinstance(limit, int | float) and limit > 0 else 0.0
        facts.append(
            Fact(
                title=title,
                number=number,
                unit=unit,
                limit="" if limit is None else f"{limit:g}",
                used_percent=round(min(100.0, used), 1),
            )
        )
    return tuple(facts)


def _bar_of(view: StandardView) -> int | None:
    most = 0.4 * view.standardized.width_px
    return next((length for length in _SCALE_BARS_MM if length * view.px_per_mm <= most), None)


def parts_of(tables: VisitTables, language: Language) -> Sequence[PhotoPart]:
    """
    Return what is shown of all photos of a visit.

    Parameters
    ----------
    tables : VisitTables
        Of the visit.
    language : Language
        Of reasons and caveats.

    Returns
    -------
    sequence of PhotoPart
        In the order of scores.csv.
    """
    side_px = side_px_for(len(tables.scores.rows))
    return [photo_part(row, tables, side_px=side_px, language=language) for row in tables.scores.rows]
