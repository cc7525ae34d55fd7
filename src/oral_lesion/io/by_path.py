"""Whole runs by the paths of what they need: the commands `study` and `compare` in one line of Python."""

from __future__ import annotations

from pathlib import Path

from oral_lesion.io.batch import BundleSegmenters
from oral_lesion.io.compare_visits import ComparedVisits, compare_scored_visits
from oral_lesion.io.resources import bundle_path
from oral_lesion.io.settings import load_study_protocol
from oral_lesion.io.study import StudyOutcome, StudyRun, run_study

__all__ = ["compare_visits", "score_study"]


def score_study(
    study: Path, out: Path, *, protocol: Path | None = None, model: Path | None = None, run: StudyRun | None = None
) -> StudyOutcome:
    """
    Score all photos of a study, follow each site, and write endpoints.csv, changes.csv and the other tables.

    It draws no figures and writes no audit log; the command does.

    Parameters
    ----------
    study : Path
        Folder of photos STUDY/SUBJECT/VISIT, or a manifest.
    out : Path
        Results folder.
    protocol : Path or None
        Protocol file (TOML); None takes that of ORAL_LESION_HOME, or else the packaged one.
    model : Path or None
        Model bundle folder, or the name of a known one; None takes the packaged one.
    run : StudyRun or None
        Processes, limits, what becomes of earlier results; None: one process, nothing is replaced.

    Returns
    -------
    StudyOutcome
        Endpoints, changes and what became of each photo.

    Raises
    ------
    OralLesionError
        Where protocol, model, study or results folder cannot be used; the message says why and what to do.
    """
    loaded = load_study_protocol(protocol)
    segmenters = BundleSegmenters.of(bundle_path(model))
    return run_study(
        Path(study), Path(out), protocol=loaded, segmenters_for=lambda _visit: segmenters, run=run or StudyRun()
    )


def compare_visits(
    baseline: Path, follow_up: Path, out: Path, *, protocol: Path | None = None, overwrite: bool = False
) -> ComparedVisits:
    """
    Compare two scored visits of a subject, site by site, and write changes.csv and lesions_over_time.csv.

    Parameters
    ----------
    baseline, follow_up : Path
        Results folders of `score_visit`.
    out : Path
        Results folder.
    protocol : Path or None
        Protocol file (TOML); None takes that of ORAL_LESION_HOME, or else the packaged one.
    overwrite : bool
        Replace earlier results in `out`.

    Returns
    -------
    ComparedVisits
        Rows of both tables.

    Raises
    ------
    OralLesionError
        Where the visits cannot be compared, or the results cannot be written.
    """
    return compare_scored_visits(
        Path(baseline), Path(follow_up), Path(out), protocol=load_study_protocol(protocol), overwrite=overwrite
    )
