"""Check photos at the chairside: usable or not, and why, without segmenting them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from oral_lesion.errors import InputError, Refused
from oral_lesion.io.naming import printable
from oral_lesion.io.refusal_words import refusal_words
from oral_lesion.io.texts import Language, flag_text
from oral_lesion.io.visits import PHOTO_SUFFIXES, identify_photo, read_entry
from oral_lesion.protocol import ScoringProtocol
from oral_lesion.records import PhotoCheck
from oral_lesion.score import check_photo

__all__ = ["check_file", "verdict_line", "watch_folder"]

_POLL_S = 0.5

_USABLE = {Language.ENGLISH: "usable", Language.GERMAN: "brauchbar", Language.CHINESE: "可用"}
_RETAKE = {Language.ENGLISH: "RETAKE", Language.GERMAN: "NEU AUFNEHMEN", Language.CHINESE: "请重拍"}


def check_file(path: Path, *, protocol: ScoringProtocol) -> PhotoCheck:
    """
    Read and check one photo.

    Parameters
    ----------
    path : Path
        Of the file.
    protocol : ScoringProtocol
        Card and limits.

    Returns
    -------
    PhotoCheck
        A file that cannot be read is a refusal too.
    """
    entry = identify_photo(path)
    try:
        photo = read_entry(entry)
    except Refused as refused:
        return PhotoCheck(identity=entry.identity, refusal=refused.refusal, flags=entry.flags)
    return check_photo(photo, protocol=protocol)


def verdict_line(path: Path, checked: PhotoCheck, language: Language = Language.ENGLISH) -> str:
    """
    Return the line that a person reads at the chairside.

    Parameters
    ----------
    path : Path
        Of the photo.
    checked : PhotoCheck
        What was found.
    language : Language
        Of the words.

    Returns
    -------
    str
        Name, verdict, and what follows from it.
    """
    name = printable(path.name)
    if checked.refusal is not None:
        return f"{name}: {_RETAKE[language]} ({checked.refusal.reason}). {refusal_words(checked.refusal, language)}"
    notes = " ".join(flag_text(flag, language) for flag in checked.flags)
    return f"{name}: {_USABLE[language]}. {notes}".rstrip()


def watch_folder(
    folder: Path, *, protocol: ScoringProtocol, wait: Callable[[float], None] = time.sleep
) -> Iterator[tuple[Path, PhotoCheck]]:
    """
    Check each photo that arrives in a folder, once it has stopped growing; photos that are there already are left out.

    Parameters
    ----------
    folder : Path
        Of a tethered camera, or synchronised with a phone.
    protocol : ScoringProtocol
        Card and limits.
    wait : callable
        Sleeps between two looks.

    Yields
    ------
    path : Path
        Of the photo.
    checked : PhotoCheck
        What was found.

    Raises
    ------
    InputError
        Where there is no such folder, or no longer.
    """
    done = _sizes_in(folder)
    growing: dict[Path, int] = {}
    while True:
        wait(_POLL_S)
        sizes = _sizes_in(folder)
        for path, size in sorted(sizes.items()):
            if done.get(path) == size:
                continue
            if growing.get(path) == size and size > 0:
                done[path] = size
                yield path, check_file(path, protocol=protocol)
        growing = sizes


def _sizes_in(folder: Path) -> dict[Path, int]:
    try:
        files = [path for path in folder.iterdir() if path.suffix.lower() in PHOTO_SUFFIXES]
        return {path: path.stat().st_size for path in files if path.is_file()}
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be watched ({error.strerror}). Name the folder that photos arrive in."
        ) from error
