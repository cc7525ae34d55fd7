"""Endpoints of a visit over all of the protocol's sites."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from oral_lesion.endpoint.estimates import Figure, Missing, linear
from oral_lesion.endpoint.replicates import SiteValue
from oral_lesion.endpoint.rows import Comparison, change_outcomes, lesion_outcomes, rows_of
from oral_lesion.endpoint.site import is_healed
from oral_lesion.endpoint.subject_values import SubjectValues
from oral_lesion.records import ALL, EndpointNote, EndpointRow, NotDone, Parameter, UncertaintyGap

__all__ = ["all_healed", "compared_sites", "visit_endpoints"]


def visit_endpoints(
    subject: SubjectValues, visit: str, new_lesions: Mapping[str, Figure | Missing]
) -> list[EndpointRow]:
    """
    Return the endpoints of one visit over all of the protocol's sites.

    The total area needs every site. A change is summed over the sites that were scored at both visits, if they are
    enough by ``min_compared_sites_ratio``; how many they were stands in a row of its own.

    Parameters
    ----------
    subject : SubjectValues
        Whose visit it is.
    visit : str
        Its name.
    new_lesions : mapping of str to Figure or Missing
        Number of new lesions at this visit by site.

    Returns
    -------
    list of EndpointRow
        Of a follow-up with what compares it with the baseline.
    """
    expected = subject.settings.sites
    scored = _scored(subject, visit)
    count = Figure(value=float(len(scored)), u_reason=UncertaintyGap.EXACT, detail=f"of {len(expected)}")
    outcomes: dict[Parameter, Figure | Missing] = {
        **_totals(subject, visit, scored),
        Parameter.SITES_SCORED: count if _was_held(subject, visit) else Missing(reason=NotDone.VISIT_MISSING),
    }
    notes = _notes(subject, visit, scored)
    rows = rows_of(subject, (ALL, visit), outcomes, notes)
    if not subject.is_follow_up(visit):
        return rows
    compared = compared_sites(subject, visit)
    found = (
        Missing(reason=NotDone.VISIT_MISSING)
        if not _was_held(subject, visit)
        else Figure(value=float(len(compared)), u_reason=UncertaintyGap.EXACT, detail=f"of {len(expected)}")
    )
    changes = {
        Parameter.SITES_COMPARED: found,
        Parameter.NEW_LESION_COUNT: _summed([new_lesions[site] for site in expected]),
        **change_outcomes(_comparison(subject, visit, compared), subject.settings),
    }
    notes = _notes(subject, visit, {site: follow_up for site, (_, follow_up) in compared.items()})
    if any(baseline.mirror is not follow_up.mirror for baseline, follow_up in compared.values()):
        notes = tuple(sorted({*notes, EndpointNote.MIRROR_DIFFERS}))
    if any(baseline.at_edge for baseline, _ in compared.values()):
        notes = tuple(sorted({*notes, EndpointNote.LESION_AT_EDGE}))
    return rows + rows_of(subject, (ALL, visit), changes, notes)


def compared_sites(subject: SubjectValues, visit: str) -> dict[str, tuple[SiteValue, SiteValue]]:
    """
    Return the protocol's sites that were scored at the baseline and at a visit.

    Parameters
    ----------
    subject : SubjectValues
        Whose visit it is.
    visit : str
        Its name.

    Returns
    -------
    dict
        Values at the baseline and at the visit by site.
    """
    pairs = {site: subject.pair(site, visit) for site in subject.settings.sites}
    return {site: pair for site, pair in pairs.items() if not isinstance(pair, Missing)}


def all_healed(subject: SubjectValues, visit: str) -> bool | Missing:
    """
    Return whether every site of the protocol counts as healed at a visit.

    Parameters
    ----------
    subject : SubjectValues
        Whose visit it is.
    visit : str
        Its name.

    Returns
    -------
    bool or Missing
        False as soon as one site that was scored is not healed; True only where all were scored and are; else
        ``visit-missing`` or ``sites-incomplete``.
    """
    limit = subject.settings.healed_below_mm2
    values = [subject.values[site, visit] for site in subject.settings.sites]
    if any(not is_healed(value, limit) for value in values if isinstance(value, SiteValue)):
        return False
    if all(isinstance(value, SiteValue) for value in values):
        return True
    return _incomplete(subject, visit, _scored(subject, visit))


def _totals(subject: SubjectValues, visit: str, scored: Mapping[str, SiteValue]) -> dict[Parameter, Figure | Missing]:
    healed = all_healed(subject, visit)
    if len(scored) < len(subject.settings.sites):
        missing = _incomplete(subject, visit, scored)
        return {
            **dict.fromkeys((Parameter.AREA, Parameter.LESION_COUNT, Parameter.LARGEST_DIAMETER), missing),
            Parameter.HEALED: (
                healed if isinstance(healed, Missing) else Figure(value=float(healed), u_reason=UncertaintyGap.DECISION)
            ),
        }
    lesions = tuple(lesion for value in scored.values() for lesion in value.lesions)
    return lesion_outcomes(linear((1.0, value.area) for value in scored.values()), lesions, healed)


def _comparison(
    subject: SubjectValues, visit: str, compared: Mapping[str, tuple[SiteValue, SiteValue]]
) -> Comparison | Missing:
    expected = subject.settings.sites
    if not compared or len(compared) / len(expected) < subject.settings.min_compared_sites_ratio:
        pairs = [subject.pair(site, visit) for site in expected]
        reasons = {pair.reason for pair in pairs if isinstance(pair, Missing)}
        if not compared and len(reasons) == 1:
            return Missing(reason=reasons.pop())
        return _incomplete(subject, visit, compared)
    return Comparison(
        baseline=linear((1.0, baseline.area) for baseline, _ in compared.values()),
        follow_up=linear((1.0, follow_up.area) for _, follow_up in compared.values()),
        site_areas_mm2=tuple((one.area.value_mm2, other.area.value_mm2) for one, other in compared.values()),
        perimeters_mm=tuple((one.perimeter_mm, other.perimeter_mm) for one, other in compared.values()),
        days=subject.common_days_since_baseline(compared, visit),
    )


def _scored(subject: SubjectValues, visit: str) -> dict[str, SiteValue]:
    values = {site: subject.values[site, visit] for site in subject.settings.sites}
    return {site: value for site, value in values.items() if isinstance(value, SiteValue)}


def _was_held(subject: SubjectValues, visit: str) -> bool:
    values = (subject.values[site, visit] for site in subject.sites)
    return any(isinstance(value, SiteValue) or value.reason is not NotDone.VISIT_MISSING for value in values)


def _incomplete(subject: SubjectValues, visit: str, there: Iterable[str]) -> Missing:
    if not _was_held(subject, visit):
        return Missing(reason=NotDone.VISIT_MISSING)
    lacking = [site for site in subject.settings.sites if site not in there]
    return Missing(reason=NotDone.SITES_INCOMPLETE, detail=" ".join(lacking))


def _notes(subject: SubjectValues, visit: str, sites: Mapping[str, SiteValue]) -> tuple[EndpointNote, ...]:
    found = {note for site in sites for note in subject.notes(site, visit)}
    if subject.settings.scheduled(visit) is None:
        found.add(EndpointNote.UNSCHEDULED)
    if len(sites) < len(subject.settings.sites):
        found.add(EndpointNote.SITES_INCOMPLETE)
    return tuple(sorted(found))


def _summed(counts: list[Figure | Missing]) -> Figure | Missing:
    known = [count.value for count in counts if isinstance(count, Figure)]
    missing = [count for count in counts if isinstance(count, Missing)]
    if missing:
        same = {one.reason for one in missing}
        return missing[0] if not known and len(same) == 1 else Missing(reason=NotDone.SITES_INCOMPLETE)
    return Figure(value=math.fsum(known), u_reason=UncertaintyGap.NOT_ESTIMATED)
