"""All photos of a study's results, with the folders that their reports are in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from oral_lesion.adapters.html.page import REPORT_FILE, link_to
from oral_lesion.adapters.html.photo import site_title
from oral_lesion.adapters.html.pictures import Picture, picture_in
from oral_lesion.adapters.html.printed import Cells, Number, number_of, read_printed
from oral_lesion.errors import FormatError
from oral_lesion.io.naming import sorting_key

__all__ = ["ScoredPhotoRow", "read_study_photos", "visit_folders"]

_THUMB_PX = 112


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredPhotoRow:
    """
    One photo of a study.

    Parameters
    ----------
    place : tuple of str
        Names of its folders below ``scores``: subject and visit.
    row, quality : Cells
        Of scores.csv and quality.csv.
    folder : Path
        Of its visit.
    """

    place: tuple[str, str]
    row: Cells
    quality: Cells
    folder: Path

    @property
    def scored(self) -> bool:
        """Whether it has an area."""
        return self.row["status"] == "scored"

    @property
    def title(self) -> str:
        """Its site in words."""
        return site_title(self.row["site"])

    @property
    def area(self) -> Number | None:
        """In mm²."""
        return number_of(self.row["erosion_area_mm2"], 1)

    @property
    def expanded(self) -> Number | None:
        """U (k = 2) in mm²; an area of 0 has none."""
        number = number_of(self.row["u_area_mm2"], 1, times=2.0)
        return None if number is None or float(number.cell) == 0 else number

    def href(self, *above: str) -> str:
        """
        Return the link to it in its visit's report.

        Parameters
        ----------
        *above : str
            From the page to the results of the study, such as ``..``.

        Returns
        -------
        str
        """
        return link_to(*above, "scores", *self.place, REPORT_FILE, anchor=self.row["photo_id"])

    def thumbnail(self) -> Picture | None:
        """
        Return a small picture with outlines.

        Returns
        -------
        Picture or None
            None of a refused photo.
        """
        if not self.scored:
            return None
        return picture_in(self.folder / "photos" / self.row["photo_id"] / "overlay.jpg", _THUMB_PX)


def visit_folders(results: Path) -> tuple[Path, ...]:
    """
    Return the folders of scored visits.

    Parameters
    ----------
    results : Path
        Of a study.

    Returns
    -------
    tuple of Path
        By subject and visit.
    """
    found = [path.parent for path in (results / "scores").glob("*/*/scores.csv")]
    return tuple(sorted(found, key=lambda folder: (sorting_key(folder.parent.name), sorting_key(folder.name))))


def read_study_photos(folders: Iterable[Path]) -> tuple[ScoredPhotoRow, ...]:
    """
    Read the rows of all visits.

    Parameters
    ----------
    folders : iterable of Path
        Of scored visits.

    Returns
    -------
    tuple of ScoredPhotoRow
        In the order of folders and rows.

    Raises
    ------
    FormatError
        Where a visit's tables cannot be read.
    """
    return tuple(photo for folder in folders for photo in _of_visit(folder))


def _of_visit(folder: Path) -> Sequence[ScoredPhotoRow]:
    scores = read_printed(folder / "scores.csv", needed=("photo_id", "status"))
    quality = {row["photo_id"]: row for row in read_printed(folder / "quality.csv").rows}
    place = folder.parent.name, folder.name
    if not all(row["photo_id"] for row in scores.rows):
        raise FormatError(f"{folder / 'scores.csv'}: has a row without a photo_id. Score again.")
    return [
        ScoredPhotoRow(place=place, row=row, quality=quality.get(row["photo_id"], Cells()), folder=folder)
        for row in scores.rows
    ]
