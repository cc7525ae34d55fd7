"""The repeatability of a study's replicate photos: tables, and the profile that a protocol takes over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from oral_lesion._version import __version__
from oral_lesion.endpoint.precision import (
    Repeatability,
    ReplicateSet,
    precision_profile,
    repeatability_of,
    replicate_sets,
)
from oral_lesion.errors import InputError
from oral_lesion.io.batch import SegmenterSource, score_visit
from oral_lesion.io.csv_tables import TEXT, WHOLE, Columns, Row, write_table
from oral_lesion.io.one_by_one import write_bytes
from oral_lesion.io.provenance import package_versions
from oral_lesion.io.scored_visits import ScoredVisit, read_scored_visit
from oral_lesion.io.site_histories import history_of_subject
from oral_lesion.io.store import RUN_FILE, OutputFolder, write_run_json
from oral_lesion.io.study_folders import find_study
from oral_lesion.io.study_protocol import StudyProtocol
from oral_lesion.numerics.agreement import repeatability_coefficient

__all__ = [
    "RepeatabilityFigures",
    "StudyRepeatability",
    "is_study_results",
    "run_repeatability",
    "scored_visits_of",
]

PROFILE_FILE = "repeatability.toml"

_MEASURES: Columns = {
    "measure": TEXT, "value": 4, "low": 4, "high": 4, "unit": TEXT, "sets": WHOLE, "degrees_of_freedom": WHOLE,
    "area_mm2": 3,
}  # fmt: skip
_SETS: Columns = {
    "subject": TEXT, "visit": TEXT, "site": TEXT, "photos": TEXT, "replicates": WHOLE, "areas_mm2": TEXT,
    "mean_area_mm2": 3, "second_minus_first_mm2": 3,
}  # fmt: skip


class RepeatabilityFigures(Protocol):
    """Draws repeatability; given by the caller."""

    def bland_altman(self, path: Path, found: Repeatability) -> None:
        """
        Draw differences against means.

        Parameters
        ----------
        path : Path
            Of the picture.
        found : Repeatability
            Of all sets.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRepeatability:
    """
    What replicate photos showed.

    Parameters
    ----------
    found : Repeatability
        Of all sets.
    measures : tuple of mapping
        Rows of repeatability.csv.
    refused : int
        Photos that were refused.
    """

    found: Repeatability
    measures: tuple[Row, ...]
    refused: int


def run_repeatability(
    study: Path,
    out: Path,
    *,
    protocol: StudyProtocol,
    segmenters_for: Callable[[Path], SegmenterSource],
    jobs: int = 1,
    overwrite: bool = False,
    figures: RepeatabilityFigures | None = None,
    on_visit: Callable[[int, int], None] = lambda _done, _all: None,
) -> StudyRepeatability:
    """
    Compute the repeatability of a study's replicate photos and write tables and profile.

    Parameters
    ----------
    study : Path
        Results folder of `oral-lesion study`, whose scores are taken; or photos STUDY/SUBJECT/VISIT, which are scored.
    out : Path
        Results folder.
    protocol : StudyProtocol
        All settings.
    segmenters_for : callable
        Gives what segments the photos of a visit's folder.
    jobs : int
        Photos scored at the same time.
    overwrite : bool
        Replace earlier results in `out`.
    figures : RepeatabilityFigures or None
        What draws.
    on_visit : callable
        Called with the visits scored and all visits.

    Returns
    -------
    StudyRepeatability

    Raises
    ------
    InputError
        Where there is no set of replicates with an erosion, or scores are of different protocols or models.
    """
    with OutputFolder(out, inputs=study, overwrite=overwrite) as folder:
        if is_study_results(study):
            visits = [read_scored_visit(folder) for folder in scored_visits_of(study)]
        else:
            visits = list(_scored(study, folder / "scores", protocol, segmenters_for, jobs, on_visit))
        _require_one_procedure(visits, study)
        sets = _sets_of(visits, protocol)
        found = repeatability_of(sets)
        measures = tuple(_measures_of(found))
        write_table(folder / "repeatability.csv", _MEASURES, measures)
        write_table(folder / "replicates.csv", _SETS, map(_row_of, found.sets))
        write_bytes(folder / PROFILE_FILE, _snippet(found, visits[0]).encode("utf-8"))
        if figures is not None:
            figures.bland_altman(folder / "bland-altman.png", found)
        refused = sum(one.photo.refusal is not None for visit in visits for one in visit.scores)
        write_run_json(folder / RUN_FILE, _described(found, visits, protocol, refused))
    return StudyRepeatability(found=found, measures=measures, refused=refused)


def is_study_results(folder: Path) -> bool:
    """
    Return whether a folder holds the finished results of `oral-lesion study`.

    Parameters
    ----------
    folder : Path
        Any.

    Returns
    -------
    bool

    Raises
    ------
    InputError
        Where a run of `oral-lesion study` did not finish there.
    """
    try:
        run = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if not isinstance(run, dict) or run.get("command") != "study":
        return False
    if not run.get("finished"):
        raise InputError(f"{folder}: `oral-lesion study` did not finish there. Finish it with --resume.")
    return True


def scored_visits_of(study: Path) -> tuple[Path, ...]:
    """
    Return the folders of the visits that `oral-lesion study` scored.

    Parameters
    ----------
    study : Path
        Its results folder.

    Returns
    -------
    tuple of Path
        By subject and visit.
    """
    return tuple(path.parent for path in sorted((study / "scores").glob(f"*/*/{RUN_FILE}")))


