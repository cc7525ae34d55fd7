import numpy as np
import pytest

from oral_lesion.errors import InputError
from oral_lesion.numerics.overlap import (
    LesionMatches,
    calibration_bins,
    calibration_error,
    dice_coefficient,
    intersection_over_union,
    match_lesions,
    ratio,
)

EVERYWHERE = np.ones((40, 60), bool)


def drawn(*boxes):
    mask = np.zeros((40, 60), bool)
    for top, left, height, width in boxes:
        mask[top : top + height, left : left + width] = True
    return mask


def test_empty_masks_follow_the_stated_rule():
    np.testing.assert_array_equal(dice_coefficient([0, 4, 0, 4], [0, 0, 4, 4], [0, 0, 0, 2]), [1, 0, 0, 0.5])
    np.testing.assert_array_equal(intersection_over_union([0, 4, 0], [0, 0, 4], [0, 0, 0]), [1, 0, 0])
    assert np.isnan(ratio(0, 0))


def test_lesions_match_one_to_one():
    truth = drawn((0, 0, 10, 10), (20, 20, 10, 10), (0, 40, 5, 5))
    predicted = drawn((0, 5, 10, 10), (20, 20, 10, 4), (20, 26, 10, 4), (35, 0, 5, 5))
    # IoU 1/3 matches; of the two halves of the second one matches (.4) and the other is extra; the third is missed.
    assert match_lesions(truth, predicted, EVERYWHERE) == LesionMatches(true=3, predicted=4, matched=2)


@pytest.mark.parametrize(("shift", "matched"), [(8, 1), (9, 0)])
def test_overlap_below_a_tenth_is_no_match(shift, matched):
    truth, predicted = drawn((0, 0, 10, 10)), drawn((0, shift, 10, 10))  # IoU 2/18 and 1/19
    assert match_lesions(truth, predicted, EVERYWHERE) == LesionMatches(true=1, predicted=1, matched=matched)


def test_corners_connect():
    mask = drawn((0, 0, 4, 4), (4, 4, 4, 4))
    assert match_lesions(mask, mask, EVERYWHERE) == LesionMatches(true=1, predicted=1, matched=1)


def test_what_lies_mostly_in_ignored_pixels_is_not_counted():
    counted = EVERYWHERE.copy()
    counted[:, 30:] = False
    nothing = drawn()
    assert match_lesions(nothing, drawn((0, 25, 10, 20)), counted).predicted == 0
    assert match_lesions(nothing, drawn((0, 15, 10, 20)), counted).predicted == 1
    assert match_lesions(nothing, drawn((0, 40, 10, 10)), counted, smallest_px=0).predicted == 0
    # Of a lesion that is half ignored, the judged half is compared.
    truth = drawn((0, 20, 10, 10))
    assert match_lesions(truth, drawn((0, 20, 10, 20)), counted).matched == 1


def test_small_lesions_are_left_out_on_both_sides():
    truth, predicted = drawn((0, 0, 3, 3), (20, 20, 10, 10)), drawn((0, 0, 6, 6), (20, 20, 10, 10), (35, 50, 2, 2))
    assert match_lesions(truth, predicted, EVERYWHERE) == LesionMatches(true=2, predicted=3, matched=2)
    # The small prediction goes; the small label goes with the prediction that found it.
    assert match_lesions(truth, predicted, EVERYWHERE, smallest_px=10) == LesionMatches(true=1, predicted=1, matched=1)
    # A large label that only a small prediction meets is missed.
    small = drawn((20, 20, 3, 4))
    assert match_lesions(drawn((20, 20, 10, 10)), small, EVERYWHERE, smallest_px=20) == LesionMatches(
        true=1, predicted=0, matched=0
    )


def test_empty_pictures_have_no_lesions():
    assert match_lesions(drawn(), drawn(), EVERYWHERE) == LesionMatches(true=0, predicted=0, matched=0)
    assert match_lesions(drawn(), drawn((0, 0, 5, 5)), ~EVERYWHERE).predicted == 0


def test_calibration_bins_hold_their_lower_limit_and_the_last_one():
    sums = calibration_bins(np.array([0.0, 0.1, 0.1999, 1.0], np.float32), np.array([0, 1, 0, 1], bool))
    np.testing.assert_array_equal(sums[0], [1, 2, 0, 0, 0, 0, 0, 0, 0, 1])
    np.testing.assert_array_equal(sums[2], [0, 1, 0, 0, 0, 0, 0, 0, 0, 1])
    assert np.isnan(calibration_error(np.zeros((3, 10))))
    with pytest.raises(InputError, match="equal shapes"):
        calibration_bins(np.zeros(3), np.zeros(4, bool))
