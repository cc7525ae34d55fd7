"""The page of two visits, or two photos, that were compared."""

from __future__ import annotations

from pathlib import Path

from oral_lesion.adapters.html.page import REPORT_FILE, render, write_page
from oral_lesion.adapters.html.photo import PhotoPart, parts_of
from oral_lesion.adapters.html.printed import Facts, read_printed, read_run_file
from oral_lesion.adapters.html.site_part import site_parts
from oral_lesion.adapters.html.subject import change_sentence, visit_days
from oral_lesion.adapters.html.visit import read_visit_tables
from oral_lesion.io.texts import Language

__all__ = ["change_page", "write_change_page"]

_NEEDED = ("subject", "site", "baseline_visit", "visit", "change_mm2", "not_done_reason")


def write_change_page(folder: Path, language: Language = Language.ENGLISH) -> None:
    """
    Write ``report.html`` into the results of a comparison.

    Parameters
    ----------
    folder : Path
        That `oral-lesion compare` wrote, or is about to put in place.
    language : Language
        Of reasons and caveats.
    """
    write_page(folder / REPORT_FILE, change_page(folder, language))


def change_page(folder: Path, language: Language = Language.ENGLISH) -> str:
    """
    Return the page of a comparison.

    Parameters
    ----------
    folder : Path
        Results of `oral-lesion compare`.
    language : Language
        Of reasons and caveats.

    Returns
    -------
    str
        HTML. The same results give the same bytes.

    Raises
    ------
    FormatError
        Where it holds no comparison.
    """
    run = read_run_file(folder)
    changes = read_printed(folder / "changes.csv", needed=_NEEDED)
    days = visit_days({}, changes.rows)
    failures = {
        str(one.get("site")): str(one.get("detail")) for one in run.get("not_followed") or [] if isinstance(one, dict)
    }
    parts = site_parts(
        changes.rows,
        read_printed(folder / "lesions_over_time.csv"),
        days=days,
        figures=folder / "figures",
        failures=failures,
    )
    return render(
        "change.html.j2",
        subject=", ".join(sorted({row["subject"] for row in changes.rows})),
        visits=list(days.days),
        timed=days.timed,
        headline=change_sentence(changes.rows),
        parts=parts,
        changes=changes,
        photos=_photos(folder, language),
        not_shown=sorted({row["site"] for row in changes.rows} - {part.code for part in parts}),
        figures_drawn=(folder / "figures").is_dir(),
        run=run,
        protocol=run["protocol"] or Facts(),
        language=language.value,
    )


def _photos(folder: Path, language: Language) -> list[tuple[str, float, PhotoPart]]:
    """Return the photos that were scored for this comparison; none where scored visits were compared."""
    found = []
    for scores in sorted((folder / "scores").glob("*/scores.csv")):
        tables = read_visit_tables(scores.parent)
        found += [(scores.parent.name, tables.threshold, part) for part in parts_of(tables, language)]
    return found
