"""What endpoints are computed from and what they are: a site at a visit, and one number with its reason or doubt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from oral_lesion.errors import InputError, Reason
from oral_lesion.records.photo import Mirror, Visit

__all__ = [
    "ALL",
    "PARAMETER_UNITS",
    "EndpointNote",
    "EndpointRow",
    "LesionSize",
    "NotDone",
    "Parameter",
    "ScoredPhoto",
    "SiteVisit",
    "UncertaintyGap",
]

ALL = "all"
"""In place of a site or a visit: over all sites or all visits that the protocol names."""


_ROUNDING_MM2 = 0.001
"""Areas in tables have three decimals."""


class Parameter(StrEnum):
    """
    What an endpoint row states; each is defined in docs/endpoints.md.

    The codes are written to tables: never rename, renumber or reuse one.
    """

    AREA = "area"
    CHANGE = "change"
    CHANGE_PERCENT = "change-percent"
    EXCEEDS_REPEATABILITY = "exceeds-repeatability"
    RESPONDER = "responder"
    LOG_AREA_RATE = "log-area-rate"
    MARGIN_ADVANCE = "margin-advance"
    MARGIN_ADVANCE_RATE = "margin-advance-rate"
    LESION_COUNT = "lesion-count"
    NEW_LESION_COUNT = "new-lesion-count"
    LARGEST_DIAMETER = "largest-diameter"
    HEALED = "healed"
    SITES_SCORED = "sites-scored"
    SITES_COMPARED = "sites-compared"
    TIME_TO_HEALING = "time-to-healing"
    HEALING_OBSERVED = "healing-observed"
    HEALING_NOT_BEFORE = "healing-not-before"
    NORMALIZED_AUC = "normalized-auc"
    PDAI_POINTS = "pdai-points"
    PDAI_POINTS_ASSESSED = "pdai-points-assessed"
    PDAI_SITES_ASSESSED = "pdai-sites-assessed"
    ABSIS_EXTENT = "absis-extent"
    ABSIS_EXTENT_ASSESSED = "absis-extent-assessed"
    ABSIS_SITES_ASSESSED = "absis-sites-assessed"
    ODSS_ULCERATION = "odss-ulceration"
    ODSS_ULCERATION_ASSESSED = "odss-ulceration-assessed"
    ODSS_SITES_ASSESSED = "odss-sites-assessed"


PARAMETER_UNITS = dict.fromkeys(Parameter, "1") | {
    Parameter.AREA: "mm2",
    Parameter.CHANGE: "mm2",
    Parameter.CHANGE_PERCENT: "%",
    Parameter.LOG_AREA_RATE: "1/d",
    Parameter.MARGIN_ADVANCE: "mm",
    Parameter.MARGIN_ADVANCE_RATE: "mm/d",
    Parameter.LARGEST_DIAMETER: "mm",
    Parameter.TIME_TO_HEALING: "d",
    Parameter.HEALING_NOT_BEFORE: "d",
}
"""Unit of each parameter; ``1`` for counts, points, ratios and yes (1) or no (0)."""


class NotDone(StrEnum):
    """
    Why an endpoint row has no value; each is explained in docs/endpoints.md.

    The codes are written to tables: never rename, renumber or reuse one.
    """

    VISIT_MISSING = "visit-missing"
    NOT_PHOTOGRAPHED = "not-photographed"
    SITE_UNKNOWN = "site-unknown"
    REFUSED = "refused"
    REPLICATE_REFUSED = "replicate-refused"
    MIRROR_MIXED = "mirror-mixed"
    NO_BASELINE = "no-baseline"
    NO_FOLLOW_UP = "no-follow-up"
    SAME_PHOTO = "same-photo"
    BASELINE_ZERO = "baseline-zero"
    FOLLOW_UP_ZERO = "follow-up-zero"
    NO_EROSION = "no-erosion"
    DAY_UNKNOWN = "day-unknown"
    DAYS_DIFFER = "days-differ"
    VISITS_OUT_OF_ORDER = "visits-out-of-order"
    LAST_VISIT_MISSING = "last-visit-missing"
    TOO_MANY_MISSING = "too-many-missing"
    SITES_INCOMPLETE = "sites-incomplete"
    HEALED_AT_BASELINE = "healed-at-baseline"
    NO_PROFILE = "no-profile"
    OUTSIDE_PROFILE = "outside-profile"
    NOT_TRACKED = "not-tracked"
    LESION_NEW = "lesion-new"
    LESION_ABSENT = "lesion-absent"
    LESION_NOT_IN_VIEW = "lesion-not-in-view"
    LESION_MERGED = "lesion-merged"
    SITE_NOT_COVERED = "site-not-covered"
    SITE_AMBIGUOUS = "site-ambiguous"


class UncertaintyGap(StrEnum):
    """
    Why a value has no standard uncertainty; each is explained in docs/endpoints.md.

    The codes are written to tables: never rename, renumber or reuse one.
    """

    EXACT = "exact"
    ZERO_AREA = "zero-area"
    DECISION = "decision"
    NOT_ESTIMATED = "not-estimated"
    PERIMETER_UNKNOWN = "perimeter-unknown"
    INTERVAL_CENSORED = "interval-censored"
    WHOLE_AREA_NOT_ASSESSED = "whole-area-not-assessed"
    PART_OF_SCORE = "part-of-score"


class EndpointNote(StrEnum):
    """
    A caveat on an endpoint row; each is explained in docs/endpoints.md.

    The codes are written to tables: never rename, renumber or reuse one.
    """

    UNSCHEDULED = "unscheduled"
    OUTSIDE_WINDOW = "outside-window"
    OUT_OF_ORDER = "out-of-order"
    SITE_NOT_EXPECTED = "site-not-expected"
    SITES_INCOMPLETE = "sites-incomplete"
    MIRROR_DIFFERS = "mirror-differs"
    LESION_AT_EDGE = "lesion-at-edge"
    VISITS_MISSING = "visits-missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionSize:
    """
    Size of one lesion.

    Parameters
    ----------
    label : int
        1, 2, … by falling area, as in lesions.csv.
    area_mm2 : float
        Holes excluded.
    perimeter_mm : float
        Holes included.
    at_edge : bool
        Whether it reaches the border of what was in view, so that its size is a lower limit.
    """

    label: int
    area_mm2: float
    perimeter_mm: float
    at_edge: bool = False

    def __post_init__(self) -> None:
        _require_not_negative("LesionSize", area_mm2=self.area_mm2, perimeter_mm=self.perimeter_mm)

    @property
    def equivalent_diameter_mm(self) -> float:
        """Diameter of the circle of the same area."""
        return 2.0 * math.sqrt(self.area_mm2 / math.pi)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredPhoto:
    """
    What endpoints need of one photo: its areas, or the reason why there are none.

    Parameters
    ----------
    photo_id : str
        As in scores.csv.
    sha256 : str
        Of the file; empty where it could not be read.
    replicate : int
        1, 2, …: several photos of one site at one visit.
    mirror : Mirror
        Direct, in a mirror, or not declared.
    refusal : Reason or None
        Why it has no area; None where it was scored.
    area_mm2, u_scale_mm2, u_boundary_mm2 : float or None
        Erosion area and its standard uncertainty by source (k = 1); None where it was refused. An area of 0 has no
        uncertainties: the chance of a missed lesion is not known.
    lesions : tuple of LesionSize
        By falling area.
    nearest_limit_used : float or None
        Largest share of a quality limit that the photo uses up, 1 at the limit; None where unknown.
    """

    photo_id: str
    sha256: str
    replicate: int = 1
    mirror: Mirror = Mirror.UNDECLARED
    refusal: Reason | None = None
    area_mm2: float | None = None
    u_scale_mm2: float | None = None
    u_boundary_mm2: float | None = None
    lesions: tuple[LesionSize, ...] = ()
    nearest_limit_used: float | None = None

    def __post_init__(self) -> None:
        numbers = (self.area_mm2, self.u_scale_mm2, self.u_boundary_mm2)
        known = [number for number in numbers if number is not None]
        expected = 0 if self.refusal is not None else 3 if self.area_mm2 else 1
        if (
            len(known) != expected
            or (self.refusal is None) == (self.area_mm2 is None)
            or (self.refusal and self.lesions)
        ):
            raise InputError(
                f"ScoredPhoto {self.photo_id}: expected either a refusal or an area with both uncertainties (with none "
                f"where it is 0), got "
                f"refusal={self.refusal}, area={self.area_mm2}, u_scale={self.u_scale_mm2}, "
                f"u_boundary={self.u_boundary_mm2}, {len(self.lesions)} lesions."
            )
        if self.nearest_limit_used is not None and not self.nearest_limit_used >= 0:
            raise InputError(
                f"ScoredPhoto {self.photo_id}: expected nearest_limit_used of 0 or more, got {self.nearest_limit_used}."
            )
        for number in known:
            _require_not_negative(f"ScoredPhoto {self.photo_id}", number=number)
        total = math.fsum(lesion.area_mm2 for lesion in self.lesions)
        if self.area_mm2 is not None and abs(total - self.area_mm2) > _ROUNDING_MM2 * (1 + len(self.lesions)):
            raise InputError(
                f"ScoredPhoto {self.photo_id}: lesions must add to its area of {self.area_mm2} mm2, got {total}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteVisit:
    """
    All photos of one site of one subject at one visit.

    Parameters
    ----------
    subject_id : str
        Pseudonymous subject number.
    site : str or None
        Code of docs/sites.md; None for photos whose site is unknown.
    visit : Visit
        By its name in the protocol's schedule.
    study_day : int or None
        Day on which the photos were taken. Only differences count, so that days must be numbered without a gap:
        1 follows 0 follows -1 (CDISC's study day has no 0).
    photos : tuple of ScoredPhoto
        Refused ones too; their order does not matter.
    """

    subject_id: str
    site: str | None
    visit: Visit
    study_day: int | None
    photos: tuple[ScoredPhoto, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRow:
    """
    One number of one subject, or the reason why there is none.

    Parameters
    ----------
    subject_id : str
        Pseudonymous subject number.
    site : str
        Code of docs/sites.md; ``all`` over the protocol's sites; ``pdai:``, ``absis:`` or ``odss:`` and the name of
        a score's own site; ``unknown``.
    visit : str
        Its name; ``all`` for what is computed over all visits.
    parameter : Parameter
        What is stated.
    value : float or None
        In `unit`; None where not done. Never 0 for missing.
    u : float or None
        Standard uncertainty (k = 1), in `unit`.
    unit : str
        As in `PARAMETER_UNITS`.
    not_done_reason : NotDone or None
        Why there is no value.
    u_reason : UncertaintyGap or None
        Why a value has no uncertainty.
    detail : str
        More on the reason, such as the refusals' codes or the sites that are missing.
    notes : tuple of EndpointNote
        Caveats, in alphabetical order.
    strata : tuple of (str, str or None)
        Name and value of each of the protocol's strata, in its order; None where it is not known.
    lesion_id : str or None
        Of the lesion, for what is stated of one lesion.
    """

    subject_id: str
    site: str
    visit: str
    parameter: Parameter
    value: float | None
    u: float | None
    unit: str
    not_done_reason: NotDone | None
    u_reason: UncertaintyGap | None
    detail: str = ""
    notes: tuple[EndpointNote, ...] = ()
    strata: tuple[tuple[str, str | None], ...] = ()
    lesion_id: str | None = None

    def __post_init__(self) -> None:
        done = self.value is not None
        if done == (self.not_done_reason is not None) or done != ((self.u is None) != (self.u_reason is None)):
            raise InputError(
                f"EndpointRow {self.parameter}: expected a value with an uncertainty or the reason why it has none, or "
                f"no value and the reason why; got value={self.value}, not_done_reason={self.not_done_reason}, "
                f"u={self.u}, u_reason={self.u_reason}."
            )
        if not all(math.isfinite(number) for number in (self.value, self.u) if number is not None):
            raise InputError(f"EndpointRow {self.parameter}: expected finite numbers, got {self.value} and {self.u}.")


def _require_not_negative(record: str, **numbers: float) -> None:
    for name, number in numbers.items():
        if not (math.isfinite(number) and number >= 0):
            raise InputError(f"{record}: expected {name} to be 0 or more, got {number}.")
