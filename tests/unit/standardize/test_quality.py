"""Quality of a photo: each figure against what was done to the picture."""

import dataclasses
import itertools
import math

import cv2
import numpy as np
import pytest
from spoilt_photos import with_streak

from oral_lesion.errors import Flag, Reason, Refused
from oral_lesion.io.settings import load_protocol
from oral_lesion.phantom import SceneSettings, render_scene
from oral_lesion.records import ColorAgreement, LimitCheck, Photo, PhotoIdentity, Scale, StandardizedPhoto, Visit
from oral_lesion.standardize import measure_quality, read_card, require_quality, standardize
from oral_lesion.standardize.card_spread import measure_directional_spread
from oral_lesion.standardize.tissue import measure_tissue

IDENTITY = PhotoIdentity(photo_id="p", file="p.png", sha256="0" * 64, subject_id="S", visit=Visit(name="V"))
PROTOCOL = load_protocol(None)
SETTINGS = SceneSettings(seed=4, width_px=1200, height_px=900, card_share=0.35, tilt_deg=12.0, azimuth_deg=60.0)


@pytest.fixture(scope="module")
def photo():
    scene = render_scene(SETTINGS, PROTOCOL.card)
    return Photo(identity=IDENTITY, srgb=scene.srgb, focal_length_px=scene.truth.focal_length_px, jpeg_quality=90)


def reading_of(photo):
    return read_card(photo, PROTOCOL.card, limits=PROTOCOL.limits, uncertainty=PROTOCOL.uncertainty)


def quality_of(photo, limits=PROTOCOL.limits):
    reading = reading_of(photo)
    standardized = standardize(photo, reading, PROTOCOL.card, PROTOCOL.standardization, PROTOCOL.uncertainty)
    return measure_quality(photo, reading, standardized, PROTOCOL.card, limits)


def a_standardized(linear_rgb, valid=None, mm_per_px=0.1):
    """Return a record whose photo is the picture itself."""
    height, width, _ = linear_rgb.shape
    return StandardizedPhoto(
        linear_rgb=linear_rgb.astype(np.float32),
        valid=np.ones((height, width), bool) if valid is None else valid,
        scale=Scale(mm_per_px=mm_per_px, u_mm_per_px=0.001, source="test"),
        photo_xy_from_standard_xy=np.eye(3),
        photo_shape=(height, width),
        correction="test",
        color_agreement=ColorAgreement(fitted_median=1.0, fitted_max=2.0, held_out_median=1.0, held_out_max=2.0),
    )


def discs(blur_px, noise=0.0):
    picture = np.full((600, 800, 3), (0.30, 0.12, 0.10), np.float32)
    for y, x in itertools.product(range(60, 600, 120), range(60, 800, 120)):
        cv2.circle(picture, (x, y), 38, (0.45, 0.30, 0.26), -1)
    blurred = cv2.GaussianBlur(picture, (0, 0), blur_px)
    return blurred + np.random.default_rng(1).normal(0, noise, blurred.shape)


def srgb_like(picture, value=100):
    return np.full(picture.shape, value, np.uint8)


def test_a_good_photo_keeps_all_limits_without_a_flag_of_quality(photo):
    quality = quality_of(photo)
    assert all(check.held for check in quality.checks)
    assert quality.flags == ()
    require_quality(quality)
    assert {check.reason for check in quality.checks} >= {
        Reason.MOTION_BLUR, Reason.TISSUE_BLURRED, Reason.TISSUE_CLIPPED, Reason.TISSUE_GLARE, Reason.CARD_SMALL,
        Reason.TOO_NEAR, Reason.JPEG_POOR, Reason.TOO_TILTED, Reason.BLURRED, Reason.COLOR_ERROR,
    }  # fmt: skip
    assert quality.px_per_mm == pytest.approx(0.35 * 1200 / 40, rel=0.02)
    assert quality.working_distance_mm == pytest.approx(photo.focal_length_px / quality.px_per_mm)
    assert quality.card_share == pytest.approx(0.28, abs=0.03)


@pytest.mark.parametrize("azimuth", [0.0, 60.0, 145.0, 250.0])
def test_the_side_that_recedes(azimuth):
    scene = render_scene(dataclasses.replace(SETTINGS, azimuth_deg=azimuth), PROTOCOL.card)
    quality = quality_of(Photo(identity=IDENTITY, srgb=scene.srgb, focal_length_px=scene.truth.focal_length_px))
    assert quality.tilt_deg == pytest.approx(12.0, abs=1.0)
    assert (quality.tilt_azimuth_deg - azimuth + 180) % 360 - 180 == pytest.approx(0.0, abs=8.0)


def test_no_side_where_there_is_no_tilt():
    scene = render_scene(dataclasses.replace(SETTINGS, tilt_deg=0.0), PROTOCOL.card)
    assert quality_of(Photo(identity=IDENTITY, srgb=scene.srgb)).tilt_azimuth_deg is None


@pytest.mark.parametrize("direction", [0, 35, 90, 135])
@pytest.mark.parametrize("length_px", [6, 12])
def test_a_streak_has_its_length_and_direction(photo, length_px, direction):
    moved = dataclasses.replace(photo, srgb=with_streak(photo.srgb, length_px, direction))
    spread = measure_directional_spread(moved, reading_of(moved), PROTOCOL.card)
    assert spread.streak_px == pytest.approx(length_px, rel=0.2)
    assert (spread.direction_deg - direction + 90) % 180 - 90 == pytest.approx(0.0, abs=6.0)
    assert spread.anisotropy > 1.5


