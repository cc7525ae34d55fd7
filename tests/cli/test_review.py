"""Readers' files come back: checked, measured as scoring measures, stored once, and left out with a reason."""

import json
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image
from reader_files import edit, files_of, grow, own_results, tick_read
from study_folders import rows_in

from oral_lesion.io.audit.written import files_of as files_written
from oral_lesion.io.results_store import STORE_NAME, Round, compare_with_tables, iter_reads, open_store


@pytest.fixture(scope="module")
def given(read_study, tmp_path_factory):
    """A worklist with outlines, exported for labelme and ticked as read. Not to be changed."""
    from oral_lesion.cli.app import app

    out = tmp_path_factory.mktemp("given") / "worklist"
    for words in (
        ["worklist", "make", str(read_study), "--seed", "7", "--repeat-percent", "25", "-o", str(out)],
        ["review", "export", str(out), "--to", "labelme"],
    ):
        with pytest.raises(SystemExit) as stop:
            app(words)
        assert not stop.value.code
    for reader in ("reader-1", "reader-2"):
        tick_read(out / reader / "pictures")
    return out


@pytest.fixture
def worklist(given, tmp_path):
    """Files of one's own; without the pictures, which readers need not return."""
    shutil.copy(given.with_name("worklist-key.json"), tmp_path)
    return shutil.copytree(given, tmp_path / "worklist", ignore=shutil.ignore_patterns("*.png"))


@pytest.fixture
def results(read_study, tmp_path):
    return own_results(read_study, tmp_path)


@pytest.fixture
def take_in(command, results, worklist, tmp_path):
    """Import files; return what was said and the rows of the table."""

    def run(*files, reader="R1", options=()):
        table = tmp_path / "import.csv"
        table.unlink(missing_ok=True)
        key = worklist.with_name("worklist-key.json")
        ran = command("review", "import", results, *files, "--key", key, "--reader", reader, "-o", table, *options)
        return ran, rows_in(table) if table.exists() else []

    return run


def stored(results, *, superseded=False):
    with open_store(results / STORE_NAME, read_only=True) as store:
        return list(iter_reads(store, superseded=superseded))


def pictures_of(worklist, reader="reader-1"):
    return worklist / reader / "pictures"


def by_status(rows):
    return {row["reading_id"]: row["status"] for row in rows}


def test_outlines_left_as_they_are_give_the_automatic_areas(take_in, worklist, results):
    ran, rows = take_in(pictures_of(worklist))
    assert (ran.code, len(rows)) == (0, 5)
    assert {row["status"] for row in rows} == {"stored"}
    for row in rows:
        assert row["corrected_area_mm2"] == row["automatic_area_mm2"] != ""
        assert float(row["cut_off_mm2"]) == 0
    reads = stored(results)
    assert {read.round for read in reads} == {Round.READ, Round.REPEAT}
    for read in reads:
        assert (read.reader, read.current) == ("R1", True)
        assert read.corrected_area_mm2 == read.automatic_area_mm2
        assert np.hypot(read.corrected_u_scale_mm2, read.corrected_u_boundary_mm2) == read.automatic_u_area_mm2
        mask = cv2.imread(str(results / read.mask_file), cv2.IMREAD_GRAYSCALE)
        assert mask.sum() / 255 == pytest.approx(100 * read.corrected_area_mm2, rel=0.02)  # at 0.1 mm/px


@pytest.mark.parametrize("options", [("--to", "labelme", "--masks"), ("--to", "coco"), ("--to", "coco", "--masks"),
                                     ("--to", "cvat"), ("--to", "cvat", "--masks")])  # fmt: skip
def test_every_format_comes_back_with_the_same_areas(command, take_in, given, tmp_path, options):
    own = shutil.copytree(given / "reader-1", tmp_path / "own", ignore=shutil.ignore_patterns("*.json"))
    shutil.copy(given.with_name("worklist-key.json"), tmp_path)
    assert command("review", "export", own, *options).code == 0
    ran, rows = take_in(own, options=("--all-read",))
    assert (ran.code, len(rows)) == (0, 5)
    assert [row["corrected_area_mm2"] for row in rows] == [row["automatic_area_mm2"] for row in rows]


def test_a_moved_outline_is_measured(take_in, worklist, results):
    first, *_ = files_of(pictures_of(worklist))
    edit(first, lambda content: grow(content, 1.1))
    _, rows = take_in(pictures_of(worklist))
    row = next(row for row in rows if row["reading_id"] == first.stem)
    automatic, corrected = float(row["automatic_area_mm2"]), float(row["corrected_area_mm2"])
    lost = float(row["cut_off_mm2"])
    assert corrected + lost == pytest.approx(1.21 * automatic, rel=0.015)
    (read,) = [read for read in stored(results) if read.reading_id == first.stem]
    assert read.corrected_u_scale_mm2 / corrected == pytest.approx(
        next(r.corrected_u_scale_mm2 / r.corrected_area_mm2 for r in stored(results) if r.photo_id == read.photo_id),
        rel=1e-3,
    )
    assert read.corrected_u_boundary_mm2 > 0
    others = [row for row in rows if row["reading_id"] != first.stem]
    assert [row["corrected_area_mm2"] for row in others] == [row["automatic_area_mm2"] for row in others]


