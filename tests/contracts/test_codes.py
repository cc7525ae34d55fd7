"""Codes in tables are for ever: their values, their words and their place in the docs."""

from pathlib import Path

from oral_lesion.errors import Flag, Reason
from oral_lesion.io.texts import flag_text, reason_text

REASONS = {
    "unreadable", "too-large", "too-small", "not-color", "no-card", "card-cut", "several-cards", "wrong-card",
    "card-clipped", "card-dark", "card-glare", "blurred", "too-tilted", "too-far", "scale-uncertain", "color-error",
    "too-wide", "scoring-failed",
}  # fmt: skip
FLAGS = {
    "site-unknown", "mirror-undeclared", "mirrored", "color-marginal", "blur-marginal", "shading", "patches-rejected",
    "lesion-at-edge", "duplicate-photo", "no-color-profile", "several-frames", "boundary-vague",
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
