"""What a photo's size and colour must be to be read at all, and the refusals where they are not."""

from __future__ import annotations

from oral_lesion.errors import Reason, Refusal, Refused

__all__ = [
    "MAX_FILE_BYTES",
    "MAX_MEGAPIXELS",
    "MAX_SIDE_PX",
    "MIN_CHANNEL_SPREAD",
    "MIN_SIDE_PX",
    "not_color",
    "require_file_size",
    "require_size",
    "too_many_megapixels",
    "unreadable",
]

MAX_FILE_BYTES = 500_000_000
MAX_MEGAPIXELS = 100.0
MAX_SIDE_PX = 30_000
MIN_SIDE_PX = 64
MIN_CHANNEL_SPREAD = 2
"""Levels of 255 by which the channels of a colour photo differ somewhere; 1 is noise of compression."""


def require_size(width: int, height: int) -> None:
    """
    Check a picture's size as its header declares it.

    Parameters
    ----------
    width, height : int
        Pixels.

    Raises
    ------
    Refused
        ``too-large`` above 100 megapixels or 30 000 pixels a side, ``too-small`` below 64 pixels a side.
    """
    long, short = max(width, height), min(width, height)
    if width * height > MAX_MEGAPIXELS * 1e6:
        raise too_many_megapixels(width * height)
    if long > MAX_SIDE_PX:
        detail = f"has {width} × {height} pixels. Export the photo as the camera took it."
        raise _refused(Reason.TOO_LARGE, long, MAX_SIDE_PX, "px", detail)
    if short < MIN_SIDE_PX:
        detail = f"has {width} × {height} pixels. Export the photo as the camera took it, not its preview."
        raise _refused(Reason.TOO_SMALL, short, MIN_SIDE_PX, "px", detail)


def require_file_size(size: int) -> None:
    """
    Check a file's size before it is read.

    Parameters
    ----------
    size : int
        Bytes.

    Raises
    ------
    Refused
        ``too-large`` above 500 MB, ``unreadable`` for an empty file.
    """
    if size > MAX_FILE_BYTES:
        detail = f"has {size / 1e6:.0f} MB. Export the photo as JPEG."
        raise _refused(Reason.TOO_LARGE, round(size / 1e6, 1), MAX_FILE_BYTES / 1e6, "MB", detail)
    if size == 0:
        raise unreadable("is empty. Copy it again from the camera.")


def too_many_megapixels(pixels: int) -> Refused:
    """
    Return the refusal of an oversized picture.

    Parameters
    ----------
    pixels : int
        As its header declares.

    Returns
    -------
    Refused
        ``too-large``, to be raised.
    """
    megapixels = pixels / 1e6
    detail = f"has {megapixels:.0f} megapixels. Export the photo as the camera took it."
    return _refused(Reason.TOO_LARGE, round(megapixels, 2), MAX_MEGAPIXELS, "megapixels", detail)


def not_color(spread: int) -> Refused:
    """
    Return the refusal of a picture in grey.

    Parameters
    ----------
    spread : int
        Largest difference between a pixel's channels, in levels of 255.

    Returns
    -------
    Refused
        ``not-color``, to be raised.
    """
    detail = "holds shades of grey alone. Take or export the photo in colour."
    return _refused(Reason.NOT_COLOR, spread, MIN_CHANNEL_SPREAD, "levels", detail)


def unreadable(detail: str) -> Refused:
    """
    Return the refusal of a file that cannot be read.

    Parameters
    ----------
    detail : str
        What is wrong and the next step, as a sentence whose subject is the file.

    Returns
    -------
    Refused
        ``unreadable``, to be raised.
    """
    return Refused(Refusal(reason=Reason.UNREADABLE, detail=detail))


def _refused(reason: Reason, observed: float, limit: float, unit: str, detail: str) -> Refused:
    return Refused(Refusal(reason=reason, observed=float(observed), limit=float(limit), unit=unit, detail=detail))
