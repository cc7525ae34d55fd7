"""Files that are not what they claim end as a refusal that names the file and the next step; nothing else."""

import io
import os
import struct
import sys
import tracemalloc
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from oral_lesion.errors import Reason, Refused
from oral_lesion.io.photo_formats import decode, format_of
from oral_lesion.io.photos import read_photo


def _png_header(width, height, bit_depth=8, color_type=2):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, bit_depth, color_type, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _jpeg_with_size(content, width, height):
    at = next(at for at in range(len(content)) if content[at : at + 2] in {b"\xff\xc0", b"\xff\xc2"})
    return content[: at + 5] + struct.pack(">HH", height, width) + content[at + 9 :]


def test_the_detail_names_the_file_and_the_next_step(refusal_of):
    refusal = refusal_of(b"hello", "cheek left.jpg")
    assert refusal.reason is Reason.UNREADABLE
    assert refusal.detail.startswith("cheek left.jpg: ")
    assert "Export the photo again" in refusal.detail


@pytest.mark.parametrize("content", [b"x", b"%PDF-1.7 no picture", b"GIF89a" + b"\0" * 200, b"BM" + b"\0" * 200])
def test_other_files_under_a_pictures_name_are_unreadable(refusal_of, content):
    assert refusal_of(content).reason is Reason.UNREADABLE


def test_an_empty_file_is_unreadable(refusal_of):
    refusal = refusal_of(b"")
    assert refusal.reason is Reason.UNREADABLE
    assert "empty" in refusal.detail


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("fraction", [0.02, 0.3, 0.7, 0.99])
def test_a_truncated_jpeg_is_unreadable(refusal_of, picture, encoded, progressive, fraction):
    content = encoded(picture, "JPEG", quality=95, progressive=progressive)
    assert refusal_of(content[: int(fraction * len(content))]).reason is Reason.UNREADABLE


def test_a_jpeg_without_its_end_marker_is_unreadable(refusal_of, picture, encoded):
    """The last two bytes are missing, so more may be: the file was not copied whole."""
    assert refusal_of(encoded(picture, "JPEG")[:-2]).reason is Reason.UNREADABLE


def _tiff_16_bit(picture):
    stream = io.BytesIO()
    tifffile.imwrite(stream, picture.astype(np.uint16) * 257, photometric="rgb", compression="zlib")
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "16-bit PNG", "16-bit TIFF", "LZW TIFF"])
@pytest.mark.parametrize("fraction", [0.05, 0.5, 0.9])
def test_other_truncated_files_are_unreadable(refusal_of, picture, encoded, kind, fraction):
    if kind == "16-bit PNG":
        content = cv2.imencode(".png", picture.astype(np.uint16) * 257)[1].tobytes()
    elif kind == "16-bit TIFF":
        content = _tiff_16_bit(picture)
    elif kind == "LZW TIFF":
        content = encoded(picture, "TIFF", compression="tiff_lzw")
    else:
        content = encoded(picture, kind, **({"lossless": True} if kind == "WEBP" else {}))
    assert refusal_of(content[: int(fraction * len(content))]).reason is Reason.UNREADABLE


