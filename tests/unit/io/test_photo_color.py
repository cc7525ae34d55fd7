"""Colour profiles: what the file declares is what is measured."""

import numpy as np
import pytest
from PIL import Image, ImageCms

from oral_lesion.errors import Flag
from oral_lesion.numerics.color import linear_rgb_from_lab_d50, srgb_from_linear


@pytest.fixture
def uniform(encoded):
    def make(colors, **options):
        block = np.repeat(np.repeat(np.array([colors], np.uint8), 80, axis=0), 80, axis=1)
        return encoded(block, **options)

    return make


# Published: sRGB's primaries in Display P3, W3C css-color-4 and its tests (web-platform-tests, css/css-color)
@pytest.mark.parametrize(
    ("display_p3_values", "srgb"),
    [
        ((0.917488, 0.200287, 0.138561), (255, 0, 0)),
        ((0.458402, 0.985265, 0.298295), (0, 255, 0)),
        ((0.0, 0.0, 0.959588), (0, 0, 255)),
        ((0.21604, 0.49418, 0.13151), (0, 128, 0)),
    ],
)
def test_display_p3_by_published_values(read, uniform, display_p3, display_p3_values, srgb):
    stored = [round(255 * value) for value in display_p3_values]
    content = uniform([stored, (128, 128, 128), (20, 20, 200)], icc_profile=display_p3)
    photo = read(content)
    # 8-bit steps of the stored value are up to 4 levels of a channel near 0, where sRGB's curve is steep
    in_range = np.array(srgb) > 0
    difference = np.abs(photo.srgb[0, 0].astype(int) - srgb)
    assert difference[in_range].max() <= 2
    assert difference.max() <= 16
    assert photo.flags == ()


def test_display_p3_over_the_gamut(read, display_p3, srgb_decode, encoded):
    rng = np.random.default_rng(5)
    srgb = rng.integers(40, 216, (64, 64, 3), dtype=np.uint8)
    # linear P3 -> linear sRGB, css-color-4 sample code
    to_srgb = np.array([[1.224940, -0.224940, 0.0], [-0.042057, 1.042057, 0.0], [-0.019638, -0.078636, 1.098274]])
    linear_p3 = srgb_decode(srgb / 255) @ np.linalg.inv(to_srgb).T
    stored = np.rint(255 * srgb_from_linear(linear_p3)).astype(np.uint8)
    photo = read(encoded(stored, icc_profile=display_p3))
    difference = np.abs(photo.srgb.astype(int) - srgb)
    assert difference.max() <= 3
    assert difference.mean() < 0.5


def test_display_p3_in_jpeg_tiff_webp(read, uniform, display_p3):
    for kind, options in (("JPEG", {"quality": 100}), ("TIFF", {}), ("WEBP", {"lossless": True})):
        photo = read(uniform([(234, 51, 35)], kind=kind, icc_profile=display_p3, **options))
        assert photo.srgb[40, 40, 0] >= 253, kind
        assert photo.srgb[40, 40, 1] <= 20, kind


def test_display_p3_in_16_bit_tiff(read, display_p3):
    import io

    import tifffile

    stream = io.BytesIO()
    block = np.empty((80, 80, 3), np.uint16)
    block[:] = np.rint(np.array([0.917488, 0.200287, 0.138561]) * 65535)
    tifffile.imwrite(stream, block, photometric="rgb", iccprofile=display_p3)
    assert read(stream.getvalue()).srgb[0, 0, 0] >= 254


def test_display_p3_in_heic(read, display_p3):
    import io

    import pillow_heif

    stream = io.BytesIO()
    image = Image.new("RGB", (80, 80), (234, 51, 35))
    pillow_heif.from_pillow(image).save(stream, quality=100, icc_profile=display_p3)
    photo = read(stream.getvalue(), "photo.heic")
    assert photo.srgb[40, 40, 0] >= 251


def test_srgb_profile_changes_nothing(read, picture, encoded, srgb_profile):
    photo = read(encoded(picture, icc_profile=srgb_profile))
    assert np.array_equal(photo.srgb, picture)
    assert photo.flags == ()


def test_srgb_profile_of_littlecms_changes_nothing(read, picture, encoded):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(read(encoded(picture, icc_profile=profile)).srgb, picture)


def test_profile_named_srgb_that_is_another_still_converts(read, picture, encoded, display_p3):
    renamed = display_p3.replace(b"test\0", b"sRGB\0")
    assert not np.array_equal(read(encoded(picture, icc_profile=renamed)).srgb, picture)


@pytest.mark.parametrize("cut", [1, 100, 200, 400])
def test_broken_profile_is_ignored_and_flagged(read, picture, encoded, display_p3, cut):
    photo = read(encoded(picture, icc_profile=display_p3[:cut]))
    assert np.array_equal(photo.srgb, picture)
    assert photo.flags == (Flag.NO_COLOR_PROFILE,)


def test_profile_of_another_color_space_is_ignored_and_flagged(read, picture, encoded, cmyk_profile):
    photo = read(encoded(picture, icc_profile=cmyk_profile))
    assert np.array_equal(photo.srgb, picture)
    assert photo.flags == (Flag.NO_COLOR_PROFILE,)


@pytest.mark.parametrize(("kind", "options", "levels"), [("TIFF", {}, 2), ("JPEG", {"quality": 100}, 6)])
def test_cmyk_by_its_profile(read, encoded, cmyk_profile, kind, options, levels):
    inks = np.zeros((160, 80, 4), np.uint8)
    inks[:80, :, 0] = 255
    image = Image.frombytes("CMYK", (80, 160), inks.tobytes())
    photo = read(encoded(image, kind, icc_profile=cmyk_profile, **options))
    linear = linear_rgb_from_lab_d50(np.array([60.0, -30.0, -40.0]))
    expected = np.clip(np.rint(255 * srgb_from_linear(np.clip(linear, 0, 1))), 0, 255)
    assert np.abs(photo.srgb[40, 40].astype(int) - expected).max() <= levels
    assert photo.srgb[120, 40].min() >= 253
    assert photo.flags == ()


def test_adobe_rgb_that_only_exif_declares_is_flagged(read, picture, encoded):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 0xFFFF
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    assert read(encoded(picture, "JPEG", exif=exif.tobytes())).flags == (Flag.NO_COLOR_PROFILE,)


def test_nearly_grey_is_not_color_and_nearly_nothing_is(refusal_of, read, encoded):
    from oral_lesion.errors import Reason

    block = np.full((80, 80, 3), 100, np.uint8)
    block[..., 0] += 1
    assert refusal_of(encoded(block)).reason is Reason.NOT_COLOR
    block[..., 0] += 1
    assert read(encoded(block)).srgb.shape == (80, 80, 3)
