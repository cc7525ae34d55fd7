"""Check photos at the chairside: usable or not, and why, without segmenting them."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from oral_lesion.errors import Flag, InputError, Refused
from oral_lesion.io.naming import printable
from oral_lesion.io.quality_tables import quality_figures
from oral_lesion.io.refusal_words import quantity_words, refusal_words
from oral_lesion.io.texts import Language, flag_text, reason_text
from oral_lesion.io.visits import PHOTO_SUFFIXES, identify_photo, read_entry
from oral_lesion.protocol import ScoringProtocol
from oral_lesion.records import LimitCheck, PhotoCheck
from oral_lesion.score import check_photo

__all__ = ["check_file", "verdict_json", "verdict_line", "watch_folder"]

_POLL_S = 0.5
_NEAR_RATIO = 0.75

_USABLE = {Language.ENGLISH: "usable", Language.GERMAN: "brauchbar", Language.CHINESE: "可用"}
_RETAKE = {Language.ENGLISH: "RETAKE", Language.GERMAN: "NEU AUFNEHMEN", Language.CHINESE: "请重拍"}
_NEAREST = {
    Language.ENGLISH: "Nearest to its limit: {reason}, {observed}, limit {limit}.",
    Language.GERMAN: "Am nächsten an der Grenze: {reason}, {observed}, Grenze {limit}.",
    Language.CHINESE: "最接近限值：{reason}，{observed}，限值 {limit}。",
}


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
        Name, verdict, and what follows from it: how to retake the photo, or its caveats and the figure that uses up
        most of its limit, where that is more than three quarters.
    """
    name = printable(path.name)
    if checked.refusal is not None:
        return f"{name}: {_RETAKE[language]} ({checked.refusal.reason}). {refusal_words(checked.refusal, language)}"
    notes = [flag_text(flag, language) for flag in checked.flags if flag is not Flag.MIRROR_UNDECLARED]
    nearest = _nearest(checked)
    if nearest is not None and nearest.used_ratio > _NEAR_RATIO:
        observed, limit = (
            quantity_words(number, nearest.unit, language) for number in (nearest.observed, nearest.limit)
        )
        notes.append(_NEAREST[language].format(reason=nearest.reason.value, observed=observed, limit=limit))
    return f"{name}: {_USABLE[language]}. {' '.join(notes)}".rstrip()


def verdict_json(path: Path, checked: PhotoCheck, language: Language = Language.ENGLISH) -> str:
    """
    Return the verdict as one line of JSON, for programs that tether a camera.

    Parameters
    ----------
    path : Path
        Of the photo.
    checked : PhotoCheck
        What was found.
    language : Language
        Of the sentences; keys, codes and units stay as they are.

    Returns
    -------
    str
        An object with ``file``, ``photo_id``, ``usable``, ``reason``, ``observed``, ``limit``, ``unit``, ``meaning``,
        ``retake``, ``flags``, ``nearest_limit`` (reason, observed, limit, unit, used_percent) and ``quality``, whose
        keys are the columns of quality.csv; null is not known.
    """
    refusal, nearest = checked.refusal, _nearest(checked)
    text = None if refusal is None else reason_text(refusal.reason, language)
    said = {
        "file": printable(path.name),
        "photo_id": checked.identity.photo_id,
        "usable": refusal is None,
        "reason": None if refusal is None else refusal.reason.value,
        "observed": None if refusal is None else refusal.observed,
        "limit": None if refusal is None else refusal.limit,
        "unit": None if refusal is None else refusal.unit,
        "meaning": None if text is None else text.meaning,
        "retake": None if text is None else text.retake,
        "flags": [flag.value for flag in checked.flags],
        "nearest_limit": None if nearest is None else _described(nearest),
        "quality": None if checked.quality is None else quality_figures(checked.quality),
    }
    return json.dumps(_finite(said), ensure_ascii=False, allow_nan=False)


def _nearest(checked: PhotoCheck) -> LimitCheck | None:
    return None if checked.quality is None else checked.quality.nearest_limit


def _described(check: LimitCheck) -> dict[str, Any]:
    return {
        "reason": check.reason.value,
        "observed": check.observed,
        "limit": check.limit,
        "unit": check.unit,
        "used_percent": 100.0 * check.used_ratio,
    }


def _finite(said: Any) -> Any:
    """Return JSON values with numbers rounded to six digits, and null for those that JSON cannot say."""
    if isinstance(said, dict):
        return {key: _finite(value) for key, value in said.items()}
    if isinstance(said, float):
        return float(f"{said:.6g}") if math.isfinite(said) else None
    return said


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
