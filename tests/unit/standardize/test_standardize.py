"""The standardizing stage on readings built by hand, where geometry is known exactly."""

import numpy as np
import pytest

from oral_lesion.errors import Flag, InputError, Reason, Refused
from oral_lesion.numerics.color import delta_e_2000, lab_from_linear_rgb, linear_rgb_from_lab_d50
from oral_lesion.numerics.geometry import apply_homography_xy, warp_to_standard
from oral_lesion.records import CardReading, ColorAgreement, Scale, StandardizedPhoto
from oral_lesion.standardize import require_acceptable, standardize


def reading_of(taken, **change):
    """Return a reading by hand: the scene's own geometry and its patches' colours under its light."""
    reference = linear_rgb_from_lab_d50([patch.lab_d50 for patch in taken.card.patches])
    seen = np.clip(reference, 0, None) * np.array(taken.illuminant) * taken.exposure
    values = {
        "card": taken.card.name,
        "patch_linear_rgb": seen,
        "patch_sd": np.zeros((24, 3)),
        "patch_clipped_fraction": np.zeros(24),
        "patch_accepted": np.ones(24, bool),
        "corners_rc_px": np.zeros((4, 2)),
        "photo_xy_from_card_mm": taken.photo_xy_from_card_mm,
        "scale": Scale(mm_per_px=0.1, u_mm_per_px=0.002, source="by hand"),
        "tilt_deg": taken.tilt_deg,
        "blur_px": 0.6,
        "pitch_px": 60.0,
    }
    return CardReading(**(values | change))


@pytest.fixture
def taken(scene, card):
    return scene(
        card=card("colorchecker-classic-nano"),
        width=1000,
        height=750,
        tilt_deg=14,
        roll_deg=25,
        place=(0.3, 0.7),
        illuminant=(1.1, 0.9, 0.6),
        exposure=0.8,
        jpeg_quality=None,
        noise=0.001,
    )


def run(taken, settings, uncertainty, **change):
    return standardize(taken.photo(), reading_of(taken, **change), taken.card, settings, uncertainty)


def card_xy_in(standardized, taken, points_mm):
    photo = apply_homography_xy(taken.photo_xy_from_card_mm, points_mm)
    return apply_homography_xy(np.linalg.inv(standardized.photo_xy_from_standard_xy), photo)


def test_lengths_are_at_the_working_resolution_everywhere(taken, settings, uncertainty):
    result = run(taken, settings, uncertainty)
    corners_mm = np.array([[0, 0], [29.0, 0], [29.0, 14.88], [0, 14.88]])
    found = card_xy_in(result, taken, corners_mm)
    sides = np.linalg.norm(np.roll(found, -1, axis=0) - found, axis=1) * settings.working_mm_per_px
    np.testing.assert_allclose(sides, [29.0, 14.88, 29.0, 14.88], rtol=1e-9)
    assert result.scale.mm_per_px == settings.working_mm_per_px
    assert result.photo_shape == (750, 1000)


def test_colors_of_the_card_come_out_as_its_reference(taken, settings, uncertainty):
    result = run(taken, settings, uncertainty)
    reference = linear_rgb_from_lab_d50([patch.lab_d50 for patch in taken.card.patches])
    places = [(column * 5.8, row * 4.96) for row in range(4) for column in range(6)]
    x, y = np.rint(card_xy_in(result, taken, places)).astype(int).T
    difference = delta_e_2000(
        lab_from_linear_rgb(result.linear_rgb[y, x]), lab_from_linear_rgb(np.clip(reference, 0, 1))
    )
    assert np.median(difference) < 1.0 and difference.max() < 4
    assert result.linear_rgb.dtype == np.float32
    assert result.linear_rgb.min() >= 0 and result.linear_rgb.max() <= 1
    assert result.color_agreement.held_out_median < 1.0
    assert result.correction and len(result.steps) == 3


