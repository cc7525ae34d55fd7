"""Formats of photographs: from a file's bytes to an upright sRGB array."""

from __future__ import annotations

import functools
import io
import logging
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import Flag, MissingExtraError, Refused
from oral_lesion.io.jpeg_quality import jpeg_quality_of
from oral_lesion.io.photo_color import GREY_MODES, channel_spread, flattened, to_srgb
from oral_lesion.io.photo_exif import ORIENTATION_TAG, read_exif
from oral_lesion.io.photo_limits import (
    MIN_CHANNEL_SPREAD,
    not_color,
    require_size,
    too_many_megapixels,
    unreadable,
)
from oral_lesion.io.photo_raw import decode_raw, is_raw_page, is_raw_start

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["DecodedPicture", "decode", "format_of"]

_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_PILLOW_PLUGINS = {"JPEG": "JpegImagePlugin", "PNG": "PngImagePlugin", "WEBP": "WebPImagePlugin"}
_STRIP_ROWS = 64
_SRGB_PRIMARIES, _UNSPECIFIED_PRIMARIES = 1, 2  # ISO/IEC 23091-2


@dataclass(frozen=True, slots=True)
class DecodedPicture:
    """
    What was taken from a file: the picture, and nothing else of its metadata.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Upright, in sRGB.
    focal_length_px : float or None
        Focal length in pixels of this picture; None where unknown.
    flags : tuple of Flag
        Caveats found while reading.
    jpeg_quality : int or None
        Of a JPEG file, 1 to 100.
    """

    srgb: NDArray[np.uint8]
    focal_length_px: float | None
    flags: tuple[Flag, ...]
    jpeg_quality: int | None = None


@dataclass(slots=True)
class _Opened:
    """A decoded picture before colour and orientation are dealt with."""

    image: Image.Image
    icc_profile: bytes | None = None
    orientation: int = 1
    focal_length_px: float | None = None
    several_frames: bool = False
    color_declared: bool = True
    jpeg_quality: int | None = None


def format_of(content: bytes) -> str | None:
    """
    Return the format that the first bytes of a file tell, whatever its name says.

    Parameters
    ----------
    content : bytes
        The first 132 bytes are enough.

    Returns
    -------
    str or None
        ``"JPEG"``, ``"PNG"``, ``"TIFF"`` (also DNG, NEF, ARW), ``"RAW"`` (CR2, CR3), ``"WEBP"``, ``"HEIF"``,
        ``"DICOM"``; None for anything else.
    """
    if is_raw_start(content):
        return "RAW"
    if content[128:132] == b"DICM":
        return "DICOM"
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}:
        return "TIFF"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    if content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS:
        return "HEIF"
    return None


def decode(content: bytes) -> DecodedPicture:
    """
    Decode a photo: upright, in sRGB, 8 bit.

    Formats: JPEG, PNG, TIFF, WebP, HEIC/HEIF, DICOM photograph, camera RAW. Of several frames the first (of HEIF the
    primary) is taken; a JPEG's further pictures (MPO: previews, gain maps) are not counted as frames. The
    size is checked by the header before anything is decoded.

    Parameters
    ----------
    content : bytes
        The whole file.

    Returns
    -------
    DecodedPicture
        Flags: ``no-color-profile`` where a profile is broken, a CMYK picture has none, or the file declares
        another colour space than sRGB without a profile; ``several-frames``.

    Raises
    ------
    Refused
        ``unreadable``, ``too-large``, ``too-small``, ``not-color``.
    MissingExtraError
        For camera RAW without the extra ``raw``.
    """
    kind = format_of(content)
    if kind is None:
        raise unreadable("is no JPEG, PNG, TIFF, WebP, HEIC, DICOM or RAW file. Export the photo again as JPEG.")
    _keep_decoders_from_writing_to_the_terminal()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _finished(_openers()[kind](content))
        except (Refused, MissingExtraError):
            raise
        except Exception as error:
            # hostile input: whatever a decoder raises, the file is unreadable
            pixels = _bomb_pixels(error)
            if pixels is not None:
                raise too_many_megapixels(pixels) from None
            raise unreadable(
                f"is a truncated, damaged or unusual {kind} file. Copy it again from the camera."
            ) from error


