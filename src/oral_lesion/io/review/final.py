"""The value that counts of each photo: the adjudicated one, the readers', or the automatic one; all of them stay."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from oral_lesion.io.csv_tables import TEXT, WHOLE, Columns, Row
from oral_lesion.io.results_store import Read
from oral_lesion.io.review.pairs import READERS, Pair, difference_beyond
from oral_lesion.io.review.photo_reads import PhotoReads
from oral_lesion.io.review.settings import ReviewSettings
from oral_lesion.records import UncertaintyGap

__all__ = [
    "ADJUDICATION_COLUMNS",
    "REVIEWED_COLUMNS",
    "Reviewed",
    "Source",
    "adjudication_rows",
    "review",
    "reviewed_row",
]

UNREADABLE_BY_ONE, SCORED_ANEW = "unreadable-by-one", "scored-anew"

REVIEWED_COLUMNS: Columns = {
    "subject": TEXT, "visit": TEXT, "site": TEXT, "replicate": WHOLE, "photo_id": TEXT, "sha256": TEXT,
    "automatic_area_mm2": 3, "u_automatic_area_mm2": 3,
    "reader_1": TEXT, "reader_1_area_mm2": 3, "reader_1_reason": TEXT,
    "reader_2": TEXT, "reader_2_area_mm2": 3, "reader_2_reason": TEXT,
    "adjudicator": TEXT, "adjudicated_area_mm2": 3, "adjudicator_reason": TEXT,
    "final_area_mm2": 3, "u_final_area_mm2": 3, "u_final_scale_mm2": 3, "u_final_boundary_mm2": 3, "u_reason": TEXT,
    "source": TEXT, "why": TEXT,
}  # fmt: skip
"""Columns of the table of final values: one row a scored photo."""

ADJUDICATION_COLUMNS: Columns = {
    "subject": TEXT, "visit": TEXT, "site": TEXT, "photo_id": TEXT, "reader_1": TEXT, "reader_1_area_mm2": 3,
    "reader_2": TEXT, "reader_2_area_mm2": 3, "difference_mm2": 3, "difference_percent": 2, "dice_ratio": 4,
    "why": TEXT, "adjudicated": WHOLE,
}  # fmt: skip
"""Columns of the list of photos that are to be adjudicated, or were."""


class Source(StrEnum):
    """Where a final value comes from, or why there is none yet."""

    AUTOMATIC = "automatic"
    READER = "reader"
    READERS = "readers"
    ADJUDICATED = "adjudicated"
    TO_BE_ADJUDICATED = "to-be-adjudicated"
    TO_BE_READ = "to-be-read"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """
    What counts of one photo.

    Parameters
    ----------
    reads : PhotoReads
        All that there is.
    source : Source
        Where the value comes from.
    area_mm2, u_scale_mm2, u_boundary_mm2 : float or None
        Final area and its standard uncertainty by source; None where there is none.
    differs : str
        Why the two reads differ too much; empty where they do not.
    pair : Pair or None
        Of the two readers.
    """

    reads: PhotoReads
    source: Source
    area_mm2: float | None = None
    u_scale_mm2: float | None = None
    u_boundary_mm2: float | None = None
    differs: str = ""
    pair: Pair | None = None

    @property
    def u_area_mm2(self) -> float | None:
        """Combined standard uncertainty."""
        if self.u_scale_mm2 is None or self.u_boundary_mm2 is None:
            return None
        return math.hypot(self.u_scale_mm2, self.u_boundary_mm2)


def review(of_photos: Sequence[PhotoReads], pairs: Sequence[Pair], limits: ReviewSettings) -> tuple[Reviewed, ...]:
    """
    Decide which value of each photo counts.

    The adjudicated one does where there is one. Else two reads within the limits give their mean, whose boundary is no
    surer than half their difference says; one read alone counts where the protocol asks for one. A photo that nobody
    read keeps its automatic area. What is still to be read or adjudicated has none.

    Parameters
    ----------
    of_photos : sequence of PhotoReads
        All scored photos.
    pairs : sequence of Pair
        Of all of them.
    limits : ReviewSettings
        Of the protocol.

    Returns
    -------
    tuple of Reviewed
        One a photo.
    """
    of_readers: Mapping[str, Pair] = {pair.reads.photo.place: pair for pair in pairs if pair.kind == READERS}
    return tuple(_reviewed(reads, of_readers.get(reads.photo.place), limits) for reads in of_photos)


def _reviewed(reads: PhotoReads, pair: Pair | None, limits: ReviewSettings) -> Reviewed:
    there = [read for read in reads.reads if read.corrected_area_mm2 is not None]
    differs = difference_beyond(pair, limits) if pair is not None else ""
    if len(reads.reads) > 1 and len(there) == 1:
        differs = UNREADABLE_BY_ONE
    if reads.adjudication is not None:
        return _of_reads(reads, [reads.adjudication], Source.ADJUDICATED, differs, pair)
    if reads.scored_anew:
        return Reviewed(reads=reads, source=Source.TO_BE_READ, differs=SCORED_ANEW)
    if not reads.reads:
        stored = reads.photo.stored.photo
        return Reviewed(
            reads=reads,
            source=Source.AUTOMATIC,
            area_mm2=stored.area_mm2,
            u_scale_mm2=stored.u_scale_mm2,
            u_boundary_mm2=stored.u_boundary_mm2,
        )
    if len(reads.reads) < limits.readers:
        return Reviewed(reads=reads, source=Source.TO_BE_READ)
    if differs:
        return Reviewed(reads=reads, source=Source.TO_BE_ADJUDICATED, differs=differs, pair=pair)
    return _of_reads(reads, reads.reads, Source.READERS if len(there) > 1 else Source.READER, "", pair)


def _of_reads(reads: PhotoReads, used: Sequence[Read], source: Source, differs: str, pair: Pair | None) -> Reviewed:
    areas = [read.corrected_area_mm2 for read in used if read.corrected_area_mm2 is not None]
    if not areas:
        return Reviewed(reads=reads, source=Source.UNREADABLE, differs=differs, pair=pair)
    area = math.fsum(areas) / len(areas)
    # one photo, one scale: its error is the same for both readers; that of a boundary is each reader's own
    scale = math.fsum(read.corrected_u_scale_mm2 or 0.0 for read in used) / len(areas)
    boundary = math.fsum(read.corrected_u_boundary_mm2 or 0.0 for read in used) / len(areas)
    half_difference = (max(areas) - min(areas)) / 2.0
    return Reviewed(
        reads=reads,
        source=source,
        area_mm2=area,
        u_scale_mm2=scale if area > 0 else None,
        u_boundary_mm2=max(boundary, half_difference) if area > 0 else None,
        differs=differs,
        pair=pair,
    )


def reviewed_row(one: Reviewed) -> Row:
    """
    Return what the table of final values says of a photo.

    Parameters
    ----------
    one : Reviewed
        Of the photo.

    Returns
    -------
    mapping
        Values of `REVIEWED_COLUMNS`.
    """
    identity, stored = one.reads.photo.stored.identity, one.reads.photo.stored.photo
    known = stored.u_scale_mm2 is not None and stored.u_boundary_mm2 is not None
    return {
        **_place(one),
        "replicate": identity.replicate,
        "sha256": identity.sha256,
        "automatic_area_mm2": stored.area_mm2,
        "u_automatic_area_mm2": math.hypot(stored.u_scale_mm2 or 0, stored.u_boundary_mm2 or 0) if known else None,
        **_of_readers(one, ("area_mm2", "reason")),
        "adjudicator": None if one.reads.adjudication is None else one.reads.adjudication.reader,
        "adjudicated_area_mm2": None if one.reads.adjudication is None else one.reads.adjudication.corrected_area_mm2,
        "adjudicator_reason": None if one.reads.adjudication is None else one.reads.adjudication.reason,
        "final_area_mm2": one.area_mm2,
        "u_final_area_mm2": one.u_area_mm2,
        "u_final_scale_mm2": one.u_scale_mm2,
        "u_final_boundary_mm2": one.u_boundary_mm2,
        "u_reason": UncertaintyGap.ZERO_AREA.value if one.area_mm2 is not None and one.u_area_mm2 is None else None,
        "source": one.source.value,
        "why": one.differs,
    }


def adjudication_rows(of_photos: Sequence[Reviewed]) -> list[Row]:
    """
    Return the list of photos on which two readers differ too much.

    Parameters
    ----------
    of_photos : sequence of Reviewed
        All photos.

    Returns
    -------
    list of mapping
        Values of `ADJUDICATION_COLUMNS`.
    """
    return [
        {
            **_place(one),
            **_of_readers(one, ("area_mm2",)),
            "difference_mm2": None if one.pair is None else one.pair.difference_mm2,
            "difference_percent": None if one.pair is None else one.pair.difference_percent,
            "dice_ratio": None if one.pair is None else one.pair.dice,
            "why": one.differs,
            "adjudicated": int(one.reads.adjudication is not None),
        }
        for one in of_photos
        if one.differs and one.source is not Source.TO_BE_READ
    ]


def _place(one: Reviewed) -> Row:
    identity = one.reads.photo.stored.identity
    return {
        "subject": identity.subject_id,
        "visit": identity.visit.name,
        "site": identity.site,
        "photo_id": identity.photo_id,
    }


def _of_readers(one: Reviewed, wanted: Sequence[str]) -> Row:
    row: dict[str, str | float | None] = {}
    for number in (1, 2):
        read = one.reads.reads[number - 1] if len(one.reads.reads) >= number else None
        values = {
            "area_mm2": None if read is None else read.corrected_area_mm2,
            "reason": None if read is None else read.reason,
        }
        row[f"reader_{number}"] = None if read is None else read.reader
        row |= {f"reader_{number}_{name}": values[name] for name in wanted}
    return row
