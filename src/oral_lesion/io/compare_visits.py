"""Two scored visits, or two photos of one site: by how much the area changed, and what became of each lesion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from oral_lesion._version import __version__
from oral_lesion.endpoint import EndpointSettings, ScheduledVisit
from oral_lesion.endpoint.subject_values import collect_subject_values
from oral_lesion.errors import InputError, OutputError
from oral_lesion.io.batch import SegmenterSource, score_found
from oral_lesion.io.change_tables import change_columns, change_rows, lesion_columns, lesion_rows
from oral_lesion.io.csv_tables import Row, write_table
from oral_lesion.io.provenance import package_versions
from oral_lesion.io.scored_visits import ScoredVisit, StoredScore, read_scored_visit
from oral_lesion.io.site_histories import SiteHistory, SubjectHistory, follow_site, history_of_subject
from oral_lesion.io.sites import site_from_text
from oral_lesion.io.store import RUN_FILE, OutputFolder, write_run_json
from oral_lesion.io.study import Figures
from oral_lesion.io.study_protocol import StudyProtocol
from oral_lesion.io.visits import VisitPhotos, identify_photo
from oral_lesion.records import Visit

__all__ = ["ComparedVisits", "compare_photos", "compare_scored_visits"]

_ANY_DAYS = 100_000
_NAMES = ("baseline", "follow-up")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedVisits:
    """
    What two visits show.

    Parameters
    ----------
    changes : tuple of mapping
        Rows of changes.csv: one a site.
    lesions : tuple of mapping
        Rows of lesions_over_time.csv.
    """

    changes: tuple[Row, ...]
    lesions: tuple[Row, ...]


def compare_scored_visits(
    baseline: Path,
    follow_up: Path,
    out: Path,
    *,
    protocol: StudyProtocol,
    overwrite: bool = False,
    figures: Figures | None = None,
) -> ComparedVisits:
    """
    Compare two visits that were scored before, site by site.

    Parameters
    ----------
    baseline, follow_up : Path
        Results folders of `oral-lesion score`.
    out : Path
        Results folder.
    protocol : StudyProtocol
        Rules of comparison; the areas are those that were scored.
    overwrite : bool
        Replace earlier results in `out`.
    figures : Figures or None
        What draws.

    Returns
    -------
    ComparedVisits

    Raises
    ------
    InputError
        Where both were scored with different protocols, models or versions, are not of one subject, or are one visit.
    FormatError
        Where a folder holds no scored visit.
    """
    _require_apart(out, follow_up)
    visits = (read_scored_visit(baseline), read_scored_visit(follow_up))
    _require_comparable(visits, (baseline, follow_up))
    with OutputFolder(out, inputs=baseline, overwrite=overwrite) as folder:
        return _compare(visits, folder, protocol, figures)


def compare_photos(
    baseline: Path,
    follow_up: Path,
    out: Path,
    *,
    protocol: StudyProtocol,
    segmenters_for: Callable[[Path], SegmenterSource],
    site: str | None = None,
    overwrite: bool = False,
    figures: Figures | None = None,
) -> ComparedVisits:
    """
    Score two photos of one site with the protocol, and compare them.

    Parameters
    ----------
    baseline, follow_up : Path
        Files.
    out : Path
        Results folder; the scores are in ``scores`` below it.
    protocol : StudyProtocol
        All settings.
    segmenters_for : callable
        Gives what segments the photos of a folder.
    site : str or None
        Name of the site; None where the file names tell it.
    overwrite : bool
        Replace earlier results in `out`.
    figures : Figures or None
        What draws.

    Returns
    -------
    ComparedVisits

    Raises
    ------
    InputError
        Where the photos' site is unknown, or the file names tell different ones.
    """
    _require_apart(out, follow_up)
    code = None if site is None else site_from_text(site)
    if site is not None and code is None:
        raise InputError(f"site: expected a code of docs/sites.md, such as buccal-left, got {site!r}.")
    entries = [identify_photo(path) for path in (baseline, follow_up)]
    sites = {entry.identity.site for entry in entries} if code is None else {code}
    if len(sites) > 1 or None in sites:
        told = ", ".join(sorted(str(one or "unknown") for one in sites))
        raise InputError(
            f"site: expected two photos of one site, their names tell {told}. Say which: --site buccal-left."
        )
    subjects = {entry.identity.subject_id for entry in entries}
    subject = subjects.pop() if len(subjects) == 1 else "unknown"
    with OutputFolder(out, inputs=baseline, overwrite=overwrite) as folder:
        for name, entry in zip(_NAMES, entries, strict=True):
            identity = replace(entry.identity, subject_id=subject, visit=Visit(name=name), site=next(iter(sites)))
            # The photo alone is what must not be touched: results may well lie beside it.
            found = VisitPhotos(folder=entry.path, entries=(replace(entry, identity=identity),))
            source = segmenters_for(entry.path.parent)
            score_found(found, folder / "scores" / name, protocol=protocol.scoring, segmenters=source)
        visits = tuple(read_scored_visit(folder / "scores" / name) for name in _NAMES)
        return _compare((visits[0], visits[1]), folder, protocol, figures)


def _require_apart(out: Path, follow_up: Path) -> None:
    """Refuse results in the follow-up, which `OutputFolder` is not told of."""
    results, inputs = out.resolve(), follow_up.resolve()
    if results.is_relative_to(inputs) or inputs.is_relative_to(results):
        raise OutputError(f"{out}: results must lie apart from {follow_up}. Choose another folder with --out.")


def _require_comparable(visits: tuple[ScoredVisit, ScoredVisit], folders: tuple[Path, Path]) -> None:
    first, then = visits
    between = f"{folders[0]} and {folders[1]}"
    for what, one, other in (
        ("protocols", first.protocol_sha256, then.protocol_sha256),
        ("models", first.model, then.model),
        ("versions of this software", first.software, then.software),
    ):
        if one != other:
            raise InputError(f"{between}: were scored with different {what}; score both visits again with the same.")
    subjects = sorted({score.identity.subject_id for visit in visits for score in visit.scores})
    if len(subjects) != 1:
        raise InputError(f"{between}: expected one subject, got {', '.join(subjects) or 'no photo'}.")
    names = [{score.identity.visit.name for score in visit.scores} for visit in visits]
    if any(len(name) != 1 for name in names) or names[0] == names[1]:
        told = ", ".join(sorted(names[0] | names[1]))
        raise InputError(f"{between}: expected two different visits, got {told}.")


def _compare(
    visits: tuple[ScoredVisit, ScoredVisit], folder: Path, protocol: StudyProtocol, figures: Figures | None
) -> ComparedVisits:
    scores = [one for visit in visits for one in visit.scores]
    settings = _settings_of_pair(visits, protocol.endpoint)
    subject = history_of_subject(scores[0].identity.subject_id, scores, settings)
    values = collect_subject_values(subject.subject_id, subject.site_visits, {}, settings)
    histories = _histories(subject, protocol, settings, figures, folder / "figures")
    changes = change_rows(values, histories)
    lesions = [row for history in histories for row in lesion_rows(history, ())]
    write_table(folder / "changes.csv", change_columns(()), changes)
    write_table(folder / "lesions_over_time.csv", lesion_columns(()), lesions)
    write_run_json(folder / RUN_FILE, _described(scores, visits[0], protocol, histories))
    return ComparedVisits(changes=tuple(changes), lesions=tuple(lesions))


def _settings_of_pair(visits: Sequence[ScoredVisit], settings: EndpointSettings) -> EndpointSettings:
    """Return the protocol's rules with these two visits as the schedule, and what was photographed as its sites."""
    first, then = (visit.scores[0].identity.visit.name for visit in visits)
    sites = sorted({one.identity.site for visit in visits for one in visit.scores if one.identity.site is not None})
    window = {"window_before_days": _ANY_DAYS, "window_after_days": _ANY_DAYS}
    schedule = (ScheduledVisit(name=first, study_day=0, **window), ScheduledVisit(name=then, study_day=1, **window))
    return settings.model_copy(
        update={
            "baseline_visit": first,
            "visits": schedule,
            "days": "actual",
            "sites": tuple(sites),
            "strata": (),
        }
    )


def _histories(
    subject: SubjectHistory,
    protocol: StudyProtocol,
    settings: EndpointSettings,
    figures: Figures | None,
    folder: Path,
) -> list[SiteHistory]:
    histories = []
    for site in subject.sites:
        history, loaded = follow_site(subject, site, protocol.comparison, settings)
        histories.append(history)
        if figures is not None:
            figures.strip(folder, history, loaded)
    return histories


def _described(
    scores: Sequence[StoredScore], visit: ScoredVisit, protocol: StudyProtocol, histories: Sequence[SiteHistory]
) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "command": "compare",
        "software": {"name": "oral-lesion", "version": __version__},
        "packages": package_versions(),
        "protocol_sha256": protocol.sha256,
        "scoring_protocol_sha256": visit.protocol_sha256,
        "protocol": protocol.settings,
        "model": {"name": visit.model.name, "version": visit.model.version, "sha256": visit.model.sha256},
        "inputs": [
            {
                "photo_id": one.identity.photo_id,
                "visit": one.identity.visit.name,
                "site": one.identity.site,
                "sha256": one.identity.sha256,
            }
            for one in scores
        ],
        "not_followed": [{"site": one.site, "detail": one.failure} for one in histories if one.failure],
    }
