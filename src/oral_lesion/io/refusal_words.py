"""A refusal in words, with what was found and what the limit is."""

from __future__ import annotations

from oral_lesion.errors import Refusal
from oral_lesion.io.texts import Language, reason_text

__all__ = ["limit_words", "quantity_words", "refusal_words"]

_FOUND = {
    Language.ENGLISH: "found {observed}, limit {limit}",
    Language.GERMAN: "gefunden {observed}, Grenze {limit}",
    Language.CHINESE: "测得 {observed}，限值 {limit}",
}

_SIGNS = {"percent": "%", "mm per px": "mm/px"}
_UNITS = {
    Language.ENGLISH: {},
    Language.GERMAN: {"patches": "Felder"},
    Language.CHINESE: {"patches": "个色块"},
}


def refusal_words(refusal: Refusal, language: Language = Language.ENGLISH) -> str:
    """
    Return what is wrong with a photo, what was measured, and how to take it again.

    Parameters
    ----------
    refusal : Refusal
        Why the photo has no measurement.
    language : Language
        Of the words.

    Returns
    -------
    str
        Two sentences, the numbers in between where there are any.
    """
    text = reason_text(refusal.reason, language)
    if refusal.observed is None or refusal.limit is None:
        return f"{text.meaning} {text.retake}"
    found = limit_words(refusal.observed, refusal.limit, refusal.unit, language)
    return f"{text.meaning} ({found}) {text.retake}"


def limit_words(observed: float, limit: float, unit: str, language: Language = Language.ENGLISH) -> str:
    """
    Return what was measured beside its limit.

    Parameters
    ----------
    observed, limit : float
        In `unit`.
    unit : str
        May be empty.
    language : Language
        Of the words.

    Returns
    -------
    str
        Without a full stop.
    """
    shown = (quantity_words(number, unit, language) for number in (observed, limit))
    return _FOUND[language].format(**dict(zip(("observed", "limit"), shown, strict=True)))


def quantity_words(number: float, unit: str, language: Language = Language.ENGLISH) -> str:
    """
    Return a number with its unit, as a person reads it.

    Parameters
    ----------
    number : float
        In `unit`.
    unit : str
        As the tables have it; may be empty.
    language : Language
        Of the words.

    Returns
    -------
    str
        Three significant digits, and the unit's sign or word.
    """
    return f"{number:.3g} {_UNITS[language].get(unit, _SIGNS.get(unit, unit))}".strip()
