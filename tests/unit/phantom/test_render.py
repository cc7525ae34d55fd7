"""What the picture shows follows the settings."""

from dataclasses import replace

import numpy as np
import pytest

from oral_lesion.phantom import SceneSettings, render_scene

BASE = SceneSettings(width_px=480, height_px=360, noise=0.0)


@pytest.fixture(scope="module")
def base_scene(nano):
    return render_scene(BASE, nano)


def test_equal_settings_give_equal_pixels(nano):
    noisy = replace(BASE, noise=0.01)
    one, two = render_scene(noisy, nano), render_scene(noisy, nano)
    assert np.array_equal(one.srgb, two.srgb)
    assert one.truth == two.truth


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 1}, {"subject": "other"}, {"site": "palate"}, {"site": "tongue-ventral"}, {"visit": "week-04"},
        {"tilt_deg": 9.0}, {"light": "tungsten"}, {"exposure_ev": 0.5}, {"noise": 0.01}, {"blur_px": 2.0},
        {"glare": 0.9}, {"card_glare_patches": 3}, {"shading": 0.5}, {"with_card": False}, {"area_factor": 0.5},
        {"irregularity": 1.0}, {"edge_softness_mm": 0.6}, {"mirrored": True}, {"azimuth_deg": 10.0}, {"roll_deg": 8.0},
        {"card_turn_deg": 90.0}, {"focal_length_35mm_mm": 90}, {"white_balance": 0.2}, {"card_share": 0.2},
    ],
)  # fmt: skip
def test_each_setting_shows(changed, nano, base_scene):
    assert not np.array_equal(base_scene.srgb, render_scene(replace(BASE, **changed), nano).srgb)


def test_mirror_swaps_picture_mask_and_homography(nano, base_scene):
    direct, mirrored = base_scene, render_scene(replace(BASE, mirrored=True), nano)
    assert np.array_equal(mirrored.srgb, direct.srgb[:, ::-1])
    assert np.array_equal(mirrored.mask, direct.mask[:, ::-1])
    point = np.array([5.0, -7.0, 1.0])
    here, there = direct.photo_xy_from_plane_mm @ point, mirrored.photo_xy_from_plane_mm @ point
    assert there[0] / there[2] == pytest.approx(479 - here[0] / here[2])
    assert mirrored.truth.card_x_px == pytest.approx(479 - direct.truth.card_x_px)


def test_exposure_is_in_stops(nano, base_scene):
    dark = render_scene(replace(BASE, exposure_ev=-2.0), nano)
    assert dark.truth.gain_green == pytest.approx(base_scene.truth.gain_green / 4)
    assert dark.srgb.mean() < 0.65 * base_scene.srgb.mean()


def test_noise_has_its_standard_deviation_at_mid_grey(nano):
    from oral_lesion.numerics.color import linear_from_srgb

    quiet = replace(BASE, glare=0.0, width_px=800, height_px=600)
    clean = linear_from_srgb(render_scene(quiet, nano).srgb)
    noisy = linear_from_srgb(render_scene(replace(quiet, noise=0.01), nano).srgb)
    near_grey = np.abs(clean - 0.18) < 0.02
    assert (noisy - clean)[near_grey].std() == pytest.approx(0.01, rel=0.05)


def test_erosion_is_redder_than_the_tissue_around(nano):
    scene = render_scene(replace(BASE, lesion_areas_mm2=(250.0,), glare=0.0), nano)
    red, green = (scene.srgb[:, :, channel].astype(float) for channel in (0, 1))
    inside = scene.mask > 0
    assert np.median((red / (green + 1))[inside]) > 1.15 * np.median((red / (green + 1))[~inside])


def test_mask_is_half_coverage(base_scene):
    scene = base_scene
    assert scene.mask.dtype == np.uint8
    assert np.array_equal(scene.mask == 255, scene.coverage >= 0.5)
    assert scene.srgb.shape == (360, 480, 3)
    assert not scene.ignored.any()
