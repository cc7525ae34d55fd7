"""Whatever is done to an audit log is found; whatever a crash does to it is mended and told."""

import json
import multiprocessing
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from audit_writers import append_many

from oral_lesion.errors import FormatError, InputError, OutputError
from oral_lesion.io.audit import LOG_NAME, AuditedRun, AuditLog, audited, find_log, verify_log, verify_results
from oral_lesion.io.audit.entries import AuditEntry, parse_line
from oral_lesion.io.audit.head import head_path, read_head, write_head

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Clock:
    """A second later at each look."""

    def __init__(self, begin=NOON):
        self.now = begin

    def __call__(self):
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture(scope="module")
def finished_log(tmp_path_factory):
    """The entry that begins a log, and five more."""
    log = AuditLog(tmp_path_factory.mktemp("log") / LOG_NAME, clock=Clock())
    for number in range(5):
        log.append("visit-noted", details={"photos": [f"{number:064x}"]}, operator="A. B.", reason="visit")
    return log.path


@pytest.fixture
def log(finished_log, tmp_path):
    """A copy of one's own."""
    for path in (finished_log, head_path(finished_log)):
        shutil.copy(path, tmp_path / path.name)
    return AuditLog(tmp_path / LOG_NAME, clock=Clock(NOON + timedelta(hours=1)))


def lines_of(log):
    return log.path.read_bytes().splitlines(keepends=True)


def rewrite(log, lines):
    log.path.write_bytes(b"".join(lines))


def faults(log, **options):
    return [str(finding) for finding in verify_log(log.path, **options).findings]


def rehashed(line, **changes):
    return replace(parse_line(line.rstrip(b"\n")), **changes)


def test_a_log_as_it_was_written_is_intact(log):
    verdict = verify_log(log.path)
    assert verdict.intact
    assert verdict.notes == ()
    assert [entry.sequence for entry in verdict.entries] == [1, 2, 3, 4, 5, 6]
    assert verdict.head_sha256 == json.loads(lines_of(log)[-1])["sha256"]
    assert read_head(log.path).bytes == log.path.stat().st_size


def test_an_entry_says_who_what_when_and_why(log):
    entry = log.entries()[1]
    assert entry.utc == "2026-03-01T12:00:02.000Z"
    assert entry.who["operator"] == "A. B."
    assert entry.who["os_user"]
    assert (entry.action, entry.reason) == ("visit-noted", "visit")
    assert entry.details == {"photos": ["0" * 64]}
    assert log.entries()[0].who.keys() == {"os_user"}


def test_times_are_utc_whatever_the_clock_says(tmp_path):
    from datetime import timezone

    log = AuditLog(tmp_path / LOG_NAME, clock=lambda: NOON.astimezone(timezone(timedelta(hours=5, minutes=30))))
    assert log.append("any", details={}).utc == "2026-03-01T12:00:00.000Z"


def test_the_hash_is_that_of_the_canonical_json_by_another_hand(log):
    """Written out again here, so that the form cannot change unnoticed: old logs must stay verifiable."""
    import hashlib

    for line in lines_of(log):
        contents = json.loads(line)
        stated = contents.pop("sha256")
        text = json.dumps(contents, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).hexdigest() == stated


def test_any_bytes_of_text_go_through(tmp_path):
    log = AuditLog(tmp_path / LOG_NAME)
    reason = 'Zeile\nzwei "ü" 口腔 \x00 \ud800'
    log.append("any", details={"results": "Prüfung 一"}, reason=reason, operator="Ä\u2028B")
    assert verify_log(log.path).intact
    assert log.entries()[1].reason == reason
    assert log.path.read_bytes().isascii()
    assert len(lines_of(log)) == 2


def test_an_edit_is_found(log):
    lines = lines_of(log)
    lines[2] = lines[2].replace(b'"reason":"visit"', b'"reason":"visiT"')
    rewrite(log, lines)
    assert faults(log) == [f"line 3: was edited: {faults(log)[0].partition('edited: ')[2]}"]


def test_an_edit_with_a_hash_of_its_own_is_found_at_the_next_line(log):
    lines = lines_of(log)
    lines[2] = rehashed(lines[2], reason="vizit").line
    rewrite(log, lines)
    (fault,) = faults(log)
    assert fault.startswith("line 4: does not follow the line before")