def test_valid_leaves_out_the_card_and_what_the_photo_does_not_show(taken, settings, uncertainty):
    result = run(taken, settings, uncertainty)
    height, width = result.valid.shape
    photo = apply_homography_xy(
        result.photo_xy_from_standard_xy, np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)
    )
    inside = (photo >= 0).all(axis=-1) & (photo[..., 0] <= 999) & (photo[..., 1] <= 749)
    assert not (result.valid & ~inside).any()
    for corner in ((-4.5, -4.0), (33.0, -4.0), (33.0, 18.5), (14.5, 7.4)):
        x, y = np.rint(card_xy_in(result, taken, corner)).astype(int)
        assert not result.valid[y, x]
    x, y = np.rint(card_xy_in(result, taken, (14.5, -10.0))).astype(int)
    assert result.valid[y, x]
    card_px = 42.3 * 26.0 / settings.working_mm_per_px**2
    assert result.valid.sum() == pytest.approx(inside.sum() - card_px, rel=0.02)


def test_picture_stays_upright_and_mirrored_is_set_right(taken, scene, settings, uncertainty):
    upright = run(taken, settings, uncertainty).photo_xy_from_standard_xy
    assert upright[0, 0] > 0 and upright[1, 1] > 0
    mirrored = scene(card=taken.card, mirrored=True, width=1000, height=750, jpeg_quality=None)
    homography = run(mirrored, settings, uncertainty).photo_xy_from_standard_xy
    assert homography[0, 0] < 0 < homography[1, 1]


@pytest.mark.parametrize("step", [0.05, 0.1, 0.35])
def test_area_of_a_shape_on_the_plane(step, taken, settings, uncertainty):
    result = run(taken, settings.model_copy(update={"working_mm_per_px": step}), uncertainty)
    centre, radius = np.array([40.0, -20.0]), 9.0
    y, x = np.mgrid[0:750, 0:1000]
    card_mm = apply_homography_xy(np.linalg.inv(taken.photo_xy_from_card_mm), np.stack([x, y], axis=-1))
    mask = (np.linalg.norm(card_mm - centre, axis=-1) < radius).astype(np.uint8) * 255
    warped = warp_to_standard(mask, result.photo_xy_from_standard_xy, result.valid.shape)
    assert warped.sum() * step**2 == pytest.approx(np.pi * radius**2, rel=5e-3)


def test_a_horizon_in_view_is_cut_off(taken, scene, settings, uncertainty):
    steep = scene(card=taken.card, width=1000, height=750, card_ratio=0.1, place=(0.5, 0.9), tilt_deg=72,
                  tilt_azimuth_deg=0, focal_ratio=0.6)  # fmt: skip
    coarse = settings.model_copy(update={"working_mm_per_px": 0.3})
    result = standardize(steep.photo(), reading_of(steep), steep.card, coarse, uncertainty)
    assert result.valid.any() and not result.valid.all()
    y, x = np.nonzero(result.valid)
    seen = apply_homography_xy(result.photo_xy_from_standard_xy, np.stack([x, y], axis=1))
    assert seen[:, 1].min() > 0 and seen[:, 1].max() < 750


def test_too_wide_is_refused_before_anything_is_allocated(taken, settings, uncertainty):
    absurd = settings.model_copy(update={"working_mm_per_px": 1e-5})
    with pytest.raises(Refused) as caught:
        run(taken, absurd, uncertainty)
    refusal = caught.value.refusal
    assert refusal.reason == Reason.TOO_WIDE and refusal.observed > 1e6 > refusal.limit


def test_rejected_patches_are_left_out_of_the_fit(taken, settings, uncertainty):
    whole = reading_of(taken)
    patches = whole.patch_linear_rgb.copy()
    patches[[3, 20]] = np.nan
    result = run(taken, settings, uncertainty, patch_linear_rgb=patches)
    assert result.color_agreement.held_out_median < 1.0


