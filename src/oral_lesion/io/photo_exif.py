"""The three things that are taken from EXIF: orientation, focal length, a colour space that is not sRGB."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["ORIENTATION_TAG", "ExifReading", "read_exif"]

ORIENTATION_TAG = 0x0112

_EXIF_IFD, _INTEROPERABILITY_IFD = 0x8769, 0xA005
_FOCAL_LENGTH_35MM_TAG, _WIDTH_TAG, _HEIGHT_TAG, _INDEX_TAG = 0xA405, 0xA002, 0xA003, 1
_ADOBE_RGB_INDEX = "R03"
_DIAGONAL_35MM = math.hypot(36.0, 24.0)
_FOCAL_LENGTHS_35MM = (8.0, 1000.0)
_ASPECT_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class ExifReading:
    """
    What EXIF tells.

    Parameters
    ----------
    orientation : int
        1 to 8, how the stored picture is to be turned; 1 where it is upright or nothing is said.
    focal_length_px : float or None
        Focal length in pixels of this picture; None where unknown.
    adobe_rgb : bool
        Whether the camera declares Adobe RGB (DCF interoperability index R03).
    """

    orientation: int = 1
    focal_length_px: float | None = None
    adobe_rgb: bool = False


def read_exif(load: Callable[[], Image.Exif], size: tuple[int, int]) -> ExifReading:
    """
    Read orientation, focal length and colour space; broken EXIF counts as none.

    Parameters
    ----------
    load : callable
        Returns the EXIF; may raise anything.
    size : tuple of int
        Two sides of the picture, in pixels.

    Returns
    -------
    ExifReading

    References
    ----------
    .. [1] CIPA DC-008, Exif 3.0, tags 274, 41989, 40962, 40963; CIPA DC-009 for the index R03.
    """
    try:
        exif = load()
        orientation = int(exif.get(ORIENTATION_TAG, 1))
        details: dict[int, Any] = dict(exif.get_ifd(_EXIF_IFD))
        index = str(exif.get_ifd(_INTEROPERABILITY_IFD).get(_INDEX_TAG, ""))
    except Exception:  # noqa: BLE001 - hostile input: broken EXIF does not make the picture unreadable
        return ExifReading()
    return ExifReading(orientation, _focal_length_px(details, size), index.startswith(_ADOBE_RGB_INDEX))


def _focal_length_px(details: Mapping[int, Any], size: tuple[int, int]) -> float | None:
    """
    Return the focal length in pixels from its 35 mm equivalent, by the diagonal of the picture.

    None where the tag is missing or out of range, and where the picture's shape is not the one that the
    camera noted: then it was cropped, and the equivalent no longer holds.
    """
    try:
        equivalent_mm = float(details[_FOCAL_LENGTH_35MM_TAG])
        noted = sorted((float(details.get(_WIDTH_TAG, 0)), float(details.get(_HEIGHT_TAG, 0))))
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None
    if not _FOCAL_LENGTHS_35MM[0] <= equivalent_mm <= _FOCAL_LENGTHS_35MM[1]:
        return None
    short, long = sorted(size)
    if noted[0] > 0 and abs(noted[1] / noted[0] / (long / short) - 1) > _ASPECT_TOLERANCE:
        return None
    return equivalent_mm / _DIAGONAL_35MM * math.hypot(short, long)
