"""Each format gives the picture that was stored, upright and in 8 bit."""

import io

import cv2
import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image

from oral_lesion.errors import Flag, Reason


def _close(photo, expected, levels):
    return np.abs(photo.srgb.astype(int) - expected.astype(int)).max() <= levels


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg(read, picture, encoded, progressive):
    content = encoded(picture, "JPEG", quality=95, progressive=progressive)
    photo = read(content)
    assert np.array_equal(photo.srgb, np.asarray(Image.open(io.BytesIO(content))))
    assert photo.flags == ()
    assert photo.focal_length_px is None


def test_jpeg_in_grey_is_not_color(refusal_of, picture, encoded):
    assert refusal_of(encoded(picture[..., 0], "JPEG")).reason is Reason.NOT_COLOR


def test_jpeg_in_grey_stored_as_three_channels_is_not_color(refusal_of, picture, encoded):
    grey = np.repeat(picture[..., :1], 3, axis=2)
    refusal = refusal_of(encoded(grey, "JPEG"))
    assert refusal.reason is Reason.NOT_COLOR
    assert (refusal.observed, refusal.limit, refusal.unit) == (0.0, 2.0, "levels")


def test_jpeg_with_several_pictures_gives_the_first_without_a_flag(read, picture, encoded):
    content = encoded(picture, "MPO", quality=95, save_all=True, append_images=[Image.fromarray(picture[::-1].copy())])
    photo = read(content)
    assert np.abs(photo.srgb.astype(int) - picture).mean() < 3
    assert photo.flags == ()


def test_jpeg_in_cmyk_without_profile_is_converted_and_flagged(read, encoded):
    inks = np.zeros((80, 80, 4), np.uint8)
    inks[..., 0], inks[..., 1], inks[..., 3] = 102, 51, 26  # 40 %, 20 %, 0 %, 10 %
    photo = read(encoded(Image.frombytes("CMYK", (80, 80), inks.tobytes()), "JPEG", quality=100))
    # R = (1 - C)(1 - K), and so on
    expected = [round(255 * (1 - ink / 255) * (1 - 26 / 255)) for ink in (102, 51, 0)]
    assert np.abs(photo.srgb[40, 40].astype(int) - expected).max() <= 3
    assert photo.flags == (Flag.NO_COLOR_PROFILE,)


def test_png(read, picture, encoded):
    assert np.array_equal(read(encoded(picture)).srgb, picture)


def test_png_with_palette(read, picture, encoded):
    few = Image.fromarray(picture).quantize(32)
    assert np.array_equal(read(encoded(few)).srgb, np.asarray(few.convert("RGB")))


def test_png_with_palette_in_grey_is_not_color(refusal_of, picture, encoded):
    assert refusal_of(encoded(Image.fromarray(picture[..., 0]).convert("P"))).reason is Reason.NOT_COLOR


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16"])
def test_png_without_color_is_not_color(refusal_of, picture, encoded, mode):
    if mode == "I;16":
        image = Image.fromarray(picture[..., 0].astype(np.uint16) * 257)
    else:
        image = Image.fromarray(picture[..., 0]).convert(mode)
    assert refusal_of(encoded(image)).reason is Reason.NOT_COLOR


def test_opaque_alpha_is_dropped(read, picture, encoded):
    rgba = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    assert np.array_equal(read(encoded(rgba)).srgb, picture)


def test_transparent_pixels_are_composited_on_black(read, picture, encoded):
    alpha = np.full(picture.shape[:2], 255, np.uint8)
    alpha[:10], alpha[10:20] = 0, 128
    photo = read(encoded(np.dstack([picture, alpha])))
    assert (photo.srgb[:10] == 0).all()
    assert np.abs(photo.srgb[10:20].astype(int) - np.rint(picture[10:20] * (128 / 255))).max() <= 1
    assert np.array_equal(photo.srgb[20:], picture[20:])


def test_transparent_palette_entry_is_composited_on_black(read, picture, encoded):
    few = Image.fromarray(picture).quantize(16)
    index = few.getpixel((0, 0))
    photo = read(encoded(few, transparency=index))
    assert (photo.srgb[np.asarray(few) == index] == 0).all()


