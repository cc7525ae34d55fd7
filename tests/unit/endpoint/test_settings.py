"""The protocol's endpoint section: nothing assumed, contradictions refused."""

import tomllib
from pathlib import Path

import pytest
from endpoint_records import SETTINGS, settings_of
from pydantic import ValidationError

from oral_lesion.endpoint import EndpointSettings

DOCS = Path(__file__).parents[3] / "docs" / "endpoints.md"


@pytest.mark.parametrize("key", sorted(SETTINGS))
def test_every_key_must_be_there(key):
    with pytest.raises(ValidationError, match=key):
        EndpointSettings.model_validate({name: value for name, value in SETTINGS.items() if name != key})


def test_unknown_keys_are_refused():
    with pytest.raises(ValidationError, match="extra"):
        settings_of(responder="yes")


def visit(name, day):
    return {"name": name, "study_day": day, "window_before_days": 0, "window_after_days": 0}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"baseline_visit": "day-1"}, "must be one of the visits"),
        ({"visits": [visit("week-00", 0), visit("week-02", 0)]}, "must rise"),
        ({"visits": [visit("week-00", 0), visit("week-00", 7)]}, "each name once"),
        ({"visits": [visit("week-00", 0), visit("all", 7)]}, "each name once"),
        ({"sites": ["cheek"]}, "unknown"),
        ({"sites": ["tongue-ventral", "tongue-ventral-left"]}, "count twice"),
        ({"sites": ["buccal-left", "buccal-left"]}, "count twice"),
        ({"sites": []}, "at least 1"),
        ({"strata": ["ARM"]}, "blinded"),
        ({"strata": ["centre", "centre"]}, "each name once"),
        ({"strata": ["subject"]}, "each name once"),
        ({"repeatability": [{"area_mm2": 9, "rc_mm2": 1}, {"area_mm2": 5, "rc_mm2": 1}]}, "must rise"),
        ({"boundary_correlation": 1.1}, "less than or equal"),
        ({"responder_reduction_percent": 0}, "greater than"),
        ({"healed_below_mm2": 0.0}, "greater than"),
        ({"replicate_rule": "worst"}, "best-quality"),
        ({"min_compared_sites_ratio": float("nan")}, "number"),
    ],
)
def test_contradictions_are_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        settings_of(**changes)


def test_the_section_in_the_docs_is_valid():
    text = DOCS.read_text(encoding="utf-8")
    section = text.split("```toml\n", 1)[1].split("```", 1)[0]
    settings = EndpointSettings.model_validate(tomllib.loads(section)["endpoint"])
    assert settings.responder_reduction_percent == 50.0
    assert [one.name for one in settings.follow_ups][-1] == settings.visits[-1].name
