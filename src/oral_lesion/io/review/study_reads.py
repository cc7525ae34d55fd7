"""What a read belongs to: the photos of a study, and one picture as a reader returned it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import FormatError
from oral_lesion.io.review.canvas import moved, pixels_sha256, shown_picture
from oral_lesion.io.review.corrected import read_study_settings, smallest_lesion_mm2
from oral_lesion.io.review.key import Reading
from oral_lesion.io.review.photos import ReviewPhoto, find_review_photos
from oral_lesion.io.scored_visits import picture_of

__all__ = ["LeftOutRead", "Returned", "StudyReads"]


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
            Where the results have no such photo.
        """
        photo = self.photos.get(reading.place)
        if photo is None or photo.stored.identity.sha256 != reading.photo_sha256:
            raise FormatError("its photo is not in the results; name those that the worklist was made of")
        return photo

    def require_shown(self, reading: Reading, canvas_shape: tuple[int, int]) -> None:
        """
        Draw again what the reader was shown, and compare: the key then names the right photo and place.

        Parameters
        ----------
        reading : Reading
            Of the key.
        canvas_shape : tuple of int
            Height and width.

        Raises
        ------
        FormatError
            Where the pixels differ: the photo was scored anew, or the key was edited.
        """
        shown = shown_picture(self.photo_of(reading), reading.corner, canvas_shape)
        if pixels_sha256(shown) != reading.pixels_sha256:
            raise FormatError(
                "its photo was scored anew since the worklist was made, or the key was edited; make a new worklist"
            )

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
        return moved(lesions, (-row, -column), canvas_shape)
