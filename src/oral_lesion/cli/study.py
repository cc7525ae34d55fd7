"""`oral-lesion study`: all subjects, all visits, and the endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oral_lesion.cli.audit import (
    AuditOption,
    AuditOptions,
    LockedOption,
    OperatorOption,
    ReasonOption,
    SupersedeOption,
)
from oral_lesion.cli.score import SegmenterChoice, sources_of

if TYPE_CHECKING:
    from oral_lesion.io.audit import AuditedRun
    from oral_lesion.io.study_photos import StudyPhotos
    from oral_lesion.io.study_plan import PlannedPhoto
    from oral_lesion.io.study_protocol import StudyProtocol

__all__ = ["study"]


def study(
    context: typer.Context,
    study: Annotated[
        str,
        typer.Argument(help="Folder STUDY/SUBJECT/VISIT, or a CSV of its photos; or its URL.", show_default=False),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Results folder.")] = Path("oral-lesion-study"),
    protocol: Annotated[
        Path | None, typer.Option(help="Protocol (TOML). [default: the packaged one]", show_default=False)
    ] = None,
    subjects: Annotated[
        Path | None,
        typer.Option(help="Strata. [default: subjects.csv in STUDY]", show_default=False),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Model bundle folder. [default: the packaged one]", show_default=False)
    ] = None,
    card: Annotated[
        str | None, typer.Option(help="Use this card instead of the protocol's.", show_default=False)
    ] = None,
    jobs: Annotated[int, typer.Option("-j", "--jobs", min=1, help="Photos or sites worked on at the same time.")] = 1,
    time_limit: Annotated[
        float,
        typer.Option(min=1, metavar="S", help="Seconds until a photo is given up."),
    ] = 600.0,
    scheduler: Annotated[
        str | None, typer.Option(metavar="URL", help="Score on a dask cluster: tcp://host:8786.", show_default=False)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Keep scores in OUT that are still right.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="With --resume: try again what failed.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier results in OUT.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be done with each photo.")] = False,
    figures: Annotated[bool, typer.Option("--figures/--no-figures", help="Draw each subject's figures.")] = True,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Write the pages to look at.")] = True,
    parquet: Annotated[bool, typer.Option("--parquet", help="Tables of all photos as Parquet, too.")] = False,
    provenance: Annotated[bool, typer.Option("--provenance", help="Write an RO-Crate and an SBOM, too.")] = False,
    segmenter: Annotated[
        SegmenterChoice, typer.Option(help="'truth' takes a phantom's true masks in place of the model.")
    ] = SegmenterChoice.MODEL,
    json: Annotated[bool, typer.Option("--json", help="Print run.json instead of the table.")] = False,
    locked: LockedOption = None,
    supersede: SupersedeOption = False,
    operator: OperatorOption = None,
    reason: ReasonOption = "",
    audit: AuditOption = None,
) -> None:
    """
    Score a study and compute its endpoints: tables, figures and report.html.

    Example: oral-lesion study study -o results --protocol protocol.toml -j 4
    """
    from oral_lesion.adapters.html import REPORT_FILE, write_study_pages
    from oral_lesion.cli.study_shown import print_plan, print_study, study_progress
    from oral_lesion.io.audit import audited
    from oral_lesion.io.settings import load_study_protocol
    from oral_lesion.io.study import run_found_study
    from oral_lesion.io.study_photos import StudyRun, find_study_photos, plan_run
    from oral_lesion.io.study_results import StudyResults
    from oral_lesion.io.study_urls import study_place

    if resume and overwrite:
        raise typer.BadParameter("--resume keeps earlier scores, --overwrite removes them; give one of both")
    if retry and not resume:
        raise typer.BadParameter("--retry goes on with earlier results: give --resume, too")
    options = AuditOptions(operator=operator, reason=reason, log=audit, locked=locked, supersede=supersede)
    options.require_no_contradiction(overwrite=overwrite)
    if provenance:
        from oral_lesion.adapters.provenance import require_provenance_support, write_provenance

        require_provenance_support()
    loaded = load_study_protocol(protocol, card=card)
    segmenters_for = sources_of(segmenter, model, loaded.scoring.standardization.working_mm_per_px)
    place = context.with_resource(study_place(study))
    photos = find_study_photos(place.path, protocol=loaded, segmenters_for=segmenters_for, find=place.find)
    map_work = None
    if scheduler is not None:
        from oral_lesion.adapters.distributed import work_on_cluster

        map_work = work_on_cluster(scheduler, time_limit_s=time_limit)
    run = StudyRun(
        jobs=jobs,
        map_work=map_work,
        time_limit_s=time_limit,
        resume=resume,
        overwrite=overwrite,
        retry=retry,
        keep_superseded=supersede or locked is not None,
        parquet=parquet,
        subjects=subjects,
    )
    planned = plan_run(photos, out, protocol=loaded, run=run)
    under_audit = _audited_run(options, photos, out, planned, loaded, resume=resume)
    if dry_run:
        print_plan(planned)
        if not (resume or overwrite) and StudyResults(out, photos.folders.of_photos).run_before() is not None:
            typer.echo(f"{out} holds results: the run would stop without --resume or --overwrite.")
        return
    drawer = None
    if figures:
        from oral_lesion.adapters.figures import SubjectFigures

        drawer = SubjectFigures()
    run = replace(run, lock_sha256=under_audit.hashes.get("lock_sha256"))
    with audited(under_audit) as entry, study_progress(shown=not json) as progress:
        run = replace(run, on_photo=progress.on_photo, on_site=progress.on_site)
        outcome = run_found_study(photos, out, protocol=loaded, run=run, figures=drawer)
        if report:
            write_study_pages(out, jobs=jobs)
        if provenance:
            write_provenance(out)
    _take_in_events(out, under_audit)
    if json:
        typer.echo((out / "run.json").read_text(encoding="utf-8"), nl=False)
    else:
        print_study(outcome, out)
        if report:
            typer.echo(f"To look at: {out / REPORT_FILE}")
        typer.echo(f"Audit log: {under_audit.log}, entry {entry.sequence}")
    raise typer.Exit(3 if outcome.run["counts"]["refused"] else 0)


def _take_in_events(out: Path, run: AuditedRun) -> None:
    """Copy the entries of the log into the store, to be asked beside the results; the log is what counts."""
    from oral_lesion.errors import OutputError
    from oral_lesion.io.audit import AuditLog
    from oral_lesion.io.results_store import STORE_NAME, add_events, open_store

    if run.log is not None:
        with suppress(OutputError), open_store(out / STORE_NAME) as store:  # someone else may be writing to it
            add_events(store, AuditLog(run.log).entries())


def _audited_run(
    options: AuditOptions,
    photos: StudyPhotos,
    out: Path,
    planned: Sequence[PlannedPhoto],
    protocol: StudyProtocol,
    *,
    resume: bool,
) -> AuditedRun:
    """Return the run for the log: photos that are scored now are read once; those that are kept stay its results."""
    from oral_lesion.io.study_lock import hashes_for_audit
    from oral_lesion.io.study_plan import Action, require_unchanged
    from oral_lesion.io.study_results import StudyResults

    if options.locked is not None and not options.supersede:
        require_unchanged(planned)
    if options.supersede and out.is_dir():
        with StudyResults(out, photos.folders.of_photos).locked():  # what another run writes to is not renamed
            pass
    sha256 = {True: set[str](), False: set[str]()}
    for one in planned:
        sha256[one.action is Action.KEEP].add(one.entry.identity.sha256)
    run = options.run(
        "study",
        out,
        inputs=photos.study if photos.study.is_dir() else None,
        photos=sha256[False] - sha256[True],
        hashes=hashes_for_audit(protocol, next(iter(photos.sources.values())), lock=options.locked),
    )
    return replace(run, kept=sha256[True] - {""}, in_place=resume)
