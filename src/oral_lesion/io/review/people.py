"""Who may read what: two reads are of two people, and who decides between them is a third."""

from __future__ import annotations

from collections.abc import Sequence

from oral_lesion.errors import InputError
from oral_lesion.io.naming import printable
from oral_lesion.io.results_store import Read, Round
from oral_lesion.io.review.key import ADJUDICATOR, Reading, WorklistKey

__all__ = ["MOST_READERS", "is_of", "require_apart", "require_code", "require_one_part", "require_own_part", "round_of"]

MOST_READERS = 2
"""Of one photo; where they differ, a third person adjudicates."""

_LONGEST_NAME = 80


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


def require_code(reader: str) -> str:
    """
    Return a reader's code, printable.

    Parameters
    ----------
    reader : str
        As given.

    Returns
    -------
    str

    Raises
    ------
    InputError
        Where it is empty or longer than 80 characters.
    """
    name = printable(reader)
    if not name or len(name) > _LONGEST_NAME:
        raise InputError(f"--reader: expected a code of 1 to {_LONGEST_NAME} characters, got {len(name)}.")
    return name


def is_of(read: Read, reading: Reading) -> bool:
    """
    Return whether a read is of the photo of a reading, and of the same round.

    Parameters
    ----------
    read : Read
        From the store.
    reading : Reading
        Of the key.

    Returns
    -------
    bool
    """
    same_photo = (read.place, read.photo_id) == (f"{reading.subject}/{reading.visit}", reading.photo_id)
    return same_photo and read.round is round_of(reading)


def require_apart(earlier: Sequence[Read], reading: Reading, reader: str) -> None:
    """
    Refuse an adjudication by one of the readers or by a second adjudicator, a read by the adjudicator, a third reader.

    Parameters
    ----------
    earlier : sequence of Read
        All current reads.
    reading : Reading
        That is to be taken in.
    reader : str
        Whose it is.

    Raises
    ------
    InputError
        In words that follow the picture's name.
    """
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


def require_one_part(came: Sequence[Reading]) -> str:
    """
    Return the part of a worklist that readings belong to.

    Parameters
    ----------
    came : sequence of Reading
        That came back together.

    Returns
    -------
    str
        Empty where there are none.

    Raises
    ------
    InputError
        Where they are of several readers.
    """
    parts = sorted({reading.part for reading in came})
    if len(parts) > 1:
        raise InputError(f"The files are of {' and '.join(parts)}. Import those of each reader apart.")
    return parts[0] if parts else ""


def require_own_part(key: WorklistKey, part: str, reader: str, earlier: Sequence[Read]) -> None:
    """
    Refuse a reader's second part of one worklist, and a second reader of one part.

    Parameters
    ----------
    key : WorklistKey
        Of the worklist.
    part : str
        That came back.
    reader : str
        Who read it.
    earlier : sequence of Read
        All current reads.

    Raises
    ------
    InputError
        Which of both it is.
    """
    part_of = {reading.reading_id: reading.part for reading in key.readings}
    for read in earlier:
        there = part_of.get(read.reading_id)
        if there == part and read.reader != reader:
            raise InputError(f"--reader: {part} of this worklist was read by {read.reader}, not by {reader}.")
        if there is not None and there != part and read.reader == reader:
            raise InputError(f"--reader: {reader} has read {there} of this worklist; {part} is another person's.")
