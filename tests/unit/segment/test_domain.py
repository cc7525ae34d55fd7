import math

import numpy as np
import pytest

from oral_lesion.errors import InputError
from oral_lesion.segment.domain import DomainLimits, DomainScore, mean_of_covered, score_domain

LIMITS = DomainLimits(distance=2.0, contrast=3.0)


def cells(*features):
    """Two by three cells whose features are all alike."""
    return np.tile(np.array(features, np.float32)[:, None, None], (1, 2, 3))


def test_the_distance_of_whitened_features_is_their_length_and_the_last_one_is_the_contrast():
    score = score_domain(cells(3.0, 4.0, -2.5), np.ones((64, 96), bool), LIMITS)
    assert score == DomainScore(distance=5.0, contrast=-2.5)


def test_the_mean_squared_distance_of_normal_features_is_their_number():
    rng = np.random.default_rng(0)
    squares = [
        score_domain(rng.normal(size=(9, 1, 1)).astype(np.float32), np.ones((32, 32), bool), LIMITS).distance ** 2
        for _ in range(4000)
    ]
    assert np.mean(squares) == pytest.approx(8.0, abs=4 * math.sqrt(16.0 / 4000))  # chi-squared, 8 degrees of freedom


def test_only_what_is_in_view_counts():
    seen = cells(0.0, 0.0)
    seen[:, :, 2] = 100.0
    valid = np.ones((64, 96), bool)
    valid[:, 64 + 15 :] = False  # the last column of cells is covered by 15 of 32
    assert score_domain(seen, valid, LIMITS) == DomainScore(distance=0.0, contrast=0.0)
    valid[:, : 64 + 17] = True
    assert score_domain(seen, valid, LIMITS).distance > 0


def test_a_picture_smaller_than_its_cells_counts_where_it_reaches():
    np.testing.assert_array_equal(mean_of_covered(cells(1.0, 2.0), np.ones((50, 70), bool)), [1.0, 2.0])


def test_nothing_in_view_gives_no_score():
    assert score_domain(cells(1.0, 2.0), np.zeros((64, 96), bool), LIMITS) is None


@pytest.mark.parametrize(
    ("distance", "contrast", "outside"), [(1.0, 1.0, False), (2.1, 1.0, True), (1.0, 3.1, True), (2.0, 3.0, False)]
)
def test_either_limit_alone_makes_a_picture_foreign(distance, contrast, outside):
    assert DomainScore(distance=distance, contrast=contrast).outside(LIMITS) is outside


@pytest.mark.parametrize(("distance", "contrast"), [(0.0, 1.0), (math.nan, 1.0), (1.0, math.inf), (1.0, 0.0)])
def test_limits_that_are_none_are_refused(distance, contrast):
    with pytest.raises(InputError, match="domain limits"):
        DomainLimits(distance=distance, contrast=contrast)


def test_a_mouth_among_other_things_is_found_by_its_best_window():
    """A field of 24 by 30 cells, foreign but for a mouth of 12 by 12 cells."""
    field = np.full((3, 24, 30), 9.0, np.float32)
    field[:, 5:17, 12:24] = 0.5
    everything = np.ones((24 * 32, 30 * 32), bool)
    assert score_domain(field, everything, LIMITS).distance == pytest.approx(math.hypot(0.5, 0.5))
    field[:, 5:17, 18:24] = 9.0
    assert score_domain(field, everything, LIMITS).outside(LIMITS)


def test_a_window_must_be_in_view_by_half():
    field = np.full((3, 24, 30), 9.0, np.float32)
    field[:, 5:17, 12:24] = 0.5
    hidden = np.ones((24 * 32, 30 * 32), bool)
    hidden[5 * 32 : 17 * 32, 12 * 32 : 24 * 32] = False
    assert score_domain(field, hidden, LIMITS).outside(LIMITS)
