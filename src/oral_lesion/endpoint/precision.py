"""What replicate photos of one site at one visit say of the measurement: repeatability, and its precision profile."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oral_lesion.endpoint.replicates import counted_photos
from oral_lesion.endpoint.settings import EndpointSettings, RepeatabilityPoint
from oral_lesion.errors import InputError
from oral_lesion.numerics.agreement import (
    IntraclassCorrelation,
    LimitsOfAgreement,
    WithinSubjectSpread,
    icc_2_1,
    limits_of_agreement,
    repeatability_coefficient,
    within_subject_cv,
    within_subject_sd,
)
from oral_lesion.records import ScoredPhoto, SiteVisit

__all__ = ["ProfileBin", "Repeatability", "ReplicateSet", "precision_profile", "repeatability_of", "replicate_sets"]

_ENOUGH_FREEDOM = 8
_MOST_BINS = 6
_DECIMALS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicateSet:
    """
    Photos of one site at one visit that were scored independently.

    Parameters
    ----------
    subject_id, visit, site : str
        What was photographed.
    photos : tuple of ScoredPhoto
        Two or more, by replicate number and photo_id, in one mirror state, no file twice.
    """

    subject_id: str
    visit: str
    site: str
    photos: tuple[ScoredPhoto, ...]

    @property
    def areas_mm2(self) -> tuple[float, ...]:
        """Area of each photo."""
        return tuple(photo.area_mm2 or 0.0 for photo in self.photos)

    @property
    def mean_mm2(self) -> float:
        """Mean area."""
        return math.fsum(self.areas_mm2) / len(self.photos)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileBin:
    """
    Repeatability of sets of similar area.

    Parameters
    ----------
    area_mm2 : float
        Mean of the sets' mean areas.
    largest_mm2 : float
        Largest of them.
    spread : WithinSubjectSpread
        Within-set standard deviation in mm².
    """

    area_mm2: float
    largest_mm2: float
    spread: WithinSubjectSpread

    @property
    def rc_mm2(self) -> float:
        """Repeatability coefficient."""
        return repeatability_coefficient(self.spread.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatability:
    """
    Repeatability over all sets in which a lesion was found.

    Parameters
    ----------
    sets : tuple of ReplicateSet
        In which an erosion was found in one photo or more.
    empty_sets : int
        In which none was found in any photo: they would make the spread look smaller.
    sd : WithinSubjectSpread
        Within-set standard deviation in mm².
    cv : WithinSubjectSpread
        Within-set coefficient of variation, a ratio.
    correlation : IntraclassCorrelation or None
        ICC(2,1) of the first `replicates` photos; None with fewer than two sets.
    replicates : int
        Photos of each set that enter it: as many as every set has.
    limits : LimitsOfAgreement or None
        Second photo minus first; None with fewer than two sets.
    bins : tuple of ProfileBin
        By rising area.
    """

    sets: tuple[ReplicateSet, ...]
    empty_sets: int
    sd: WithinSubjectSpread
    cv: WithinSubjectSpread
    correlation: IntraclassCorrelation | None
    replicates: int
    limits: LimitsOfAgreement | None
    bins: tuple[ProfileBin, ...]


def replicate_sets(site_visits: Iterable[SiteVisit], settings: EndpointSettings) -> tuple[ReplicateSet, ...]:
    """
    Return the sets of replicate photos of a study.

    Parameters
    ----------
    site_visits : iterable of SiteVisit
        In any order; photos of unknown sites are left out.
    settings : EndpointSettings
        Its mirror rule holds; files that are equal byte by byte count once.

    Returns
    -------
    tuple of ReplicateSet
        By subject, visit and site.
    """
    rule = settings.model_copy(update={"replicate_rule": "mean"})
    sets = []
    for one in site_visits:
        counted = counted_photos(one.photos, rule) if one.site is not None else None
        if isinstance(counted, tuple) and len(counted) > 1:
            ordered = tuple(sorted(counted, key=lambda photo: (photo.replicate, photo.photo_id)))
            sets.append(
                ReplicateSet(subject_id=one.subject_id, visit=one.visit.name, site=one.site or "", photos=ordered)
            )
    return tuple(sorted(sets, key=lambda one: (one.subject_id, one.visit, one.site)))


def repeatability_of(sets: Sequence[ReplicateSet]) -> Repeatability:
    """
    Return the repeatability that sets of replicate photos show.

    Parameters
    ----------
    sets : sequence of ReplicateSet
        Of one procedure: same protocol, same model.

    Returns
    -------
    Repeatability
        Its intervals take the sets as independent; those of one subject are not quite.

    Raises
    ------
    InputError
        Where no set shows an erosion.

    References
    ----------
    .. [1] Bland, Altman 1996, doi:10.1136/bmj.313.7059.744; Raunig et al. 2015, doi:10.1177/0962280214537344.
       Checked: tests/unit/endpoint/test_precision.py, on Bland's and Altman's peak flow data.
    """
    used = tuple(one for one in sets if one.mean_mm2 > 0)
    if not used:
        raise InputError(
            "repeatability: expected two or more photos of one site at one visit with an erosion, got none. Photograph "
            "sites twice, the card laid anew, and tell replicates apart in the file names or in photos.csv."
        )
    replicates = min(len(one.photos) for one in used)
    pairs = [(one.areas_mm2[0], one.areas_mm2[1]) for one in used]
    several = len(used) > 1
    return Repeatability(
        sets=used,
        empty_sets=len(sets) - len(used),
        sd=within_subject_sd(*_measurements(used)),
        cv=within_subject_cv(*_measurements(used)),
        correlation=icc_2_1([one.areas_mm2[:replicates] for one in used]) if several else None,
        replicates=replicates,
        limits=limits_of_agreement([second - first for first, second in pairs]) if several else None,
        bins=_bins_of(used),
    )


def precision_profile(bins: Sequence[ProfileBin]) -> tuple[RepeatabilityPoint, ...]:
    """
    Return the points of a profile as a protocol holds them.

    Parameters
    ----------
    bins : sequence of ProfileBin
        By rising area.

    Returns
    -------
    tuple of RepeatabilityPoint
        One a bin at its mean area, and one at the largest area that was measured, with the last bin's coefficient in
        proportion to the area, for errors grow with it: beyond it nothing is known.
    """
    points = [(round(one.area_mm2, _DECIMALS), round(one.rc_mm2, _DECIMALS)) for one in bins]
    last = bins[-1]
    grown = last.rc_mm2 * last.largest_mm2 / last.area_mm2
    points.append((round(last.largest_mm2, _DECIMALS), round(grown, _DECIMALS)))
    rising: list[tuple[float, float]] = []
    for area_mm2, rc_mm2 in points:
        if area_mm2 > (rising[-1][0] if rising else 0.0):
            rising.append((area_mm2, rc_mm2))
    return tuple(RepeatabilityPoint(area_mm2=area_mm2, rc_mm2=rc_mm2) for area_mm2, rc_mm2 in rising)


def _measurements(sets: Sequence[ReplicateSet]) -> tuple[list[float], list[int]]:
    areas = [area for one in sets for area in one.areas_mm2]
    return areas, [number for number, one in enumerate(sets) for _ in one.areas_mm2]


def _bins_of(sets: Sequence[ReplicateSet]) -> tuple[ProfileBin, ...]:
    """Cut the sets, by rising area, into bins of about equal numbers, each with enough degrees of freedom."""
    ordered = sorted(sets, key=lambda one: (one.mean_mm2, one.subject_id, one.visit, one.site))
    freedom = sum(len(one.photos) - 1 for one in ordered)
    count = max(1, min(_MOST_BINS, freedom // _ENOUGH_FREEDOM, len(ordered)))
    edges = [round(place * len(ordered) / count) for place in range(count + 1)]
    bins = []
    for start, stop in itertools.pairwise(edges):
        part = ordered[start:stop]
        bins.append(
            ProfileBin(
                area_mm2=math.fsum(one.mean_mm2 for one in part) / len(part),
                largest_mm2=part[-1].mean_mm2,
                spread=within_subject_sd(*_measurements(part)),
            )
        )
    return tuple(bins)