def test_an_edit_of_the_last_entry_with_a_hash_of_its_own_is_found_by_the_head(log):
    lines = lines_of(log)
    lines[5] = rehashed(lines[5], reason="vizit").line
    rewrite(log, lines)
    (fault,) = faults(log)
    assert fault.startswith("line 6: is not the last entry that the head names")


@pytest.mark.parametrize("change", [lambda line: line.replace(b":", b": ", 1), lambda line: line[:-1] + b" \n"])
def test_another_spelling_of_the_same_values_is_found(log, change):
    lines = lines_of(log)
    lines[3] = change(lines[3])
    rewrite(log, lines)
    assert faults(log)[0].startswith("line 4: was edited")


@pytest.mark.parametrize("removed", [[3], [2, 3], [0]])
def test_a_removal_in_the_middle_is_found(log, removed):
    rewrite(log, [line for index, line in enumerate(lines_of(log)) if index not in removed])
    fault = faults(log)[0]
    assert fault.startswith(f"line {removed[0] + 1}: entr")
    assert "missing before it" in fault


def test_a_removal_with_all_later_entries_written_anew_is_found_by_the_head(log):
    lines = lines_of(log)
    previous, fresh = parse_line(lines[1].rstrip()).sha256, lines[:2]
    for line in lines[3:]:
        entry = rehashed(line, previous=previous, sequence=len(fresh) + 1)
        fresh.append(entry.line)
        previous = entry.sha256
    rewrite(log, fresh)
    (fault,) = faults(log)
    assert fault.startswith("line 5: the log ends here, its head says 6 entries")


def test_a_new_order_is_found(log):
    lines = lines_of(log)
    rewrite(log, [*lines[:2], lines[3], lines[2], *lines[4:]])
    found = faults(log)
    assert found[0].startswith("line 3: entry 3 is missing before it")
    assert found[1].startswith("line 4: entry 3 stands here a second time, or was moved")


def test_a_repeated_line_is_found(log):
    lines = lines_of(log)
    rewrite(log, [*lines[:3], lines[2], *lines[3:]])
    assert faults(log)[0].startswith("line 4: entry 3 stands here a second time")


@pytest.mark.parametrize("kept", [0, 1, 5])
def test_a_cut_is_found(log, kept):
    rewrite(log, lines_of(log)[:kept])
    (fault,) = faults(log)
    assert fault == f"line {kept}: the log ends here, its head says 6 entries: the end was cut off"


def test_a_cut_within_a_line_is_found(log):
    log.path.write_bytes(log.path.read_bytes()[:-20])
    found = faults(log)
    assert "the end was cut off" in found[0]
    assert found[1].startswith("line 6: is cut short")


def test_a_forged_entry_at_the_end_is_found(log):
    last = parse_line(lines_of(log)[-1].rstrip())
    forged = replace(last, sequence=7, previous=last.sha256, reason="forged")
    rewrite(log, [*lines_of(log), forged.line])
    (fault,) = faults(log)
    assert fault == "line 7: its head ends at entry 6: what follows was not added by this package"


def test_a_line_of_anything_else_is_found(log):
    for rubbish in (b"{}\n", b"\n", b"[1]\n", b"\xff\n", b"[" * 100_000 + b"\n"):
        lines = lines_of(log)
        rewrite(log, [*lines, rubbish])
        assert faults(log)[0].startswith("line 7: is no entry"), rubbish[:5]
        rewrite(log, lines)


def test_an_entry_of_another_log_is_found(log, tmp_path):
    other = AuditLog(tmp_path / "other" / LOG_NAME, clock=Clock())
    for _ in range(5):
        other.append("visit-noted", details={})
    lines, theirs = lines_of(log), lines_of(other)
    rewrite(log, [*lines[:3], theirs[3], *lines[4:]])
    assert faults(log)[0].startswith("line 4: does not follow the line before")


