"""`oral-lesion audit` and what `score` writes to the log."""

import json

import pytest
from visit_folders import tree_bytes

from oral_lesion.io.audit import LOG_NAME


@pytest.fixture
def scored(command, visit, tmp_path):
    """Score the one-photo visit; returns its results."""
    out = tmp_path / "scores" / "week-00"
    ran = command("score", visit, "-o", out, "--operator", "A. B.", "--reason", "first read")
    assert ran.code == 0, ran.said
    return out


def test_scoring_is_logged_and_the_log_verified(command, scored, visit):
    log = scored.parent / LOG_NAME
    started, finished = (json.loads(line) for line in log.read_text().splitlines()[1:])
    run = json.loads((scored / "run.json").read_text())
    assert (started["action"], finished["action"]) == ("score-started", "score-finished")
    assert started["who"]["operator"] == "A. B."
    assert started["reason"] == "first read"
    assert started["details"]["photos"] == [run["inputs"][0]["sha256"]]
    assert started["details"]["protocol_sha256"] == run["protocol_sha256"]
    assert started["details"]["model_sha256"] == run["model"]["sha256"]
    assert run["audit"]["sha256"] == started["sha256"]
    ran = command("audit", "verify", scored.parent, "--results", scored, "--head", finished["sha256"])
    assert ran.code == 0, ran.said
    assert finished["sha256"] in ran.out
    text = log.read_text()
    assert str(visit.parent.parent) not in text
    assert "buccal-left" not in text


def test_a_broken_log_is_exit_1_with_the_line(command, scored):
    log = scored.parent / LOG_NAME
    log.write_bytes(log.read_bytes().replace(b'"first read"', b'"second read"', 1))
    ran = command("audit", "verify", log)
    assert ran.code == 1
    assert "BROKEN: line 2: was edited" in ran.out
    assert "intact" not in ran.out


def test_a_broken_table_is_exit_1_with_the_file(command, scored):
    table = scored / "scores.csv"
    table.write_bytes(table.read_bytes().replace(b"scored", b"Scored"))
    ran = command("audit", "verify", scored.parent, "--results", scored)
    assert ran.code == 1
    assert "week-00/scores.csv: was changed" in ran.out


def test_no_log_and_wrong_usage(command, tmp_path):
    ran = command("audit", "verify", tmp_path)
    assert ran.code == 1
    assert LOG_NAME in ran.err
    assert command("audit", "verify").code == 2
    assert command("audit", "show", tmp_path, "--last", "0").code == 2


def test_show_lists_who_and_why(command, scored):
    ran = command("audit", "show", scored.parent)
    assert [line.split()[0] for line in ran.out.splitlines()] == ["1", "2", "3"]
    assert "A. B.  score-started  week-00  first read" in ran.out
    last = command("audit", "show", scored.parent, "--last", "1", "--json").out
    assert last == (scored.parent / LOG_NAME).read_text().splitlines(keepends=True)[-1]


def test_a_log_begun_above_takes_the_results_of_all_subjects(command, visit, tmp_path):
    root = tmp_path / "scores"
    assert command("audit", "start", root, "--reason", "trial begins").code == 0
    assert command("audit", "start", root).code == 1
    assert command("score", visit, "-o", root / "S-001" / "week-00").code == 0
    assert not (root / "S-001" / LOG_NAME).exists()
    assert "S-001/week-00" in command("audit", "show", root).out


def test_a_failed_run_is_logged(command, visit, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    assert command("score", visit, "-o", tmp_path / "out").code == 1
    assert "score-failed" in command("audit", "show", tmp_path).out
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


def test_a_second_result_keeps_the_first(command, scored, visit):
    before = tree_bytes(scored)
    assert command("score", visit, "-o", scored).code == 1
    assert command("score", visit, "-o", scored, "--supersede").code == 2
    assert command("score", visit, "-o", scored, "--supersede", "--overwrite", "--reason", "x").code == 2
    assert tree_bytes(scored) == before
    ran = command("score", visit, "-o", scored, "--supersede", "--reason", "wrong lamp")
    assert ran.code == 0, ran.said
    kept = scored.with_name("week-00.superseded-1")
    assert tree_bytes(kept) == before
    assert (scored / "scores.csv").read_bytes() == (kept / "scores.csv").read_bytes()
    assert command("audit", "verify", scored.parent, "--results", scored, "--results", kept).code == 0


def test_the_log_is_named_by_option_or_environment(command, visit, tmp_path, monkeypatch):
    monkeypatch.setenv("ORAL_LESION_AUDIT", str(tmp_path / "trial" / "log.jsonl"))
    assert command("score", visit, "-o", tmp_path / "scores" / "out").code == 0
    assert [path.name for path in (tmp_path / "scores").iterdir()] == ["out"]
    assert command("audit", "verify", tmp_path / "trial" / "log.jsonl").code == 0
