"""The renderer's own truth: area, colour, scale and card are what truth.csv says."""

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from oral_lesion.io.settings import load_card
from oral_lesion.numerics.color import linear_from_srgb, linear_rgb_from_lab_d50
from oral_lesion.phantom import LIGHTS, SceneSettings, render_scene
from oral_lesion.phantom.chart import CardPose, card_outside_mm

PHOTOGRAPHS = Path(__file__).resolve().parents[3] / "shared" / "data" / "oral"
CARDS = ("colorchecker-classic-nano", "colorchecker-classic-mini", "colorchecker-passport", "colorchecker-classic")


def area_on_plane(scene, weight):
    """Integrate a weight of pixels over the plane: each pixel counts with the mm² that it shows."""
    inverse = np.linalg.inv(scene.photo_xy_from_plane_mm)
    rows, columns = np.nonzero(weight)
    depth = inverse[2, 0] * columns + inverse[2, 1] * rows + inverse[2, 2]
    return float((abs(np.linalg.det(inverse)) / np.abs(depth) ** 3 * weight[rows, columns]).sum())


def card_box(srgb):
    """Return the corners of the card that OpenCV finds, or None."""
    longest = max(srgb.shape)
    for size in (1200, 1600, 1000):
        shrunk = cv2.resize(srgb, None, fx=size / longest, fy=size / longest, interpolation=cv2.INTER_AREA)
        detector = cv2.mcc.CCheckerDetector_create()
        detector.setColorChartType(cv2.mcc.MCC24)
        if detector.process(np.ascontiguousarray(shrunk[:, :, ::-1])):
            return np.asarray(detector.getBestColorChecker().getBox()) * longest / size
    return None


@pytest.mark.parametrize("tilt", [0.0, 5.0, 12.0, 20.0])
@pytest.mark.parametrize("seed", range(4))
def test_area_is_true_on_the_plane(seed, tilt, nano):
    scene = render_scene(SceneSettings(seed=seed, tilt_deg=tilt, lesion_areas_mm2=(180.0, 60.0)), nano)
    truth = scene.truth.erosion_area_mm2
    assert truth == pytest.approx(240.0, rel=1e-12)
    assert area_on_plane(scene, scene.coverage) == pytest.approx(truth, rel=1e-5)
    assert area_on_plane(scene, scene.mask / 255) == pytest.approx(truth, rel=2e-3)


def test_each_lesion_has_its_area(nano):
    scene = render_scene(SceneSettings(lesion_areas_mm2=(150.0, 70.0, 25.0), tilt_deg=10), nano)
    count, labels = cv2.connectedComponents((scene.coverage > 0).astype(np.uint8))
    areas = sorted(area_on_plane(scene, np.where(labels == label, scene.coverage, 0)) for label in range(1, count))
    assert areas == pytest.approx([25.0, 70.0, 150.0], rel=1e-5)


def test_halo_and_card_are_no_erosion(nano):
    without = render_scene(SceneSettings(lesion_areas_mm2=()), nano)
    assert not without.mask.any()
    assert without.truth.erosion_area_mm2 == 0.0
    assert without.truth.lesion_count == 0


def test_opencv_finds_the_card_on_default_scenes(nano):
    for seed in range(10):
        scene = render_scene(SceneSettings(seed=seed), nano)
        box = card_box(scene.srgb)
        assert box is not None, seed
        centre = box.mean(axis=0)
        assert centre == pytest.approx([scene.truth.card_x_px, scene.truth.card_y_px], abs=0.02 * 1600), seed


@pytest.mark.parametrize("light", LIGHTS)
def test_opencv_finds_the_card_under_each_light(light, nano):
    assert card_box(render_scene(SceneSettings(light=light, tilt_deg=15), nano).srgb) is not None


@pytest.mark.parametrize("name", CARDS)
@pytest.mark.parametrize("share", [0.15, 0.35])
def test_opencv_finds_each_card(name, share):
    assert card_box(render_scene(SceneSettings(card_share=share), load_card(name)).srgb) is not None


