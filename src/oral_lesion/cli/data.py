"""`oral-lesion data`: take in labelled pictures, and check them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from oral_lesion.adapters.annotations.import_dataset import ImportOutcome
    from oral_lesion.io.datasets.check import DataSetCheck

__all__ = ["app"]

app = typer.Typer(
    help="Take in labelled pictures of other tools, and check data sets.\n\nExample: oral-lesion data check set",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_SHOWN = 20


class LabelFormat(StrEnum):
    """Whose labels."""

    COCO = "coco"
    LABELME = "labelme"
    VIA = "via"
    CVAT = "cvat"
    FOLDERS = "folders"


@app.command("import", short_help="From COCO, labelme, VIA, CVAT or mask folders.")
def import_labels(
    labels: Annotated[LabelFormat, typer.Argument(metavar="FORMAT", help="coco, labelme, via, cvat or folders.")],
    source: Annotated[Path, typer.Argument(help="Labels: a file, or a folder (labelme, folders).")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Data set folder to make.", show_default=False)],
    lesion_class: Annotated[
        list[str] | None, typer.Option(help="Class to draw as 255. [folders: 255]", show_default=False)
    ] = None,
    ignore_class: Annotated[
        list[str] | None, typer.Option(help="Class to ignore, 128. [folders: 128]", show_default=False)
    ] = None,
    other_class: Annotated[list[str] | None, typer.Option(help="Class not to draw.", show_default=False)] = None,
    pictures: Annotated[Path | None, typer.Option(help="Their folder. [default: of the labels]")] = None,
    group_from: Annotated[
        str, typer.Option(help="file, folder, attribute:NAME or regex:PATTERN: what stays together.")
    ] = "file",
    split_rule: Annotated[str, typer.Option(help="group, none or attribute:NAME.")] = "group",
    validation: Annotated[float, typer.Option(min=0, max=0.99, help="Share of the pictures.")] = 0.2,
    seed: Annotated[int, typer.Option(min=0, help="Of the split.")] = 0,
    table: Annotated[Path | None, typer.Option(help="CSV with column file: its cells become attributes.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="Attribute to keep in photos.csv.")] = None,
    class_attribute: Annotated[str | None, typer.Option(help="VIA: attribute that names the class.")] = None,
    name: Annotated[str | None, typer.Option(help="Of the data set. [default: of its folder]")] = None,
    licence: Annotated[str, typer.Option(help="Of the pictures.")] = "not stated",
    origin: Annotated[str, typer.Option(help="Where they come from.")] = "not stated",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier import.")] = False,
) -> None:
    """
    Make a data set of another tool's labels; pictures are copied without metadata. Exit 3: some left out.

    Example: oral-lesion data import coco labels.json -o set --lesion-class erosion
    --group-from attribute:patient
    """
    from oral_lesion.adapters.annotations.import_dataset import import_dataset
    from oral_lesion.adapters.annotations.import_settings import (
        AnnotationFormat,
        ClassPlan,
        GroupRule,
        ImportSettings,
        SplitPlan,
    )

    grey = labels is LabelFormat.FOLDERS and not (lesion_class or ignore_class or other_class)
    settings = ImportSettings(
        format=AnnotationFormat(labels.value),
        source=source,
        pictures=pictures,
        name=name or out.resolve().name,
        licence=licence,
        origin=origin,
        classes=ClassPlan(
            lesion=("255",) if grey else tuple(lesion_class or ()),
            ignored=("128",) if grey else tuple(ignore_class or ()),
            other=tuple(other_class or ()),
        ),
        group=GroupRule(group_from),
        split=SplitPlan(rule=split_rule, validation_fraction=validation, seed=seed),
        table=table,
        columns=tuple(column or ()),
        class_attribute=class_attribute,
    )
    outcome = import_dataset(settings, out, overwrite=overwrite)
    _say_import(outcome, out)
    raise typer.Exit(3 if outcome.rows else 0)


def _say_import(outcome: ImportOutcome, out: Path) -> None:
    from oral_lesion.adapters.annotations.import_dataset import REPORT_FILE

    pictures = outcome.pictures
    lesions, groups = sum(bool(picture.mask) for picture in pictures), len({picture.group for picture in pictures})
    left_out = sum(row.outcome == "left-out" for row in outcome.rows)
    typer.echo(f"{out}: {len(pictures)} pictures ({lesions} with lesion or ignored pixels) of {groups} groups.")
    if 1 < groups == len(pictures):
        typer.echo("  Each picture is its own group: where a patient has several, name patients with --group-from.")
    for row in outcome.rows[:_SHOWN]:
        typer.echo(f"  {row.outcome}: {row.file or '(no file)'}: {row.what}", err=True)
    if outcome.rows:
        notes = len(outcome.rows) - left_out
        typer.echo(f"{left_out} left out, {notes} taken with something missing: {out / REPORT_FILE}", err=True)


@app.command("check", short_help="Missing masks, copies, leaks between splits, sizes.")
def check(
    folder: Annotated[Path, typer.Argument(help="Data set: dataset.toml and photos.csv.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder for findings.csv and run.json.", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier check.")] = False,
) -> None:
    """
    Check a data set: files, masks, copies within and across splits, groups. Exit 3: warnings or errors.

    Example: oral-lesion data check set -o set-check
    """
    from rich.console import Console
    from rich.progress import Progress

    from oral_lesion.io.datasets.check import check_dataset
    from oral_lesion.io.datasets.check_report import write_check

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Reading", total=None)
        checked = check_dataset(
            folder, on_checked=lambda done, total: progress.update(task, completed=done, total=total)
        )
    if out is not None:
        write_check(checked, out, overwrite=overwrite)
    _say_check(checked)
    raise typer.Exit(0 if checked.clean else 3)


def _say_check(checked: DataSetCheck) -> None:
    from oral_lesion.io.datasets.check_report import check_summary

    summary = check_summary(checked)
    typer.echo(
        f"{summary['data_set']}: {summary['pictures']} pictures of {summary['groups']} groups, "
        f"{summary['lesion_pictures']} with lesion, {summary['with_scale']} with scale"
    )
    for split, counts in summary["splits"].items():
        typer.echo(f"  {split}: {counts['pictures']} pictures of {counts['groups']} groups")
    for unit in ("px", "mm"):
        bins = summary[f"lesion_diameter_{unit}"]
        if any(bins.values()):
            typer.echo(f"  lesions by diameter in {unit}: " + ", ".join(f"{b}: {n}" for b, n in bins.items() if n))
    for finding in checked.findings[:_SHOWN]:
        pair = " and ".join(name for name in (finding.picture_id, finding.other_id) if name)
        typer.echo(f"{finding.severity.upper():8}{finding.code:24}{pair}{': ' if pair else ''}{finding.detail}")
    if len(checked.findings) > _SHOWN:
        typer.echo(f"… and {len(checked.findings) - _SHOWN} more: write them all with -o FOLDER")
    counts = ", ".join(f"{number} {severity}s" for severity, number in summary["findings"].items())
    typer.echo(f"{'Clean' if checked.clean else 'Not clean'}: {counts}.")
