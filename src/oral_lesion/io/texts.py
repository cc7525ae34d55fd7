"""Reason codes and flags in words, and how to take a refused photo again."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from oral_lesion.errors import Flag, Reason

__all__ = ["Language", "ReasonText", "flag_text", "reason_text"]


class Language(StrEnum):
    """Languages that the sentences exist in: one file each, beside this one."""

    ENGLISH = "en"
    GERMAN = "de"
    CHINESE = "zh"


@dataclass(frozen=True, slots=True)
class ReasonText:
    """
    A reason code in words.

    Parameters
    ----------
    meaning : str
        One sentence: what is wrong with the photo.
    retake : str
        One sentence: how to take it again.
    """

    meaning: str
    retake: str


def reason_text(reason: Reason, language: Language = Language.ENGLISH) -> ReasonText:
    """
    Return the words for a reason code.

    Parameters
    ----------
    reason : Reason
        Any code.
    language : Language
        Of the words.

    Returns
    -------
    ReasonText
        Meaning and remedy.
    """
    return ReasonText(**_texts(language)["reason"][reason.value])


def flag_text(flag: Flag, language: Language = Language.ENGLISH) -> str:
    """
    Return the words for a flag.

    Parameters
    ----------
    flag : Flag
        Any flag.
    language : Language
        Of the words.

    Returns
    -------
    str
        One sentence.
    """
    return str(_texts(language)["flag"][flag.value])


@cache
def _texts(language: Language) -> dict[str, Any]:
    file = resources.files("oral_lesion.io").joinpath(f"texts_{language}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))
