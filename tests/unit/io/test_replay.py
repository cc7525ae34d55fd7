"""Each cell that does not come out again is listed, with the photo, the table and the field."""

import csv
import json

import pytest

from oral_lesion.errors import FormatError, InputError, SettingsError
from oral_lesion.io import replay as replay_module
from oral_lesion.io.quality_tables import COLOR_COLUMNS, QUALITY_COLUMNS
from oral_lesion.io.replay import REPLAY_COLUMNS, ReplayRun, replay_results, write_replay
from oral_lesion.io.stored_run import read_run
from oral_lesion.io.study_lock import current_environment
from oral_lesion.io.tables import LESION_COLUMNS, SCORE_COLUMNS
from oral_lesion.io.visits import find_photos

TABLES = {
    "scores.csv": SCORE_COLUMNS,
    "lesions.csv": LESION_COLUMNS,
    "quality.csv": QUALITY_COLUMNS,
    "colour.csv": COLOR_COLUMNS,
}


def write_rows(path, columns, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)


def write_results(folder, found):
    """Write tables as scoring does: each photo has two lesions of 10 and 5 mm²."""
    folder.mkdir(parents=True)
    ids = [entry.identity.photo_id for entry in found]
    scores = [{"photo_id": one, "status": "scored", "erosion_area_mm2": "15.000"} for one in ids]
    lesions = [
        {"photo_id": one, "lesion": number, "area_mm2": area} for one in ids for number, area in ((1, "10"), (2, "5"))
    ]
    quality = [{"photo_id": one} for one in ids]
    colors = [{"photo_id": one, "patch": patch} for one in ids for patch in ("white", "black")]
    for (name, columns), rows in zip(TABLES.items(), (scores, lesions, quality, colors), strict=True):
        write_rows(folder / name, columns, rows)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "S-001" / "week-00"
    folder.mkdir(parents=True)
    for name in ("a", "b", "c", "d"):
        (folder / f"{name}.png").write_text(name)
    return folder


@pytest.fixture
def results(tmp_path, photos, protocol, model):
    found = find_photos(photos)
    folder = tmp_path / "results"
    write_results(folder, found)
    environment = current_environment()
    run = {
        "software": {"name": "oral-lesion", "version": environment["oral-lesion"]},
        "python": environment["python"],
        "platform": environment["platform"],
        "packages": environment["packages"],
        "model": {"name": model.name, "version": model.version, "sha256": model.sha256},
        "protocol": protocol.model_dump(mode="json"),
        "protocol_sha256": protocol.sha256,
        "inputs": [{"photo_id": entry.identity.photo_id} for entry in found],
    }
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    return folder


@pytest.fixture
def segmenters(model):
    class Source:
        working_mm_per_px = 0.1

    Source.model = model
    return Source()


@pytest.fixture(autouse=True)
def scored_again(monkeypatch):
    """Stand in for scoring: the same rows again; returns what it was asked for."""
    asked = []

    def score_found(found, out, *, protocol, segmenters, jobs, on_outcome):
        asked.append((tuple(entry.identity.file for entry in found), protocol.sha256, jobs))
        write_results(out, found)

    monkeypatch.setattr(replay_module, "score_found", score_found)
    return asked


def replayed(results, photos, segmenters, **options):
    return replay_results(read_run(results), photos, segmenters=segmenters, run=ReplayRun(**options))


def edit(path, old, new, count=1):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), encoding="utf-8", newline="")


def test_the_same_rows_give_no_difference(results, photos, segmenters, scored_again, protocol):
    replay = replayed(results, photos, segmenters, jobs=2)
    assert replay.differences == ()
    assert len(replay.photo_ids) == replay.photos_stored == 4
    assert scored_again == [(("a.png", "b.png", "c.png", "d.png"), protocol.sha256, 2)]


def test_a_changed_cell_is_named_with_both_values(results, photos, segmenters):
    edit(results / "scores.csv", "15.000", "14.999")
    (one,) = replayed(results, photos, segmenters).differences
    assert one.photo_id.startswith("a-")
    assert (one.table, one.row, one.field) == ("scores.csv", "", "erosion_area_mm2")
    assert (one.stored, one.scored_again) == ("14.999", "15.000")


def test_another_spelling_of_the_same_number_is_a_difference(results, photos, segmenters):
    edit(results / "scores.csv", "15.000", "15.0")
    (one,) = replayed(results, photos, segmenters).differences
    assert one.stored == "15.0"


def test_a_changed_lesion_is_named_with_its_number(results, photos, segmenters):
    edit(results / "lesions.csv", ",2,5,", ",2,6,")
    (one,) = replayed(results, photos, segmenters).differences
    assert (one.table, one.row, one.field, one.stored, one.scored_again) == ("lesions.csv", "2", "area_mm2", "6", "5")


