"""The embedded store: nothing lost, nothing half written, clear words where it cannot be used, flat in memory."""

import csv
import dataclasses
import json
import os
import shutil
import sqlite3
import subprocess
import sys

import pytest

from oral_lesion.errors import Flag, FormatError, InputError, MissingExtraError, OutputError, Reason, Refusal
from oral_lesion.io import results_store
from oral_lesion.io.quality_tables import COLOR_COLUMNS, QUALITY_COLUMNS
from oral_lesion.io.results_store import (
    STORE_NAME,
    ListedPhoto,
    Read,
    Round,
    RunRecord,
    StoredOutcome,
    add_outcome,
    add_read,
    begin_run,
    check_store,
    export_csv,
    export_parquet,
    finish_run,
    iter_outcomes,
    iter_reads,
    iter_runs,
    list_photos,
    open_store,
    schema,
)
from oral_lesion.io.tables import LESION_COLUMNS, SCORE_COLUMNS, rows_of, write_tables
from oral_lesion.records import PhotoScore

PLACE = "S-001/week-04"
AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture
def path(tmp_path):
    return tmp_path / STORE_NAME


@pytest.fixture
def run(model):
    return RunRecord(
        command="study",
        began_utc="2026-01-02T03:04:05.678Z",
        software="0.1",
        study_protocol_sha256="1" * 64,
        protocol_sha256="2" * 64,
        model=model,
        settings={"limits": {"max_tilt_deg": 20.0}},
    )


@pytest.fixture
def outcome_of(protocol, model):
    def outcome(score, place=PLACE, run=1, **more):
        return StoredOutcome(
            place=place,
            identity=score.identity,
            rows=rows_of(score, protocol=protocol, model=model),
            run=run,
            segmenter_sha256="3" * 64,
            threshold=0.4,
            declared_flags=(Flag.DUPLICATE_PHOTO, Flag.SITE_UNKNOWN),
            **more,
        )

    return outcome


@pytest.fixture
def refused(scored):
    identity = dataclasses.replace(scored.identity, photo_id="other-87654321", file="=other.jpg", sha256="ef" * 32)
    refusal = Refusal(reason=Reason.TOO_TILTED, observed=31.0, limit=20.0, unit="deg", detail="leans")
    return PhotoScore(identity=identity, outcome=refusal)


def listed(*scores, place=PLACE):
    return [ListedPhoto(place=place, photo_id=one.identity.photo_id, sha256=one.identity.sha256) for one in scores]


@pytest.fixture
def filled(path, run, scored, refused, outcome_of):
    with open_store(path, create=True) as store:
        begin_run(store, run)
        list_photos(store, listed(refused, scored))
        add_outcome(store, outcome_of(scored))
        add_outcome(store, outcome_of(refused, detail="leans"))
    return path


def columns_of(path, table):
    with sqlite3.connect(path) as connection:
        names = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    connection.close()
    return names


def test_the_tables_hold_every_column_of_the_exports(filled):
    assert set(SCORE_COLUMNS) <= columns_of(filled, "outcomes") | {"photo_id", "sha256"}
    assert set(LESION_COLUMNS) <= columns_of(filled, "lesions") | {"photo_id"}
    assert set(QUALITY_COLUMNS) <= columns_of(filled, "quality") | {"photo_id", "status", "reason"}
    assert set(COLOR_COLUMNS) <= columns_of(filled, "colours") | {"photo_id"}


def test_what_goes_in_comes_out(filled, scored, refused, outcome_of):
    with open_store(filled, read_only=True) as store:
        first, second = iter_outcomes(store)
        assert list(iter_outcomes(store, place="S-001/week-08")) == []
        assert list(iter_outcomes(store, place=PLACE)) == [first, second]
    assert dataclasses.replace(second, software="") == outcome_of(scored)
    assert dataclasses.replace(first, software="") == outcome_of(refused, detail="leans")
    assert first.software == "0.1"


