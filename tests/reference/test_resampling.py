"""The bootstrap against Efron's mouse data and SciPy's."""

import numpy as np
import pytest
from scipy import stats

from oral_lesion.errors import InputError
from oral_lesion.numerics.resampling import (
    group_weights,
    percentile_interval,
    unanimous_interval,
    weighted_mean,
    weighted_median,
)

# Efron, Tibshirani 1993, An Introduction to the Bootstrap, table 2.1: survival (days) of treated mice.
MICE = np.array([94, 197, 16, 38, 99, 141, 23], float)
RESAMPLES = 20_000


def weights_of(groups, resamples=RESAMPLES, seed=3):
    return group_weights(groups, resamples=resamples, seed=seed)


def test_standard_error_of_the_mean_of_the_mice():
    means = weighted_mean(MICE, weights_of([str(mouse) for mouse in range(7)]))
    # The ideal bootstrap's standard error is the plug-in 23.36 (their section 5.3, sqrt of 6/7 of 25.24²).
    assert means.std() == pytest.approx(23.36, rel=0.02)
    assert means.mean() == pytest.approx(86.86, abs=0.6)


def test_percentile_interval_as_scipys():
    weights = weights_of([str(mouse) for mouse in range(7)])
    theirs = stats.bootstrap(
        (MICE,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(5)
    ).confidence_interval
    assert percentile_interval(weighted_mean(MICE, weights)) == pytest.approx((theirs.low, theirs.high), abs=1.5)


def test_median_of_resamples_is_that_of_repeated_values():
    weights = weights_of([str(mouse) for mouse in range(7)], resamples=200)
    expected = [np.median(np.repeat(MICE, row.astype(int))) for row in weights]
    np.testing.assert_allclose(weighted_median(MICE, weights), expected)
    assert weighted_median([4.0, np.nan, 1.0, 2.0, 9.0], np.ones((1, 5)))[0] == 3.0


def test_members_of_a_group_are_drawn_together():
    weights = weights_of(["a", "b", "a", "c"], resamples=300)
    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
    np.testing.assert_array_equal(weights[:, [0, 1, 3]].sum(axis=1), 3)


def test_groups_widen_the_interval():
    values = np.repeat([0.0, 1.0, 0.2, 0.8, 0.5, 0.9], 5)
    alone = percentile_interval(weighted_mean(values, weights_of([str(n) for n in range(30)])))
    together = percentile_interval(weighted_mean(values, weights_of([str(n // 5) for n in range(30)])))
    assert together[1] - together[0] > 1.8 * (alone[1] - alone[0])


def test_none_of_ten_may_still_be_three_of_ten():
    # Exact limits for 0 of 10 in printed tables: 0 to 30.85 %; 1 - 0.025 ** (1 / 10).
    assert unanimous_interval(10, all_are=False) == pytest.approx((0.0, 0.3085), abs=5e-5)
    assert unanimous_interval(10, all_are=True) == pytest.approx((0.6915, 1.0), abs=5e-5)


def test_the_same_seed_gives_the_same_draw():
    np.testing.assert_array_equal(weights_of(["a", "b"], 50), weights_of(["a", "b"], 50))
    assert not np.array_equal(weights_of(["a", "b"], 50), weights_of(["a", "b"], 50, seed=4))


def test_what_is_missing_stays_missing():
    assert np.isnan(weighted_mean([np.nan, 2.0], np.array([[1.0, 0.0]]))[0])
    assert np.isnan(weighted_median([np.nan, 2.0], np.array([[1.0, 0.0]]))[0])
    assert np.isnan(weighted_median([np.nan], np.ones((1, 1)))[0])
    assert np.isnan(percentile_interval(np.array([np.nan]))).all()
    with pytest.raises(InputError, match="group"):
        group_weights([], resamples=10, seed=1)
