"""A page of photos for people who are not to know whose they are, when they were taken, or in which order."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from oral_lesion.adapters.html.page import render
from oral_lesion.adapters.html.photo import PhotoPart, VisitTables, photo_part, side_px_for
from oral_lesion.adapters.html.printed import Cells, read_run_file
from oral_lesion.adapters.html.study_scores import visit_folders
from oral_lesion.adapters.html.visit import read_visit_tables
from oral_lesion.errors import FormatError, InputError
from oral_lesion.io.texts import Language

__all__ = ["MOST_BLINDED", "blinded_page"]

MOST_BLINDED = 400
"""Photos that one blinded page takes."""

# Of the file and its place, not of the picture: they could tell photos apart that look alike.
_TELLING_FLAGS = frozenset({"site-unknown", "mirror-undeclared", "mirrored", "duplicate-photo", "several-frames"})
_SALT = b"oral-lesion blinded page:"


def blinded_page(results: Path, language: Language = Language.ENGLISH) -> str:
    """
    Return a page of all photos of results without subject, visit, date, site, file name, or their order.

    Photos are numbered in the order of a hash of their hashes, which follows nothing else. What a picture itself shows
    stays: the mouth's anatomy, and whatever someone laid beside it.

    Parameters
    ----------
    results : Path
        Of a visit, of a study, or of two photos that were compared.
    language : Language
        Of reasons and caveats.

    Returns
    -------
    str
        HTML. The same results give the same bytes.

    Raises
    ------
    FormatError
        Where there are no scored photos.
    InputError
        Where there are too many for one page.
    """
    chosen = sorted(
        ((row, tables) for tables in _tables_of(results) for row in tables.scores.rows), key=lambda one: _place(one[0])
    )
    if len(chosen) > MOST_BLINDED:
        raise InputError(
            f"{results}: expected at most {MOST_BLINDED} photos for one blinded page, got {len(chosen)}. Give a "
            "visit's folder, or make pictures for readers with `oral-lesion worklist`."
        )
    side_px = side_px_for(len(chosen))
    parts = [
        (tables.threshold, _blinded(row, tables, f"photo-{number:03d}", side_px, language))
        for number, (row, tables) in enumerate(chosen, start=1)
    ]
    return render("blinded.html.j2", parts=parts, language=language.value)


def _tables_of(results: Path) -> list[VisitTables]:
    if "command" not in read_run_file(results) and (results / "scores.csv").is_file():
        return [read_visit_tables(results)]
    folders = [*visit_folders(results), *sorted(path.parent for path in (results / "scores").glob("*/scores.csv"))]
    if not folders:
        raise FormatError(f"{results}: holds no scored photos. Give what `oral-lesion score` or `study` wrote.")
    return [read_visit_tables(folder) for folder in folders]


def _place(row: Cells) -> bytes:
    return hashlib.sha256(_SALT + f"{row['sha256']} {row['photo_id']}".encode()).digest()


def _blinded(row: Cells, tables: VisitTables, anchor: str, side_px: int, language: Language) -> PhotoPart:
    flags = " ".join(flag for flag in row["flags"].split() if flag not in _TELLING_FLAGS)
    part = photo_part(Cells({**row, "flags": flags}), tables, side_px=side_px, language=language, anchor=anchor)
    shown = {column: row[column] for column in ("status", "reason", "lesion_count")}
    title = f"Photo {anchor.removeprefix('photo-')}"
    return replace(part, title=title, file="", row=Cells(shown), lesions=tuple(map(_lesion, part.lesions)))


def _lesion(row: Cells) -> Cells:
    return Cells({column: row[column] for column in ("lesion", "area_mm2", "perimeter_mm", "flags")})
