"""The outcomes of a store: one row a photo and result, with its lesions, quality and colours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from oral_lesion.errors import Flag, InputError
from oral_lesion.io.csv_tables import Row
from oral_lesion.io.naming import printable
from oral_lesion.io.quality_tables import COLOR_COLUMNS, QUALITY_COLUMNS
from oral_lesion.io.results_store.database import ResultsStore, translated
from oral_lesion.io.tables import LESION_COLUMNS, SCORE_COLUMNS, PhotoRows
from oral_lesion.records import Mirror, PhotoIdentity, Visit

__all__ = [
    "ListedPhoto",
    "StoredOutcome",
    "add_outcome",
    "iter_outcomes",
    "list_photos",
    "photo_number",
    "stored_place",
    "unlisted_photos",
]

OF_PHOTO = frozenset({"photo_id", "sha256"})
SCORE = tuple(name for name in SCORE_COLUMNS if name not in OF_PHOTO)
LESION = tuple(name for name in LESION_COLUMNS if name != "photo_id")
QUALITY = tuple(name for name in QUALITY_COLUMNS if name not in {"photo_id", "status", "reason"})
COLOR = tuple(name for name in COLOR_COLUMNS if name != "photo_id")
_OWN = ("visit_date", "mirror", "declared_flags", "detail", "threshold", "segmenter_sha256", "cpu_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPhoto:
    """
    A photo that a study holds.

    Parameters
    ----------
    place : str
        SUBJECT/VISIT of its folder.
    photo_id : str
        Unique in its visit.
    sha256 : str
        Of the file; empty where it could not be read.
    """

    place: str
    photo_id: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOutcome:
    """
    What came of one photo.

    Parameters
    ----------
    place : str
        SUBJECT/VISIT of its folder.
    identity : PhotoIdentity
        Which photo, as declared when it was scored.
    rows : PhotoRows
        What the tables say, unrounded.
    run : int
        Number of the run that scored it.
    segmenter_sha256 : str
        Of what said where the erosions are: the model, or the photo's own mask.
    declared_flags : tuple of Flag
        Flags that the photo had before it was read.
    detail : str
        Of a refusal, for the log.
    threshold : float or None
        Probability that a pixel needed; None where the photo did not get so far.
    cpu_s : float
        Seconds that it took.
    software : str
        Version that scored it; as read, from its run.
    superseded : bool
        As read: whether a later result has taken its place.
    """

    place: str
    identity: PhotoIdentity
    rows: PhotoRows
    run: int
    segmenter_sha256: str
    declared_flags: tuple[Flag, ...] = ()
    detail: str = ""
    threshold: float | None = None
    cpu_s: float = 0.0
    software: str = ""
    superseded: bool = False


def list_photos(store: ResultsStore, photos: Iterable[ListedPhoto]) -> None:
    """
    Record which photos the study holds now, in the order of the tables; those that are gone stay, unlisted.

    Parameters
    ----------
    store : ResultsStore
        Open for writing.
    photos : iterable of ListedPhoto
        All of them.

    Raises
    ------
    OutputError
        Where it cannot be written.
    """
    with store.transaction() as connection:
        connection.execute("UPDATE photos SET listed = 0")
        connection.executemany(
            "INSERT INTO photos (place, photo_id, sha256, position, listed) VALUES (?, ?, ?, ?, 1) "
            "ON CONFLICT (place, photo_id) DO UPDATE SET position = excluded.position, listed = 1, "
            "sha256 = excluded.sha256",
            ((stored_place(one.place), one.photo_id, one.sha256, position) for position, one in enumerate(photos)),
        )


def photo_number(store: ResultsStore, place: str, photo_id: str) -> int:
    """
    Return the number of a photo in the store.

    Parameters
    ----------
    store : ResultsStore
        Open.
    place : str
        SUBJECT/VISIT.
    photo_id : str
        In that visit.

    Returns
    -------
    int

    Raises
    ------
    InputError
        Where there is none.
    """
    found = store.connection.execute(
        "SELECT photo FROM photos WHERE place = ? AND photo_id = ?", (stored_place(place), photo_id)
    )
    row = found.fetchone()
    if row is None:
        raise InputError(f"{store.path}: knows no photo {photo_id} of {place}. Score it first.")
    return int(row[0])


def add_outcome(store: ResultsStore, outcome: StoredOutcome) -> None:
    """
    Store what came of a photo, all at once; an earlier result of it becomes a superseded one.

    Parameters
    ----------
    store : ResultsStore
        Open for writing.
    outcome : StoredOutcome
        Of a photo that was listed.

    Raises
    ------
    InputError
        Where there is no such photo or run.
    OutputError
        Where it cannot be written.
    """
    with store.transaction() as connection:
        photo = photo_number(store, outcome.place, outcome.identity.photo_id)
        earlier = connection.execute(
            "SELECT outcome FROM outcomes WHERE photo = ? AND current = 1", (photo,)
        ).fetchone()
        if earlier is not None:
            connection.execute("UPDATE outcomes SET current = 0 WHERE outcome = ?", earlier)
        date = outcome.identity.visit.date
        values: dict[str, Any] = {
            "photo": photo,
            "run": outcome.run,
            "supersedes": None if earlier is None else earlier[0],
            "visit_date": None if date is None else date.isoformat(),
            "mirror": outcome.identity.mirror.value,
            "declared_flags": " ".join(outcome.declared_flags),
            "detail": printable(outcome.detail),
            "threshold": outcome.threshold,
            "segmenter_sha256": outcome.segmenter_sha256,
            "cpu_s": outcome.cpu_s,
            **{name: outcome.rows.score[name] for name in SCORE},
        }
        number = _insert(store, "outcomes", [values])
        _insert(store, "lesions", [{"outcome": number, **_of(row, LESION)} for row in outcome.rows.lesions])
        if outcome.rows.quality is not None:
            _insert(store, "quality", [{"outcome": number, **_of(outcome.rows.quality, QUALITY)}])
        colours = enumerate(outcome.rows.colors)
        _insert(store, "colours", [{"outcome": number, "position": at, **_of(row, COLOR)} for at, row in colours])


def iter_outcomes(
    store: ResultsStore, *, place: str | None = None, superseded: bool = False, unlisted: bool = False
) -> Iterator[StoredOutcome]:
    """
    Read outcomes, one after the other: the memory does not grow with their number.

    Parameters
    ----------
    store : ResultsStore
        Open.
    place : str or None
        Of one visit, SUBJECT/VISIT; None takes all.
    superseded : bool
        Also results whose place was taken by a later one.
    unlisted : bool
        Also photos that the study does not hold any more.

    Yields
    ------
    StoredOutcome
        In the order of the tables.
    """
    where = ["1 = 1", *([] if superseded else ["current = 1"]), *([] if unlisted else ["listed = 1"])]
    if place is not None:
        where.append("place = :place")
    columns = [f"outcomes.{name}" for name in (*_OWN, *(f'"{name}"' for name in SCORE))]
    with translated(store.path):
        for outcome, current, run, software, at, photo_id, sha256, *values in store.connection.execute(
            "SELECT outcome, current, run, software, place, photo_id, sha256, "  # noqa: S608 - our own names
            f"{', '.join(columns)} FROM photos JOIN outcomes USING (photo) JOIN runs USING (run) "
            f"WHERE {' AND '.join(where)} ORDER BY position, photo, outcome",
            {"place": None if place is None else stored_place(place)},
        ):
            own = dict(zip(_OWN, values, strict=False))
            score = {"photo_id": photo_id, "sha256": sha256, **dict(zip(SCORE, values[len(_OWN) :], strict=True))}
            date = own.pop("visit_date")
            declared = tuple(map(Flag, own.pop("declared_flags").split()))
            yield StoredOutcome(
                place=at,
                identity=PhotoIdentity(
                    photo_id=photo_id,
                    file=score["file"],
                    sha256=sha256,
                    subject_id=score["subject"],
                    visit=Visit(name=score["visit"], date=None if date is None else dt.date.fromisoformat(date)),
                    site=score["site"],
                    replicate=score["replicate"],
                    mirror=Mirror(own.pop("mirror")),
                ),
                rows=_rows_of(store, outcome, {name: score[name] for name in SCORE_COLUMNS}),
                run=run,
                software=software,
                superseded=not current,
                declared_flags=declared,
                **own,
            )


def stored_place(place: str) -> str:
    """
    Return a folder's name as text that a database can hold.

    Parameters
    ----------
    place : str
        SUBJECT/VISIT.

    Returns
    -------
    str
        The same; names that are no Unicode have escapes.
    """
    return place.encode("utf-8", "backslashreplace").decode("utf-8")


def unlisted_photos(store: ResultsStore) -> tuple[str, ...]:
    """
    Return the photos that have a result, but are no longer among those of the study.

    Parameters
    ----------
    store : ResultsStore
        Open.

    Returns
    -------
    tuple of str
        SUBJECT/VISIT/PHOTO_ID of each, sorted.
    """
    with translated(store.path):
        rows = store.connection.execute(
            "SELECT place || '/' || photo_id FROM photos JOIN outcomes USING (photo) WHERE listed = 0 AND current = 1"
        )
        return tuple(sorted(str(name) for (name,) in rows))


def _rows_of(store: ResultsStore, outcome: int, score: Row) -> PhotoRows:
    of_photo = {"photo_id": score["photo_id"]}
    quality = _children(store, "quality", QUALITY, "outcome", outcome)
    verdict = {**of_photo, "status": score["status"], "reason": score["reason"]}
    return PhotoRows(
        score=score,
        lesions=tuple({**of_photo, **row} for row in _children(store, "lesions", LESION, "lesion", outcome)),
        quality={**verdict, **quality[0]} if quality else None,
        colors=tuple({**of_photo, **row} for row in _children(store, "colours", COLOR, "position", outcome)),
    )


def _children(
    store: ResultsStore, table: str, names: tuple[str, ...], order: str, outcome: int
) -> list[dict[str, Any]]:
    rows = store.connection.execute(
        f"SELECT {', '.join(names)} FROM {table} WHERE outcome = ? ORDER BY {order}",  # noqa: S608 - our own names
        (outcome,),
    )
    return [dict(zip(names, row, strict=True)) for row in rows]


def _of(row: Row, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _insert(store: ResultsStore, table: str, rows: list[dict[str, Any]]) -> int:
    """Insert rows, and return the number of the last one."""
    if not rows:
        return 0
    names = ", ".join(f'"{name}"' for name in rows[0])
    places = ", ".join("?" * len(rows[0]))
    statement = f"INSERT INTO {table} ({names}) VALUES ({places})"  # noqa: S608 - our own names
    if len(rows) == 1:
        return int(store.connection.execute(statement, tuple(rows[0].values())).lastrowid or 0)
    store.connection.executemany(statement, (tuple(row.values()) for row in rows))
    return 0
