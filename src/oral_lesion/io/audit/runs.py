"""A run under audit: an entry before it, an entry after it, and its name in run.json."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from oral_lesion.errors import FormatError, InputError, OralLesionError, OutputError
from oral_lesion.io.audit.entries import AuditEntry, utc_now
from oral_lesion.io.audit.log import LOG_NAME, AuditLog
from oral_lesion.io.audit.written import file_sha256, files_of
from oral_lesion.io.naming import printable
from oral_lesion.io.store import RUN_FILE, write_run_json

__all__ = ["AuditedRun", "audited", "find_log"]

_DEPTH = 4  # folders between a study's results and those of one visit, and some to spare


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedRun:
    """
    What is about to be done.

    Parameters
    ----------
    command : str
        Such as ``score``; actions are ``score-started``, ``score-finished``, ``score-failed``, ``score-refused``.
    results : Path
        Folder or file that it writes.
    inputs : Path or None
        Folder that nothing is written to.
    operator : str or None
        Who, where it is not the system's user.
    reason : str
        Why; needed to supersede.
    log : Path or None
        Audit log; None looks beside the results.
    hashes : mapping
        JSON values: what the results depend on.
    photos : collection of str
        SHA-256 of each photo that is read.
    supersede : bool
        Keep earlier results under another name and record what takes their place.
    read_once : bool
        Refuse photos that have results in this log already, unless `supersede` is set.
    kept : collection of str
        SHA-256 of each photo whose result of an earlier run stays: it is a result of this run, too.
    in_place : bool
        The results go on where they are: what is superseded stays in their store, and nothing is renamed.
    afterwards : callable
        Gives what the entry at the end tells beside the files: JSON values.
    """

    command: str
    results: Path
    inputs: Path | None = None
    operator: str | None = None
    reason: str = ""
    log: Path | None = None
    hashes: Mapping[str, Any] = field(default_factory=dict)
    photos: Collection[str] = ()
    supersede: bool = False
    read_once: bool = False
    kept: Collection[str] = ()
    in_place: bool = False
    afterwards: Callable[[], Mapping[str, Any]] = dict


def find_log(results: Path, given: Path | None = None) -> Path:
    """
    Return the audit log of results: the one given, one beside them or one folder up, or a new one beside them.

    It is never looked for inside of results: a visit's scores in those of a study go by the study's.

    Parameters
    ----------
    results : Path
        Folder or file that is written.
    given : Path or None
        Log to use, or the folder that it is in.

    Returns
    -------
    Path
        It need not exist yet.
    """
    if given is not None:
        return given / LOG_NAME if given.is_dir() else given
    beside = _outermost(Path(os.path.abspath(results))).parent  # noqa: PTH100 - resolves "..", keeps symbolic links
    for folder in (beside, beside.parent):
        if (folder / LOG_NAME).is_file():
            return folder / LOG_NAME
    return beside / LOG_NAME


def _outermost(results: Path) -> Path:
    """Return the results folder that holds these results, such as a study's, or themselves."""
    holding = [folder for folder in results.parents[:_DEPTH] if (folder / RUN_FILE).is_file()]
    return holding[-1] if holding else results


@contextmanager
def audited(run: AuditedRun, *, clock: Callable[[], datetime] = utc_now) -> Iterator[AuditEntry]:
    """
    Record a run: an entry before anything is read, one once all is written, or one that tells that it failed.

    Earlier results that are superseded are renamed before the run, and get their name back where it fails.

    Parameters
    ----------
    run : AuditedRun
        What is about to be done.
    clock : callable
        Gives the time.

    Yields
    ------
    AuditEntry
        The first entry; run.json names it.

    Raises
    ------
    InputError
        Where photos have results already, or a reason is missing.
    FormatError, OutputError
        Where the log is damaged or cannot be written: nothing is scored without it.
    """
    path = find_log(run.results, run.log)
    if run.inputs is not None and path.resolve().is_relative_to(run.inputs.resolve()):
        raise OutputError(f"{path}: the audit log must lie apart from the photos. Choose another place with --audit.")
    if run.supersede and not run.reason.strip():
        raise InputError("--supersede: expected a reason, got none. Give it with --reason.")
    log = AuditLog(path, clock=clock)
    add = _adder(log, run)
    earlier = _earlier_results(log, run.photos)
    numbers = [entry.sequence for entry in earlier]
    if run.read_once and earlier and not run.supersede:
        add("refused", {"why": "read-once", "earlier_entries": numbers})
        again = set(run.photos) & set().union(*map(_photos_of, earlier))
        raise InputError(
            f"{len(again)} of {len(set(run.photos))} photos: have a result already (entry "
            f"{', '.join(map(str, numbers))} of {path.name}). A second one needs --supersede --reason; the first stays."
        )
    renames = run.supersede and not run.in_place and (run.results / RUN_FILE).is_file()
    kept = _kept_name(run.results) if renames else None
    started = add("started", _first_details(run, numbers, kept))
    if kept is not None:
        _rename(run.results, kept)
    try:
        yield started
        _name_in_run_file(run.results, started)
        add("finished", {"started": started.sequence, "files": files_of(run.results), **run.afterwards()})
    except BaseException as error:
        if kept is not None and not run.results.exists():
            _rename(kept, run.results)
        with suppress(OralLesionError):  # what went wrong first is what has to be told
            add("failed", {"started": started.sequence, "error": type(error).__name__})
        raise


