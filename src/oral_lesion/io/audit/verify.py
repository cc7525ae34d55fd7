"""Check an audit log: each edit, removal, move, addition and cut is named with its line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oral_lesion.errors import FormatError, InputError
from oral_lesion.io.audit.entries import NO_ENTRY, AuditEntry, parse_line
from oral_lesion.io.audit.head import LogHead, head_path
from oral_lesion.io.audit.log import STARTED, read_log
from oral_lesion.io.audit.written import files_of, is_kept_apart
from oral_lesion.io.store import RUN_FILE

__all__ = ["Finding", "LogVerdict", "verify_log", "verify_results"]

_FEWEST_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    Something that is not as it was written.

    Parameters
    ----------
    where : str
        Line of the log, or file.
    what : str
        What is wrong with it.
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogVerdict:
    """
    What a check found.

    Parameters
    ----------
    entries : tuple of AuditEntry
        All lines that are entries, in the order of the file.
    findings : tuple of Finding
        Empty where the log is intact.
    notes : tuple of Finding
        What a reader should know, though it is no fault.
    """

    entries: tuple[AuditEntry, ...]
    findings: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def head_sha256(self) -> str:
        """Hash of the last entry; it stands for all of the log."""
        return self.entries[-1].sha256 if self.entries else NO_ENTRY


def verify_log(path: Path, *, noted_heads: tuple[str, ...] = ()) -> LogVerdict:
    """
    Check the chain of a log, its end against its head, and heads that were noted elsewhere.

    Parameters
    ----------
    path : Path
        Of the log.
    noted_heads : tuple of str
        Hashes of entries (12 digits or more) that someone noted outside of this store; they must be in the log. A log
        that was rewritten as a whole together with its head is found by them alone, and by results that name it.

    Returns
    -------
    LogVerdict
        With each fault.

    Raises
    ------
    InputError
        Where a noted hash is too short.
    FormatError
        Where there is no such file.
    OutputError
        Where others write to it for too long.
    """
    if short := [noted for noted in noted_heads if len(noted) < _FEWEST_DIGITS]:
        raise InputError(f"--head {short[0]}: expected at least {_FEWEST_DIGITS} digits of a hash.")
    head: LogHead | None
    try:
        content, head = read_log(path)
        findings = [] if head is not None else [Finding(where=head_path(path).name, what="is missing")]
    except FormatError as error:
        if not path.is_file():
            raise
        content, head = path.read_bytes(), None
        name, _, what = str(error).partition(": ")
        findings = [Finding(where=name, what=what)]
    notes: list[Finding] = []
    *lines, rest = content.split(b"\n")
    entries = _check_chain(lines, findings, notes)
    if head is not None:
        _check_head(head, lines, entries, rest, findings, notes)
    elif rest:
        findings.append(Finding(where=f"line {len(lines) + 1}", what="is cut short"))
    notes.extend(_without_an_end(entries))
    hashes = [entry.sha256 for entry in entries]
    for noted in noted_heads:
        if not any(sha256.startswith(noted.lower()) for sha256 in hashes):
            findings.append(Finding(where=f"noted head {noted}", what="no entry of the log has this hash"))
    return LogVerdict(entries=tuple(entries), findings=tuple(findings), notes=tuple(notes))


def _check_chain(lines: list[bytes], findings: list[Finding], notes: list[Finding]) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    previous: str | None = NO_ENTRY
    expected = 1
    for number, line in enumerate(lines, start=1):
        where = f"line {number}"
        try:
            entry = parse_line(line)
        except ValueError as error:
            findings.append(Finding(where=where, what=str(error)))
            previous, expected = None, expected + 1
            continue
        if (what := _break_before(entry, entries, previous, expected)) is not None:
            findings.append(Finding(where=where, what=what))
        elif entries and entry.utc < entries[-1].utc:
            notes.append(Finding(where=where, what=f"its time {entry.utc} is before that of the entry before"))
        entries.append(entry)
        previous, expected = entry.sha256, entry.sequence + 1
    return entries


def _break_before(entry: AuditEntry, before: list[AuditEntry], previous: str | None, expected: int) -> str | None:
    """Return what is wrong between an entry and the one before, or None; `previous` is None where that was spoilt."""
    if entry.sequence > expected:
        missing = f"entry {expected} is" if entry.sequence == expected + 1 else f"entries {expected} to "
        missing += "" if missing.endswith("is") else f"{entry.sequence - 1} are"
        return f"{missing} missing before it: removed, or moved"
    if entry.sequence < expected:
        return f"entry {entry.sequence} stands here a second time, or was moved; entry {expected} was expected"
    if previous is not None and entry.previous != previous:
        return "does not follow the line before: one of the two was edited, or put in place of another"
    if (entry.sequence == 1) != (entry.action == STARTED):
        return f"a log begins with {STARTED}, and does so once"
    if before and entry.log_id != before[0].log_id:
        return "comes from another log"
    return None


def _without_an_end(entries: list[AuditEntry]) -> list[Finding]:
    ended = {entry.details.get("started") for entry in entries if entry.action.endswith(("-finished", "-failed"))}
    return [
        Finding(
            where=f"entry {entry.sequence}", what=f"{entry.action}, but no end of it: it is going on, or was stopped"
        )
        for entry in entries
        if entry.action.endswith("-started") and entry.action != STARTED and entry.sequence not in ended
    ]


def _check_head(
    head: LogHead,
    lines: list[bytes],
    entries: list[AuditEntry],
    rest: bytes,
    findings: list[Finding],
    notes: list[Finding],
) -> None:
    last = f"line {len(lines)}"
    if head.pending:
        written = b"".join(line + b"\n" for line in lines[head.entries :]) + rest
        if len(lines) >= head.entries and head.pending.encode("ascii", "replace").startswith(written):
            notes.append(Finding(where="end", what="a write was interrupted; the next one will finish it and say so"))
            entries, lines, rest = entries[: head.entries], lines[: head.entries], b""
    if len(lines) < head.entries:
        what = f"the log ends here, its head says {head.entries} entries: the end was cut off"
        findings.append(Finding(where=last, what=what))
    elif len(lines) > head.entries:
        what = f"its head ends at entry {head.entries}: what follows was not added by this package"
        findings.append(Finding(where=f"line {head.entries + 1}", what=what))
    elif (entries[-1].sha256 if entries else NO_ENTRY) != head.sha256:
        what = "is not the last entry that the head names: it was edited, or the head was"
        findings.append(Finding(where=last, what=what))
    elif sum(len(line) + 1 for line in lines) != head.bytes or (entries and entries[0].log_id != head.log_id):
        findings.append(Finding(where="head", what="does not belong to this log, or was edited"))
    if rest:
        what = "is cut short, or was begun by something else than this package"
        findings.append(Finding(where=f"line {len(lines) + 1}", what=what))


def verify_results(folder: Path, verdict: LogVerdict) -> LogVerdict:
    """
    Check results against the log: is the run that their run.json names in it, and are the files those it wrote.

    Parameters
    ----------
    folder : Path
        Results with run.json.
    verdict : LogVerdict
        Of the log.

    Returns
    -------
    LogVerdict
        The same with what was found here.
    """
    findings, notes = list(verdict.findings), list(verdict.notes)
    name = folder.name
    try:
        anchor = json.loads((folder / RUN_FILE).read_bytes())["audit"]
        log_id, sequence, sha256 = (anchor[key] for key in ("log_id", "sequence", "sha256"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        what = "missing, or names no entry of an audit log"
        findings.append(Finding(where=f"{name}/{RUN_FILE}", what=what))
        return LogVerdict(entries=verdict.entries, findings=tuple(findings), notes=tuple(notes))
    begun = [entry for entry in verdict.entries if entry.sequence == sequence]
    ended = [
        entry
        for entry in verdict.entries
        if entry.details.get("started") == sequence and entry.action.endswith("-finished")
    ]
    if not verdict.entries or verdict.entries[0].log_id != log_id:
        findings.append(Finding(where=name, what="was written with another log"))
    elif not any(entry.sha256 == sha256 for entry in begun):
        what = f"was begun in entry {sequence} ({str(sha256)[:12]}…), which the log does not have: cut off, or replaced"
        findings.append(Finding(where=name, what=what))
    elif not ended:
        what = f"the log has the beginning (entry {sequence}), but not the end of this run: cut off, or it never ended"
        findings.append(Finding(where=name, what=what))
    else:
        _check_files(folder, ended[-1].details.get("files", {}), findings, notes)
    return LogVerdict(entries=verdict.entries, findings=tuple(findings), notes=tuple(notes))


def _check_files(folder: Path, recorded: Mapping[str, Any], findings: list[Finding], notes: list[Finding]) -> None:
    present = files_of(folder)
    for file in sorted(recorded.keys() | present.keys()):
        where = f"{folder.name}/{file}"
        if file not in present:
            findings.append(Finding(where=where, what="is missing"))
        elif file in recorded and present[file] != recorded[file]:
            part = "something in it was changed, added or removed" if is_kept_apart(file) else "was changed"
            findings.append(Finding(where=where, what=f"{part} after the run that the log tells of"))
        elif file not in recorded:
            notes.append(Finding(where=where, what="was added after the run that the log tells of"))
