"""Camera RAW: a small DNG made by hand comes back as the picture that was mosaicked."""

import io

import numpy as np
import pytest
import tifffile

from oral_lesion.errors import MissingExtraError, Refused
from oral_lesion.io.photo_formats import decode, format_of
from oral_lesion.io.photo_raw import require_raw_support
from oral_lesion.io.visits import PHOTO_SUFFIXES
from oral_lesion.numerics.color import linear_from_srgb, srgb_from_linear

XYZ_TO_LINEAR_SRGB = ((3.2404542, -1.5371385, -0.4985314), (-0.969266, 1.8760108, 0.041556),
                      (0.0556434, -0.2040259, 1.0572252))  # fmt: skip
BLACK, WHITE = 512, 15872
GAINS = np.array([0.5, 1.0, 0.625])  # what the sensor makes of a neutral surface


def rational(values, scale=10000):
    return tuple(part for value in values for part in (round(value * scale), scale))


def dng_of(linear_rgb, *, orientation=1, photometric="CFA"):
    """Return a DNG whose sensor has the primaries of sRGB, filters RGGB, and another response in each colour."""
    camera = np.clip(linear_rgb * GAINS, 0, 1)
    mosaic = camera[..., 1].copy()
    mosaic[::2, ::2], mosaic[1::2, 1::2] = camera[::2, ::2, 0], camera[1::2, 1::2, 2]
    levels = np.rint(BLACK + mosaic * (WHITE - BLACK)).astype(np.uint16)
    tags = [
        (271, "s", 0, "oral-lesion", True),
        (272, "s", 0, "phantom", True),
        (274, "H", 1, orientation, True),
        (33421, "H", 2, (2, 2), True),
        (33422, "B", 4, (0, 1, 1, 2), True),
        (50706, "B", 4, (1, 4, 0, 0), True),
        (50707, "B", 4, (1, 1, 0, 0), True),
        (50708, "s", 0, "oral-lesion phantom", True),
        (50714, "H", 1, BLACK, True),
        (50717, "H", 1, WHITE, True),
        (50721, "2i", 9, rational(np.ravel(XYZ_TO_LINEAR_SRGB)), True),
        (50728, "2I", 3, rational(GAINS), True),
        (50778, "H", 1, 21, True),
    ]
    target = io.BytesIO()
    tifffile.imwrite(target, levels, photometric=photometric, extratags=tags, metadata=None, software=None)
    return target.getvalue()


@pytest.fixture
def patches():
    """Squares of 32 px in muted colours, linear RGB."""
    rng = np.random.default_rng(7)
    return np.kron(rng.uniform(0.08, 0.6, (6, 8, 3)), np.ones((32, 32, 1)))


def middles(picture):
    return picture[16::32, 16::32].reshape(-1, 3).astype(float)


def test_suffixes_and_first_bytes():
    assert {".dng", ".cr2", ".cr3", ".nef", ".arw"} <= PHOTO_SUFFIXES
    assert format_of(b"\0\0\0\x18ftypcrx \0\0\0\x01") == "RAW"
    assert format_of(b"II*\0\x10\0\0\0CR\x02\0") == "RAW"


def test_the_colours_come_back(patches):
    pytest.importorskip("rawpy", reason="the extra raw is not installed")
    picture = decode(dng_of(patches))
    assert picture.srgb.shape == patches.shape
    assert picture.jpeg_quality is None
    assert picture.flags == ()
    expected = middles(255 * srgb_from_linear(patches))
    assert np.abs(middles(picture.srgb) - expected).max() <= 2.0


def test_brightness_does_not_depend_on_the_content(patches):
    pytest.importorskip("rawpy", reason="the extra raw is not installed")
    full, half = (linear_from_srgb(decode(dng_of(share * patches)).srgb) for share in (1.0, 0.5))
    assert np.median(middles(half) / middles(full)) == pytest.approx(0.5, abs=0.01)


def test_above_the_white_level_is_clipped(patches):
    pytest.importorskip("rawpy", reason="the extra raw is not installed")
    bright = patches.copy()
    bright[:32, :32] = 3.0
    srgb = decode(dng_of(bright)).srgb
    assert (srgb[8:24, 8:24] == 255).all()


def test_the_picture_is_turned_upright(patches):
    pytest.importorskip("rawpy", reason="the extra raw is not installed")
    turned = decode(dng_of(patches, orientation=6)).srgb
    assert turned.shape[:2] == patches.shape[1::-1]
    upright = np.rot90(decode(dng_of(patches)).srgb, -1)
    assert np.abs(middles(turned) - middles(upright)).max() <= 2.0


def test_a_damaged_one_is_unreadable(patches):
    pytest.importorskip("rawpy", reason="the extra raw is not installed")
    content = dng_of(patches)
    with pytest.raises(Refused) as refused:
        decode(content[: len(content) // 3])
    assert refused.value.refusal.reason == "unreadable"


def test_without_the_extra_one_line_says_what_to_install(patches, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(MissingExtraError, match=r"camera RAW needs rawpy; .* pip install 'oral-lesion\[raw\]'"):
        decode(dng_of(patches))


def test_a_visit_with_raw_files_stops_before_it_is_read(monkeypatch):
    import importlib.util

    monkeypatch.setattr("oral_lesion.io.photo_raw.find_spec", lambda name: None)
    assert importlib.util.find_spec("numpy") is not None
    require_raw_support(["a.jpg"])
    with pytest.raises(MissingExtraError, match=r"IMG_1\.NEF: reading camera RAW needs rawpy"):
        require_raw_support(["a.jpg", "IMG_1.NEF"])


def test_a_scene_with_its_card_is_usable_and_has_its_scale(tmp_path):
    pytest.importorskip("rawpy", reason="the extra raw is not installed")
    from oral_lesion.io.check_photos import check_file
    from oral_lesion.io.settings import load_protocol
    from oral_lesion.phantom import SceneSettings, render_scene

    protocol = load_protocol(None)
    scene = render_scene(SceneSettings(seed=3, exposure_ev=-0.3), protocol.card)
    path = tmp_path / "IMG_0001.DNG"
    path.write_bytes(dng_of(linear_from_srgb(scene.srgb)))
    checked = check_file(path, protocol=protocol)
    assert checked.refusal is None
    assert checked.card.scale.mm_per_px == pytest.approx(scene.truth.mm_per_px, rel=0.005)
    assert checked.standardized.color_agreement.held_out_median < 2.0
