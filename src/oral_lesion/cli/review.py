"""`oral-lesion review`: outlines out to annotation tools, corrected ones back in, and how far readers agree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oral_lesion.adapters.review.formats import ReviewFormat
from oral_lesion.cli.audit import AuditOption, OperatorOption, ReasonOption

__all__ = ["app"]

app = typer.Typer(
    help="Reads by people: outlines for labelme, COCO or CVAT, corrected areas, agreement.\n\n"
    "Example: oral-lesion review export worklist --to labelme",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("export", short_help="The model's outlines for labelme, COCO or CVAT.")
def export(
    worklist: Annotated[Path, typer.Argument(help="Worklist, or the folder of one reader.", show_default=False)],
    to: Annotated[ReviewFormat, typer.Option("--to", help="Whose files.", show_default=False)],
    masks: Annotated[bool, typer.Option("--masks", help="Exact pixels in place of polygons to edit.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    operator: OperatorOption = None,
    reason: ReasonOption = "",
    audit: AuditOption = None,
) -> None:
    """
    Write the outlines that readers start from; in a worklist without outlines, files without any.

    Example: oral-lesion review export worklist --to labelme
    """
    from oral_lesion.adapters.review.export import export_outlines, reader_folders
    from oral_lesion.io.audit import AuditedRun, audited, find_log

    folders = reader_folders(worklist)
    run = AuditedRun(
        command="review-export",
        results=worklist,
        operator=operator,
        reason=reason,
        log=find_log(worklist, audit),
        hashes={"format": to.value},
    )
    with audited(run):
        for folder in folders:
            count = export_outlines(folder, to, as_masks=masks, overwrite=overwrite)
            typer.echo(f"{folder}: {count} pictures for {to.value}")
