"""Two masks of one photo side by side: reader and reader, reader and model, a reader's first look and second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import FormatError
from oral_lesion.io.csv_tables import TEXT, WHOLE, Columns, Row
from oral_lesion.io.results_store import Read
from oral_lesion.io.review.photo_reads import PhotoReads, automatic_mask, mask_of_read
from oral_lesion.io.review.settings import ReviewSettings
from oral_lesion.numerics.overlap import dice_coefficient

__all__ = ["AUTOMATIC", "PAIR_COLUMNS", "Pair", "PairKind", "difference_beyond", "pair_rows", "pairs_of"]

AUTOMATIC = "automatic"
"""In place of a reader: the model."""

PAIR_COLUMNS: Columns = {
    "comparison": TEXT, "subject": TEXT, "visit": TEXT, "site": TEXT, "photo_id": TEXT, "first": TEXT, "second": TEXT,
    "first_area_mm2": 3, "second_area_mm2": 3, "difference_mm2": 3, "difference_percent": 2, "dice_ratio": 4,
    "beyond_limits": WHOLE, "why": TEXT,
}  # fmt: skip
"""Columns of the table of all pairs."""

PairKind = str
READERS, WITH_MODEL, REPEAT = "readers", "reader-automatic", "repeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """
    Two areas of one photo.

    Parameters
    ----------
    kind : str
        ``readers``, ``reader-automatic`` or ``repeat``.
    reads : PhotoReads
        Of the photo.
    first, second : str
        Readers; ``automatic`` is the model.
    first_mm2, second_mm2 : float
        Areas.
    dice : float
        Of the masks; 1 where both are empty.
    """

    kind: PairKind
    reads: PhotoReads
    first: str
    second: str
    first_mm2: float
    second_mm2: float
    dice: float

    @property
    def difference_mm2(self) -> float:
        """First minus second."""
        return self.first_mm2 - self.second_mm2

    @property
    def difference_percent(self) -> float | None:
        """Of the mean of both; None where both are 0."""
        mean = (self.first_mm2 + self.second_mm2) / 2.0
        return 100.0 * self.difference_mm2 / mean if mean > 0 else None


def difference_beyond(pair: Pair, limits: ReviewSettings) -> str:
    """
    Return why two reads differ too much.

    Parameters
    ----------
    pair : Pair
        Of two readers.
    limits : ReviewSettings
        Of the protocol.

    Returns
    -------
    str
        ``area``, ``dice``, both with a space between; empty where they agree.
    """
    percent = abs(pair.difference_percent or 0.0)
    too_far = abs(pair.difference_mm2) > limits.max_area_difference_mm2
    reasons = {
        "area": too_far and percent > limits.max_area_difference_percent,
        "dice": pair.dice < limits.min_dice,
    }
    return " ".join(name for name, beyond in reasons.items() if beyond)


def pairs_of(results: Path, of_photos: Sequence[PhotoReads]) -> Iterator[Pair]:
    """
    Compare all pairs of masks of each photo.

    Parameters
    ----------
    results : Path
        Results folder of `oral-lesion study`.
    of_photos : sequence of PhotoReads
        All photos.

    Yields
    ------
    Pair
        Photo by photo: the readers, each reader and the model, each reader's two looks; none of what could not be read.

    Raises
    ------
    FormatError
        Where a mask is missing or edited, or does not fit to its photo.
    """
    for reads in of_photos:
        if not reads.reads and not reads.repeats:
            continue
        there = [read for read in reads.reads if read.corrected_area_mm2 is not None]
        automatic = (AUTOMATIC, reads.photo.stored.photo.area_mm2 or 0.0, automatic_mask(reads.photo))
        sides = [_side_of(results, read, automatic[2].shape) for read in there]
        for index, side in enumerate(sides):
            for other in sides[index + 1 :]:
                yield _pair(READERS, reads, side, other)
        for side in sides:
            yield _pair(WITH_MODEL, reads, side, automatic)
        for again in reads.repeats:
            first = next((side for side in sides if side[0] == again.reader), None)
            if again.corrected_area_mm2 is not None and first is not None:
                yield _pair(REPEAT, reads, _side_of(results, again, automatic[2].shape), first)


_Side = tuple[str, float, NDArray[np.bool_]]


def _side_of(results: Path, read: Read, shape: tuple[int, ...]) -> _Side:
    mask = mask_of_read(results, read)
    if mask.shape != shape:
        raise FormatError(
            f"{read.place}/{read.photo_id}: was scored anew since {read.reader} read it. Make a new worklist of it."
        )
    return read.reader, float(read.corrected_area_mm2 or 0.0), mask


def _pair(kind: PairKind, reads: PhotoReads, first: _Side, second: _Side) -> Pair:
    sizes = (np.count_nonzero(first[2]), np.count_nonzero(second[2]), np.count_nonzero(first[2] & second[2]))
    return Pair(
        kind=kind,
        reads=reads,
        first=first[0],
        second=second[0],
        first_mm2=first[1],
        second_mm2=second[1],
        dice=float(dice_coefficient(*sizes)),
    )


def pair_rows(pairs: Sequence[Pair], limits: ReviewSettings) -> list[Row]:
    """
    Return the table of all pairs.

    Parameters
    ----------
    pairs : sequence of Pair
        Of all photos.
    limits : ReviewSettings
        Of the protocol; they hold between readers alone.

    Returns
    -------
    list of mapping
        Values of `PAIR_COLUMNS`.
    """
    rows: list[Row] = []
    for pair in pairs:
        identity = pair.reads.photo.stored.identity
        why = difference_beyond(pair, limits) if pair.kind == READERS else ""
        rows.append(
            {
                "comparison": pair.kind,
                "subject": identity.subject_id,
                "visit": identity.visit.name,
                "site": identity.site,
                "photo_id": identity.photo_id,
                "first": pair.first,
                "second": pair.second,
                "first_area_mm2": pair.first_mm2,
                "second_area_mm2": pair.second_mm2,
                "difference_mm2": pair.difference_mm2,
                "difference_percent": pair.difference_percent,
                "dice_ratio": pair.dice,
                "beyond_limits": int(bool(why)) if pair.kind == READERS else None,
                "why": why,
            }
        )
    return rows
