"""The words of a page in the reader's language; the English phrase is the key."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources

from oral_lesion.io.texts import Language

__all__ = ["say_in"]


def say_in(language: Language) -> Callable[..., str]:
    """
    Return what translates a phrase.

    Parameters
    ----------
    language : Language
        Of the page.

    Returns
    -------
    callable
        Takes the English phrase and the values of its fields; a phrase that has no translation, such as a name, stays.
    """
    return functools.partial(_said, _words(language))


def _said(words: Mapping[str, str], phrase: str, **values: object) -> str:
    """Put values into the fields that name them; what they hold themselves is never looked into."""
    return re.sub(r"\{(\w+)\}", lambda field: str(values.get(field[1], field[0])), words.get(phrase, phrase))


@cache
def _words(language: Language) -> Mapping[str, str]:
    if language is Language.ENGLISH:
        return {}
    file = resources.files("oral_lesion.adapters.html").joinpath("templates", f"words_{language}.toml")
    return {phrase: str(text) for phrase, text in tomllib.loads(file.read_text(encoding="utf-8")).items()}
