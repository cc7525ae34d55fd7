"""Formulas on numbers worked by hand, written beside each."""

import math

import pytest

from oral_lesion.endpoint.estimates import (
    AreaEstimate,
    Missing,
    absolute_change,
    area_figure,
    change_percent,
    linear,
    log_area_rate,
    margin_advance,
    normalized_auc,
    photo_estimate,
)
from oral_lesion.records import NotDone, UncertaintyGap


def area(value, u_independent=0.0, u_shared=0.0):
    return AreaEstimate(value_mm2=value, u_independent_mm2=u_independent, u_shared_mm2=u_shared)


@pytest.mark.parametrize("correlation", [0.0, 0.25, 0.5, 1.0])
def test_uncertainty_of_a_change_is_that_of_correlated_boundaries(correlation):
    before = photo_estimate(100.0, 3.0, 8.0, correlation)
    after = photo_estimate(40.0, 2.0, 5.0, correlation)
    # GUM 5.2.2, equation 16: us0² + us1² + ub0² + ub1² - 2 r ub0 ub1 = 9 + 4 + 64 + 25 - 80 r
    assert absolute_change(before, after).u == pytest.approx(math.sqrt(102.0 - 80.0 * correlation))
    # alone, a photo's uncertainty does not depend on r: √(9 + 64)
    assert area_figure(before).u == pytest.approx(math.sqrt(73.0))


def test_a_shared_bias_cancels_in_a_difference_and_adds_up_in_a_sum():
    one = photo_estimate(50.0, 0.0, 4.0, 1.0)
    assert absolute_change(one, one).u == 0.0
    assert linear(((1.0, one), (1.0, one))).u_mm2 == pytest.approx(8.0)


def test_change_in_percent():
    figure = change_percent(area(80.0, 4.0), area(20.0, 3.0))
    assert figure.value == -75.0
    # 100/A0 · √(u1² + (A1/A0)² u0²) = 100/80 · √(9 + 1)
    assert figure.u == pytest.approx(1.25 * math.sqrt(10.0))
    assert change_percent(area(0.0), area(5.0)) == Missing(reason=NotDone.BASELINE_ZERO)


@pytest.mark.parametrize("baseline", [0.1, 0.3, 1.7, 49.0, 71.3, 1e5 / 3.0])
def test_half_an_area_is_minus_fifty_to_the_last_digit(baseline):
    assert change_percent(area(baseline), area(baseline / 2.0)).value == -50.0


def test_rate_of_the_logarithm():
    # ln(80/20)/28 = 1.386294/28 = 0.0495105
    figure = log_area_rate(area(80.0, 8.0), area(20.0, 1.5), 28)
    assert figure.value == pytest.approx(0.0495105, abs=5e-8)
    # √((8/80)² + (1.5/20)²)/28 = √(0.01 + 0.005625)/28 = 0.125/28
    assert figure.u == pytest.approx(0.125 / 28)
    assert log_area_rate(area(0.0), area(1.0), 7).reason is NotDone.BASELINE_ZERO
    assert log_area_rate(area(1.0), area(0.0), 7).reason is NotDone.FOLLOW_UP_ZERO


def test_a_shared_relative_bias_cancels_in_the_rate():
    # both areas 10 % too large: the ratio is right
    assert log_area_rate(area(80.0, 0.0, 8.0), area(20.0, 0.0, 2.0), 28).u == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize(("before_mm", "after_mm"), [(5.0, 3.0), (4.75, 0.0), (2.0, 2.0), (1.0, 4.0)])
def test_margin_advance_of_a_circle_is_the_loss_of_its_radius(before_mm, after_mm):
    areas = (math.pi * before_mm**2, math.pi * after_mm**2)
    figure = margin_advance(areas, [2 * math.pi * before_mm, 2 * math.pi * after_mm])
    assert figure.value == pytest.approx(before_mm - after_mm)
    assert figure.u is None
    assert figure.u_reason is UncertaintyGap.PERIMETER_UNKNOWN


def test_margin_advance_of_a_rectangle():
    # 10 × 4 mm becomes 8 × 2 mm: 2 (40 - 16) / (28 + 20) = 1 mm, as each side moved in by 1 mm
    assert margin_advance((40.0, 16.0), [28.0, 20.0]).value == pytest.approx(1.0)
    assert margin_advance((0.0, 0.0), []).reason is NotDone.NO_EROSION


def test_normalized_area_under_the_curve():
    # 100, 50, 0 mm² on days 0, 10, 30: (10·75 + 20·25) / (100·30) = 1250/3000
    curve = [(0, area(100.0, 6.0)), (10, area(50.0, 4.0)), (30, area(0.0))]
    figure = normalized_auc([curve])
    assert figure.value == pytest.approx(1250 / 3000)
    # slopes: A0: 5/3000 - (1250/3000)/100 = -0.0025; A1: 15/3000 = 0.005: √((0.0025·6)² + (0.005·4)²) = 0.025
    assert figure.u == pytest.approx(0.025)
    assert normalized_auc([[(0, area(0.0)), (10, area(1.0))]]).reason is NotDone.BASELINE_ZERO


def test_area_under_the_curve_of_two_sites_is_that_of_their_sum():
    one = [(0, area(100.0)), (14, area(30.0)), (28, area(10.0))]
    other = [(0, area(0.0)), (14, area(20.0)), (28, area(5.0))]
    both = [(0, area(100.0)), (14, area(50.0)), (28, area(15.0))]
    assert normalized_auc([one, other]).value == pytest.approx(normalized_auc([both]).value)
    assert normalized_auc([[(0, area(7.0)), (9, area(7.0))]]).value == 1.0


def test_no_area_has_no_uncertainty_for_a_missed_lesion_is_not_in_it():
    assert area_figure(area(0.0)).u_reason is UncertaintyGap.ZERO_AREA
    assert absolute_change(area(0.0), area(0.0)).u_reason is UncertaintyGap.ZERO_AREA
    assert change_percent(area(5.0), area(0.0)).u_reason is UncertaintyGap.ZERO_AREA


def test_a_change_to_or_from_nothing_says_whose_uncertainty_it_has():
    healed, new = absolute_change(area(5.0), area(0.0)), absolute_change(area(0.0), area(5.0))
    assert (healed.detail, new.detail) == ("u-of-baseline-alone", "u-of-follow-up-alone")
    assert healed.u == new.u == area(5.0).u_mm2
