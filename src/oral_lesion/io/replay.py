"""Score again from the originals and compare with the stored rows, field by field, as printed."""

from __future__ import annotations

import csv
import io
import json
import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from oral_lesion.errors import FormatError, OutputError
from oral_lesion.io.batch import SegmenterSource, score_found
from oral_lesion.io.csv_tables import TEXT, Columns, write_table
from oral_lesion.io.store import RUN_FILE
from oral_lesion.io.stored_run import StoredRun, require_same_model
from oral_lesion.io.visits import VisitPhotos, find_photos

__all__ = [
    "REPLAY_COLUMNS",
    "FieldDifference",
    "Replay",
    "ReplayRun",
    "draw",
    "replay_chosen",
    "replay_results",
    "stored_photo_ids",
    "write_replay",
]

REPLAY_COLUMNS: Columns = dict.fromkeys(("photo_id", "table", "row", "field", "stored", "scored_again"), TEXT)
"""Columns of replay.csv in order."""

_KEYS: Mapping[str, tuple[str, ...]] = {
    "scores.csv": ("photo_id",),
    "lesions.csv": ("photo_id", "lesion"),
    "quality.csv": ("photo_id",),
    "colour.csv": ("photo_id", "patch"),
}
_PRESENT, _ABSENT = "present", "absent"

