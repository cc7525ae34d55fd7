"""One entry of the audit log: canonical JSON on a line of its own, chained to the entry before by its hash."""

from __future__ import annotations

import getpass
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

__all__ = ["NO_ENTRY", "AuditEntry", "canonical_json", "operator_of", "parse_line", "utc_now"]

NO_ENTRY = "0" * 64
"""What the first entry names as the hash of the entry before."""

_HASH_KEY = "sha256"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """
    What was done, by whom, when and why.

    Parameters
    ----------
    sequence : int
        1 for the first entry of a log.
    utc : str
        When it was written (ISO 8601, UTC, milliseconds).
    action : str
        Such as ``score-started``.
    who : mapping
        ``os_user``, and ``operator`` where one was named.
    reason : str
        As given; empty where none was.
    details : mapping
        JSON values: hashes, identifiers, counts; no patient's name, no absolute path.
    software : str
        Name and version of what wrote it.
    log_id : str
        Of the log; drawn at random when it began.
    previous : str
        Hash of the entry before.
    """

    sequence: int
    utc: str
    action: str
    who: Mapping[str, str]
    reason: str
    details: Mapping[str, Any]
    software: str
    log_id: str
    previous: str

    @property
    def sha256(self) -> str:
        """Hash of all the rest, the hash of the entry before included."""
        return hashlib.sha256(canonical_json(asdict(self))).hexdigest()

    @property
    def line(self) -> bytes:
        """The entry as it stands in the log, its hash and the line break included."""
        return canonical_json({**asdict(self), _HASH_KEY: self.sha256}) + b"\n"


def canonical_json(contents: Mapping[str, Any]) -> bytes:
    """
    Return the one form that equal contents have: sorted keys, no spaces, ASCII.

    Parameters
    ----------
    contents : mapping
        JSON values; no NaN.

    Returns
    -------
    bytes
        Without a line break.
    """
    text = json.dumps(contents, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii")


def parse_line(line: bytes) -> AuditEntry:
    """
    Read one line of a log.

    Parameters
    ----------
    line : bytes
        Without its line break.

    Returns
    -------
    AuditEntry
        Whose own hash is right; whether it follows the entry before is not looked at.

    Raises
    ------
    ValueError
        In words that follow "line 3": what is wrong with it.
    """
    try:
        contents = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("is no entry (no JSON)") from None
    kinds: dict[str, type] = {field.name: str for field in fields(AuditEntry)}
    kinds |= {"sequence": int, "who": dict, "details": dict, _HASH_KEY: str}
    if not isinstance(contents, dict) or contents.keys() != kinds.keys():
        raise ValueError(f"is no entry (expected the keys {', '.join(sorted(kinds))})")
    if wrong := sorted(key for key, kind in kinds.items() if type(contents[key]) is not kind):
        raise ValueError(f"is no entry ({', '.join(wrong)}: of another type than expected)")
    stated = contents.pop(_HASH_KEY)
    entry = AuditEntry(**contents)
    if entry.sha256 != stated:
        raise ValueError(f"was edited: its content has the hash {entry.sha256[:12]}…, it states {stated[:12]}…")
    if entry.line.rstrip(b"\n") != line:
        raise ValueError("was edited: its values are right, but it is not written as this package writes them")
    return entry


def operator_of(named: str | None) -> dict[str, str]:
    """
    Return who is at work.

    Parameters
    ----------
    named : str or None
        As given with ``--operator``.

    Returns
    -------
    dict
        ``os_user``, and ``operator`` where one was named. Neither is checked: identity is the system's matter.
    """
    try:
        os_user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        os_user = "unknown"
    return {"os_user": os_user, **({"operator": named} if named else {})}


def utc_now() -> datetime:
    """Return the time by this machine's clock, in UTC."""
    return datetime.now(UTC)