def test_tables_from_the_store_have_the_bytes_of_tables_without_it(filled, tmp_path, scored, refused, protocol, model):
    (tmp_path / "plain").mkdir()
    (tmp_path / "stored").mkdir()
    write_tables(tmp_path / "plain", [rows_of(one, protocol=protocol, model=model) for one in (refused, scored)])
    with open_store(filled, read_only=True) as store:
        write_tables(tmp_path / "stored", [one.rows for one in iter_outcomes(store)])
        export_csv(store, tmp_path)
    for plain in sorted((tmp_path / "plain").iterdir()):
        assert (tmp_path / "stored" / plain.name).read_bytes() == plain.read_bytes()
        with plain.open(newline="") as file, (tmp_path / plain.name).open(newline="") as exported:
            expected, got = list(csv.DictReader(file)), list(csv.DictReader(exported))
        assert [{**row, "subject": "S-001", "visit": "week-04"} for row in expected] == got
    assert (tmp_path / "scores.csv").read_bytes() == (tmp_path / "plain" / "scores.csv").read_bytes()


def test_parquet_states_what_the_csv_states(filled, tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")
    with open_store(filled, read_only=True) as store:
        export_csv(store, tmp_path)
        paths = export_parquet(store, tmp_path)
        monkeypatch.setattr("oral_lesion.io.results_store.exports.find_spec", lambda _name: None)
        with pytest.raises(MissingExtraError, match=r"pip install 'oral-lesion\[parquet\]'"):
            export_parquet(store, tmp_path)
    for path in paths:
        table = parquet.read_table(path)
        with path.with_suffix(".csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert table.num_rows == len(rows)
        for row, values in zip(rows, table.to_pylist(), strict=True):
            for name, text in row.items():
                assert values[name] == (None if text == "" else type(values[name])(text.removeprefix("'"))), name
    assert table.column_names == list(results_store.EXPORTS["colour"])


def test_a_second_result_keeps_the_first(filled, scored, refused, outcome_of):
    with open_store(filled) as store:
        again = dataclasses.replace(scored, outcome=refused.outcome)
        add_outcome(store, outcome_of(again))
        assert [one.superseded for one in iter_outcomes(store)] == [False, False]
        history = [one for one in iter_outcomes(store, superseded=True) if one.identity == scored.identity]
        assert [(one.rows.score["status"], one.superseded) for one in history] == [("scored", True), ("refused", False)]
        assert len(history[0].rows.lesions) == 1


def test_a_photo_that_is_gone_leaves_the_tables_but_not_the_store(filled, scored):
    with open_store(filled) as store:
        list_photos(store, listed(scored))
        assert [one.identity.photo_id for one in iter_outcomes(store)] == [scored.identity.photo_id]
        assert len(list(iter_outcomes(store, unlisted=True))) == 2


def test_an_outcome_is_stored_whole_or_not_at_all(filled, scored, outcome_of):
    outcome = outcome_of(scored)
    (lesion,) = outcome.rows.lesions
    doubled = dataclasses.replace(outcome, rows=dataclasses.replace(outcome.rows, lesions=(lesion, lesion)))
    with open_store(filled) as store:
        before = list(iter_outcomes(store, superseded=True))
        with pytest.raises(InputError, match="contradicts"):
            add_outcome(store, doubled)
        assert list(iter_outcomes(store, superseded=True)) == before


def test_an_unlisted_photo_has_no_outcome(filled, scored, outcome_of):
    with open_store(filled) as store, pytest.raises(InputError, match="knows no photo"):
        add_outcome(store, outcome_of(scored, place="S-009/week-00"))


def test_a_folder_whose_name_is_no_unicode(path, run, scored, outcome_of):
    place = os.fsdecode(b"S-\xff/week-00")
    with open_store(path, create=True) as store:
        begin_run(store, run)
        list_photos(store, listed(scored, place=place))
        add_outcome(store, outcome_of(scored, place=place))
        assert len(list(iter_outcomes(store, place=place))) == 1


def test_runs(filled, run):
    with open_store(filled) as store:
        assert list(iter_runs(store)) == [dataclasses.replace(run, run=1)]
        finish_run(store, 1, "2026-01-02T04:00:00.000Z")
        assert [one.finished_utc for one in iter_runs(store)] == ["2026-01-02T04:00:00.000Z"]


READ = Read(
    place=PLACE,
    photo_id="photo-12345678",
    reading_id="r-0001",
    reader="A",
    round=Round.READ,
    read_utc="2026-02-03T04:05:06.000Z",
    automatic_area_mm2=12.5,
    automatic_u_area_mm2=0.5,
    corrected_area_mm2=11.0,
    corrected_u_scale_mm2=0.3,
    corrected_u_boundary_mm2=0.2,
    mask_file="reads/r-0001-A.png",
    mask_sha256="a" * 64,
    reason="edge",
)


def test_two_readers_and_an_adjudication_stay_side_by_side(filled):
    reads = [READ, dataclasses.replace(READ, reader="B", reading_id="r-0002")]
    reads.append(dataclasses.replace(READ, reader="C", round=Round.ADJUDICATION, corrected_area_mm2=11.5))
    with open_store(filled) as store:
        for read in reads:
            add_read(store, read)
        assert list(iter_reads(store)) == reads


def test_a_photo_is_read_once_by_a_reader(filled):
    second = dataclasses.replace(READ, corrected_area_mm2=10.0, reason="wrong photo was open")
    with open_store(filled) as store:
        add_read(store, READ)
        with pytest.raises(InputError, match="has a read already"):
            add_read(store, second)
        with pytest.raises(InputError, match="reason why there is a second"):
            add_read(store, dataclasses.replace(second, reason=" "), supersede=True)
        add_read(store, second, supersede=True)
        assert list(iter_reads(store)) == [second]
        assert [one.current for one in iter_reads(store, superseded=True)] == [False, True]


def test_a_read_has_an_area_or_a_reason(filled):
    nothing = dataclasses.replace(READ, corrected_area_mm2=None, reason="")
    with open_store(filled) as store:
        with pytest.raises(InputError, match="an area or the reason"):
            add_read(store, nothing)
        add_read(store, dataclasses.replace(nothing, reason="too dark"))
        with pytest.raises(InputError, match="knows no photo"):
            add_read(store, dataclasses.replace(READ, photo_id="none-00000000"))


def test_the_store_is_one_file_when_it_is_closed(filled):
    assert [path.name for path in filled.parent.iterdir()] == [STORE_NAME]
    assert check_store(filled) == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"not a database at all, but long enough to be one" * 40, "got something else"), (None, "is missing")],
)
def test_what_is_no_store(path, content, said):
    if content:
        path.write_bytes(content)
    with pytest.raises(FormatError, match=said), open_store(path):
        pass


