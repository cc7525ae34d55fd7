"""DICOM photographs: pixels and colour profile of the first frame; nothing of the patient is even parsed."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from oral_lesion.io.photo_limits import not_color, require_size

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["DicomPhotograph", "decode_dicom"]

_DEFLATED = b"1.2.840.10008.1.2.1.99"
_JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
_PIXEL_TAGS = (
    "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "Rows",
    "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "ICCProfile",
    "PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths",
    "RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DicomPhotograph:
    """
    First frame of a DICOM photograph.

    Parameters
    ----------
    image : PIL.Image.Image
        In mode RGB.
    icc_profile : bytes or None
        From the ICC Profile module, else from the encapsulated JPEG itself.
    several_frames : bool
        Whether there are more frames.
    """

    image: Image.Image
    icc_profile: bytes | None
    several_frames: bool


def decode_dicom(content: bytes) -> DicomPhotograph:
    """
    Decode a DICOM photograph: VL Photographic Image, Secondary Capture, or any other image in colour.

    Parameters
    ----------
    content : bytes
        The whole file.

    Returns
    -------
    DicomPhotograph

    Raises
    ------
    Refused
        ``not-color`` for MONOCHROME images, ``too-large``, ``too-small``.
    ValueError
        Where the file is compressed as a whole, or no image.
    """
    from PIL import Image
    from pydicom import dcmread

    if _DEFLATED in content:  # reading such a file's header would unpack all of it
        raise ValueError("deflated DICOM is not supported: its size is unknown before it is unpacked")
    dataset = dcmread(io.BytesIO(content), specific_tags=list(_PIXEL_TAGS))
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    frames = int(dataset.get("NumberOfFrames") or 1)
    require_size(int(dataset.Columns), int(dataset.Rows))
    if str(dataset.PhotometricInterpretation).startswith("MONOCHROME") or int(dataset.SamplesPerPixel) == 2:
        raise not_color(0)
    icc_profile = dataset.get("ICCProfile")
    if not icc_profile and syntax == _JPEG_BASELINE:
        icc_profile = _profile_in_jpeg(dataset, frames)
    return DicomPhotograph(
        image=Image.fromarray(_first_frame(dataset)),
        icc_profile=bytes(icc_profile) if icc_profile else None,
        several_frames=frames > 1,
    )


def _first_frame(dataset: Any) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    from pydicom.pixels.processing import apply_color_lut
    from pydicom.pixels.utils import pixel_array

    picture = pixel_array(dataset, index=0)
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        picture = apply_color_lut(picture, dataset)
        bits = 8 * picture.dtype.itemsize
    else:
        bits = int(dataset.BitsStored)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype.kind != "u":
        raise ValueError("expected three unsigned channels")
    if bits > 8:
        limit = 2**bits - 1
        picture = (np.minimum(picture, limit).astype(np.uint32) * 255 + limit // 2) // limit
    return np.ascontiguousarray(picture, dtype=np.uint8)


def _profile_in_jpeg(dataset: Any, frames: int) -> bytes | None:
    from PIL import Image
    from pydicom.encaps import get_frame

    frame = get_frame(dataset.PixelData, 0, number_of_frames=frames)
    profile: bytes | None = Image.open(io.BytesIO(frame), formats=("JPEG",)).info.get("icc_profile")
    return profile
