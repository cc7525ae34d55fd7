"""The runs of a store: each time that results were written, and with what."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from oral_lesion.io.results_store.database import ResultsStore, translated
from oral_lesion.records import ModelIdentity

__all__ = ["RunRecord", "begin_run", "finish_run", "iter_runs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """
    One run.

    Parameters
    ----------
    command : str
        Such as ``study``.
    began_utc : str
        ISO 8601, UTC.
    software : str
        Version of this package.
    study_protocol_sha256, protocol_sha256 : str
        Of all settings, and of those of scoring.
    model : ModelIdentity
        That segmented.
    lock_sha256 : str or None
        Of the study's lock.
    settings : mapping
        JSON values: all settings of the protocol.
    finished_utc : str or None
        None where it was stopped, or goes on.
    run : int
        Number in the store; 0 before it is stored.
    """

    command: str
    began_utc: str
    software: str
    study_protocol_sha256: str
    protocol_sha256: str
    model: ModelIdentity
    lock_sha256: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    finished_utc: str | None = None
    run: int = 0


def begin_run(store: ResultsStore, run: RunRecord) -> int:
    """
    Record that a run begins.

    Parameters
    ----------
    store : ResultsStore
        Open for writing.
    run : RunRecord
        What it is.

    Returns
    -------
    int
        Its number.

    Raises
    ------
    OutputError
        Where it cannot be written.
    """
    with store.transaction() as connection:
        cursor = connection.execute(
            "INSERT INTO runs (command, began_utc, software, study_protocol_sha256, protocol_sha256, model_name, "
            "model_version, model_sha256, lock_sha256, settings) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run.command,
                run.began_utc,
                run.software,
                run.study_protocol_sha256,
                run.protocol_sha256,
                run.model.name,
                run.model.version,
                run.model.sha256,
                run.lock_sha256,
                json.dumps(run.settings, sort_keys=True, separators=(",", ":")),
            ),
        )
        return int(cursor.lastrowid or 0)


def finish_run(store: ResultsStore, run: int, finished_utc: str) -> None:
    """
    Record that a run has ended well.

    Parameters
    ----------
    store : ResultsStore
        Open for writing.
    run : int
        Its number.
    finished_utc : str
        ISO 8601, UTC.

    Raises
    ------
    OutputError
        Where it cannot be written.
    """
    with store.transaction() as connection:
        connection.execute("UPDATE runs SET finished_utc = ? WHERE run = ?", (finished_utc, run))


def iter_runs(store: ResultsStore) -> Iterator[RunRecord]:
    """
    Read all runs.

    Parameters
    ----------
    store : ResultsStore
        Open.

    Yields
    ------
    RunRecord
        By number.
    """
    with translated(store.path):
        for row in store.connection.execute(
            "SELECT run, command, began_utc, finished_utc, software, study_protocol_sha256, protocol_sha256, "
            "model_name, model_version, model_sha256, lock_sha256, settings FROM runs ORDER BY run"
        ):
            (
                run,
                command,
                began,
                finished,
                software,
                study_sha256,
                sha256,
                name,
                version,
                model_sha256,
                lock,
                settings,
            ) = row
            yield RunRecord(
                run=run,
                command=command,
                began_utc=began,
                finished_utc=finished,
                software=software,
                study_protocol_sha256=study_sha256,
                protocol_sha256=sha256,
                model=ModelIdentity(name=name, version=version, sha256=model_sha256),
                lock_sha256=lock,
                settings=json.loads(settings),
            )