@pytest.mark.parametrize("table", list(TABLES))
def test_a_removed_row_is_named(results, photos, segmenters, table):
    lines = (results / table).read_bytes().splitlines(keepends=True)
    (results / table).write_bytes(b"".join([lines[0], *lines[2:]]))
    (one,) = replayed(results, photos, segmenters).differences
    assert (one.table, one.field, one.stored, one.scored_again) == (table, "(row)", "absent", "present")


def test_an_added_row_is_named(results, photos, segmenters):
    lines = (results / "lesions.csv").read_text().splitlines()
    lines.append(lines[1].replace(",1,", ",3,", 1))
    (results / "lesions.csv").write_text("\n".join(lines))
    (one,) = replayed(results, photos, segmenters).differences
    assert (one.row, one.field, one.stored, one.scored_again) == ("3", "(row)", "present", "absent")


def test_a_repeated_row_is_refused(results, photos, segmenters):
    lines = (results / "lesions.csv").read_text().splitlines()
    (results / "lesions.csv").write_text("\n".join([*lines, lines[1]]))
    with pytest.raises(FormatError, match="once, got one of them twice"):
        replayed(results, photos, segmenters)


def test_a_missing_and_a_changed_original_are_named(results, photos, segmenters):
    (photos / "a.png").unlink()
    (photos / "b.png").write_text("retouched")
    differences = replayed(results, photos, segmenters).differences
    originals = [one.photo_id[0] for one in differences if one.field == "(original)"]
    assert originals == ["a", "b"]
    added = {(one.table, one.field, one.stored) for one in differences if one.field == "(row)"}
    assert added == {(table, "(row)", "absent") for table in TABLES}


def test_no_original_left_needs_no_scoring(results, photos, segmenters, scored_again):
    for path in photos.iterdir():
        path.unlink()
    (photos / "z.png").write_text("z")
    replay = replayed(results, photos, segmenters, sample=1, seed=3)
    assert len(replay.differences) >= 1
    assert all(one.photo_id == replay.photo_ids[0] for one in replay.differences)


def test_a_sample_is_drawn_by_its_seed(results, photos, segmenters, scored_again):
    first = replayed(results, photos, segmenters, sample=2, seed=1).photo_ids
    assert len(first) == 2
    assert replayed(results, photos, segmenters, sample=2, seed=1).photo_ids == first
    drawn = {replayed(results, photos, segmenters, sample=2, seed=seed).photo_ids for seed in range(20)}
    assert len(drawn) > 3
    assert all(len(files) == 2 for files, _, _ in scored_again)
    assert len(replayed(results, photos, segmenters, sample=99).photo_ids) == 4


def test_another_model_is_refused(results, photos, segmenters, model):
    import dataclasses

    segmenters.model = dataclasses.replace(model, sha256="f" * 64)
    with pytest.raises(InputError, match="--model"):
        replayed(results, photos, segmenters)


def test_a_changed_protocol_in_run_json_is_refused(results):
    run = json.loads((results / "run.json").read_text())
    run["protocol"]["limits"]["max_tilt_deg"] -= 1
    (results / "run.json").write_text(json.dumps(run))
    with pytest.raises(FormatError, match="was edited"):
        read_run(results)


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"protocol": 1}'])
def test_a_folder_that_is_no_run_is_refused(results, content):
    path = results / "run.json"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises((FormatError, SettingsError), match=r"run\.json"):
        read_run(results)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"photo,area\n1,2\n"])
def test_a_spoilt_table_is_refused(results, photos, segmenters, content):
    path = results / "scores.csv"
    path.unlink() if content is None else path.write_bytes(content)
    if content == b"":
        assert replayed(results, photos, segmenters).differences
        return
    with pytest.raises(FormatError, match=r"scores\.csv"):
        replayed(results, photos, segmenters)


def test_other_versions_are_told(results):
    assert read_run(results).environment_changes == ()
    run = json.loads((results / "run.json").read_text())
    run["packages"]["numpy"] = "1.0"
    del run["packages"]["scipy"]
    (results / "run.json").write_text(json.dumps(run))
    first, second = read_run(results).environment_changes
    assert first.startswith("numpy: 1.0 then, ")
    assert second.startswith("scipy: none then, ")


def test_the_table_of_differences(tmp_path, results, photos, segmenters):
    edit(results / "scores.csv", "15.000", "=1+1")
    replay = replayed(results, photos, segmenters)
    for _ in range(2):
        write_replay(tmp_path / "out" / "replay.csv", replay)
    with (tmp_path / "out" / "replay.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert list(row) == list(REPLAY_COLUMNS)
    assert row["stored"] == "'=1+1"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["replay.csv"]