def test_a_picture_without_erosion_is_zero_and_one_that_was_not_read_is_missing(take_in, worklist, results):
    first, second, third, *others = files_of(pictures_of(worklist))
    edit(first, lambda content: content.update(shapes=[]))
    edit(second, lambda content: content["flags"].update(read=False))
    third.unlink()
    ran, rows = take_in(pictures_of(worklist))
    assert ran.code == 3
    expected = dict.fromkeys((path.stem for path in (first, *others)), "stored")
    assert by_status(rows) == {**expected, second.stem: "left-out", third.stem: "missing"}
    assert "not marked as read" in ran.out
    row = next(row for row in rows if row["reading_id"] == first.stem)
    assert (row["corrected_area_mm2"], row["u_corrected_scale_mm2"], row["u_corrected_boundary_mm2"]) == (
        "0.000",
        "",
        "",
    )
    assert {read.reading_id for read in stored(results)} == {path.stem for path in (first, *others)}


def test_a_picture_that_cannot_be_read_has_no_area(take_in, worklist, results):
    first, second, *_ = files_of(pictures_of(worklist))
    edit(first, lambda content: content["flags"].update(unreadable=True, read=False) or content.update(shapes=[]))
    edit(
        second,
        lambda content: content.update(shapes=[{"label": "unreadable", "shape_type": "point", "points": [[5, 5]]}]),
    )
    _, rows = take_in(first, second, options=("--reason", "saliva"))
    assert [row["status"] for row in rows[:2]] == ["stored", "stored"]
    assert [row["corrected_area_mm2"] for row in rows[:2]] == ["", ""]
    assert {(read.corrected_area_mm2, read.mask_file, read.reason) for read in stored(results)} == {
        (None, None, "unreadable saliva")
    }


def test_a_second_read_needs_a_reason_and_the_first_stays(take_in, worklist, results):
    first, *_ = files_of(pictures_of(worklist))
    assert take_in(pictures_of(worklist))[0].code == 0
    ran, rows = take_in(pictures_of(worklist))  # the same once more is no second read
    assert (ran.code, {row["status"] for row in rows}) == (0, {"unchanged"})
    edit(first, lambda content: grow(content, 0.9))
    ran, rows = take_in(pictures_of(worklist))
    assert (ran.code, by_status(rows)[first.stem]) == (3, "left-out")
    assert "--supersede --reason" in ran.out
    ran, _ = take_in(pictures_of(worklist), options=("--supersede",))
    assert ran.code == 1
    ran, rows = take_in(pictures_of(worklist), options=("--supersede", "--reason", "wrong file"))
    assert (ran.code, by_status(rows)[first.stem]) == (0, "stored")
    reads = [read for read in stored(results, superseded=True) if read.reading_id == first.stem]
    assert [(read.current, read.reason) for read in reads] == [(False, ""), (True, "wrong file")]
    assert reads[0].corrected_area_mm2 > reads[1].corrected_area_mm2
    assert all((results / read.mask_file).is_file() for read in reads)
    assert len(stored(results)) == 5


def test_bad_files_are_left_out_with_their_names_and_the_others_go_on(take_in, worklist, results):
    first, second, third, *others = files_of(pictures_of(worklist))
    first.write_bytes(b"")
    edit(second, lambda content: content["shapes"][0].update(label="<b>ulcer</b>"))
    edit(third, lambda content: content.update(imagePath="../../../etc/passwd"))
    ran, rows = take_in(pictures_of(worklist))
    assert ran.code == 3
    left_out = {row["file"]: row["why"] for row in rows if row["status"] == "left-out"}
    assert set(left_out) == {first.name, second.name, third.name}
    assert "'<b>ulcer</b>'" in left_out[second.name]
    assert {read.reading_id for read in stored(results)} == {path.stem for path in others}


def test_a_picture_that_was_edited_is_found(take_in, worklist, given):
    first, *_ = files_of(pictures_of(worklist))
    pixels = np.asarray(Image.open(pictures_of(given) / f"{first.stem}.png")).copy()
    pixels[200:260, 200:260] = 128
    Image.fromarray(pixels).save(first.with_suffix(".png"))
    ran, rows = take_in(pictures_of(worklist))
    assert (ran.code, by_status(rows)[first.stem]) == (3, "left-out")
    assert "not the one that was given out" in ran.out


