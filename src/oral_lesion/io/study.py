"""A study's photos in, its endpoints out: visits scored, sites followed, each row with a value or a reason."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from oral_lesion._version import __version__
from oral_lesion.endpoint import study_endpoints
from oral_lesion.endpoint.subject_values import SubjectValues, collect_subject_values
from oral_lesion.io.batch import SegmenterSource
from oral_lesion.io.change_tables import change_columns, change_rows, lesion_columns, lesion_rows
from oral_lesion.io.csv_tables import Row, write_table
from oral_lesion.io.endpoint_tables import endpoint_columns, endpoint_row
from oral_lesion.io.processes import map_in_processes, one_opencv_thread
from oral_lesion.io.provenance import package_versions
from oral_lesion.io.results_store import (
    export_csv,
    export_parquet,
    finish_run,
    open_store,
    unlisted_photos,
)
from oral_lesion.io.scored_visits import StoredScore, read_scored_visit
from oral_lesion.io.site_histories import SiteHistory, SubjectHistory, follow_site, history_of_subject
from oral_lesion.io.study_folders import StudyFolders, same_photos
from oral_lesion.io.study_photos import StudyPhotos, StudyRun, find_study_photos, now_utc, score_photos
from oral_lesion.io.study_plan import Action, PlannedPhoto
from oral_lesion.io.study_protocol import StudyProtocol
from oral_lesion.io.study_results import StudyResults
from oral_lesion.io.subjects import SUBJECTS_NAME, read_subjects
from oral_lesion.records import EndpointRow, LesionTrack, PhotoScore, SiteVisit

__all__ = ["Figures", "StudyOutcome", "StudyRun", "run_found_study", "run_study"]

Strata = Mapping[str, Mapping[str, str | None]]


class Figures(Protocol):
    """Draws what a study shows; given by the caller, for drawing is no part of the tables. Travels to the processes."""

    def strip(self, folder: Path, history: SiteHistory, scores: Sequence[PhotoScore | None]) -> None:
        """
        Draw a site's photos, aligned, with outlines.

        Parameters
        ----------
        folder : Path
            Of the subject's figures.
        history : SiteHistory
            Registrations and lesions.
        scores : sequence of PhotoScore or None
            One a visit, with its pictures.
        """
        ...

    def areas(self, folder: Path, subject: SubjectValues) -> None:
        """
        Draw a subject's areas over time.

        Parameters
        ----------
        folder : Path
            Of the subject's figures.
        subject : SubjectValues
            Areas by site and visit.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOutcome:
    """
    What became of a study.

    Parameters
    ----------
    rows : tuple of EndpointRow
        All endpoints.
    changes : tuple of mapping
        Rows of changes.csv.
    run : mapping
        Contents of run.json.
    """

    rows: tuple[EndpointRow, ...]
    changes: tuple[Row, ...]
    run: Mapping[str, Any]


def run_study(
    study: Path,
    out: Path,
    *,
    protocol: StudyProtocol,
    segmenters_for: Callable[[Path], SegmenterSource],
    run: StudyRun,
    figures: Figures | None = None,
) -> StudyOutcome:
    """
    Score all photos of a study, follow each site, and write the tables.

    Parameters
    ----------
    study : Path
        Folder of photos STUDY/SUBJECT/VISIT, or a manifest.
    out : Path
        Results folder.
    protocol : StudyProtocol
        All settings.
    segmenters_for : callable
        Gives what segments the photos of a visit's folder.
    run : StudyRun
        How.
    figures : Figures or None
        What draws; None for no figures.

    Returns
    -------
    StudyOutcome

    Raises
    ------
    OralLesionError
        Where the study contradicts itself, or there is nothing to score or nowhere to write.
    """
    photos = find_study_photos(study, protocol=protocol, segmenters_for=segmenters_for)
    return run_found_study(photos, out, protocol=protocol, run=run, figures=figures)