def _sixteen_bit(picture):
    """Levels whose upper byte alone would be one too low: 257 v + 200 lies nearer to v + 1."""
    return picture.astype(np.uint16) * 257 + 200


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_by_opencv_is_rounded_not_cut(read, picture, suffix):
    stored = cv2.imencode(suffix, _sixteen_bit(picture)[..., ::-1])[1].tobytes()  # TIFF: LZW
    assert np.array_equal(read(stored).srgb, picture + 1)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"planarconfig": "separate"}, {"tile": (64, 64)}])
def test_16_bit_tiff(read, picture, options):
    stream = io.BytesIO()
    sixteen = _sixteen_bit(picture)
    if options.get("planarconfig") == "separate":
        sixteen = np.moveaxis(sixteen, -1, 0)
    tifffile.imwrite(stream, sixteen, photometric="rgb", **options)
    assert np.array_equal(read(stream.getvalue()).srgb, picture + 1)


def test_16_bit_tiff_with_alpha(read, picture):
    stream = io.BytesIO()
    alpha = np.full(picture.shape[:2], 65535, np.uint16)
    alpha[:5] = 0
    tifffile.imwrite(stream, np.dstack([_sixteen_bit(picture), alpha]), photometric="rgb", extrasamples=["unassalpha"])
    photo = read(stream.getvalue())
    assert (photo.srgb[:5] == 0).all()
    assert np.array_equal(photo.srgb[5:], picture[5:] + 1)


def test_16_bit_white_and_black_keep_the_ends_of_the_range(read, picture):
    stream = io.BytesIO()
    sixteen = _sixteen_bit(picture)
    sixteen[0, 0], sixteen[0, 1] = 65535, 0
    tifffile.imwrite(stream, sixteen, photometric="rgb")
    assert read(stream.getvalue()).srgb[0, :2].tolist() == [[255] * 3, [0] * 3]


def test_float_tiff_is_unreadable(refusal_of, picture):
    stream = io.BytesIO()
    tifffile.imwrite(stream, (picture / 255).astype(np.float32), photometric="rgb")
    assert refusal_of(stream.getvalue()).reason is Reason.UNREADABLE


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate", "packbits"])
def test_8_bit_tiff(read, picture, encoded, compression):
    assert np.array_equal(read(encoded(picture, "TIFF", compression=compression)).srgb, picture)


def test_8_bit_tiff_with_alpha(read, picture, encoded):
    rgba = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    assert np.array_equal(read(encoded(rgba, "TIFF")).srgb, picture)


def test_tiff_in_grey_is_not_color(refusal_of, picture, encoded):
    assert refusal_of(encoded(picture[..., 0], "TIFF")).reason is Reason.NOT_COLOR


def test_tiff_in_cmyk(read, encoded):
    inks = np.zeros((80, 80, 4), np.uint8)
    inks[..., 1] = 255
    photo = read(encoded(Image.frombytes("CMYK", (80, 80), inks.tobytes()), "TIFF"))
    assert photo.srgb[0, 0].tolist() == [255, 0, 255]
    assert photo.flags == (Flag.NO_COLOR_PROFILE,)


def test_tiff_with_several_pages_gives_the_first_and_a_flag(read, picture, encoded):
    other = Image.fromarray(picture[::-1].copy())
    photo = read(encoded(picture, "TIFF", save_all=True, append_images=[other]))
    assert np.array_equal(photo.srgb, picture)
    assert photo.flags == (Flag.SEVERAL_FRAMES,)


def test_webp(read, picture, encoded):
    assert np.array_equal(read(encoded(picture, "WEBP", lossless=True)).srgb, picture)


def test_animated_webp_gives_the_first_frame_and_a_flag(read, picture, encoded):
    other = Image.fromarray(picture[::-1].copy())
    photo = read(encoded(picture, "WEBP", lossless=True, save_all=True, append_images=[other]))
    assert np.array_equal(photo.srgb, picture)
    assert photo.flags == (Flag.SEVERAL_FRAMES,)


def _heic(picture, **options):
    stream = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(picture)).save(stream, quality=95, chroma=444, **options)
    return stream.getvalue()


