"""Several photos of one site at one visit: which count, and what they say together."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from oral_lesion.endpoint.estimates import AreaEstimate, Missing, linear, photo_estimate
from oral_lesion.endpoint.settings import EndpointSettings
from oral_lesion.records import LesionSize, Mirror, NotDone, ScoredPhoto, SiteVisit

__all__ = ["SiteValue", "counted_photos", "files_at_several_sites", "site_value"]

_MIRROR_ORDER = (Mirror.DIRECT, Mirror.UNDECLARED, Mirror.MIRROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteValue:
    """
    What the photos of one site at one visit say together.

    Parameters
    ----------
    area : AreaEstimate
        Of the photo that counts, or the mean of those that count.
    perimeter_mm : float
        Of all lesions; the mean where several photos count.
    lesions : tuple of LesionSize
        Of the best photo.
    photos : tuple of ScoredPhoto
        That count, the best first.
    """

    area: AreaEstimate
    perimeter_mm: float
    lesions: tuple[LesionSize, ...]
    photos: tuple[ScoredPhoto, ...]

    @property
    def hashes(self) -> frozenset[str]:
        """Hashes of the files that count."""
        return frozenset(photo.sha256 for photo in self.photos if photo.sha256)

    @property
    def mirror(self) -> Mirror:
        """Mirror state of the best photo."""
        return self.photos[0].mirror

    @property
    def at_edge(self) -> bool:
        """Whether a lesion of a photo that counts reaches the border of what was in view."""
        return any(lesion.at_edge for photo in self.photos for lesion in photo.lesions)


def files_at_several_sites(site_visits: Iterable[SiteVisit]) -> dict[tuple[str, str], tuple[str, ...]]:
    """
    Return the files that stand for more than one site of a visit: at which of them they were taken nobody can tell.

    Parameters
    ----------
    site_visits : iterable of SiteVisit
        Of one subject.

    Returns
    -------
    dict of (str, str) to tuple of str
        By visit and SHA-256, the sites in alphabetical order; photos whose site is unknown are left out.
    """
    sites: dict[tuple[str, str], set[str]] = {}
    for one in site_visits:
        for photo in one.photos if one.site is not None else ():
            if photo.sha256:
                sites.setdefault((one.visit.name, photo.sha256), set()).add(one.site or "")
    return {key: tuple(sorted(several)) for key, several in sites.items() if len(several) > 1}


def counted_photos(photos: Iterable[ScoredPhoto], settings: EndpointSettings) -> tuple[ScoredPhoto, ...] | Missing:
    """
    Return the photos of a site and visit that count, by the protocol's replicate and mirror rules.

    The best photo is the one that uses up least of its nearest quality limit, then the one with the lowest replicate
    number, then by photo_id: nothing that depends on its area. Files that are equal byte by byte count once.

    Parameters
    ----------
    photos : iterable of ScoredPhoto
        Refused ones too, in any order.
    settings : EndpointSettings
        The rules.

    Returns
    -------
    tuple of ScoredPhoto or Missing
        The best first; ``not-photographed``, ``refused``, ``replicate-refused``, ``mirror-mixed``.
    """
    distinct = _distinct(sorted(photos, key=_rank))
    if not distinct:
        return Missing(reason=NotDone.NOT_PHOTOGRAPHED)
    scored = [photo for photo in distinct if photo.refusal is None]
    refusals = " ".join(sorted({photo.refusal.value for photo in distinct if photo.refusal is not None}))
    if not scored:
        return Missing(reason=NotDone.REFUSED, detail=refusals)
    if refusals and settings.replicate_rule == "all":
        return Missing(reason=NotDone.REPLICATE_REFUSED, detail=refusals)
    states = {photo.mirror for photo in scored}
    if len(states) > 1:
        if settings.mirror_rule == "not-done":
            return Missing(reason=NotDone.MIRROR_MIXED, detail=" ".join(sorted(states)))
        preferred = next(state for state in _MIRROR_ORDER if state in states)
        scored = [photo for photo in scored if photo.mirror is preferred]
    return tuple(scored[:1] if settings.replicate_rule == "best-quality" else scored)


def site_value(photos: Iterable[ScoredPhoto], settings: EndpointSettings) -> SiteValue | Missing:
    """
    Return what the photos of a site and visit say together.

    Parameters
    ----------
    photos : iterable of ScoredPhoto
        Refused ones too, in any order.
    settings : EndpointSettings
        The rules.

    Returns
    -------
    SiteValue or Missing
        As for `counted_photos`.
    """
    counted = counted_photos(photos, settings)
    if isinstance(counted, Missing):
        return counted
    share = 1.0 / len(counted)
    return SiteValue(
        area=linear((share, _estimate(photo, settings)) for photo in counted),
        perimeter_mm=share * math.fsum(lesion.perimeter_mm for photo in counted for lesion in photo.lesions),
        lesions=counted[0].lesions,
        photos=counted,
    )


def _estimate(photo: ScoredPhoto, settings: EndpointSettings) -> AreaEstimate:
    # A photo that was not refused has all three numbers: its record checks that.
    return photo_estimate(
        photo.area_mm2 or 0.0, photo.u_scale_mm2 or 0.0, photo.u_boundary_mm2 or 0.0, settings.boundary_correlation
    )


def _rank(photo: ScoredPhoto) -> tuple[float, int, str]:
    used = math.inf if photo.nearest_limit_used is None else photo.nearest_limit_used
    return used, photo.replicate, photo.photo_id


def _distinct(photos: list[ScoredPhoto]) -> list[ScoredPhoto]:
    seen: set[str] = set()
    kept = []
    for photo in photos:
        if photo.sha256 and photo.sha256 in seen:
            continue
        seen.add(photo.sha256)
        kept.append(photo)
    return kept
