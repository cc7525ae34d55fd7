"""Time to complete healing: events, censoring, intervals, worked by hand."""

import pytest

from oral_lesion.endpoint.estimates import Missing
from oral_lesion.endpoint.healing import HealingVisit, healing_outcomes
from oral_lesion.records import NotDone, Parameter

GAP = Missing(reason=NotDone.VISIT_MISSING)
NUMBERS = (Parameter.TIME_TO_HEALING, Parameter.HEALING_OBSERVED, Parameter.HEALING_NOT_BEFORE)


def outcomes(states, rule="first", baseline=False, days=(14, 28, 42, 56)):
    visits = [HealingVisit(healed=state, days=day) for state, day in zip(states, days, strict=False)]
    return healing_outcomes(baseline, visits, rule)


@pytest.mark.parametrize(
    ("states", "first", "sustained"),
    [
        ((False, True, True, True), (28, 1, 14), (28, 1, 14)),
        ((True, True, True, True), (14, 1, 0), (14, 1, 0)),
        ((False, True, False, True), (28, 1, 14), (56, 1, 42)),
        ((False, True, False, False), (28, 1, 14), (56, 0, 56)),
        ((False, False, False, False), (56, 0, 56), (56, 0, 56)),
        ((False, GAP, True, GAP), (42, 1, 14), (42, 1, 14)),
        ((GAP, False, GAP, GAP), (28, 0, 28), (28, 0, 28)),
    ],
)
def test_day_event_and_lower_bound(states, first, sustained):
    for rule, expected in (("first", first), ("sustained", sustained)):
        found = outcomes(states, rule)
        assert tuple(found[parameter].value for parameter in NUMBERS) == expected
        assert found[Parameter.TIME_TO_HEALING].detail == ("" if expected[1] else "censored")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (outcomes((True,), baseline=True), NotDone.HEALED_AT_BASELINE),
        (outcomes((True,), baseline=GAP), NotDone.NO_BASELINE),
        (outcomes((GAP, GAP)), NotDone.NO_FOLLOW_UP),
        (outcomes((False, True), days=(14, Missing(reason=NotDone.DAY_UNKNOWN))), NotDone.DAY_UNKNOWN),
        (outcomes((False, True), days=(28, 14)), NotDone.VISITS_OUT_OF_ORDER),
        (outcomes((False, True), days=(14, 14)), NotDone.VISITS_OUT_OF_ORDER),
    ],
)
def test_why_there_is_no_time(found, reason):
    assert {found[parameter].reason for parameter in NUMBERS} == {reason}


def test_a_day_that_is_not_known_does_not_matter_where_nothing_was_seen():
    found = outcomes((False, GAP, True), days=(14, Missing(reason=NotDone.DAY_UNKNOWN), 42))
    assert found[Parameter.TIME_TO_HEALING].value == 42
