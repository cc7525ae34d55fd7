"""One subject's values by site and visit, with their days and caveats: the table that all endpoints are read from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from oral_lesion.endpoint.estimates import Missing
from oral_lesion.endpoint.regions import REGIONS_OF_SITE
from oral_lesion.endpoint.replicates import SiteValue, files_at_several_sites, site_value
from oral_lesion.endpoint.settings import EndpointSettings
from oral_lesion.errors import InputError
from oral_lesion.records import ALL, EndpointNote, NotDone, SiteVisit

__all__ = ["UNKNOWN_SITE", "SubjectValues", "collect_subject_values"]

UNKNOWN_SITE = "unknown"
"""In place of the site of photos whose site is unknown."""

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectValues:
    """
    What is known of one subject.

    Parameters
    ----------
    subject_id : str
        Pseudonymous subject number.
    strata : tuple of (str, str or None)
        In the protocol's order.
    settings : EndpointSettings
        The rules.
    sites : tuple of str
        The protocol's, then others that were photographed.
    visits : tuple of str
        The protocol's in order, then unscheduled ones.
    values : mapping of (site, visit) to SiteValue or Missing
        Of every site at every visit.
    actual_days : mapping of (site, visit) to int
        Where known.
    """

    subject_id: str
    strata: tuple[tuple[str, str | None], ...]
    settings: EndpointSettings
    sites: tuple[str, ...]
    visits: tuple[str, ...]
    values: Mapping[_Key, SiteValue | Missing]
    actual_days: Mapping[_Key, int]

    def is_follow_up(self, visit: str) -> bool:
        """
        Return whether a visit is compared with the baseline.

        Parameters
        ----------
        visit : str
            Its name.

        Returns
        -------
        bool
            True after the baseline and for unscheduled visits, whose order `pair` checks.
        """
        names = [scheduled.name for scheduled in self.settings.follow_ups]
        return visit in names or self.settings.scheduled(visit) is None

    def pair(self, site: str, visit: str) -> tuple[SiteValue, SiteValue] | Missing:
        """
        Return a site's values at the baseline and at a visit.

        The baseline is the visit that the protocol names, never the next one that was scored.

        Parameters
        ----------
        site, visit : str
            Codes.

        Returns
        -------
        tuple of SiteValue or Missing
            ``no-baseline``, ``same-photo``, the visit's own reason, or for an unscheduled visit that is not known to
            follow the baseline ``day-unknown`` or ``visits-out-of-order``.
        """
        baseline = self.values[site, self.settings.baseline_visit]
        follow_up = self.values[site, visit]
        if isinstance(baseline, Missing):
            return Missing(reason=NotDone.NO_BASELINE, detail=f"{baseline.reason} {baseline.detail}".strip())
        if isinstance(follow_up, Missing):
            return follow_up
        if baseline.hashes & follow_up.hashes:
            return Missing(reason=NotDone.SAME_PHOTO)
        if self.settings.scheduled(visit) is None:
            elapsed = _elapsed(
                self.actual_days.get((site, self.settings.baseline_visit)), self.actual_days.get((site, visit))
            )
            if isinstance(elapsed, Missing):
                return elapsed
        return baseline, follow_up

    def days_since_baseline(self, site: str, visit: str) -> int | Missing:
        """
        Return the days from the baseline to a visit, by the days that the protocol counts.

        Parameters
        ----------
        site, visit : str
            Codes.

        Returns
        -------
        int or Missing
            Positive; ``day-unknown``, ``visits-out-of-order``.
        """
        return _elapsed(self._day(site, self.settings.baseline_visit), self._day(site, visit))

    def common_days_since_baseline(self, sites: Iterable[str], visit: str) -> int | Missing:
        """
        Return the days from the baseline to a visit, where several sites were photographed on the same days.

        Parameters
        ----------
        sites : iterable of str
            Codes; one or more.
        visit : str
            Its name.

        Returns
        -------
        int or Missing
            Positive; ``days-differ``, ``day-unknown``, ``visits-out-of-order``.
        """
        sites = tuple(sites)
        ends: list[int | None] = []
        for one in (self.settings.baseline_visit, visit):
            days = {self._day(site, one) for site in sites if isinstance(self.values[site, one], SiteValue)}
            known = sorted(day for day in days if day is not None)
            if len(known) > 1:
                return Missing(reason=NotDone.DAYS_DIFFER, detail=f"{one}: {' '.join(str(day) for day in known)}")
            ends.append(None if None in days or not known else known[0])
        return _elapsed(*ends)

    def notes(self, site: str, visit: str) -> tuple[EndpointNote, ...]:
        """
        Return the caveats on a site at a visit.

        Parameters
        ----------
        site, visit : str
            Codes.

        Returns
        -------
        tuple of EndpointNote
            In alphabetical order.
        """
        found = set(self._notes_of_day(site, visit))
        value = self.values[site, visit]
        if site not in self.settings.sites:
            found.add(EndpointNote.SITE_NOT_EXPECTED)
        if isinstance(value, SiteValue) and value.at_edge:
            found.add(EndpointNote.LESION_AT_EDGE)
        return tuple(sorted(found))

    def _day(self, site: str, visit: str) -> int | None:
        scheduled = self.settings.scheduled(visit)
        if self.settings.days == "actual":
            return self.actual_days.get((site, visit))
        return None if scheduled is None else scheduled.study_day

    def _notes_of_day(self, site: str, visit: str) -> Iterable[EndpointNote]:
        scheduled = self.settings.scheduled(visit)
        day = self.actual_days.get((site, visit))
        if scheduled is None:
            yield EndpointNote.UNSCHEDULED
            return
        if day is None:
            return
        earlier = [other for other in self.settings.visits if other.study_day < scheduled.study_day]
        if any(self.actual_days.get((site, other.name), day - 1) >= day for other in earlier):
            yield EndpointNote.OUT_OF_ORDER
        baseline = self.settings.scheduled(self.settings.baseline_visit)
        first = self.actual_days.get((site, self.settings.baseline_visit))
        if baseline is None or first is None:
            return
        late_by = (day - first) - (scheduled.study_day - baseline.study_day)
        if not -scheduled.window_before_days <= late_by <= scheduled.window_after_days:
            yield EndpointNote.OUTSIDE_WINDOW


def collect_subject_values(
    subject_id: str, site_visits: Iterable[SiteVisit], strata: Mapping[str, str | None], settings: EndpointSettings
) -> SubjectValues:
    """
    Return one subject's values by site and visit.

    Parameters
    ----------
    subject_id : str
        Whose they are.
    site_visits : iterable of SiteVisit
        Of this subject, in any order; one for each site and visit that was photographed. None at all is possible.
    strata : mapping of str to str or None
        The subject's strata by name; those that the protocol does not name are left out.
    settings : EndpointSettings
        The rules.

    Returns
    -------
    SubjectValues
        With a value or a reason for each of the protocol's sites at each of its visits.

    Raises
    ------
    InputError
        Where a site comes twice at a visit, or is no code of the vocabulary, or a visit is named ``all``.
    """
    by_key: dict[_Key, SiteVisit] = {}
    for one in site_visits:
        if one.site is not None and one.site not in REGIONS_OF_SITE:
            raise InputError(
                f"site_visits: {one.site!r} of {one.subject_id} is no code of docs/sites.md. Take its code, or None."
            )
        if one.visit.name == ALL:
            raise InputError(
                f"site_visits: a visit of {one.subject_id} is named {ALL!r}, which stands for all visits. Rename it."
            )
        key = (one.site or UNKNOWN_SITE, one.visit.name)
        if key in by_key:
            raise InputError(f"site_visits: {one.subject_id} has {key} twice. Put all its photos into one SiteVisit.")
        by_key[key] = one
    several = files_at_several_sites(by_key.values())
    scheduled = [visit.name for visit in settings.visits]
    seen_visits = sorted({visit for _, visit in by_key})
    visits = (*scheduled, *(visit for visit in seen_visits if visit not in scheduled))
    sites = (*settings.sites, *sorted({site for site, _ in by_key} - set(settings.sites)))
    return SubjectValues(
        subject_id=subject_id,
        strata=tuple((name, strata.get(name)) for name in settings.strata),
        settings=settings,
        sites=sites,
        visits=visits,
        values={
            (site, visit): _value_of(by_key.get((site, visit)), visit in seen_visits, settings, several)
            for site in sites
            for visit in visits
        },
        actual_days={key: one.study_day for key, one in by_key.items() if one.study_day is not None},
    )


def _value_of(
    one: SiteVisit | None,
    visit_seen: bool,
    settings: EndpointSettings,
    several: Mapping[tuple[str, str], tuple[str, ...]],
) -> SiteValue | Missing:
    if one is None:
        return Missing(reason=NotDone.NOT_PHOTOGRAPHED if visit_seen else NotDone.VISIT_MISSING)
    if one.site is None:
        count = "1 photo" if len(one.photos) == 1 else f"{len(one.photos)} photos"
        return Missing(reason=NotDone.SITE_UNKNOWN, detail=count)
    own = [photo for photo in one.photos if (one.visit.name, photo.sha256) not in several]
    if one.photos and not own:
        sites = {site for photo in one.photos for site in several[one.visit.name, photo.sha256]} - {one.site}
        return Missing(reason=NotDone.SAME_PHOTO, detail=" ".join(sorted(sites)))
    return site_value(own, settings)


def _elapsed(first: int | None, later: int | None) -> int | Missing:
    if first is None or later is None:
        return Missing(reason=NotDone.DAY_UNKNOWN)
    if later <= first:
        where = "on the day of the baseline" if later == first else f"{first - later} days before the baseline"
        return Missing(reason=NotDone.VISITS_OUT_OF_ORDER, detail=where)
    return later - first
