"""All endpoint rows of a study, in one order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from oral_lesion.endpoint.extent import extent_endpoints
from oral_lesion.endpoint.lesions import lesion_endpoints, new_lesion_count
from oral_lesion.endpoint.settings import EndpointSettings
from oral_lesion.endpoint.site import site_endpoints
from oral_lesion.endpoint.subject import subject_endpoints
from oral_lesion.endpoint.subject_values import SubjectValues, collect_subject_values
from oral_lesion.endpoint.visit import visit_endpoints
from oral_lesion.records import EndpointRow, LesionTrack, SiteVisit

__all__ = ["study_endpoints"]


def study_endpoints(
    site_visits: Iterable[SiteVisit],
    settings: EndpointSettings,
    *,
    strata: Mapping[str, Mapping[str, str | None]],
    tracks: Mapping[tuple[str, str], Sequence[LesionTrack]],
) -> tuple[EndpointRow, ...]:
    """
    Return all endpoint rows of a study.

    Parameters
    ----------
    site_visits : iterable of SiteVisit
        Of all subjects, in any order.
    settings : EndpointSettings
        The protocol's rules.
    strata : mapping of str to mapping
        Strata by subject; a stratum that is not there is not known. A subject without any photo has its rows too, for a
        trial analyses all that it randomised.
    tracks : mapping of (str, str) to sequence of LesionTrack
        Lesions by subject and site; a site that is not there was not followed, an empty one never had a lesion.

    Returns
    -------
    tuple of EndpointRow
        By subject; within it sites and visits in the protocol's order, single lesions last.

    Raises
    ------
    InputError
        Where a site comes twice at a visit, or is no code of the vocabulary.
    """
    by_subject: dict[str, list[SiteVisit]] = {subject_id: [] for subject_id in strata}
    for one in site_visits:
        by_subject.setdefault(one.subject_id, []).append(one)
    rows: list[EndpointRow] = []
    for subject_id in sorted(by_subject):
        subject = collect_subject_values(subject_id, by_subject[subject_id], strata.get(subject_id, {}), settings)
        rows += _rows_of_subject(subject, {site: tracks.get((subject_id, site)) for site in subject.sites})
    return tuple(rows)


def _rows_of_subject(subject: SubjectValues, tracks: Mapping[str, Sequence[LesionTrack] | None]) -> list[EndpointRow]:
    new = {
        (site, visit): new_lesion_count(subject, site, visit, tracks[site])
        for site in subject.sites
        for visit in subject.visits
    }
    rows: list[EndpointRow] = []
    for site in subject.sites:
        rows += site_endpoints(subject, site, {visit: new[site, visit] for visit in subject.visits})
    for visit in subject.visits:
        rows += visit_endpoints(subject, visit, {site: new[site, visit] for site in subject.sites})
        rows += extent_endpoints(subject, visit)
    rows += subject_endpoints(subject)
    for site in subject.sites:
        rows += lesion_endpoints(subject, site, tracks[site] or ())
    return rows
