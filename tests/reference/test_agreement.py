"""Agreement, repeatability, overlap and calibration against published examples and kept libraries."""

import numpy as np
import pytest

from oral_lesion.errors import InputError
from oral_lesion.numerics.agreement import (
    icc_2_1,
    icc_2_1_resampled,
    limits_of_agreement,
    limits_of_agreement_resampled,
    repeatability_coefficient,
    within_subject_cv,
    within_subject_sd,
)
from oral_lesion.numerics.overlap import (
    calibration_bins,
    calibration_error,
    dice_coefficient,
    intersection_over_union,
)

# Shrout, Fleiss 1979, doi:10.1037/0033-2909.86.2.420, table 2: six targets, four judges.
RATINGS = np.array([(9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7)], float)

# Bland, Altman 1986, doi:10.1016/S0140-6736(86)90837-8, table 1: peak expiratory flow of 17 subjects (l/min) by a
# Wright meter, first and second reading, and by a mini meter, first reading.
WRIGHT = np.array([494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427], float)
WRIGHT_AGAIN = np.array([490, 397, 512, 401, 470, 611, 415, 431, 638, 429, 420, 633, 275, 492, 165, 372, 421], float)
MINI = np.array([512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451], float)


def test_icc_of_shrout_and_fleiss():
    assert icc_2_1(RATINGS).value == pytest.approx(0.29, abs=0.005)


@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")  # of pandas, within pingouin
def test_icc_and_its_interval_as_pingouin_has_them():
    pandas = pytest.importorskip("pandas", reason="pandas comes with oral-lesion[dev]")
    pingouin = pytest.importorskip("pingouin", reason="pingouin comes with oral-lesion[dev]")
    rng = np.random.default_rng(1)
    for ratings in (RATINGS, rng.normal(0, 3, (12, 1)) + rng.normal(0, 1, (12, 2)) + (0.0, 0.7)):
        rows = [(t, r, ratings[t, r]) for t in range(ratings.shape[0]) for r in range(ratings.shape[1])]
        table = pandas.DataFrame(rows, columns=["target", "rater", "rating"])
        theirs = pingouin.intraclass_corr(table, targets="target", raters="rater", ratings="rating").set_index("Type")
        row = theirs.loc["ICC(A,1)" if "ICC(A,1)" in theirs.index else "ICC2"]
        ours = icc_2_1(ratings)
        interval = row["CI95"] if "CI95" in theirs.columns else row["CI95%"]
        assert ours.value == pytest.approx(row["ICC"], abs=1e-9)
        assert ours.interval == pytest.approx(tuple(interval), abs=0.005)  # printed with two decimals


def test_icc_of_resamples_is_that_of_repeated_rows():
    weights = np.array([(1, 1, 1, 1, 1, 1), (2, 0, 1, 3, 0, 0), (6, 0, 0, 0, 0, 0)], float)
    got = icc_2_1_resampled(RATINGS, weights)
    drawn = np.repeat(RATINGS, weights[1].astype(int), axis=0)
    assert got[0] == pytest.approx(icc_2_1(RATINGS).value)
    assert got[1] == pytest.approx(icc_2_1(drawn).value)
    assert got[2] < 0.01  # the same target six times: nothing between targets


def test_limits_of_agreement_of_bland_and_altman():
    limits = limits_of_agreement(WRIGHT - MINI, multiplier=2.0)  # the paper takes 2 for 1.96
    assert limits.n == 17
    assert limits.bias == pytest.approx(-2.1, abs=0.05)
    assert limits.sd == pytest.approx(38.8, abs=0.05)
    assert (limits.lower, limits.upper) == pytest.approx((-79.7, 75.5), abs=0.1)  # from the rounded mean and SD
    assert limits.bias_interval == pytest.approx((-22.0, 17.8), abs=0.15)
    # The paper takes 3 s²/n for the variance of a limit; the later formula gives 3.1 s²/n here: 0.7 l/min wider.
    assert limits.lower_interval == pytest.approx((-114.3, -45.1), abs=0.9)
    assert limits.upper_interval == pytest.approx((40.9, 110.1), abs=0.9)


