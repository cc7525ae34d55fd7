import numpy as np
import pytest

from oral_lesion.errors import InputError
from oral_lesion.evaluation.estimates import compare_counts, estimate_measures, size_classes
from oral_lesion.evaluation.measures import MEASURES
from oral_lesion.evaluation.settings import EvaluationSettings
from oral_lesion.numerics.agreement import icc_2_1, limits_of_agreement
from oral_lesion.numerics.overlap import LesionMatches

SETTINGS = EvaluationSettings(resamples=300)


def by_key(estimates):
    return {estimate.measure.key: estimate for estimate in estimates}


@pytest.fixture
def mixed(counted):
    """A half match, a whole one, a miss, a false alarm and a quiet lesion-free picture."""
    return [
        counted("half", 400, 400, 200),
        counted("whole", 100, 100, 100),
        counted("missed", 50, 0, 0),
        counted("alarm", 0, 400, 0),
        counted("quiet", 0, 0, 0),
    ]


def test_the_conventions_differ_as_defined(mixed):
    got = by_key(estimate_measures(mixed, SETTINGS))
    assert got["dice_image_lesion"].value == pytest.approx((0.5 + 1 + 0) / 3)
    assert got["dice_image_all"].value == pytest.approx((0.5 + 1 + 0 + 0 + 1) / 5)
    assert got["dice_pooled"].value == pytest.approx(2 * 300 / (550 + 900))
    assert got["iou_pooled"].value == pytest.approx(300 / (550 + 900 - 300))
    assert got["precision_pooled"].value == pytest.approx(300 / 900)
    assert got["recall_pooled"].value == pytest.approx(300 / 550)
    assert got["recall_image_lesion"].value == pytest.approx((0.5 + 1 + 0) / 3)
    assert got["precision_image_lesion"].value == pytest.approx((0.5 + 1) / 2)
    assert got["negatives_fired"].value == 0.5
    assert (got["negatives_fired"].n, got["dice_image_lesion"].n, got["dice_pooled"].n) == (2, 3, 5)
    assert (got["lesion_precision"].value, got["lesion_recall"].value) == pytest.approx((2 / 3, 2 / 3))
    assert got["hd95_median"].n == 2


def test_lesions_are_pooled_over_pictures(counted):
    many = counted("many", 400, 400, 200, lesions=LesionMatches(true=4, predicted=2, matched=1))
    got = by_key(estimate_measures([many, counted("one", 100, 100, 100)], SETTINGS))
    assert got["lesion_recall"].value == pytest.approx(2 / 5)
    assert got["lesion_precision"].value == pytest.approx(2 / 3)
    assert got["lesion_f1"].value == pytest.approx(2 * 2 / (5 + 3))


def test_areas_are_shares_of_the_picture_or_mm2(counted):
    true, predicted = np.array([400, 100, 900, 250]), np.array([500, 80, 800, 250])
    for scale, factor, unit in ((None, 100 / 10_000, "% of picture"), (0.2, 0.04, "mm²")):
        counts = [
            counted(str(n), int(true[n]), int(predicted[n]), 50, mm_per_px=scale, longer_side_px=None) for n in range(4)
        ]
        got = by_key(estimate_measures([*counts, counted("free", 0, 9, 0, mm_per_px=scale)], SETTINGS))
        limits = limits_of_agreement((predicted - true) * factor)
        assert got["area_bias"].value == pytest.approx(limits.bias)
        assert got["area_limit_lower"].value == pytest.approx(limits.lower)
        assert got["area_limit_upper"].value == pytest.approx(limits.upper)
        assert got["area_icc"].value == pytest.approx(icc_2_1(np.stack([true, predicted], 1)).value)
        assert got["area_bias"].unit == unit
        assert got["area_error_absolute_median"].value == pytest.approx(100 * (20 / 100 + 100 / 900) / 2)
        assert got["hd95_median"].value == pytest.approx(4.0 * (scale or 1))


def test_one_picture_without_a_scale_keeps_all_in_pixels(counted):
    counts = [counted("a", 400, 500, 50, mm_per_px=0.2), counted("b", 0, 0, 0), counted("c", 90, 80, 50, mm_per_px=0.2)]
    got = by_key(estimate_measures(counts, SETTINGS))
    assert got["area_bias"].unit == "% of picture"
    assert got["hd95_median"].value == 4.0


def test_calibration_is_pooled(counted):
    counts = [counted("a", 900, 900, 900), counted("b", 700, 900, 700)]
    got = by_key(estimate_measures(counts, SETTINGS))
    assert got["ece"].value == pytest.approx((2 * 900 + abs(1600 - 1600)) / 20_000)
    assert got["ece_suspected"].value == pytest.approx(0.0)
    assert got["brier"].value == pytest.approx(100 / 20_000)