def test_marginal_color_is_flagged(taken, settings, uncertainty):
    rng = np.random.default_rng(2)
    patches = reading_of(taken).patch_linear_rgb * rng.uniform(0.6, 1.4, (24, 3))
    result = run(taken, settings, uncertainty, patch_linear_rgb=patches)
    assert Flag.COLOR_MARGINAL in result.flags
    assert result.color_agreement.held_out_median > result.color_agreement.fitted_median


def test_the_definition_must_be_of_the_card_read(taken, settings, uncertainty, card):
    with pytest.raises(InputError, match="colorchecker-classic-nano"):
        standardize(taken.photo(), reading_of(taken), card("colorchecker-passport"), settings, uncertainty)


def test_equal_input_gives_equal_bytes(taken, settings, uncertainty):
    first, second = (run(taken, settings, uncertainty) for _ in range(2))
    assert np.array_equal(first.linear_rgb, second.linear_rgb) and first.steps == second.steps


@pytest.mark.parametrize(("tilt_deg", "percent"), [(0.0, 2.0), (20.0, 3.095), (35.0, 4.964)])
def test_the_cameras_tilt_counts_in_an_area_whose_surface_may_be_inclined(
    taken, settings, uncertainty, tilt_deg, percent
):
    # The reading's 2 %, and at most 15 degrees of inclination seen obliquely: tan(tilt) * 0.06489.
    result = run(taken, settings, uncertainty, tilt_deg=tilt_deg)
    assert 100.0 * result.scale.relative_u == pytest.approx(percent, abs=5e-4)


def test_an_oblique_view_is_refused_by_its_own_limit_alone(taken, settings, uncertainty, limits):
    reading = reading_of(taken, tilt_deg=limits.max_tilt_deg)
    seen = standardize(taken.photo(), reading, taken.card, settings, uncertainty)
    assert 100.0 * seen.scale.relative_u > limits.max_u_scale_percent
    require_acceptable(reading, seen, limits)


def standardized_by_hand(held_out=(2.0, 8.0)):
    return StandardizedPhoto(
        linear_rgb=np.zeros((4, 4, 3), np.float32),
        valid=np.ones((4, 4), bool),
        scale=Scale(mm_per_px=0.1, u_mm_per_px=0.002, source="by hand"),
        photo_xy_from_standard_xy=np.eye(3),
        photo_shape=(4, 4),
        correction="matrix",
        color_agreement=ColorAgreement(
            fitted_median=1.0, fitted_max=2.0, held_out_median=held_out[0], held_out_max=held_out[1]
        ),
    )


def test_acceptable_photo_passes(taken, limits):
    require_acceptable(reading_of(taken), standardized_by_hand(), limits)


@pytest.mark.parametrize(
    ("card_change", "photo_change", "reason"),
    [
        ({"scale": Scale(mm_per_px=0.5, u_mm_per_px=0.01, source="")}, {}, Reason.TOO_FAR),
        ({"tilt_deg": 40.0}, {}, Reason.TOO_TILTED),
        ({"blur_px": 9.0}, {}, Reason.BLURRED),
        ({"blur_px": 6.0, "pitch_px": 600.0}, {}, Reason.BLURRED),
        ({"scale": Scale(mm_per_px=0.1, u_mm_per_px=0.005, source="")}, {}, Reason.SCALE_UNCERTAIN),
        ({"scale": Scale(mm_per_px=0.1, u_mm_per_px=float("nan"), source="")}, {}, Reason.SCALE_UNCERTAIN),
        ({}, {"held_out": (7.0, 9.0)}, Reason.COLOR_ERROR),
        ({}, {"held_out": (2.0, 25.0)}, Reason.COLOR_ERROR),
    ],
)
def test_each_limit_refuses(card_change, photo_change, reason, taken, limits):
    with pytest.raises(Refused) as caught:
        require_acceptable(reading_of(taken, **card_change), standardized_by_hand(**photo_change), limits)
    refusal = caught.value.refusal
    assert refusal.reason == reason and refusal.unit and not refusal.observed <= refusal.limit