def test_heic(read, picture):
    assert _close(read(_heic(picture), "photo.heic"), picture, 30)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_is_turned_once(read, picture, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    # pillow-heif stores an EXIF orientation as the container's own rotation and mirroring
    photo = read(_heic(picture, exif=exif.tobytes()), "photo.heic")
    expected = _turned(picture, orientation)
    assert photo.srgb.shape == expected.shape
    assert np.abs(photo.srgb.astype(int) - expected).mean() < 3


def test_heic_in_grey_is_not_color(refusal_of, picture):
    assert refusal_of(_heic(picture[..., 0]), "photo.heic").reason is Reason.NOT_COLOR


def test_heic_with_several_pictures_gives_the_primary_and_a_flag(read, picture):
    file = pillow_heif.HeifFile()
    file.add_from_pillow(Image.fromarray(picture))
    file.add_from_pillow(Image.fromarray(picture[::-1].copy()))
    stream = io.BytesIO()
    file.save(stream, quality=95, primary_index=0)
    photo = read(stream.getvalue(), "photo.heic")
    assert np.abs(photo.srgb.astype(int) - picture).mean() < 5
    assert photo.flags == (Flag.SEVERAL_FRAMES,)


def test_the_content_decides_not_the_suffix(read, picture, encoded):
    assert np.array_equal(read(encoded(picture, "PNG"), "photo.jpg").srgb, picture)


def _turned(picture, orientation):
    """The upright picture of each orientation, by the words of Exif 3.0, tag 274."""
    return {
        1: picture,  # row 0 is the top, column 0 the left
        2: np.fliplr(picture),  # top, right
        3: np.rot90(picture, 2),  # bottom, right
        4: np.flipud(picture),  # bottom, left
        5: picture.swapaxes(0, 1),  # left, top
        6: np.rot90(picture, -1),  # right, top
        7: np.rot90(picture.swapaxes(0, 1), 2),  # right, bottom
        8: np.rot90(picture, 1),  # left, bottom
    }[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "options"), [("JPEG", {"quality": 100, "subsampling": 0}), ("PNG", {}), ("WEBP", {"lossless": True})]
)
def test_exif_orientation(read, picture, encoded, kind, options, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = read(encoded(picture, kind, exif=exif.tobytes(), **options))
    expected = _turned(picture, orientation)
    assert photo.srgb.shape == expected.shape
    assert np.abs(photo.srgb.astype(int) - expected).max() <= (4 if kind == "JPEG" else 0)
    assert photo.srgb.flags.c_contiguous


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("bits", [8, 16])
def test_tiff_orientation(read, picture, orientation, bits):
    stream = io.BytesIO()
    stored = picture if bits == 8 else picture.astype(np.uint16) * 257
    tifffile.imwrite(stream, stored, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    assert np.array_equal(read(stream.getvalue()).srgb, _turned(picture, orientation))


@pytest.mark.parametrize("orientation", [0, 9, 60000])
def test_orientation_out_of_range_counts_as_none(read, picture, encoded, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(read(encoded(picture, exif=exif.tobytes())).srgb, picture)


def _with_focal_length(picture, encoded, **details):
    tags = {"equivalent": 0xA405, "width": 0xA002, "height": 0xA003}
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({tags[name]: value for name, value in details.items()})
    return encoded(picture, "JPEG", exif=exif.tobytes())


def test_focal_length_from_the_35_mm_equivalent(read, picture, encoded):
    photo = read(_with_focal_length(picture, encoded, equivalent=26))
    # 26 mm over the diagonal of 36 mm × 24 mm, times the picture's diagonal of 160 px
    assert photo.focal_length_px == pytest.approx(26 / 43.2666 * 160, rel=1e-4)


def test_focal_length_holds_for_a_picture_that_was_reduced_as_a_whole(read, picture, encoded):
    photo = read(_with_focal_length(picture, encoded, equivalent=26, width=4000, height=3000))
    assert photo.focal_length_px is not None


def test_focal_length_is_unknown_for_a_picture_that_was_cropped(read, picture, encoded):
    photo = read(_with_focal_length(picture, encoded, equivalent=26, width=4000, height=2000))
    assert photo.focal_length_px is None


@pytest.mark.parametrize("equivalent", [0, 3, 65535])
def test_focal_length_out_of_range_is_unknown(read, picture, encoded, equivalent):
    assert read(_with_focal_length(picture, encoded, equivalent=equivalent)).focal_length_px is None


def test_broken_exif_counts_as_none(read, picture, encoded):
    content = encoded(picture, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert read(content).focal_length_px is None
