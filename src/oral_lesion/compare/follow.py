"""Scored photos of one site in, its lesions through all visits out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oral_lesion.compare.link import link_lesions
from oral_lesion.compare.settings import ComparisonSettings
from oral_lesion.compare.site import lay_over_reference, may_be_mirrored, not_assessed, register_visits
from oral_lesion.records import LesionTrack, Measurement, PhotoScore, Registration, VisitLesions

__all__ = ["FollowedSite", "follow_lesions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedSite:
    """
    The lesions of a site through all visits.

    Parameters
    ----------
    registrations : tuple of Registration or None
        One a visit, to the first photo that was accepted; None where there is no accepted photo, or where it is
        that of an earlier visit again.
    tracks : tuple of LesionTrack
        By id, each with one link a visit.
    same_photo_as : tuple of str or None
        One a visit: the earlier visit that holds the same file.
    """

    registrations: tuple[Registration | None, ...]
    tracks: tuple[LesionTrack, ...]
    same_photo_as: tuple[str | None, ...]


def follow_lesions(
    visits: Sequence[tuple[str, PhotoScore | None]], *, site: str, settings: ComparisonSettings
) -> FollowedSite:
    """
    Align the photos of a site and follow its lesions through them.

    Parameters
    ----------
    visits : sequence of (str, PhotoScore or None)
        Name and photo of each visit, in the trial's order; None where there is no photo of the site. Scored photos come
        with their standardized photo and segmentation.
    site : str
        Code of the site.
    settings : ComparisonSettings
        Limits of registration and linking.

    Returns
    -------
    FollowedSite
        A visit whose photo is missing, refused, not registered, or that of an earlier visit again, is not assessed.
    """
    same = _same_photo_as(visits)
    used = [
        score if score is not None and score.scored and again is None else None
        for (_, score), again in zip(visits, same, strict=True)
    ]
    first = next((score for score in used if score is not None), None)
    photos = [None if score is None else score.standardized for score in used]
    mirrored = [None if _may_differ(first, score) else False for score in used]
    registrations = register_visits(photos, settings=settings.registration, mirrored=mirrored)
    laid = [
        _laid(name, score, registration, first, settings)
        for (name, _), score, registration in zip(visits, used, registrations, strict=True)
    ]
    tracks = link_lesions(laid, site=site, settings=settings.linking)
    return FollowedSite(registrations=registrations, tracks=tracks, same_photo_as=same)


def _same_photo_as(visits: Sequence[tuple[str, PhotoScore | None]]) -> tuple[str | None, ...]:
    held: dict[str, str] = {}
    same: list[str | None] = []
    for name, score in visits:
        earlier = None if score is None else held.setdefault(score.identity.sha256, name)
        same.append(None if earlier == name else earlier)
    return tuple(same)


def _may_differ(first: PhotoScore | None, score: PhotoScore | None) -> bool:
    return any(one is not None and may_be_mirrored(one.identity, one.card) for one in (first, score))


def _laid(
    name: str,
    score: PhotoScore | None,
    registration: Registration | None,
    first: PhotoScore | None,
    settings: ComparisonSettings,
) -> VisitLesions:
    if score is None or registration is None or first is None or first.standardized is None:
        return not_assessed(name)
    if score.segmentation is None or not isinstance(score.outcome, Measurement):
        return not_assessed(name)
    return lay_over_reference(
        name, score.segmentation, score.outcome, registration, first.standardized, settings.linking
    )
