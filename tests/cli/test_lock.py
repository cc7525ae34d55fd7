"""`oral-lesion lock`, and `score --locked`."""

import json

import pytest

from oral_lesion.io.audit import LOG_NAME
from oral_lesion.io.resources import default_protocol_path


@pytest.fixture
def lock(command, tmp_path):
    path = tmp_path / "trial" / "study.lock"
    ran = command("lock", default_protocol_path(), "-o", path, "--operator", "A. B.", "--reason", "trial begins")
    assert ran.code == 0, ran.said
    return path


def test_a_locked_study_is_scored_once(command, lock, visit, tmp_path):
    ran = command("score", visit, "-o", tmp_path / "S-001" / "one", "--locked", lock)
    assert ran.code == 0, ran.said
    lock_sha256 = json.loads(lock.read_text(encoding="utf-8"))["sha256"]
    run = json.loads((tmp_path / "S-001" / "one" / "run.json").read_text())
    assert run["audit"]["lock_sha256"] == lock_sha256
    again = command("score", visit, "-o", tmp_path / "elsewhere" / "two", "--locked", lock)
    assert again.code == 1
    assert "--supersede --reason" in again.err
    assert not (tmp_path / "elsewhere" / "two").exists()
    actions = [json.loads(line)["action"] for line in (lock.parent / LOG_NAME).read_text().splitlines()]
    assert actions == [
        "log-started", "lock-started", "lock-finished", "score-started", "score-finished", "score-refused",
    ]  # fmt: skip
    assert command("audit", "verify", lock.parent).code == 0


def test_another_limit_and_another_segmenter_are_refused_by_name(command, lock, visit, tmp_path):
    text = default_protocol_path().read_text(encoding="utf-8")
    limit = next(line for line in text.splitlines() if line.startswith("max_tilt_deg"))
    (tmp_path / "other.toml").write_text(text.replace(limit, "max_tilt_deg = 12.5"), encoding="utf-8")
    ran = command("score", visit, "-o", tmp_path / "out", "--locked", lock, "--protocol", tmp_path / "other.toml")
    assert ran.code == 1
    assert "protocol.settings.limits.max_tilt_deg: locked as" in ran.err
    assert "got 12.5" in ran.err
    assert "1 fault" in ran.err
    assert not (tmp_path / "out").exists()


def test_true_masks_are_refused(command, lock, baseline, tmp_path):
    ran = command("score", baseline, "-o", tmp_path / "out", "--locked", lock, "--segmenter", "truth")
    assert ran.code == 1
    assert "model.sha256: locked as" in ran.err


def test_a_lock_is_never_replaced_and_overwrite_is_refused(command, lock, visit, tmp_path):
    before = lock.read_bytes()
    assert command("lock", default_protocol_path(), "-o", lock).code == 1
    assert lock.read_bytes() == before
    ran = command("score", visit, "-o", tmp_path / "out", "--locked", lock, "--overwrite")
    assert ran.code == 2
    assert "--supersede" in ran.err


def test_an_edited_lock_scores_nothing(command, lock, visit, tmp_path):
    lock.write_text(lock.read_text(encoding="utf-8").replace('"python": "', '"python": "0'), encoding="utf-8")
    ran = command("score", visit, "-o", tmp_path / "out", "--locked", lock)
    assert ran.code == 1
    assert "was edited" in ran.err
    assert not (tmp_path / "out").exists()
