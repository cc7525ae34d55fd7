"""The kernel spline over colours, and the table that pictures are corrected by."""

import numpy as np
import pytest

from oral_lesion.numerics.color import delta_e_2000, lab_from_linear_rgb, linear_rgb_from_lab, srgb_uint8_from_linear
from oral_lesion.standardize.correction import CorrectionSettings, apply_correction, correct_colors, fit_correction
from oral_lesion.standardize.orders import reference_linear_rgb
from oral_lesion.standardize.spline import SplineSettings, fit_spline, spline_table


@pytest.fixture(scope="module")
def reference(card):
    return np.clip(reference_linear_rgb(card("colorchecker-classic")), 0.002, None)


@pytest.fixture(scope="module")
def place():
    rows, columns = np.divmod(np.arange(24), 6)
    return np.stack([columns / 2.5 - 1, rows / 1.5 - 1], axis=1)


def strongly_colored(reference):
    """Saturate as telephones do: what no matrix undoes."""
    lab = lab_from_linear_rgb(reference)
    chroma = np.hypot(lab[:, 1], lab[:, 2])[:, None]
    turn = np.radians(12.0 * np.sin(np.arctan2(lab[:, 2:], lab[:, 1:2]) * 2.0)) * np.minimum(chroma / 40.0, 1.0)
    a, b = lab[:, 1:2], lab[:, 2:]
    turned = np.hstack([lab[:, :1], a * np.cos(turn) - b * np.sin(turn), a * np.sin(turn) + b * np.cos(turn)])
    return np.clip(linear_rgb_from_lab(turned), 0.001, None)


def test_without_noise_in_the_weights_the_spline_is_the_mean_of_a_gaussian_process(reference):
    # Rasmussen and Williams, eq. 2.25, written out for one patch: k / (k + noise) of the difference.
    lab = lab_from_linear_rgb(reference[:1])
    spline = fit_spline(lab, lab + np.array([3.0, 1.0, -2.0]), np.ones(1), SplineSettings(noise=0.3))
    moved = spline.displaced(lab) - lab
    np.testing.assert_allclose(moved, np.array([[3.0, 1.0, -2.0]]) / (1.0 + 0.3**2), rtol=1e-9)


def test_far_colors_stay_and_black_nearly(reference):
    lab = lab_from_linear_rgb(reference)
    spline = fit_spline(lab, lab + np.array([4.0, 3.0, 3.0]), np.ones(24))
    far = np.array([[50.0, 120.0, -160.0], [50.0, -150.0, 130.0]])
    np.testing.assert_allclose(spline.displaced(far), far, atol=0.8)
    black = lab_from_linear_rgb(np.full((1, 3), 1e-5))
    assert np.abs(spline.displaced(black) - black).max() < 2.0


def test_an_outlier_without_weight_does_not_pull(reference):
    lab = lab_from_linear_rgb(reference)
    target = lab.copy()
    target[7] += 30.0
    weight = np.ones(24)
    weight[7] = 0.0
    np.testing.assert_allclose(fit_spline(lab, target, weight).displaced(lab), lab, atol=1e-3)


def test_colors_that_no_matrix_reaches_are_reached(reference, place):
    correction = fit_correction(strongly_colored(reference), reference, place)
    assert correction.name.endswith("-spline")
    assert correction.agreement.fitted_median < 1.0
    assert correction.dim_delta_e00 < 2.5
    agreement = correction.agreement
    assert len(agreement.held_out_per_patch) == 24 and agreement.held_out_max == max(agreement.held_out_per_patch)
    assert agreement.held_out_mean == pytest.approx(np.mean(agreement.held_out_per_patch))


def test_held_out_is_blank_where_a_patch_was_rejected(reference, place):
    measured = reference.copy()
    measured[[2, 9]] = np.nan
    held_out = fit_correction(measured, reference, place).agreement.held_out_per_patch
    assert [index for index, value in enumerate(held_out) if value is None] == [2, 9]


def test_held_out_figures_hold_for_a_patch_never_seen(reference, place):
    rng = np.random.default_rng(3)
    measured = strongly_colored(reference) * rng.uniform(0.97, 1.03, reference.shape)
    promised = fit_correction(measured, reference, place).agreement.held_out_per_patch
    away = []
    for patch in range(24):
        blind = measured.copy()
        blind[patch] = np.nan
        correction = fit_correction(blind, reference, place)
        seen = correct_colors(correction, measured[[patch]], place[[patch]])
        away.append(delta_e_2000(lab_from_linear_rgb(seen), lab_from_linear_rgb(reference[[patch]]))[0])
    assert np.mean(away) == pytest.approx(np.mean(promised), rel=0.1)


