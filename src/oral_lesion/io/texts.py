"""Reason codes and flags in words, and how to take a refused photo again."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from oral_lesion.errors import Flag, Reason

__all__ = ["ReasonText", "flag_text", "reason_text"]


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


def reason_text(reason: Reason) -> ReasonText:
    """
    Return the words for a reason code.

    Parameters
    ----------
    reason : Reason
        Any code.

    Returns
    -------
    ReasonText
        In English.
    """
    return ReasonText(**_texts()["reason"][reason.value])


def flag_text(flag: Flag) -> str:
    """
    Return the words for a flag.

    Parameters
    ----------
    flag : Flag
        Any flag.

    Returns
    -------
    str
        One sentence in English.
    """
    return str(_texts()["flag"][flag.value])


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads(resources.files("oral_lesion.io").joinpath("texts_en.toml").read_text(encoding="utf-8"))
