"""A feature whose extra is missing says so in one line, with the command that brings it; extras name what they need."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from oral_lesion.cli.train import _EXTRA as NEEDED_FOR_TRAINING

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def without(packages, *arguments, cwd):
    """Run `oral-lesion` in a process in which some packages cannot be imported."""
    code = (
        f"import sys\nfor name in {list(packages)!r}:\n    sys.modules[name] = None\n"
        f"sys.argv = ['oral-lesion', *{[str(one) for one in arguments]!r}]\n"
        "from oral_lesion.cli.app import main\nmain()\n"
    )
    return subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, encoding="utf-8", check=False)


@pytest.mark.parametrize(
    ("blocked", "arguments", "extra"),
    [
        (["torch"], ["train", "any.toml"], "train"),
        (["lightning_fabric"], ["train", "any.toml"], "train"),
        (["onnx"], ["export", "run", "-o", "model"], "train"),
        (["rawpy"], ["score", "visit"], "raw"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else value,
)
def test_a_missing_extra_is_one_line_with_its_command(tmp_path, blocked, arguments, extra):
    (tmp_path / "visit").mkdir()
    (tmp_path / "visit" / "photo.dng").write_bytes(b"II*\0\x08\0\0\0" + bytes(200))
    ran = without(blocked, *arguments, cwd=tmp_path)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    lines = ran.stderr.strip().splitlines()
    assert len(lines) == 1
    assert blocked[0] in lines[0]
    assert f"pip install 'oral-lesion[{extra}]'" in lines[0]


def test_every_pip_line_in_the_code_names_an_extra_that_exists():
    extras = set(PROJECT["optional-dependencies"])
    named = set()
    for path in (REPOSITORY / "src").rglob("*.py"):
        named |= set(re.findall(r"oral-lesion\[([a-z,]+)\]", path.read_text(encoding="utf-8")))
    assert {one for group in named for one in group.split(",")} <= extras
    assert {"train", "raw"} <= named


def test_the_training_extra_brings_what_training_asks_for():
    requirements = PROJECT["optional-dependencies"]["train"]
    brought = {re.split(r"[<>=!~ ;\[]", one, maxsplit=1)[0].replace("-", "_") for one in requirements}
    assert set(NEEDED_FOR_TRAINING) <= brought


def test_the_citation_says_this_version_and_can_be_read():
    yaml = pytest.importorskip("yaml", reason="PyYAML comes with oral-lesion[dev]")
    from oral_lesion import __version__

    cited = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(cited)  # what version 1.2.0 of the format demands
    assert cited["cff-version"] == "1.2.0"
    assert str(cited["version"]) == __version__
    assert all("name" in author or "family-names" in author for author in cited["authors"])
    assert cited.get("type", "software") == "software"
    assert cited["license"] == "Apache-2.0"
