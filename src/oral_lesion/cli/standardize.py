"""`oral-lesion standardize`: photos in standard colour and scale."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["standardize"]


def standardize(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photos with a card.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the pictures.", show_default=False)],
    protocol: Annotated[
        Path | None, typer.Option(help="Protocol file (TOML). [default: the packaged one]", show_default=False)
    ] = None,
    card: Annotated[
        str | None, typer.Option(help="Use this card instead of the protocol's.", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
) -> None:
    """
    Standardize photos: colour and scale from the card, one PNG each, and standardized.csv.

    Example: oral-lesion standardize photos/*.jpg -o standardized
    """
    from oral_lesion.cli.photo_arguments import require_files
    from oral_lesion.io.settings import load_protocol
    from oral_lesion.io.standardize_pictures import standardize_pictures

    require_files(photos)
    outcomes = standardize_pictures(photos, out, protocol=load_protocol(protocol, card=card), overwrite=overwrite)
    for outcome in outcomes:
        typer.echo(outcome.line, err=not outcome.done)
    raise typer.Exit(0 if all(outcome.done for outcome in outcomes) else 3)
