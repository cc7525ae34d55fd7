"""A change against the precision profile."""

import math

import pytest

from oral_lesion.endpoint import RepeatabilityPoint
from oral_lesion.endpoint.repeatability import exceeds_repeatability, repeatability_coefficient_mm2
from oral_lesion.records import NotDone

PROFILE = tuple(RepeatabilityPoint(area_mm2=a, rc_mm2=rc) for a, rc in ((10.0, 2.0), (100.0, 8.0)))


def test_the_coefficient_is_linear_in_the_logarithm_of_the_area():
    assert repeatability_coefficient_mm2(PROFILE, 10.0) == 2.0
    assert repeatability_coefficient_mm2(PROFILE, math.sqrt(1000.0)) == pytest.approx(5.0)
    assert repeatability_coefficient_mm2(PROFILE, 100.0) == pytest.approx(8.0)
    assert repeatability_coefficient_mm2(PROFILE, 0.0) == 2.0


def test_nothing_is_known_beyond_the_profile_or_without_one():
    assert repeatability_coefficient_mm2(PROFILE, 100.1).reason is NotDone.OUTSIDE_PROFILE
    assert repeatability_coefficient_mm2((), 5.0).reason is NotDone.NO_PROFILE
    assert exceeds_repeatability([(50.0, 40.0), (300.0, 10.0)], PROFILE).reason is NotDone.OUTSIDE_PROFILE


def test_only_a_larger_change_exceeds_it():
    assert exceeds_repeatability([(6.0, 8.0)], PROFILE).value == 0.0
    assert exceeds_repeatability([(6.0, 8.001)], PROFILE).value == 1.0
    assert exceeds_repeatability([(8.001, 6.0)], PROFILE).value == 1.0


def test_the_coefficient_is_that_at_the_mean_of_both_areas():
    # mean 31.6 mm²: 5.0 mm²; at 28.6 or 34.6 it would be 4.74 or 5.24
    middle = math.sqrt(1000.0)
    assert exceeds_repeatability([(middle - 2.51, middle + 2.51)], PROFILE).value == 1.0
    assert exceeds_repeatability([(middle + 2.51, middle - 2.51)], PROFILE).value == 1.0
    assert exceeds_repeatability([(middle - 2.49, middle + 2.49)], PROFILE).value == 0.0
    assert exceeds_repeatability([(middle + 2.49, middle - 2.49)], PROFILE).value == 0.0


def test_coefficients_of_several_sites_add_in_quadrature():
    # two sites of about 5 mm²: √(2² + 2²) = 2.83
    assert exceeds_repeatability([(5.0, 3.6), (5.0, 3.6)], PROFILE).value == 0.0
    assert exceeds_repeatability([(5.0, 3.5), (5.0, 3.5)], PROFILE).value == 1.0
