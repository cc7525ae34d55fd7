"""Colour correction from patches alone."""

import numpy as np
import pytest

from oral_lesion.numerics.color import linear_rgb_from_lab_d50, srgb_uint8_from_linear
from oral_lesion.standardize.correction import apply_correction, fit_correction


@pytest.fixture(scope="module")
def reference(card):
    return linear_rgb_from_lab_d50([patch.lab_d50 for patch in card("colorchecker-classic").patches])


@pytest.fixture(scope="module")
def place():
    rows, columns = np.divmod(np.arange(24), 6)
    return np.stack([columns / 2.5 - 1, rows / 1.5 - 1], axis=1)


CAST = np.array([[0.8, 0.15, 0.02], [0.1, 0.7, 0.1], [0.03, 0.12, 0.45]])


def test_a_matrix_is_undone_by_the_simplest_model(reference, place):
    correction = fit_correction(np.clip(reference, 0.001, None) @ CAST.T, np.clip(reference, 0.001, None), place)
    assert correction.name == "shading-gamma-matrix" and correction.spline is None
    np.testing.assert_allclose(correction.matrix @ CAST, np.eye(3), atol=1e-3)
    assert correction.agreement.held_out_max < 0.05


def test_a_gamma_is_recognised(reference, place):
    positive = np.clip(reference, 0.001, None)
    correction = fit_correction((positive @ CAST.T) ** 1.25, positive, place)
    assert "gamma" in correction.name
    np.testing.assert_allclose(correction.gamma, 0.8, atol=0.01)
    assert correction.agreement.held_out_median < 0.2


def test_uneven_light_on_the_card_is_recognised(reference, place):
    positive = np.clip(reference, 0.001, None)
    light = 1 + 0.25 * place[:, :1] - 0.1 * place[:, 1:]
    correction = fit_correction(positive * light, positive, place)
    assert correction.name.startswith("shading-gamma-matrix")
    np.testing.assert_allclose(correction.shading, [0.25, -0.1], atol=0.02)


def test_held_out_is_what_refitting_without_the_patch_gives(reference, place):
    rng = np.random.default_rng(0)
    positive = np.clip(reference, 0.001, None)
    measured = positive * rng.uniform(0.9, 1.1, positive.shape)
    correction = fit_correction(measured, positive, place)
    again = measured.copy()
    again[7] = np.nan
    without = fit_correction(again, positive, place)
    assert correction.agreement.held_out_median > correction.agreement.fitted_median
    assert without.agreement.fitted_median == pytest.approx(correction.agreement.fitted_median, rel=0.3)


def test_one_odd_patch_hardly_moves_the_correction(reference, place):
    positive = np.clip(reference, 0.001, None)
    odd = positive @ CAST.T
    odd[14] = odd[14][::-1]
    correction = fit_correction(odd, positive, place)
    assert correction.agreement.fitted_median < 2 and correction.agreement.fitted_max > 10


def test_applying_gives_what_the_fit_promised(reference, place):
    positive = np.clip(reference, 0.001, 1)
    correction = fit_correction((positive @ CAST.T) ** 1.1, positive, place)
    picture = srgb_uint8_from_linear((positive @ CAST.T) ** 1.1)[None]
    corrected = apply_correction(correction, picture, np.array([[0.0, 0, 0], [0, 0, 0]]))
    assert corrected.dtype == np.float32 and corrected.shape == picture.shape
    np.testing.assert_allclose(corrected[0], positive, atol=0.012)


def test_shading_is_not_extrapolated(reference, place):
    positive = np.clip(reference, 0.001, None)
    correction = fit_correction(positive * (1 + 0.3 * place[:, :1]), positive, place)
    picture = np.full((300, 2001, 3), 90, np.uint8)
    along_x = np.array([[1 / 100, 0, -10.0], [0, 0, 0]])
    corrected = apply_correction(correction, picture, along_x)
    np.testing.assert_allclose(corrected[:, 0], corrected[:, 900], rtol=1e-5)
    np.testing.assert_allclose(corrected[:, 2000], corrected[:, 1100], rtol=1e-5)
    assert corrected[0, 900, 1] / corrected[0, 1100, 1] == pytest.approx(1.3 / 0.7, rel=0.05)
