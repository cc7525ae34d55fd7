"""Commands that turn each file into files of its own: names checked before anything is written, each written whole."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
from numpy.typing import NDArray

from oral_lesion.errors import InputError, OutputError, Refusal
from oral_lesion.io.naming import printable, sorting_key
from oral_lesion.io.refusal_words import refusal_words

__all__ = [
    "FileOutcome",
    "refused_line",
    "require_folder",
    "require_free_file",
    "require_free_names",
    "write_bytes",
    "write_png",
]


_LONGEST_NAME_BYTES = 255
_KEPT_LETTERS = 40
"""Of a name, in the temporary one, which may be no longer than what the file system takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOutcome:
    """
    What became of one file.

    Parameters
    ----------
    path : Path
        The file.
    done : bool
        False where it was refused.
    line : str
        For people: what was found, or why not and what to do.
    """

    path: Path
    done: bool
    line: str


def refused_line(path: Path, refusal: Refusal) -> str:
    """
    Return the line for a refused file: its name, the reason code, and what to do.

    Parameters
    ----------
    path : Path
        The file.
    refusal : Refusal
        Why.

    Returns
    -------
    str
        One line.
    """
    return f"{printable(path.name)}: refused ({refusal.reason}). {refusal_words(refusal)}"


def require_free_names(pictures: Sequence[Path], out: Path, suffixes: Sequence[str], *, overwrite: bool) -> None:
    """
    Check that each file has output names of its own, and that none is taken.

    Parameters
    ----------
    pictures : sequence of Path
        Input files.
    out : Path
        Output folder.
    suffixes : sequence of str
        Put after a file's stem.
    overwrite : bool
        Whether taken names may be replaced.

    Raises
    ------
    InputError
        Where two files have the same stem, in any case and Unicode form, or one is too long for what is put after it.
    OutputError
        Where a name is taken.
    """
    seen: dict[bytes, Path] = {}
    for path in pictures:
        longest = max(len(os.fsencode(path.stem + suffix)) for suffix in suffixes)
        if longest > _LONGEST_NAME_BYTES:
            raise InputError(f"{path}: the name is too long to put {max(suffixes, key=len)} after it; shorten it.")
        other = seen.setdefault(sorting_key(path.stem.casefold()), path)
        if other is not path:
            raise InputError(f"{other} and {path} would both write {path.stem}{suffixes[0]}; rename one, or run twice.")
    taken = [name for path in pictures for suffix in suffixes if (out / (name := path.stem + suffix)).exists()]
    if taken and not overwrite:
        raise OutputError(f"{out / taken[0]} is there already; name another folder, or give --overwrite.")


def require_folder(folder: Path) -> None:
    """
    Make a folder where it is missing.

    Parameters
    ----------
    folder : Path
        Output folder.

    Raises
    ------
    OutputError
        Where it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror}); name another folder with -o.") from error


def require_free_file(path: Path, *, overwrite: bool) -> None:
    """
    Require that a file may be written under this name.

    Parameters
    ----------
    path : Path
        File to write.
    overwrite : bool
        Replace a file that is there.

    Raises
    ------
    OutputError
        Where there is one and it is to stay.
    """
    if path.exists() and not overwrite:
        raise OutputError(f"{path} is there already; name another file, or give --overwrite.")


def write_png(path: Path, picture: NDArray[Any]) -> None:
    """
    Write a grey or RGB picture as PNG, whole or not at all.

    Parameters
    ----------
    path : Path
        Of the file.
    picture : ndarray of uint8 or uint16, shape (height, width) or (height, width, 3)
        RGB order.

    Raises
    ------
    OutputError
        Where it cannot be written.
    """
    bgr_or_grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".png", bgr_or_grey, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    write_bytes(path, encoded.tobytes())


def write_bytes(path: Path, content: bytes) -> None:
    """
    Write a file under a temporary name beside it, then rename it; its folder is made where it is missing.

    Parameters
    ----------
    path : Path
        Of the file.
    content : bytes
        All of it.

    Raises
    ------
    OutputError
        Where it cannot be written.
    """
    temporary = path.with_name(f".{path.name[:_KEPT_LETTERS]}.partial-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise OutputError(
            f"{path}: cannot be written ({error.strerror}); free space or name another folder."
        ) from error