def test_limits_of_resamples_are_those_of_repeated_pairs():
    differences = WRIGHT - MINI
    weights = np.stack([np.ones(17), np.arange(17.0) % 3, np.eye(17)[4]])
    bias, lower, upper = limits_of_agreement_resampled(differences, weights)
    for row in (0, 1):
        drawn = limits_of_agreement(np.repeat(differences, weights[row].astype(int)))
        assert (bias[row], lower[row], upper[row]) == pytest.approx((drawn.bias, drawn.lower, drawn.upper))
    assert np.isnan(lower[2])  # one pair has no spread


def test_repeatability_of_the_wright_meter():
    # Bland, Altman 1986: SD of the differences of two readings, their mean taken as 0, 21.6; coefficient of
    # repeatability 2 × 21.6 = 43.2, which is 2 √2 within-subject SDs.
    spread = within_subject_sd(np.concatenate([WRIGHT, WRIGHT_AGAIN]), np.tile(np.arange(17), 2))
    assert spread.value * np.sqrt(2) == pytest.approx(21.6, abs=0.06)
    assert repeatability_coefficient(spread.value) == pytest.approx(43.2 * 1.96 / 2, abs=0.12)
    assert (spread.subjects, spread.degrees_of_freedom) == (17, 17)
    # Chi-squared quantiles of 17 degrees of freedom in printed tables: 30.191 and 7.564.
    assert spread.interval == pytest.approx(
        (spread.value * np.sqrt(17 / 30.191), spread.value * np.sqrt(17 / 7.564)), rel=1e-4
    )


def test_coefficient_of_variation_of_pairs_as_bland_puts_it():
    # https://www-users.york.ac.uk/~mb55/meas/cv.htm: variance (x - y)² / 2 over the squared mean; root of their mean.
    expected = np.sqrt(np.mean((WRIGHT - WRIGHT_AGAIN) ** 2 / 2 / ((WRIGHT + WRIGHT_AGAIN) / 2) ** 2))
    spread = within_subject_cv(np.concatenate([WRIGHT, WRIGHT_AGAIN]), np.tile(np.arange(17), 2))
    assert spread.value == pytest.approx(expected)
    assert repeatability_coefficient(0.1) == pytest.approx(0.277, abs=5e-4)


def test_subjects_with_one_measurement_say_nothing():
    with_single = within_subject_sd([1.0, 2.0, 9.0], ["a", "a", "b"])
    assert with_single.value == pytest.approx(np.sqrt(0.5))
    assert with_single.subjects == 1
    with pytest.raises(InputError, match="two measurements"):
        within_subject_sd([1.0, 2.0], ["a", "b"])
    with pytest.raises(InputError, match="above 0"):
        within_subject_cv([1.0, -1.0], ["a", "a"])


@pytest.mark.parametrize("given", [[], [1.0], [1.0, np.nan], [[1.0, 2.0], [1.0, 2.0]]])
def test_missing_or_too_few_differences_are_refused(given):
    with pytest.raises(InputError, match="differences"):
        limits_of_agreement(given)


def test_ratings_that_do_not_vary_have_no_icc():
    assert np.isnan(icc_2_1(np.ones((4, 2))).value)
    assert icc_2_1([(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]).value == pytest.approx(1.0)


def test_overlap_as_scikit_learn_has_it():
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn comes with pingouin, oral-lesion[dev]")
    # The example of scikit-learn's documentation of jaccard_score: 0.6666.
    truth, predicted = np.array([0, 1, 1]), np.array([1, 1, 1])
    counts = truth.sum(), predicted.sum(), (truth & predicted).sum()
    assert intersection_over_union(*counts) == pytest.approx(0.6666, abs=1e-4)
    assert intersection_over_union(*counts) == pytest.approx(metrics.jaccard_score(truth, predicted))
    assert dice_coefficient(*counts) == pytest.approx(metrics.f1_score(truth, predicted))


def test_calibration_error_of_torchmetrics_example():
    # torchmetrics, BinaryCalibrationError, example with two bins and norm l1: 0.2900.
    sums = calibration_bins(np.array([0.25, 0.25, 0.55, 0.75, 0.75]), np.array([0, 0, 1, 1, 1], bool), bins=2)
    assert calibration_error(sums) == pytest.approx(0.29, abs=5e-5)