def test_defocus_is_no_streak(photo):
    soft = dataclasses.replace(photo, srgb=cv2.GaussianBlur(photo.srgb, (0, 0), 2.5))
    spread = measure_directional_spread(soft, reading_of(soft), PROTOCOL.card)
    assert spread.streak_px < 2.5
    assert spread.anisotropy < 1.15


def test_a_single_row_of_patches_tells_no_direction(photo):
    strip = PROTOCOL.card.model_copy(update={"rows": 1, "patches": PROTOCOL.card.patches[:6]})
    assert measure_directional_spread(photo, reading_of(photo), strip) is None


def test_no_direction_where_there_is_no_card(photo):
    reading = reading_of(photo)
    noise = np.random.default_rng(0).integers(0, 255, photo.srgb.shape, dtype=np.uint8)
    assert measure_directional_spread(dataclasses.replace(photo, srgb=noise), reading, PROTOCOL.card) is None


@pytest.mark.parametrize("sigma_mm", [0.5, 0.7, 0.9])
def test_spread_of_steps_in_the_tissue(sigma_mm):
    picture = discs(10 * sigma_mm, noise=0.004)
    look = measure_tissue(Photo(identity=IDENTITY, srgb=srgb_like(picture)), a_standardized(picture))
    assert look.blur_mm == pytest.approx(sigma_mm, rel=0.15)


def test_sharp_steps_have_little_spread():
    picture = discs(0.8, noise=0.004)
    look = measure_tissue(Photo(identity=IDENTITY, srgb=srgb_like(picture)), a_standardized(picture))
    assert look.blur_mm < 0.25


def test_even_tissue_tells_no_spread():
    picture = np.full((600, 800, 3), 0.3)
    look = measure_tissue(Photo(identity=IDENTITY, srgb=srgb_like(picture)), a_standardized(picture))
    assert look.blur_mm is None
    assert look.glare_ratio == 0.0


def test_clipping_is_counted_by_channel_on_the_photos_own_pixels():
    picture = discs(2.0)
    valid = np.ones(picture.shape[:2], bool)
    valid[:, :400] = False
    srgb = srgb_like(picture)
    srgb[:, :600, 0] = 255
    srgb[:60, :, 2] = 254
    look = measure_tissue(Photo(identity=IDENTITY, srgb=srgb), a_standardized(picture, valid))
    assert look.clipped_ratio_rgb == pytest.approx((0.5, 0.0, 0.1), abs=0.01)


def test_reflections_count_and_teeth_do_not():
    tissue = np.full((600, 800, 3), (0.30, 0.12, 0.10), np.float32)
    spots = tissue.copy()
    for y, x in itertools.product(range(30, 600, 60), range(30, 800, 60)):
        cv2.circle(spots, (x, y), 7, (0.9, 0.9, 0.9), -1)
    share = float((spots[..., 1] > 0.5).mean())
    photo = Photo(identity=IDENTITY, srgb=srgb_like(tissue))
    assert measure_tissue(photo, a_standardized(spots)).glare_ratio == pytest.approx(share, rel=0.15)
    teeth = tissue.copy()
    teeth[200:, :] = (0.60, 0.52, 0.40)
    assert measure_tissue(photo, a_standardized(teeth)).glare_ratio < 0.03


def test_hardly_any_tissue_tells_nothing():
    picture = discs(2.0)
    valid = np.zeros(picture.shape[:2], bool)
    valid[:10, :10] = True
    look = measure_tissue(Photo(identity=IDENTITY, srgb=srgb_like(picture)), a_standardized(picture, valid))
    assert (look.clipped_ratio_rgb, look.glare_ratio, look.blur_mm) == (None, None, None)


def test_without_a_card_only_the_file_tells(photo):
    quality = measure_quality(photo, None, None, PROTOCOL.card, PROTOCOL.limits)
    assert quality.jpeg_quality == 90
    assert [check.reason for check in quality.checks] == [Reason.JPEG_POOR]
    assert quality.card_blur_mm is None


@pytest.mark.parametrize(
    ("jpeg_quality", "refused", "flags"), [(25, False, (Flag.JPEG_MARGINAL,)), (24, True, ()), (40, False, ())]
)
def test_a_figure_near_its_limit_is_flagged_and_beyond_it_refused(photo, jpeg_quality, refused, flags):
    poor = dataclasses.replace(photo, jpeg_quality=jpeg_quality)
    quality = measure_quality(poor, None, None, PROTOCOL.card, PROTOCOL.limits)
    assert quality.flags == flags
    if refused:
        with pytest.raises(Refused) as raised:
            require_quality(quality)
        refusal = raised.value.refusal
        assert (refusal.reason, refusal.observed, refusal.limit, refusal.unit) == ("jpeg-poor", 24, 25, "quality")
    else:
        require_quality(quality)


def test_how_much_of_a_limit_is_used():
    def used(observed, limit, at_least=False):
        return LimitCheck(reason=Reason.BLURRED, observed=observed, limit=limit, at_least=at_least).used_ratio

    assert used(0.4, 0.5) == pytest.approx(0.8)
    assert used(100, 80, at_least=True) == pytest.approx(0.8)
    assert used(0, 0.5) == 0
    assert used(0, 80, at_least=True) == math.inf
    assert used(5, 0, at_least=True) == 0
    assert not LimitCheck(reason=Reason.BLURRED, observed=math.nan, limit=1.0).held
