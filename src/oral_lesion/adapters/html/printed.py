"""Results as they were printed: cells of tables as text, run.json as it is."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oral_lesion.errors import FormatError
from oral_lesion.io.store import RUN_FILE

__all__ = ["Cells", "Facts", "Number", "Table", "number_of", "read_printed", "read_run_file"]

_QUOTE = "'"


class Cells(dict[str, str]):
    """One row: text by column; what an older version did not write is empty."""

    def __missing__(self, column: str) -> str:
        return ""


class Facts(dict[str, Any]):
    """A JSON object; what an older version did not write is empty text, which shows as nothing."""

    def __missing__(self, key: str) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Table:
    """
    A table as printed.

    Parameters
    ----------
    name : str
        Of the file.
    columns : tuple of str
        In its order.
    rows : tuple of Cells
        In its order.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[Cells, ...]

    def __bool__(self) -> bool:
        return bool(self.rows)

    def of(self, column: str, value: str) -> tuple[Cells, ...]:
        """
        Return the rows that have a value in a column.

        Parameters
        ----------
        column : str
            Its name.
        value : str
            As printed.

        Returns
        -------
        tuple of Cells
        """
        return tuple(row for row in self.rows if row[column] == value)

    def grouped(self, column: str) -> dict[str, Table]:
        """
        Return the table in parts.

        Parameters
        ----------
        column : str
            Its name.

        Returns
        -------
        dict
            Rows by their value in that column, in order.
        """
        rows: dict[str, list[Cells]] = {}
        for row in self.rows:
            rows.setdefault(row[column], []).append(row)
        return {value: Table(self.name, self.columns, tuple(own)) for value, own in rows.items()}


@dataclass(frozen=True, slots=True)
class Number:
    """
    A number of a table: the cell, and what people read.

    Parameters
    ----------
    cell : str
        As printed in the table, or computed from such cells.
    shown : str
        Rounded.
    """

    cell: str
    shown: str


def read_printed(path: Path, *, needed: Sequence[str] = ()) -> Table:
    """
    Read a table of this package without taking its numbers for anything but text.

    Parameters
    ----------
    path : Path
        Of the file; one that is missing gives no rows where nothing is needed of it.
    needed : sequence of str
        Columns without which nothing can be said.

    Returns
    -------
    Table

    Raises
    ------
    FormatError
        Where it is no such table.
    """
    if not needed and not path.is_file():
        return Table(path.name, (), ())
    try:
        header, *body = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), strict=True))
        if missing := [column for column in needed if column not in header]:
            raise FormatError(f"{path}: lacks the columns {', '.join(missing)}. Score again with this version.")
        rows = tuple(Cells(zip(header, (cell.removeprefix(_QUOTE) for cell in cells), strict=True)) for cells in body)
    except (OSError, ValueError, csv.Error) as error:
        raise FormatError(f"{path}: expected a table as this package writes it ({error}). Score again.") from error
    return Table(path.name, tuple(header), rows)


def read_run_file(folder: Path) -> Facts:
    """
    Read run.json.

    Parameters
    ----------
    folder : Path
        Of results.

    Returns
    -------
    Facts

    Raises
    ------
    FormatError
        Where there is none, or none of ours.
    """
    path = folder / RUN_FILE
    try:
        run = json.loads(path.read_text(encoding="utf-8"), object_hook=Facts)
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(f"{path}: expected what this package writes beside its results ({error}).") from error
    if not isinstance(run, Facts):
        raise FormatError(f"{path}: expected a JSON object.")
    return run


def number_of(cell: str, decimals: int, *, times: float = 1.0, signed: bool = False) -> Number | None:
    """
    Return a number for people.

    Parameters
    ----------
    cell : str
        As printed; empty where it is not known.
    decimals : int
        To show.
    times : float
        Factor, such as 2 from u to U.
    signed : bool
        Show a plus, too.

    Returns
    -------
    Number or None
        None where it is not known.
    """
    try:
        value = float(cell) * times
    except ValueError:
        return None
    text = f"{value:{'+' if signed else ''}.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return Number(cell if times == 1.0 else f"{value:.{_decimals_of(cell)}f}", text.replace("-", "\N{MINUS SIGN}"))


def _decimals_of(cell: str) -> int:
    return len(cell.rpartition(".")[2]) if "." in cell else 0
