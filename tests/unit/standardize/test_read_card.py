"""Cards in scenes of known geometry: found, located, read, or refused with a reason."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from oral_lesion.errors import Flag, Reason, Refused
from oral_lesion.numerics.color import linear_from_srgb
from oral_lesion.numerics.geometry import apply_homography_xy, local_scale
from oral_lesion.standardize import read_card

CARDS = (
    "colorchecker-classic",
    "colorchecker-classic-mini",
    "colorchecker-classic-nano",
    "colorchecker-passport",
)


@pytest.fixture(scope="session")
def read(limits, uncertainty):
    return lambda photo, card: read_card(photo, card, limits=limits, uncertainty=uncertainty)


@pytest.fixture(scope="session")
def refusal(read):
    def refusal_of(photo, card):
        with pytest.raises(Refused) as caught:
            read(photo, card)
        return caught.value.refusal

    return refusal_of


def area_errors(reading, homography, shape):
    """Relative area errors over the whole photo."""
    height, width = shape[:2]
    x, y = np.meshgrid(np.linspace(0.03, 0.97, 7) * width, np.linspace(0.03, 0.97, 7) * height)
    points = np.stack([x, y], axis=-1).reshape(-1, 2)
    found = local_scale(np.linalg.inv(reading.photo_xy_from_card_mm), points)
    return np.abs((found / local_scale(np.linalg.inv(homography), points)) ** 2 - 1)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("name", CARDS)
def test_every_card_at_every_quarter_turn(name, turns, scene, card, read):
    taken = scene(card=card(name), card_ratio=0.28, tilt_deg=8, roll_deg=90.0 * turns + 4, place=(0.4, 0.55))
    reading = read(taken.photo(focal_known=True), taken.card)
    assert reading.card == name and not reading.mirrored and reading.patch_accepted.all()
    assert reading.tilt_deg == pytest.approx(8, abs=0.7)
    true_corner = apply_homography_xy(taken.photo_xy_from_card_mm, -np.array(taken.card.patch_xy_mm) / 2)
    np.testing.assert_allclose(reading.corners_rc_px[0][::-1], true_corner, atol=1.0)
    assert area_errors(reading, taken.photo_xy_from_card_mm, (900, 1200)).max() < 0.02


@pytest.mark.parametrize(
    ("change", "limit"),
    [
        ({"card_ratio": 0.12, "place": (0.2, 0.8), "tilt_deg": 15}, 0.02),
        ({"card_ratio": 0.35, "place": (0.7, 0.4), "tilt_deg": 20, "roll_deg": 33}, 0.02),
        ({"illuminant": (1.15, 0.85, 0.45), "exposure": 0.7}, 0.02),
        ({"illuminant": (0.7, 0.9, 1.2), "shading": (0.4, 0.2)}, 0.02),
        ({"exposure": 0.25, "noise": 0.01}, 0.02),
        ({"jpeg_quality": 70, "blur_px": 1.5, "noise": 0.01}, 0.02),
        ({"blur_px": 4.0}, 0.04),
    ],
)
def test_area_is_right_anywhere_in_view(change, limit, scene, card, read):
    taken = scene(card=card("colorchecker-classic-nano"), **change)
    known = read(taken.photo(focal_known=True), taken.card)
    errors = area_errors(known, taken.photo_xy_from_card_mm, (900, 1200))
    assert np.median(errors) < limit / 2 and errors.max() < limit
    guessed = read(taken.photo(), taken.card)
    errors = area_errors(guessed, taken.photo_xy_from_card_mm, (900, 1200))
    assert np.median(errors) < 0.02 and errors.max() < 0.08


def test_mirrored_card_is_read_and_told(scene, card, read):
    taken = scene(card=card("colorchecker-classic-nano"), mirrored=True, tilt_deg=6, roll_deg=20)
    reading = read(taken.photo(), taken.card)
    assert reading.mirrored and Flag.MIRRORED in reading.flags
    direct = read(replace(taken, mirrored=False).photo(), taken.card)
    np.testing.assert_allclose(reading.patch_linear_rgb, direct.patch_linear_rgb, atol=0.01)


def test_patches_have_the_scenes_colors(scene, card, read):
    taken = scene(card=card("colorchecker-classic-nano"), noise=0.001, jpeg_quality=None)
    reading = read(taken.photo(), taken.card)
    linear = linear_from_srgb(taken.srgb())
    pitch = np.array(taken.card.pitch_xy_mm)
    for index in range(24):
        row, column = divmod(index, 6)
        x, y = np.rint(apply_homography_xy(taken.photo_xy_from_card_mm, (column, row) * pitch)).astype(int)
        np.testing.assert_allclose(reading.patch_linear_rgb[index], linear[y, x], atol=0.02)
    assert (reading.patch_sd < 0.02).all()


def test_uncertainty_of_the_scale_grows_where_little_is_known(scene, card, read):
    near = scene(card=card("colorchecker-classic-nano"), card_ratio=0.35)
    far = replace(near, card_ratio=0.12, place=(0.15, 0.85), tilt_deg=18)
    u_near = read(near.photo(), near.card).scale.relative_u
    u_far = read(far.photo(), far.card).scale.relative_u
    assert near.card.u_pitch_percent / 100 < u_near < u_far < 0.08


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (48, 3000), (500, 47), (64, 64)])
def test_small_and_narrow_pictures_hold_no_card(shape, as_photo, card, refusal):
    rng = np.random.default_rng(0)
    noise = as_photo(rng.integers(0, 256, (*shape, 3), dtype=np.uint8))
    assert refusal(noise, card("colorchecker-classic-nano")).reason == Reason.NO_CARD


@pytest.mark.parametrize("value", [0, 128, 255])
def test_plain_pictures_hold_no_card(value, as_photo, card, refusal):
    plain = as_photo(np.full((700, 900, 3), value, np.uint8))
    assert refusal(plain, card("colorchecker-classic-nano")).reason == Reason.NO_CARD


def test_noise_and_checkerboards_hold_no_card(as_photo, card, refusal):
    rng = np.random.default_rng(0)
    board = np.kron((np.indices((12, 16)).sum(axis=0) % 2).astype(np.uint8) * 200, np.ones((60, 60), np.uint8))
    random_patches = np.kron(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8), np.ones((60, 60, 1), np.uint8))
    grid = np.arange(720) % 60 < 8
    random_patches[grid] = 10
    random_patches[:, np.arange(960) % 60 < 8] = 10
    for picture in (
        rng.integers(0, 256, (600, 800, 3), dtype=np.uint8),
        np.dstack([board] * 3),
        random_patches,
    ):
        assert refusal(as_photo(picture), card("colorchecker-classic-nano")).reason == Reason.NO_CARD


def test_two_cards_are_refused(scene, card, refusal):
    nano = card("colorchecker-classic-nano")
    taken = scene(card=nano, card_ratio=0.2, place=(0.3, 0.3), second_card_at_mm=(52.0, 60.0))
    outcome = refusal(taken.photo(), nano)
    assert outcome.reason == Reason.SEVERAL_CARDS and outcome.observed == 2


@pytest.mark.parametrize("x", [0.0, 0.03, 0.06, 0.09, 0.12])
def test_a_card_over_the_border_is_never_read(x, scene, card, refusal):
    taken = scene(card=card("colorchecker-classic-nano"), card_ratio=0.3, place=(x, 0.5))
    assert refusal(taken.photo(), taken.card).reason in {Reason.CARD_CUT, Reason.NO_CARD}


def test_another_card_is_told_by_its_gaps(scene, card, refusal):
    taken = scene(card=card("colorchecker-classic"))
    outcome = refusal(taken.photo(), card("colorchecker-classic-nano"))
    assert outcome.reason == Reason.WRONG_CARD and outcome.observed < outcome.limit


def test_shuffled_patches_are_no_card(scene, card, refusal):
    nano = card("colorchecker-classic-nano")
    order = np.random.default_rng(4).permutation(24)
    shuffled = nano.model_copy(update={"patches": tuple(nano.patches[index] for index in order)})
    assert refusal(scene(card=shuffled).photo(), nano).reason == Reason.NO_CARD


def test_a_grid_that_slid_by_a_patch_is_refused(scene, card, refusal, monkeypatch):
    from oral_lesion.standardize import reading

    taken = scene(card=card("colorchecker-classic-nano"))
    slid = taken.photo_xy_from_card_mm @ np.diag([*taken.card.pitch_xy_mm, 1.0])
    slid = slid @ np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    candidate = reading.Candidate(photo_xy_from_grid=slid, delta_e00=1.0)
    monkeypatch.setattr(reading, "find_candidates", lambda srgb, card: [candidate])
    assert refusal(taken.photo(), taken.card).reason in {Reason.NO_CARD, Reason.CARD_GLARE, Reason.CARD_DARK}


def test_dark_card(scene, card, refusal):
    taken = scene(card=card("colorchecker-classic-nano"), exposure=0.05, noise=0.0005, jpeg_quality=None)
    outcome = refusal(taken.photo(), taken.card)
    assert outcome.reason == Reason.CARD_DARK and 0.02 < outcome.observed < outcome.limit


def test_clipped_card(scene, card, refusal):
    taken = scene(card=card("colorchecker-classic-nano"), exposure=2.2)
    outcome = refusal(taken.photo(), taken.card)
    assert outcome.reason == Reason.CARD_CLIPPED and outcome.observed > outcome.limit


def test_glare_on_few_patches_rejects_them_and_on_many_the_photo(scene, card, read, refusal, as_photo):
    taken = scene(card=card("colorchecker-classic-nano"), jpeg_quality=None)
    linear = linear_from_srgb(taken.srgb())
    for patches, refused in ((2, False), (7, True)):
        glared = taken.srgb().astype(np.float32)
        for index in range(patches):
            row, column = divmod(index * 2 + 1, 6)
            place = (column, row) * np.array(taken.card.pitch_xy_mm) - (1.0, 0.5)
            x, y = apply_homography_xy(taken.photo_xy_from_card_mm, place)
            yy, xx = np.indices(linear.shape[:2])
            glow = np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * 9.0**2))
            glared += 150 * glow[..., None]
        photo = as_photo(np.clip(glared, 0, 254).astype(np.uint8))
        if refused:
            assert refusal(photo, taken.card).reason == Reason.CARD_GLARE
        else:
            reading = read(photo, taken.card)
            assert not reading.patch_accepted.all() and Flag.PATCHES_REJECTED in reading.flags
            assert np.isnan(reading.patch_linear_rgb[~reading.patch_accepted]).all()


def test_blur_is_measured_and_refused(scene, card, read, refusal):
    nano = card("colorchecker-classic-nano")
    for blur_px in (1.0, 3.0):
        reading = read(scene(card=nano, blur_px=blur_px, card_ratio=0.3).photo(), nano)
        assert reading.blur_px == pytest.approx(np.hypot(blur_px, 0.3), rel=0.25)
    outcome = refusal(scene(card=nano, blur_px=12.0, card_ratio=0.3).photo(), nano)
    assert outcome.reason in {Reason.BLURRED, Reason.NO_CARD}


def test_reading_is_the_same_each_time_and_with_any_number_of_threads(scene, card, read):
    photo = scene(card=card("colorchecker-classic-nano"), tilt_deg=9).photo()
    before = cv2.getNumThreads()
    readings = []
    try:
        for threads in (1, 2, 2):
            cv2.setNumThreads(threads)
            readings.append(read(photo, card("colorchecker-classic-nano")))
    finally:
        cv2.setNumThreads(before)
    for other in readings[1:]:
        assert np.array_equal(other.photo_xy_from_card_mm, readings[0].photo_xy_from_card_mm)
        assert np.array_equal(other.patch_linear_rgb, readings[0].patch_linear_rgb)


@pytest.mark.parametrize(
    "name",
    [
        "colorchecker-classic",
        "colorchecker-classic-before-2014",
        "colorchecker-classic-mini",
        "colorchecker-classic-nano",
        "colorchecker-passport",
        "cameratrax-24",
    ],
)
def test_every_packaged_card_of_24_patches_is_read(name, scene, card, read):
    taken = scene(card=card(name), card_ratio=0.45, tilt_deg=7, roll_deg=12)
    reading = read(taken.photo(), taken.card)
    middle = np.array([2.5, 1.5]) * taken.card.pitch_xy_mm
    true = 1.0 / float(local_scale(taken.photo_xy_from_card_mm, middle))
    assert reading.card == name and reading.patch_accepted.all()
    assert reading.scale.mm_per_px == pytest.approx(true, rel=0.004)


def test_the_editions_of_a_card_differ_in_color_alone(card):
    after, before = card("colorchecker-classic"), card("colorchecker-classic-before-2014")
    assert after.pitch_xy_mm == before.pitch_xy_mm and after.outer_mm == before.outer_mm
    assert after.reference != before.reference and after.patches != before.patches
