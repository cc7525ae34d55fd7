"""Camera RAW (DNG, CR2, CR3, NEF, ARW): developed in linear light, without any look; needs the extra ``raw``."""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import MissingExtraError
from oral_lesion.io.photo_limits import require_size
from oral_lesion.numerics.color import srgb_from_linear

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["RAW_SUFFIXES", "RawPhotograph", "decode_raw", "is_raw_page", "is_raw_start", "require_raw_support"]

RAW_SUFFIXES = frozenset({".dng", ".cr2", ".cr3", ".nef", ".arw"})

_DNG_VERSION_TAG, _PHOTOMETRIC_TAG, _SUB_IFDS_TAG = 50706, 262, 330
_CFA, _LINEAR_RAW = 32803, 34892
_EXIF_TAG, _FOCAL_LENGTH_35MM = 34665, "FocalLengthIn35mmFilm"
_FOCAL_LENGTHS_35MM = (8.0, 1000.0)
_DIAGONAL_35MM = math.hypot(36.0, 24.0)
_STRIP_ROWS = 64


@dataclass(frozen=True, slots=True)
class RawPhotograph:
    """
    A developed RAW file.

    Parameters
    ----------
    image : PIL.Image.Image
        Upright, in mode RGB, sRGB.
    focal_length_px : float or None
        Focal length in pixels of this picture; None where the file does not tell its 35 mm equivalent.
    """

    image: Image.Image
    focal_length_px: float | None


def require_raw_support(files: Iterable[str]) -> None:
    """
    Stop before any photo is read where there are RAW files and nothing to read them with.

    Parameters
    ----------
    files : iterable of str
        File names.

    Raises
    ------
    MissingExtraError
        Names the first such file, the feature and the remedy.
    """
    if find_spec("rawpy") is not None:
        return
    for file in files:
        if PurePath(file).suffix.lower() in RAW_SUFFIXES:
            raise _missing(f"{file}: reading")


def is_raw_start(content: bytes) -> bool:
    """
    Tell Canon's formats by their first bytes.

    Parameters
    ----------
    content : bytes
        The first 12 bytes are enough.

    Returns
    -------
    bool
        True for CR2 and CR3; the other formats look like a TIFF.
    """
    return content[4:12] == b"ftypcrx " or (content[:4] == b"II*\0" and content[8:10] == b"CR")


def is_raw_page(page: Any) -> bool:
    """
    Tell whether a TIFF is a RAW file: a DNG, or one whose picture is a mosaic of colour filters.

    Parameters
    ----------
    page : tifffile.TiffPage
        The first one.

    Returns
    -------
    bool
    """
    if _DNG_VERSION_TAG in page.tags:
        return True
    pages = [page, *(page.pages or ())] if _SUB_IFDS_TAG in page.tags else [page]
    return any(one.tags.valueof(_PHOTOMETRIC_TAG, default=0) in {_CFA, _LINEAR_RAW} for one in pages)


def decode_raw(content: bytes) -> RawPhotograph:
    """
    Develop a RAW file: black level, the camera's white balance, demosaicing, camera colours to sRGB, sRGB encoding.

    Nothing depends on the picture's content: no automatic brightness, no highlight reconstruction, no denoising. What
    is above the white level is clipped.

    Parameters
    ----------
    content : bytes
        The whole file.

    Returns
    -------
    RawPhotograph

    Raises
    ------
    MissingExtraError
        Without rawpy.
    Refused
        ``too-large``, ``too-small``, by the header.
    ValueError
        Where the sensor has no three colours.
    """
    from PIL import Image

    try:
        import rawpy
    except ImportError as error:
        raise _missing("reading") from error
    with rawpy.imread(io.BytesIO(content)) as raw:
        require_size(int(raw.sizes.iwidth), int(raw.sizes.iheight))
        linear: NDArray[Any] = raw.postprocess(
            use_camera_wb=True,
            no_auto_bright=True,
            adjust_maximum_thr=0.0,
            highlight_mode=rawpy.HighlightMode.Clip,
            output_color=rawpy.ColorSpace.sRGB,
            output_bps=16,
            gamma=(1.0, 1.0),
        )
    if linear.ndim != 3 or linear.shape[2] != 3 or linear.dtype != np.uint16:
        raise ValueError("expected a sensor with three colours")
    return RawPhotograph(
        image=Image.fromarray(_encoded(linear)),
        focal_length_px=_focal_length_px(content, math.hypot(*linear.shape[:2])),
    )


def _focal_length_px(content: bytes, diagonal_px: float) -> float | None:
    """Return the focal length by its 35 mm equivalent in the EXIF of a RAW file that is a TIFF; broken EXIF is none."""
    from tifffile import TiffFile

    try:
        with TiffFile(io.BytesIO(content)) as tiff:
            page: Any = tiff.pages.first
            equivalent_mm = float(page.tags.valueof(_EXIF_TAG, default={})[_FOCAL_LENGTH_35MM])
    except Exception:  # noqa: BLE001 - hostile input: broken EXIF does not make the picture unreadable
        return None
    if not _FOCAL_LENGTHS_35MM[0] <= equivalent_mm <= _FOCAL_LENGTHS_35MM[1]:
        return None
    return equivalent_mm / _DIAGONAL_35MM * diagonal_px


def _encoded(linear: NDArray[np.uint16]) -> NDArray[np.uint8]:
    table, encoded = _srgb_by_linear(), np.empty(linear.shape, dtype=np.uint8)
    for top in range(0, len(linear), _STRIP_ROWS):
        encoded[top : top + _STRIP_ROWS] = table[linear[top : top + _STRIP_ROWS]]
    return encoded


@functools.cache
def _srgb_by_linear() -> NDArray[np.uint8]:
    levels = np.arange(65536, dtype=np.float64) / 65535.0
    return np.asarray(np.rint(255.0 * srgb_from_linear(levels)), dtype=np.uint8)


def _missing(what: str) -> MissingExtraError:
    return MissingExtraError(f"{what} camera RAW needs rawpy; install it with: pip install 'oral-lesion[raw]'")
