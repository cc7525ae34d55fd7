"""`oral-lesion doctor`, and the folder of one's own that ORAL_LESION_HOME names."""

import getpass
import json
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from oral_lesion.io.environment import EXTRAS
from oral_lesion.io.resources import cards_folder, default_bundle_path, packaged_protocol_path

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder of one's own with a stricter protocol, a card and a model."""
    folder = tmp_path / "Müller 研究"
    (folder / "cards").mkdir(parents=True)
    protocol = packaged_protocol_path().read_text(encoding="utf-8").replace("max_tilt_deg = 35.0", "max_tilt_deg = 1.0")
    (folder / "protocol.toml").write_text(protocol, encoding="utf-8")
    card = (cards_folder() / "qpcard-101.toml").read_text(encoding="utf-8")
    (folder / "cards" / "my-card.toml").write_text(card, encoding="utf-8")
    shutil.copytree(default_bundle_path(), folder / "models" / "mine")
    monkeypatch.setenv("ORAL_LESION_HOME", str(folder))
    return folder


def test_a_whole_installation_measures_a_known_area(command):
    ran = command("doctor", "--json")
    found = json.loads(ran.out)
    assert ran.code == 0, ran.out
    assert found["ok"] is True
    test = found["self_test"]
    assert abs(test["measured_area_mm2"] - test["true_area_mm2"]) < 0.02 * test["true_area_mm2"]
    assert test["u_area_mm2"] > 0
    assert found["models"][0]["default"] is True
    assert len(found["models"][0]["sha256"]) == 64
    assert found["packages"]["numpy"]


def test_nothing_in_it_tells_who_or_where_unless_asked(command, home, monkeypatch):
    monkeypatch.chdir(home)
    for arguments in (["--json"], []):
        said = command("doctor", "--quick", *arguments).said
        for private in (str(home), str(Path.home()), sys.prefix, "Müller", getpass.getuser() + "/"):
            assert private not in said
    assert str(home) in command("doctor", "--quick", "--json", "--paths").out


def test_a_damaged_model_is_named_and_the_exit_code_says_so(command, home):
    with (home / "models" / "mine" / "model.onnx").open("ab") as model:
        model.write(b"\0")
    ran = command("doctor", "--quick")
    assert ran.code == 1
    assert "Model mine" in ran.out
    assert "PROBLEM: mine" in ran.out
    assert "it was changed" in ran.out


def test_a_protocol_of_ones_own_with_a_fault_is_a_problem(command, home):
    (home / "protocol.toml").write_text("card = 3", encoding="utf-8")
    ran = command("doctor", "--quick", "--json")
    assert ran.code == 1
    assert any("expected a card's name" in problem for problem in json.loads(ran.out)["problems"])


def test_a_home_that_is_no_folder_stops_every_command_but_the_doctor_who_tells(
    command, home, visit, tmp_path, monkeypatch
):
    monkeypatch.setenv("ORAL_LESION_HOME", str(home / "gone"))
    scored = command("score", visit, "-o", tmp_path / "out")
    assert scored.code == 1
    assert "ORAL_LESION_HOME" in scored.err
    assert not (tmp_path / "out").exists()
    told = command("doctor", "--quick")
    assert told.code == 1
    assert "no such folder" in told.out


def test_a_package_that_cannot_be_loaded_is_told_with_its_remedy(command, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    ran = command("doctor")
    assert ran.code == 1
    assert "onnxruntime cannot be loaded" in ran.out
    assert "pip install" in ran.out


def test_a_missing_extra_is_named_with_what_it_brings_and_its_command(command, monkeypatch):
    import importlib.metadata

    version = importlib.metadata.version

    def without_rawpy(name):
        if name == "rawpy":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without_rawpy)
    raw = next(one for one in json.loads(command("doctor", "--quick", "--json").out)["extras"] if one["name"] == "raw")
    assert raw["missing"] == ["rawpy"]
    assert raw["install"] == "pip install 'oral-lesion[raw]'"
    assert "RAW" in raw["brings"]


def test_each_extra_says_what_it_brings():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(project["optional-dependencies"]) == set(EXTRAS)


def test_the_protocol_of_ones_own_is_used_said_and_recorded(command, home, visit, tmp_path):
    ran = command("score", visit, "-o", tmp_path / "out", "--json")
    run = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert run["protocol"]["limits"]["max_tilt_deg"] == 1.0
    assert run["counts"]["refused_by_reason"] == {"too-tilted": 1}
    assert "ORAL_LESION_HOME: its protocol.toml" in ran.err
    assert json.loads(ran.out) == run
    named = command("score", visit, "-o", tmp_path / "other", "--protocol", packaged_protocol_path())
    assert named.code == 0
    assert "its protocol.toml where no protocol is named" in named.err


def test_cards_and_models_of_ones_own_are_found_by_name(home):
    from oral_lesion.errors import BundleError
    from oral_lesion.io.resources import bundle_path
    from oral_lesion.io.settings import known_cards, load_card

    assert "my-card" in known_cards()
    assert load_card("my-card") == load_card("qpcard-101")
    assert bundle_path(Path("mine")) == home / "models" / "mine"
    assert bundle_path(None) == default_bundle_path()
    with pytest.raises(BundleError, match=r"known: .*mine.*oral-erosion"):
        bundle_path(Path("yours"))


def test_a_card_of_ones_own_goes_before_the_packaged_one_of_its_name(home):
    from oral_lesion.io.settings import load_protocol

    own = (cards_folder() / "qpcard-101.toml").read_text(encoding="utf-8").replace('"qpcard-101"', '"own-nano"')
    (home / "cards" / "colorchecker-classic-nano.toml").write_text(own, encoding="utf-8")
    assert load_protocol(packaged_protocol_path()).card.name == "own-nano"
