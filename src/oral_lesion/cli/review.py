"""`oral-lesion review`: outlines out to annotation tools, corrected ones back in, and how far readers agree."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import typer

from oral_lesion.adapters.review.formats import ReviewFormat
from oral_lesion.cli.audit import AuditOption, OperatorOption, ReasonOption

__all__ = ["app", "comparison_line"]

_TABLE = Path("review-import.csv")

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


@app.command("import", short_help="Corrected outlines: measure again and store.")
def import_reads(
    results: Annotated[Path, typer.Argument(help="Results of the study.", show_default=False)],
    files: Annotated[
        list[Path], typer.Argument(help="What the reader returned: files or folders.", show_default=False)
    ],
    key: Annotated[Path, typer.Option(help="Key of the worklist.", show_default=False)],
    reader: Annotated[str, typer.Option(help="Who read; a code, not a name.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", dir_okay=False, help="Table of what became of each. [default: review-import-READER.csv]"
        ),
    ] = None,
    all_read: Annotated[
        bool, typer.Option("--all-read", help="Take pictures without a mark of being read: the reader confirms.")
    ] = False,
    supersede: Annotated[
        bool, typer.Option("--supersede", help="A second read, with --reason; the first stays.")
    ] = False,
    operator: OperatorOption = None,
    reason: ReasonOption = "",
    audit: AuditOption = None,
) -> None:
    """
    Check, measure and store corrected outlines beside the automatic areas. Exit 3: some left out or missing.

    Example: oral-lesion review import results worklist/reader-1/pictures --key worklist-key.json --reader R1
    """
    from oral_lesion.adapters.review.returned import find_returned, read_returned
    from oral_lesion.io.audit import AuditedRun, audited, find_log
    from oral_lesion.io.audit.written import file_sha256
    from oral_lesion.io.naming import slug
    from oral_lesion.io.one_by_one import require_folder
    from oral_lesion.io.review.key import read_key
    from oral_lesion.io.review.reads import take_in, write_import
    from oral_lesion.io.review.study_reads import StudyReads

    table = out or _TABLE.with_stem(f"{_TABLE.stem}-{slug(reader) or 'reader'}")
    require_folder(table.parent)
    read, study, found = read_key(key), StudyReads.of(results), find_returned(files)
    run = AuditedRun(
        command="review-import",
        results=table,
        operator=operator,
        reason=reason,
        log=find_log(results, audit),
        hashes={
            "worklist_id": read.worklist_id,
            "reader": reader,
            "key_sha256": file_sha256(key),
            "files_sha256": sorted(map(file_sha256, found)),
            "all_read": all_read,
            "supersede": supersede,
        },
        afterwards=lambda: {"reads_sha256": _stored_reads_sha256(results)},
    )
    with audited(run):
        returned = read_returned(found, read, study, all_read=all_read)
        outcome = take_in(study, read, returned, reader=reader, reason=reason, supersede=supersede)
        write_import(table, outcome)
    for row in outcome.rows:
        if row["why"]:
            typer.echo(f"{row['status']}: {row['file'] or row['reading_id']}: {row['why']}")
    counts = ", ".join(f"{outcome.count(status)} {status}" for status in ("stored", "unchanged", "left-out", "missing"))
    typer.echo(f"{counts}. Table: {table}")
    raise typer.Exit(3 if outcome.count("left-out") or outcome.count("missing") else 0)


def _stored_reads_sha256(results: Path) -> str:
    from oral_lesion.io.results_store import STORE_NAME, open_store, reads_sha256

    with open_store(results / STORE_NAME, read_only=True) as store:
        return reads_sha256(store)


@app.command("agreement", short_help="How far readers agree; final values; what to adjudicate.")
def agreement(
    results: Annotated[Path, typer.Argument(help="Results of the study, with reads.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Results folder.")] = Path("oral-lesion-review"),
    protocol: Annotated[
        Path | None, typer.Option(help="With [review], where the study's has none.", show_default=False)
    ] = None,
    figures: Annotated[bool, typer.Option("--figures/--no-figures", help="Draw the Bland-Altman plots.")] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier review in OUT.")] = False,
    operator: OperatorOption = None,
    reason: ReasonOption = "",
    audit: AuditOption = None,
) -> None:
    """
    Compare readers with each other, with the model and with themselves; list what is to be adjudicated; final values.

    Example: oral-lesion review agreement results -o review
    """
    from oral_lesion.cli.limits import limits_of_study
    from oral_lesion.io.audit import AuditedRun, audited, find_log
    from oral_lesion.io.review.agreement import review_reads, write_review
    from oral_lesion.io.review.final import Source

    limits = limits_of_study(results, protocol)
    drawer = None
    if figures:
        from oral_lesion.adapters.figures import SubjectFigures

        drawer = SubjectFigures()
    run = AuditedRun(
        command="review-agreement",
        results=out,
        operator=operator,
        reason=reason,
        log=find_log(results, audit),
        hashes={"review": limits.model_dump(mode="json")},
    )
    with audited(run):
        found = review_reads(results, limits)
        write_review(found, out, results=results, figures=drawer, overwrite=overwrite)
    for comparison in found.comparisons:
        for row in comparison.rows:
            if row["measure"] in {"dice-mean", "icc-2-1", "bias"} and row["value"] is not None:
                typer.echo(comparison_line(row))
    counts = ", ".join(f"{source.value} {found.count(source)}" for source in Source if found.count(source))
    typer.echo(f"Photos by where their final area comes from: {counts}")
    for place in found.without_photo:
        typer.echo(f"Was read, but has no score now, so its reads do not count: {place}")
    typer.echo(f"Results: {out}")


def comparison_line(row: Mapping[str, Any]) -> str:
    """
    Return one measure of agreement as a line.

    Parameters
    ----------
    row : mapping
        Of agreement.csv; ``low`` and ``high`` are NaN where fewer than two subjects leave no interval.

    Returns
    -------
    str
    """
    between = f"{row['first']} and {row['second']}" if row["first"] != row["second"] else f"{row['first']}, twice"
    unit = "" if row["unit"] == "1" else f" {row['unit'].replace('mm2', 'mm²')}"
    value, low, high = (f"{row[name]:.3g}" for name in ("value", "low", "high"))
    interval = (
        f"[{low}, {high}]" if isfinite(row["low"]) and isfinite(row["high"]) else "[no interval, too few subjects]"
    )
    return f"{between}: {row['measure']} {value} {interval}{unit}, {row['photos']} photos"
