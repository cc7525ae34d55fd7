"""Every command and every piece of Python in README.md runs, on drawn photographs in a folder of its own."""

import json
import shutil
import subprocess
import tomllib

import pytest
from doc_blocks import blocks_of, commands_in, run_python
from doc_tables import DOCS, ROOT, codes_in, tables_by_heading

README = ROOT / "README.md"

SMALL_SCENES = ("--width", "800", "--sites", "buccal-left", "--areas", "180,110")
SHORT_TRAINING = [
    word
    for override in (
        "stages.0.epochs=1", "stages.0.pictures_per_epoch=2", "stages.0.batch_size=2", "stages.0.crop_px=64",
        "sources.0.scenes=1", "network.initial_weights=none",
    )
    for word in ("--override", override)
]  # fmt: skip
REDUCED = {"phantom": SMALL_SCENES, "train": SHORT_TRAINING, "study": ("--jobs", "1")}
"""What is added to a command, so that it does the same with less work."""

OPTIONS_ALONE = {
    "check --watch": "waits for photos until it is stopped; tests/cli/test_check.py lets photos arrive",
    "export runs/mine": "takes longer than all others together; tests/notebooks and tests/training export",
}
"""Commands that are not run but asked for their help, which fails where an option of theirs does not exist."""

FINISHED = {0}
FINDINGS = {"data check": {0, 3}}
"""Exit codes; `data check` may find something odd about drawn pictures."""


def run_oral_lesion(words, call):
    name = " ".join(words[1:3])
    if name in OPTIONS_ALONE:
        code, said = call([*words[1:], "--help"])
        assert (code, "Usage" in said) == (0, True), said
        return
    code, said = call([*words[1:], *REDUCED.get(words[1], ())])
    assert code in FINDINGS.get(name, FINISHED), f"{' '.join(words)}: exit code {code}\n{said}"


def require_target(words):
    """`make` sets up an environment of its own: only that the target exists is asked."""
    ran = subprocess.run(["make", "--dry-run", *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def require_extra(words):
    """`pip` would reach for an index: only that the package and the extra exist is asked."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert words[1] == "install"
    place, _, extra = words[2].rstrip("]").partition("[")
    assert place == "."
    assert not extra or extra in project["optional-dependencies"]


ELSEWHERE = {"make": require_target, "pip": require_extra}


@pytest.mark.timeout(900)  # two dozen commands, on a machine that may be busy
def test_every_command_and_example_runs(places, oral_lesion_main):
    pytest.importorskip("torch", reason="the extra [train] is not installed")
    shutil.copytree(places / "models" / "oral-erosion", places / "models" / "mine")  # in place of the export
    (places / "protocol.toml").unlink()  # a command of the page writes it
    ran = set()
    for language, text in blocks_of(README):
        if language == "python":
            run_python(text)
            continue
        assert language == "sh", f"a block of README.md that is neither sh nor python: {text}"
        for words in commands_in(text):
            if words[0] in ELSEWHERE:
                ELSEWHERE[words[0]](words)
            else:
                assert words[0] == "oral-lesion"
                run_oral_lesion(words, oral_lesion_main)
            ran.add(" ".join(words[:2]))
    assert {"oral-lesion score", "oral-lesion study", "oral-lesion train", "make demo"} <= ran
    assert (places / "scores" / "S-001" / "week-04" / "scores.csv").is_file()
    assert (places / "evaluation" / "summary.json").is_file()
    assert_run_is_documented(places / "scores" / "S-001" / "week-04" / "run.json")


def assert_run_is_documented(path):
    _, _, *rows = tables_by_heading(DOCS / "file-formats.md")["run.json"]
    documented = {key for keys, _ in rows for key in codes_in(keys)}
    assert documented == set(json.loads(path.read_text(encoding="utf-8")))
