"""The protocol of a study: nothing assumed, version 1 is told what to add, and scores keep their hash."""

import re

import pytest

from oral_lesion.compare import ComparisonSettings, LinkSettings, RegistrationSettings
from oral_lesion.errors import SettingsError
from oral_lesion.io.resources import default_protocol_path
from oral_lesion.io.settings import load_protocol, load_study_protocol
from oral_lesion.io.study_protocol import STUDY_SECTIONS

TEXT = default_protocol_path().read_text(encoding="utf-8")
STUDY_PART = TEXT[TEXT.index("[comparison.registration]") :]
KEYS = sorted(set(re.findall(r"^(\w+) = ", STUDY_PART, re.MULTILINE)))


@pytest.fixture
def faults_of(tmp_path):
    def faults(text):
        (tmp_path / "protocol.toml").write_text(text, encoding="utf-8")
        with pytest.raises(SettingsError) as caught:
            load_study_protocol(tmp_path / "protocol.toml")
        return {fault.key: fault.message for fault in caught.value.faults}

    return faults


def test_the_packaged_protocol_states_what_was_measured():
    protocol = load_study_protocol()
    assert protocol.scoring == load_protocol()
    assert protocol.comparison.registration == RegistrationSettings()
    assert protocol.comparison.linking == LinkSettings()
    assert protocol.comparison.change.boundary_correlation == protocol.endpoint.boundary_correlation
    assert isinstance(protocol.comparison, ComparisonSettings)


def without(key):
    """Drop a key where it first stands in the study's part, its continuation lines too."""
    value = r"\[.*?\n\]" if key == "sites" else ""
    return re.sub(rf"^{key} = {value}.*?\n", "", STUDY_PART, count=1, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("key", KEYS)
def test_every_key_of_every_section_must_be_there(faults_of, key):
    faults = faults_of(TEXT.replace(STUDY_PART, without(key)))
    (name,) = faults
    assert name.split(".")[-1] == key
    assert "equired" in faults[name]


@pytest.mark.parametrize("section", ["comparison.registration", "comparison.linking"])
def test_a_section_that_is_missing_is_one_fault(faults_of, section):
    part = re.search(rf"\[{section}\].*?(?=\n\[)", STUDY_PART, re.DOTALL).group()
    assert set(faults_of(TEXT.replace(part, ""))) == {section}


def test_several_faults_at_once(faults_of):
    text = (
        TEXT.replace("min_inliers = 12", "min_inliers = -1")
        .replace("margin_mm = 40.0", 'margin_mm = "wide"\nmargin_px = 3')
        .replace('baseline_visit = "week-00"', 'baseline_visit = "week-99"')
        .replace("smallest_lesion_mm2 = 1.0", "smallest_lesion_mm2 = -1.0")
    )
    faults = faults_of(text)
    assert set(faults) == {
        "comparison.registration", "comparison.linking.margin_mm", "comparison.linking.margin_px", "endpoint",
        "segmentation.smallest_lesion_mm2",
    }  # fmt: skip
    assert "min_inliers" in faults["comparison.registration"]


def test_a_file_of_version_1_is_told_what_to_add(faults_of):
    old = TEXT.replace(STUDY_PART, "").replace("schema_version = 2", "schema_version = 1")
    (message,) = faults_of(old).values()
    for section in STUDY_SECTIONS:
        assert f"[{section}]" in message
    assert "schema_version = 2" in message


def test_a_rule_of_the_endpoint_leaves_the_hash_of_the_scores(tmp_path):
    path = tmp_path / "protocol.toml"
    path.write_text(TEXT.replace('healing = "sustained"', 'healing = "first"'), encoding="utf-8")
    other, own = load_study_protocol(path), load_study_protocol()
    assert other.scoring.sha256 == own.scoring.sha256
    assert other.sha256 != own.sha256
    path.write_text(TEXT.replace("min_inliers = 12", "min_inliers = 13"), encoding="utf-8")
    assert load_study_protocol(path).sha256 != own.sha256


@pytest.mark.parametrize("name", ["site", "Days", "state", "u_reason"])
def test_a_stratum_named_like_a_column_is_refused(faults_of, name):
    faults = faults_of(TEXT.replace("strata = []", f'strata = ["{name}"]'))
    assert "column of the tables" in faults["endpoint.strata"]
