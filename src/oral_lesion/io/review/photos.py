"""Which photos of a study people are to read, and that nothing at hand tells the treatment."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from oral_lesion.endpoint.strata import tells_treatment
from oral_lesion.errors import Fault, FormatError, InputError, SettingsError
from oral_lesion.io.hand_made_tables import lines_of
from oral_lesion.io.naming import printable, sorting_key
from oral_lesion.io.results_store import stored_place
from oral_lesion.io.scored_visits import StoredScore, read_scored_visit
from oral_lesion.io.store import RUN_FILE

__all__ = ["ReviewPhoto", "find_review_photos", "require_no_treatment"]

_MOST_HEADER_BYTES = 100_000
_SELECTING = ("subject", "visit", "site", "photo_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPhoto:
    """
    A scored photo of a study.

    Parameters
    ----------
    stored : StoredScore
        Its score; its pictures stay on disk.
    visit_place : str
        SUBJECT/VISIT of its folder, as the store knows it; a manifest may give the visit another name.
    """

    stored: StoredScore
    visit_place: str

    @property
    def place(self) -> str:
        """SUBJECT/VISIT/PHOTO_ID of its folder."""
        return f"{self.visit_place}/{self.stored.identity.photo_id}"

    @property
    def selecting(self) -> dict[str, str]:
        """What a table of photos may select it by."""
        identity = self.stored.identity
        values = (identity.subject_id, identity.visit.name, identity.site or "", identity.photo_id)
        return dict(zip(_SELECTING, values, strict=True))


def find_review_photos(results: Path, select: Path | None = None) -> tuple[ReviewPhoto, ...]:
    """
    Find the scored photos of a study's results.

    Parameters
    ----------
    results : Path
        Results folder of `oral-lesion study`.
    select : Path or None
        CSV with some of the columns subject, visit, site, photo_id: a photo is taken where a line matches in all its
        filled cells; None takes all.

    Returns
    -------
    tuple of ReviewPhoto
        Those that were not refused, sorted by subject, visit and photo.

    Raises
    ------
    FormatError
        Where there are no such results.
    SettingsError
        Where the table, or one in `results`, has a column that seems to tell the treatment, or is no such table, or
        has a line that no photo matches.
    InputError
        Where no photo is left.
    """
    require_no_treatment(results)
    folders = [run.parent for run in results.glob(f"scores/*/*/{RUN_FILE}")]
    if not folders:
        raise FormatError(f"{results}: expected the results of `oral-lesion study`, found no scores in it. Name them.")
    found = [
        ReviewPhoto(stored=stored, visit_place=stored_place(f"{folder.parent.name}/{folder.name}"))
        for folder in folders
        for stored in read_scored_visit(folder).scores
    ]
    scored = sorted(
        (photo for photo in found if photo.stored.photo.refusal is None), key=lambda photo: sorting_key(photo.place)
    )
    kept = scored if select is None else _selected(scored, select)
    if not kept:
        raise InputError(f"{results}: has no scored photo to read, {len(found)} were refused. Score others.")
    return tuple(kept)


def require_no_treatment(results: Path) -> None:
    """
    Refuse results with a table that seems to tell the treatment: who makes a worklist is not to know it.

    Parameters
    ----------
    results : Path
        Results folder of `oral-lesion study`.

    Raises
    ------
    SettingsError
        With each column.
    """
    faults = []
    for path in sorted(results.glob("*.csv")):
        faults += _telling(path.name, _header_of(path))
    if faults:
        raise SettingsError(str(results), faults)


def _telling(file: str, header: Sequence[str]) -> list[Fault]:
    message = "seems to tell the treatment. Reads are blinded: remove the column, and join it after unblinding"
    return [Fault(f"{file}, column {name.strip()!r}", message) for name in header if tells_treatment(name)]


def _selected(photos: Sequence[ReviewPhoto], select: Path) -> list[ReviewPhoto]:
    (_, header), *lines = lines_of(select, expected=f"some of the columns {', '.join(_SELECTING)}")
    columns = [printable(name).casefold() for name in header]
    faults = _telling(select.name, header)
    faults += [
        Fault(f"column {name!r}", f"is not among {', '.join(_SELECTING)}. Remove it")
        for name in columns
        if name not in _SELECTING and not tells_treatment(name)
    ]
    faults += [Fault(f"column {name!r}", "comes twice") for name in sorted(set(columns)) if columns.count(name) > 1]
    if faults:
        raise SettingsError(select.name, faults)
    taken: set[str] = set()
    for line, cells in lines:
        wanted = {name: printable(cell) for name, cell in zip(columns, cells, strict=False) if printable(cell)}
        if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
            faults.append(Fault(f"line {line}", f"has {len(cells)} cells, the header {len(columns)}"))
        matching = {
            photo.place for photo in photos if all(photo.selecting[name] == value for name, value in wanted.items())
        }
        if not matching:
            faults.append(Fault(f"line {line}", "no scored photo is so; look at scores.csv"))
        taken |= matching
    if faults:
        raise SettingsError(select.name, faults)
    return [photo for photo in photos if photo.place in taken]


def _header_of(path: Path) -> list[str]:
    """Return the first line of a table of any size; what is no table has no columns."""
    try:
        with path.open("rb") as file:
            first = file.readline(_MOST_HEADER_BYTES).decode("utf-8-sig", "replace")
        return next(csv.reader([first], delimiter=max(",;\t", key=first.count)), [])
    except (OSError, csv.Error):
        return []
