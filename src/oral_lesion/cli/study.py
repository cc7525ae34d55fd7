"""`oral-lesion study`: all subjects, all visits, and the endpoints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oral_lesion.cli.score import SegmenterChoice, sources_of

if TYPE_CHECKING:
    from oral_lesion.io.study import StudyOutcome

__all__ = ["study"]


def study(
    study: Annotated[Path, typer.Argument(help="Folder of photos STUDY/SUBJECT/VISIT.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Results folder.")] = Path("oral-lesion-study"),
    protocol: Annotated[
        Path | None, typer.Option(help="Protocol file (TOML). [default: the packaged one]", show_default=False)
    ] = None,
    subjects: Annotated[
        Path | None,
        typer.Option(help="Subjects and their strata. [default: subjects.csv in STUDY]", show_default=False),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Model bundle folder. [default: the packaged one]", show_default=False)
    ] = None,
    card: Annotated[
        str | None, typer.Option(help="Use this card instead of the protocol's.", show_default=False)
    ] = None,
    jobs: Annotated[int, typer.Option("-j", "--jobs", min=1, help="Photos or sites worked on at the same time.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Keep scores in OUT that are still right.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier results in OUT.")] = False,
    figures: Annotated[bool, typer.Option("--figures/--no-figures", help="Draw each subject's figures.")] = True,
    segmenter: Annotated[
        SegmenterChoice, typer.Option(help="'truth' takes a phantom's true masks in place of the model.")
    ] = SegmenterChoice.MODEL,
    json: Annotated[bool, typer.Option("--json", help="Print run.json instead of the table.")] = False,
) -> None:
    """
    Score a study and compute its endpoints: endpoints.csv, changes.csv, lesions_over_time.csv, figures.

    The protocol names the baseline, the visits and all rules; docs/endpoints.md explains each.

    Example: oral-lesion study study -o results --protocol protocol.toml -j 4
    """
    from oral_lesion.cli.scores_shown import photo_progress
    from oral_lesion.io.settings import load_study_protocol
    from oral_lesion.io.study import StudyRun, run_study

    if resume and overwrite:
        raise typer.BadParameter("--resume keeps earlier scores, --overwrite removes them; give one of both")
    loaded = load_study_protocol(protocol, card=card)
    drawer = None
    if figures:
        from oral_lesion.adapters.figures import SubjectFigures

        drawer = SubjectFigures()
    segmenters_for = sources_of(segmenter, model, loaded.scoring.standardization.working_mm_per_px)
    with photo_progress(shown=not json, title="Visits, then sites") as advance:
        outcome = run_study(
            study,
            out,
            protocol=loaded,
            segmenters_for=segmenters_for,
            run=StudyRun(
                jobs=jobs, resume=resume, overwrite=overwrite, subjects=subjects, on_visit=advance, on_site=advance
            ),
            figures=drawer,
        )
    if json:
        typer.echo((out / "run.json").read_text(encoding="utf-8"), nl=False)
    else:
        _print(outcome, out)
    raise typer.Exit(3 if outcome.run["counts"]["refused"] else 0)


def _print(outcome: StudyOutcome, out: Path) -> None:
    from oral_lesion.cli.changes_shown import print_changes

    print_changes(outcome.changes)
    run: dict[str, Any] = dict(outcome.run)
    counts = run["counts"]
    typer.echo(
        f"{counts['subjects']} subjects, {counts['visits']} visits, {counts['photos']} photos: "
        f"{counts['scored']} scored, {counts['refused']} refused. Results: {out}"
    )
    if all(row["baseline_area_mm2"] is None for row in outcome.changes):
        baseline = run["protocol"]["endpoint"]["baseline_visit"]
        typer.echo(f"No site was scored at the baseline, which the protocol calls {baseline}: there is no change.")
    for name in run["without_photos"]:
        typer.echo(f"Holds no photo, counts as missing: {name}")
    for name in (*run["left_alone"], *run["ignored_files"]):
        typer.echo(f"Not a photo of a visit, left alone: {name}")
    for name in run["photos_not_in_manifest"]:
        typer.echo(f"Not named in photos.csv, scored all the same: {name}")
    for group in run["same_photos"]:
        typer.echo(f"The same file in several visits: {', '.join(group)}")
    for one in run["not_followed"]:
        typer.echo(f"Lesions not followed: {one['subject']} {one['site']} ({one['detail']})")
