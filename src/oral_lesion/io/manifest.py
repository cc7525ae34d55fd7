"""The manifest of a visit, photos.csv: which photo shows what, in the words of those who took it."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from oral_lesion.endpoint import tells_treatment
from oral_lesion.errors import Fault, SettingsError
from oral_lesion.io.naming import names_a_folder, printable, sorting_key
from oral_lesion.records.photo import Mirror

__all__ = ["MANIFEST_NAME", "ManifestRow", "read_manifest", "read_study_manifest"]

MANIFEST_NAME = "photos.csv"
COLUMNS = ("file", "subject", "visit", "visit_date", "site", "replicate", "mirror")
STUDY_COLUMNS = ("path", *COLUMNS)

_MAX_BYTES = 10_000_000
_MIRRORS = {
    "": Mirror.UNDECLARED, "undeclared": Mirror.UNDECLARED,
    "yes": Mirror.MIRROR, "y": Mirror.MIRROR, "true": Mirror.MIRROR, "1": Mirror.MIRROR,
    "mirror": Mirror.MIRROR,
    "no": Mirror.DIRECT, "n": Mirror.DIRECT, "false": Mirror.DIRECT, "0": Mirror.DIRECT,
    "direct": Mirror.DIRECT,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRow:
    """
    One line of the manifest; None where a cell is empty or its column missing.

    Parameters
    ----------
    line : int
        In the file, the header being line 1.
    file : str
        Relative to the visit's folder, with forward slashes. May name a file that is missing or outside.
    subject, visit : str or None
        Override the names of the folders.
    visit_date : datetime.date or None
        Of the visit.
    site : str or None
        As written.
    replicate : int or None
        From 1.
    mirror : Mirror
        Undeclared where the cell is empty.
    path : str or None
        In a study's manifest: where the file lies, relative to the manifest's folder, with forward slashes.
    """

    line: int
    file: str
    subject: str | None = None
    visit: str | None = None
    visit_date: dt.date | None = None
    site: str | None = None
    replicate: int | None = None
    mirror: Mirror = Mirror.UNDECLARED
    path: str | None = None


def read_manifest(path: Path) -> list[ManifestRow]:
    """
    Read a manifest: comma, semicolon or tab separated, UTF-8 (or UTF-16 with its mark), with a header.

    Parameters
    ----------
    path : Path
        Of photos.csv.

    Returns
    -------
    list of ManifestRow
        In the order of the file.

    Raises
    ------
    SettingsError
        With all faults at once, each with its line: columns that are unknown, missing, doubled, or that tell
        the treatment; files named twice; dates, replicates and mirror states that cannot be read. A file
        that is missing or outside the folder is no fault of the manifest: that photo alone is refused.
    """
    rows, faults = _rows_in(path, COLUMNS)
    if faults:
        raise SettingsError(path.name, faults)
    return rows


def read_study_manifest(path: Path) -> list[ManifestRow]:
    """
    Read the manifest of a study: as that of a visit, with the column ``path``, and subject and visit of each photo.

    Parameters
    ----------
    path : Path
        Of the file.

    Returns
    -------
    list of ManifestRow
        In the order of the file; `file` is the name in `path` where there is no such column, or an empty cell.

    Raises
    ------
    SettingsError
        With all faults at once, as for `read_manifest`; also where a subject or visit is missing, or is no name for a
        folder.
    """
    rows, faults = _rows_in(path, STUDY_COLUMNS)
    for row in rows:
        faults += [Fault(f"line {row.line}, {column}", message) for column, message in _faults_of_place(row)]
    if faults:
        raise SettingsError(path.name, faults)
    return rows


def _faults_of_place(row: ManifestRow) -> Iterator[tuple[str, str]]:
    for column, name in (("subject", row.subject), ("visit", row.visit)):
        if name is None:
            yield column, "is empty; a study's manifest names the subject and the visit of each photo"
        elif not names_a_folder(name):
            yield column, f"{name!r} cannot be the name of a folder"


def _rows_in(path: Path, known: tuple[str, ...]) -> tuple[list[ManifestRow], list[Fault]]:
    """Return the rows of a manifest whose first column is the one that must be there, or its faults."""
    try:
        if not path.is_file():
            raise SettingsError(path.name, [Fault("(whole file)", "expected a regular file")])
        if path.stat().st_size > _MAX_BYTES:
            raise SettingsError(path.name, [Fault("(whole file)", f"larger than {_MAX_BYTES // 10**6} MB")])
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(path.name, [Fault("(whole file)", f"cannot be read ({error.strerror})")]) from error
    try:
        text = content.decode("utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
        lines = list(_cells_by_line(text))
    except (UnicodeDecodeError, csv.Error) as error:
        message = "expected CSV in UTF-8; in Excel choose 'CSV UTF-8 (comma delimited)'"
        raise SettingsError(path.name, [Fault("(whole file)", message)]) from error
    if not lines:
        raise SettingsError(
            path.name, [Fault("(whole file)", f"is empty; expected a header with a column {known[0]!r}")]
        )
    (header_line, header), *body = lines
    columns = [printable(cell).lower().replace(" ", "_") for cell in header]
    faults = [Fault(f"line {header_line}", message) for message in _faults_of_header(columns, known)]
    rows: list[ManifestRow] = []
    if not faults:
        for line, cells in body:
            row, found = _row_of(line, columns, cells, known)
            rows.append(row)
            faults.extend(found)
        faults.extend(_doubled(rows, known[0]))
    return rows, faults


def _cells_by_line(text: str) -> Iterator[tuple[int, list[str]]]:
    first, skipped = text.split("\n", 1)[0].strip().lower(), 0
    if first.startswith("sep=") and len(first) <= 5:  # Excel's own hint
        text, skipped = text.split("\n", 1)[1] if "\n" in text else "", 1
        separator = first[4:] or ","
    else:
        separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield reader.line_num + skipped, cells


def _faults_of_header(columns: list[str], known: tuple[str, ...]) -> Iterator[str]:
    for column in dict.fromkeys(columns):
        if columns.count(column) > 1 and column:
            yield f"column {column!r} comes {columns.count(column)} times"
        if column in known or not column:
            continue
        if tells_treatment(column):
            yield (
                f"column {column!r} seems to tell the treatment; scoring is blinded: remove it, "
                "and join it by subject after unblinding"
            )
        else:
            yield f"column {column!r} is unknown; known: {', '.join(known)}"
    if known[0] not in columns:
        yield f"column {known[0]!r} is missing"


def _row_of(line: int, columns: list[str], cells: list[str], known: tuple[str, ...]) -> tuple[ManifestRow, list[Fault]]:
    faults = []
    if any(cell.strip() for cell in cells[len(columns) :]):
        faults.append(Fault(f"line {line}", f"has {len(cells)} cells, the header {len(columns)}"))
    if any(cell.strip() and not column for column, cell in zip(columns, cells, strict=False)):
        faults.append(Fault(f"line {line}", "has a cell in a column without heading"))
    texts = {column: cell.strip() for column, cell in zip(columns, cells, strict=False)}
    named = {column: printable(texts.get(column, "")) for column in known}
    if not texts.get(known[0]):
        faults.append(Fault(f"line {line}, {known[0]}", "is empty"))
    mirror = _MIRRORS.get(named["mirror"].lower())
    if mirror is None:
        faults.append(Fault(f"line {line}, mirror", f"expected yes or no, got {named['mirror']!r}"))
    visit_date = _date_of(named["visit_date"])
    if visit_date is None and named["visit_date"]:
        message = f"expected a date as YYYY-MM-DD, got {named['visit_date']!r}"
        faults.append(Fault(f"line {line}, visit_date", message))
    replicate = int(named["replicate"]) if re.fullmatch(r"[0-9]{1,4}", named["replicate"]) else None
    if named["replicate"] and not replicate:
        message = f"expected a whole number from 1, got {named['replicate']!r}"
        faults.append(Fault(f"line {line}, replicate", message))
    file, lies_at = (texts.get(column, "").replace("\\", "/") for column in ("file", "path"))
    row = ManifestRow(
        line=line,
        file=file or lies_at.rsplit("/", 1)[-1],
        subject=named["subject"] or None,
        visit=named["visit"] or None,
        visit_date=visit_date,
        site=named["site"] or None,
        replicate=replicate,
        mirror=mirror or Mirror.UNDECLARED,
        path=lies_at or None,
    )
    return row, faults


def _date_of(text: str) -> dt.date | None:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _doubled(rows: list[ManifestRow], column: str) -> Iterator[Fault]:
    first_lines: dict[bytes, int] = {}
    for row in rows:
        name = getattr(row, column)
        if not name:
            continue
        key = sorting_key("/".join(part for part in name.split("/") if part not in {"", "."}))
        earlier = first_lines.setdefault(key, row.line)
        if earlier != row.line:
            yield Fault(f"line {row.line}, {column}", f"{name!r} is already in line {earlier}")
