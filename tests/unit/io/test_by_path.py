"""Whole runs by path give what the parts give, and refuse what cannot be used before anything is written."""

import inspect
import typing

import pytest

import oral_lesion
from oral_lesion.errors import BundleError, InputError, SettingsError
from oral_lesion.io.settings import load_card
from oral_lesion.phantom import SceneSettings, StudyPlan, plan_scenes, write_phantoms


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """One subject, one site, two visits."""
    out = tmp_path_factory.mktemp("by-path") / "photos"
    plan = StudyPlan(subjects=1, visits=2, sites=("buccal-left",))
    scenes = plan_scenes(plan, SceneSettings(seed=1, width_px=800, height_px=600))
    write_phantoms(out, scenes, load_card("colorchecker-classic-nano"))
    (out / "truth.csv").unlink()
    return out


@pytest.fixture(scope="module")
def results(study, tmp_path_factory):
    out = tmp_path_factory.mktemp("by-path-results") / "study"
    return oral_lesion.score_study(study, out), out


def test_a_study_is_scored_in_one_line(results):
    outcome, out = results
    assert outcome.run["counts"]["photos"] == 2
    assert (out / "endpoints.csv").is_file()
    assert {row.visit for row in outcome.rows if row.parameter == "area" and row.value is not None} >= {"week-00"}


def test_two_visits_are_compared_in_one_line(study, tmp_path):
    model = oral_lesion.BundleSegmenters.of(oral_lesion.io.resources.default_bundle_path())
    for visit in ("week-00", "week-04"):
        oral_lesion.score_visit(
            study / "phantom-01" / visit, tmp_path / visit, protocol=oral_lesion.load_protocol(), segmenters=model
        )
    compared = oral_lesion.compare_visits(tmp_path / "week-00", tmp_path / "week-04", tmp_path / "change")
    assert [row["visit"] for row in compared.changes][-1] == "week-04"
    assert (tmp_path / "change" / "changes.csv").is_file()


def test_what_cannot_be_used_stops_it_before_anything_is_written(study, tmp_path):
    out = tmp_path / "out"
    for wrong, error in (
        ({"protocol": tmp_path / "none.toml"}, SettingsError),
        ({"model": tmp_path / "none"}, BundleError),
    ):
        with pytest.raises(error):
            oral_lesion.score_study(study, out, **wrong)
    with pytest.raises(InputError):
        oral_lesion.score_study(tmp_path / "nowhere", out)
    assert not out.exists()


def test_the_public_names_are_about_a_dozen_and_typed():
    assert len(oral_lesion.__all__) <= 17
    for name in oral_lesion.__all__:
        public = getattr(oral_lesion, name)
        if inspect.isfunction(public):
            hints = typing.get_type_hints(public)
            assert set(inspect.signature(public).parameters) | {"return"} <= set(hints), name