def test_a_picture_gets_what_single_colors_get(reference, place):
    measured = strongly_colored(reference)
    correction = fit_correction(measured, reference, place)
    picture = np.repeat(np.repeat(srgb_uint8_from_linear(measured)[None], 16, axis=0), 16, axis=1)
    middle = np.zeros((2, 3))
    corrected = apply_correction(correction, picture, middle).reshape(16, 24, 16, 3).mean(axis=(0, 2))
    expected = np.clip(correct_colors(correction, measured, np.zeros((24, 2))), 0.0, 1.0)
    difference = delta_e_2000(lab_from_linear_rgb(corrected), lab_from_linear_rgb(expected))
    assert np.median(difference) < 0.3 and difference.max() < 1.5


def test_the_table_shows_no_bands(reference, place):
    correction = fit_correction(strongly_colored(reference), reference, place)
    ramp = np.repeat(np.arange(60, 200, dtype=np.uint8), 8)[None, :, None].repeat(64, axis=0).repeat(3, axis=2)
    lightness = lab_from_linear_rgb(apply_correction(correction, ramp, np.zeros((2, 3))))
    columns = lightness.reshape(64, -1, 8, 3).mean(axis=(0, 2))
    assert (np.diff(columns[:, 0]) > 0).all() and np.abs(np.diff(columns[:, 0], n=2)).max() < 0.15


def test_table_rows_follow_the_code_values(reference):
    lab = lab_from_linear_rgb(reference)
    powers = np.linspace(1e-4, 1.0, 256)[:, None] * np.ones(3)
    table = spline_table(fit_spline(lab, lab, np.ones(24)), np.eye(3), powers)
    assert table.shape == (32768, 3) and table.dtype == np.float32 and np.abs(table).max() < 1e-6


def test_an_extreme_cast_takes_exponents_of_its_own(reference, place):
    measured = (reference * (0.25, 1.0, 0.4)) ** np.array([1.9, 1.6, 2.1])
    correction = fit_correction(measured, reference, place)
    assert correction.name.startswith("shading-grey-curve")
    np.testing.assert_allclose(correction.gamma, [1 / 1.9, 1 / 1.6, 1 / 2.1], rtol=0.06)
    assert correction.agreement.held_out_median < 2.0


def stored_without_the_curve(light):
    """Return what undoing the sRGB curve makes of values that were stored in proportion to light."""
    return np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)


def test_linear_data_are_recognised_and_stay_proportional(reference, place):
    mix = np.array([[0.35, 0.1, 0.0], [0.1, 0.8, 0.1], [0.0, 0.15, 0.3]])
    seen = reference @ mix.T
    correction = fit_correction(stored_without_the_curve(seen), reference, place)
    assert correction.name == "shading-linear-data-matrix" and correction.stored
    np.testing.assert_allclose(correction.gamma, 1.0, atol=0.01)
    np.testing.assert_allclose(correction.matrix @ mix, np.eye(3), atol=0.01)
    assert correction.agreement.held_out_max < 0.1 and correction.dim_delta_e00 < 0.1
    quarter = correct_colors(correction, stored_without_the_curve(0.25 * seen), np.zeros((24, 2)))
    np.testing.assert_allclose(quarter, 0.25 * reference, atol=0.002)


def test_a_picture_of_linear_data_gets_what_single_colors_get(reference, place):
    seen = reference @ np.diag([0.4, 0.9, 0.5])
    correction = fit_correction(stored_without_the_curve(seen), reference, place)
    codes = np.rint(255.0 * seen).astype(np.uint8)
    corrected = apply_correction(correction, codes[None], np.zeros((2, 3)))[0]
    np.testing.assert_allclose(corrected, np.clip(reference, 0.0, 1.0), atol=0.01)


def test_a_shorter_reach_follows_finer_differences(reference):
    lab = lab_from_linear_rgb(reference)
    target = lab + np.random.default_rng(2).normal(0.0, 3.0, lab.shape)
    smooth = SplineSettings()
    left = [
        np.abs(fit_spline(lab, target, np.ones(24), settings).displaced(lab) - target).mean()
        for settings in (smooth, smooth.scaled(0.5))
    ]
    assert left[1] < 0.8 * left[0]


def test_the_patches_choose_the_reach(reference, place):
    measured = strongly_colored(reference)
    both = fit_correction(measured, reference, place)
    alone = [
        fit_correction(measured, reference, place, CorrectionSettings(splines=(settings,)))
        for settings in CorrectionSettings().splines
    ]
    means = [correction.agreement.held_out_mean for correction in alone]
    assert both.spline.settings == alone[int(np.argmin(means))].spline.settings
    assert both.agreement.held_out_mean >= min(means) - 1e-9
