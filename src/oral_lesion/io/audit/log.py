"""Append to an audit log: one writer at a time, each entry on the disk before the next step of the run."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from oral_lesion._version import __version__
from oral_lesion.errors import FormatError, OutputError
from oral_lesion.io.audit.entries import AuditEntry, operator_of, parse_line, utc_now
from oral_lesion.io.audit.file_lock import file_locked
from oral_lesion.io.audit.head import LogHead, head_path, read_head, write_head

__all__ = ["LOG_NAME", "AuditLog", "read_log"]

LOG_NAME = "oral-lesion-audit.jsonl"
"""Name of the log where none is given."""

STARTED, RECOVERED = "log-started", "log-recovered"

_REMEDY = "See `oral-lesion audit verify`, keep both files, and go on with another log (--audit)"


class AuditLog:
    """
    An append-only log, made when the first entry is written.

    Parameters
    ----------
    path : Path
        Of the log; its head stands beside it.
    clock : callable
        Gives the time, with its zone.
    timeout_s : float
        How long (s) to wait for other writers.
    """

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = utc_now, timeout_s: float = 60.0) -> None:
        self.path = Path(path)
        self._clock = clock
        self._timeout_s = timeout_s

    def append(
        self, action: str, *, details: Mapping[str, Any], operator: str | None = None, reason: str = ""
    ) -> AuditEntry:
        """
        Add an entry and wait until it is on the disk.

        Parameters
        ----------
        action : str
            What was done.
        details : mapping
            JSON values.
        operator : str or None
            Who, where it is not the system's user.
        reason : str
            Why.

        Returns
        -------
        AuditEntry
            As written.

        Raises
        ------
        FormatError
            Where the log is not as its head says; nothing is added to such a log.
        OutputError
            Where it cannot be written.
        """
        try:
            with self._opened() as descriptor:
                head = self._head_at_rest(descriptor)
                entry = self._entry_after(head, action, details, operator, reason)
                self._write(descriptor, head, entry)
        except OSError as error:
            raise OutputError(
                f"{self.path}: the audit log cannot be written ({error.strerror}). Free space, check rights, or name "
                "another with --audit."
            ) from error
        return entry

    def entries(self) -> tuple[AuditEntry, ...]:
        """
        Return all entries, for looking things up; whether the chain holds is `verify_log`'s question.

        Returns
        -------
        tuple of AuditEntry
            Empty where there is no log yet.

        Raises
        ------
        FormatError
            Where a line is no entry.
        OutputError
            Where others write for too long.
        """
        if not self.path.is_file():
            return ()
        content, head = read_log(self.path, timeout_s=self._timeout_s)
        lines = content.splitlines()
        if head is not None and head.pending:
            lines = lines[: head.entries]  # the next writer will finish the line behind
        try:
            return tuple(map(parse_line, lines))
        except ValueError as error:
            raise FormatError(f"{self.path}: a line {error}. {_REMEDY}.") from error

    @contextmanager
    def _opened(self) -> Iterator[int]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self.path, flags, 0o644)
        try:
            with file_locked(descriptor, self.path, timeout_s=self._timeout_s):
                yield descriptor
        finally:
            os.close(descriptor)

    def _head_at_rest(self, descriptor: int) -> LogHead:
        """Return the head after a look at the log: a new log gets its first entry, a cut one its missing bytes."""
        size = os.fstat(descriptor).st_size
        try:
            head = read_head(self.path)
        except FormatError as error:
            raise FormatError(f"{self.path.parent / str(error)}. {_REMEDY}.") from error
        if head is None:
            if size:
                raise FormatError(f"{head_path(self.path)}: is missing, but the log is there. {_REMEDY}.")
            fresh = LogHead(log_id=secrets.token_hex(16))
            return self._write(descriptor, fresh, self._entry_after(fresh, STARTED, {}, None, ""))
        if head.pending:
            return self._recovered(descriptor, head)
        if size != head.bytes:
            raise FormatError(f"{self.path}: expected {head.bytes} bytes, as its head says, got {size}. {_REMEDY}.")
        return head

    def _recovered(self, descriptor: int, head: LogHead) -> LogHead:
        """Finish the entry that a process had begun when it ended, and say so in an entry."""
        pending = head.pending.encode("ascii", "replace")
        os.lseek(descriptor, head.bytes, os.SEEK_SET)
        begun = _read_all(descriptor)
        try:
            entry = parse_line(pending.removesuffix(b"\n"))
        except ValueError as error:
            raise FormatError(f"{head_path(self.path)}: its pending line {error}. {_REMEDY}.") from error
        if os.fstat(descriptor).st_size < head.bytes or not pending.startswith(begun):
            raise FormatError(f"{self.path}: does not end as its head says. {_REMEDY}.")
        _write_all(descriptor, pending[len(begun) :])
        mended = head.after(entry)
        write_head(self.path, mended)
        details = {"entry": entry.sequence, "bytes_found": len(begun), "bytes_of_entry": len(pending)}
        return self._write(descriptor, mended, self._entry_after(mended, RECOVERED, details, None, ""))

    def _entry_after(
        self, head: LogHead, action: str, details: Mapping[str, Any], operator: str | None, reason: str
    ) -> AuditEntry:
        now = self._clock().astimezone(UTC)
        return AuditEntry(
            sequence=head.entries + 1,
            utc=now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            action=action,
            who=operator_of(operator),
            reason=reason,
            details=dict(details),
            software=f"oral-lesion {__version__}",
            log_id=head.log_id,
            previous=head.sha256,
        )

    def _write(self, descriptor: int, head: LogHead, entry: AuditEntry) -> LogHead:
        """Announce the line in the head, write it, then move the head: whatever is cut off can be told apart."""
        write_head(self.path, replace(head, pending=entry.line.decode("ascii")))
        _write_all(descriptor, entry.line)
        moved = head.after(entry)
        write_head(self.path, moved)
        return moved


def read_log(path: Path, *, timeout_s: float = 60.0) -> tuple[bytes, LogHead | None]:
    """
    Read a log and its head at one moment, between two writes.

    Parameters
    ----------
    path : Path
        Of the log.
    timeout_s : float
        How long (s) to wait for writers.

    Returns
    -------
    tuple of (bytes, LogHead or None)
        None where the head is missing.

    Raises
    ------
    FormatError
        Where the log cannot be read, or its head is none.
    OutputError
        Where others write for too long.
    """
    try:
        with (
            path.open("rb", buffering=0) as file,
            file_locked(file.fileno(), path, timeout_s=timeout_s, shared=True),
        ):
            os.lseek(file.fileno(), 0, os.SEEK_SET)
            return _read_all(file.fileno()), read_head(path)
    except FileNotFoundError as error:
        raise FormatError(
            f"{path}: there is no audit log. Name the log, or the folder that it is in; the first scoring begins one."
        ) from error
    except OSError as error:
        raise FormatError(f"{path}: the audit log cannot be read ({error.strerror}). Check your rights.") from error


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
    os.fsync(descriptor)


def _read_all(descriptor: int) -> bytes:
    parts = []
    while part := os.read(descriptor, 1 << 20):
        parts.append(part)
    return b"".join(parts)