def test_the_same_picture_in_two_files_is_taken_from_neither(take_in, worklist, results):
    first, *_ = files_of(pictures_of(worklist))
    shutil.copy(first, first.with_name("copy.json"))
    ran, rows = take_in(pictures_of(worklist))
    assert ran.code == 3
    doubled = [row for row in rows if row["reading_id"] == first.stem]
    assert [row["status"] for row in doubled] == ["left-out", "left-out"]
    assert f"({first.name}, copy.json)" in doubled[0]["why"] or f"(copy.json, {first.name})" in doubled[0]["why"]
    assert first.stem not in {read.reading_id for read in stored(results)}


def test_pictures_of_two_readers_are_not_mixed(take_in, worklist, results):
    ran, _ = take_in(worklist)
    assert ran.code == 1
    assert "reader-1 and reader-2" in ran.err
    assert not stored(results)
    assert not (results / "reads").exists()


def test_two_reads_are_of_two_people(take_in, worklist, results):
    assert take_in(pictures_of(worklist))[0].code == 0
    ran, _ = take_in(pictures_of(worklist, "reader-2"))
    assert ran.code == 1
    assert "R1 has read reader-1" in ran.err
    ran, _ = take_in(files_of(pictures_of(worklist))[0], reader="R9")
    assert ran.code == 1
    assert "was read by R1" in ran.err
    assert len(stored(results)) == 5
    assert take_in(pictures_of(worklist, "reader-2"), reader="R2")[0].code == 0
    assert len(stored(results)) == 10


def test_where_the_store_cannot_be_written_nothing_stays(take_in, worklist, results, monkeypatch):
    from oral_lesion.errors import OutputError
    from oral_lesion.io.review import reads

    added = []

    def fail_at_the_third(store, read, **options):
        if len(added) == 2:
            raise OutputError("the disk is full")
        added.append(add_read(store, read, **options))

    add_read = reads.add_read
    monkeypatch.setattr(reads, "add_read", fail_at_the_third)
    ran, _ = take_in(pictures_of(worklist))
    assert (ran.code, "the disk is full" in ran.err) == (1, True)
    assert not stored(results)
    assert not list((results / "reads").glob("*"))


def test_what_was_scored_anew_is_not_read_by_an_old_worklist(take_in, worklist, results, read_study, tmp_path):
    (results / "scores").unlink()
    shutil.copytree(read_study / "scores", results / "scores")
    key = json.loads(worklist.with_name("worklist-key.json").read_text())
    one = next(one for one in key["readings"] if one["part"] == "reader-1")
    path = results / "scores" / one["subject"] / one["visit"] / "photos" / one["photo_id"] / "standardized.png"
    pixels = np.asarray(Image.open(path)).copy()
    pixels[300, 300] ^= 1
    Image.fromarray(pixels).save(path)
    ran, rows = take_in(pictures_of(worklist))
    assert (ran.code, by_status(rows)[one["reading_id"]]) == (3, "left-out")
    assert "scored anew" in ran.out


def test_a_visit_that_a_manifest_names_otherwise_than_its_folder_is_read_too(
    command, results, read_study, tmp_path, monkeypatch
):
    (results / "scores").unlink()
    shutil.copytree(read_study / "scores", results / "scores", symlinks=True)
    for folder in sorted((results / "scores").glob("*/week-04")):
        folder.rename(folder.with_name("second"))
    with open_store(results / STORE_NAME) as store:
        store.connection.execute("UPDATE photos SET place = replace(place, 'week-04', 'second')")
    worklist = tmp_path / "mine"
    assert command("worklist", "make", results, "--readers", "1", "-o", worklist).code == 0
    assert command("review", "export", worklist, "--to", "coco").code == 0
    key = ("--key", tmp_path / "mine-key.json", "--reader", "R1")
    monkeypatch.chdir(tmp_path)
    ran = command("review", "import", results, worklist / "reader-1" / "coco.json", "--all-read", *key)
    assert ran.code == 0, ran.said
    assert rows_in(tmp_path / "review-import-r1.csv")
    assert {read.place.split("/")[1] for read in stored(results)} == {"week-00", "second"}
    settings = tmp_path / "review"
    assert command("review", "agreement", results, "-o", settings).code == 0
    assert {row["visit"] for row in rows_in(settings / "reviewed.csv") if row["reader_1"] == "R1"} == {
        "week-00",
        "week-04",
    }


