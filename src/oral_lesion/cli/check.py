"""`oral-lesion check`: tell whether a photo is usable while the patient is still in the chair."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oral_lesion.io.texts import Language

__all__ = ["check"]


def check(
    photos: Annotated[
        list[Path] | None, typer.Argument(metavar="[PHOTO...]", help="Photos with a card.", show_default=False)
    ] = None,
    watch: Annotated[
        Path | None,
        typer.Option(help="Check each photo that arrives in this folder, until Ctrl-C.", show_default=False),
    ] = None,
    protocol: Annotated[
        Path | None, typer.Option(help="Protocol file (TOML). [default: the packaged one]", show_default=False)
    ] = None,
    card: Annotated[
        str | None, typer.Option(help="Use this card instead of the protocol's.", show_default=False)
    ] = None,
    language: Annotated[Language, typer.Option(help="Of the answers.")] = Language.ENGLISH,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a photo and line, for programs.")] = False,
) -> None:
    """
    Tell at once whether photos can be measured, and how to retake those that cannot.

    Example: oral-lesion check IMG_0231.jpg --language de
    """
    from oral_lesion.cli.photo_arguments import require_files
    from oral_lesion.io.check_photos import check_file, verdict_json, verdict_line, watch_folder
    from oral_lesion.io.settings import load_protocol

    if bool(photos) == (watch is not None):
        raise typer.BadParameter("name photos, or a folder with --watch, and not both.")
    require_files(photos or ())
    loaded = load_protocol(protocol, card=card)
    answer = verdict_json if json else verdict_line
    usable = True
    for path in photos or ():
        checked = check_file(path, protocol=loaded)
        typer.echo(answer(path, checked, language))
        usable = usable and checked.refusal is None
    if watch is not None:
        for path, checked in watch_folder(watch, protocol=loaded):
            typer.echo(answer(path, checked, language))
    raise typer.Exit(0 if usable else 3)