@functools.cache
def _keep_decoders_from_writing_to_the_terminal() -> None:
    """Without any handler, Python prints a logger's warnings; whoever configures logging still gets them."""
    for name in ("PIL", "pydicom", "tifffile"):
        logging.getLogger(name).addHandler(logging.NullHandler())


def _openers() -> dict[str, Callable[[bytes], _Opened]]:
    return {
        "DICOM": _open_dicom,
        "HEIF": _open_heif,
        "JPEG": lambda content: _open_with_pillow(content, "JPEG"),
        "PNG": _open_png,
        "RAW": _open_raw,
        "TIFF": _open_tiff,
        "WEBP": lambda content: _open_with_pillow(content, "WEBP"),
    }


def _finished(opened: _Opened) -> DecodedPicture:
    _require_color_mode(opened.image.mode)
    image, declared = to_srgb(flattened(opened.image), opened.icc_profile)
    opened.image = image
    srgb = _upright_array(image, opened.orientation)
    spread = channel_spread(srgb)
    if spread < MIN_CHANNEL_SPREAD:
        raise not_color(spread)
    flags = []
    if not (declared and opened.color_declared):
        flags.append(Flag.NO_COLOR_PROFILE)
    if opened.several_frames:
        flags.append(Flag.SEVERAL_FRAMES)
    return DecodedPicture(srgb, opened.focal_length_px, tuple(flags), opened.jpeg_quality)


def _upright_array(image: Image.Image, orientation: int) -> NDArray[np.uint8]:
    """Copy an RGB image to an upright array, strip by strip, so that no second copy is alive meanwhile."""
    width, height = image.size
    shape = (width, height, 3) if orientation in {5, 6, 7, 8} else (height, width, 3)
    upright = np.empty(shape, dtype=np.uint8)
    stored = _as_stored(upright, orientation)
    for top in range(0, height, _STRIP_ROWS):
        bottom = min(height, top + _STRIP_ROWS)
        stored[top:bottom] = np.asarray(image.crop((0, top, width, bottom)))
    return upright