@pytest.mark.parametrize("key, value", [("entries", 5), ("sha256", "0" * 64), ("bytes", 1), ("log_id", "x")])
def test_an_edited_head_is_found(log, key, value):
    contents = json.loads(head_path(log.path).read_bytes())
    head_path(log.path).write_text(json.dumps({**contents, key: value}))
    assert faults(log)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"entries":true}'])
def test_a_spoilt_head_is_found(log, content):
    head_path(log.path).write_bytes(content)
    (fault,) = faults(log)
    assert fault == f"{LOG_NAME}.head: is not the head of an audit log as this package writes it"
    with pytest.raises(FormatError, match="audit verify"):
        log.append("any", details={})


def test_a_removed_head_is_found_and_nothing_is_appended(log):
    head_path(log.path).unlink()
    before = log.path.read_bytes()
    assert faults(log) == [f"{LOG_NAME}.head: is missing"]
    with pytest.raises(FormatError, match="is missing, but the log is there"):
        log.append("any", details={})
    assert log.path.read_bytes() == before


def test_a_removed_log_is_not_begun_anew(log):
    log.path.unlink()
    with pytest.raises(FormatError, match=r"expected \d+ bytes"):
        log.append("any", details={})


@pytest.mark.parametrize("spoil", [lambda text: text[:-30], lambda text: text + b"{}\n"])
def test_nothing_is_appended_to_a_log_that_its_head_does_not_know(log, spoil):
    log.path.write_bytes(spoil(log.path.read_bytes()))
    before = log.path.read_bytes()
    with pytest.raises(FormatError, match="as its head says"):
        log.append("any", details={})
    assert log.path.read_bytes() == before


def test_a_log_cut_with_its_head_is_found_by_a_noted_hash(log):
    """Log and head taken back together to what they were: the chain alone cannot tell."""
    noted = log.entries()[-1].sha256
    lines = lines_of(log)[:4]
    rewrite(log, lines)
    head = replace(read_head(log.path), entries=4, bytes=sum(map(len, lines)), sha256=parse_line(lines[3][:-1]).sha256)
    write_head(log.path, head)
    assert faults(log) == []
    assert faults(log, noted_heads=(noted,)) == [f"noted head {noted}: no entry of the log has this hash"]
    assert faults(log, noted_heads=(head.sha256[:12],)) == []
    with pytest.raises(InputError, match="12 digits"):
        verify_log(log.path, noted_heads=("abc",))


def test_a_clock_set_back_is_a_note_and_no_fault(log):
    AuditLog(log.path, clock=Clock(NOON - timedelta(days=1))).append("any", details={})
    verdict = verify_log(log.path)
    assert verdict.intact
    assert "is before that of the entry before" in str(verdict.notes[0])


# --- crashes


def interrupted(log, *, written, genesis=False):
    """Leave the log as a process does that ends while it writes; return the line that it was writing."""
    head = read_head(log.path)
    last = parse_line(lines_of(log)[-1].rstrip())
    entry = replace(last, sequence=last.sequence + 1, previous=last.sha256, reason="half written")
    write_head(log.path, replace(head, pending=entry.line.decode()))
    with log.path.open("ab") as file:
        file.write(entry.line[:written])
    return entry


@pytest.mark.parametrize("written", [0, 1, 100, -1, None])
def test_a_half_written_entry_is_finished_and_told(log, written):
    entry = interrupted(log, written=written)
    verdict = verify_log(log.path)
    assert verdict.intact
    assert "interrupted" in str(verdict.notes[0])
    log.append("next", details={})
    assert verify_log(log.path).intact
    assert verify_log(log.path).notes == ()
    entries = log.entries()
    assert [one.action for one in entries[6:]] == ["visit-noted", "log-recovered", "next"]
    assert entries[6] == entry
    assert entries[7].details["entry"] == 7
    assert entries[7].details["bytes_found"] == len(entry.line[:written])


def test_a_half_written_entry_does_not_hide_the_others(log):
    interrupted(log, written=50)
    assert len(log.entries()) == 6


def test_a_tail_that_is_not_what_was_being_written_is_found(log):
    interrupted(log, written=50)
    with log.path.open("ab") as file:
        file.write(b"xyz")
    assert faults(log)[0].startswith("line 7: is cut short, or was begun by something else")
    with pytest.raises(FormatError, match="does not end as its head says"):
        log.append("any", details={})


