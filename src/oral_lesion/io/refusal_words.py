"""A refusal in words, with what was found and what the limit is."""

from __future__ import annotations

from oral_lesion.errors import Refusal
from oral_lesion.io.texts import Language, reason_text

__all__ = ["refusal_words"]

_FOUND = {
    Language.ENGLISH: "found {observed}, limit {limit}",
    Language.GERMAN: "gefunden {observed}, Grenze {limit}",
    Language.CHINESE: "测得 {observed}，限值 {limit}",
}


def refusal_words(refusal: Refusal, language: Language = Language.ENGLISH) -> str:
    """
    Return what is wrong with a photo, what was measured, and how to take it again.

    Parameters
    ----------
    refusal : Refusal
        Why the photo has no measurement.
    language : Language
        Of the words; units stay as they are.

    Returns
    -------
    str
        Two sentences, the numbers in between where there are any.
    """
    text = reason_text(refusal.reason, language)
    if refusal.observed is None or refusal.limit is None:
        return f"{text.meaning} {text.retake}"
    observed, limit = (f"{number:.3g} {refusal.unit}".strip() for number in (refusal.observed, refusal.limit))
    return f"{text.meaning} ({_FOUND[language].format(observed=observed, limit=limit)}) {text.retake}"