def _scored(
    study: Path,
    scores: Path,
    protocol: StudyProtocol,
    segmenters_for: Callable[[Path], SegmenterSource],
    jobs: int,
    on_visit: Callable[[int, int], None],
) -> Iterator[ScoredVisit]:
    folders = find_study(study, [visit.name for visit in protocol.endpoint.visits])
    for done, visit in enumerate(folders.visits, start=1):
        place = scores / visit.place
        score_visit(visit.path, place, protocol=protocol.scoring, segmenters=segmenters_for(visit.path), jobs=jobs)
        yield read_scored_visit(place)
        on_visit(done, len(folders.visits))


def _require_one_procedure(visits: Sequence[ScoredVisit], study: Path) -> None:
    procedures = {(visit.protocol_sha256, visit.model, visit.software) for visit in visits}
    if len(procedures) != 1:
        told = "no scored visit" if not procedures else f"{len(procedures)} protocols, models or versions"
        raise InputError(f"{study}: expected scores of one procedure, got {told}. Score the study with the same again.")


def _sets_of(visits: Sequence[ScoredVisit], protocol: StudyProtocol) -> tuple[ReplicateSet, ...]:
    scores = [one for visit in visits for one in visit.scores]
    subjects = sorted({one.identity.subject_id for one in scores})
    return replicate_sets(
        [
            site_visit
            for subject_id in subjects
            for site_visit in history_of_subject(
                subject_id, [one for one in scores if one.identity.subject_id == subject_id], protocol.endpoint
            ).site_visits
        ],
        protocol.endpoint,
    )


def _measures_of(found: Repeatability) -> Iterator[Row]:
    def row(measure: str, value: float, interval: tuple[float, float], unit: str, freedom: int | None) -> Row:
        return {
            "measure": measure, "value": value, "low": interval[0], "high": interval[1], "unit": unit,
            "sets": len(found.sets), "degrees_of_freedom": freedom, "area_mm2": None,
        }  # fmt: skip

    freedom = found.sd.degrees_of_freedom
    coefficient = [repeatability_coefficient(value) for value in (found.sd.value, *found.sd.interval)]
    relative = [100.0 * repeatability_coefficient(value) for value in (found.cv.value, *found.cv.interval)]
    cv = [100.0 * value for value in (found.cv.value, *found.cv.interval)]
    yield row("within-set-sd", found.sd.value, found.sd.interval, "mm2", freedom)
    yield row("repeatability-coefficient", coefficient[0], (coefficient[1], coefficient[2]), "mm2", freedom)
    yield row("within-set-cv", cv[0], (cv[1], cv[2]), "%", freedom)
    yield row("relative-repeatability-coefficient", relative[0], (relative[1], relative[2]), "%", freedom)
    if found.correlation is not None:
        yield row("icc-2-1", found.correlation.value, found.correlation.interval, "1", None)
    if found.limits is not None:
        limits = found.limits
        yield row("bias-second-minus-first", limits.bias, limits.bias_interval, "mm2", None)
        yield row("lower-limit-of-agreement", limits.lower, limits.lower_interval, "mm2", None)
        yield row("upper-limit-of-agreement", limits.upper, limits.upper_interval, "mm2", None)
    for one in found.bins:
        low, high = (repeatability_coefficient(value) for value in one.spread.interval)
        yield {
            "measure": "profile", "value": one.rc_mm2, "low": low, "high": high, "unit": "mm2",
            "sets": one.spread.subjects, "degrees_of_freedom": one.spread.degrees_of_freedom, "area_mm2": one.area_mm2,
        }  # fmt: skip


def _row_of(one: ReplicateSet) -> Row:
    return {
        "subject": one.subject_id,
        "visit": one.visit,
        "site": one.site,
        "photos": " ".join(photo.photo_id for photo in one.photos),
        "replicates": len(one.photos),
        "areas_mm2": " ".join(f"{area:.3f}" for area in one.areas_mm2),
        "mean_area_mm2": one.mean_mm2,
        "second_minus_first_mm2": one.areas_mm2[1] - one.areas_mm2[0],
    }


def _snippet(found: Repeatability, visit: ScoredVisit) -> str:
    subjects = len({one.subject_id for one in found.sets})
    lines = [
        "# Precision profile of a site: put it into the protocol's section [endpoint], in place of `repeatability`.",
        f"# From {len(found.sets)} sets of replicate photos of {subjects} subjects,",
        f"# scoring protocol {visit.protocol_sha256},",
        f"# model {visit.model.name} {visit.model.version} {visit.model.sha256}".rstrip()
        + ": it holds for these alone.",
        "repeatability = [",
        *(
            f"    {{ area_mm2 = {point.area_mm2}, rc_mm2 = {point.rc_mm2} }},"
            for point in precision_profile(found.bins)
        ),
        "]",
    ]
    return "\n".join(lines) + "\n"


def _described(
    found: Repeatability, visits: Sequence[ScoredVisit], protocol: StudyProtocol, refused: int
) -> dict[str, Any]:
    model = visits[0].model
    return {
        "schema_version": 1,
        "command": "repeatability",
        "software": {"name": "oral-lesion", "version": __version__},
        "packages": package_versions(),
        "protocol_sha256": protocol.sha256,
        "scoring_protocol_sha256": visits[0].protocol_sha256,
        "model": {"name": model.name, "version": model.version, "sha256": model.sha256},
        "counts": {
            "visits": len(visits),
            "photos": sum(len(visit.scores) for visit in visits),
            "refused": refused,
            "sets": len(found.sets),
            "sets_without_erosion": found.empty_sets,
            "subjects": len({one.subject_id for one in found.sets}),
            "replicates_in_icc": found.replicates,
        },
    }