def test_masks_go_by_the_store_and_not_by_the_entry_of_the_study(take_in, worklist, results):
    before = files_written(results)
    assert take_in(pictures_of(worklist))[0].code == 0
    assert files_written(results) == before  # a study that goes on later does not make the next import a fault
    assert compare_with_tables(results) == ()
    first, second, *_ = sorted((results / "reads").iterdir())
    first.write_bytes(first.read_bytes() + b"edited")
    second.unlink()
    assert [(first.name in what or second.name in what) for what in compare_with_tables(results)] == [True, True]


def test_a_key_that_names_another_photo_is_found(take_in, worklist, results):
    """Whoever swaps two photos in the key would give each the other's area."""
    path = worklist.with_name("worklist-key.json")
    key = json.loads(path.read_text())
    first, second, *_ = [one for one in key["readings"] if one["part"] == "reader-1" and one["occurrence"] == 1]
    for name in ("subject", "visit", "photo_id", "photo_sha256"):
        first[name], second[name] = second[name], first[name]
    path.write_text(json.dumps(key))
    ran, rows = take_in(pictures_of(worklist))
    assert ran.code == 3
    assert {by_status(rows)[one["reading_id"]] for one in (first, second)} == {"left-out"}
    assert "the key was edited" in ran.out
    assert not {first["reading_id"], second["reading_id"]} & {read.reading_id for read in stored(results)}


def test_a_study_is_not_scored_over_what_people_read(take_in, command, worklist, results, read_study):
    assert take_in(pictures_of(worklist))[0].code == 0
    photos = read_study.parent / "photos"
    ran = command("study", photos, "-o", results, "--segmenter", "truth", "--no-figures", "--overwrite")
    assert ran.code == 1
    assert "what people read" in ran.err
    assert len(stored(results)) == 5


@pytest.mark.parametrize("name", ["", "  ", "x" * 81])
def test_a_reader_has_a_code(take_in, worklist, name):
    ran, _ = take_in(pictures_of(worklist), reader=name)
    assert ran.code == 1
    assert "--reader" in ran.err


def test_a_readers_name_is_text_everywhere(take_in, command, worklist, results, tmp_path):
    """Neither a formula nor a page: it is printed as it is."""
    name = "=1+1<script>alert(1)</script>"
    assert take_in(pictures_of(worklist), reader=name)[0].code == 0
    ran = command("review", "agreement", results, "-o", tmp_path / "review")
    assert ran.code == 0
    assert f"'{name}" in (tmp_path / "review" / "agreement.csv").read_text()


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 100_000, b'{"schema_version": 1, "worklist_id": 3}'])
def test_a_key_that_is_none_is_refused(take_in, worklist, content):
    worklist.with_name("worklist-key.json").write_bytes(content)
    ran, rows = take_in(pictures_of(worklist))
    assert (ran.code, rows) == (1, [])
    assert "worklist-key.json" in ran.err


def test_what_was_done_is_in_the_audit_log(take_in, worklist, results):
    take_in(pictures_of(worklist), options=("--operator", "A. B."))
    entries = [json.loads(line) for line in (results.parent / "oral-lesion-audit.jsonl").read_text().splitlines()]
    begun = next(entry for entry in entries if entry["action"] == "review-import-started")
    assert begun["who"]["operator"] == "A. B."
    assert begun["details"]["reader"] == "R1"
    assert len(begun["details"]["files_sha256"]) == 5
    ended = next(entry for entry in entries if entry["action"] == "review-import-finished")
    assert list(ended["details"]["files"]) == ["import.csv"]


def test_reads_of_a_photo_that_has_no_score_now_are_named(take_in, command, worklist, results, tmp_path):
    assert take_in(pictures_of(worklist))[0].code == 0
    with open_store(results / STORE_NAME) as store:
        store.connection.execute("UPDATE photos SET photo_id = 'earlier-file' WHERE photo = 1")
        (place,) = store.connection.execute("SELECT place FROM photos WHERE photo = 1").fetchone()
    ran = command("review", "agreement", results, "-o", tmp_path / "review", "--no-figures")
    assert f"its reads do not count: {place}/earlier-file" in ran.out
    run = json.loads((tmp_path / "review" / "run.json").read_bytes())
    assert (run["reads_without_photo"], run["photos"]["automatic"]) == ([f"{place}/earlier-file"], 1)


def test_an_area_that_was_edited_in_the_store_is_found(take_in, command, worklist, results):
    verify = ("audit", "verify", results.parent, "--results", results)
    said = "holds reads that no import in the log left so"
    assert said not in command(*verify).out
    for reader in ("reader-1", "reader-2"):
        assert take_in(pictures_of(worklist, reader), reader=reader)[0].code == 0
        assert said not in command(*verify).out
    with open_store(results / STORE_NAME) as store:
        store.connection.execute("UPDATE reads SET corrected_area_mm2 = corrected_area_mm2 + 0.001 WHERE read = 1")
    ran = command(*verify)
    assert (ran.code, said in ran.out) == (1, True)
