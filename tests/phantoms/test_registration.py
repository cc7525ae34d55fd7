"""Photos of one mouth are aligned, photos of two are not: on drawn tissue, warped with a known motion."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from tissue_pairs import (
    MM_PER_PX,
    STRAIGHT,
    Pose,
    drawn_pose,
    drawn_tissue,
    photographed,
    residual_mm,
    standardized_of,
)

from oral_lesion.compare import RegistrationSettings, map_to_baseline, register, register_visits, warp_to_baseline
from oral_lesion.records import RegistrationFailure, RegistrationQuality, Scale

SETTINGS = RegistrationSettings()
FIELD_MM = (60.0, 45.0)
SITES = ("buccal-left", "tongue-ventral", "palate-hard", "buccal-right")


def photo(seed, pose=STRAIGHT, look=0, **options):
    tissue = drawn_tissue(seed, SITES[seed % len(SITES)])
    return photographed(tissue, pose, FIELD_MM, np.random.default_rng([seed, look]), **options)


@pytest.mark.parametrize("seed", range(6))
def test_the_same_mouth_is_aligned(seed):
    pose = drawn_pose(np.random.default_rng([seed, 5]))
    baseline, follow_up = photo(seed), photo(seed, pose, look=1)
    found = register(baseline, follow_up, settings=SETTINGS)
    assert found.registered, found
    assert not found.mirrored
    error = residual_mm(found, baseline, follow_up, pose)
    assert np.median(error) <= 0.5
    assert np.quantile(error, 0.95) <= 2.0
    assert found.residual_mm <= 0.5


def test_different_mouths_are_not_aligned():
    photos = [photo(seed, drawn_pose(np.random.default_rng([seed, 6])), look=2) for seed in range(10, 15)]
    for index, baseline in enumerate(photos):
        for follow_up in photos[index + 1 :]:
            found = register(baseline, follow_up, settings=SETTINGS)
            assert not found.registered
            assert found.failure is not None
            assert found.quality is RegistrationQuality.FAILED
            assert found.baseline_xy_from_follow_up_xy is None


@pytest.mark.parametrize("declared", [None, True])
def test_a_mirrored_photo_is_recognised_or_declared(declared):
    pose = Pose(rotation_deg=9.0, shift_mm=(2.0, 1.0))
    baseline, follow_up = photo(1), photo(1, pose, look=1, mirrored=True)
    found = register(baseline, follow_up, settings=SETTINGS, mirrored=declared)
    assert found.registered
    assert found.mirrored
    assert np.linalg.det(found.baseline_xy_from_follow_up_xy[:2, :2]) < 0
    assert np.median(residual_mm(found, baseline, follow_up, pose)) <= 0.5
    assert not register(baseline, follow_up, settings=SETTINGS, mirrored=False).registered


def test_the_photo_of_the_zero_change_lies_on_itself():
    baseline = photo(3)
    found = register(baseline, baseline, settings=SETTINGS)
    points = np.array([[100.0, 100.0], [400.0, 300.0]])
    np.testing.assert_allclose(map_to_baseline(found, points), points, atol=0.05)
    assert found.quality is RegistrationQuality.GOOD
    assert found.overlap_fraction > 0.99


def test_equal_photos_give_equal_registrations():
    pose = drawn_pose(np.random.default_rng(9))
    first, second = (register(photo(2), photo(2, pose, look=1), settings=SETTINGS) for _ in range(2))
    np.testing.assert_array_equal(first.baseline_xy_from_follow_up_xy, second.baseline_xy_from_follow_up_xy)
    assert (first.inliers, first.residual_mm) == (second.inliers, second.residual_mm)


def test_a_scale_that_the_card_rules_out_is_not_accepted():
    baseline = photo(0)
    larger = photo(0, Pose(scale_error=-0.3), look=1)
    found = register(baseline, larger, settings=SETTINGS)
    assert not found.registered
    unsure = replace(larger, scale=Scale(mm_per_px=MM_PER_PX, u_mm_per_px=0.015, source="by hand"))
    assert register(baseline, unsure, settings=SETTINGS).registered


def test_photos_that_share_too_little_tissue_are_not_aligned():
    baseline, beside = photo(0), photo(0, Pose(shift_mm=(22.0, 0.0)), look=1)
    strict = replace(SETTINGS, min_overlap_fraction=0.8)
    found = register(baseline, beside, settings=strict)
    assert not found.registered
    assert found.failure is RegistrationFailure.OVERLAP_SMALL
    assert (found.observed, found.limit) == (found.overlap_fraction, 0.8)


@pytest.mark.parametrize("what", ["no tissue", "nothing valid", "smooth tissue", "tiny"])
def test_a_photo_without_features_fails_with_a_reason(what):
    shape = (30, 40) if what == "tiny" else (450, 600)
    color = (0.4, 0.4, 0.4) if what == "no tissue" else (0.5, 0.2, 0.18)
    valid = np.full(shape, what != "nothing valid")
    follow_up = standardized_of(np.tile(np.float32(color), (*shape, 1)), valid)
    found = register(photo(0), follow_up, settings=SETTINGS)
    assert found.failure is RegistrationFailure.FEW_FEATURES
    assert found.limit == SETTINGS.min_inliers


def test_a_warped_follow_up_looks_like_the_baseline():
    pose = drawn_pose(np.random.default_rng(12))
    baseline, follow_up = photo(4), photo(4, pose, look=1)
    found = register(baseline, follow_up, settings=SETTINGS)
    warped = warp_to_baseline(follow_up.linear_rgb, found, baseline.valid.shape)
    seen = warp_to_baseline(follow_up.valid, found, baseline.valid.shape) & baseline.valid
    green = [cv2.GaussianBlur(one[..., 1], (0, 0), 4) for one in (baseline.linear_rgb, warped, follow_up.linear_rgb)]
    rows, columns = (min(one.valid.shape[axis] for one in (baseline, follow_up)) for axis in (0, 1))
    corner = (slice(0, rows), slice(0, columns))
    aligned = np.corrcoef(green[0][seen], green[1][seen])[0, 1]
    as_taken = np.corrcoef(green[0][corner].ravel(), green[2][corner].ravel())[0, 1]
    assert aligned > 0.6
    assert aligned > as_taken + 0.2


def test_a_visit_that_meets_only_another_visit_is_aligned_by_way_of_it():
    apart = [Pose(shift_mm=(shift, 0.0)) for shift in (-19.0, 0.0, 19.0)]
    photos = [photo(0, pose, look=number) for number, pose in enumerate(apart)]
    direct = register(photos[0], photos[2], settings=replace(SETTINGS, min_overlap_fraction=0.5))
    assert not direct.registered
    found = register_visits(
        [photos[0], None, photos[1], photos[2]], settings=replace(SETTINGS, min_overlap_fraction=0.5)
    )
    assert [one is not None and one.registered for one in found] == [True, False, True, True]
    middle = np.array([[300.0, 225.0]])
    np.testing.assert_allclose(map_to_baseline(found[3], middle) - middle, [[380.0, 0.0]], atol=6.0)


def test_there_and_back_is_where_it_began():
    pose = drawn_pose(np.random.default_rng(21))
    baseline, follow_up = photo(0), photo(0, pose, look=1)
    there = register(baseline, follow_up, settings=SETTINGS)
    back = register(follow_up, baseline, settings=SETTINGS)
    middle = np.array([[300.0, 225.0], [250.0, 180.0]])
    np.testing.assert_allclose(map_to_baseline(there, map_to_baseline(back, middle)), middle, atol=5.0)
