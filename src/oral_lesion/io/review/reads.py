"""Take in what readers return: each picture is measured again and stored beside the automatic area, or left out."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import FormatError, InputError, OralLesionError
from oral_lesion.io.audit.entries import utc_now
from oral_lesion.io.csv_tables import TEXT, Columns, Row, write_table
from oral_lesion.io.naming import printable
from oral_lesion.io.one_by_one import write_bytes
from oral_lesion.io.results_store import STORE_NAME, Read, Round, add_read, iter_reads, open_store
from oral_lesion.io.review.canvas import back_from_canvas
from oral_lesion.io.review.corrected import CorrectedArea, measure_corrected, read_study_settings, smallest_lesion_mm2
from oral_lesion.io.review.key import ADJUDICATOR, Reading, WorklistKey
from oral_lesion.io.review.photos import ReviewPhoto, find_review_photos
from oral_lesion.io.review.worklist import standardized_sha256
from oral_lesion.io.scored_visits import picture_of

__all__ = [
    "IMPORT_COLUMNS",
    "MASKS_FOLDER",
    "MOST_READERS",
    "UNREADABLE_REASON",
    "LeftOutRead",
    "ReadImport",
    "Returned",
    "StudyReads",
    "round_of",
    "take_in",
    "write_import",
]

MASKS_FOLDER = "reads"
"""Folder in RESULTS of the readers' masks."""

IMPORT_COLUMNS: Columns = {
    "file": TEXT, "reading_id": TEXT, "status": TEXT, "why": TEXT, "automatic_area_mm2": 3, "u_automatic_area_mm2": 3,
    "corrected_area_mm2": 3, "u_corrected_scale_mm2": 3, "u_corrected_boundary_mm2": 3, "cut_off_mm2": 3,
    "mask_sha256": TEXT,
}  # fmt: skip
"""Columns of the table that an import writes: one row a picture that came back, or is missing."""

UNREADABLE_REASON = "unreadable"
"""What the reason of a read without an area begins with."""

MOST_READERS = 2
"""Of one photo; where they differ, a third person adjudicates."""

_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Returned:
    """
    One picture as a reader returned it, checked against the key.

    Parameters
    ----------
    file : str
        That it came in.
    reading : Reading
        Of the key.
    erosion : ndarray of bool, shape (height, width), or None
        Drawn on the canvas; None where the picture could not be read.
    """

    file: str
    reading: Reading
    erosion: NDArray[np.bool_] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutRead:
    """
    A picture, or file, that was not taken.

    Parameters
    ----------
    file : str
        That it came in.
    why : str
        What, expected, got and the next step.
    reading_id : str
        Where it is known.
    """

    file: str
    why: str
    reading_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyReads:
    """
    The photos of a study that reads belong to.

    Parameters
    ----------
    results : Path
        Results folder of `oral-lesion study`.
    photos : mapping
        Photo by SUBJECT/VISIT/PHOTO_ID.
    smallest_mm2 : float
        Smallest lesion that counts.
    """

    results: Path
    photos: Mapping[str, ReviewPhoto]
    smallest_mm2: float

    @classmethod
    def of(cls, results: Path) -> StudyReads:
        """
        Find the photos of a study.

        Parameters
        ----------
        results : Path
            Results folder of `oral-lesion study`.

        Returns
        -------
        StudyReads

        Raises
        ------
        OralLesionError
            Where there are no such results.
        """
        smallest = smallest_lesion_mm2(read_study_settings(results))
        photos = {photo.place: photo for photo in find_review_photos(results)}
        return cls(results=results, photos=photos, smallest_mm2=smallest)

    def photo_of(self, reading: Reading) -> ReviewPhoto:
        """
        Return the photo of a reading.

        Parameters
        ----------
        reading : Reading
            Of the key.

        Returns
        -------
        ReviewPhoto

        Raises
        ------
        FormatError
            Where the results have no such photo, or it was scored anew since the worklist was made.
        """
        photo = self.photos.get(reading.place)
        if photo is None or photo.stored.identity.sha256 != reading.photo_sha256:
            raise FormatError("its photo is not in the results; name those that the worklist was made of")
        if standardized_sha256(photo) != reading.standardized_sha256:
            raise FormatError("its photo was scored anew since the worklist was made; make a new worklist of it")
        return photo

    def start_of(self, reading: Reading, canvas_shape: tuple[int, int]) -> NDArray[np.bool_]:
        """
        Return the model's mask as the reader saw it.

        Parameters
        ----------
        reading : Reading
            Of the key.
        canvas_shape : tuple of int
            Height and width.

        Returns
        -------
        ndarray of bool, shape (height, width)

        Raises
        ------
        FormatError
            As for `photo_of`.
        """
        lesions = picture_of(self.photo_of(reading).stored.pictures / "lesions.png", np.uint16, 2) > 0
        row, column = reading.corner
        return back_from_canvas(lesions, (-row, -column), canvas_shape)


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
    name = _require_reader(reader)
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
            ready = _prepared(study, one, (name, printable(reason)), before, supersede=supersede)
        except OralLesionError as error:
            rows.append(_row(one.file, one.reading.reading_id, "left-out", str(error)))
            continue
        rows.append(ready.row)
        prepared.append(ready)
    part = _require_one_part(came)
    if part:
        _require_own_part(key, part, name, earlier)
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
        Of the file; its folder is made where it is missing.
    outcome : ReadImport
        Of the import.

    Raises
    ------
    OutputError
        Where it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_table(path, IMPORT_COLUMNS, outcome.rows)


