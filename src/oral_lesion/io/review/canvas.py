"""A photo's tissue on a canvas that is the same for all readings, and back again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import FormatError
from oral_lesion.io.review.blinding import SHIFT_PX
from oral_lesion.io.review.photos import ReviewPhoto
from oral_lesion.io.scored_visits import picture_of

__all__ = ["Tissue", "canvas_shape", "moved", "onto_canvas", "pixels_sha256", "stored_png", "tissue_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tissue:
    """
    What of a photo a reader may see.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Standardized, cut to the tissue; black on the card and where the photo does not reach.
    erosion : ndarray of bool, shape (height, width)
        In the lesions that were measured.
    top, left : int
        Row and column of its first pixel in the standardized picture.
    """

    srgb: NDArray[np.uint8]
    erosion: NDArray[np.bool_]
    top: int
    left: int


def tissue_of(photo: ReviewPhoto) -> Tissue:
    """
    Read what of a photo a reader may see.

    Parameters
    ----------
    photo : ReviewPhoto
        Of a study.

    Returns
    -------
    Tissue

    Raises
    ------
    FormatError
        Where a picture is missing or damaged, or shows no tissue.
    """
    folder = photo.stored.pictures
    bgr = picture_of(folder / "standardized.png", np.uint8, 3)
    erosion = picture_of(folder / "lesions.png", np.uint16, 2) > 0
    valid = _valid_of(folder)
    if not bgr.shape[:2] == valid.shape == erosion.shape:
        raise FormatError(f"{folder}: its pictures differ in size. Score again.")
    top, bottom, left, right = _box_of(valid, folder)
    window = (slice(top, bottom), slice(left, right))
    srgb = np.where(valid[window][..., None], bgr[window][..., ::-1], np.uint8(0))
    return Tissue(srgb=np.ascontiguousarray(srgb), erosion=erosion[window], top=top, left=left)


def canvas_shape(photos: Iterable[ReviewPhoto]) -> tuple[int, int]:
    """
    Return the one size of all pictures of a worklist: room for the largest one and its shift.

    Parameters
    ----------
    photos : iterable of ReviewPhoto
        All of the worklist; never empty.

    Returns
    -------
    tuple of int
        Height and width.
    """
    boxes = [_box_of(_valid_of(photo.stored.pictures), photo.stored.pictures) for photo in photos]
    heights = [bottom - top for top, bottom, _, _ in boxes]
    widths = [right - left for _, _, left, right in boxes]
    return max(heights) + 2 * SHIFT_PX, max(widths) + 2 * SHIFT_PX


def onto_canvas(
    picture: NDArray[Any], shape: tuple[int, int], shift_rc_px: tuple[int, int]
) -> tuple[NDArray[Any], tuple[int, int]]:
    """
    Lay a picture onto the canvas.

    Parameters
    ----------
    picture : ndarray, shape (height, width, …)
        Cut to the tissue.
    shape : tuple of int
        Height and width of the canvas.
    shift_rc_px : tuple of int
        Rows and columns from the middle.

    Returns
    -------
    canvas : ndarray
        0 around the picture.
    corner : tuple of int
        Row and column on the canvas of the picture's first pixel.
    """
    rows, columns = picture.shape[:2]
    top = (shape[0] - rows) // 2 + shift_rc_px[0]
    left = (shape[1] - columns) // 2 + shift_rc_px[1]
    canvas = np.zeros((*shape, *picture.shape[2:]), dtype=picture.dtype)
    canvas[top : top + rows, left : left + columns] = picture
    return canvas, (top, left)


def moved(picture: NDArray[Any], corner: tuple[int, int], shape: tuple[int, int]) -> NDArray[Any]:
    """
    Return a window of a picture, of its own size and place: from the standardized picture to the canvas, and back.

    Parameters
    ----------
    picture : ndarray, shape (height, width, …)
        Of the one.
    corner : tuple of int
        Row and column in the picture of the window's first pixel; may lie outside.
    shape : tuple of int
        Height and width of the window.

    Returns
    -------
    ndarray, shape (*shape, …)
        0 where the picture does not reach.
    """
    window = np.zeros((*shape, *picture.shape[2:]), dtype=picture.dtype)
    (top, bottom), (left, right) = (
        (max(0, start), min(length, start + size))
        for start, length, size in zip(corner, picture.shape[:2], shape, strict=True)
    )
    if bottom > top and right > left:
        rows, columns = slice(top - corner[0], bottom - corner[0]), slice(left - corner[1], right - corner[1])
        window[rows, columns] = picture[top:bottom, left:right]
    return window


def shown_picture(photo: ReviewPhoto, corner: tuple[int, int], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """
    Return what a reader is shown of a photo.

    Parameters
    ----------
    photo : ReviewPhoto
        Of a study.
    corner : tuple of int
        Row and column on the canvas of the standardized picture's first pixel.
    shape : tuple of int
        Height and width of the canvas.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        RGB.

    Raises
    ------
    FormatError
        As for `tissue_of`.
    """
    tissue = tissue_of(photo)
    shown: NDArray[np.uint8] = moved(tissue.srgb, (-corner[0] - tissue.top, -corner[1] - tissue.left), shape)
    return shown


def stored_png(picture: NDArray[Any]) -> bytes:
    """
    Return a picture as a PNG that is not compressed: files of pictures of one size have one size.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width) or (height, width, 3)
        Grey, or RGB.

    Returns
    -------
    bytes
        Without any metadata.
    """
    bgr_or_grey = picture if picture.ndim == 2 else picture[..., ::-1]
    _, encoded = cv2.imencode(".png", np.ascontiguousarray(bgr_or_grey), [cv2.IMWRITE_PNG_COMPRESSION, 0])
    return bytes(encoded)


def pixels_sha256(picture: NDArray[np.uint8]) -> str:
    """
    Return the hash of a picture's pixels, whatever file they are in.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width, 3)
        RGB.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    size = f"{picture.shape[1]}x{picture.shape[0]}\n".encode("ascii")
    return hashlib.sha256(size + np.ascontiguousarray(picture).tobytes()).hexdigest()


def _valid_of(folder: Path) -> NDArray[np.bool_]:
    return np.asarray(picture_of(folder / "valid.png", np.uint8, 2) > 0)


def _box_of(valid: NDArray[np.bool_], folder: Path) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(valid.any(axis=1)), np.flatnonzero(valid.any(axis=0))
    if not len(rows):
        raise FormatError(f"{folder / 'valid.png'}: shows no tissue. Score again.")
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
