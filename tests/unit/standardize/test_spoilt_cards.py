"""Cards that are covered, glaring, blurred, cropped or photographed from a photograph."""

import cv2
import numpy as np
import pytest

from oral_lesion.errors import Flag, Reason, Refused
from oral_lesion.numerics.color import linear_from_srgb, srgb_uint8_from_linear
from oral_lesion.numerics.geometry import apply_homography_xy, local_scale
from oral_lesion.standardize import read_card
from oral_lesion.standardize.orders import color_differences, color_mismatch, reference_linear_rgb
from oral_lesion.standardize.overall import sharpest_edge_ratio
from oral_lesion.standardize.patches import odd_patches

GRID = np.array([(column, row) for row in range(4) for column in range(6)], float)


@pytest.fixture
def taken(scene, card):
    return scene(card=card("colorchecker-classic-nano"), card_ratio=0.4, tilt_deg=8, jpeg_quality=None)


@pytest.fixture
def read(limits, uncertainty, as_photo):
    def read_of(srgb, definition, **change):
        return read_card(as_photo(srgb), definition, limits=limits.model_copy(update=change), uncertainty=uncertainty)

    return read_of


def centres(taken):
    return apply_homography_xy(taken.photo_xy_from_card_mm, GRID * taken.card.pitch_xy_mm)


def covered(taken, patches, color):
    srgb = taken.srgb()
    radius = round(0.62 * np.linalg.norm(np.diff(centres(taken)[:2], axis=0)))
    for x, y in centres(taken)[patches]:
        cv2.circle(srgb, (round(x), round(y)), radius, color, -1)
    return srgb


def test_a_finger_on_four_patches_rejects_them_alone(taken, read):
    reading = read(covered(taken, [14, 15, 16, 17], (180, 120, 100)), taken.card)
    assert not reading.patch_accepted[[14, 15, 16]].any()
    assert reading.patch_accepted.sum() >= 18
    assert Flag.PATCHES_REJECTED in reading.flags


def test_a_hand_on_eight_patches_is_refused(taken, read):
    with pytest.raises(Refused) as caught:
        read(covered(taken, list(range(4, 6)) + list(range(10, 12)) + list(range(16, 20)), (180, 120, 100)), taken.card)
    assert caught.value.refusal.reason in {Reason.CARD_GLARE, Reason.NO_CARD}


def test_glare_on_five_patches_does_not_hide_the_card(taken, read):
    linear = linear_from_srgb(taken.srgb())
    y, x = np.indices(linear.shape[:2])
    for patch in (1, 8, 10, 15, 22):
        away = (x - centres(taken)[patch, 0]) ** 2 + (y - centres(taken)[patch, 1]) ** 2
        linear = linear + (1.3 * np.exp(-away / (2 * 12.0**2)))[..., None].astype(np.float32)
    reading = read(srgb_uint8_from_linear(linear), taken.card, max_clipped_patches=6)
    assert reading.patch_accepted.sum() == 19 and not reading.patch_accepted[[1, 8, 10, 15, 22]].any()


def test_odd_patches_are_few_or_none(card):
    reference = np.clip(reference_linear_rgb(card("colorchecker-classic")), 0.002, None)
    measured = reference * (0.8, 0.9, 0.5)
    measured[[3, 4]] = (0.4, 0.2, 0.15)
    assert np.flatnonzero(odd_patches(measured, reference)).tolist() == [3, 4]
    assert not odd_patches(measured[:8], reference[:8]).any()
    shuffled = measured[np.random.default_rng(1).permutation(24)]
    assert odd_patches(shuffled, reference).sum() <= 12


def test_five_glaring_patches_leave_the_order_recognisable(card):
    reference = np.clip(reference_linear_rgb(card("colorchecker-classic")), 0.002, None)
    glaring = reference.copy()
    glaring[[0, 7, 12, 13, 20]] = 1.0
    assert color_mismatch(glaring, reference) < 3.0
    assert color_mismatch(glaring[::-1], reference) > 18.0
    assert color_differences(glaring, reference)[[0, 7, 12, 13]].min() > 16.0


def test_where_all_is_blurred_the_reason_is_blur(taken, read):
    blurred = cv2.GaussianBlur(taken.srgb(), (0, 0), 25.0)
    assert sharpest_edge_ratio(taken.srgb()) < 0.0015 < 0.006 < sharpest_edge_ratio(blurred)
    with pytest.raises(Refused) as caught:
        read(blurred, taken.card)
    assert caught.value.refusal.reason == Reason.BLURRED


@pytest.mark.parametrize("sigma", [1.0, 4.0, 10.0])
def test_the_spread_of_a_single_edge(sigma):
    edge = np.full((600, 1000, 3), 40, np.uint8)
    edge[:, 500:] = 200
    spread = 1000 * sharpest_edge_ratio(cv2.GaussianBlur(edge, (0, 0), sigma))
    assert spread == pytest.approx(sigma, rel=0.1)


def test_a_plain_picture_has_no_edge():
    assert sharpest_edge_ratio(np.full((300, 400, 3), 90, np.uint8)) is None
    assert sharpest_edge_ratio(np.zeros((1, 1, 3), np.uint8)) is None


def test_a_crop_keeps_the_scale(scene, card, read):
    whole = scene(
        card=card("colorchecker-classic-nano"), width=2000, height=1500, card_ratio=0.3, place=(0.7, 0.65), tilt_deg=25
    )
    left, top = 800, 500
    reading = read(whole.srgb()[top:, left:], whole.card, max_mm_per_px=1.0)
    middle = np.array([2.5, 1.5]) * whole.card.pitch_xy_mm
    true = 1.0 / float(local_scale(whole.photo_xy_from_card_mm, middle))
    assert reading.scale.mm_per_px == pytest.approx(true, rel=0.01)


def test_a_photograph_of_a_photograph_is_still_read(taken, read):
    height, width, _ = taken.srgb().shape
    bend = np.array([[1.0, 0.25, 0.0], [0.05, 0.7, 0.0], [1.5e-4, -4e-4, 1.0]])
    reading = read(cv2.warpPerspective(taken.srgb(), bend, (width, height)), taken.card)
    found = apply_homography_xy(reading.photo_xy_from_card_mm, GRID * taken.card.pitch_xy_mm)
    true = apply_homography_xy(bend, centres(taken))
    assert np.abs(found - true).max() < 6.0
    assert reading.scale.relative_u > 0.01
