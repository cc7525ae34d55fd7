"""Score photos of a whole study again, drawn over all of its visits, and compare with the stored rows."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from oral_lesion.errors import FormatError, InputError
from oral_lesion.io.batch import SegmenterSource
from oral_lesion.io.processes import LocalProcesses, WorkFailure
from oral_lesion.io.replay import (
    FieldDifference,
    Replay,
    ReplayRun,
    draw,
    replay_chosen,
    stored_photo_ids,
)
from oral_lesion.io.store import RUN_FILE
from oral_lesion.io.stored_run import StoredRun, read_run, require_same_model
from oral_lesion.io.study_folders import find_study
from oral_lesion.io.tables import read_scores
from oral_lesion.io.visits import VisitPhotos, find_photos

__all__ = ["StoredStudy", "is_study", "read_study_run", "replay_study"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStudy:
    """
    Results of a study.

    Parameters
    ----------
    folder : Path
        Of the results.
    visits : mapping of str to StoredRun
        By place, SUBJECT/VISIT.
    run_sha256 : str
        Hash of the study's run.json.
    """

    folder: Path
    visits: Mapping[str, StoredRun]
    run_sha256: str


@dataclass(frozen=True, slots=True)
class _PhotoAgain:
    place: str
    photo_id: str
    stored: StoredRun
    found: VisitPhotos
    segmenters: SegmenterSource


def is_study(results: Path) -> bool:
    """
    Return whether results are those of a study.

    Parameters
    ----------
    results : Path
        Folder of results.

    Returns
    -------
    bool
    """
    try:
        run = json.loads((results / RUN_FILE).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(run, dict) and run.get("command") == "study"


def read_study_run(results: Path) -> StoredStudy:
    """
    Read what the visits of a study were scored with.

    Parameters
    ----------
    results : Path
        Results folder of `oral-lesion study`.

    Returns
    -------
    StoredStudy

    Raises
    ------
    FormatError
        Where the run did not finish, or a visit's run.json is none.
    """
    content = (results / RUN_FILE).read_bytes()
    if not json.loads(content).get("finished"):
        raise FormatError(f"{results}: `oral-lesion study` did not finish there. Finish it with --resume.")
    folders = sorted(path.parent for path in (results / "scores").glob(f"*/*/{RUN_FILE}"))
    if not folders:
        raise FormatError(f"{results}: holds no scored visit. Score the study again.")
    return StoredStudy(
        folder=results,
        visits={f"{folder.parent.name}/{folder.name}": read_run(folder) for folder in folders},
        run_sha256=hashlib.sha256(content).hexdigest(),
    )


def replay_study(
    stored: StoredStudy, photos: Path, *, segmenters_for: Callable[[Path], SegmenterSource], run: ReplayRun
) -> Replay:
    """
    Score photos of a study again and compare all their rows.

    Parameters
    ----------
    stored : StoredStudy
        Results.
    photos : Path
        The originals, STUDY/SUBJECT/VISIT as at that time, or the manifest that named them.
    segmenters_for : callable
        Gives what segments the photos of a visit's folder; of the same model.
    run : ReplayRun
        How; a sample is drawn over all visits.

    Returns
    -------
    Replay
        Each photo's identifier led by its place.

    Raises
    ------
    InputError
        Where the model is another one, or the originals are not there.
    FormatError
        Where a stored table cannot be read.
    """
    known = sorted((place, one) for place, visit in stored.visits.items() for one in stored_photo_ids(visit.folder))
    chosen = draw(known, run)
    originals = _originals(photos)
    again: list[_PhotoAgain] = []
    for place in sorted({place for place, _ in chosen}):
        found, folder = originals(place)
        source = segmenters_for(folder)
        require_same_model(stored.visits[place], source)
        for photo_id in (photo_id for at, photo_id in chosen if at == place):
            mine = tuple(entry for entry in found if entry.identity.photo_id == photo_id)
            again.append(_PhotoAgain(place, photo_id, stored.visits[place], replace(found, entries=mine), source))
    alone = functools.partial(_replay_photo, run=replace(run, jobs=1, on_outcome=None))
    differences: dict[int, tuple[FieldDifference, ...]] = {}
    with closing(LocalProcesses(run.jobs)(alone, again)) as outcomes:
        for index, outcome in outcomes:
            differences[index] = _after(again[index], outcome) if isinstance(outcome, WorkFailure) else outcome
            if run.on_outcome is not None:
                run.on_outcome(len(differences), len(again))
    return Replay(
        photo_ids=tuple(f"{place}/{photo_id}" for place, photo_id in chosen),
        photos_stored=len(known),
        differences=tuple(one for index in range(len(again)) for one in differences[index]),
    )


def _originals(photos: Path) -> Callable[[str], tuple[VisitPhotos, Path]]:
    """Return what finds the originals of a place, and their folder; only those that are asked for are read."""
    if photos.is_dir():
        return lambda place: (_found(photos / place), photos / place)
    visits = {visit.place: visit for visit in find_study(photos, ()).visits}

    def of_manifest(place: str) -> tuple[VisitPhotos, Path]:
        if place not in visits:
            return VisitPhotos(folder=photos.parent, entries=()), photos.parent
        return visits[place].found, visits[place].path

    return of_manifest


def _found(folder: Path) -> VisitPhotos:
    try:
        return find_photos(folder)
    except InputError:  # gone: each of its photos is a difference
        return VisitPhotos(folder=folder, entries=())


def _replay_photo(again: _PhotoAgain, *, run: ReplayRun) -> tuple[FieldDifference, ...]:
    found = replay_chosen(again.stored, again.found, [again.photo_id], segmenters=again.segmenters, run=run)
    return tuple(replace(one, photo_id=f"{again.place}/{one.photo_id}") for one in found)


def _after(again: _PhotoAgain, failure: WorkFailure) -> tuple[FieldDifference, ...]:
    """Return the difference of a photo that failed again, or now: none where it had failed in the same way."""
    if failure.error is not None:
        raise failure.error
    rows = read_scores(again.stored.folder / "scores.csv")
    before = next((str(row["reason"] or "") for row in rows if row["photo_id"] == again.photo_id), "")
    if before == failure.reason:
        return ()
    return (
        FieldDifference(
            photo_id=f"{again.place}/{again.photo_id}",
            table="scores.csv",
            row="",
            field="reason",
            stored=before,
            scored_again=failure.reason.value,
        ),
    )