@pytest.mark.parametrize("content", [_png_header(40_000, 40_000), _png_header(40_000, 40_000, 16, 6)])
def test_a_decompression_bomb_is_too_large_and_costs_no_memory(refusal_of, content):
    tracemalloc.start()
    try:
        refusal = refusal_of(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert refusal.reason is Reason.TOO_LARGE
    assert (refusal.observed, refusal.limit, refusal.unit) == (1600.0, 100.0, "megapixels")
    assert peak < 20e6


@pytest.mark.parametrize(("width", "height"), [(10_001, 10_000), (12_000, 9_000), (13_000, 13_000)])
def test_above_100_megapixels_is_too_large(refusal_of, width, height):
    refusal = refusal_of(_png_header(width, height))
    assert refusal.reason is Reason.TOO_LARGE
    assert refusal.observed == pytest.approx(width * height / 1e6, abs=0.01)


def test_a_jpeg_header_above_100_megapixels_is_too_large(refusal_of, picture, encoded):
    content = _jpeg_with_size(encoded(picture, "JPEG"), 60_000, 60_000)
    assert refusal_of(content).reason is Reason.TOO_LARGE


def test_a_tiff_header_above_100_megapixels_is_too_large(refusal_of, picture, encoded):
    content = bytearray(encoded(picture, "TIFF"))
    entries = struct.unpack_from("<I", content, 4)[0]
    for entry in range(struct.unpack_from("<H", content, entries)[0]):
        at = entries + 2 + 12 * entry
        if struct.unpack_from("<H", content, at)[0] in {256, 257}:
            struct.pack_into("<HI", content, at + 2, 4, 1)
            struct.pack_into("<I", content, at + 8, 50_000)
    assert refusal_of(bytes(content)).reason is Reason.TOO_LARGE


def test_a_side_above_30000_pixels_is_too_large(refusal_of):
    refusal = refusal_of(_png_header(30_001, 100))
    assert refusal.reason is Reason.TOO_LARGE
    assert (refusal.observed, refusal.limit, refusal.unit) == (30_001.0, 30_000.0, "px")


@pytest.mark.parametrize("size", [(1, 1), (63, 200), (200, 63)])
def test_below_64_pixels_is_too_small(refusal_of, encoded, size):
    refusal = refusal_of(encoded(Image.new("RGB", size, (200, 30, 40))))
    assert refusal.reason is Reason.TOO_SMALL
    assert (refusal.observed, refusal.limit, refusal.unit) == (float(min(size)), 64.0, "px")


def test_64_pixels_are_enough(read, encoded):
    assert read(encoded(Image.new("RGB", (64, 64), (200, 30, 40)))).srgb.shape == (64, 64, 3)


def test_a_file_that_is_too_large_is_not_read(tmp_path, identity):
    path = tmp_path / "photo.jpg"
    with path.open("wb") as file:
        file.truncate(600_000_000)  # sparse: takes no space
    with pytest.raises(Refused) as caught:
        read_photo(path, identity())
    refusal = caught.value.refusal
    assert refusal.reason is Reason.TOO_LARGE
    assert (refusal.observed, refusal.limit, refusal.unit) == (600.0, 500.0, "MB")


def _reason(path, identity):
    with pytest.raises(Refused) as caught:
        read_photo(path, identity)
    return caught.value.refusal


def test_a_missing_file_is_unreadable(tmp_path, identity):
    refusal = _reason(tmp_path / "photo.jpg", identity())
    assert refusal.reason is Reason.UNREADABLE
    assert "does not exist" in refusal.detail


def test_a_directory_is_unreadable(tmp_path, identity):
    (tmp_path / "photo.jpg").mkdir()
    assert _reason(tmp_path / "photo.jpg", identity()).reason is Reason.UNREADABLE


@pytest.mark.skipif(sys.platform == "win32", reason="no FIFOs there")
def test_a_fifo_is_not_opened(tmp_path, identity):
    os.mkfifo(tmp_path / "photo.jpg")
    assert _reason(tmp_path / "photo.jpg", identity()).reason is Reason.UNREADABLE


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights there")
class TestSymbolicLinks:
    def test_out_of_the_folder_is_unreadable(self, tmp_path, identity, picture, encoded):
        (tmp_path / "visit").mkdir()
        (tmp_path / "elsewhere.png").write_bytes(encoded(picture))
        (tmp_path / "visit" / "photo.jpg").symlink_to(tmp_path / "elsewhere.png")
        refusal = _reason(tmp_path / "visit" / "photo.jpg", identity())
        assert refusal.reason is Reason.UNREADABLE
        assert "leads out" in refusal.detail

    def test_inside_the_folder_is_followed(self, tmp_path, identity, picture, encoded):
        (tmp_path / "original.png").write_bytes(encoded(picture))
        (tmp_path / "photo.jpg").symlink_to("original.png")
        assert read_photo(tmp_path / "photo.jpg", identity()).srgb.shape == picture.shape

    def test_out_of_a_subfolder_but_inside_the_visit_is_followed(self, tmp_path, identity, picture, encoded):
        (tmp_path / "sub").mkdir()
        (tmp_path / "original.png").write_bytes(encoded(picture))
        (tmp_path / "sub" / "photo.jpg").symlink_to(tmp_path / "original.png")
        photo = read_photo(tmp_path / "sub" / "photo.jpg", identity("sub/photo.jpg"))
        assert photo.srgb.shape == picture.shape

    def test_a_loop_is_unreadable(self, tmp_path, identity):
        (tmp_path / "photo.jpg").symlink_to("photo.jpg")
        assert _reason(tmp_path / "photo.jpg", identity()).reason is Reason.UNREADABLE


@pytest.mark.parametrize("file", ["/etc/passwd", "../../etc/passwd", "C:\\photos\\a.jpg", "\\\\server\\a.jpg"])
def test_an_identity_outside_of_the_folder_is_unreadable(tmp_path, identity, picture, encoded, file):
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(picture))
    assert _reason(path, identity(file)).reason is Reason.UNREADABLE


def test_the_hash_is_filled_in(read, picture, encoded):
    import hashlib

    content = encoded(picture)
    assert read(content).identity.sha256 == hashlib.sha256(content).hexdigest()


def test_a_file_that_changed_after_it_was_listed_is_unreadable(tmp_path, identity, picture, encoded):
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(picture))
    refusal = _reason(path, identity(sha256="0" * 64))
    assert refusal.reason is Reason.UNREADABLE
    assert "changed" in refusal.detail


def test_control_characters_of_a_name_do_not_reach_the_detail(refusal_of):
    if sys.platform == "win32":
        pytest.skip("no such names there")
    assert "\x1b" not in refusal_of(b"hello", "a\x1b[31m\n.jpg").detail


def test_no_metadata_is_kept(read, picture, encoded):
    exif = Image.Exif()
    exif[0x010F] = "SECRET-CAMERA"
    exif[0x9286] = "SECRET-COMMENT"
    photo = read(encoded(picture, "JPEG", exif=exif.tobytes(), comment=b"SECRET"))
    assert "SECRET" not in repr(photo)


_SEEDS = []


def _seeds():
    if not _SEEDS:
        picture = np.zeros((70, 70, 3), np.uint8)
        picture[:35, :, 0] = 200
        for kind in ("JPEG", "PNG", "TIFF", "WEBP"):
            stream = io.BytesIO()
            Image.fromarray(picture).save(stream, kind)
            _SEEDS.append(stream.getvalue())
        _SEEDS.append(_tiff_16_bit(picture))
    return _SEEDS


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    which=st.integers(0, 4),
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_flipped_bytes_give_a_picture_or_a_refusal(which, edits):
    content = bytearray(_seeds()[which])
    for place, value in edits:
        content[int(place * len(content))] = value
    try:
        picture = decode(bytes(content))
    except Refused:
        return
    assert picture.srgb.dtype == np.uint8


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"II*\0", "TIFF"),
        (b"MM\0*", "TIFF"),
        (b"RIFF\0\0\0\0WEBP", "WEBP"),
        (b"\0\0\0\x18ftypheic", "HEIF"),
        (b"\0" * 128 + b"DICM", "DICOM"),
        (b"", None),
        (b"\0\0\0\x18ftypisom", None),
    ],
)
def test_formats_by_their_first_bytes(start, expected):
    assert format_of(start) == expected
