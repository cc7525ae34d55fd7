"""What readers measured: corrected or adjudicated areas beside the automatic one. All of them stay."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from enum import StrEnum

from oral_lesion.errors import InputError
from oral_lesion.io.audit.entries import canonical_json
from oral_lesion.io.results_store.database import ResultsStore, translated
from oral_lesion.io.results_store.outcomes import photo_number

__all__ = ["Read", "Round", "add_read", "iter_reads", "reads_sha256"]


class Round(StrEnum):
    """Which reading of a photo it is."""

    READ = "read"
    REPEAT = "repeat"
    ADJUDICATION = "adjudication"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """
    A reader's measurement of one photo.

    Parameters
    ----------
    place : str
        SUBJECT/VISIT of the photo's folder.
    photo_id : str
        Of the photo.
    reading_id : str
        Under which the reader saw it.
    reader : str
        Who; a code, not a name.
    round : Round
        A read, the same reader looking at the photo again, or its adjudication.
    read_utc : str
        When it was taken in (ISO 8601, UTC).
    automatic_area_mm2, automatic_u_area_mm2 : float or None
        What the model had measured, and its standard uncertainty.
    corrected_area_mm2 : float or None
        What the reader's mask measures; None where the reader could not read it, which needs a reason.
    corrected_u_scale_mm2, corrected_u_boundary_mm2 : float or None
        Standard uncertainties of it, by source.
    mask_file, mask_sha256 : str or None
        The reader's mask, relative to RESULTS, and its hash.
    reason : str
        Why it was corrected, or could not be read.
    current : bool
        False where a later read of the same reader and round has taken its place.
    """

    place: str
    photo_id: str
    reading_id: str
    reader: str
    round: Round
    read_utc: str
    automatic_area_mm2: float | None = None
    automatic_u_area_mm2: float | None = None
    corrected_area_mm2: float | None = None
    corrected_u_scale_mm2: float | None = None
    corrected_u_boundary_mm2: float | None = None
    mask_file: str | None = None
    mask_sha256: str | None = None
    reason: str = ""
    current: bool = True


_COLUMNS = tuple(field.name for field in fields(Read) if field.name not in {"place", "photo_id", "current"})


def add_read(store: ResultsStore, read: Read, *, supersede: bool = False) -> int:
    """
    Store a read; it names the photo's outcome that is current now.

    Parameters
    ----------
    store : ResultsStore
        Open for writing.
    read : Read
        To be stored.
    supersede : bool
        Take the place of this reader's earlier read in this round, which stays.

    Returns
    -------
    int
        Number of the read in the store.

    Raises
    ------
    InputError
        Where there is no such photo; where this reader has read it in this round and `supersede` is not set; where
        there is neither an area nor a reason, or no reason to supersede.
    OutputError
        Where it cannot be written.
    """
    with store.transaction() as connection:
        photo = photo_number(store, read.place, read.photo_id)
        earlier = connection.execute(
            "SELECT read FROM reads WHERE photo = ? AND reader = ? AND round = ? AND current = 1",
            (photo, read.reader, read.round.value),
        ).fetchone()
        _require_allowed(read, supersede=supersede, is_there=earlier is not None)
        if earlier is not None:
            connection.execute("UPDATE reads SET current = 0 WHERE read = ?", earlier)
        outcome = connection.execute(
            "SELECT outcome FROM outcomes WHERE photo = ? AND current = 1", (photo,)
        ).fetchone()
        cursor = connection.execute(
            f"INSERT INTO reads (photo, outcome, supersedes, {', '.join(_COLUMNS)}) "  # noqa: S608 - our own names
            f"VALUES (?, ?, ?, {', '.join('?' * len(_COLUMNS))})",
            (
                photo,
                None if outcome is None else outcome[0],
                None if earlier is None else earlier[0],
                *(getattr(read, column) for column in _COLUMNS),
            ),
        )
        return int(cursor.lastrowid or 0)


def _require_allowed(read: Read, *, supersede: bool, is_there: bool) -> None:
    where = f"{read.place}/{read.photo_id}, reader {read.reader}"
    if is_there and not supersede:
        raise InputError(f"{where}: has a {read.round.value} already. A second one supersedes it, with a reason.")
    if is_there and not read.reason.strip():
        raise InputError(f"{where}: expected a reason why there is a second {read.round.value}, got none.")
    if read.corrected_area_mm2 is None and not read.reason.strip():
        raise InputError(f"{where}: expected an area or the reason why there is none, got neither.")


def reads_sha256(store: ResultsStore) -> str:
    """
    Return one hash of all reads, of those whose place was taken too.

    Parameters
    ----------
    store : ResultsStore
        Open.

    Returns
    -------
    str
        64 hexadecimal digits; empty where nobody has read a photo. The order of the photos makes no difference.
    """
    lines = sorted(canonical_json(asdict(read)) for read in iter_reads(store, superseded=True))
    return hashlib.sha256(b"\n".join(lines)).hexdigest() if lines else ""


def iter_reads(store: ResultsStore, *, superseded: bool = False) -> Iterator[Read]:
    """
    Read the reads, one after the other.

    Parameters
    ----------
    store : ResultsStore
        Open.
    superseded : bool
        Also those whose place was taken by a later one.

    Yields
    ------
    Read
        In the order of the photos, then of time.
    """
    chosen = "" if superseded else "WHERE reads.current = 1"
    with translated(store.path):
        for place, photo_id, current, *values in store.connection.execute(
            f"SELECT place, photo_id, current, {', '.join(_COLUMNS)} FROM reads JOIN photos USING (photo) "  # noqa: S608 - our own names
            f"{chosen} ORDER BY position, photo, read"
        ):
            named = dict(zip(_COLUMNS, values, strict=True))
            yield Read(
                **{**named, "round": Round(named["round"])}, place=place, photo_id=photo_id, current=bool(current)
            )
