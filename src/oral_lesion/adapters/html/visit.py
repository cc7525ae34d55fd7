"""The page of one scored visit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from oral_lesion._version import __version__
from oral_lesion.adapters.html.page import REPORT_FILE, render, write_page
from oral_lesion.adapters.html.photo import PhotoPart, VisitTables, parts_of
from oral_lesion.adapters.html.printed import read_printed, read_run_file
from oral_lesion.io.texts import Language

__all__ = ["read_visit_tables", "visit_page", "visit_page_is_current", "write_visit_page"]

_HEAD_BYTES = 4096

_NEEDED = ("photo_id", "file", "subject", "visit", "site", "status", "reason", "erosion_area_mm2", "flags")


def write_visit_page(folder: Path, language: Language = Language.ENGLISH) -> None:
    """
    Write ``report.html`` into the results of a visit.

    Parameters
    ----------
    folder : Path
        That `oral-lesion score` wrote, or is about to put in place.
    language : Language
        Of reasons and caveats.
    """
    write_page(folder / REPORT_FILE, visit_page(folder, language))


def visit_page(folder: Path, language: Language = Language.ENGLISH) -> str:
    """
    Return the page of a scored visit.

    Parameters
    ----------
    folder : Path
        Results of the visit.
    language : Language
        Of reasons and caveats.

    Returns
    -------
    str
        HTML. The same results give the same bytes.

    Raises
    ------
    FormatError
        Where the folder holds no scored visit.
    """
    tables = read_visit_tables(folder)
    parts = parts_of(tables, language)
    names = [sorted({row[column] for row in tables.scores.rows}) for column in ("subject", "visit")]
    return render(
        "visit.html.j2",
        subject=", ".join(names[0]),
        visit=", ".join(names[1]),
        dates=_dates(tables.run),
        parts=parts,
        refused=[part for part in parts if not part.scored],
        scored=[part for part in parts if part.scored],
        headline=headline(parts),
        counts={
            "photos": len(parts),
            "scored": sum(part.scored for part in parts),
            "refused": sum(not part.scored for part in parts),
        },
        tables=tables,
        made_from=_made_from(folder, language),
        threshold=tables.threshold,
        language=language.value,
        page_language=language,
        above=_pages_above(folder),
        smallest_mm2=(tables.settings.get("segmentation") or {}).get("smallest_lesion_mm2"),
    )


def visit_page_is_current(folder: Path, language: Language) -> bool:
    """
    Return whether a visit's page is that of its tables as they are now.

    Parameters
    ----------
    folder : Path
        Results of the visit.
    language : Language
        Of the page.

    Returns
    -------
    bool
    """
    try:
        with (folder / REPORT_FILE).open("rb") as file:
            return _made_from(folder, language).encode("ascii") in file.read(_HEAD_BYTES)
    except OSError:
        return False


def _made_from(folder: Path, language: Language) -> str:
    """Return the hash of all that a page depends on but its pictures, which change with the tables."""
    digest = hashlib.sha256(f"{__version__} {language.value}".encode())
    for name in ("scores.csv", "lesions.csv", "quality.csv", "colour.csv"):
        path = folder / name
        digest.update(path.read_bytes() if path.is_file() else b"-")
    return digest.hexdigest()


def read_visit_tables(folder: Path) -> VisitTables:
    """
    Read the tables of a scored visit.

    Parameters
    ----------
    folder : Path
        Results of the visit.

    Returns
    -------
    VisitTables

    Raises
    ------
    FormatError
        Where it holds none.
    """
    return VisitTables(
        folder=folder,
        run=read_run_file(folder),
        scores=read_printed(folder / "scores.csv", needed=_NEEDED),
        lesions=read_printed(folder / "lesions.csv"),
        quality=read_printed(folder / "quality.csv"),
        colors=read_printed(folder / "colour.csv"),
    )


def headline(parts: Sequence[PhotoPart]) -> str:
    """
    Return the verdict on a visit in one sentence.

    Parameters
    ----------
    parts : sequence of PhotoPart
        All photos.

    Returns
    -------
    str
        With fields for what is counted.
    """
    photos, refused = len(parts), sum(not part.scored for part in parts)
    if refused == 0:
        return "The photo was scored." if photos == 1 else "All {photos} photos were scored."
    if refused == photos:
        return "The photo could not be scored." if photos == 1 else "None of the {photos} photos could be scored."
    if refused == 1:
        return "{scored} of {photos} photos were scored; 1 has to be taken again."
    return "{scored} of {photos} photos were scored; {refused} must be taken again."


def _dates(run: Mapping[str, Any]) -> str:
    inputs = run.get("inputs")
    dates = {
        str(one["visit_date"])
        for one in (inputs if isinstance(inputs, list) else [])
        if isinstance(one, dict) and one.get("visit_date")
    }
    return ", ".join(sorted(dates))


def _pages_above(folder: Path) -> bool:
    """Return whether this visit lies in the results of a study, whose pages it may name."""
    where = folder.absolute()
    return where.parent.parent.name == "scores" and (where.parents[2] / "run.json").is_file()