def _as_stored(upright: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return a view of the upright array in the order in which the file stores it (EXIF 2.32, tag 274)."""
    views: dict[int, Callable[[], NDArray[np.uint8]]] = {
        2: lambda: upright[:, ::-1],
        3: lambda: upright[::-1, ::-1],
        4: lambda: upright[::-1],
        5: lambda: upright.swapaxes(0, 1),
        6: lambda: upright.swapaxes(0, 1)[::-1],
        7: lambda: upright.swapaxes(0, 1)[::-1, ::-1],
        8: lambda: upright.swapaxes(0, 1)[:, ::-1],
    }
    return views.get(orientation, lambda: upright)()


def _require_color_mode(mode: str) -> None:
    if mode in GREY_MODES:
        raise not_color(0)


def _bomb_pixels(error: BaseException) -> int | None:
    """Return the size in Pillow's own refusal of an oversized header, which comes before ours."""
    from PIL import Image

    if not isinstance(error, Image.DecompressionBombError):
        return None
    found = re.search(r"\((\d+) pixels\)", str(error))
    return int(found[1]) if found else 2 * (Image.MAX_IMAGE_PIXELS or 0)


def _open_with_pillow(content: bytes, kind: str) -> _Opened:
    """Open with Pillow; JPEG, WebP, 8-bit PNG and 8-bit TIFF."""
    import importlib

    from PIL import Image

    importlib.import_module(f"PIL.{_PILLOW_PLUGINS.get(kind, 'TiffImagePlugin')}")
    image = Image.open(io.BytesIO(content), formats=(kind,))
    require_size(*image.size)
    _require_color_mode(image.mode)
    several_frames = image.format != "MPO" and getattr(image, "n_frames", 1) > 1
    image.load()
    exif = read_exif(image.getexif, image.size)  # after loading: a TIFF is turned by then, and says so
    icc_profile = image.info.get("icc_profile")
    return _Opened(
        image=image,
        icc_profile=icc_profile,
        orientation=exif.orientation,
        focal_length_px=exif.focal_length_px,
        several_frames=several_frames,
        color_declared=bool(icc_profile) or not exif.adobe_rgb,
        jpeg_quality=jpeg_quality_of(getattr(image, "quantization", None)) if kind == "JPEG" else None,
    )


def _open_png(content: bytes) -> _Opened:
    """Open a PNG; Pillow would cut 16 bits a channel down to the upper 8, so those take another road."""
    opened = _open_with_pillow(content, "PNG")
    has_16_bits, color_type = content[24] == 16, content[25]
    if has_16_bits and color_type in {2, 6}:
        opened.image = _image_from_16_bit(_decode_with_opencv(content))
    return opened


def _open_tiff(content: bytes) -> _Opened:
    from tifffile import TiffFile

    with TiffFile(io.BytesIO(content)) as tiff:
        page: Any = tiff.pages.first
        if is_raw_page(page):
            return _open_raw(content)
        require_size(page.imagewidth, page.imagelength)
        samples, sample_bits, several = page.samplesperpixel, page.bitspersample, len(tiff.pages) > 1
        if samples < 3 or sample_bits <= 8:
            opened = _open_with_pillow(content, "TIFF")
            opened.several_frames = several
            return opened
        if page.dtype != np.uint16 or page.photometric.name != "RGB":
            raise ValueError("16-bit TIFF: only unsigned RGB is supported")
        try:
            picture = page.asarray()
            if page.planarconfig.name == "SEPARATE":
                picture = np.moveaxis(picture, 0, -1)
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
            _open_with_pillow(content, "TIFF")  # raises, and silently, where the file is damaged
            picture = _decode_with_opencv(content)  # a compression that tifffile has no codec for, such as LZW
        icc_profile = page.tags.valueof(34675)
        orientation = page.tags.valueof(ORIENTATION_TAG, default=1)
    return _Opened(
        image=_image_from_16_bit(picture),
        icc_profile=bytes(icc_profile) if icc_profile else None,
        orientation=int(orientation),
        several_frames=several,
    )


def _decode_with_opencv(content: bytes) -> NDArray[np.uint16]:
    import cv2

    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.dtype != np.uint16 or picture.ndim != 3:
        raise ValueError("expected three or four channels of 16 bits")
    return np.ascontiguousarray(picture[..., [2, 1, 0, *range(3, picture.shape[2])]])


def _image_from_16_bit(picture: NDArray[np.uint16]) -> Image.Image:
    """Return an RGB or RGBA image: 65535 becomes 255, everything between is rounded."""
    from PIL import Image

    channels = picture[..., :4]
    eight_bit = np.empty(channels.shape, dtype=np.uint8)
    for top in range(0, len(channels), _STRIP_ROWS):
        strip = channels[top : top + _STRIP_ROWS].astype(np.uint32)
        eight_bit[top : top + _STRIP_ROWS] = (strip + 128) // 257
    return Image.fromarray(eight_bit)


def _open_heif(content: bytes) -> _Opened:
    """
    Open HEIC or HEIF.

    libheif turns the picture as the container says; by ISO/IEC 23008-12 an EXIF orientation does not count.
    """
    import pillow_heif
    from PIL import Image

    heif = pillow_heif.open_heif(io.BytesIO(content), convert_hdr_to_8bit=True)
    require_size(*heif.size)
    _require_color_mode(heif.mode)
    image = heif.to_pillow()

    def load_exif() -> Image.Exif:
        exif = Image.Exif()
        exif.load(heif.info.get("exif") or b"")
        return exif

    icc_profile = heif.info.get("icc_profile")
    primaries = (heif.info.get("nclx_profile") or {}).get("color_primaries", _UNSPECIFIED_PRIMARIES)
    return _Opened(
        image=image,
        icc_profile=icc_profile,
        focal_length_px=read_exif(load_exif, image.size).focal_length_px,
        several_frames=len(heif) > 1,
        color_declared=bool(icc_profile) or primaries in {_SRGB_PRIMARIES, _UNSPECIFIED_PRIMARIES},
    )


def _open_raw(content: bytes) -> _Opened:
    photograph = decode_raw(content)
    return _Opened(image=photograph.image, focal_length_px=photograph.focal_length_px)


def _open_dicom(content: bytes) -> _Opened:
    from oral_lesion.io.photo_dicom import decode_dicom

    photograph = decode_dicom(content)
    return _Opened(image=photograph.image, icc_profile=photograph.icc_profile, several_frames=photograph.several_frames)