_Table = Mapping[tuple[str, ...], Mapping[str, str]]
Drawn = TypeVar("Drawn", str, tuple[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDifference:
    """
    One cell that did not come out again.

    Parameters
    ----------
    photo_id : str
        Of the photo.
    table, row, field : str
        Where: file, key within the photo (such as a lesion's number), column; ``(row)`` where one of both has no such
        row, ``(original)`` where the photo was not found.
    stored, scored_again : str
        As printed.
    """

    photo_id: str
    table: str
    row: str
    field: str
    stored: str
    scored_again: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRun:
    """
    How to replay.

    Parameters
    ----------
    sample : int or None
        Number of photos to draw; None takes all.
    seed : int
        Of the draw.
    jobs : int
        Photos scored at the same time.
    on_outcome : callable or None
        Called with the number of photos done and of all photos.
    """

    sample: int | None = None
    seed: int = 0
    jobs: int = 1
    on_outcome: Callable[[int, int], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """
    What came of it.

    Parameters
    ----------
    photo_ids : tuple of str
        Photos that were to be scored again.
    photos_stored : int
        How many the results have.
    differences : tuple of FieldDifference
        By photo, table, row and field; empty where all came out the same.
    """

    photo_ids: tuple[str, ...]
    photos_stored: int
    differences: tuple[FieldDifference, ...]


def replay_results(stored: StoredRun, photos: Path, *, segmenters: SegmenterSource, run: ReplayRun) -> Replay:
    """
    Score photos of stored results again and compare all their rows.

    Parameters
    ----------
    stored : StoredRun
        Results.
    photos : Path
        Folder of the originals, SUBJECT/VISIT as at that time.
    segmenters : SegmenterSource
        Of the same model.
    run : ReplayRun
        How.

    Returns
    -------
    Replay

    Raises
    ------
    InputError
        Where the model is another one.
    FormatError
        Where a stored table cannot be read.
    OralLesionError
        Where there are no photos.
    """
    require_same_model(stored, segmenters)
    found = find_photos(photos)
    known = sorted(stored_photo_ids(stored.folder) | {entry.identity.photo_id for entry in found})
    chosen = draw(known, run)
    differences = replay_chosen(stored, found, chosen, segmenters=segmenters, run=run)
    return Replay(
        photo_ids=tuple(chosen),
        photos_stored=len(_read_cells(stored.folder / "scores.csv", _KEYS["scores.csv"])),
        differences=differences,
    )


def replay_chosen(
    stored: StoredRun,
    found: VisitPhotos,
    chosen: Sequence[str],
    *,
    segmenters: SegmenterSource,
    run: ReplayRun,
) -> tuple[FieldDifference, ...]:
    """
    Score some photos of a visit again and compare all their rows.

    Parameters
    ----------
    stored : StoredRun
        Results of the visit.
    found : VisitPhotos
        Its originals.
    chosen : sequence of str
        Identifiers of photos.
    segmenters : SegmenterSource
        Of the same model.
    run : ReplayRun
        How.

    Returns
    -------
    tuple of FieldDifference
        By photo, table, row and field.

    Raises
    ------
    FormatError
        Where a stored table cannot be read.
    """
    before = {table: _read_cells(stored.folder / table, keys) for table, keys in _KEYS.items()}
    wanted = tuple(entry for entry in found if entry.identity.photo_id in set(chosen))
    missing = set(chosen) - {entry.identity.photo_id for entry in wanted}
    again = _score_again(replace(found, entries=wanted), stored, segmenters, run)
    differences = [_not_found(photo_id) for photo_id in missing]
    for table in _KEYS:
        differences.extend(_differences(table, _of(before[table], set(chosen) - missing), again[table]))
    return tuple(sorted(differences, key=lambda one: (one.photo_id, list(_KEYS).index(one.table))))


def write_replay(path: Path, replay: Replay) -> None:
    """
    Write replay.csv: one row a difference.

    Parameters
    ----------
    path : Path
        Of the file; an earlier table of this kind is replaced, anything else is not.
    replay : Replay
        To be written.

    Raises
    ------
    OutputError
        Where it cannot be written.
    """
    heading = ",".join(REPLAY_COLUMNS).encode("ascii")
    if path.exists() and not (path.is_file() and path.read_bytes().startswith(heading)):
        raise OutputError(
            f"{path}: is there already, and is no table of `oral-lesion replay`. Give another with --out."
        )
    fresh = path.with_name(f".{path.name}.partial-{os.getpid()}")
    rows = [{column: str(getattr(one, column)) for column in REPLAY_COLUMNS} for one in replay.differences]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_table(fresh, REPLAY_COLUMNS, rows)
        fresh.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}). Check space and rights.") from error


def _score_again(
    found: VisitPhotos, stored: StoredRun, segmenters: SegmenterSource, run: ReplayRun
) -> Mapping[str, _Table]:
    if not found.entries:
        return {table: {} for table in _KEYS}
    with TemporaryDirectory(prefix="oral-lesion-replay-") as folder:
        out = Path(folder) / "again"
        score_found(
            found,
            out,
            protocol=stored.protocol,
            segmenters=segmenters,
            jobs=run.jobs,
            on_outcome=run.on_outcome,
        )
        return {table: _read_cells(out / table, keys) for table, keys in _KEYS.items()}


def draw(photo_ids: Sequence[Drawn], run: ReplayRun) -> list[Drawn]:
    """
    Draw a sample.

    Parameters
    ----------
    photo_ids : sequence
        Of all photos, sorted.
    run : ReplayRun
        Size and seed.

    Returns
    -------
    list
        Sorted; all of them where the sample is no smaller.
    """
    if run.sample is None or run.sample >= len(photo_ids):
        return list(photo_ids)
    return sorted(random.Random(run.seed).sample(list(photo_ids), run.sample))  # noqa: S311 - repeatable, no secret


def stored_photo_ids(results: Path) -> set[str]:
    """
    Return the photos that results are of, also where a row was taken out of a table: run.json lists them.

    Parameters
    ----------
    results : Path
        Folder of a visit's results.

    Returns
    -------
    set of str

    Raises
    ------
    FormatError
        Where a stored table cannot be read.
    """
    rows = {key[0] for table, keys in _KEYS.items() for key in _read_cells(results / table, keys)}
    run = json.loads((results / RUN_FILE).read_bytes())
    return rows | {str(photo["photo_id"]) for photo in run.get("inputs", [])}


def _not_found(photo_id: str) -> FieldDifference:
    return FieldDifference(
        photo_id=photo_id,
        table="scores.csv",
        row="",
        field="(original)",
        stored=_PRESENT,
        scored_again="not among the photos, or changed",
    )


def _read_cells(path: Path, keys: tuple[str, ...]) -> _Table:
    """Return the cells as they are printed: no reading of numbers may hide a difference."""
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), strict=True))
        table = {tuple(row[key] for key in keys): {name: row[name] or "" for name in row if name} for row in rows}
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise FormatError(f"{path}: expected a table as this package writes it ({type(error).__name__}).") from error
    if len(table) < len(rows):
        raise FormatError(f"{path}: expected each {' and '.join(keys)} once, got one of them twice.")
    return table


def _of(rows: _Table, photo_ids: set[str]) -> _Table:
    return {key: row for key, row in rows.items() if key[0] in photo_ids}


def _differences(table: str, before: _Table, again: _Table) -> Iterator[FieldDifference]:
    for key in sorted(before.keys() | again.keys()):
        where = {"photo_id": key[0], "table": table, "row": " ".join(key[1:])}
        if key not in before or key not in again:
            stored, fresh = (_PRESENT if key in rows else _ABSENT for rows in (before, again))
            yield FieldDifference(**where, field="(row)", stored=stored, scored_again=fresh)
            continue
        old, new = before[key], again[key]
        for name in [*new, *(name for name in old if name not in new)]:
            stored, fresh = old.get(name, "(no column)"), new.get(name, "(no column)")
            if stored != fresh:
                yield FieldDifference(**where, field=name, stored=stored, scored_again=fresh)
