"""The photos of a study, how they are to be scored, and their scoring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from oral_lesion._version import __version__
from oral_lesion.io.audit.entries import utc_now
from oral_lesion.io.batch import SegmenterSource, require_one_resolution
from oral_lesion.io.photo_raw import require_raw_support
from oral_lesion.io.processes import LocalProcesses, MapWork
from oral_lesion.io.provenance import package_versions
from oral_lesion.io.results_store import ListedPhoto, ResultsStore, RunRecord, begin_run, list_photos, open_store
from oral_lesion.io.study_folders import StudyFolders, find_study
from oral_lesion.io.study_plan import PlannedPhoto, plan_study
from oral_lesion.io.study_protocol import StudyProtocol
from oral_lesion.io.study_results import StudyResults
from oral_lesion.io.study_scoring import QueueProgress, ScoringRun, score_planned

__all__ = ["StudyPhotos", "StudyRun", "find_study_photos", "now_utc", "plan_run", "score_photos"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRun:
    """
    How a study is to be run.

    Parameters
    ----------
    jobs : int
        Photos scored, and then sites followed, at the same time; the results do not depend on it.
    time_limit_s : float
        Seconds that a photo may take before it is given up with ``time-limit``.
    map_work : MapWork or None
        Where photos are scored; None takes `jobs` processes of this machine.
    resume, overwrite : bool
        Keep or remove what an earlier run left.
    retry : bool
        With `resume`: score again what failed for reasons of the machine.
    keep_superseded : bool
        Keep also the pictures of results that this run supersedes, or whose photos are no longer there.
    parquet : bool
        Write the tables of all photos as Parquet, too.
    subjects : Path or None
        subjects.csv; None looks for it in the study's folder.
    lock_sha256 : str or None
        Of the study's lock, for the record.
    on_photo : callable
        Called after each photo.
    on_site : callable
        Called with the sites followed and all sites.
    """

    jobs: int = 1
    time_limit_s: float = 600.0
    map_work: MapWork | None = None
    resume: bool = False
    overwrite: bool = False
    retry: bool = False
    keep_superseded: bool = False
    parquet: bool = False
    subjects: Path | None = None
    lock_sha256: str | None = None
    on_photo: Callable[[QueueProgress], None] = field(default=lambda _progress: None)
    on_site: Callable[[int, int], None] = field(default=lambda _done, _all: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPhotos:
    """
    The photos of a study, and what segments them.

    Parameters
    ----------
    study : Path
        Folder of photos STUDY/SUBJECT/VISIT, or a manifest.
    folders : StudyFolders
        What was found there.
    sources : mapping of str to SegmenterSource
        By place.
    """

    study: Path
    folders: StudyFolders
    sources: Mapping[str, SegmenterSource]


def find_study_photos(
    study: Path,
    *,
    protocol: StudyProtocol,
    segmenters_for: Callable[[Path], SegmenterSource],
    find: Callable[[Path, Sequence[str]], StudyFolders] = find_study,
) -> StudyPhotos:
    """
    Find the photos of a study and what segments them; everything that would stop a run stops here.

    Parameters
    ----------
    study : Path
        Folder of photos STUDY/SUBJECT/VISIT, or a manifest.
    protocol : StudyProtocol
        All settings.
    segmenters_for : callable
        Gives what segments the photos of a visit's folder.
    find : callable
        Finds the photos.

    Returns
    -------
    StudyPhotos

    Raises
    ------
    OralLesionError
        Where the study contradicts itself, there is nothing to score, or the model does not fit.
    """
    folders = find(study, [visit.name for visit in protocol.endpoint.visits])
    sources = {visit.place: segmenters_for(visit.path) for visit in folders.visits}
    for source in sources.values():
        require_one_resolution(protocol.scoring, source)
    require_raw_support(entry.identity.file for visit in folders.visits for entry in visit.found)
    return StudyPhotos(study=study, folders=folders, sources=sources)


def plan_run(photos: StudyPhotos, out: Path, *, protocol: StudyProtocol, run: StudyRun) -> tuple[PlannedPhoto, ...]:
    """
    Tell what a run would do with each photo; nothing is written.

    Parameters
    ----------
    photos : StudyPhotos
        Of the study.
    out : Path
        Results folder.
    protocol : StudyProtocol
        All settings.
    run : StudyRun
        How.

    Returns
    -------
    tuple of PlannedPhoto
        One a photo, by subject, visit and file.

    Raises
    ------
    FormatError, OutputError
        Where the store of an earlier run cannot be read.
    """
    results = StudyResults(out, photos.folders.of_photos)
    if not (run.resume and results.store.is_file()):
        return _planned(photos, None, results, protocol, run)
    with open_store(results.store, read_only=True) as store:
        return _planned(photos, store, results, protocol, run)


def _planned(
    photos: StudyPhotos, store: ResultsStore | None, results: StudyResults, protocol: StudyProtocol, run: StudyRun
) -> tuple[PlannedPhoto, ...]:
    return tuple(
        plan_study(
            photos.folders.visits,
            store,
            protocol=protocol.scoring,
            sources=photos.sources,
            pictures_of=results.pictures_of,
            retry=run.retry,
        )
    )


def score_photos(
    photos: StudyPhotos, store: ResultsStore, results: StudyResults, protocol: StudyProtocol, run: StudyRun
) -> tuple[int, tuple[PlannedPhoto, ...]]:
    """
    Score all photos that are to be scored.

    Parameters
    ----------
    photos : StudyPhotos
        Of the study.
    store : ResultsStore
        Open for writing.
    results : StudyResults
        Begun.
    protocol : StudyProtocol
        All settings.
    run : StudyRun
        How.

    Returns
    -------
    tuple of (int, tuple of PlannedPhoto)
        Number of the run in the store, and what was done with each photo.

    Raises
    ------
    OutputError
        Where something cannot be written.
    """
    visits = photos.folders.visits
    planned = _planned(photos, store, results, protocol, run)
    list_photos(
        store,
        (
            ListedPhoto(place=visit.place, photo_id=entry.identity.photo_id, sha256=entry.identity.sha256)
            for visit in visits
            for entry in visit.found
        ),
    )
    number = begin_run(
        store,
        RunRecord(
            command="study",
            began_utc=now_utc(),
            software=__version__,
            study_protocol_sha256=protocol.sha256,
            protocol_sha256=protocol.scoring.sha256,
            model=photos.sources[visits[0].place].model,
            lock_sha256=run.lock_sha256,
            settings={"protocol": protocol.settings, "packages": package_versions()},
        ),
    )
    score_planned(
        ScoringRun(
            store=store,
            run=number,
            results=results,
            protocol=protocol.scoring,
            sources=photos.sources,
            jobs=run.jobs,
            keep_superseded=run.keep_superseded,
        ),
        visits,
        planned,
        map_work=run.map_work or LocalProcesses(run.jobs, run.time_limit_s),
        on_photo=run.on_photo,
    )
    return number, planned


def now_utc() -> str:
    """
    Return the time as the store and the log state it.

    Returns
    -------
    str
        ISO 8601, UTC, with milliseconds.
    """
    return utc_now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
