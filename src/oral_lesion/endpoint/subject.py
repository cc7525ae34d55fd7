"""Endpoints over all visits: time to complete healing and area under the curve, of each site and of all."""

from __future__ import annotations

from oral_lesion.endpoint.estimates import AreaEstimate, Figure, Missing, normalized_auc
from oral_lesion.endpoint.healing import HealingVisit, healing_outcomes
from oral_lesion.endpoint.replicates import SiteValue
from oral_lesion.endpoint.rows import rows_of
from oral_lesion.endpoint.site import is_healed
from oral_lesion.endpoint.subject_values import SubjectValues
from oral_lesion.endpoint.visit import all_healed
from oral_lesion.records import ALL, EndpointNote, EndpointRow, NotDone, Parameter

__all__ = ["subject_endpoints"]

_Curve = list[tuple[int, AreaEstimate]]


def subject_endpoints(subject: SubjectValues) -> list[EndpointRow]:
    """
    Return the endpoints over all scheduled visits, of each of the protocol's sites and of all of them.

    Parameters
    ----------
    subject : SubjectValues
        Whose they are.

    Returns
    -------
    list of EndpointRow
        Visit ``all``.
    """
    rows: list[EndpointRow] = []
    curves = {site: _curve(subject, site) for site in subject.settings.sites}
    for site in subject.settings.sites:
        curve = curves[site]
        outcomes = {
            **_site_healing(subject, site),
            Parameter.NORMALIZED_AUC: curve if isinstance(curve, Missing) else normalized_auc([curve]),
        }
        gaps = any(isinstance(subject.values[site, visit.name], Missing) for visit in subject.settings.follow_ups)
        rows += rows_of(subject, (site, ALL), outcomes, (EndpointNote.VISITS_MISSING,) if gaps else ())
    rows += rows_of(subject, (ALL, ALL), _all_healing(subject), _notes_of_healing(subject))
    whole = {Parameter.NORMALIZED_AUC: _all_auc(subject, curves)}
    return rows + rows_of(subject, (ALL, ALL), whole, _notes_of_auc(subject, curves, whole[Parameter.NORMALIZED_AUC]))


def _site_healing(subject: SubjectValues, site: str) -> dict[Parameter, Figure | Missing]:
    limit = subject.settings.healed_below_mm2

    def healed_at(visit: str) -> bool | Missing:
        value = subject.values[site, visit]
        return value if isinstance(value, Missing) else is_healed(value, limit)

    follow_ups = [
        HealingVisit(healed=healed_at(visit.name), days=subject.days_since_baseline(site, visit.name))
        for visit in subject.settings.follow_ups
    ]
    return healing_outcomes(healed_at(subject.settings.baseline_visit), follow_ups, subject.settings.healing)


def _all_healing(subject: SubjectValues) -> dict[Parameter, Figure | Missing]:
    follow_ups = []
    for visit in subject.settings.follow_ups:
        days = subject.common_days_since_baseline(subject.settings.sites, visit.name)
        follow_ups.append(HealingVisit(healed=all_healed(subject, visit.name), days=days))
    return healing_outcomes(all_healed(subject, subject.settings.baseline_visit), follow_ups, subject.settings.healing)


def _curve(subject: SubjectValues, site: str) -> _Curve | Missing:
    """Return day and area of the visits that were scored, from the baseline to the last scheduled visit."""
    settings = subject.settings
    baseline = subject.values[site, settings.baseline_visit]
    if isinstance(baseline, Missing):
        return Missing(reason=NotDone.NO_BASELINE, detail=f"{baseline.reason} {baseline.detail}".strip())
    if not settings.follow_ups:
        return Missing(reason=NotDone.NO_FOLLOW_UP)
    missing = [visit.name for visit in settings.follow_ups if isinstance(subject.values[site, visit.name], Missing)]
    if settings.follow_ups[-1].name in missing:
        return Missing(reason=NotDone.LAST_VISIT_MISSING, detail=settings.follow_ups[-1].name)
    if len(missing) > settings.max_missing_visits:
        return Missing(reason=NotDone.TOO_MANY_MISSING, detail=" ".join(missing))
    curve: _Curve = [(0, baseline.area)]
    for visit in settings.follow_ups:
        if visit.name in missing:
            continue
        pair = subject.pair(site, visit.name)
        if isinstance(pair, Missing):
            return pair
        days = subject.days_since_baseline(site, visit.name)
        if isinstance(days, Missing):
            return days
        if days <= curve[-1][0]:
            return Missing(reason=NotDone.VISITS_OUT_OF_ORDER, detail=visit.name)
        curve.append((days, pair[1].area))
    return curve


def _all_auc(subject: SubjectValues, curves: dict[str, _Curve | Missing]) -> Figure | Missing:
    known = {site: curve for site, curve in curves.items() if not isinstance(curve, Missing)}
    settings = subject.settings
    if not known or len(known) / len(settings.sites) < settings.min_compared_sites_ratio:
        reasons = {curve.reason for curve in curves.values() if isinstance(curve, Missing)}
        lacking = " ".join(site for site in settings.sites if site not in known)
        alone = len(reasons) == 1 and not known
        return Missing(reason=reasons.pop() if alone else NotDone.SITES_INCOMPLETE, detail=lacking)
    if len({curve[-1][0] for curve in known.values()}) > 1:
        return Missing(reason=NotDone.DAYS_DIFFER, detail=settings.follow_ups[-1].name)
    return normalized_auc(list(known.values()))


def _notes_of_healing(subject: SubjectValues) -> tuple[EndpointNote, ...]:
    scored = [_share_scored(subject, visit.name) for visit in subject.settings.visits]
    partly = (EndpointNote.SITES_INCOMPLETE,) if any(0 < share < 1 for share in scored) else ()
    return (*partly, *_note_of_visits(subject))


def _notes_of_auc(
    subject: SubjectValues, curves: dict[str, _Curve | Missing], whole: Figure | Missing
) -> tuple[EndpointNote, ...]:
    partly = isinstance(whole, Figure) and any(isinstance(curve, Missing) for curve in curves.values())
    return (*((EndpointNote.SITES_INCOMPLETE,) if partly else ()), *_note_of_visits(subject))


def _note_of_visits(subject: SubjectValues) -> tuple[EndpointNote, ...]:
    missing = any(_share_scored(subject, visit.name) == 0 for visit in subject.settings.follow_ups)
    return (EndpointNote.VISITS_MISSING,) if missing else ()


def _share_scored(subject: SubjectValues, visit: str) -> float:
    sites = subject.settings.sites
    return sum(isinstance(subject.values[site, visit], SiteValue) for site in sites) / len(sites)
