"""What is known of a photo before anything is measured on it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import Flag
from oral_lesion.records._arrays import ArrayRecord

__all__ = ["Mirror", "Photo", "PhotoIdentity", "Visit"]


class Mirror(StrEnum):
    """Whether the picture shows the mouth directly or in a mouth mirror (left and right swapped)."""

    DIRECT = "direct"
    MIRROR = "mirror"
    UNDECLARED = "undeclared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """
    A visit of the trial.

    Parameters
    ----------
    name : str
        As the folder or the manifest names it, such as ``"week-04"``.
    date : datetime.date or None
        From the manifest alone, never from the picture's metadata.
    """

    name: str
    date: dt.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoIdentity:
    """
    Which photo this is: all that stays known of it even if it cannot be read.

    Parameters
    ----------
    photo_id : str
        Unique in a visit, safe as a folder name, stable for the same content and name.
    file : str
        File name relative to the visit's folder, as found.
    sha256 : str
        Of the file's bytes, 64 hexadecimal digits.
    subject_id : str
        Pseudonymous subject number.
    visit : Visit
        The visit it belongs to.
    site : str or None
        Code of the vocabulary in docs/sites.md; None where it is unknown.
    replicate : int
        1, 2, …: several photos of one site at one visit.
    mirror : Mirror
        Direct, in a mirror, or not declared.
    """

    photo_id: str
    file: str
    sha256: str
    subject_id: str
    visit: Visit
    site: str | None = None
    replicate: int = 1
    mirror: Mirror = Mirror.UNDECLARED


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo(ArrayRecord):
    """
    A decoded photo, upright, in sRGB.

    Parameters
    ----------
    identity : PhotoIdentity
        Which photo this is.
    srgb : ndarray of uint8, shape (height, width, 3)
        sRGB after EXIF orientation and colour profile, top row first.
    focal_length_px : float or None
        Focal length in pixels of this picture, from its 35 mm equivalent; None where unknown.
    jpeg_quality : int or None
        Of a JPEG file, 1 to 100 on the scale of the Independent JPEG Group, by its quantisation; None otherwise.
    flags : tuple of Flag
        Caveats found while reading.
    """

    identity: PhotoIdentity
    srgb: NDArray[np.uint8]
    focal_length_px: float | None = None
    jpeg_quality: int | None = None
    flags: tuple[Flag, ...] = ()

    def __post_init__(self) -> None:
        self._freeze("srgb", dtype=np.uint8, shape=(None, None, 3))

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, Photo):
            return NotImplemented
        return self.identity == other.identity and self.flags == other.flags and np.array_equal(self.srgb, other.srgb)

    __hash__ = None  # type: ignore[assignment]
