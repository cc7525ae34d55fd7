"""Cards of greys alone: found without colour, told apart by lightness, and refused wherever they are not alone."""

from dataclasses import replace
from functools import partial

import cv2
import numpy as np
import pytest

from oral_lesion.errors import Flag, Reason, Refused
from oral_lesion.io.settings import load_card
from oral_lesion.numerics.geometry import apply_homography_xy, local_scale
from oral_lesion.phantom import SceneSettings
from oral_lesion.phantom.render import render_scene
from oral_lesion.protocol import CardDefinition
from oral_lesion.standardize import read_card, standardize
from oral_lesion.standardize.candidates import covers
from oral_lesion.standardize.grey_find import find_grey_candidates
from oral_lesion.standardize.grey_match import (
    MAX_GREY_MISMATCH,
    grey_mismatch,
    has_grey_patches_alone,
    looks_like_the_card,
)
from oral_lesion.standardize.orders import reference_linear_rgb

SIX = (95.0, 81.0, 66.0, 51.0, 36.0, 22.0)


def card_of(rows, columns, lightness, outer_mm, pitch_mm=12.0, patch_mm=10.0):
    patches = [{"name": f"G{index}", "lab_d50": (value, 0.0, 0.0)} for index, value in enumerate(lightness)]
    return CardDefinition.model_validate(
        {
            "name": "greys",
            "title": "Greys",
            "rows": rows,
            "columns": columns,
            "pitch_mm": pitch_mm,
            "patch_mm": patch_mm,
            "outer_mm": outer_mm,
            "u_pitch_percent": 1.0,
            "reference": "nominal",
            "patches": patches,
        }
    )


THREE, ROW, GRID = (
    card_of(1, 3, (95.0, 65.0, 35.0), (42.0, 18.0)),
    card_of(1, 6, SIX, (80.0, 20.0)),
    card_of(2, 3, SIX, (42.0, 30.0)),
)
CARDS = {"three": THREE, "row": ROW, "grid": GRID}


@pytest.fixture
def scene(scene):
    return partial(scene, width=900, height=675)


@pytest.fixture
def read(limits, uncertainty):
    def read_of(photo, definition):
        return read_card(photo, definition, limits=limits, uncertainty=uncertainty)

    return read_of


def places_of(definition):
    rows, columns = np.divmod(np.arange(definition.rows * definition.columns), definition.columns)
    return np.stack([columns, rows], axis=1) * np.array(definition.pitch_xy_mm)


@pytest.mark.parametrize("name", CARDS)
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"roll_deg": 180.0, "illuminant": (1.15, 0.85, 0.45), "exposure": 0.6},
        {"roll_deg": 37.0, "tilt_deg": 20.0},
        {"tilt_deg": 30.0, "place": (0.35, 0.35)},
        {"jpeg_quality": 60, "blur_px": 1.5, "noise": 0.01},
    ],
)
def test_a_card_of_greys_is_read_in_its_order_at_its_scale(name, change, scene, read):
    taken = scene(card=CARDS[name], **change)
    reading = read(taken.photo(), taken.card)
    places = places_of(taken.card)
    found = apply_homography_xy(reading.photo_xy_from_card_mm, places)
    true = apply_homography_xy(taken.photo_xy_from_card_mm, places)
    assert np.abs(found - true).max() < 0.05 * reading.pitch_px
    mm_per_px = 1.0 / float(local_scale(taken.photo_xy_from_card_mm, places.mean(axis=0)))
    assert reading.scale.mm_per_px == pytest.approx(mm_per_px, rel=0.01)
    assert abs(reading.scale.mm_per_px / mm_per_px - 1.0) < 2.0 * reading.scale.relative_u
    assert reading.tilt_deg == pytest.approx(taken.tilt_deg, abs=5.0)
    assert reading.patch_accepted.all()


def test_greys_give_white_balance_alone(scene, read, settings, uncertainty):
    taken = scene(card=THREE, illuminant=(1.1, 0.9, 0.6))
    reading = read(taken.photo(), taken.card)
    standardized = standardize(taken.photo(), reading, taken.card, settings, uncertainty)
    assert standardized.correction == "white-balance" and Flag.WHITE_BALANCE_ONLY in standardized.flags


def test_a_grid_in_a_mirror_is_told_and_a_row_is_not(scene, read):
    assert read(scene(card=GRID, mirrored=True).photo(), GRID).mirrored
    assert not read(scene(card=ROW, mirrored=True).photo(), ROW).mirrored


def test_a_card_that_ends_nowhere_is_none(scene, read):
    taken = scene(card=THREE, background=(0.012, 0.012, 0.012))
    with pytest.raises(Refused) as caught:
        read(taken.photo(), THREE)
    assert caught.value.refusal.reason == Reason.NO_CARD


@pytest.mark.parametrize(
    "other",
    [
        card_of(1, 3, (95.0, 81.0, 66.0), (42.0, 18.0)),
        card_of(1, 3, (66.0, 51.0, 36.0), (42.0, 18.0)),
        card_of(1, 3, (35.0, 95.0, 65.0), (42.0, 18.0)),
        card_of(1, 6, SIX, (80.0, 20.0)),
    ],
)
def test_other_greys_are_not_taken_for_the_card(other, scene, read):
    with pytest.raises(Refused) as caught:
        read(scene(card=other).photo(), THREE)
    assert caught.value.refusal.reason == Reason.NO_CARD