def run_found_study(
    photos: StudyPhotos, out: Path, *, protocol: StudyProtocol, run: StudyRun, figures: Figures | None = None
) -> StudyOutcome:
    """
    Run a study whose photos were found before; otherwise as `run_study`.

    Parameters
    ----------
    photos : StudyPhotos
        From `find_study_photos`.
    out : Path
        Results folder.
    protocol : StudyProtocol
        All settings.
    run : StudyRun
        How.
    figures : Figures or None
        What draws; None for no figures.

    Returns
    -------
    StudyOutcome

    Raises
    ------
    OralLesionError
        Where another run is at work in `out`, or it cannot be written.
    """
    began = time.perf_counter()
    folders = photos.folders
    home = photos.study if photos.study.is_dir() else photos.study.parent
    subjects_file = run.subjects or home / SUBJECTS_NAME
    strata = read_subjects(subjects_file, [visit.subject_id for visit in folders.visits], protocol.endpoint)
    results = StudyResults(out, [photos.study] if photos.study.is_dir() else folders.of_photos)
    with results.locked():
        results.begin(resume=run.resume, overwrite=run.overwrite)
        with open_store(results.store, create=True) as store:
            number, planned = score_photos(photos, store, results, protocol, run)
            scores = _read_back(folders, results)
            subjects = [
                history_of_subject(subject_id, scores.get(subject_id, []), protocol.endpoint)
                for subject_id in sorted(strata)
            ]
            with results.tables() as folder:
                histories = _follow(subjects, protocol, run, figures, folder / "figures")
                rows, changes = _write_tables(folder, subjects, histories, strata, protocol)
                export_csv(store, folder)
                if run.parquet:
                    export_parquet(store, folder)
                if figures is not None:
                    for subject in subjects:
                        figures.areas(folder / "figures" / subject.subject_id, _values_of(subject, strata, protocol))
            contents = {
                **_described(folders, subjects, histories, protocol),
                **_counted(planned),
                "no_longer_there": list(unlisted_photos(store)),
                "jobs": run.jobs,
                "wall_s": round(time.perf_counter() - began, 3),
            }
            finish_run(store, number, now_utc())
        results.finish(contents, [visit.place for visit in folders.visits], keep_pictures=run.keep_superseded)
    return StudyOutcome(rows=rows, changes=tuple(changes), run=contents)


def _read_back(folders: StudyFolders, results: StudyResults) -> dict[str, list[StoredScore]]:
    """Return the scores as they are in the tables, by subject: a run that was resumed must give the same bytes."""
    scores: dict[str, list[StoredScore]] = {}
    for visit in folders.visits:
        scores.setdefault(visit.subject_id, []).extend(read_scored_visit(results.scores_of(visit.place)).scores)
    return scores


def _counted(planned: Sequence[PlannedPhoto]) -> dict[str, int]:
    due = [one for one in planned if one.action is not Action.KEEP]
    return {"photos_scored_now": len(due), "visits_scored_now": len({one.place for one in due})}


def _follow(
    subjects: Sequence[SubjectHistory],
    protocol: StudyProtocol,
    run: StudyRun,
    figures: Figures | None,
    folder: Path,
) -> dict[str, list[SiteHistory]]:
    places = [(subject, site) for subject in subjects for site in subject.sites]
    follow = functools.partial(_follow_place, protocol=protocol, figures=figures, folder=folder)
    found: dict[int, SiteHistory] = {}
    with one_opencv_thread():
        for index, history in map_in_processes(follow, places, run.jobs, _not_followed):
            found[index] = history
            run.on_site(len(found), len(places))
    histories: dict[str, list[SiteHistory]] = {}
    for index in range(len(places)):
        histories.setdefault(found[index].subject_id, []).append(found[index])
    return histories


