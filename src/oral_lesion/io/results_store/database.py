"""Open the store: an SQLite file in WAL mode, brought to this version's tables, its errors in our words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from oral_lesion.errors import FormatError, InputError, OralLesionError, OutputError
from oral_lesion.io.results_store import schema

__all__ = ["ResultsStore", "check_store", "open_store", "translated"]

_BUSY_TIMEOUT_MS = 5000
_LOWEST_BYTE = 0xFF  # the rest of an SQLite code tells details of the same error
_HEADER = b"SQLite format 3\x00"


class ResultsStore:
    """
    An open store; `open_store` gives it.

    Parameters
    ----------
    connection : sqlite3.Connection
        In autocommit: transactions are begun by `transaction`.
    path : Path
        Of the file.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """
        Write all that the block writes, on the disk when it ends; or none of it where it raises.

        Within another transaction it is a part of that one.

        Yields
        ------
        sqlite3.Connection

        Raises
        ------
        FormatError, OutputError
            Where it cannot be written.
        """
        if self.connection.in_transaction:
            yield self.connection
            return
        with translated(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has rolled it back already
                    self.connection.execute("ROLLBACK")
                raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """
    Turn errors of SQLite into ours.

    Parameters
    ----------
    path : Path
        Of the store.

    Yields
    ------
    None

    Raises
    ------
    FormatError
        Where the file is no store, or damaged.
    OutputError
        Where it cannot be opened, read or written.
    InputError
        Where what was to be written contradicts what is there.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _in_our_words(path, error) from error


def _in_our_words(path: Path, error: sqlite3.Error) -> OralLesionError:
    code = getattr(error, "sqlite_errorcode", 0) & _LOWEST_BYTE
    if code == sqlite3.SQLITE_NOTADB:
        return FormatError(f"{path}: expected the store of a study's results, got something else. Name another folder.")
    if code == sqlite3.SQLITE_CORRUPT:
        return FormatError(f"{path}: is damaged ({error}). Put back a copy of it, or score into another folder.")
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return OutputError(f"{path}: another process is writing to it. Wait for it, then run again.")
    if code == sqlite3.SQLITE_READONLY:
        return OutputError(f"{path}: is read-only. Allow writing to it and its folder, or use another one.")
    if code == sqlite3.SQLITE_FULL:
        return OutputError(f"{path}: the disk is full. Free space, then go on with --resume.")
    if code == sqlite3.SQLITE_CONSTRAINT:
        return InputError(f"{path}: contradicts what is stored already ({error}).")
    return OutputError(f"{path}: cannot be read or written ({error}). Check the disk, space and rights.")


@contextmanager
def open_store(path: Path, *, create: bool = False, read_only: bool = False) -> Iterator[ResultsStore]:
    """
    Open a store.

    Parameters
    ----------
    path : Path
        Of the file, RESULTS / `STORE_NAME`.
    create : bool
        Make one where there is none.
    read_only : bool
        Change nothing; a store on a read-only disk can be read.

    Yields
    ------
    ResultsStore
        Of this version's tables: an older one is brought to them first, where it may be written to.

    Raises
    ------
    FormatError
        Where the file is missing, no store, damaged, or of a newer version of this package.
    OutputError
        Where it cannot be opened or written.
    """
    if not path.is_file() and not create:
        raise FormatError(f"{path}: is missing. Give the results folder of `oral-lesion study`.")
    with translated(path):
        connection = _connected(path, create=create, read_only=read_only)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
            _require_ours(connection, path)
            if not read_only:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
            _bring_up_to_date(connection, path, read_only=read_only)
            yield ResultsStore(connection, path)
            if not read_only:
                with suppress(sqlite3.OperationalError):  # others read it: the last of them tidies up
                    connection.execute("PRAGMA journal_mode = DELETE")  # one file, which any disk can hold
        finally:
            connection.close()


def check_store(path: Path) -> tuple[str, ...]:
    """
    Look for damage in all of a store.

    Parameters
    ----------
    path : Path
        Of the file.

    Returns
    -------
    tuple of str
        What SQLite found; empty where it is whole.

    Raises
    ------
    FormatError
        Where it cannot be opened as a store.
    """
    with open_store(path, read_only=True) as store:
        found = [str(line) for (line,) in store.connection.execute("PRAGMA integrity_check") if line != "ok"]
        found += [
            f"a row of {row[0]} names none of {row[2]}" for row in store.connection.execute("PRAGMA foreign_key_check")
        ]
    return tuple(found)


def _connected(path: Path, *, create: bool, read_only: bool) -> sqlite3.Connection:
    if path.is_file() and path.stat().st_size:
        with path.open("rb") as file:
            if file.read(len(_HEADER)) != _HEADER:
                raise FormatError(
                    f"{path}: expected the store of a study's results, got something else. Name another folder."
                )
    uri = path.absolute().as_uri()
    if not read_only:
        return sqlite3.connect(f"{uri}?mode={'rwc' if create else 'rw'}", uri=True, isolation_level=None)
    connection = sqlite3.connect(f"{uri}?mode=ro", uri=True, isolation_level=None)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        if path.with_name(path.name + "-wal").exists():
            raise
        # a store in WAL mode on a read-only disk: nobody can write to it, so it may be read without locks
        return sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True, isolation_level=None)
    return connection


def _require_ours(connection: sqlite3.Connection, path: Path) -> None:
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if mark != schema.APPLICATION_ID and tables:
        raise FormatError(f"{path}: is a database, but no store of this package. Name another folder.")


def _bring_up_to_date(connection: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
    newest = len(schema.MIGRATIONS)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > newest:
        raise FormatError(
            f"{path}: has the tables of version {version}, this package knows {newest}. Use the version of "
            "oral-lesion that wrote it, or a newer one."
        )
    if version < newest and read_only:
        raise FormatError(
            f"{path}: has the tables of version {version}, this package reads {newest}. Run "
            "`oral-lesion study --resume` once, which brings them up to date."
        )
    for number in range(version, newest):
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE; {schema.MIGRATIONS[number]}; PRAGMA user_version = {number + 1};"
                f"PRAGMA application_id = {schema.APPLICATION_ID}; COMMIT;"
            )
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
