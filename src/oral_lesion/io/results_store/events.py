"""The events of a store: entries of the audit log, to be asked beside the results. The log itself is what counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from oral_lesion.io.audit import AuditEntry
from oral_lesion.io.audit.entries import canonical_json
from oral_lesion.io.results_store.database import ResultsStore, translated

__all__ = ["add_events", "iter_events"]

_COLUMNS = ("log_id", "sequence", "utc", "action", "operator", "reason", "sha256", "details")


def add_events(store: ResultsStore, entries: Iterable[AuditEntry]) -> None:
    """
    Take in entries of the audit log; those that are there already stay as they are.

    Parameters
    ----------
    store : ResultsStore
        Open for writing.
    entries : iterable of AuditEntry
        Of one log or several.

    Raises
    ------
    OutputError
        Where they cannot be written.
    """
    with store.transaction() as connection:
        connection.executemany(
            "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    entry.log_id,
                    entry.sequence,
                    entry.utc,
                    entry.action,
                    entry.who.get("operator") or entry.who.get("os_user", ""),
                    entry.reason,
                    entry.sha256,
                    canonical_json(entry.details).decode("ascii"),
                )
                for entry in entries
            ),
        )


def iter_events(store: ResultsStore) -> Iterator[dict[str, Any]]:
    """
    Read all events.

    Parameters
    ----------
    store : ResultsStore
        Open.

    Yields
    ------
    dict
        Columns of the table; `details` as JSON text.
    """
    with translated(store.path):
        for row in store.connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM events ORDER BY log_id, sequence"):  # noqa: S608 - names from this file
            yield dict(zip(_COLUMNS, row, strict=True))