def test_a_cut_is_not_taken_for_an_interruption(log):
    interrupted(log, written=0)
    rewrite(log, lines_of(log)[:4])
    assert "the end was cut off" in faults(log)[0]
    with pytest.raises(FormatError, match="does not end as its head says"):
        log.append("any", details={})


def test_a_log_whose_first_write_was_interrupted_goes_on(tmp_path):
    log = AuditLog(tmp_path / LOG_NAME)
    log.append("any", details={})
    first = lines_of(log)[0]
    log.path.write_bytes(first[:30])
    fresh = replace(read_head(log.path), entries=0, bytes=0, sha256="0" * 64, pending=first.decode())
    write_head(log.path, fresh)
    log.append("next", details={})
    assert [entry.action for entry in log.entries()] == ["log-started", "log-recovered", "next"]
    assert verify_log(log.path).intact


def test_a_full_disk_is_an_error_and_is_mended(log, monkeypatch):
    write = os.write

    def fail(descriptor, content):
        write(descriptor, bytes(content)[:40])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", fail)
    with pytest.raises(OutputError, match="No space left"):
        log.append("lost", details={})
    monkeypatch.undo()
    log.append("next", details={})
    assert [entry.action for entry in log.entries()][6:] == ["lost", "log-recovered", "next"]


# --- several writers


def test_writers_in_several_processes_lose_nothing(tmp_path):
    path, count = tmp_path / LOG_NAME, 12
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=append_many, args=(path, name, count)) for name in ("a", "b", "c")]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        if path.is_file() and path.stat().st_size:
            assert verify_log(path).intact  # readers see the log between two writes, never within one
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    verdict = verify_log(path)
    assert verdict.intact
    assert len(verdict.entries) == 1 + 3 * count
    for name in ("a", "b", "c"):
        mine = [entry.details["number"] for entry in verdict.entries if entry.who.get("operator") == name]
        assert mine == list(range(count))


def test_a_writer_that_keeps_the_log_for_too_long_is_named(log):
    from oral_lesion.io.audit.file_lock import file_locked

    with (
        log.path.open("ab") as file,
        file_locked(file.fileno(), log.path, timeout_s=1),
        pytest.raises(OutputError, match="another run has been writing"),
    ):
        AuditLog(log.path, timeout_s=0.05).append("any", details={})


# --- runs


@pytest.fixture
def study(tmp_path):
    return tmp_path / "scores" / "S-001"


def run_of(results, **options):
    return AuditedRun(command="score", results=results, hashes={"protocol_sha256": "1" * 64}, **options)


def write_results(folder, text="1.0"):
    (folder / "photos" / "one").mkdir(parents=True)
    (folder / "scores.csv").write_text(f"area\n{text}\n")
    (folder / "photos" / "one" / "mask.png").write_text("mask")
    (folder / "run.json").write_text('{"schema_version": 1}')


def scored(results, text="1.0", **options):
    with audited(run_of(results, **options), clock=Clock()) as started:
        write_results(results, text)
    return started


def actions(log):
    return [entry.action for entry in AuditLog(log).entries()]


def test_a_run_leaves_a_beginning_an_end_and_its_name_in_run_json(study):
    started = scored(study / "week-00", photos=["b" * 64, "a" * 64])
    log = find_log(study / "week-00")
    assert log == study / LOG_NAME
    assert actions(log) == ["log-started", "score-started", "score-finished"]
    begun, ended = AuditLog(log).entries()[1:]
    assert begun.details == {
        "results": "week-00",
        "protocol_sha256": "1" * 64,
        "photos": ["a" * 64, "b" * 64],
    }
    assert ended.details["files"].keys() == {"scores.csv", "run.json", "photos/"}
    run = json.loads((study / "week-00" / "run.json").read_text())
    assert run["audit"] == {"log_id": started.log_id, "sequence": 2, "sha256": started.sha256}
    assert run["schema_version"] == 1
    assert verify_results(study / "week-00", verify_log(log)).intact


