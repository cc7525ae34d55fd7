import numpy as np
import pytest

pytest.importorskip("torch", reason="torch comes with oral-lesion[train]")

from oral_lesion.errors import InputError
from oral_lesion.training.domain import fit_domain

CHANNELS = 24


def drawn(n, shift=0.0, seed=0):
    """Normal features of unequal spread; the shift moves the first channel, in its standard deviations."""
    spread = np.linspace(0.5, 3.0, CHANNELS)
    features = np.random.default_rng(seed).normal(size=(n, CHANNELS)) * spread + 5.0
    features[:, 0] += shift * spread[0]
    return features


def scores(fit, features):
    """Distance and contrast of features, and whether they are flagged."""
    projected = features @ fit.projection.weight.T + fit.projection.bias
    distance, contrast = np.sqrt((projected[:, :-1] ** 2).sum(axis=1)), projected[:, -1]
    return distance, contrast, (distance > fit.limits.distance) | (contrast > fit.limits.contrast)


def groups_of(n):
    return [f"patient {number // 2}" for number in range(n)]


def test_features_are_whitened():
    fit = fit_domain(drawn(4000), groups_of(4000), drawn(50, shift=8, seed=1))
    distance, _, _ = scores(fit, drawn(4000, seed=2))
    assert np.mean(distance**2) == pytest.approx(CHANNELS, rel=0.05)  # chi-squared


def test_about_three_mouths_in_a_hundred_are_flagged_and_what_lies_far_off_is():
    fit = fit_domain(drawn(1000), groups_of(1000), drawn(50, shift=8, seed=1))
    assert 0.005 < scores(fit, drawn(2000, seed=2))[2].mean() < 0.06
    assert scores(fit, drawn(200, shift=8, seed=3))[2].mean() > 0.99
    unseen = drawn(200, seed=4)
    unseen[:, 7] -= 60.0  # foreign in a way that no picture showed
    assert scores(fit, unseen)[2].all()


def test_the_contrast_points_to_the_other_surfaces_in_units_of_the_mouths():
    fit = fit_domain(drawn(1000), groups_of(1000), drawn(80, shift=8, seed=1))
    mouths, others = (scores(fit, drawn(500, shift=shift, seed=2))[1] for shift in (0, 8))
    assert np.std(mouths) == pytest.approx(1.0, rel=0.1)
    assert np.mean(others) - np.mean(mouths) > 5.0


def test_without_other_surfaces_only_the_distance_counts():
    fit = fit_domain(drawn(300), groups_of(300), np.empty((0, CHANNELS)))
    _, contrast, flagged = scores(fit, drawn(200, shift=40, seed=3))
    assert not contrast.any()
    assert flagged.all()


@pytest.mark.parametrize(("n", "groups"), [(10, groups_of(10)), (40, ["one"] * 40)])
def test_too_few_mouths_are_refused(n, groups):
    with pytest.raises(InputError, match="give more pictures"):
        fit_domain(drawn(n), groups, drawn(5))
