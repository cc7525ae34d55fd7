"""Change of an area: exact under a swap, uncertain by a stated model, and none where there is none to tell."""

import math

import numpy as np
import pytest

from oral_lesion.compare import ChangeSettings, compare_areas, is_same_photo, repeatability_mm2, u_change_mm2
from oral_lesion.errors import InputError
from oral_lesion.records import (
    ChangeFlag,
    Measurement,
    PhotoIdentity,
    Registration,
    RegistrationFailure,
    RepeatabilityProfile,
    Visit,
)

SETTINGS = ChangeSettings(boundary_correlation=0.5)


def measured(area_mm2, u_scale_mm2=0.0, u_boundary_mm2=0.0):
    if area_mm2 == 0:
        return Measurement(lesions=(), area_mm2=0.0, u_scale_mm2=None, u_boundary_mm2=None)
    return Measurement(lesions=(), area_mm2=area_mm2, u_scale_mm2=u_scale_mm2, u_boundary_mm2=u_boundary_mm2)


def test_change_and_percent():
    change = compare_areas(measured(80.0), measured(20.0), settings=SETTINGS)
    assert (change.baseline_mm2, change.follow_up_mm2, change.change_mm2) == (80.0, 20.0, -60.0)
    assert change.change_percent == -75.0
    assert change.exceeds_repeatability is None
    assert change.flags == ()


def test_a_swap_negates_the_change_to_the_last_bit():
    rng = np.random.default_rng(0)
    profile = RepeatabilityProfile(points=((1.0, 0.3), (50.0, 4.0)))
    for _ in range(300):
        first, second = (measured(*(float(value) for value in rng.uniform(0, 100, size=3))) for _ in range(2))
        there = compare_areas(first, second, settings=SETTINGS, profile=profile)
        back = compare_areas(second, first, settings=SETTINGS, profile=profile)
        assert there.change_mm2 == -back.change_mm2
        assert there.u_change_mm2 == back.u_change_mm2
        assert there.exceeds_repeatability == back.exceeds_repeatability


def test_from_a_baseline_of_zero_there_is_no_percentage():
    change = compare_areas(measured(0.0), measured(12.0, 1.0), settings=SETTINGS)
    assert (change.change_mm2, change.change_percent, change.u_change_percent) == (12.0, None, None)
    assert change.flags == (ChangeFlag.BASELINE_ZERO,)


def test_healing_to_zero_is_minus_100_percent():
    change = compare_areas(measured(12.0, 0.6, 0.8), measured(0.0), settings=SETTINGS)
    assert change.change_percent == -100.0
    assert change.u_change_percent is None
    assert change.u_change_mm2 == pytest.approx(1.0)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 1.0])
def test_uncertainty_agrees_with_a_simulation_of_its_sources(correlation):
    rng = np.random.default_rng(3)
    draws = 200_000
    shared, *own = rng.standard_normal((3, draws))
    boundary = [math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * one for one in own]
    scale = rng.standard_normal((2, draws))
    first, second = measured(100.0, 3.0, 4.0), measured(60.0, 2.0, 2.5)
    areas = [
        one.area_mm2 + one.u_scale_mm2 * s + one.u_boundary_mm2 * b
        for one, s, b in zip((first, second), scale, boundary, strict=True)
    ]
    change = compare_areas(first, second, settings=ChangeSettings(boundary_correlation=correlation))
    assert change.u_change_mm2 == pytest.approx(np.std(areas[1] - areas[0]), rel=0.01)
    percent = 100 * (areas[1] / areas[0] - 1)
    assert change.u_change_percent == pytest.approx(np.std(percent), rel=0.03)


def test_a_boundary_error_that_is_wholly_shared_cancels():
    assert u_change_mm2(measured(50.0, 0.0, 2.0), measured(40.0, 0.0, 2.0), 1.0) == 0.0


@pytest.mark.parametrize("correlation", [-0.1, 1.1, math.nan])
def test_a_correlation_out_of_range_is_an_input_error(correlation):
    with pytest.raises(InputError, match="boundary_correlation"):
        ChangeSettings(boundary_correlation=correlation)


def test_repeatability_is_linear_in_the_logarithm_of_the_mean_area():
    profile = RepeatabilityProfile(points=((1.0, 0.5), (100.0, 4.5)))
    assert repeatability_mm2(profile, 10.0, 10.0) == pytest.approx(2.5)
    assert repeatability_mm2(profile, 5.0, 15.0) == pytest.approx(2.5)
    assert repeatability_mm2(profile, 0.0, 0.0) == 0.5
    assert repeatability_mm2(profile, 100.0, 100.0) == 4.5


def test_above_the_profile_nothing_is_known():
    profile = RepeatabilityProfile(points=((1.0, 0.5), (100.0, 4.5)))
    assert repeatability_mm2(profile, 900.0, 900.0) is None
    change = compare_areas(measured(900.0), measured(1.0), settings=SETTINGS, profile=profile)
    assert change.exceeds_repeatability is None


def test_halving_an_area_is_minus_50_percent_to_the_last_digit():
    for area in (1.1, 37.3, 0.3, 1e-3):
        assert compare_areas(measured(area), measured(area / 2), settings=SETTINGS).change_percent == -50.0


def test_no_lesion_at_both_visits_has_no_uncertainty():
    change = compare_areas(measured(0.0), measured(0.0), settings=SETTINGS)
    assert (change.change_mm2, change.u_change_mm2) == (0.0, None)


@pytest.mark.parametrize(("follow_up_mm2", "exceeds"), [(12.4, False), (12.9, True), (7.0, True)])
def test_a_change_beyond_repeatability(follow_up_mm2, exceeds):
    profile = RepeatabilityProfile(points=((10.0, 2.5), (1000.0, 2.5)))
    change = compare_areas(measured(10.0), measured(follow_up_mm2), settings=SETTINGS, profile=profile)
    assert change.exceeds_repeatability is exceeds


@pytest.mark.parametrize("points", [(), ((2.0, 1.0), (1.0, 1.0)), ((0.0, 1.0),), ((1.0, -1.0),), ((1.0, math.nan),)])
def test_a_profile_that_is_none_is_an_input_error(points):
    with pytest.raises(InputError, match="points"):
        RepeatabilityProfile(points=points)


def test_the_same_photo_twice_is_no_change_at_all():
    change = compare_areas(measured(10.0, 1.0, 1.0), measured(10.0, 1.0, 1.0), settings=SETTINGS, same_photo=True)
    assert (change.change_mm2, change.u_change_mm2, change.change_percent) == (None, None, None)
    assert change.exceeds_repeatability is None
    assert change.flags == (ChangeFlag.SAME_PHOTO,)


def test_the_same_photo_is_told_by_its_hash_alone():
    first, same, other = (
        PhotoIdentity(photo_id=name, file=f"{name}.jpg", sha256=sha * 64, subject_id="S", visit=Visit(name=name))
        for name, sha in (("a", "1"), ("b", "1"), ("c", "2"))
    )
    assert is_same_photo(first, same)
    assert not is_same_photo(first, other)


def test_totals_are_compared_where_the_photos_are_not_registered():
    failed = Registration(registered=False, failure=RegistrationFailure.FEW_INLIERS)
    change = compare_areas(measured(10.0), measured(5.0), settings=SETTINGS, registration=failed)
    assert change.change_mm2 == -5.0
    assert change.flags == (ChangeFlag.NOT_REGISTERED,)
