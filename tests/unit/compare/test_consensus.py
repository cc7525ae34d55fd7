"""One motion out of many matches, most of them wrong."""

import math

import numpy as np
import pytest

from oral_lesion.compare.consensus import _weighted_similarity, fit_affine, fit_similarity, mapped, spread_mm


def matches(seed, right, wrong, noise_mm=0.2, turn_deg=20.0):
    rng = np.random.default_rng(seed)
    source = rng.uniform(0, 70, size=(right + wrong, 2))
    turn = math.radians(turn_deg)
    matrix = np.array([[math.cos(turn), -math.sin(turn), 8.0], [math.sin(turn), math.cos(turn), -3.0]])
    target = mapped(matrix, source) + rng.normal(0, noise_mm, size=source.shape)
    turns = turn + rng.normal(0, 0.1, size=len(source))
    target[right:] = rng.uniform(0, 70, size=(wrong, 2))
    turns[right:] = rng.uniform(-np.pi, np.pi, size=wrong)
    order = rng.permutation(len(source))
    return source[order], target[order], turns[order], matrix, (order < right)


def test_similarity_on_the_numbers_of_umeyamas_paper():
    source = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    target = np.array([[0.0, 0.0], [-1.0, 0.0], [0.0, 2.0]])
    matrix = _weighted_similarity(source, target, np.ones(3))
    scale = math.sqrt(np.linalg.det(matrix[:, :2]))
    # Umeyama 1991, section IV: c = 0.721, R = [[0.832, 0.555], [-0.555, 0.832]], t = (-0.800, 0.400).
    assert scale == pytest.approx(0.721, abs=5e-4)
    np.testing.assert_allclose(matrix[:, :2] / scale, [[0.832, 0.555], [-0.555, 0.832]], atol=5e-4)
    np.testing.assert_allclose(matrix[:, 2], [-0.800, 0.400], atol=5e-4)


@pytest.mark.parametrize(("right", "wrong"), [(20, 0), (20, 200), (60, 400)])
def test_the_motion_is_found_among_wrong_matches(right, wrong):
    source, target, turns, matrix, truth = matches(1, right, wrong)
    similarity = fit_similarity(source, target, turns)
    affine = fit_affine(source, target, similarity, 1.5)
    corners = np.array([[0.0, 0.0], [70.0, 0.0], [70.0, 70.0], [0.0, 70.0]])
    assert np.hypot(*(mapped(affine.matrix, corners) - mapped(matrix, corners)).T).max() < 0.6
    assert (affine.agrees & truth).sum() >= 0.95 * right
    assert (affine.agrees & ~truth).sum() <= 0.02 * wrong + 1


def test_among_wrong_matches_alone_few_agree():
    source, target, turns, _, _ = matches(2, 0, 300)
    similarity = fit_similarity(source, target, turns)
    affine = fit_affine(source, target, similarity, 1.5)
    assert affine is None or affine.agrees.sum() < 12


def test_equal_input_gives_equal_output():
    source, target, turns, _, _ = matches(3, 30, 100)
    first, again = (fit_affine(source, target, fit_similarity(source, target, turns), 1.5) for _ in range(2))
    np.testing.assert_array_equal(first.matrix, again.matrix)


def test_too_few_matches_give_nothing():
    source, target, turns, _, _ = matches(4, 2, 0)
    assert fit_similarity(source, target, turns) is None
    source, target, turns, _, _ = matches(4, 5, 0)
    assert fit_affine(source, target, fit_similarity(source, target, turns), 1.5) is None


def test_spread_is_that_of_the_narrow_side():
    line = np.column_stack([np.linspace(0, 50, 40), np.zeros(40)])
    assert spread_mm(line) == pytest.approx(0.0, abs=1e-9)
    assert spread_mm(line + np.random.default_rng(0).normal(0, 2.0, size=line.shape)) == pytest.approx(2.0, rel=0.3)
    assert spread_mm(line[:1]) == 0.0
