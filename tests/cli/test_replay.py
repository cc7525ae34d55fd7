"""`oral-lesion replay` on a scored phantom."""

import csv

import pytest
from visit_folders import tree_bytes

from oral_lesion.io.audit import LOG_NAME


@pytest.fixture
def scored(command, visit, tmp_path):
    out = tmp_path / "scores" / "week-00"
    assert command("score", visit, "-o", out).code == 0
    return out


def differences(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_same_photos_give_the_same_rows_and_an_edit_is_found(command, scored, visit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = tree_bytes(scored)
    ran = command("replay", scored, "--photos", visit)
    assert ran.code == 0, ran.said
    assert "1 of 1 photos scored again: 0 with differences" in ran.out
    table = tmp_path / "replay.csv"
    assert differences(table) == []
    assert tree_bytes(scored) == before
    lesions = (scored / "lesions.csv").read_text(encoding="utf-8").splitlines()
    cells = lesions[1].split(",")
    cells[2] = "0.123"
    (scored / "lesions.csv").write_text("\r\n".join([lesions[0], ",".join(cells), *lesions[2:]]), encoding="utf-8")
    ran = command("replay", scored, "--photos", visit, "--sample", "1")
    assert ran.code == 3
    (row,) = differences(table)
    assert (row["table"], row["row"], row["field"], row["stored"]) == ("lesions.csv", "1", "area_mm2", "0.123")
    assert "area_mm2" in ran.out
    assert "replay-finished" in (scored.parent / LOG_NAME).read_text()
    assert command("audit", "verify", scored.parent).code == 0


def test_missing_originals_are_differences(command, scored, visit):
    (visit / "buccal-left.jpg").rename(visit / "unreadable.jpg")
    (visit / "unreadable.jpg").write_bytes(b"no photo")
    ran = command("replay", scored, "--photos", visit, "-o", visit.parents[1] / "differences.csv")
    assert ran.code == 3
    assert "not among the photos" in ran.out


def test_wrong_usage(command, scored, visit, tmp_path):
    assert command("replay", scored).code == 2
    ran = command("replay", tmp_path, "--photos", visit)
    assert ran.code == 1
    assert "run.json" in ran.err
    ran = command("replay", scored, "--photos", visit, "--model", tmp_path)
    assert ran.code == 1
    (tmp_path / "notes.csv").write_text("mine")
    ran = command("replay", scored, "--photos", visit, "-o", tmp_path / "notes.csv")
    assert ran.code == 1
    assert (tmp_path / "notes.csv").read_text() == "mine"