def round_of(reading: Reading) -> Round:
    """
    Return which round a reading belongs to.

    Parameters
    ----------
    reading : Reading
        Of the key.

    Returns
    -------
    Round
    """
    if reading.part == ADJUDICATOR:
        return Round.ADJUDICATION
    return Round.READ if reading.occurrence == 1 else Round.REPEAT


def _require_reader(reader: str) -> str:
    name = printable(reader)
    if not name or len(name) > _LONGEST_NAME:
        raise InputError(f"--reader: expected a code of 1 to {_LONGEST_NAME} characters, got {len(name)}.")
    return name


def _prepared(
    study: StudyReads, one: Returned, who: tuple[str, str], earlier: Sequence[Read], *, supersede: bool
) -> _Prepared:
    """Measure one picture; nothing is written yet."""
    reading, (reader, reason) = one.reading, who
    photo = study.photo_of(reading)
    area = _measured(photo, one, study.smallest_mm2)
    png = None if area is None else _mask_png(area.erosion)
    digest = None if png is None else hashlib.sha256(png).hexdigest()
    _require_apart(earlier, reading, reader)
    before = next((read for read in earlier if read.reader == reader and _is_of(read, reading)), None)
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
        mask_file=None if digest is None else f"{MASKS_FOLDER}/{reading.reading_id}-{digest[:8]}.png",
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
    drawn = back_from_canvas(one.erosion, one.reading.corner, (rows, columns))
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


def _is_of(read: Read, reading: Reading) -> bool:
    same_photo = (read.place, read.photo_id) == (f"{reading.subject}/{reading.visit}", reading.photo_id)
    return same_photo and read.round is round_of(reading)


def _require_apart(earlier: Sequence[Read], reading: Reading, reader: str) -> None:
    """Refuse an adjudication by one of the readers, or by a second adjudicator; and a read by the adjudicator."""
    place = f"{reading.subject}/{reading.visit}"
    of_photo = [read for read in earlier if (read.place, read.photo_id) == (place, reading.photo_id)]
    adjudicating = reading.part == ADJUDICATOR
    own_other = [
        read for read in of_photo if read.reader == reader and (read.round is Round.ADJUDICATION) != adjudicating
    ]
    if own_other:
        raise InputError(f"{reader} has read it in the other role; readers and adjudicator are different people")
    others = {read.reader for read in of_photo if read.round is Round.ADJUDICATION} - {reader}
    if adjudicating and others:
        raise InputError(f"is adjudicated by {', '.join(sorted(others))} already; one decides")
    readers = {read.reader for read in of_photo if read.round is Round.READ} - {reader}
    if not adjudicating and len(readers) >= MOST_READERS:
        raise InputError(f"was read by {' and '.join(sorted(readers))} already; a third opinion is an adjudication")


def _require_one_part(came: Sequence[Reading]) -> str:
    parts = sorted({reading.part for reading in came})
    if len(parts) > 1:
        raise InputError(f"The files are of {' and '.join(parts)}. Import those of each reader apart.")
    return parts[0] if parts else ""


def _require_own_part(key: WorklistKey, part: str, reader: str, earlier: Sequence[Read]) -> None:
    """Refuse a reader's second part of one worklist, and a second reader of one part: two reads are of two people."""
    part_of = {reading.reading_id: reading.part for reading in key.readings}
    for read in earlier:
        there = part_of.get(read.reading_id)
        if there == part and read.reader != reader:
            raise InputError(f"--reader: {part} of this worklist was read by {read.reader}, not by {reader}.")
        if there is not None and there != part and read.reader == reader:
            raise InputError(f"--reader: {reader} has read {there} of this worklist; {part} is another person's.")


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
