"""A rendered phantom visit, and the command line called as a person calls it."""

import shutil
import sys
from dataclasses import dataclass

import pytest
from visit_folders import SITES


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def said(self):
        return self.out + self.err


@pytest.fixture
def command(capsys, monkeypatch):
    """Call `oral-lesion` in this process."""

    def call(*arguments):
        from oral_lesion.cli.app import main

        monkeypatch.setattr(sys, "argv", ["oral-lesion", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Ran(code=int(code), out=captured.out, err=captured.err)

    return call


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory):
    """Two visits of one subject, three sites."""
    from oral_lesion.io.settings import load_card
    from oral_lesion.phantom import SceneSettings, StudyPlan, plan_scenes, write_phantoms

    out = tmp_path_factory.mktemp("phantoms") / "photos"
    plan = StudyPlan(subjects=1, visits=2, sites=SITES, healing=0.55)
    write_phantoms(out, plan_scenes(plan, SceneSettings(seed=1)), load_card("colorchecker-classic-nano"))
    return out


@pytest.fixture(scope="session")
def baseline(phantoms):
    return phantoms / "phantom-01" / "week-00"


@pytest.fixture
def visit(baseline, tmp_path):
    """A visit folder of one's own with one good photo, to be filled with bad ones."""
    folder = tmp_path / "S-001" / "week-00"
    folder.mkdir(parents=True)
    shutil.copy(baseline / "buccal-left.jpg", folder / "buccal-left.jpg")
    return folder


@pytest.fixture(scope="session")
def read_study(tmp_path_factory):
    """Results of a study of two subjects, two visits and one site, to be read by people. Not to be changed."""
    from study_folders import render_study

    from oral_lesion.cli.app import app

    folder = tmp_path_factory.mktemp("read-study")
    render_study(folder / "photos", subjects=2, visits=2, sites=("buccal-left",))
    with pytest.raises(SystemExit) as stop:
        app(["study", str(folder / "photos"), "-o", str(folder / "results"), "--segmenter", "truth", "--no-figures"])
    assert stop.value.code == 0
    return folder / "results"
