"""photos.csv of a data set: a row a picture, all faults at once, each with its line."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from oral_lesion.errors import Fault, SettingsError
from oral_lesion.io.csv_tables import defused
from oral_lesion.io.datasets.pictures import LabelledPicture
from oral_lesion.io.naming import leads_out

__all__ = ["OPTIONAL_COLUMNS", "PHOTOS_FILE", "REQUIRED_COLUMNS", "PhotoRow", "read_csv_cells", "read_photo_rows"]

PHOTOS_FILE = "photos.csv"
REQUIRED_COLUMNS = ("id", "file", "mask", "group", "split")
OPTIONAL_COLUMNS = ("weight", "mm_per_px", "confidence")

_MAX_BYTES = 200_000_000
_WHOLE_FILE = "(whole file)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoRow:
    """
    One row of photos.csv.

    Parameters
    ----------
    line : int
        Of the table; the header is line 1.
    cells : mapping of str to str
        By column.
    """

    line: int
    cells: Mapping[str, str]

    def picture(self, folder: Path) -> LabelledPicture:
        """
        Return the row as a labelled picture.

        Parameters
        ----------
        folder : Path
            Of the data set.

        Returns
        -------
        LabelledPicture
        """
        cells = self.cells
        scale = cells.get("mm_per_px", "")
        return LabelledPicture(
            picture_id=cells["id"],
            image=folder / cells["file"],
            mask=folder / cells["mask"] if cells["mask"] else None,
            group=cells["group"],
            split=cells["split"],
            weight=float(cells.get("weight", "") or 1.0),
            mm_per_px=float(scale) if scale else None,
            confidence=cells.get("confidence", ""),
        )


def read_photo_rows(path: Path) -> tuple[tuple[str, ...], list[PhotoRow]]:
    """
    Read the photos.csv of a data set.

    Parameters
    ----------
    path : Path
        Of the table.

    Returns
    -------
    columns : tuple of str
        In the table's order.
    rows : list of PhotoRow
        In the table's order; never empty.

    Raises
    ------
    SettingsError
        With all faults: columns missing or doubled, ids missing or doubled, paths that lead out of the folder,
        numbers that are none.
    """
    columns, rows = read_csv_cells(path)
    missing = [column for column in REQUIRED_COLUMNS if column not in columns]
    if missing:
        fault = Fault("line 1", f"expected the columns {', '.join(REQUIRED_COLUMNS)}; missing: {', '.join(missing)}")
        raise SettingsError(str(path), [fault])
    faults = [Fault(f"line {row.line}, {key}", message) for row in rows for key, message in _row_faults(row.cells)]
    for column in ("id", "file"):
        seen: dict[str, int] = {}
        for row in rows:
            first = seen.setdefault(row.cells[column].casefold(), row.line)
            if first != row.line and row.cells[column]:
                faults.append(Fault(f"line {row.line}, {column}", f"{row.cells[column]!r} is on line {first} already"))
    if not rows:
        faults.append(Fault(_WHOLE_FILE, "holds no picture"))
    if faults:
        raise SettingsError(str(path), faults)
    return columns, rows


def read_csv_cells(path: Path) -> tuple[tuple[str, ...], list[PhotoRow]]:
    """
    Read a CSV file with a header as text cells.

    Parameters
    ----------
    path : Path
        UTF-8, separated by commas.

    Returns
    -------
    columns : tuple of str
        Names, stripped.
    rows : list of PhotoRow
        Without empty lines.

    Raises
    ------
    SettingsError
        Where the file cannot be read, a column is there twice, or rows have other numbers of cells.
    """
    header, body = _lines_of(path)
    columns = tuple(name.strip() for name in header)
    faults = [
        Fault("line 1", f"the column {name or '(no name)'} is there {count} times")
        for name, count in Counter(columns).items()
        if count > 1
    ]
    faults += [
        Fault(f"line {line}", f"expected {len(columns)} cells, got {len(cells)}")
        for line, cells in body
        if len(cells) != len(columns)
    ]
    if faults:
        raise SettingsError(str(path), faults)
    rows = [
        PhotoRow(line=line, cells={name: _plain(cell) for name, cell in zip(columns, cells, strict=True)})
        for line, cells in body
    ]
    return columns, rows


def _lines_of(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise SettingsError(str(path), [Fault(_WHOLE_FILE, f"larger than {_MAX_BYTES // 10**6} MB")])
        text = path.read_bytes().decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except FileNotFoundError as error:
        message = "no such file; expected a data set's table, as docs/datasets.md describes it"
        raise SettingsError(str(path), [Fault(_WHOLE_FILE, message)]) from error
    except OSError as error:
        raise SettingsError(str(path), [Fault(_WHOLE_FILE, f"cannot be read ({error.strerror})")]) from error
    except (ValueError, csv.Error) as error:
        raise SettingsError(str(path), [Fault(_WHOLE_FILE, f"expected CSV in UTF-8 ({error})")]) from error
    if not lines:
        raise SettingsError(str(path), [Fault(_WHOLE_FILE, "is empty")])
    return lines[0][1], lines[1:]


def _plain(cell: str) -> str:
    """Return a cell without the apostrophe that guards spreadsheets from formulas."""
    text = cell.strip()
    return text[1:] if text.startswith("'") and defused(text[1:]) == text else text


def _row_faults(cells: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for column in ("id", "file", "group"):
        if not cells[column]:
            yield column, "is empty"
    for column in ("file", "mask"):
        if cells[column] and (leads_out(cells[column]) or "\0" in cells[column]):
            yield column, f"expected a path inside the data set's folder, got {cells[column]!r}"
    checks: tuple[tuple[str, Callable[[float], bool], str], ...] = (
        ("weight", lambda number: number >= 0, "a number of 0 or more"),
        ("mm_per_px", lambda number: number > 0, "a number above 0, or an empty cell"),
    )
    for column, holds, expected in checks:
        text = cells.get(column, "")
        if text and not _is_number(text, holds):
            yield column, f"expected {expected}, got {text!r}"


def _is_number(text: str, holds: Callable[[float], bool]) -> bool:
    try:
        number = float(text)
    except ValueError:
        return False
    return math.isfinite(number) and holds(number)