def _adder(log: AuditLog, run: AuditedRun) -> Callable[[str, Mapping[str, Any]], AuditEntry]:
    def add(ending: str, details: Mapping[str, Any]) -> AuditEntry:
        action = f"{run.command}-{ending}"
        named = {"results": _short_name(run.results, log.path), **details}
        return log.append(action, details=named, operator=run.operator, reason=run.reason.strip())

    return add


def _first_details(run: AuditedRun, earlier: list[int], kept: Path | None) -> dict[str, Any]:
    details: dict[str, Any] = dict(run.hashes)
    if run.photos or run.kept:
        details["photos"] = sorted({*run.photos, *run.kept})
    if run.kept:
        details["photos_kept"] = len(set(run.kept))
    if earlier:
        details["earlier_entries"] = earlier
    if (run.results / RUN_FILE).is_file():
        present = {"run_sha256": file_sha256(run.results / RUN_FILE)}
        details["results_before"] = present if kept is None else present | {"kept_as": kept.name}
    return details


def _earlier_results(log: AuditLog, photos: Collection[str]) -> list[AuditEntry]:
    """Return the entries that began a run which ended with results for one of these photos."""
    wanted = set(photos)
    if not wanted:
        return []
    entries = log.entries()
    ended = {entry.details.get("started") for entry in entries if entry.action.endswith("-finished")}
    return [entry for entry in entries if entry.sequence in ended and wanted & _photos_of(entry)]


def _photos_of(entry: AuditEntry) -> set[str]:
    photos = entry.details.get("photos", [])
    return {photo for photo in photos if isinstance(photo, str)} if isinstance(photos, list) else set()


def _short_name(results: Path, log: Path) -> str:
    """Return where results are, from the log; of what lies elsewhere no more than the last two names."""
    absolute, home = (Path(os.path.abspath(path)) for path in (results, log.parent))  # noqa: PTH100 - keeps links
    if absolute.is_relative_to(home):
        return printable(absolute.relative_to(home).as_posix())
    return printable("…/" + "/".join(absolute.parts[-2:]))


def _kept_name(results: Path) -> Path:
    absolute = Path(os.path.abspath(results))  # noqa: PTH100 - keeps symbolic links
    number = 1
    while (kept := absolute.with_name(f"{absolute.name}.superseded-{number}")).exists():
        number += 1
    return kept


def _rename(path: Path, target: Path) -> None:
    try:
        path.rename(target)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be renamed to {target.name} ({error.strerror}). Close what uses it."
        ) from error


def _name_in_run_file(results: Path, started: AuditEntry) -> None:
    """Put the entry's name into run.json: it outlasts a log that is cut or replaced."""
    path = results / RUN_FILE
    if not path.is_file():
        return
    try:
        contents = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise FormatError(f"{path}: cannot be read again ({error}). Check the disk, then run again.") from error
    anchor = {"log_id": started.log_id, "sequence": started.sequence, "sha256": started.sha256}
    lock = {key: value for key, value in started.details.items() if key == "lock_sha256"}
    fresh = path.with_name(f".{path.name}.partial")
    write_run_json(fresh, {**contents, "audit": anchor | lock})
    try:
        fresh.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}). Check space and rights.") from error
