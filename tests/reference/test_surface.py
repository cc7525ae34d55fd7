"""Distances of borders: the published tests of Nikolov et al.'s code, and that code itself."""

import numpy as np
import pytest

from oral_lesion.errors import InputError
from oral_lesion.numerics.surface import border_distances

OURS_FROM_THEIRS = {0: "gt_to_pred", 1: "pred_to_gt"}


def test_two_pixels_two_apart():
    # surface_distance_test.py, SurfaceDistance2DTest.test_on_2_pixels_2mm_away, with square pixels.
    first, second = np.zeros((128, 128), bool), np.zeros((128, 128), bool)
    first[50, 70] = second[50, 72] = True
    distances = border_distances(first, second)
    np.testing.assert_allclose(distances.distance_px[0], [1, 1, 2, 2])
    np.testing.assert_allclose(distances.distance_px[1], [1, 1, 2, 2])
    np.testing.assert_allclose(distances.length_px[0], np.full(4, np.sqrt(0.5)))
    assert distances.hausdorff_px(1.0) == 2.0
    assert distances.hausdorff_px(0.95) == 2.0
    assert distances.normalized_surface_distance(1.0) == pytest.approx(0.5)


def test_a_square_and_one_longer_by_a_row():
    # test_two_squares_shifted_by_one_pixel, with square pixels: lengths and distances as its comments list them.
    first, second = np.zeros((6, 6), bool), np.zeros((6, 6), bool)
    first[1:3, 1:3] = second[1:4, 1:3] = True
    distances = border_distances(first, second)
    half = np.sqrt(0.5)
    np.testing.assert_allclose(distances.distance_px[0], [0] * 7 + [1])
    np.testing.assert_allclose(distances.distance_px[1], [0] * 7 + [1] * 3)
    np.testing.assert_allclose(sorted(distances.length_px[0]), [half] * 4 + [1] * 4)
    np.testing.assert_allclose(sorted(distances.length_px[1]), [half] * 4 + [1] * 6)


def test_empty_masks():
    empty, one = np.zeros((9, 9), bool), np.zeros((9, 9), bool)
    one[4, 4] = True
    for pair in ((empty, one), (one, empty)):
        distances = border_distances(*pair)
        assert distances.normalized_surface_distance(100.0) == 0.0
        assert np.isnan(distances.hausdorff_px())
    both = border_distances(empty, empty)
    assert both.normalized_surface_distance(1.0) == 1.0
    assert np.isnan(both.hausdorff_px())
    with pytest.raises(InputError, match="one shape"):
        border_distances(empty, np.zeros((9, 8), bool))


@pytest.mark.filterwarnings("ignore:Please import .* from the .scipy.ndimage. namespace:DeprecationWarning")
@pytest.mark.parametrize("seed", range(6))
def test_as_the_authors_code_has_it(seed):
    theirs = pytest.importorskip(
        "surface_distance", reason="surface-distance-based-measures comes with oral-lesion[evaluate]"
    )
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:60, :80]

    def blobs():
        mask = rng.random((60, 80)) > 0.995
        for _ in range(3):
            row, column, radius = rng.uniform((5, 5, 3), (55, 75, 14))
            mask |= np.hypot(rows - row, columns - column) < radius
        mask[:, -2:] = mask[:2] = False  # their crop leaves out the window beyond the picture's last row and column
        return mask

    first, second = blobs(), blobs()
    ours = border_distances(first, second)
    expected = theirs.compute_surface_distances(first, second, (1, 1))
    for place, name in OURS_FROM_THEIRS.items():
        np.testing.assert_allclose(ours.distance_px[place], expected[f"distances_{name}"])
    for tolerance in (0.0, 1.0, 2.0, 5.5):
        assert ours.normalized_surface_distance(tolerance) == pytest.approx(
            theirs.compute_surface_dice_at_tolerance(expected, tolerance)
        )
    for percent in (50, 95, 100):
        assert ours.hausdorff_px(percent / 100) == pytest.approx(theirs.compute_robust_hausdorff(expected, percent))
