"""`oral-lesion study` as a batch: every photo an outcome, whatever happens to it, to its process or to the run."""

import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import batch_study
import pytest
from batch_study import DEADLY, build_batch_study
from study_folders import rows_in
from visit_folders import tree_bytes

PHOTOS = 22
NOT_THE_SAME = ("run.json", "results.sqlite", ".lock")  # they tell the time
RUN = [sys.executable, batch_study.__file__]

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="ends processes as POSIX does")


def study(photos, out, *options):
    return [*RUN, "study", photos, "-o", out, "--segmenter", "truth", "--no-figures", "-j", "2", *options]


def ran(command, **options):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **options)


def tables_of(out):
    return {name: content for name, content in tree_bytes(out).items() if not name.endswith(NOT_THE_SAME)}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("batch") / "photos"
    reasons = build_batch_study(folder, photos=PHOTOS)
    return folder, reasons


@pytest.fixture(scope="module")
def undisturbed(photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    return ran(study(photos[0], out)), out


def test_every_photo_has_an_outcome_and_each_broken_one_its_reason(photos, undisturbed):
    run, out = undisturbed
    assert run.returncode == 3, run.stderr
    rows = {row["file"]: row for row in rows_in(out / "scores.csv") if row["subject"] == "S-999"}
    assert len(rows_in(out / "scores.csv")) == PHOTOS
    assert {name: row["reason"] for name, row in rows.items()} == photos[1]
    assert {row["status"] for row in rows_in(out / "scores.csv") if row["subject"] != "S-999"} == {"scored"}
    assert f"{PHOTOS - 13} scored, 13 refused" in run.stdout
    assert f"{PHOTOS} of {PHOTOS} photos" in run.stderr
    inputs = json.loads((out / "scores" / "S-999" / "week-00" / "run.json").read_bytes())["inputs"]
    assert "SIGKILL" in next(one["detail"] for one in inputs if one["file"] == DEADLY)


def test_tables_of_all_photos_are_those_of_the_visits(undisturbed):
    _, out = undisturbed
    for table in ("scores", "lesions", "quality", "colour"):
        rows = rows_in(out / f"{table}.csv")
        of_visits = [row for path in sorted(out.glob(f"scores/*/*/{table}.csv")) for row in rows_in(path)]
        assert len(rows) == len(of_visits) > 0
        for row, of_visit in zip(rows, of_visits, strict=True):
            assert {name: row[name] for name in of_visit} == of_visit
            assert row["subject"].startswith("S-")


def outcomes_in(out):
    """Return how many outcomes a running study has stored."""
    try:
        with sqlite3.connect(f"{(out / 'results.sqlite').as_uri()}?mode=ro", uri=True) as connection:
            return connection.execute("SELECT count(*) FROM outcomes").fetchone()[0]
    except sqlite3.OperationalError:
        return 0
    finally:
        if "connection" in locals():
            connection.close()


def test_a_run_that_is_ended_at_any_moment_goes_on_to_the_same_bytes(photos, undisturbed, tmp_path):
    out = tmp_path / "out"
    for number, moment in enumerate((1, 8, 15)):
        options = ["--resume"] if number else []
        with subprocess.Popen(list(map(str, study(photos[0], out, *options))), stderr=subprocess.DEVNULL) as run:
            while outcomes_in(out) < moment:
                assert run.poll() is None, "ended before it could be stopped"
                time.sleep(0.01)
            run.kill()
    last = ran(study(photos[0], out, "--resume"))
    assert last.returncode == 3, last.stderr
    assert tables_of(out) == tables_of(undisturbed[1])
    assert outcomes_in(out) == PHOTOS  # a photo that was done was not done again
    verdict = ran([*RUN, "audit", "verify", tmp_path, "--results", out])
    assert verdict.returncode == 0, verdict.stdout
    assert verdict.stdout.count("no end of it") == 3


@pytest.fixture
def small(undisturbed, photos, tmp_path):
    """One subject's photos and results of one's own."""
    folder, out = tmp_path / "photos", tmp_path / "out"
    for part in ("S-000", "truth/S-000"):
        shutil.copytree(photos[0] / part, folder / part)
    return folder, out


@pytest.fixture
def score(command, small):
    def call(*options):
        return command("study", small[0], "-o", small[1], "--segmenter", "truth", "--no-figures", *options)

    return call


def test_a_dry_run_tells_what_it_would_do_and_writes_nothing(score, small):
    folder, out = small
    ran = score("--dry-run")
    assert ran.code == 0
    assert "score  S-000/week-00/buccal-left.jpg" in ran.out
    assert "2 to score, 0 to score again, 0 to keep" in ran.out
    assert sorted(path.name for path in out.parent.iterdir()) == ["photos"]
    assert score().code == 0
    with (folder / "S-000" / "week-00" / "buccal-left.jpg").open("ab") as file:
        file.write(b"edited")
    (folder / "S-000" / "week-04" / "photos.csv").write_text("file,replicate\nbuccal-left.jpg,2\n")
    before = tree_bytes(out)
    assert "would stop without --resume" in score("--dry-run").out
    ran = score("--dry-run", "--resume")
    assert "would stop" not in ran.out
    assert "again  S-000/week-00/buccal-left.jpg (the file changed)" in ran.out
    assert "again  S-000/week-04/buccal-left.jpg (declared otherwise (replicate))" in ran.out
    assert tree_bytes(out) == before


def test_what_failed_for_reasons_of_the_machine_is_tried_again_where_one_asks_for_it(command, photos, undisturbed):
    run = ("study", photos[0], "-o", undisturbed[1], "--segmenter", "truth", "--resume", "--dry-run")
    assert f"0 to score, 0 to score again, {PHOTOS} to keep" in command(*run).out
    ran = command(*run, "--retry")
    assert f"again  S-999/week-00/{DEADLY} (was refused with worker-crashed)" in ran.out
    assert f"0 to score, 1 to score again, {PHOTOS - 1} to keep" in ran.out


def test_a_photo_that_changed_between_runs_is_scored_again_and_its_first_result_stays(score, small):
    folder, out = small
    assert score().code == 0
    with (folder / "S-000" / "week-00" / "buccal-left.jpg").open("ab") as file:
        file.write(b"edited")
    ran = score("--resume", "--parquet", "--provenance")
    assert ran.code == 0
    assert "of which 1 were kept" in ran.out
    assert outcomes_in(out) == 3
    (gone,) = json.loads((out / "run.json").read_bytes())["no_longer_there"]
    assert gone.startswith("S-000/week-00/buccal-left-")
    assert f"its result is in the store alone: {gone}" in ran.out
    assert {path.name for path in out.iterdir()} >= {"scores.parquet", "ro-crate-metadata.json", "sbom.cdx.json"}
    assert len(rows_in(out / "scores.csv")) == 2
    assert len(list((out / "scores" / "S-000" / "week-00" / "photos").iterdir())) == 1


def test_under_a_lock_photos_are_read_once_and_a_resumed_run_is_the_same_run(command, photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(photos[0] / "S-000", "photos/S-000")
    from oral_lesion.io.resources import default_protocol_path

    shutil.copy(default_protocol_path(), "protocol.toml")
    assert command("lock", "protocol.toml", "-o", "study.lock").code == 0
    run = ("study", "photos", "--protocol", "protocol.toml", "--locked", "study.lock", "--no-figures", "-o")
    shutil.move("photos/S-000/week-04", "later")
    assert command(*run, "out").code == 0
    shutil.move("later", "photos/S-000/week-04")
    second = command(*run, "elsewhere")
    assert second.code == 1
    assert "have a result already" in second.err
    assert command(*run, "out", "--resume").code == 0  # the new visit alone is scored
    assert len(rows_in(Path("out/scores.csv"))) == 2
    with Path("photos/S-000/week-00/buccal-left.jpg").open("ab") as file:
        file.write(b"edited")
    changed = command(*run, "out", "--resume")
    assert changed.code == 1
    assert "1 file differs from what was scored under the same name: S-000/week-00/buccal-left.jpg" in changed.err
    superseding = command(*run, "out", "--resume", "--supersede", "--reason", "wrong file sent")
    assert superseding.code == 0, superseding.said
    assert outcomes_in(Path("out").resolve()) == 3
    assert len(list(Path("out/superseded/S-000/week-00").glob("*/mask.png"))) == 1
    shutil.move("photos/S-000/week-04", "later")
    assert "store alone: S-000/week-04/buccal-left-" in command(*run, "out", "--resume").out
    assert len(list(Path("out/superseded/S-000/week-04").glob("*/mask.png"))) == 1
    assert command("audit", "verify", ".", "--results", "out").code == 0
    log = Path("oral-lesion-audit.jsonl").read_text()
    actions = [entry["action"] for entry in map(json.loads, log.splitlines())]
    assert actions.count("study-refused") == 1
    assert actions.count("study-finished") == 4
    other = Path("other.toml")
    other.write_text(Path("protocol.toml").read_text().replace("max_tilt_deg = 35.0", "max_tilt_deg = 36.0"))
    refused = command("study", "photos", "--protocol", "other.toml", "--locked", "study.lock", "-o", "third")
    assert refused.code == 1
    assert "limits.max_tilt_deg: locked as 35.0, got 36.0" in refused.err


def test_a_study_is_replayed_over_all_its_visits(command, photos, undisturbed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results, out = undisturbed[1], tmp_path / "out"
    shutil.copytree(results, out, ignore=shutil.ignore_patterns("photos"))
    for subject in ("S-001", "S-002"):
        shutil.rmtree(out / "scores" / subject)
    replay = ("replay", out, "--photos", photos[0], "--audit", tmp_path)
    ran = command(*replay, "--sample", "3", "--seed", "5")
    assert f"3 of {2 + 13} photos scored again" in ran.out, ran.said
    scores = out / "scores" / "S-000" / "week-04" / "scores.csv"
    (edited,) = rows_in(scores)
    scores.write_text(scores.read_text().replace(edited["erosion_area_mm2"], "999.000", 1))
    ran = command(*replay, "-j", "2")
    assert ran.code == 3
    found = [row for row in rows_in(tmp_path / "replay.csv") if row["table"] == "scores.csv"]
    area = next(row for row in found if row["field"] == "erosion_area_mm2" and row["stored"])
    assert area["photo_id"] == f"S-000/week-04/{edited['photo_id']}"
    assert (area["stored"], area["scored_again"]) == ("999.000", edited["erosion_area_mm2"])
    others = {row["photo_id"] for row in found} - {area["photo_id"]}
    assert {name.split("/")[2].split("-")[0] for name in others} == {"deadly"}  # here it ends no process


def test_what_ended_its_process_when_it_was_scored_and_does_so_again_is_no_difference(photos, undisturbed, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(undisturbed[1], out, ignore=shutil.ignore_patterns("photos"))
    for subject in ("S-000", "S-001", "S-002"):
        shutil.rmtree(out / "scores" / subject)
    again = ran([*RUN, "replay", out, "--photos", photos[0], "--audit", tmp_path, "-o", tmp_path / "replay.csv"])
    assert again.returncode == 0, again.stdout
    assert "13 of 13 photos scored again: 0 with differences" in again.stdout


def test_an_edit_of_the_store_or_of_a_table_is_found(command, undisturbed, tmp_path):
    from oral_lesion.io.results_store import iter_events, open_store

    _, out = undisturbed
    with open_store(out / "results.sqlite", read_only=True) as store:
        assert [event["action"] for event in iter_events(store)] == ["log-started", "study-started", "study-finished"]
    mine = tmp_path / "out"
    shutil.copytree(out, mine)
    verify = ("audit", "verify", out.parent, "--results", mine)
    assert command(*verify).code == 0
    with sqlite3.connect(mine / "results.sqlite") as connection:
        connection.execute("UPDATE outcomes SET erosion_area_mm2 = 0.5 WHERE erosion_area_mm2 > 100")
    connection.close()
    ran = command(*verify)
    assert ran.code == 1
    assert "out/results.sqlite: says otherwise than scores.csv" in ran.out
    (mine / "results.sqlite").write_bytes(b"SQLite format 3\0" + bytes(5000))
    assert command(*verify).code == 1


def test_two_runs_do_not_work_on_the_same_results(score, small):
    from oral_lesion.io.study_results import StudyResults

    folder, out = small
    with StudyResults(out, [folder]).locked():
        for options in ((), ("--supersede", "--reason", "impatience")):
            ran = score(*options)
            assert ran.code == 1
            assert f"{out}: another run is writing to it. Wait for it, then run again." in ran.err
            assert out.is_dir()


def test_a_full_disk_stops_the_run_and_loses_nothing(score, small, monkeypatch):
    from oral_lesion.io import study_scoring
    from oral_lesion.io.results_store import add_outcome

    _, out = small
    calls = []

    def full_at_the_second(store, outcome):
        calls.append(outcome)
        if len(calls) == 2:
            store.connection.execute("PRAGMA max_page_count = 1")
            (pages,) = store.connection.execute("PRAGMA page_count").fetchone()
            store.connection.execute(f"PRAGMA max_page_count = {pages}")
            with store.transaction() as connection:
                connection.execute("CREATE TABLE filler AS SELECT zeroblob(10000000)")
        add_outcome(store, outcome)

    monkeypatch.setattr(study_scoring, "add_outcome", full_at_the_second)
    ran = score()
    assert ran.code == 1
    assert "results.sqlite: the disk is full. Free space, then go on with --resume." in ran.err
    monkeypatch.undo()
    assert outcomes_in(out) == 1
    assert score("--resume").code == 0
    assert outcomes_in(out) == 2


def test_results_that_cannot_be_written(score, small):
    small[1].parent.joinpath("file").write_text("x")
    small[1].write_text("a file in place of the folder")
    ran = score()
    assert ran.code == 1
    assert f"{small[1]}: expected a folder or nothing" in ran.err


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_results_that_are_read_only(score, small):
    assert score().code == 0
    small[1].chmod(0o555)
    try:
        ran = score("--resume")
    finally:
        small[1].chmod(0o755)
    assert ran.code == 1
    assert f"{small[1]}: cannot be written" in ran.err


MANIFEST = [
    ("path", "subject", "visit", "site"),
    ("S-000/week-00/buccal-left.jpg", "A-1", "week-00", "buccal-left"),
    ("S-000/week-04/buccal-left.jpg", "A-1", "week-04", "buccal-left"),
    ("../outside.jpg", "A-1", "week-00", ""),
]


def write_manifest(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def test_a_manifest_names_the_photos(command, small, tmp_path):
    folder, out = small
    manifest = folder / "all.csv"
    write_manifest(manifest, MANIFEST)
    shutil.copy(folder / "S-000" / "week-00" / "buccal-left.jpg", tmp_path / "outside.jpg")
    ran = command("study", manifest, "-o", out, "--no-figures", "--segmenter", "truth")
    assert ran.code == 3, ran.said
    rows = rows_in(out / "scores.csv")
    assert [(row["subject"], row["visit"], row["status"], row["reason"]) for row in rows] == [
        ("A-1", "week-00", "scored", ""),
        ("A-1", "week-00", "refused", "unreadable"),
        ("A-1", "week-04", "scored", ""),
    ]
    assert (out / "scores" / "A-1" / "week-04" / "run.json").is_file()
    assert {row["subject"] for row in rows_in(out / "changes.csv")} == {"A-1"}
    inside = command("study", manifest, "-o", folder / "S-000" / "week-00" / "out", "--segmenter", "truth")
    assert inside.code == 1
    assert "apart" in inside.err


def test_what_is_declared_of_a_photo_that_cannot_be_read_is_taken_over(command, small):
    folder, out = small
    run = ("study", folder / "all.csv", "-o", out, "--no-figures", "--no-report", "--segmenter", "truth")
    photo = "S-000/week-00/buccal-left.jpg"
    for site, options in (("tongue-dorsal", ()), ("buccal-right", ("--resume",))):
        write_manifest(
            folder / "all.csv",
            [("path", "subject", "visit", "site"), (photo, "A-1", "week-00", ""), ("no.jpg", "A-1", "week-00", site)],
        )
        assert command(*run, *options).code == 3
        assert [row["site"] for row in rows_in(out / "scores.csv") if row["status"] == "refused"] == [site]
    assert "0 to score again, 2 to keep" in command(*run, "--resume", "--dry-run").out


def test_results_that_are_being_removed_are_not_called_finished(small, monkeypatch):
    from oral_lesion.io.study_results import StudyResults

    def stopped(*_, **__):
        raise KeyboardInterrupt

    results = StudyResults(small[1], [small[0]])
    small[1].mkdir()
    (small[1] / "run.json").write_text('{"command": "study", "finished": true}')
    monkeypatch.setattr(StudyResults, "_remove", stopped)
    with pytest.raises(KeyboardInterrupt):
        results.begin(resume=True, overwrite=False)
    assert results.run_before() == {"command": "study", "finished": False}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("file", "subject", "visit"), ("a.jpg", "S", "V")], "column 'path' is missing"),
        ([("path", "subject", "visit"), ("a.jpg", "", "V")], "line 2, subject: is empty"),
        ([("path", "subject", "visit"), ("a.jpg", "../up", "V")], "'../up' cannot be the name of a folder"),
        ([("path", "subject", "visit", "arm"), ("a.jpg", "S", "V", "1")], "seems to tell the treatment"),
        ([("path", "subject", "visit"), ("a.jpg", "S", "V"), ("./a.jpg", "T", "V")], "is already in line 2"),
        ([("path", "subject", "visit"), ("a.jpg", "S", "Week_00")], "in its spelling alone"),
    ],
)
def test_faults_of_a_studys_manifest_stop_the_run(command, tmp_path, rows, said):
    write_manifest(tmp_path / "all.csv", rows)
    ran = command("study", tmp_path / "all.csv", "-o", tmp_path / "out", "--no-figures")
    assert ran.code == 1
    assert said in ran.err
    assert not (tmp_path / "out").exists()


def test_contradicting_options_are_wrong_usage(score):
    assert score("--resume", "--overwrite").code == 2
    assert score("--retry").code == 2
    assert score("--supersede").code == 2
