"""The open card, photographed: scale within 0.5 % under tilt, light, noise, blur and JPEG."""

import cv2
import numpy as np
import pytest

from oral_lesion.io.settings import load_card
from oral_lesion.numerics.geometry import local_scale
from oral_lesion.phantom import SceneSettings
from oral_lesion.phantom.render import render_scene
from oral_lesion.standardize.markers import find_markers

CARDS = {"open-card-54x86": (0.3, 0.55), "open-strip-15x60": (0.22, 0.45)}
LIGHTS = ("neutral", "daylight", "warm-led", "fluorescent")
SCENES_PER_CARD = 16


def photographed(srgb, quality):
    _, coded = cv2.imencode(".jpg", srgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1])


def scene_of(card, number):
    rng = np.random.default_rng([number, len(card.name)])
    share = float(rng.uniform(*CARDS[card.name]))
    mm_per_px = card.outer_mm[0] / (share * 1280)
    settings = SceneSettings(
        seed=number,
        width_px=1280,
        height_px=960,
        card_share=share,
        tilt_deg=float(rng.uniform(0, 20)),
        light=LIGHTS[number % 4],
        noise=float(rng.uniform(0.003, 0.015)),
        blur_px=float(rng.uniform(0, 0.25) / mm_per_px),
        exposure_ev=float(rng.uniform(-1, 0.4)),
        shading=float(rng.uniform(0, 0.5)),
        mirrored=number % 5 == 4,
        lesion_areas_mm2=(10.0,),
    )
    scene = render_scene(settings, card)
    return scene, photographed(scene.srgb, int(rng.integers(50, 96)))


@pytest.mark.parametrize("name", CARDS)
def test_scale_is_within_half_a_percent(name):
    card = load_card(name)
    errors, found = [], 0
    for number in range(SCENES_PER_CARD):
        scene, srgb = scene_of(card, number)
        reading = find_markers(srgb, card)
        assert reading is not None, number
        assert reading.mirrored == scene.settings.mirrored
        assert reading.cards == 1
        assert abs(reading.pose.tilt_deg - scene.settings.tilt_deg) < 3.0
        mm_per_px = 1.0 / float(local_scale(reading.photo_xy_from_card_mm, reading.pose.centre_mm))
        errors.append(mm_per_px / scene.truth.mm_per_px - 1.0)
        found += len(reading.ids)
    assert np.abs(errors).max() < 0.005
    assert np.sqrt(np.mean(np.square(errors))) < 0.001
    assert found >= 0.9 * SCENES_PER_CARD * len(card.markers.placed)


def test_the_card_lies_where_it_was_drawn():
    card = load_card("open-card-54x86")
    _, srgb = scene_of(card, 1)
    reading = find_markers(srgb, card)
    expected = cv2.perspectiveTransform(
        np.array([[[0.0, 0.0], [55.0, 0.0], [55.0, 22.0], [0.0, 22.0]]]), reading.photo_xy_from_card_mm
    )[0]
    first = srgb[tuple(np.rint(expected[0]).astype(int)[::-1])].astype(int)
    last = srgb[tuple(np.rint(expected[2]).astype(int)[::-1])].astype(int)
    assert first.min() > 1.8 * last.max()
    assert np.abs(np.diff(first)).max() < 80


@pytest.mark.parametrize("name", ["colorchecker-classic-nano", "colorchecker-passport"])
def test_other_cards_in_view_are_not_taken_for_it(name):
    scene = render_scene(SceneSettings(seed=2, width_px=1000, height_px=750, lesion_areas_mm2=(5.0,)), load_card(name))
    for open_card in CARDS:
        assert find_markers(scene.srgb, load_card(open_card)) is None
