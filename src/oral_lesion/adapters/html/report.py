"""The pages of any results folder, made again from what it holds."""

from __future__ import annotations

from pathlib import Path

from oral_lesion.adapters.html.change import write_change_page
from oral_lesion.adapters.html.page import REPORT_FILE
from oral_lesion.adapters.html.printed import read_run_file
from oral_lesion.adapters.html.study import write_study_pages
from oral_lesion.adapters.html.visit import write_visit_page
from oral_lesion.errors import FormatError
from oral_lesion.io.texts import Language

__all__ = ["write_report"]


def write_report(results: Path, language: Language = Language.ENGLISH) -> Path:
    """
    Write the pages of results, old ones too: of a visit, a comparison, or a study with its subjects and visits.

    Parameters
    ----------
    results : Path
        Folder that `oral-lesion score`, `compare` or `study` wrote.
    language : Language
        Of reasons and caveats.

    Returns
    -------
    Path
        The page to open.

    Raises
    ------
    FormatError
        Where the folder holds none of these.
    OutputError
        Where a page cannot be written.
    """
    run = read_run_file(results)
    command = run.get("command")
    if command == "study":
        if not run.get("finished"):
            raise FormatError(f"{results}: its study did not finish. Go on with `oral-lesion study --resume`.")
        write_study_pages(results, language, again=True)
    elif command == "compare":
        write_change_page(results, language)
    elif (results / "scores.csv").is_file():
        write_visit_page(results, language)
    else:
        raise FormatError(f"{results}: holds no results of `oral-lesion score`, `compare` or `study`.")
    return results / REPORT_FILE
