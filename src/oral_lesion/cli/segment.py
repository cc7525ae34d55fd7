"""`oral-lesion segment`: erosion masks for pictures without a card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["segment"]


def segment(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Pictures.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the masks.", show_default=False)],
    model: Annotated[
        Path | None, typer.Option(help="Model bundle folder. [default: the packaged one]", show_default=False)
    ] = None,
    longer_side: Annotated[
        int | None,
        typer.Option(min=64, max=8192, help="Resample to this longer side (px) for the model. [default: 512]"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
) -> None:
    """
    Segment pictures without a colour card: masks and probabilities, no mm².

    Example: oral-lesion segment photos/*.jpg -o masks
    """
    from oral_lesion.cli.photo_arguments import require_files
    from oral_lesion.io.resources import bundle_path
    from oral_lesion.io.segment_pictures import segment_pictures

    require_files(images)
    outcomes = segment_pictures(images, out, bundle=bundle_path(model), longer_side_px=longer_side, overwrite=overwrite)
    for outcome in outcomes:
        typer.echo(outcome.line, err=not outcome.done)
    raise typer.Exit(0 if all(outcome.done for outcome in outcomes) else 3)
