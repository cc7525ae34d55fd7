"""`oral-lesion report`: pages made again, and a page without names where it is asked for."""

import shutil

import pytest
from visit_folders import tree_bytes


@pytest.fixture
def results(command, visit, tmp_path):
    assert command("score", visit, "-o", tmp_path / "out").code == 0
    return tmp_path / "out"


def test_it_makes_the_same_page_again(command, results):
    before = tree_bytes(results)
    ran = command("report", results)
    assert ran.code == 0
    assert "report.html" in ran.out
    assert tree_bytes(results) == before


def test_a_blinded_page_stands_where_it_is_wanted(command, results, tmp_path):
    before = tree_bytes(results)
    target = tmp_path / "für Leser.html"
    assert command("report", results, "--blinded", "-o", target).code == 0
    assert "S-001" not in target.read_text(encoding="utf-8")
    assert tree_bytes(results) == before


def test_wrong_use_is_told(command, results, tmp_path):
    assert command("report", results, "-o", tmp_path / "a.html").code == 2
    assert command("report", results, "--blinded", "-o", results / "scores.csv").code == 2
    shutil.rmtree(results / "photos")
    (results / "scores.csv").unlink()
    ran = command("report", results)
    assert ran.code == 1
    assert "holds no results" in ran.err
