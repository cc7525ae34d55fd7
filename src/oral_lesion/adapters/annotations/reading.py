"""What the readers of annotation files share: bounded files, JSON, sizes, names."""

from __future__ import annotations

import json
import math
import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oral_lesion.errors import FormatError
from oral_lesion.io.naming import leads_out, printable

__all__ = ["number_of", "picture_name", "read_bounded", "read_json", "scalar_attributes", "size_of"]

_MAX_BYTES = 1_000_000_000


def read_bounded(path: Path) -> bytes:
    """
    Read an annotation file.

    Parameters
    ----------
    path : Path
        Of the file.

    Returns
    -------
    bytes
        The whole file.

    Raises
    ------
    FormatError
        Where it cannot be read or is larger than 1 GB.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise FormatError(f"{path}: expected at most 1 GB of annotations; divide the export")
        return path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); name the annotation file or folder") from error


def read_json(path: Path) -> dict[str, Any]:
    """
    Read a JSON object.

    Parameters
    ----------
    path : Path
        Of the file.

    Returns
    -------
    dict

    Raises
    ------
    FormatError
        Where the file is no JSON object in UTF-8.
    """
    try:
        content = json.loads(read_bounded(path).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: expected JSON in UTF-8 ({error}); export it again") from error
    if not isinstance(content, dict):
        raise FormatError(f"{path}: expected a JSON object, got {type(content).__name__}; export it again")
    return content


def number_of(value: object, what: str) -> float:
    """
    Return a finite number.

    Parameters
    ----------
    value : object
        A number, or a text that is one.
    what : str
        For the message.

    Returns
    -------
    float

    Raises
    ------
    FormatError
        Where it is none.
    """
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise FormatError(f"{what}: expected a number, got {printable(repr(value))[:60]}; draw it again")
    return number


def size_of(width: object, height: object) -> tuple[int, int] | None:
    """
    Return a picture's size as its tool notes it.

    Parameters
    ----------
    width, height : object
        Whole numbers; both None where the tool notes none.

    Returns
    -------
    tuple of int or None
        Width and height.

    Raises
    ------
    FormatError
        Where they are no whole numbers above 0.
    """
    if width is None and height is None:
        return None
    sides = (number_of(width, "picture width"), number_of(height, "picture height"))
    if any(side < 1 or side != int(side) for side in sides):
        raise FormatError(f"expected a picture size above 0, got {sides[0]:g}×{sides[1]:g} px; export it again")
    return int(sides[0]), int(sides[1])


def picture_name(file: object, folder: str = "") -> str:
    """
    Return the relative file name of a picture.

    Parameters
    ----------
    file : object
        As the tool names it.
    folder : str
        It is relative to this one, itself relative to the folder of pictures.

    Returns
    -------
    str
        With slashes, without ``..``.

    Raises
    ------
    FormatError
        Where it is no file name, or leads out of the folder of pictures.
    """
    if not isinstance(file, str) or not file.strip() or "\0" in file:
        raise FormatError(f"expected the picture's file name, got {printable(repr(file))[:60]}")
    name = file.replace("\\", "/")
    whole = posixpath.normpath(f"{folder}/{name}" if folder else name)
    absolute = leads_out(name.replace("..", "__"))
    if absolute or leads_out(whole) or whole in {"", "."}:
        raise FormatError("its file name leads out of the folder of pictures; name that folder with --pictures")
    return whole


def scalar_attributes(values: object, without: frozenset[str] = frozenset()) -> dict[str, str]:
    """
    Return what is text, number or yes/no in an object, as text.

    Parameters
    ----------
    values : object
        A JSON object, or nothing of use.
    without : frozenset of str
        Keys that are no attributes.

    Returns
    -------
    dict of str to str
    """
    if not isinstance(values, Mapping):
        return {}
    return {
        str(key): printable(str(value).lower() if isinstance(value, bool) else str(value))
        for key, value in values.items()
        if isinstance(value, str | int | float) and key not in without
    }
