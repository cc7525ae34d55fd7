"""CSV as this package writes and reads it: RFC 4180, UTF-8, fixed decimals, no formulas."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from oral_lesion.errors import FormatError, OutputError
from oral_lesion.io.naming import printable

__all__ = ["TEXT", "WHOLE", "Columns", "Row", "Value", "defused", "read_table", "write_table"]

Value = str | int | float | None
Row = Mapping[str, Value]
Columns = Mapping[str, str | int]
"""Names of columns in order, each with what it holds: text, whole number, or the number of decimals."""

TEXT, WHOLE = "text", "whole"

_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
_QUOTE = "'"


def write_table(path: Path, columns: Columns, rows: Iterable[Row]) -> None:
    """
    Write a table.

    Parameters
    ----------
    path : Path
        Of the file.
    columns : mapping
        Names and kinds, in order.
    rows : iterable of mapping
        A value for each column; None, and numbers that are not finite, leave the cell empty.

    Raises
    ------
    OutputError
        Where the file cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\r\n")
            writer.writerow(columns)
            writer.writerows([_cell(row[column], kind) for column, kind in columns.items()] for row in rows)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}). Check space and rights.") from error


def _cell(value: Value, kind: str | int) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if kind == TEXT:
        return defused(printable(str(value)))
    if kind == WHOLE:
        return str(int(value))
    number = f"{float(value):.{kind}f}"
    return number.removeprefix("-") if float(number) == 0 else number


def defused(text: str) -> str:
    """
    Return a cell's text so that no spreadsheet takes it for a formula.

    Parameters
    ----------
    text : str
        Printable text.

    Returns
    -------
    str
        With an apostrophe in front where it starts like a formula, or with an apostrophe of its own.
    """
    starts = (*_FORMULA_STARTS, _QUOTE)
    looks_like_one = text.lstrip(" ").startswith(starts) or text.lstrip().startswith(starts)
    return _QUOTE + text if looks_like_one else text


def read_table(path: Path, columns: Columns) -> list[dict[str, Value]]:
    """
    Read a table that `write_table` wrote.

    Parameters
    ----------
    path : Path
        Of the file.
    columns : mapping
        Names and kinds, in order.

    Returns
    -------
    list of dict
        One a row: text, whole numbers, floats; None for an empty cell.

    Raises
    ------
    FormatError
        Where the file is not such a table.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        header, *body = list(csv.reader(io.StringIO(text, newline=""), strict=True)) or [[]]
        if header != list(columns):
            raise FormatError(
                f"{path.name}: expected the columns {', '.join(columns)}, got {', '.join(header)}. "
                "Score again with this version."
            )
        return [
            {column: _value(cell, kind) for (column, kind), cell in zip(columns.items(), cells, strict=True)}
            for cells in body
        ]
    except (OSError, ValueError, csv.Error) as error:
        raise FormatError(f"{path}: expected a table as this package writes it ({error}). Score again.") from error


def _value(cell: str, kind: str | int) -> Value:
    if cell == "":
        return None
    if kind == TEXT:
        return cell.removeprefix(_QUOTE)
    return int(cell) if kind == WHOLE else float(cell)
