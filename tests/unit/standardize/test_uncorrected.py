"""Cards that tell little of colour: none measured, or greys alone."""

import math

import numpy as np
import pytest

from oral_lesion.errors import Flag, Reason
from oral_lesion.io.settings import load_card, load_protocol
from oral_lesion.numerics.color import linear_from_srgb, linear_rgb_from_lab_d50
from oral_lesion.phantom import SceneSettings
from oral_lesion.phantom.render import render_scene
from oral_lesion.records import Photo, PhotoIdentity, Visit
from oral_lesion.score import check_photo
from oral_lesion.standardize.correction import apply_correction, fit_correction
from oral_lesion.standardize.uncorrected import NO_CORRECTION, correction_for, flags_of_correction

PROTOCOL = load_protocol()
GREYS = linear_rgb_from_lab_d50([[level, 0.0, 0.0] for level in (90, 76, 62, 48, 34, 20)])
GAINS = np.array([0.8, 1.0, 1.3])
PLACES = np.stack([np.linspace(-1, 1, 6), np.zeros(6)], axis=1)


def checked(card, **settings):
    settings = {"seed": 5, "card_share": 0.4, "lesion_areas_mm2": (5.0,)} | settings
    scene = render_scene(SceneSettings(width_px=1000, height_px=750, **settings), card)
    identity = PhotoIdentity(photo_id="a", file="a.png", sha256="0" * 64, subject_id="S1", visit=Visit(name="baseline"))
    return scene, check_photo(
        Photo(identity=identity, srgb=scene.srgb), protocol=PROTOCOL.model_copy(update={"card": card})
    )


def test_without_patches_a_picture_keeps_its_colours():
    correction = correction_for(np.full((6, 3), np.nan), GREYS, PLACES)
    assert correction is NO_CORRECTION
    assert math.isnan(correction.agreement.held_out_median)
    assert math.isnan(correction.agreement.fitted_max)
    assert flags_of_correction(correction) == {Flag.COLOR_UNCORRECTED}
    srgb = np.random.default_rng(0).integers(1, 256, (40, 30, 3), dtype=np.uint8)
    same = apply_correction(correction, srgb, np.zeros((2, 3)))
    np.testing.assert_allclose(same, linear_from_srgb(srgb), atol=1e-6)


def test_gains_of_greys_are_found_exactly():
    correction = correction_for(GREYS / GAINS, GREYS, PLACES)
    assert correction.name == "white-balance"
    assert flags_of_correction(correction) == {Flag.WHITE_BALANCE_ONLY}
    np.testing.assert_allclose(correction.matrix, np.diag(GAINS), rtol=1e-6)
    assert correction.agreement.held_out_max < 1e-3


def test_a_shared_tone_curve_of_greys_is_found():
    correction = correction_for((GREYS / GAINS) ** (1 / 1.2), GREYS, PLACES)
    assert correction.name == "white-balance-gamma"
    np.testing.assert_allclose(correction.gamma, 1.2, atol=0.01)
    assert correction.agreement.held_out_max < 0.5


def test_three_greys_have_no_tone_curve():
    measured = GREYS.copy() ** (1 / 1.2)
    measured[::2] = np.nan
    correction = correction_for(measured, GREYS, PLACES)
    assert correction.name == "white-balance"
    assert [value is None for value in correction.agreement.held_out_per_patch] == [True, False] * 3


def test_one_grey_proves_nothing():
    measured = np.full((6, 3), np.nan)
    measured[2] = GREYS[2]
    assert correction_for(measured, GREYS, PLACES) is NO_CORRECTION


def test_the_held_out_error_of_greys_is_honest():
    """A grey that errs is not excused by its own part in the fit."""
    rng = np.random.default_rng(3)
    fitted, held_out = [], []
    for _ in range(30):
        noisy = GREYS / GAINS * np.exp(rng.normal(0.0, 0.05, GREYS.shape))
        agreement = correction_for(noisy, GREYS, PLACES).agreement
        fitted.append(agreement.fitted_median)
        held_out.append(agreement.held_out_median)
    assert np.mean(held_out) > 1.1 * np.mean(fitted)
    spoilt = GREYS / GAINS
    spoilt[3] *= [1.5, 1.0, 1.0]
    agreement = correction_for(spoilt, GREYS, PLACES).agreement
    assert int(np.argmax(agreement.held_out_per_patch)) == 3
    assert agreement.held_out_max > agreement.fitted_max


def test_a_chart_with_colours_is_corrected_as_ever():
    card = load_card("colorchecker-classic")
    reference = linear_rgb_from_lab_d50([patch.lab_d50 for patch in card.patches])
    rows, columns = np.divmod(np.arange(24), 6)
    places = np.stack([columns / 2.5, rows / 1.5], axis=1) - 1.0
    measured = np.maximum(reference, 0.001) * 0.8
    assert correction_for(measured, reference, places).name == fit_correction(measured, reference, places).name
    assert flags_of_correction(correction_for(measured, reference, places)) == set()


@pytest.mark.parametrize("name", ["open-card-54x86", "open-strip-15x60"])
def test_a_card_without_measured_colours_measures_all_the_same(name):
    scene, photo = checked(load_card(name), light="tungsten")
    assert photo.refusal is None
    assert photo.card.scale.mm_per_px == pytest.approx(scene.truth.mm_per_px, rel=0.005)
    assert photo.standardized.correction == "none"
    assert Flag.COLOR_UNCORRECTED in photo.flags
    assert not {Flag.SHADING, Flag.COLOR_MARGINAL, Flag.PATCHES_REJECTED, Flag.WHITE_BALANCE_ONLY} & set(photo.flags)
    assert photo.quality.held_out_median is photo.quality.held_out_max is photo.quality.held_out_mean is None
    assert Reason.COLOR_ERROR not in {check.reason for check in photo.quality.checks}


def test_a_measured_strip_gives_white_balance_and_exposure():
    strip = load_card("open-strip-15x60").model_copy(update={"nominal_colors": False, "batch": "B1"})
    _, photo = checked(strip, light="warm-led", exposure_ev=-0.5)
    assert photo.refusal is None, photo.refusal
    assert photo.standardized.correction.startswith("white-balance")
    assert Flag.WHITE_BALANCE_ONLY in photo.flags
    assert Flag.COLOR_UNCORRECTED not in photo.flags
    assert photo.quality.held_out_median < 3.0
    assert Reason.COLOR_ERROR in {check.reason for check in photo.quality.checks}


def test_a_measured_open_card_is_corrected_fully():
    card = load_card("open-card-54x86").model_copy(update={"nominal_colors": False, "batch": "B1"})
    _, photo = checked(card)
    assert photo.refusal is None, photo.refusal
    assert not {Flag.WHITE_BALANCE_ONLY, Flag.COLOR_UNCORRECTED} & set(photo.flags)
