"""Take in what readers return: each picture is measured again and stored beside the automatic area, or left out."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import InputError, OralLesionError
from oral_lesion.io.audit.entries import utc_now
from oral_lesion.io.csv_tables import TEXT, Columns, Row, write_table
from oral_lesion.io.naming import printable
from oral_lesion.io.one_by_one import write_bytes
from oral_lesion.io.results_store import STORE_NAME, Read, add_read, iter_reads, open_store
from oral_lesion.io.review.canvas import moved
from oral_lesion.io.review.corrected import CorrectedArea, measure_corrected
from oral_lesion.io.review.key import Reading, WorklistKey
from oral_lesion.io.review.people import (
    is_of,
    require_apart,
    require_code,
    require_one_part,
    require_own_part,
    round_of,
)
from oral_lesion.io.review.photos import ReviewPhoto
from oral_lesion.io.review.study_reads import LeftOutRead, Returned, StudyReads
from oral_lesion.io.scored_visits import picture_of
from oral_lesion.io.store import READS_FOLDER

__all__ = ["IMPORT_COLUMNS", "UNREADABLE_REASON", "ReadImport", "take_in", "write_import"]

IMPORT_COLUMNS: Columns = {
    "file": TEXT, "reading_id": TEXT, "status": TEXT, "why": TEXT, "automatic_area_mm2": 3, "u_automatic_area_mm2": 3,
    "corrected_area_mm2": 3, "u_corrected_scale_mm2": 3, "u_corrected_boundary_mm2": 3, "cut_off_mm2": 3,
    "mask_sha256": TEXT,
}  # fmt: skip
"""Columns of the table that an import writes: one row a picture that came back, or is missing."""

UNREADABLE_REASON = "unreadable"
"""What the reason of a read without an area begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadImport:
    """
    What became of an import.

    Parameters
    ----------
    rows : tuple of mapping
        Values of `IMPORT_COLUMNS`.
    """

    rows: tuple[Row, ...]

    def count(self, status: str) -> int:
        """
        Return how many pictures have a status.

        Parameters
        ----------
        status : str
            ``stored``, ``unchanged``, ``left-out`` or ``missing``.

        Returns
        -------
        int
        """
        return sum(row["status"] == status for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Prepared:
    row: Row
    read: Read
    mask_png: bytes | None


def take_in(
    study: StudyReads,
    key: WorklistKey,
    returned: Iterable[Returned | LeftOutRead],
    *,
    reader: str,
    reason: str = "",
    supersede: bool = False,
) -> ReadImport:
    """
    Measure and store what a reader returned: all good pictures together, or none.

    Parameters
    ----------
    study : StudyReads
        What the worklist was made of.
    key : WorklistKey
        Of the worklist.
    returned : iterable of Returned or LeftOutRead
        In the order of the files.
    reader : str
        Who read; a code.
    reason : str
        Stored with each read; needed to supersede.
    supersede : bool
        Store second reads in place of the reader's earlier ones, which stay.

    Returns
    -------
    ReadImport
        What came back, then what of the reader's part is missing.

    Raises
    ------
    InputError
        Where the pictures are of several readers, or were read by somebody else, or a reason is missing.
    OutputError
        Where the store cannot be written: then nothing was stored.
    """
    name = require_code(reader)
    if supersede and not reason.strip():
        raise InputError("--supersede: expected a reason why there is a second read, got none. Give it with --reason.")
    path = study.results / STORE_NAME
    with open_store(path, read_only=True) as store:
        earlier = list(iter_reads(store))
    of_photo: dict[str, list[Read]] = defaultdict(list)
    for read in earlier:
        of_photo[f"{read.place}/{read.photo_id}"].append(read)
    rows: list[Row] = []
    prepared: list[_Prepared] = []
    came: list[Reading] = []
    for one in returned:
        if isinstance(one, LeftOutRead):
            rows.append(_row(one.file, one.reading_id, "left-out", one.why))
            continue
        came.append(one.reading)
        try:
            before = of_photo[one.reading.place]
            study.require_shown(one.reading, key.canvas_shape)
            ready = _prepared(study, one, (name, printable(reason)), before, supersede=supersede)
        except OralLesionError as error:
            rows.append(_row(one.file, one.reading.reading_id, "left-out", str(error)))
            continue
        rows.append(ready.row)
        prepared.append(ready)
    part = require_one_part(came)
    if part:
        require_own_part(key, part, name, earlier)
    new = [one for one in prepared if one.row["status"] == "stored"]
    _store_all(study.results, new, supersede=supersede)
    rows += _missing(key, part, rows, {read.reading_id for read in earlier})
    return ReadImport(rows=tuple(rows))


def write_import(path: Path, outcome: ReadImport) -> None:
    """
    Write what became of an import as CSV.

    Parameters
    ----------
    path : Path
        Of the file, in a folder that exists.
    outcome : ReadImport
        Of the import.

    Raises
    ------
    OutputError
        Where it cannot be written.
    """
    write_table(path, IMPORT_COLUMNS, outcome.rows)


def _prepared(
    study: StudyReads, one: Returned, who: tuple[str, str], earlier: Sequence[Read], *, supersede: bool
) -> _Prepared:
    """Measure one picture; nothing is written yet."""
    reading, (reader, reason) = one.reading, who
    photo = study.photo_of(reading)
    area = _measured(photo, one, study.smallest_mm2)
    png = None if area is None else _mask_png(area.erosion)
    digest = None if png is None else hashlib.sha256(png).hexdigest()
    require_apart(earlier, reading, reader)
    before = next((read for read in earlier if read.reader == reader and is_of(read, reading)), None)
    same = before is not None and before.reading_id == reading.reading_id and before.mask_sha256 == digest
    if before is not None and not same and not supersede:
        raise InputError(f"was read by {reader} before. A second read needs --supersede --reason; the first stays")
    automatic = photo.stored.photo
    read = Read(
        place=f"{reading.subject}/{reading.visit}",
        photo_id=reading.photo_id,
        reading_id=reading.reading_id,
        reader=reader,
        round=round_of(reading),
        read_utc=utc_now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        automatic_area_mm2=automatic.area_mm2,
        automatic_u_area_mm2=_combined(automatic.u_scale_mm2, automatic.u_boundary_mm2),
        corrected_area_mm2=None if area is None else area.corrected.area_mm2,
        corrected_u_scale_mm2=None if area is None else area.corrected.u_scale_mm2,
        corrected_u_boundary_mm2=None if area is None else area.corrected.u_boundary_mm2,
        mask_file=None if digest is None else f"{READS_FOLDER}/{reading.reading_id}-{digest[:8]}.png",
        mask_sha256=digest,
        reason=" ".join(filter(None, [UNREADABLE_REASON if area is None else "", reason])),
    )
    row = {
        **dict.fromkeys(IMPORT_COLUMNS),
        "file": one.file,
        "reading_id": reading.reading_id,
        "status": "unchanged" if same else "stored",
        "automatic_area_mm2": read.automatic_area_mm2,
        "u_automatic_area_mm2": read.automatic_u_area_mm2,
        "corrected_area_mm2": read.corrected_area_mm2,
        "u_corrected_scale_mm2": read.corrected_u_scale_mm2,
        "u_corrected_boundary_mm2": read.corrected_u_boundary_mm2,
        "cut_off_mm2": None if area is None else _cut_off_mm2(one, area),
        "mask_sha256": digest,
    }
    return _Prepared(row=row, read=read, mask_png=png)


def _measured(photo: ReviewPhoto, one: Returned, smallest_mm2: float) -> CorrectedArea | None:
    if one.erosion is None:
        return None
    rows, columns = picture_of(photo.stored.pictures / "valid.png", np.uint8, 2).shape
    drawn = moved(one.erosion, one.reading.corner, (rows, columns))
    return measure_corrected(photo, drawn, smallest_mm2=smallest_mm2)


def _cut_off_mm2(one: Returned, area: CorrectedArea) -> float:
    """Return what was drawn beyond the tissue: on the card, or where the photo does not reach."""
    drawn_px = 0 if one.erosion is None else int(np.count_nonzero(one.erosion))
    return (drawn_px - int(np.count_nonzero(area.erosion))) * area.mm2_per_px


def _mask_png(erosion: NDArray[np.bool_]) -> bytes:
    _, encoded = cv2.imencode(".png", erosion.astype(np.uint8) * np.uint8(255), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return bytes(encoded)


def _combined(u_scale_mm2: float | None, u_boundary_mm2: float | None) -> float | None:
    return None if u_scale_mm2 is None or u_boundary_mm2 is None else math.hypot(u_scale_mm2, u_boundary_mm2)


def _store_all(results: Path, prepared: Sequence[_Prepared], *, supersede: bool) -> None:
    """Write masks and reads; where anything fails, neither stays."""
    if not prepared:
        return
    written: list[Path] = []
    try:
        with open_store(results / STORE_NAME) as store, store.transaction():
            for one in prepared:
                if one.mask_png is not None and one.read.mask_file is not None:
                    path = results / one.read.mask_file
                    if not path.exists():
                        write_bytes(path, one.mask_png)
                        written.append(path)
                add_read(store, one.read, supersede=supersede)
    except BaseException:
        for path in written:
            with suppress(OSError):
                path.unlink()
        raise


def _missing(key: WorklistKey, part: str, rows: Sequence[Row], read_ids: set[str]) -> list[Row]:
    """Return a row for each picture of the reader that neither came back now nor was stored before."""
    came = {row["reading_id"] for row in rows}
    return [
        _row("", reading.reading_id, "missing", "did not come back, and was not read before")
        for reading in key.readings
        if reading.part == part and reading.reading_id not in came and reading.reading_id not in read_ids
    ]


def _row(file: str, reading_id: str, status: str, why: str) -> Row:
    named = {"file": file, "reading_id": reading_id, "status": status, "why": why}
    return {**dict.fromkeys(IMPORT_COLUMNS), **named}
