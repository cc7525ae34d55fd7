"""`oral-lesion report`: the pages of a results folder, made again, or one without names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oral_lesion.io.texts import Language

__all__ = ["report"]


def report(
    results: Annotated[
        Path, typer.Argument(help="Folder that score, compare or study wrote.", show_default=False, exists=True)
    ],
    blinded: Annotated[
        bool, typer.Option("--blinded", help="One page without subject, visit, date, site, file names or their order.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="File of the blinded page. [default: report-blinded.html here]"),
    ] = None,
    language: Annotated[Language, typer.Option(help="Of reasons and caveats.")] = Language.ENGLISH,
) -> None:
    """
    Make report.html of results again, with what they hold; of a study also the pages of its subjects and visits.

    The same results, version and language give the same bytes, so that an audit log's hashes stay right.

    Example: oral-lesion report results --blinded -o for-readers.html
    """
    from oral_lesion.adapters.html import blinded_page, write_page, write_report

    if not blinded:
        if out is not None:
            raise typer.BadParameter("--out names the blinded page; without --blinded the pages stand in RESULTS")
        typer.echo(f"To look at: {write_report(results, language)}")
        return
    target = out or Path("report-blinded.html")
    if target.suffix.lower() not in {".html", ".htm"}:
        raise typer.BadParameter(f"--out: expected a name that ends in .html, got {target.name}")
    write_page(target, blinded_page(results, language))
    typer.echo(f"To look at: {target}")
