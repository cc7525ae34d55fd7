"""Pictures, profiles, DICOM files and scores made by hand, for the tests of io."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from oral_lesion.errors import Flag
from oral_lesion.protocol import CardDefinition, ScoringProtocol
from oral_lesion.records import (
    CardReading,
    ColorAgreement,
    Lesion,
    Measurement,
    ModelIdentity,
    Photo,
    PhotoIdentity,
    PhotoScore,
    Scale,
    Segmentation,
    StandardizedPhoto,
    Visit,
)

D50 = (0.9642, 1.0, 0.8249)


def _xyz(values) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _text_description(text: str) -> bytes:
    ascii_text = text.encode("ascii") + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(ascii_text)) + ascii_text + b"\0" * 78


def _profile(tags: dict[bytes, bytes], *, device_class: bytes, space: bytes, connection: bytes) -> bytes:
    """ICC.1:2001-04 (version 2): header of 128 bytes, tag table, tags on multiples of 4 bytes."""
    tags = {b"desc": _text_description("test"), b"cprt": b"text\0\0\0\0none\0", b"wtpt": _xyz(D50)} | tags
    offset, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, offset + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    header = struct.pack(
        ">I4s4s4s4s4s6H4s4sIIIQI3i4s44x", offset + len(body), b"none", b"\x02\x20\0\0", device_class, space,
        connection, 2020, 1, 1, 0, 0, 0, b"acsp", b"none", 0, 0, 0, 0, 0, *(round(v * 65536) for v in D50), b"none",
    )  # fmt: skip
    return header + struct.pack(">I", len(tags)) + table + body


@pytest.fixture(scope="session")
def matrix_profile():
    """Return a function from colorants (D50, one row a primary) and a decoding function to an ICC profile."""

    def build(colorants, decode) -> bytes:
        levels = np.rint(decode(np.linspace(0, 1, 1024)) * 65535).astype(">u2")
        curve = b"curv\0\0\0\0" + struct.pack(">I", len(levels)) + levels.tobytes()
        tags = {}
        for letter, colorant in zip((b"r", b"g", b"b"), colorants, strict=True):
            tags[letter + b"XYZ"] = _xyz(colorant)
            tags[letter + b"TRC"] = curve
        return _profile(tags, device_class=b"mntr", space=b"RGB ", connection=b"XYZ ")

    return build


@pytest.fixture(scope="session")
def srgb_decode():
    return lambda v: np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


@pytest.fixture(scope="session")
def display_p3(matrix_profile, srgb_decode) -> bytes:
    """Display P3: SMPTE RP 431-2 primaries, D65, adapted to D50 by Bradford."""
    colorants = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
    return matrix_profile(colorants, srgb_decode)


@pytest.fixture(scope="session")
def srgb_profile(matrix_profile, srgb_decode) -> bytes:
    colorants = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
    return matrix_profile(colorants, srgb_decode)


@pytest.fixture(scope="session")
def cmyk_profile() -> bytes:
    """A printer whose cyan is CIELAB (60, -30, -40); each ink halves the rest, black is black."""
    grid = np.zeros((2, 2, 2, 2, 3), np.uint8)
    for cmyk in np.ndindex(2, 2, 2, 2):
        lightness = 0 if cmyk[3] else 255 >> sum(cmyk[:3])
        grid[cmyk] = (lightness, 128, 128)
    grid[1, 0, 0, 0] = (round(60 * 2.55), 128 - 30, 128 - 40)
    ramp = bytes(range(256))
    identity = np.eye(3, dtype=">i4") * 65536
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + identity.tobytes() + ramp * 4 + grid.tobytes() + ramp * 3
    return _profile({b"A2B0": lut, b"A2B1": lut}, device_class=b"prtr", space=b"CMYK", connection=b"Lab ")


@pytest.fixture(scope="session")
def picture():
    """A smooth picture in colour that no turn or flip maps to itself; 96 rows, 128 columns."""
    rows, columns = np.mgrid[0:96, 0:128]
    red = 60 + columns
    green = 40 + rows
    blue = 200 - columns // 2 - rows
    colors = np.stack([red, green, blue], axis=2).astype(np.uint8)
    colors[:24, :40] = (230, 30, 60)
    colors.flags.writeable = False
    return colors


@pytest.fixture(scope="session")
def encoded():
    """Return a function that encodes an array or image in a format of Pillow."""

    def encode(picture, kind: str = "PNG", **options) -> bytes:
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        stream = io.BytesIO()
        image.save(stream, kind, **options)
        return stream.getvalue()

    return encode


@pytest.fixture
def identity():
    """Return a function that makes an identity for a file name."""

    def make(file: str = "photo.jpg", **fields) -> PhotoIdentity:
        fields = {"photo_id": "photo-12345678", "sha256": "", "subject_id": "S-001", **fields}
        return PhotoIdentity(file=file, visit=Visit(name="week-04"), **fields)

    return make


@pytest.fixture
def read(tmp_path, identity):
    """Return a function that writes bytes to a file and reads it as a photo."""
    from oral_lesion.io.photos import read_photo

    def read_bytes(content: bytes, name: str = "photo.jpg"):
        path = tmp_path / name
        path.write_bytes(content)
        return read_photo(path, identity(name))

    return read_bytes


@pytest.fixture
def refusal_of(read):
    """Return a function that writes bytes to a file and returns the refusal that reading it gives."""
    from oral_lesion.errors import Refused

    def refusal(content: bytes, name: str = "photo.jpg"):
        with pytest.raises(Refused) as caught:
            read(content, name)
        return caught.value.refusal

    return refusal


def _card_reading(mm_per_px: float) -> CardReading:
    return CardReading(
        card="colorchecker-classic-nano",
        patch_linear_rgb=np.full((24, 3), 0.5),
        patch_sd=np.full((24, 3), 0.01),
        patch_clipped_fraction=np.zeros(24),
        patch_accepted=np.ones(24, dtype=np.bool_),
        corners_rc_px=np.zeros((4, 2)),
        photo_xy_from_card_mm=np.diag([1 / mm_per_px, 1 / mm_per_px, 1.0]),
        scale=Scale(mm_per_px=mm_per_px, u_mm_per_px=0.0005, source="test"),
        tilt_deg=3.25,
        blur_px=1.0,
        pitch_px=116.0,
    )


@pytest.fixture
def card_reading():
    return _card_reading(0.05)


@pytest.fixture
def scored(identity, card_reading):
    """A scored photo: one disc of radius 20 px that counts, one of radius 2 px that does not; 2 photo px per px."""
    height, width = 120, 160
    rows, columns = np.mgrid[0:height, 0:width]
    large = 20 - np.hypot(rows - 60, columns - 70)
    small = 2 - np.hypot(rows - 20, columns - 140)
    probability = np.clip(0.5 + 0.25 * np.maximum(large, small), 0, 1).astype(np.float32)
    valid = np.ones((height, width), dtype=np.bool_)
    valid[:, :10] = False
    standardized = StandardizedPhoto(
        linear_rgb=np.full((height, width, 3), (0.5, 0.1, 0.1), dtype=np.float32),
        valid=valid,
        scale=Scale(mm_per_px=0.1, u_mm_per_px=0.001, source="test"),
        photo_xy_from_standard_xy=np.array([[2.0, 0.0, 11.0], [0.0, 2.0, 7.0], [0.0, 0.0, 1.0]]),
        photo_shape=(300, 400),
        correction="test",
        color_agreement=ColorAgreement(
            fitted_median=0.8,
            fitted_max=2.0,
            held_out_median=1.25,
            held_out_max=4.5,
            held_out_per_patch=(0.5, 1.25, 4.5),
        ),
    )
    segmentation = Segmentation(
        probability=probability,
        mask=probability >= 0.5,
        valid=valid,
        threshold=0.5,
        model=ModelIdentity(name="oral-erosion", version="1.0", sha256="ab" * 32),
    )
    lesion = Lesion(label=1, area_mm2=12.5664, perimeter_mm=12.566, centroid_rc_px=(60.0, 70.0))
    measurement = Measurement(lesions=(lesion,), area_mm2=12.5664, u_scale_mm2=0.3, u_boundary_mm2=0.4)
    return PhotoScore(
        identity=identity(sha256="cd" * 32, site="tongue-dorsal", replicate=2),
        outcome=measurement,
        card=card_reading,
        standardized=standardized,
        segmentation=segmentation,
        flags=(Flag.BLUR_MARGINAL, Flag.SHADING),
    )


@pytest.fixture
def scored_photo(scored):
    columns = np.mgrid[0:300, 0:400][1]
    srgb = np.stack([120 + columns % 50, 60 + columns % 20, 60 + columns % 9], axis=2).astype(np.uint8)
    return Photo(identity=scored.identity, srgb=srgb)


@pytest.fixture(scope="session")
def model():
    return ModelIdentity(name="oral-erosion", version="1.0", sha256="ab" * 32)


@pytest.fixture(scope="session")
def protocol():
    from oral_lesion.io.settings import load_protocol

    loaded = load_protocol()
    assert isinstance(loaded, ScoringProtocol)
    assert isinstance(loaded.card, CardDefinition)
    return loaded