def test_a_run_that_fails_is_told_too(study):
    with pytest.raises(RuntimeError), audited(run_of(study / "week-00")):
        raise RuntimeError("S. Müller's photo at /home/anna")
    entry = AuditLog(study / LOG_NAME).entries()[-1]
    assert (entry.action, entry.details["error"], entry.details["started"]) == ("score-failed", "RuntimeError", 2)
    assert "anna" not in (study / LOG_NAME).read_text()


def test_no_absolute_path_comes_into_the_log(study, tmp_path):
    scored(study / "week-00", log=tmp_path / "elsewhere" / "log.jsonl")
    text = (tmp_path / "elsewhere" / "log.jsonl").read_text()
    assert str(tmp_path) not in text
    assert AuditLog(tmp_path / "elsewhere" / "log.jsonl").entries()[1].details["results"] == "…/S-001/week-00"


def test_the_log_of_a_visit_within_a_studys_results_is_the_studys(tmp_path):
    visit = tmp_path / "out" / "scores" / "S-001" / "week-00"
    visit.mkdir(parents=True)
    assert find_log(visit) == visit.parent / LOG_NAME
    (tmp_path / "out" / "run.json").write_text("{}")
    assert find_log(visit) == find_log(tmp_path / "out") == tmp_path / LOG_NAME


def test_a_log_is_given_by_its_folder_too(study):
    study.mkdir(parents=True)
    assert find_log(study / "week-00", study.parent) == study.parent / LOG_NAME
    assert find_log(study / "week-00", study / "my.jsonl") == study / "my.jsonl"


def test_a_log_one_folder_up_is_taken(study):
    AuditLog(study.parent / LOG_NAME).append("log-opened", details={})
    scored(study / "week-00")
    assert not (study / LOG_NAME).exists()
    assert AuditLog(study.parent / LOG_NAME).entries()[-1].details["results"] == "S-001/week-00"


def test_the_log_is_never_written_among_the_photos(tmp_path):
    photos = tmp_path / "S-001" / "week-00"
    photos.mkdir(parents=True)
    with pytest.raises(OutputError, match="apart from the photos"), audited(run_of(photos / "out", inputs=photos)):
        raise AssertionError
    assert list(photos.iterdir()) == []


@pytest.mark.parametrize(
    "file, what",
    [("scores.csv", "was changed"), ("photos/one/mask.png", "something in it was changed"), ("run.json", "changed")],
)
def test_a_changed_result_is_found(study, file, what):
    scored(study / "week-00")
    path = study / "week-00" / file
    path.write_text(path.read_text().rstrip("}\n") + (', "x": 1}' if file == "run.json" else "9"))
    (finding,) = verify_results(study / "week-00", verify_log(study / LOG_NAME)).findings
    assert what in finding.what


def test_a_removed_result_is_found_and_an_added_one_noted(study):
    scored(study / "week-00")
    (study / "week-00" / "scores.csv").unlink()
    (study / "week-00" / "report.html").write_text("later")
    verdict = verify_results(study / "week-00", verify_log(study / LOG_NAME))
    assert [str(finding) for finding in verdict.findings] == ["week-00/scores.csv: is missing"]
    assert [note.where for note in verdict.notes] == ["week-00/report.html"]


def test_a_run_that_was_stopped_is_noted(study):
    scored(study / "week-00")
    with pytest.raises(RuntimeError), audited(run_of(study / "week-04")):
        raise RuntimeError
    assert verify_log(study / LOG_NAME).notes == ()
    AuditLog(study / LOG_NAME).append("score-started", details={})
    verdict = verify_log(study / LOG_NAME)
    assert verdict.intact
    assert [note.where for note in verdict.notes] == ["entry 6"]


@pytest.mark.parametrize("kept, what", [(1, "which the log does not have"), (2, "but not the end of this run")])
def test_a_log_cut_with_its_head_is_found_by_the_results(study, kept, what):
    scored(study / "week-00")
    log = study / LOG_NAME
    lines = log.read_bytes().splitlines(keepends=True)[:kept]
    log.write_bytes(b"".join(lines))
    sha256 = parse_line(lines[-1].rstrip()).sha256
    write_head(log, replace(read_head(log), entries=kept, bytes=sum(map(len, lines)), sha256=sha256))
    assert verify_log(log).intact
    (finding,) = verify_results(study / "week-00", verify_log(log)).findings
    assert what in finding.what