def test_lights_differ_on_the_white_patch(nano):
    whites = {light: patch_colors(render_scene(replace(PLAIN, light=light), nano), nano)[18] for light in LIGHTS}
    ratios = {light: (white[0] / white[1], white[2] / white[1]) for light, white in whites.items()}
    names = list(LIGHTS)
    for index, one in enumerate(names):
        for other in names[:index]:
            if {one, other} != {"warm-led", "tungsten"}:
                assert np.abs(np.subtract(ratios[one], ratios[other])).max() > 0.03, (one, other)


PLAIN = SceneSettings(noise=0.0, shading=0.0, glare=0.0, lesion_areas_mm2=(), card_turn_deg=0.0)


def patch_colors(scene, card):
    """Return the mean linear RGB of the inner half of each patch."""
    truth, linear = scene.truth, linear_from_srgb(scene.srgb)
    inverse = np.linalg.inv(scene.photo_xy_from_plane_mm)
    centre = inverse @ np.array([truth.card_x_px, truth.card_y_px, 1.0])
    pose = CardPose(
        size_mm=card_outside_mm(card), centre_xy_mm=tuple(centre[:2] / centre[2]), turn_deg=truth.card_turn_deg
    )
    colors = []
    for row in range(card.rows):
        for column in range(card.columns):
            step = np.linspace(-0.25, 0.25, 9)
            x = (column - (card.columns - 1) / 2) * card.pitch_xy_mm[0] + step * card.patch_xy_mm[0]
            y = (row - (card.rows - 1) / 2) * card.pitch_xy_mm[1] + step * card.patch_xy_mm[1]
            points = pose.to_plane(np.stack([grid.ravel() for grid in np.meshgrid(x, y)], axis=1))
            seen = np.column_stack([points, np.ones(len(points))]) @ scene.photo_xy_from_plane_mm.T
            pixel = np.rint(seen[:, :2] / seen[:, 2:]).astype(int)
            colors.append(linear[pixel[:, 1], pixel[:, 0]].mean(axis=0))
    return np.array(colors)


@pytest.mark.parametrize("light", ["neutral", "warm-led"])
def test_patches_have_their_colours_times_the_gains(light, nano):
    scene = render_scene(replace(PLAIN, light=light, tilt_deg=10), nano)
    gains = np.array([scene.truth.gain_red, scene.truth.gain_green, scene.truth.gain_blue])
    reference = linear_rgb_from_lab_d50(np.array([patch.lab_d50 for patch in nano.patches]))
    # Bytes are 0.009 apart at linear 1; the cyan patch lies outside of sRGB and is clipped.
    assert patch_colors(scene, nano) == pytest.approx(np.clip(reference * gains, 0, 1), abs=0.006)


def test_scale_at_the_card_is_that_of_its_pitch(nano):
    scene = render_scene(replace(PLAIN, tilt_deg=0.0), nano)
    step = np.array([[0.0, 0.0, 1.0], [nano.pitch_mm, 0.0, 1.0]]) @ scene.photo_xy_from_plane_mm.T
    pitch_px = np.linalg.norm(np.diff(step[:, :2] / step[:, 2:], axis=0))
    assert nano.pitch_mm / pitch_px == pytest.approx(scene.truth.mm_per_px, rel=1e-9)
    assert scene.truth.distance_mm == pytest.approx(scene.truth.mm_per_px * scene.truth.focal_length_px, rel=1e-9)


@pytest.mark.realdata
@pytest.mark.skipif(not PHOTOGRAPHS.is_dir(), reason="no photographs beside the checkout")
def test_real_photographs_keep_their_masks_area(nano):
    with (PHOTOGRAPHS / "photos.csv").open(newline="", encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if float(row["erosion_fraction"] or 0) > 0.02]
    for row in rows[::40]:
        photo, mask = PHOTOGRAPHS / row["file"], PHOTOGRAPHS / row["mask"]
        settings = SceneSettings(background=photo, background_mask=mask, tilt_deg=10, site="lip-lower-inner")
        scene = render_scene(settings, nano)
        pixels = cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE)
        expected = float((pixels == 255).sum()) * (60.0 / pixels.shape[1]) ** 2
        assert scene.truth.erosion_area_mm2 == pytest.approx(expected, rel=1e-9)
        assert area_on_plane(scene, scene.coverage) == pytest.approx(expected, rel=3e-3), row["id"]
        assert card_box(scene.srgb) is not None, row["id"]