def test_pictures_without_lesion_have_no_overlap_figures(counted):
    got = by_key(estimate_measures([counted("a", 0, 0, 0), counted("b", 0, 60, 0)], SETTINGS))
    for key in ("dice_image_lesion", "dice_pooled", "lesion_f1", "area_icc", "hd95_median"):
        assert (got[key].value, got[key].low, got[key].n) == (None, None, 0), key
    assert got["negatives_fired"].value == 0.5


def test_intervals_resample_groups(counted):
    values = [(400, 400, 40 * n) for n in range(10)]
    alone = [counted(f"{n}", *px) for n, px in enumerate(values)]
    paired = [counted(f"{n}", *px, group=str(n // 5)) for n, px in enumerate(values)]
    one, two = (by_key(estimate_measures(counts, SETTINGS))["dice_image_lesion"] for counts in (alone, paired))
    assert one.value == two.value
    assert (one.groups, two.groups) == (10, 2)
    assert one.low < one.value < one.high
    assert two.high - two.low > one.high - one.low
    single = by_key(estimate_measures([counted(f"{n}", *values[n], group="g") for n in range(3)], SETTINGS))
    assert single["dice_image_lesion"].value is not None
    assert single["dice_image_lesion"].low is None


def test_none_of_twenty_is_not_never(counted):
    got = by_key(estimate_measures([counted(str(n), 0, 0, 0, fired=False) for n in range(20)], SETTINGS))
    fired = got["negatives_fired"]
    assert (fired.value, fired.low) == (0.0, 0.0)
    assert fired.high == pytest.approx(1 - 0.025 ** (1 / 20))


def test_the_same_counts_give_the_same_intervals(mixed):
    first, again = (
        [(estimate.low, estimate.high) for estimate in estimate_measures(mixed, SETTINGS)] for _ in range(2)
    )
    assert first == again


def test_comparison_is_paired(counted):
    rng = np.random.default_rng(2)
    overlaps = rng.integers(20, 380, 30)
    worse = [counted(str(n), 400, 400, int(overlap)) for n, overlap in enumerate(overlaps)]
    better = [counted(str(n), 400, 400, int(overlap) + 12) for n, overlap in enumerate(overlaps)]
    difference = by_key(compare_counts(better, worse, SETTINGS))["dice_image_lesion"]
    # The same gain on every picture: no spread, though the pictures themselves differ widely.
    assert (difference.value, difference.low, difference.high) == pytest.approx((0.03, 0.03, 0.03))
    spread = by_key(estimate_measures(better, SETTINGS))["dice_image_lesion"]
    assert spread.high - spread.low > 0.1


def test_comparison_is_over_pictures_on_which_both_have_the_figure(counted):
    one = [counted("a", 400, 400, 200, hausdorff_px=6.0), counted("b", 400, 0, 0)]
    two = [counted("a", 400, 400, 200, hausdorff_px=5.0), counted("b", 400, 400, 200, hausdorff_px=50.0)]
    difference = by_key(compare_counts(one, two, SETTINGS))["hd95_median"]
    assert (difference.value, difference.n) == (1.0, 1)
    turned = by_key(compare_counts(two, one, SETTINGS))["hd95_median"]
    assert (turned.value, turned.n) == (-1.0, 1)
    with pytest.raises(InputError, match="same pictures"):
        compare_counts(one, two[::-1], SETTINGS)


def test_classes_are_thirds_by_labelled_area(counted):
    counts = [counted(str(n), 100 * (n + 1), 100, 50) for n in (5, 1, 8, 3, 0, 6, 2, 7, 4)]
    classes = size_classes([*counts, counted("free", 0, 0, 0)], SETTINGS)
    assert [(each.name, each.least_area, each.most_area) for each in classes] == [
        ("small", 1.0, 3.0), ("medium", 4.0, 6.0), ("large", 7.0, 9.0),
    ]  # fmt: skip
    assert all(by_key(each.estimates)["dice_image_lesion"].n == 3 for each in classes)
    expected = np.mean([2 * 50 / (size + 100) for size in (700, 800, 900)])
    assert by_key(classes[2].estimates)["dice_image_lesion"].value == pytest.approx(expected)
    assert size_classes(counts[:8], SETTINGS) == ()


def test_keys_are_unique_and_every_figure_is_there(mixed):
    keys = [measure.key for measure in MEASURES]
    assert len(set(keys)) == len(keys)
    assert [estimate.measure.key for estimate in estimate_measures(mixed, SETTINGS)] == keys
