"""Endpoints of one site at each visit."""

from __future__ import annotations

from collections.abc import Mapping

from oral_lesion.endpoint.estimates import Figure, Missing
from oral_lesion.endpoint.replicates import SiteValue
from oral_lesion.endpoint.rows import Comparison, change_outcomes, lesion_outcomes, rows_of
from oral_lesion.endpoint.subject_values import UNKNOWN_SITE, SubjectValues
from oral_lesion.records import EndpointNote, EndpointRow, NotDone, Parameter

__all__ = ["is_healed", "site_endpoints"]

_OF_ONE_VISIT = (Parameter.AREA, Parameter.LESION_COUNT, Parameter.LARGEST_DIAMETER, Parameter.HEALED)


def is_healed(value: SiteValue, healed_below_mm2: float) -> bool:
    """
    Return whether a site counts as healed.

    Parameters
    ----------
    value : SiteValue
        Of a visit.
    healed_below_mm2 : float
        From the protocol.

    Returns
    -------
    bool
        Whether its area lies below that.
    """
    return value.area.value_mm2 < healed_below_mm2


def site_endpoints(subject: SubjectValues, site: str, new_lesions: Mapping[str, Figure | Missing]) -> list[EndpointRow]:
    """
    Return the endpoints of one site at each visit.

    Parameters
    ----------
    subject : SubjectValues
        Whose site it is.
    site : str
        Code.
    new_lesions : mapping of str to Figure or Missing
        Number of new lesions by follow-up.

    Returns
    -------
    list of EndpointRow
        By visit; of a follow-up with what compares it with the baseline.
    """
    rows: list[EndpointRow] = []
    for visit in subject.visits:
        value = subject.values[site, visit]
        if site == UNKNOWN_SITE:
            if isinstance(value, Missing) and value.reason is NotDone.SITE_UNKNOWN:
                rows += rows_of(subject, (site, visit), {Parameter.AREA: value})
            continue
        if isinstance(value, Missing):
            outcomes: dict[Parameter, Figure | Missing] = dict.fromkeys(_OF_ONE_VISIT, value)
        else:
            healed = is_healed(value, subject.settings.healed_below_mm2)
            outcomes = lesion_outcomes(value.area, value.lesions, healed)
        notes = subject.notes(site, visit)
        rows += rows_of(subject, (site, visit), outcomes, notes)
        if subject.is_follow_up(visit):
            rows += rows_of(subject, (site, visit), {Parameter.NEW_LESION_COUNT: new_lesions[visit]}, notes)
            rows += _change_rows(subject, site, visit, notes)
    return rows


def _change_rows(subject: SubjectValues, site: str, visit: str, notes: tuple[EndpointNote, ...]) -> list[EndpointRow]:
    pair = subject.pair(site, visit)
    if isinstance(pair, Missing):
        return rows_of(subject, (site, visit), change_outcomes(pair, subject.settings), notes)
    baseline, follow_up = pair
    further = set(notes)
    if baseline.at_edge:
        further.add(EndpointNote.LESION_AT_EDGE)
    if baseline.mirror is not follow_up.mirror:
        further.add(EndpointNote.MIRROR_DIFFERS)
    comparison = Comparison(
        baseline=baseline.area,
        follow_up=follow_up.area,
        site_areas_mm2=((baseline.area.value_mm2, follow_up.area.value_mm2),),
        perimeters_mm=((baseline.perimeter_mm, follow_up.perimeter_mm),),
        days=subject.days_since_baseline(site, visit),
    )
    outcomes = change_outcomes(comparison, subject.settings)
    return rows_of(subject, (site, visit), outcomes, tuple(sorted(further)))