def _follow_place(
    place: tuple[SubjectHistory, str], *, protocol: StudyProtocol, figures: Figures | None, folder: Path
) -> SiteHistory:
    subject, site = place
    history, scores = follow_site(subject, site, protocol.comparison, protocol.endpoint)
    if figures is not None:
        figures.strip(folder / subject.subject_id, history, scores)
    return history


def _not_followed(place: tuple[SubjectHistory, str]) -> SiteHistory:
    subject, site = place
    return SiteHistory(
        subject_id=subject.subject_id,
        site=site,
        visits=subject.visits,
        photos=tuple(None for _ in subject.visits),
        followed=None,
        failure="The process that aligned its photos ended without an answer.",
    )


def _write_tables(
    folder: Path,
    subjects: Sequence[SubjectHistory],
    histories: Mapping[str, Sequence[SiteHistory]],
    strata: Strata,
    protocol: StudyProtocol,
) -> tuple[tuple[EndpointRow, ...], list[Row]]:
    names = protocol.endpoint.strata
    changes: list[Row] = []
    lesions: list[Row] = []
    for subject in subjects:
        values = _values_of(subject, strata, protocol)
        of_subject = histories.get(subject.subject_id, [])
        changes += change_rows(values, of_subject)
        lesions += [row for history in of_subject for row in lesion_rows(history, values.strata)]
    rows = study_endpoints(
        [one for subject in subjects for one in subject.site_visits],
        protocol.endpoint,
        strata=strata,
        tracks=_tracks_of(histories),
    )
    write_table(folder / "changes.csv", change_columns(names), changes)
    write_table(folder / "lesions_over_time.csv", lesion_columns(names), lesions)
    write_table(folder / "endpoints.csv", endpoint_columns(names), map(endpoint_row, rows))
    return rows, changes


def _tracks_of(histories: Mapping[str, Iterable[SiteHistory]]) -> dict[tuple[str, str], tuple[LesionTrack, ...]]:
    return {
        (subject_id, history.site): history.tracks
        for subject_id, of_subject in histories.items()
        for history in of_subject
        if history.tracks is not None
    }


def _values_of(subject: SubjectHistory, strata: Strata, protocol: StudyProtocol) -> SubjectValues:
    site_visits: tuple[SiteVisit, ...] = subject.site_visits
    return collect_subject_values(
        subject.subject_id, site_visits, strata.get(subject.subject_id, {}), protocol.endpoint
    )


def _described(
    folders: StudyFolders,
    subjects: Sequence[SubjectHistory],
    histories: Mapping[str, Sequence[SiteHistory]],
    protocol: StudyProtocol,
) -> dict[str, Any]:
    scores = [one for subject in subjects for one in subject.scores]
    models = {(one.model.name, one.model.version, one.model.sha256) for one in scores}
    return {
        "schema_version": 1,
        "software": {"name": "oral-lesion", "version": __version__},
        "packages": package_versions(),
        "protocol_sha256": protocol.sha256,
        "scoring_protocol_sha256": protocol.scoring.sha256,
        "protocol": protocol.settings,
        "models": [{"name": name, "version": version, "sha256": sha256} for name, version, sha256 in sorted(models)],
        "counts": {
            "subjects": len(subjects),
            "visits": len(folders.visits),
            "photos": len(scores),
            "scored": sum(one.photo.refusal is None for one in scores),
            "refused": sum(one.photo.refusal is not None for one in scores),
        },
        "without_photos": list(folders.without_photos),
        "left_alone": list(folders.left_alone),
        "ignored_files": [f"{visit.place}/{name}" for visit in folders.visits for name in visit.found.ignored],
        "photos_not_in_manifest": [
            f"{visit.place}/{name}" for visit in folders.visits for name in visit.found.unlisted
        ],
        "same_photos": [list(group) for group in same_photos(folders.visits)],
        "not_followed": [
            {"subject": history.subject_id, "site": history.site, "detail": history.failure}
            for of_subject in histories.values()
            for history in of_subject
            if history.failure
        ],
    }