def test_another_database_is_left_alone(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE mine (a)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(FormatError, match="no store of this package"), open_store(path, create=True):
        pass
    assert path.read_bytes() == before


def test_a_newer_store_is_not_touched(filled):
    with sqlite3.connect(filled) as connection:
        connection.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    connection.close()
    for read_only in (False, True):
        with pytest.raises(FormatError, match="that wrote it"), open_store(filled, read_only=read_only):
            pass


def test_an_older_store_is_brought_up_to_date_and_one_that_fails_stays_as_it_was(filled, monkeypatch):
    old = schema.MIGRATIONS
    monkeypatch.setattr(schema, "MIGRATIONS", (*old, "CREATE TABLE fresh (a); INSERT INTO nowhere VALUES (1)"))
    with pytest.raises(OutputError, match="nowhere"), open_store(filled):
        pass
    assert columns_of(filled, "fresh") == set()
    monkeypatch.setattr(schema, "MIGRATIONS", (*old, "CREATE TABLE fresh (a)"))
    with pytest.raises(FormatError, match="--resume"), open_store(filled, read_only=True):
        pass
    with open_store(filled) as store:
        assert len(list(iter_outcomes(store))) == 2
    assert columns_of(filled, "fresh") == {"a"}


def test_a_damaged_store(filled):
    content = bytearray(filled.read_bytes())
    page = int.from_bytes(content[16:18], "big")
    content[page + 8 :] = b"\xaa" * len(content[page + 8 :])
    filled.write_bytes(content)
    with pytest.raises(FormatError, match="is damaged"), open_store(filled, read_only=True) as store:
        list(iter_outcomes(store))


def test_another_writer(filled, run, monkeypatch):
    monkeypatch.setattr("oral_lesion.io.results_store.database._BUSY_TIMEOUT_MS", 10)
    with open_store(filled) as one, one.transaction(), open_store(filled) as other:
        assert len(list(iter_outcomes(other))) == 2  # readers are let in
        with pytest.raises(OutputError, match="another process is writing"):
            begin_run(other, run)


def test_a_full_disk_loses_nothing_that_was_stored(filled, run):
    with open_store(filled) as store:
        (pages,) = store.connection.execute("PRAGMA page_count").fetchone()
        store.connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(OutputError, match="the disk is full"), store.transaction():
            for _ in range(2000):
                begin_run(store, run)
    with open_store(filled, read_only=True) as store:
        assert len(list(iter_runs(store))) == 1
        assert len(list(iter_outcomes(store))) == 2


@pytest.mark.skipif(AS_ROOT, reason="root may write anywhere")
def test_read_only_results(filled, run):
    filled.chmod(0o444)
    filled.parent.chmod(0o555)
    try:
        with pytest.raises(OutputError, match="is read-only"), open_store(filled) as store:
            begin_run(store, run)
        with open_store(filled, read_only=True) as store:
            assert len(list(iter_outcomes(store))) == 2
    finally:
        filled.parent.chmod(0o755)


def test_a_store_that_was_not_closed_is_read_from_a_copy(filled, run, tmp_path):
    with open_store(filled) as store:
        begin_run(store, run)
        copy = tmp_path / "copy"
        copy.mkdir()
        for path in filled.parent.glob(f"{STORE_NAME}*"):
            shutil.copy(path, copy / path.name)
    with open_store(copy / STORE_NAME, read_only=True) as store:
        assert len(list(iter_runs(store))) == 2


FILL = """
import dataclasses, json, resource, sys
from pathlib import Path
import pickle
from oral_lesion.io.results_store import *
path, outcome, run, rows = pickle.loads(Path(sys.argv[1]).read_bytes())
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
names = lambda: (f"photo-{number:08d}" for number in range(rows))
peaks = {}
with open_store(path, create=True) as store:
    begin_run(store, run)
    list_photos(store, (ListedPhoto(place=outcome.place, photo_id=name, sha256="0") for name in names()))
    peaks["start"] = peak()
    with store.transaction():
        for done, name in enumerate(names()):
            identity = dataclasses.replace(outcome.identity, photo_id=name)
            add_outcome(store, dataclasses.replace(outcome, identity=identity))
    peaks["written"] = peak()
    export_csv(store, path.parent)
    peaks["exported"] = peak()
    peaks["read"] = sum(1 for _ in iter_outcomes(store))
    peaks["end"] = peak()
print(json.dumps(peaks))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs the resource module")
def test_memory_stays_flat_with_fifty_thousand_photos(path, run, scored, outcome_of, tmp_path):
    import pickle

    outcome = outcome_of(scored)
    outcome = dataclasses.replace(outcome, rows=dataclasses.replace(outcome.rows, colors=outcome.rows.colors[:1]))
    told = tmp_path / "told.pickle"
    told.write_bytes(pickle.dumps((path, outcome, run, 50_000)))
    done = subprocess.run([sys.executable, "-c", FILL, told], capture_output=True, text=True, check=True)
    peaks = json.loads(done.stdout)
    assert peaks["read"] == 50_000
    assert (tmp_path / "scores.csv").stat().st_size > 10e6
    assert peaks["end"] - peaks["start"] < 20, peaks  # MB