@pytest.mark.parametrize(("first", "beyond_mm"), [(18, 1.0), (19, 3.0), (20, 1.0), (21, 3.0)])
def test_the_greys_of_a_color_card_are_not_taken_for_a_card(first, beyond_mm, scene, card, read):
    chart = card("colorchecker-classic-mini")
    lightness = [patch.lab_d50[0] for patch in chart.patches[first : first + 3]]
    like = card_of(1, 3, lightness, (2 * 14.8 + 11.2 + 2 * beyond_mm, 11.2 + 2 * beyond_mm), 14.8, 11.2)
    with pytest.raises(Refused) as caught:
        read(scene(card=chart, card_ratio=0.4).photo(), like)
    assert caught.value.refusal.reason == Reason.NO_CARD


def test_two_cards_are_refused(scene, read):
    taken = scene(card=THREE, card_ratio=0.2, second_card_at_mm=(0.0, 40.0))
    with pytest.raises(Refused) as caught:
        read(taken.photo(), THREE)
    assert caught.value.refusal.reason == Reason.SEVERAL_CARDS


def test_a_glaring_patch_of_three_is_refused(scene, read, as_photo):
    taken = scene(card=THREE)
    srgb = taken.srgb()
    x, y = apply_homography_xy(taken.photo_xy_from_card_mm, (12.0, 0.0))
    cv2.circle(srgb, (round(x) + 15, round(y)), 25, (255, 255, 255), -1)
    with pytest.raises(Refused):
        read(as_photo(srgb), THREE)


def test_a_clipped_white_of_three_is_told(scene, read):
    with pytest.raises(Refused) as caught:
        read(scene(card=THREE, exposure=1.3).photo(), THREE)
    assert caught.value.refusal.reason == Reason.CARD_CLIPPED


def test_lightness_decides_the_order():
    reference = reference_linear_rgb(THREE)
    measured = 0.7 * reference ** (1 / 1.1) * (1.2, 1.0, 0.5)
    assert grey_mismatch(measured, reference) < 0.5
    assert grey_mismatch(measured[::-1], reference) > 3 * MAX_GREY_MISMATCH
    assert grey_mismatch(reference**0.5, reference) > MAX_GREY_MISMATCH


def test_which_cards_are_grey(card):
    assert has_grey_patches_alone(load_card("qpcard-101")) and has_grey_patches_alone(THREE)
    assert not has_grey_patches_alone(card("colorchecker-classic"))


def test_the_body_is_looked_at_where_the_card_lies(scene):
    taken = scene(card=ROW)
    grid = taken.photo_xy_from_card_mm @ np.diag([*ROW.pitch_xy_mm, 1.0])
    assert looks_like_the_card(taken.srgb(), grid, ROW)
    shifted = grid @ np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert not looks_like_the_card(taken.srgb(), shifted, ROW)
    outside = grid @ np.array([[1.0, 0.0, -9.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert not looks_like_the_card(taken.srgb(), outside, ROW)


def test_nothing_in_plain_or_noisy_pictures(scene):
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    for srgb in (np.full((300, 400, 3), 90, np.uint8), noise, np.zeros((60, 60, 3), np.uint8)):
        assert find_grey_candidates(srgb, THREE) == []
    empty = replace(scene(card=THREE), place=(3.0, 3.0))
    assert find_grey_candidates(empty.srgb(), THREE) == []
    column = card_of(3, 1, (95.0, 65.0, 35.0), (18.0, 42.0))
    assert find_grey_candidates(scene(card=column).srgb(), column) == []


def test_a_candidate_covers_its_patches_alone(scene):
    taken = scene(card=ROW)
    (candidate,) = find_grey_candidates(taken.srgb(), ROW)
    inside, outside = apply_homography_xy(taken.photo_xy_from_card_mm, [(60.0, 0.0), (60.0, 30.0)])
    assert covers(candidate, inside, 1, 6) and not covers(candidate, outside, 1, 6)


def test_the_qpcard_is_found_but_its_unmeasured_size_is_not_trusted(scene, read, limits):
    qpcard = load_card("qpcard-101")
    taken = scene(card=qpcard)
    reading = read(taken.photo(), qpcard)
    assert 100.0 * reading.scale.relative_u > limits.max_u_scale_percent


@pytest.mark.parametrize(("name", "share"), [("three", 0.25), ("row", 0.35), ("grid", 0.25)])
@pytest.mark.parametrize(("tilt_deg", "light"), [(8.0, "warm-led"), (30.0, "daylight")])
def test_the_scale_holds_beside_rendered_tissue(name, share, tilt_deg, light, read, as_photo):
    settings = SceneSettings(
        seed=3, width_px=1280, height_px=960, card_share=share, tilt_deg=tilt_deg, light=light, lesion_areas_mm2=(10.0,)
    )
    scene = render_scene(settings, CARDS[name])
    reading = read(as_photo(scene.srgb), CARDS[name])
    assert reading.scale.mm_per_px == pytest.approx(scene.truth.mm_per_px, rel=0.01)


@pytest.mark.parametrize("name", CARDS)
def test_rendered_tissue_and_a_color_card_hold_no_greys(name, card, read, as_photo):
    for seed, with_card in ((1, False), (2, True)):
        settings = SceneSettings(seed=seed, width_px=1280, height_px=960, with_card=with_card)
        scene = render_scene(settings, card("colorchecker-classic-nano"))
        with pytest.raises(Refused) as caught:
            read(as_photo(scene.srgb), CARDS[name])
        assert caught.value.refusal.reason == Reason.NO_CARD