def test_results_of_another_log_are_found(study, tmp_path):
    scored(study / "week-00")
    scored(tmp_path / "other" / "week-00")
    (finding,) = verify_results(study / "week-00", verify_log(tmp_path / "other" / LOG_NAME)).findings
    assert finding.what == "was written with another log"


@pytest.mark.parametrize("content", [None, "{}", "[]", '{"audit": 1}', "rubbish"])
def test_results_that_name_no_entry_are_found(study, content):
    scored(study / "week-00")
    run = study / "week-00" / "run.json"
    run.unlink() if content is None else run.write_text(content)
    (finding,) = verify_results(study / "week-00", verify_log(study / LOG_NAME)).findings
    assert "names no entry" in finding.what


# --- read once


def test_a_second_result_keeps_the_first(study):
    scored(study / "week-00", "1.0", photos=["a" * 64])
    scored(study / "week-00", "2.0", photos=["a" * 64], supersede=True, reason="wrong lamp")
    scored(study / "week-00", "3.0", photos=["a" * 64], supersede=True, reason="again")
    texts = [(study / f"week-00{end}" / "scores.csv").read_text() for end in ("", ".superseded-1", ".superseded-2")]
    assert texts == ["area\n3.0\n", "area\n1.0\n", "area\n2.0\n"]
    last = AuditLog(study / LOG_NAME).entries()[-2]
    assert last.reason == "again"
    assert last.details["earlier_entries"] == [2, 4]
    assert last.details["results_before"]["kept_as"] == "week-00.superseded-2"
    verdict = verify_log(study / LOG_NAME)
    for end in ("", ".superseded-1", ".superseded-2"):
        verdict = verify_results(study / f"week-00{end}", verdict)
    assert verdict.intact


def test_a_second_result_needs_a_reason(study):
    scored(study / "week-00")
    for reason in ("", "  "):
        with (
            pytest.raises(InputError, match="--reason"),
            audited(run_of(study / "week-00", supersede=True, reason=reason)),
        ):
            raise AssertionError
    assert (study / "week-00" / "scores.csv").is_file()


def test_the_first_result_gets_its_name_back_where_the_second_fails(study):
    scored(study / "week-00", "1.0")
    with (
        pytest.raises(RuntimeError),
        audited(run_of(study / "week-00", supersede=True, reason="wrong lamp")),
    ):
        assert not (study / "week-00").exists()
        raise RuntimeError
    assert (study / "week-00" / "scores.csv").read_text() == "area\n1.0\n"
    assert sorted(path.name for path in study.iterdir()) == [LOG_NAME, f"{LOG_NAME}.head", "week-00"]


def test_where_photos_are_read_once_another_folder_does_not_help(study):
    scored(study / "week-00", photos=["a" * 64, "b" * 64], read_once=True)
    with (
        pytest.raises(InputError, match=r"1 of 2 photos: have a result already \(entry 2"),
        audited(run_of(study / "other", photos=["b" * 64, "c" * 64], read_once=True)),
    ):
        raise AssertionError
    assert actions(study / LOG_NAME)[-1] == "score-refused"
    scored(study / "other", photos=["b" * 64, "c" * 64], read_once=True, supersede=True, reason="recalibrated")
    scored(study / "third", photos=["d" * 64], read_once=True)


def test_a_run_that_failed_is_no_result(study):
    with pytest.raises(RuntimeError), audited(run_of(study / "week-00", photos=["a" * 64], read_once=True)):
        raise RuntimeError
    scored(study / "week-00", photos=["a" * 64], read_once=True)


def test_nothing_is_scored_where_the_log_is_damaged(study):
    scored(study / "week-00")
    head_path(study / LOG_NAME).unlink()
    with pytest.raises(FormatError, match="audit verify"), audited(run_of(study / "week-04")):
        raise AssertionError


def test_entries_are_records(log):
    entry = log.entries()[0]
    assert isinstance(entry, AuditEntry)
    with pytest.raises(AttributeError):
        entry.reason = "other"
    assert isinstance(log.path, Path)
