"""Pictures without what their files say beside the pixels: no EXIF, no position, no comment, no preview."""

from __future__ import annotations

import re

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.io.photo_formats import DecodedPicture, decode, format_of

__all__ = ["clean_picture", "metadata_kinds", "stripped_jpeg"]

_START, _SCAN, _END = 0xD8, 0xDA, 0xD9
_NEEDED = frozenset({*range(0xC0, 0xD0), 0xDB, 0xDC, 0xDD, 0xDE, _SCAN}) - {0xC8}
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_COLORS = 3
_JFIF, _ADOBE = 0xE0, 0xEE
_PLAIN_JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_AFTER_SCAN = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
_PNG_METADATA = (b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME")


def clean_picture(content: bytes) -> tuple[str, bytes, NDArray[np.uint8]]:
    """
    Return a photo's pixels, upright and in sRGB, as the content of a file that holds nothing else.

    A JPEG that is upright and in sRGB already keeps its compressed pixels bit by bit, without its other segments;
    whether that is so is decided by decoding both. Anything else becomes a PNG, which loses nothing.

    Parameters
    ----------
    content : bytes
        A file of any format that `decode` takes.

    Returns
    -------
    suffix : str
        ``".jpg"`` or ``".png"``.
    clean : bytes
        Content of the new file.
    srgb : ndarray of uint8, shape (height, width, 3)
        What it shows.

    Raises
    ------
    Refused
        As `decode` does.
    """
    picture: DecodedPicture = decode(content)
    if format_of(content) == "JPEG":
        stripped = stripped_jpeg(content)
        if stripped is not None and np.array_equal(decode(stripped).srgb, picture.srgb):
            return ".jpg", stripped, picture.srgb
    bgr = cv2.cvtColor(picture.srgb, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 6])
    return ".png", encoded.tobytes(), picture.srgb


def stripped_jpeg(content: bytes) -> bytes | None:
    """
    Return a JPEG with the segments alone that its pixels need.

    Parameters
    ----------
    content : bytes
        The file.

    Returns
    -------
    bytes or None
        Without application segments (but for Adobe's mark of the colour transform), comments, and what follows the
        picture's end; None where the file is not built as ITU-T T.81 says, or has no three colours.
    """
    kept = bytearray(b"\xff\xd8")
    for marker, segment in _segments(content):
        if marker == _END:
            return bytes(kept + b"\xff\xd9")
        if marker in _FRAMES and (len(segment) < 10 or segment[9] != _COLORS):
            return None
        if marker in _NEEDED:
            kept += segment
        elif marker == _JFIF and segment[4:9] == b"JFIF\0":
            kept += _PLAIN_JFIF
        elif marker == _ADOBE and segment[4:9] == b"Adobe" and len(segment) == 16:
            kept += segment
    return None


def metadata_kinds(content: bytes) -> tuple[str, ...]:
    """
    Return which kinds of metadata a JPEG or PNG file holds.

    Parameters
    ----------
    content : bytes
        The file.

    Returns
    -------
    tuple of str
        Sorted, of ``"EXIF"``, ``"XMP"``, ``"comment"``, ``"text"``, ``"other application data"``.
    """
    kinds: set[str] = set()
    if format_of(content) == "JPEG":
        for marker, segment in _segments(content):
            if marker == 0xFE:
                kinds.add("comment")
            elif marker == 0xE1:
                kinds.add("EXIF" if segment[4:8] == b"Exif" else "XMP")
            elif marker == 0xED:
                kinds.add("other application data")
    elif format_of(content) == "PNG":
        kinds |= {"EXIF" if kind == b"eXIf" else "text" for kind in _png_chunks(content) if kind in _PNG_METADATA}
    return tuple(sorted(kinds))


def _segments(content: bytes) -> list[tuple[int, bytes]]:
    """Return marker and bytes of each segment, a scan with its coded pixels; up to the end or the first fault."""
    segments: list[tuple[int, bytes]] = []
    at = 2
    while at + 4 <= len(content) + 2 and at + 1 < len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == _END:
            return [*segments, (_END, b"\xff\xd9")]
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        end = at + 2 + length
        if marker < 0xC0 or marker == _START or length < 2 or end > len(content):
            break
        if marker == _SCAN:
            following = _AFTER_SCAN.search(content, end)
            if following is None:
                break
            end = following.start()
        segments.append((marker, content[at:end]))
        at = end
    return segments


def _png_chunks(content: bytes) -> list[bytes]:
    kinds = []
    at = 8
    while at + 8 <= len(content):
        kinds.append(content[at + 4 : at + 8])
        at += 12 + int.from_bytes(content[at : at + 4], "big")
    return kinds
