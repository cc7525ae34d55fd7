"""Results appear whole or not at all, and nothing of anyone else is ever touched."""

import json
import os
import sys

import pytest

from oral_lesion.errors import OutputError
from oral_lesion.io.store import RUN_FILE, OutputFolder, write_run_json


def _write(folder, text="new"):
    (folder / "photos").mkdir()
    (folder / "photos" / "a.txt").write_text(text)
    (folder / RUN_FILE).write_text("{}")


@pytest.fixture
def earlier(tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    (results / RUN_FILE).write_text("{}")
    (results / "old.txt").write_text("old")
    return results


def test_results_appear_under_their_name(tmp_path):
    results = tmp_path / "deep" / "results"
    with OutputFolder(results) as folder:
        _write(folder)
        assert not results.exists()
        assert folder.parent == results.parent
    assert (results / "photos" / "a.txt").read_text() == "new"
    assert [path.name for path in results.parent.iterdir()] == ["results"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_midway_leaves_nothing(tmp_path, error):
    with pytest.raises(error), OutputFolder(tmp_path / "results") as folder:
        _write(folder)
        raise error
    assert list(tmp_path.iterdir()) == []


def test_an_error_midway_leaves_earlier_results(earlier):
    with pytest.raises(RuntimeError), OutputFolder(earlier, overwrite=True) as folder:
        _write(folder)
        raise RuntimeError
    assert (earlier / "old.txt").read_text() == "old"
    assert [path.name for path in earlier.parent.iterdir()] == ["results"]


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "results").mkdir()
    with OutputFolder(tmp_path / "results") as folder:
        _write(folder)
    assert (tmp_path / "results" / RUN_FILE).is_file()


def test_earlier_results_are_kept(earlier):
    with pytest.raises(OutputError, match="--overwrite"), OutputFolder(earlier):
        pytest.fail("entered")
    assert (earlier / "old.txt").is_file()


def test_earlier_results_are_replaced_on_demand(earlier):
    with OutputFolder(earlier, overwrite=True) as folder:
        _write(folder)
        assert (earlier / "old.txt").is_file()
    assert not (earlier / "old.txt").exists()
    assert (earlier / "photos" / "a.txt").read_text() == "new"
    assert [path.name for path in earlier.parent.iterdir()] == ["results"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_someone_else_is_never_replaced(tmp_path, overwrite):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "thesis.txt").write_text("mine")
    with (
        pytest.raises(OutputError, match="no results of ours"),
        OutputFolder(tmp_path / "results", overwrite=overwrite),
    ):
        pytest.fail("entered")
    assert (tmp_path / "results" / "thesis.txt").read_text() == "mine"


def test_what_came_there_meanwhile_is_not_lost(tmp_path):
    results = tmp_path / "results"
    with pytest.raises(OutputError), OutputFolder(results) as folder:
        _write(folder)
        results.mkdir()
        (results / "other.txt").write_text("other")
    assert (results / "other.txt").read_text() == "other"
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "results").write_text("mine")
    with pytest.raises(OutputError, match="expected a folder"), OutputFolder(tmp_path / "results", overwrite=True):
        pytest.fail("entered")


def test_a_parent_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="Choose another folder"), OutputFolder(tmp_path / "file" / "results"):
        pytest.fail("entered")


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid"), reason="POSIX rights")
def test_a_folder_without_rights(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot be written"), OutputFolder(tmp_path / "results"):
        pytest.fail("entered")


@pytest.mark.parametrize("place", [".", "out", "deep/out", ".."])
def test_results_lie_apart_from_the_photos(tmp_path, place):
    visit = tmp_path / "S-001" / "week-04"
    visit.mkdir(parents=True)
    (visit / "a.jpg").write_bytes(b"x")
    with pytest.raises(OutputError, match="apart from the photos"), OutputFolder(visit / place, inputs=visit):
        pytest.fail("entered")
    assert [path.name for path in visit.iterdir()] == ["a.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights there")
def test_a_link_to_the_photos_is_no_way_around(tmp_path):
    visit = tmp_path / "visit"
    visit.mkdir()
    (tmp_path / "link").symlink_to(visit)
    with pytest.raises(OutputError), OutputFolder(tmp_path / "link" / "out", inputs=visit):
        pytest.fail("entered")


def test_results_beside_the_photos_are_fine(tmp_path):
    (tmp_path / "visit").mkdir()
    with OutputFolder(tmp_path / "visit-results", inputs=tmp_path / "visit") as folder:
        _write(folder)
    assert (tmp_path / "visit-results" / RUN_FILE).is_file()


def test_what_a_killed_process_of_the_same_number_left_is_removed(tmp_path):
    (tmp_path / f".results.partial-{os.getpid()}").mkdir()
    with OutputFolder(tmp_path / "results") as folder:
        _write(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_run_json_is_sorted_and_ends_with_a_line_break(tmp_path):
    write_run_json(tmp_path / RUN_FILE, {"b": 1, "a": {"z": "mm²", "y": None}})
    text = (tmp_path / RUN_FILE).read_text(encoding="utf-8")
    assert text == '{\n  "a": {\n    "y": null,\n    "z": "mm²"\n  },\n  "b": 1\n}\n'
    assert json.loads(text)["a"]["z"] == "mm²"


@pytest.mark.parametrize("value", [float("nan"), object()])
def test_run_json_takes_no_more_than_json(tmp_path, value):
    with pytest.raises(OutputError):
        write_run_json(tmp_path / RUN_FILE, {"a": value})


def test_run_json_into_a_missing_folder(tmp_path):
    with pytest.raises(OutputError):
        write_run_json(tmp_path / "nowhere" / RUN_FILE, {})
