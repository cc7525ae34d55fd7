"""Files that hosting pages and citation tools read."""

import re

import pytest
from doc_tables import ROOT

import oral_lesion

yaml = pytest.importorskip("yaml", reason="the extra [docs] is not installed")

TEMPLATES = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def test_the_citation_is_complete_and_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors", "license", "abstract"} <= set(citation)
    assert citation["version"] == oral_lesion.__version__
    assert all(author["name"] for author in citation["authors"])


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_issue_templates_are_forms(path):
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    if path.stem == "config":
        assert form["blank_issues_enabled"] is False
        return
    assert form["name"]
    assert form["description"]
    fields = [part for part in form["body"] if part["type"] != "markdown"]
    assert all(re.fullmatch(r"[a-z]+", part["id"]) and part["attributes"]["label"] for part in fields)
    assert any(part.get("validations", {}).get("required") for part in fields)


def test_whoever_reports_is_told_to_send_no_photographs():
    for name in ("bug", "wrong-result"):
        assert "no photograph of a patient" in (ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml").read_text("utf-8")
