"""Tables out of the store, row by row: CSV as the commands write it, and Parquet with the same values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oral_lesion.errors import MissingExtraError, OutputError
from oral_lesion.io.csv_tables import TEXT, WHOLE, Columns, Row, Value, write_table
from oral_lesion.io.naming import printable
from oral_lesion.io.quality_tables import COLOR_COLUMNS, QUALITY_COLUMNS
from oral_lesion.io.results_store.database import ResultsStore, translated
from oral_lesion.io.tables import LESION_COLUMNS, SCORE_COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["EXPORTS", "export_csv", "export_parquet", "iter_rows"]

_OF_VISIT: Columns = {"subject": TEXT, "visit": TEXT}  # a photo_id is unique in its visit alone

EXPORTS: Mapping[str, Columns] = {
    "scores": SCORE_COLUMNS,
    "lesions": {**_OF_VISIT, **LESION_COLUMNS},
    "quality": {**_OF_VISIT, **QUALITY_COLUMNS},
    "colour": {**_OF_VISIT, **COLOR_COLUMNS},
}
"""Tables of a whole study, by the file's name without suffix: the columns of a visit's, led by subject and visit."""

_SOURCES = {"scores": "outcomes", "lesions": "lesions", "quality": "quality", "colour": "colours"}
_ORDER = {"scores": "", "lesions": ", lesion", "quality": "", "colour": ", colours.position"}
_OF_OUTCOMES = {"subject", "visit", "status", "reason"}
_ROWS_AT_ONCE = 5000


def iter_rows(store: ResultsStore, table: str) -> Iterator[Row]:
    """
    Read one table of the study: current results of the photos that it holds.

    Parameters
    ----------
    store : ResultsStore
        Open.
    table : str
        One of `EXPORTS`.

    Yields
    ------
    mapping
        Values of its columns, in the order of the tables.
    """
    source, columns = _SOURCES[table], EXPORTS[table]
    names = [
        f'photos."{name}"'
        if name in {"photo_id", "sha256"}
        else f'{"outcomes" if name in _OF_OUTCOMES else source}."{name}"'
        for name in columns
    ]
    join = "" if source == "outcomes" else f"JOIN {source} USING (outcome)"
    with translated(store.path):
        for values in store.connection.execute(
            f"SELECT {', '.join(names)} FROM photos JOIN outcomes USING (photo) {join} "  # noqa: S608 - our own names
            f"WHERE listed = 1 AND current = 1 ORDER BY photos.position{_ORDER[table]}"
        ):
            yield dict(zip(columns, values, strict=True))


def export_csv(store: ResultsStore, folder: Path) -> tuple[Path, ...]:
    """
    Write the study's tables as CSV: scores.csv, lesions.csv, quality.csv, colour.csv.

    Parameters
    ----------
    store : ResultsStore
        Open.
    folder : Path
        That exists.

    Returns
    -------
    tuple of Path
        What was written.

    Raises
    ------
    OutputError
        Where a file cannot be written.
    """
    paths = []
    for table, columns in EXPORTS.items():
        paths.append(folder / f"{table}.csv")
        write_table(paths[-1], columns, iter_rows(store, table))
    return tuple(paths)


def export_parquet(store: ResultsStore, folder: Path) -> tuple[Path, ...]:
    """
    Write the study's tables as Parquet: the columns and values of the CSV files, with types.

    Parameters
    ----------
    store : ResultsStore
        Open.
    folder : Path
        That exists.

    Returns
    -------
    tuple of Path
        What was written.

    Raises
    ------
    MissingExtraError
        Where pyarrow is missing.
    OutputError
        Where a file cannot be written.
    """
    if find_spec("pyarrow") is None:
        raise MissingExtraError("Parquet needs pyarrow; install it with: pip install 'oral-lesion[parquet]'")
    paths = []
    for table, columns in EXPORTS.items():
        paths.append(folder / f"{table}.parquet")
        try:
            _write_parquet(paths[-1], columns, iter_rows(store, table))
        except OSError as error:
            raise OutputError(f"{paths[-1]}: cannot be written ({error}). Check space and rights.") from error
    return tuple(paths)


def _write_parquet(path: Path, columns: Columns, rows: Iterator[Row]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([(name, _type_of(kind)) for name, kind in columns.items()])
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while part := list(islice(rows, _ROWS_AT_ONCE)):
            values = {name: [_value(row[name], kind) for row in part] for name, kind in columns.items()}
            writer.write_table(pa.table(values, schema=schema))


def _type_of(kind: str | int) -> pa.DataType:
    import pyarrow as pa

    types: dict[Any, pa.DataType] = {TEXT: pa.string(), WHOLE: pa.int64()}
    return types.get(kind, pa.float64())


def _value(value: Value, kind: str | int) -> Value:
    """Return a value as the CSV prints it: rounded, and missing where it is not finite."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if kind == TEXT:
        return printable(str(value)) or None
    return int(value) if kind == WHOLE else float(f"{float(value):.{kind}f}")
