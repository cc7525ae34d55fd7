"""Pictures lose their metadata and keep their pixels."""

import io

import numpy as np
import pytest
from dataset_folders import drawn_picture, encoded
from PIL import Image, ImageCms, PngImagePlugin

from oral_lesion.errors import Refused
from oral_lesion.io.datasets.clean_pixels import clean_picture, metadata_kinds, stripped_jpeg
from oral_lesion.io.photo_formats import decode

SECRET = b"Jane Doe 1970-01-01"


def pixels_of(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def exif_with(orientation=1):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825)[1] = "N"
    return exif


def jpeg_with_everything(**options):
    content = encoded(drawn_picture(1), "JPEG", quality=90, exif=exif_with(), comment=SECRET, **options)
    xmp = b"http://ns.adobe.com/xap/1.0/\0" + SECRET
    segment = b"\xff\xe1" + (len(xmp) + 2).to_bytes(2, "big") + xmp
    return content[:2] + segment + content[2:] + SECRET


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 4}])
def test_an_upright_jpeg_keeps_its_compressed_pixels_and_nothing_else(options):
    content = jpeg_with_everything(**options)
    assert {"EXIF", "XMP", "comment"} <= set(metadata_kinds(content))
    suffix, clean, srgb = clean_picture(content)
    assert suffix == ".jpg"
    assert SECRET not in clean
    assert b"Exif" not in clean
    assert metadata_kinds(clean) == ()
    assert np.array_equal(pixels_of(clean), pixels_of(content))
    assert np.array_equal(srgb, pixels_of(content))


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_jpeg_becomes_an_upright_png(orientation):
    content = encoded(drawn_picture(2), "JPEG", quality=90, exif=exif_with(orientation))
    suffix, clean, srgb = clean_picture(content)
    assert suffix == ".png"
    assert metadata_kinds(clean) == ()
    assert np.array_equal(pixels_of(clean), decode(content).srgb)
    assert srgb.shape == ((96, 80, 3) if orientation >= 5 else (80, 96, 3))


def test_an_srgb_profile_changes_nothing_and_cmyk_becomes_an_srgb_png():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    suffix, clean, _ = clean_picture(encoded(drawn_picture(3), "JPEG", icc_profile=profile))
    assert suffix == ".jpg"
    assert profile not in clean
    stream = io.BytesIO()
    Image.fromarray(drawn_picture(3)).convert("CMYK").save(stream, "JPEG")
    suffix, clean, _ = clean_picture(stream.getvalue())
    assert suffix == ".png"
    assert np.array_equal(pixels_of(clean), decode(stream.getvalue()).srgb)


def test_a_png_loses_its_text_and_no_pixel():
    text = PngImagePlugin.PngInfo()
    text.add_text("Patient", SECRET.decode())
    content = encoded(drawn_picture(4), pnginfo=text, exif=exif_with())
    assert metadata_kinds(content) == ("EXIF", "text")
    suffix, clean, _ = clean_picture(content)
    assert suffix == ".png"
    assert SECRET not in clean
    assert metadata_kinds(clean) == ()
    assert np.array_equal(pixels_of(clean), drawn_picture(4))


@pytest.mark.parametrize("cut", [3, 10, 200, 700])
def test_a_cut_jpeg_is_refused_and_never_stripped(cut):
    content = encoded(drawn_picture(5), "JPEG")[:cut]
    assert stripped_jpeg(content) is None
    with pytest.raises(Refused):
        clean_picture(content)
