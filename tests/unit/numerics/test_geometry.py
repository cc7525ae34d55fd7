"""Homographies and resampling."""

import cv2
import numpy as np
import pytest

from oral_lesion.errors import InputError
from oral_lesion.numerics.geometry import (
    apply_homography_xy,
    clip_polygon,
    fit_homography,
    homography_weight,
    jacobian,
    local_scale,
    map_points_rc,
    shrink,
    shrink_factor,
    warp_to_photo,
    warp_to_standard,
)

TILTED = np.array([[8.0, 0.4, 120.0], [-0.3, 7.6, 80.0], [2e-4, -3e-4, 1.0]])


def test_homography_fits_its_own_points_and_rejects_bad_ones():
    points = np.random.default_rng(0).uniform(0, 100, (12, 2))
    fitted = fit_homography(points, apply_homography_xy(TILTED, points))
    np.testing.assert_allclose(fitted, TILTED / TILTED[2, 2], rtol=1e-8, atol=1e-9)
    with pytest.raises(InputError):
        fit_homography(points[:3], points[:3])
    line = np.stack([np.arange(5.0), np.arange(5.0)], axis=1)
    with pytest.raises(InputError, match="degenerate"):
        fit_homography(line, line)


def test_rows_and_columns_are_the_swapped_points():
    points_rc = np.array([[3.0, 5.0], [40.0, 7.0]])
    expected = apply_homography_xy(TILTED, points_rc[:, ::-1])[:, ::-1]
    np.testing.assert_array_equal(map_points_rc(TILTED, points_rc), expected)


def test_derivative_and_scale_agree_with_differences():
    point, step = np.array([30.0, 20.0]), 1e-5
    numeric = np.stack(
        [
            (apply_homography_xy(TILTED, point + step * unit) - apply_homography_xy(TILTED, point - step * unit))
            / (2 * step)
            for unit in np.eye(2)
        ],
        axis=1,
    )
    np.testing.assert_allclose(jacobian(TILTED, point), numeric, rtol=1e-6)
    assert local_scale(TILTED, point) == pytest.approx(np.sqrt(np.linalg.det(numeric)), rel=1e-6)


def test_a_similarity_has_its_scale_everywhere():
    similarity = np.array([[0.0, -5.0, 3.0], [5.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(local_scale(similarity, [(0, 0), (90, -7)]), 5.0)


def test_polygon_is_cut_by_a_half_plane():
    square = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]])
    left = clip_polygon(square, np.array([-1.0, 0.0, 1.0]))
    assert cv2.contourArea(left.astype(np.float32)) == pytest.approx(4.0)
    assert clip_polygon(square, np.array([0.0, 0.0, -1.0])).shape == (0, 2)
    assert len(clip_polygon(square, np.array([0.0, 0.0, 1.0]))) == 4


def test_shrinking_takes_block_means():
    picture = np.arange(7 * 9, dtype=np.float32).reshape(7, 9)
    expected = picture[:6, :9].reshape(2, 3, 3, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(shrink(picture, 3), expected, rtol=1e-6)
    assert shrink(picture, 1) is picture


@pytest.mark.parametrize("px_per_px", [0.6, 1.0, 1.7, 2.4, 5.3])
def test_area_survives_resampling(px_per_px):
    # A disc of known area in a tilted view, from fine photos and from coarse ones.
    tilt = np.array([[1.0, 0.02, 0.0], [-0.03, 1.0, 0.0], [1.5e-4 / px_per_px, -1e-4 / px_per_px, 1.0]])
    photo_from_standard = tilt @ np.diag([px_per_px, px_per_px, 1.0])
    photo_shape = (int(320 * px_per_px), int(330 * px_per_px))
    centre, radius = np.array([150.0, 140.0]), 37.3
    y, x = np.mgrid[0 : photo_shape[0] * 4, 0 : photo_shape[1] * 4]
    fine = (np.stack([x, y], axis=-1) - 1.5) / 4
    inside = (
        np.hypot(*(apply_homography_xy(np.linalg.inv(photo_from_standard), fine) - centre).transpose(2, 0, 1)) < radius
    )
    coverage = cv2.resize(inside.astype(np.float32), photo_shape[::-1], interpolation=cv2.INTER_AREA)
    warped = warp_to_standard(coverage, photo_from_standard, (300, 310))
    assert warped.dtype == np.float32 and 0 <= warped.min() <= warped.max() <= 1
    assert warped.sum() == pytest.approx(np.pi * radius**2, rel=2e-3)
    rows, columns = np.indices(warped.shape)
    middle = np.array([(warped * columns).sum(), (warped * rows).sum()]) / warped.sum()
    np.testing.assert_allclose(middle, centre, atol=0.06)


def test_shrink_factor_follows_the_scale():
    for scale, factor in ((0.4, 1), (1.0, 1), (1.6, 1), (1.75, 2), (4.0, 4)):
        assert shrink_factor(np.diag([scale, scale, 1.0]), (100, 100), (1000, 1000)) == factor


def test_mask_goes_to_the_photo_and_back():
    mask = np.zeros((200, 220), bool)
    mask[60:120, 70:150] = True
    photo = warp_to_photo(mask, TILTED, (1700, 1900), "nearest")
    assert photo.dtype == np.bool_ and photo.shape == (1700, 1900)
    back = warp_to_standard(photo, TILTED, mask.shape)
    assert np.mean((back >= 0.5) != mask) < 0.002
    probability = warp_to_photo(mask.astype(np.float32), TILTED, (1700, 1900))
    assert probability.dtype == np.float32 and 0 <= probability.min() <= probability.max() <= 1


def test_nothing_appears_beyond_the_horizon():
    # The plane's horizon runs through the photo at x = 500: the far side must stay empty.
    photo_from_standard = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.002, 0.0, 1.0]])
    standard_from_photo = np.linalg.inv(photo_from_standard)
    photo = warp_to_photo(np.ones((1200, 1200), np.float32), photo_from_standard, (300, 900))
    weight = homography_weight(standard_from_photo, [(100, 10), (700, 10)])
    assert weight[0] > 0 > weight[1]
    assert photo[10, 100] == 1 and not photo[:, 520:].any()


def test_a_stack_of_maps_is_refused():
    with pytest.raises(InputError, match="height, width"):
        warp_to_standard(np.zeros((4, 4, 3), np.uint8), np.eye(3), (4, 4))
