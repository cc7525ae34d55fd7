"""The scored photos of one subject, site by site through the visits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oral_lesion.compare import ComparisonSettings, FollowedSite, follow_lesions
from oral_lesion.endpoint import EndpointSettings, counted_photos, files_at_several_sites
from oral_lesion.io.scored_visits import StoredScore, load_photo_score
from oral_lesion.records import LesionTrack, PhotoScore, Registration, SiteVisit, Visit

__all__ = ["SiteHistory", "SubjectHistory", "follow_site", "history_of_subject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectHistory:
    """
    All scored photos of a subject.

    Parameters
    ----------
    subject_id : str
        Pseudonymous subject number.
    visits : tuple of str
        The schedule's in its order, then unscheduled ones by date and name.
    scores : tuple of StoredScore
        Of all visits.
    """

    subject_id: str
    visits: tuple[str, ...]
    scores: tuple[StoredScore, ...]

    @property
    def sites(self) -> tuple[str, ...]:
        """Sites that were photographed, by code; photos of unknown sites are left out."""
        return tuple(sorted({one.identity.site for one in self.scores if one.identity.site is not None}))

    @property
    def site_visits(self) -> tuple[SiteVisit, ...]:
        """All photos by site and visit, those of unknown sites too."""
        groups: dict[tuple[str, str], list[StoredScore]] = {}
        for one in self.scores:
            groups.setdefault((one.identity.site or "", one.identity.visit.name), []).append(one)
        return tuple(
            SiteVisit(
                subject_id=self.subject_id,
                site=site or None,
                visit=Visit(name=visit),
                study_day=_day_of(scores),
                photos=tuple(one.photo for one in scores),
            )
            for (site, visit), scores in sorted(groups.items())
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteHistory:
    """
    One site through all visits of a subject.

    Parameters
    ----------
    subject_id, site : str
        Whose, and where.
    visits : tuple of str
        In order.
    photos : tuple of StoredScore or None
        The photo of each visit that was followed, the best one that counts; None where there is none.
    followed : FollowedSite or None
        Registrations and lesions; None where following failed.
    failure : str
        Why it failed.
    """

    subject_id: str
    site: str
    visits: tuple[str, ...]
    photos: tuple[StoredScore | None, ...]
    followed: FollowedSite | None
    failure: str = ""

    @property
    def tracks(self) -> tuple[LesionTrack, ...] | None:
        """Lesions; None where they were not followed."""
        return None if self.followed is None else self.followed.tracks

    @property
    def reference_visit(self) -> str | None:
        """The visit whose photo all others are aligned to, the first that was accepted; None where there is none."""
        if self.followed is None:
            return None
        found = zip(self.visits, self.followed.registrations, strict=True)
        return next((visit for visit, registration in found if registration is not None), None)

    def registration(self, visit: str) -> Registration | None:
        """
        Return how a visit's photo was aligned.

        Parameters
        ----------
        visit : str
            Its name.

        Returns
        -------
        Registration or None
            None where there was nothing to align.
        """
        if self.followed is None or visit not in self.visits:
            return None
        return self.followed.registrations[self.visits.index(visit)]

    def same_photo_as(self, visit: str) -> str | None:
        """
        Return the earlier visit that holds the same file.

        Parameters
        ----------
        visit : str
            Its name.

        Returns
        -------
        str or None
            None where there is none.
        """
        if self.followed is None or visit not in self.visits:
            return None
        return self.followed.same_photo_as[self.visits.index(visit)]


def history_of_subject(subject_id: str, scores: Iterable[StoredScore], settings: EndpointSettings) -> SubjectHistory:
    """
    Put a subject's scored photos into the order of visits.

    Parameters
    ----------
    subject_id : str
        Whose they are.
    scores : iterable of StoredScore
        In any order.
    settings : EndpointSettings
        The schedule.

    Returns
    -------
    SubjectHistory
    """
    ordered = sorted(scores, key=lambda one: (one.identity.visit.name, one.identity.photo_id))
    scheduled = [visit.name for visit in settings.visits]
    days: dict[str, list[dt.date]] = {}
    for one in ordered:
        day = one.identity.visit.date
        days.setdefault(one.identity.visit.name, []).extend([] if day is None else [day])
    others = sorted(
        (name for name in days if name not in scheduled), key=lambda name: (min(days[name], default=dt.date.max), name)
    )
    return SubjectHistory(subject_id=subject_id, visits=(*scheduled, *others), scores=tuple(ordered))


def follow_site(
    subject: SubjectHistory, site: str, comparison: ComparisonSettings, settings: EndpointSettings
) -> tuple[SiteHistory, tuple[PhotoScore | None, ...]]:
    """
    Align a site's photos and follow its lesions, on the best photo of each visit.

    Parameters
    ----------
    subject : SubjectHistory
        Whose site it is.
    site : str
        Code.
    comparison : ComparisonSettings
        Limits of registration and linking.
    settings : EndpointSettings
        Which photos count.

    Returns
    -------
    tuple of SiteHistory and tuple of PhotoScore or None
        The history, and the photos with their pictures, one a visit.
    """
    photos = tuple(_best_of(subject, site, visit, settings) for visit in subject.visits)
    failure, followed, loaded = "", None, tuple[PhotoScore | None, ...](None for _ in photos)
    try:
        loaded = tuple(None if photo is None else load_photo_score(photo) for photo in photos)
        followed = follow_lesions(list(zip(subject.visits, loaded, strict=True)), site=site, settings=comparison)
    except Exception as error:  # noqa: BLE001 - one site's failure is its outcome; the areas and the others stand
        failure = f"{type(error).__name__}: {error}"
    history = SiteHistory(
        subject_id=subject.subject_id,
        site=site,
        visits=subject.visits,
        photos=photos,
        followed=followed,
        failure=failure,
    )
    return history, loaded


def _best_of(subject: SubjectHistory, site: str, visit: str, settings: EndpointSettings) -> StoredScore | None:
    several = files_at_several_sites(subject.site_visits)
    here = [
        one
        for one in subject.scores
        if one.identity.site == site and one.identity.visit.name == visit and (visit, one.photo.sha256) not in several
    ]
    counted = counted_photos([one.photo for one in here], settings)
    if not isinstance(counted, tuple):
        return None
    return next(one for one in here if one.photo.photo_id == counted[0].photo_id)


def _day_of(scores: Sequence[StoredScore]) -> int | None:
    """Return the day number of the photos; None where it is unknown or they contradict each other."""
    days = {one.identity.visit.date for one in scores}
    day = days.pop() if len(days) == 1 else None
    return None if day is None else day.toordinal()
