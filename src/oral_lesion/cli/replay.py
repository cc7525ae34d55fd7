"""`oral-lesion replay`: score again from the originals, and tell which cells come out otherwise."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oral_lesion.cli.audit import AuditOption, OperatorOption, ReasonOption

if TYPE_CHECKING:
    from collections.abc import Callable

    from oral_lesion.io.batch import SegmenterSource
    from oral_lesion.io.replay import Replay
    from oral_lesion.io.stored_run import StoredRun

__all__ = ["replay"]

_SHOWN = 50
_PLAIN_WIDTH = 160


def replay(
    results: Annotated[Path, typer.Argument(help="Results folder of `score` or `study`.", show_default=False)],
    photos: Annotated[Path, typer.Option(help="The originals: SUBJECT/VISIT, or the study.", show_default=False)],
    model: Annotated[
        Path | None, typer.Option(help="Model bundle folder. [default: the packaged one]", show_default=False)
    ] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="Photos to draw. [default: all]")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
    out: Annotated[Path, typer.Option("-o", "--out", help="Table of differences to write.")] = Path("replay.csv"),
    jobs: Annotated[int, typer.Option("-j", "--jobs", min=1, help="Photos scored at the same time.")] = 1,
    operator: OperatorOption = None,
    reason: ReasonOption = "",
    audit: AuditOption = None,
) -> None:
    """
    Score photos again as run.json says and compare with the stored rows. Exit 0: the same, 3: differences.

    Example: oral-lesion replay scores/S-001/week-04 --photos study/S-001/week-04 --sample 10
    """
    from oral_lesion.cli.scores_shown import photo_progress
    from oral_lesion.io.audit import AuditedRun, audited, find_log
    from oral_lesion.io.replay import ReplayRun, replay_results, write_replay
    from oral_lesion.io.replay_study import is_study, read_study_run, replay_study
    from oral_lesion.io.stored_run import read_run

    study = read_study_run(results) if is_study(results) else None
    stored = read_run(results) if study is None else next(iter(study.visits.values()))
    sources = _sources_of(stored, model)
    audited_run = AuditedRun(
        command="replay",
        results=out,
        inputs=photos if photos.is_dir() else None,
        operator=operator,
        reason=reason,
        log=find_log(results, audit),
        hashes={
            "protocol_sha256": stored.protocol.sha256,
            "model_sha256": stored.model_sha256,
            "run_sha256": stored.run_sha256 if study is None else study.run_sha256,
        },
    )
    with audited(audited_run), photo_progress(shown=True, title="Scoring again") as advance:
        run = ReplayRun(sample=sample, seed=seed, jobs=jobs, on_outcome=advance)
        if study is None:
            replayed = replay_results(stored, photos, segmenters=sources(photos), run=run)
        else:
            replayed = replay_study(study, photos, segmenters_for=sources, run=run)
        write_replay(out, replayed)
    _print(replayed, stored, out)
    raise typer.Exit(3 if replayed.differences else 0)


def _sources_of(stored: StoredRun, model: Path | None) -> Callable[[Path], SegmenterSource]:
    from oral_lesion.cli.score import SegmenterChoice, sources_of

    truth = model is None and not stored.model_sha256  # a phantom's true masks are no file with a hash
    choice = SegmenterChoice.TRUTH if truth else SegmenterChoice.MODEL
    return sources_of(choice, model, stored.protocol.standardization.working_mm_per_px)


def _print(replayed: Replay, stored: StoredRun, path: Path) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console() if sys.stdout.isatty() else Console(width=_PLAIN_WIDTH, no_color=True)
    if replayed.differences:
        table = Table("Photo", "Table", "Row", "Field", "Stored", "Scored again")
        for one in replayed.differences[:_SHOWN]:
            cells = (one.photo_id, one.table, one.row, one.field, one.stored, one.scored_again)
            table.add_row(*map(escape, cells))
        console.print(table)
        if len(replayed.differences) > _SHOWN:
            typer.echo(f"{len(replayed.differences) - _SHOWN} more are in the file.")
    for line in stored.environment_changes:
        typer.echo(f"Another version than at that time: {line}")
    differ = len({one.photo_id for one in replayed.differences})
    typer.echo(
        f"{len(replayed.photo_ids)} of {replayed.photos_stored} photos scored again: {differ} with differences, "
        f"{len(replayed.differences)} in all. Table: {path}"
    )
