"""Rows of endpoints from figures and from reasons why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from oral_lesion.endpoint.estimates import (
    AreaEstimate,
    Figure,
    Missing,
    absolute_change,
    area_figure,
    change_percent,
    log_area_rate,
    margin_advance,
)
from oral_lesion.endpoint.repeatability import exceeds_repeatability
from oral_lesion.endpoint.settings import EndpointSettings
from oral_lesion.endpoint.subject_values import SubjectValues
from oral_lesion.records import PARAMETER_UNITS, EndpointNote, EndpointRow, LesionSize, Parameter, UncertaintyGap

__all__ = ["CHANGE_PARAMETERS", "Comparison", "Outcomes", "change_outcomes", "lesion_outcomes", "rows_of"]

Outcomes = Mapping[Parameter, Figure | Missing]

CHANGE_PARAMETERS = (
    Parameter.CHANGE,
    Parameter.CHANGE_PERCENT,
    Parameter.EXCEEDS_REPEATABILITY,
    Parameter.RESPONDER,
    Parameter.LOG_AREA_RATE,
    Parameter.MARGIN_ADVANCE,
    Parameter.MARGIN_ADVANCE_RATE,
)
"""What is stated of a follow-up in comparison with the baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """
    A baseline and a follow-up, of one site or summed over several.

    Parameters
    ----------
    baseline, follow_up : AreaEstimate
        Over the same sites.
    site_areas_mm2 : tuple of (float, float)
        Area at baseline and at follow-up of each site.
    perimeters_mm : tuple of (float, float)
        Perimeter at baseline and at follow-up of each site.
    days : int or Missing
        Between both.
    """

    baseline: AreaEstimate
    follow_up: AreaEstimate
    site_areas_mm2: tuple[tuple[float, float], ...]
    perimeters_mm: tuple[tuple[float, float], ...]
    days: int | Missing


def rows_of(
    subject: SubjectValues,
    place: tuple[str, str],
    outcomes: Outcomes,
    notes: tuple[EndpointNote, ...] = (),
    lesion_id: str | None = None,
) -> list[EndpointRow]:
    """
    Return one row for each outcome.

    Parameters
    ----------
    subject : SubjectValues
        Whose they are.
    place : tuple of (str, str)
        Site and visit.
    outcomes : mapping of Parameter to Figure or Missing
        What is stated.
    notes : tuple of EndpointNote
        Caveats on all of them.
    lesion_id : str or None
        Of the lesion.

    Returns
    -------
    list of EndpointRow
        In the order of `outcomes`.
    """
    return [
        EndpointRow(
            subject_id=subject.subject_id,
            site=place[0],
            visit=place[1],
            parameter=parameter,
            value=None if isinstance(outcome, Missing) else outcome.value,
            u=None if isinstance(outcome, Missing) else outcome.u,
            unit=PARAMETER_UNITS[parameter],
            not_done_reason=outcome.reason if isinstance(outcome, Missing) else None,
            u_reason=None if isinstance(outcome, Missing) else outcome.u_reason,
            detail=outcome.detail,
            notes=notes,
            strata=subject.strata,
            lesion_id=lesion_id,
        )
        for parameter, outcome in outcomes.items()
    ]


def change_outcomes(comparison: Comparison | Missing, settings: EndpointSettings) -> Outcomes:
    """
    Return all that compares a follow-up with the baseline.

    Parameters
    ----------
    comparison : Comparison or Missing
        Areas, perimeters and days, or why they cannot be compared.
    settings : EndpointSettings
        The rules.

    Returns
    -------
    mapping of Parameter to Figure or Missing
        With each of `CHANGE_PARAMETERS`.
    """
    if isinstance(comparison, Missing):
        return dict.fromkeys(CHANGE_PARAMETERS, comparison)
    baseline, follow_up, days = comparison.baseline, comparison.follow_up, comparison.days
    percent = change_percent(baseline, follow_up)
    advance = margin_advance(
        (baseline.value_mm2, follow_up.value_mm2), [length for pair in comparison.perimeters_mm for length in pair]
    )
    return {
        Parameter.CHANGE: absolute_change(baseline, follow_up),
        Parameter.CHANGE_PERCENT: percent,
        Parameter.EXCEEDS_REPEATABILITY: exceeds_repeatability(comparison.site_areas_mm2, settings.repeatability),
        Parameter.RESPONDER: percent if isinstance(percent, Missing) else _responder(percent, settings),
        Parameter.LOG_AREA_RATE: days if isinstance(days, Missing) else log_area_rate(baseline, follow_up, days),
        Parameter.MARGIN_ADVANCE: advance,
        Parameter.MARGIN_ADVANCE_RATE: _per_day(advance, days),
    }


def lesion_outcomes(
    area: AreaEstimate, lesions: tuple[LesionSize, ...], healed: bool | Missing
) -> dict[Parameter, Figure | Missing]:
    """
    Return what is stated of one visit by itself.

    Parameters
    ----------
    area : AreaEstimate
        Total.
    lesions : tuple of LesionSize
        All of them.
    healed : bool or Missing
        Whether every site counts as healed.

    Returns
    -------
    dict of Parameter to Figure or Missing
    """
    largest = max((lesion.equivalent_diameter_mm for lesion in lesions), default=0.0)
    gap = UncertaintyGap.NOT_ESTIMATED if lesions else UncertaintyGap.ZERO_AREA
    return {
        Parameter.AREA: area_figure(area),
        Parameter.LESION_COUNT: Figure(value=float(len(lesions)), u_reason=UncertaintyGap.NOT_ESTIMATED),
        Parameter.LARGEST_DIAMETER: Figure(value=largest, u_reason=gap),
        Parameter.HEALED: (
            healed if isinstance(healed, Missing) else Figure(value=float(healed), u_reason=UncertaintyGap.DECISION)
        ),
    }


def _responder(percent: Figure, settings: EndpointSettings) -> Figure:
    reached = -percent.value >= settings.responder_reduction_percent
    return Figure(value=float(reached), u_reason=UncertaintyGap.DECISION)


def _per_day(advance: Figure | Missing, days: int | Missing) -> Figure | Missing:
    if isinstance(advance, Missing):
        return advance
    if isinstance(days, Missing):
        return days
    return Figure(value=advance.value / days, u_reason=advance.u_reason)
