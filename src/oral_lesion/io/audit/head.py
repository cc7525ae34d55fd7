"""The head of an audit log, in a file beside it: how far the log goes, so that a cut is found."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from oral_lesion.errors import FormatError
from oral_lesion.io.audit.entries import NO_ENTRY, AuditEntry, canonical_json

__all__ = ["LogHead", "head_path", "read_head", "write_head"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHead:
    """
    How far a log goes.

    Parameters
    ----------
    log_id : str
        Of the log.
    entries : int
        How many it has.
    bytes : int
        Its size.
    sha256 : str
        Hash of its last entry.
    pending : str
        Line that is being written; empty at rest. It lets the next writer finish what a crash cut short.
    """

    log_id: str
    entries: int = 0
    bytes: int = 0
    sha256: str = NO_ENTRY
    pending: str = ""

    def after(self, entry: AuditEntry) -> LogHead:
        """
        Return the head once an entry is written.

        Parameters
        ----------
        entry : AuditEntry
            That follows.

        Returns
        -------
        LogHead
            At rest.
        """
        size = self.bytes + len(entry.line)
        return LogHead(log_id=self.log_id, entries=entry.sequence, bytes=size, sha256=entry.sha256)


def head_path(log: Path) -> Path:
    """
    Return where the head of a log stands.

    Parameters
    ----------
    log : Path
        Of the log.

    Returns
    -------
    Path
        Beside it.
    """
    return log.with_name(f"{log.name}.head")


def read_head(log: Path) -> LogHead | None:
    """
    Read the head of a log.

    Parameters
    ----------
    log : Path
        Of the log.

    Returns
    -------
    LogHead or None
        None where there is none.

    Raises
    ------
    FormatError
        Where the file is no head.
    """
    path = head_path(log)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FormatError(f"{path.name}: cannot be read ({error.strerror})") from error
    try:
        contents = json.loads(content)
    except (ValueError, RecursionError):
        contents = None
    kinds = {field.name: int if field.name in {"entries", "bytes"} else str for field in fields(LogHead)}
    if not isinstance(contents, dict) or {key: type(value) for key, value in contents.items()} != kinds:
        raise FormatError(f"{path.name}: is not the head of an audit log as this package writes it")
    return LogHead(**contents)


def write_head(log: Path, head: LogHead) -> None:
    """
    Write the head of a log, whole.

    Parameters
    ----------
    log : Path
        Of the log.
    head : LogHead
        To be written.

    Raises
    ------
    OutputError
        Where it cannot be written.
    """
    from oral_lesion.io.one_by_one import write_bytes

    write_bytes(head_path(log), canonical_json(asdict(head)) + b"\n")
    with suppress(OSError):  # folders cannot be opened on Windows, where a renaming is on the disk at once
        folder = os.open(log.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
