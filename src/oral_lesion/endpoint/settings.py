"""The protocol's rules for endpoints: every key must be there, nothing is assumed."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from oral_lesion.endpoint.regions import REGIONS_OF_SITE
from oral_lesion.endpoint.strata import SUBJECT_COLUMN, tells_treatment
from oral_lesion.records import ALL

__all__ = ["EndpointSettings", "RepeatabilityPoint", "ScheduledVisit"]

_Name = Annotated[str, Field(min_length=1)]
_Days = Annotated[int, Field(ge=0)]
_NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Ratio = Annotated[float, Field(ge=0, le=1)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)


class ScheduledVisit(_Settings):
    """A planned visit: the day it is planned for, and how many days earlier or later it may take place."""

    name: _Name
    study_day: int
    window_before_days: _Days
    window_after_days: _Days


class RepeatabilityPoint(_Settings):
    """Repeatability coefficient of the area of a site, at one area."""

    area_mm2: _Positive
    rc_mm2: _NotNegative


class EndpointSettings(_Settings):
    """
    The section ``[endpoint]`` of a protocol; docs/endpoints.md says what each key decides.

    `visits` stand in the order of the trial. `sites` are those that are photographed at every visit; no two of them may
    show the same part of the mouth. `repeatability` may be empty: then no change is held against it.
    """

    baseline_visit: _Name
    visits: Annotated[tuple[ScheduledVisit, ...], Field(min_length=1)]
    days: Literal["actual", "scheduled"]
    sites: Annotated[tuple[str, ...], Field(min_length=1)]
    min_compared_sites_ratio: _Ratio
    replicate_rule: Literal["best-quality", "mean", "all"]
    mirror_rule: Literal["prefer-direct", "not-done"]
    boundary_correlation: _Ratio
    repeatability: tuple[RepeatabilityPoint, ...]
    responder_reduction_percent: Annotated[float, Field(gt=0, le=100)]
    healed_below_mm2: _Positive
    healing: Literal["first", "sustained"]
    max_missing_visits: _Days
    strata: tuple[_Name, ...]

    @model_validator(mode="after")
    def _visits_are_a_schedule(self) -> EndpointSettings:
        names = [visit.name for visit in self.visits]
        if len(set(names)) < len(names) or ALL in names:
            raise ValueError(f"visits: each name once, and none named {ALL!r}, got {names}")
        days = [visit.study_day for visit in self.visits]
        if any(later <= first for first, later in pairwise(days)):
            raise ValueError(f"visits: study_day must rise from visit to visit, got {days}")
        if self.baseline_visit not in names:
            raise ValueError(f"baseline_visit: must be one of the visits {names}, got {self.baseline_visit!r}")
        return self

    @model_validator(mode="after")
    def _sites_do_not_overlap(self) -> EndpointSettings:
        unknown = [site for site in self.sites if site not in REGIONS_OF_SITE]
        if unknown:
            raise ValueError(f"sites: unknown {unknown}; expected codes of docs/sites.md")
        seen: dict[str, str] = {}
        for site in self.sites:
            for region in sorted(REGIONS_OF_SITE[site]):
                if region in seen:
                    raise ValueError(
                        f"sites: {seen[region]} and {site} show the same part of the mouth ({region}): lesions would "
                        "count twice"
                    )
                seen[region] = site
        return self

    @model_validator(mode="after")
    def _profile_rises(self) -> EndpointSettings:
        areas = [point.area_mm2 for point in self.repeatability]
        if any(later <= first for first, later in pairwise(areas)):
            raise ValueError(f"repeatability: area_mm2 must rise from point to point, got {areas}")
        return self

    @model_validator(mode="after")
    def _strata_are_blind(self) -> EndpointSettings:
        telling = [name for name in self.strata if tells_treatment(name)]
        if telling:
            raise ValueError(f"strata: {telling} seem to tell the treatment; endpoints are computed blinded")
        if len({*self.strata, SUBJECT_COLUMN}) <= len(self.strata):
            raise ValueError(f"strata: each name once, and none named {SUBJECT_COLUMN!r}, got {list(self.strata)}")
        return self

    @property
    def follow_ups(self) -> tuple[ScheduledVisit, ...]:
        """The visits after the baseline."""
        names = [visit.name for visit in self.visits]
        return self.visits[names.index(self.baseline_visit) + 1 :]

    def scheduled(self, name: str) -> ScheduledVisit | None:
        """
        Return a visit of the schedule.

        Parameters
        ----------
        name : str
            Of the visit.

        Returns
        -------
        ScheduledVisit or None
            None where the schedule has no such visit.
        """
        return next((visit for visit in self.visits if visit.name == name), None)
