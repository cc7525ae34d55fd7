"""Codes of endpoint tables are for ever: their values and their place in the docs."""

import re
from pathlib import Path

import pytest

from oral_lesion.records import PARAMETER_UNITS, EndpointNote, NotDone, Parameter, UncertaintyGap

UNITS = {
    "area": "mm2", "change": "mm2", "change-percent": "%", "exceeds-repeatability": "1", "responder": "1",
    "log-area-rate": "1/d", "margin-advance": "mm", "margin-advance-rate": "mm/d", "lesion-count": "1",
    "new-lesion-count": "1", "largest-diameter": "mm", "healed": "1", "sites-scored": "1", "sites-compared": "1",
    "time-to-healing": "d", "healing-observed": "1", "healing-not-before": "d", "normalized-auc": "1",
    "pdai-points": "1", "pdai-points-assessed": "1", "pdai-sites-assessed": "1", "absis-extent": "1",
    "absis-extent-assessed": "1", "absis-sites-assessed": "1", "odss-ulceration": "1", "odss-ulceration-assessed": "1",
    "odss-sites-assessed": "1",
}  # fmt: skip
NOT_DONE = {
    "visit-missing", "not-photographed", "site-unknown", "refused", "replicate-refused", "mirror-mixed", "no-baseline",
    "no-follow-up", "same-photo", "baseline-zero", "follow-up-zero", "no-erosion", "day-unknown", "days-differ",
    "visits-out-of-order", "last-visit-missing", "too-many-missing", "sites-incomplete", "healed-at-baseline",
    "no-profile", "outside-profile", "not-tracked", "lesion-new", "lesion-absent", "lesion-not-in-view",
    "lesion-merged", "site-not-covered", "site-ambiguous",
}  # fmt: skip
GAPS = {
    "exact", "zero-area", "decision", "not-estimated", "perimeter-unknown", "interval-censored",
    "whole-area-not-assessed", "part-of-score",
}  # fmt: skip
NOTES = {
    "unscheduled", "outside-window", "out-of-order", "site-not-expected", "sites-incomplete", "mirror-differs",
    "lesion-at-edge", "visits-missing",
}  # fmt: skip
DOCS = Path(__file__).parents[2] / "docs" / "endpoints.md"


def test_the_codes_are_pinned():
    assert {parameter.value: unit for parameter, unit in PARAMETER_UNITS.items()} == UNITS
    assert set(PARAMETER_UNITS) == set(Parameter)
    assert {code.value for code in NotDone} == NOT_DONE
    assert {code.value for code in UncertaintyGap} == GAPS
    assert {code.value for code in EndpointNote} == NOTES


@pytest.mark.parametrize(
    ("heading", "codes"),
    [
        ("Parameters", Parameter),
        ("Not done", NotDone),
        ("Values without uncertainty", UncertaintyGap),
        ("Notes", EndpointNote),
    ],
)
def test_the_docs_have_a_line_for_each_code_and_for_no_other(heading, codes):
    section = DOCS.read_text(encoding="utf-8").split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    assert re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE) == [code.value for code in codes]


def test_the_docs_state_each_unit():
    text = DOCS.read_text(encoding="utf-8")
    assert all(f"| `{parameter}` | {unit} |" in text for parameter, unit in PARAMETER_UNITS.items())
