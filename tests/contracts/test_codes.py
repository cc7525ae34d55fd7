"""Codes in tables are for ever: their values, their words and their place in the docs."""

from pathlib import Path

import pytest

from oral_lesion.errors import Flag, Reason
from oral_lesion.io.texts import Language, flag_text, reason_text

REASONS = {
    "unreadable", "too-large", "too-small", "not-color", "no-card", "card-cut", "several-cards", "wrong-card",
    "card-clipped", "card-dark", "card-glare", "blurred", "too-tilted", "too-far", "scale-uncertain", "color-error",
    "too-wide", "scoring-failed", "motion-blur", "tissue-blurred", "tissue-clipped", "tissue-glare", "card-small",
    "too-near", "jpeg-poor", "scale-conflict", "worker-crashed", "time-limit", "out-of-memory",
}  # fmt: skip
FLAGS = {
    "site-unknown", "mirror-undeclared", "mirrored", "color-marginal", "blur-marginal", "shading", "patches-rejected",
    "lesion-at-edge", "duplicate-photo", "no-color-profile", "several-frames", "boundary-vague",
    "motion-marginal", "tissue-blur-marginal", "tissue-clipping-marginal", "tissue-glare-marginal",
    "card-small-marginal", "distance-marginal", "jpeg-marginal", "color-uncorrected", "white-balance-only",
    "out-of-domain",
}  # fmt: skip
DOCS = Path(__file__).parents[2] / "docs" / "reason-codes.md"


def test_the_codes_are_pinned():
    assert {reason.value for reason in Reason} == REASONS
    assert {flag.value for flag in Flag} == FLAGS


def test_each_code_has_words_and_a_line_in_the_docs():
    lines = DOCS.read_text(encoding="utf-8").splitlines()
    for reason in Reason:
        text = reason_text(reason)
        assert f"| `{reason}` | {text.meaning} | {text.retake} |" in lines
    for flag in Flag:
        assert f"| `{flag}` | {flag_text(flag)} |" in lines


@pytest.mark.parametrize("language", list(Language))
def test_each_code_has_words_of_its_own_in_every_language(language):
    sentences = [flag_text(flag, language) for flag in Flag]
    for reason in Reason:
        text = reason_text(reason, language)
        sentences += [text.meaning, text.retake]
    assert all(sentence.endswith((".", "。")) for sentence in sentences)
    if language is not Language.ENGLISH:
        english = [flag_text(flag) for flag in Flag]
        english += [words for reason in Reason for words in (reason_text(reason).meaning, reason_text(reason).retake)]
        assert not set(sentences) & set(english)
