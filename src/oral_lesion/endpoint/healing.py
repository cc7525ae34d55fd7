"""When erosions had healed completely, as far as visits can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from oral_lesion.endpoint.estimates import Figure, Missing
from oral_lesion.records import NotDone, Parameter, UncertaintyGap

__all__ = ["HealingVisit", "healing_outcomes"]

_PARAMETERS = (Parameter.TIME_TO_HEALING, Parameter.HEALING_OBSERVED, Parameter.HEALING_NOT_BEFORE)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealingVisit:
    """
    What a follow-up says of healing.

    Parameters
    ----------
    healed : bool or Missing
        Whether everything counts as healed.
    days : int or Missing
        Since the baseline.
    """

    healed: bool | Missing
    days: int | Missing


def healing_outcomes(
    baseline_healed: bool | Missing, follow_ups: Sequence[HealingVisit], rule: Literal["first", "sustained"]
) -> dict[Parameter, Figure | Missing]:
    """
    Return the time to complete healing, whether it was observed, and the last day on which it had not happened yet.

    The time is that of the first follow-up that is healed; under ``sustained`` of the first one from which on every
    follow-up that was assessed is healed. Where there is none, the time is censored at the last one assessed.

    Parameters
    ----------
    baseline_healed : bool or Missing
        Whether there was nothing to heal.
    follow_ups : sequence of HealingVisit
        In the order of the schedule, missing ones included.
    rule : {"first", "sustained"}
        From the protocol.

    Returns
    -------
    dict of Parameter to Figure or Missing
        ``no-baseline``, ``healed-at-baseline``, ``no-follow-up``, or why a day is not known.

    References
    ----------
    .. [1] Turnbull 1976, doi:10.1111/j.2517-6161.1976.tb01597.x: events known to lie in an interval.
       Checked: tests/unit/endpoint/test_healing.py, by hand.
    """
    assessed = [(one.days, one.healed) for one in follow_ups if not isinstance(one.healed, Missing)]
    days = [day for day, _ in assessed if not isinstance(day, Missing)]
    missing = None
    if isinstance(baseline_healed, Missing):
        missing = Missing(reason=NotDone.NO_BASELINE, detail=baseline_healed.reason)
    elif baseline_healed:
        missing = Missing(reason=NotDone.HEALED_AT_BASELINE)
    elif not assessed:
        missing = Missing(reason=NotDone.NO_FOLLOW_UP)
    elif len(days) < len(assessed):
        missing = next(day for day, _ in assessed if isinstance(day, Missing))
    elif days != sorted(set(days)):
        missing = Missing(reason=NotDone.VISITS_OUT_OF_ORDER, detail=" ".join(str(day) for day in days))
    if missing is not None:
        return dict.fromkeys(_PARAMETERS, missing)
    event = _event([healed is True for _, healed in assessed], rule)
    end, start = days[-1 if event is None else event], days[-1]
    if event is not None:
        start = days[event - 1] if event else 0
    return {
        Parameter.TIME_TO_HEALING: Figure(
            value=float(end), u_reason=UncertaintyGap.INTERVAL_CENSORED, detail="censored" if event is None else ""
        ),
        Parameter.HEALING_OBSERVED: Figure(value=float(event is not None), u_reason=UncertaintyGap.DECISION),
        Parameter.HEALING_NOT_BEFORE: Figure(value=float(start), u_reason=UncertaintyGap.EXACT),
    }


def _event(healed: list[bool], rule: Literal["first", "sustained"]) -> int | None:
    if rule == "first":
        return healed.index(True) if True in healed else None
    after_last_open = max((place + 1 for place, closed in enumerate(healed) if not closed), default=0)
    return after_last_open if after_last_open < len(healed) else None
