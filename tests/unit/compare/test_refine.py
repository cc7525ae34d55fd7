"""The tissue's own deformation: found where there is one, left out where there is none, refused where it folds."""

import numpy as np
import pytest

from oral_lesion.compare import RegistrationSettings
from oral_lesion.compare.refine import agree_with_neighbours, fit_deformation, least_jacobian

SETTINGS = RegistrationSettings()
EXTENT_MM = (60.0, 45.0)


def places(count, seed=0):
    return np.random.default_rng(seed).uniform((0, 0), EXTENT_MM, size=(count, 2))


def bend(xy, size_mm=1.0):
    return size_mm * np.stack([np.sin(xy[:, 1] / 8.0), np.cos(xy[:, 0] / 9.0)], axis=1)


def test_a_bend_is_found():
    source = places(400)
    target = source + bend(source) + np.random.default_rng(1).normal(0, 0.05, size=source.shape)
    found = fit_deformation(source, target, EXTENT_MM, SETTINGS)
    assert found.residual_mm < 0.2
    rows, columns, _ = found.lattice_mm.shape
    nodes = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2) * found.step_mm
    error = np.hypot(*(found.lattice_mm.reshape(-1, 2) - bend(nodes)).T)
    assert np.median(error) < 0.1


def test_noise_alone_is_not_refined():
    source = places(300)
    target = source + np.random.default_rng(2).normal(0, 0.3, size=source.shape)
    found = fit_deformation(source, target, EXTENT_MM, SETTINGS)
    assert found.lattice_mm is None
    assert found.residual_mm == pytest.approx(0.3 * np.sqrt(2 * np.log(2)), rel=0.15)


def test_the_residual_is_that_of_matches_that_were_held_out():
    # Each match has an error of its own, which a spline through all of them would hide.
    source = places(30, seed=5)
    target = source + np.random.default_rng(6).normal(0, 1.0, size=source.shape)
    assert fit_deformation(source, target, EXTENT_MM, SETTINGS).residual_mm > 0.9


def test_few_matches_are_not_refined():
    source = places(15)
    assert fit_deformation(source, source + bend(source, 0.2), EXTENT_MM, SETTINGS).lattice_mm is None


def test_the_jacobian_tells_where_tissue_would_fold():
    flat = np.zeros((5, 6, 2))
    assert least_jacobian(flat, 2.0) == 1.0
    shrunk = flat.copy()
    shrunk[..., 0] = -0.25 * 2.0 * np.arange(6)[None, :]
    assert least_jacobian(shrunk, 2.0) == pytest.approx(0.75)
    folded = flat.copy()
    folded[2, 3, 0] = -2.5
    assert least_jacobian(folded, 2.0) < 0


def test_a_deformation_that_would_fold_is_left_out():
    source = places(600)
    # Tissue on both sides of a line is brought on top of each other.
    target = source.copy()
    target[:, 0] -= 6.0 * np.exp(-np.square((source[:, 0] - 30.0) / 3.0))
    strict = RegistrationSettings(min_jacobian=0.6, max_displacement_mm=10.0)
    assert fit_deformation(source, target, EXTENT_MM, strict).lattice_mm is None
    lenient = RegistrationSettings(min_jacobian=0.0, max_displacement_mm=10.0)
    gentle = source.copy()
    gentle[:, 0] -= np.exp(-np.square((source[:, 0] - 30.0) / 6.0))
    assert fit_deformation(source, gentle, EXTENT_MM, lenient).lattice_mm is not None


def test_a_match_that_moves_alone_does_not_agree():
    source = places(100)
    target = source + bend(source, 0.5)
    target[7] += (2.0, 0.0)
    agrees = agree_with_neighbours(source, target)
    assert not agrees[7]
    assert agrees.sum() >= 95
