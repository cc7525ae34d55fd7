"""The photos of a study as one queue: each is on the disk, pictures and row, before the next one counts as done."""

from __future__ import annotations

import functools
import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oral_lesion.errors import OutputError
from oral_lesion.io.batch import SegmenterSource
from oral_lesion.io.batch_photo import PhotoResult, PhotoTask, failed_task, score_task
from oral_lesion.io.pictures import write_contents
from oral_lesion.io.processes import MapWork, WorkFailure
from oral_lesion.io.provenance import described_input, run_manifest
from oral_lesion.io.results_store import ResultsStore, StoredOutcome, add_outcome, iter_outcomes
from oral_lesion.io.store import RUN_FILE, write_run_json
from oral_lesion.io.study_folders import VisitFolder
from oral_lesion.io.study_plan import Action, PlannedPhoto
from oral_lesion.io.study_results import StudyResults
from oral_lesion.io.tables import write_tables
from oral_lesion.protocol import ScoringProtocol

__all__ = ["QueueProgress", "ScoringRun", "export_visit", "score_planned"]

_TABLES = ("scores.csv", "lesions.csv", "quality.csv", "colour.csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueProgress:
    """
    How far the queue is.

    Parameters
    ----------
    done, total : int
        Photos of this run.
    refused : int
        Of those that are done.
    """

    done: int
    total: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringRun:
    """
    What the photos of a run have in common.

    Parameters
    ----------
    store : ResultsStore
        Open for writing; its photos are listed.
    run : int
        Number of the run in the store.
    results : StudyResults
        Where pictures and tables go.
    protocol : ScoringProtocol
        All settings.
    sources : mapping of str to SegmenterSource
        By place.
    jobs : int
        For run.json.
    keep_superseded : bool
        Keep also the pictures of results that are superseded, or whose photos are no longer there.
    """

    store: ResultsStore
    run: int
    results: StudyResults
    protocol: ScoringProtocol
    sources: Mapping[str, SegmenterSource]
    jobs: int = 1
    keep_superseded: bool = False


def score_planned(
    run: ScoringRun,
    visits: Sequence[VisitFolder],
    planned: Sequence[PlannedPhoto],
    *,
    map_work: MapWork,
    on_photo: Callable[[QueueProgress], None] = lambda _progress: None,
) -> None:
    """
    Score the photos of a plan that are to be scored, and write the folder of a visit once all of its photos are done.

    A run that is ended at any moment has lost no photo that was done: its pictures are put in place by renaming, then
    its row is committed. Tables of a visit are written when it is complete, its run.json last.

    Parameters
    ----------
    run : ScoringRun
        What they have in common.
    visits : sequence of VisitFolder
        All visits of the study.
    planned : sequence of PlannedPhoto
        All photos, those that are kept among them.
    map_work : MapWork
        Where it is done.
    on_photo : callable
        Called after each photo.

    Raises
    ------
    OutputError
        Where something cannot be written, such as on a full disk; what is done stays.
    """
    due = [one for one in planned if one.action is not Action.KEEP]
    left = Counter(one.place for one in due)
    by_place = {visit.place: visit for visit in visits}
    for place in left:
        (run.results.scores_of(place) / RUN_FILE).unlink(missing_ok=True)  # it says that the folder is complete
    for visit in visits:
        if not left[visit.place]:
            export_visit(run, visit)
    tasks = [_task_of(run, number, one, map_work) for number, one in enumerate(due)]
    refused = 0
    score = functools.partial(score_task, protocol=run.protocol)
    with closing(map_work(score, tasks)) as outcomes:
        for done, (index, outcome) in enumerate(outcomes, start=1):
            result = _result_of(outcome, tasks[index], run.protocol)
            place = due[index].place
            _put_away(run, due[index], tasks[index], result)
            refused += not result.score.scored
            left[place] -= 1
            if not left[place]:
                export_visit(run, by_place[place])
            on_photo(QueueProgress(done=done, total=len(tasks), refused=refused))
    shutil.rmtree(run.results.scratch, ignore_errors=True)


def _task_of(run: ScoringRun, number: int, planned: PlannedPhoto, map_work: MapWork) -> PhotoTask:
    scratch = run.results.scratch / str(number) if map_work.shares_disk else None
    return PhotoTask(entry=planned.entry, segmenters=run.sources[planned.place], scratch=scratch)


def _result_of(outcome: PhotoResult | WorkFailure, task: PhotoTask, protocol: ScoringProtocol) -> PhotoResult:
    if not isinstance(outcome, WorkFailure):
        return outcome
    if isinstance(outcome.error, OutputError):  # no fault of the photo: the disk is full, or went away
        raise outcome.error
    return failed_task(task, outcome.refusal, protocol=protocol)


def _put_away(run: ScoringRun, planned: PlannedPhoto, task: PhotoTask, result: PhotoResult) -> None:
    """Put a photo's pictures in place, then commit its row."""
    place, identity = planned.place, task.entry.identity
    has_result = planned.action is Action.AGAIN and not planned.changed  # else a run that was killed left the pictures
    pictures = run.results.pictures_of(place, identity.photo_id)
    scratch = task.scratch or run.results.scratch / "arrived"
    if result.pictures:
        shutil.rmtree(scratch, ignore_errors=True)
        write_contents(scratch, result.pictures)
    try:
        if pictures.exists():
            run.results.take_away(place, identity.photo_id, keep=run.keep_superseded and has_result)
        if result.score.scored:
            pictures.parent.mkdir(parents=True, exist_ok=True)
            scratch.rename(pictures)
    except OSError as error:
        raise OutputError(f"{pictures}: cannot be put in place ({error.strerror}). Check space and rights.") from error
    detail = getattr(result.score.outcome, "detail", "")
    add_outcome(
        run.store,
        StoredOutcome(
            place=place,
            identity=identity,
            rows=result.rows,
            run=run.run,
            segmenter_sha256=task.segmenters.sha256_for(identity),
            declared_flags=task.entry.flags,
            detail=detail,
            threshold=result.threshold,
            cpu_s=result.cpu_s,
        ),
    )


def export_visit(run: ScoringRun, visit: VisitFolder) -> None:
    """
    Write the tables and run.json of a visit, as `oral-lesion score` writes them, from the store; unless they are there.

    Parameters
    ----------
    run : ScoringRun
        Where.
    visit : VisitFolder
        All of whose photos are done.

    Raises
    ------
    OutputError
        Where they cannot be written.
    """
    folder = run.results.scores_of(visit.place)
    outcomes = tuple(iter_outcomes(run.store, place=visit.place))
    manifest = _manifest_of(run, visit, outcomes)
    if _is_there(folder, manifest):
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fresh = run.results.scratch / "tables"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        write_tables(fresh, [one.rows for one in outcomes])
        write_run_json(fresh / RUN_FILE, manifest)
        (folder / RUN_FILE).unlink(missing_ok=True)
        wanted = {one.identity.photo_id for one in outcomes if _scored(one)}
        for pictures in sorted((folder / "photos").glob("*")):
            if pictures.name not in wanted:
                run.results.take_away(visit.place, pictures.name, keep=run.keep_superseded)
        for name in (*_TABLES, RUN_FILE):
            (fresh / name).replace(folder / name)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror}). Check space and rights.") from error


def _manifest_of(run: ScoringRun, visit: VisitFolder, outcomes: Sequence[StoredOutcome]) -> dict[str, Any]:
    return run_manifest(
        protocol=run.protocol,
        model=run.sources[visit.place].model,
        threshold=next((one.threshold for one in outcomes if one.threshold is not None), None),
        inputs=[
            described_input(one.identity, reason=_text(one.rows.score["reason"]), detail=one.detail) for one in outcomes
        ],
        found=visit.found,
        jobs=run.jobs,
        wall_s=None,
        cpu_s=sum(one.cpu_s for one in outcomes),
    )


def _is_there(folder: Path, manifest: Mapping[str, Any]) -> bool:
    """Return whether a visit's folder says the same already; how many processes worked on it makes no difference."""
    try:
        there = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    same = isinstance(there, dict) and {**there, "jobs": 0} == {**json.loads(json.dumps(manifest)), "jobs": 0}
    return same and all((folder / name).is_file() for name in _TABLES)


def _scored(outcome: StoredOutcome) -> bool:
    return outcome.rows.score["status"] == "scored"


def _text(value: object) -> str | None:
    return None if value is None else str(value)
