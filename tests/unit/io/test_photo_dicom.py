"""DICOM photographs: pixels alone, whatever their encoding; nothing of the patient."""

import io

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

from oral_lesion.errors import Flag, Reason

VL_PHOTOGRAPHIC = "1.2.840.10008.5.1.4.1.1.77.1.4"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


@pytest.fixture
def dicom(picture):
    def build(pixels, syntax=ExplicitVRLittleEndian, photometric="RGB", sop_class=VL_PHOTOGRAPHIC, **fields) -> bytes:
        dataset, meta = Dataset(), FileMetaDataset()
        meta.TransferSyntaxUID = syntax
        meta.MediaStorageSOPClassUID = dataset.SOPClassUID = sop_class
        meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3"
        dataset.file_meta = meta
        dataset.PatientName, dataset.PatientID = "Secret^Name", "SECRET-1"
        dataset.Rows, dataset.Columns, _ = picture.shape
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, photometric, 0
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
        for name, value in fields.items():
            setattr(dataset, name, value)
        dataset.PixelData = pixels
        stream = io.BytesIO()
        dataset.save_as(stream, enforce_file_format=True)
        return stream.getvalue()

    return build


@pytest.fixture
def jpeg(picture, encoded):
    return encoded(picture, "JPEG", quality=95, subsampling=1)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("sop_class", [VL_PHOTOGRAPHIC, SECONDARY_CAPTURE])
def test_uncompressed_rgb(read, dicom, picture, syntax, sop_class):
    photo = read(dicom(picture.tobytes(), syntax, sop_class=sop_class), "photo.dcm")
    assert np.array_equal(photo.srgb, picture)
    assert photo.flags == ()


def test_planes_one_after_the_other(read, dicom, picture):
    content = dicom(picture.transpose(2, 0, 1).tobytes(), PlanarConfiguration=1)
    assert np.array_equal(read(content).srgb, picture)


@pytest.mark.parametrize("photometric", ["YBR_FULL_422", "RGB"])
def test_jpeg_baseline(read, dicom, jpeg, photometric):
    """Many devices write RGB as the photometric interpretation of an ordinary JPEG."""
    photo = read(dicom(encapsulate([jpeg]), JPEGBaseline8Bit, photometric))
    expected = np.asarray(Image.open(io.BytesIO(jpeg)))
    assert np.abs(photo.srgb.astype(int) - expected).max() <= 1


def test_rle(read, dicom, picture):
    dataset = pydicom.dcmread(io.BytesIO(dicom(picture.tobytes())))
    dataset.compress(RLELossless)
    stream = io.BytesIO()
    dataset.save_as(stream)
    assert np.array_equal(read(stream.getvalue()).srgb, picture)


@pytest.mark.parametrize("bits", [12, 16])
def test_more_than_8_bits(read, dicom, picture, bits):
    deep = np.rint(picture / 255 * (2**bits - 1)).astype("<u2")
    content = dicom(deep.tobytes(), BitsAllocated=16, BitsStored=bits, HighBit=bits - 1)
    assert np.array_equal(read(content).srgb, picture)


def test_several_frames_give_the_first_and_a_flag(read, dicom, picture):
    content = dicom(picture.tobytes() + picture[::-1].tobytes(), NumberOfFrames=2)
    photo = read(content)
    assert np.array_equal(photo.srgb, picture)
    assert photo.flags == (Flag.SEVERAL_FRAMES,)


def test_palette(read, dicom, picture):
    few = Image.fromarray(picture).quantize(256)
    table = np.zeros((256, 3), np.uint8)
    entries = np.array(few.getpalette(), np.uint8).reshape(-1, 3)
    table[: len(entries)] = entries
    fields = {}
    for channel, name in enumerate(("Red", "Green", "Blue")):
        fields[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        levels = table[:, channel].astype("<u2") * 257
        fields[f"{name}PaletteColorLookupTableData"] = levels.tobytes()
    pixels = np.asarray(few).tobytes()
    photo = read(dicom(pixels, photometric="PALETTE COLOR", SamplesPerPixel=1, **fields))
    assert np.array_equal(photo.srgb, np.asarray(few.convert("RGB")))


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_monochrome_is_not_color(refusal_of, dicom, picture, photometric):
    content = dicom(picture[..., 0].tobytes(), photometric=photometric, SamplesPerPixel=1)
    assert refusal_of(content).reason is Reason.NOT_COLOR


def test_color_profile_of_the_file(read, dicom, encoded, display_p3, picture):
    red = np.empty_like(picture)
    red[:] = (234, 51, 35)
    photo = read(dicom(red.tobytes(), ICCProfile=display_p3))
    assert photo.srgb[0, 0, 0] >= 254


def test_color_profile_inside_the_jpeg(read, dicom, encoded, display_p3, picture):
    red = np.empty_like(picture)
    red[:] = (234, 51, 35)
    jpeg = encoded(red, "JPEG", quality=100, icc_profile=display_p3)
    photo = read(dicom(encapsulate([jpeg]), JPEGBaseline8Bit, "YBR_FULL_422"))
    assert photo.srgb[0, 0, 0] >= 252


def test_nothing_of_the_patient_is_kept(read, dicom, picture):
    photo = read(dicom(picture.tobytes()))
    assert "secret" not in repr(photo).lower()


def test_truncated_pixels_are_unreadable(refusal_of, dicom, picture):
    assert refusal_of(dicom(picture.tobytes()[:-3000])).reason is Reason.UNREADABLE


def test_a_truncated_file_is_unreadable(refusal_of, dicom, picture):
    content = dicom(picture.tobytes())
    assert refusal_of(content[: len(content) // 2]).reason is Reason.UNREADABLE


def test_a_truncated_jpeg_inside_is_unreadable(refusal_of, dicom, jpeg):
    content = dicom(encapsulate([jpeg[: len(jpeg) // 2]]), JPEGBaseline8Bit, "YBR_FULL_422")
    assert refusal_of(content).reason is Reason.UNREADABLE


def test_a_header_above_100_megapixels_is_too_large(refusal_of, dicom, picture):
    content = dicom(picture.tobytes(), Rows=40_000, Columns=40_000)
    assert refusal_of(content).reason is Reason.TOO_LARGE


def test_a_deflated_file_is_unreadable(refusal_of, dicom, picture):
    assert refusal_of(dicom(picture.tobytes(), DeflatedExplicitVRLittleEndian)).reason is Reason.UNREADABLE


def test_a_preamble_alone_is_unreadable(refusal_of):
    assert refusal_of(b"\0" * 128 + b"DICM").reason is Reason.UNREADABLE


def test_a_dicom_file_without_picture_is_unreadable(refusal_of, dicom, picture):
    dataset = pydicom.dcmread(io.BytesIO(dicom(picture.tobytes())))
    del dataset.PixelData, dataset.Rows
    stream = io.BytesIO()
    dataset.save_as(stream)
    assert refusal_of(stream.getvalue()).reason is Reason.UNREADABLE
