"""What the store holds of each photo's reads, with the masks that were drawn."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import FormatError
from oral_lesion.io.naming import leads_out
from oral_lesion.io.results_store import STORE_NAME, Read, Round, iter_reads, open_store
from oral_lesion.io.review.photos import ReviewPhoto, find_review_photos
from oral_lesion.io.scored_visits import picture_of

__all__ = ["PhotoReads", "automatic_mask", "mask_of_read", "read_photo_reads", "reads_without_photo"]

_ROUNDED_MM2 = 1e-3  # tables have three decimals


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoReads:
    """
    A scored photo and what people read of it.

    Parameters
    ----------
    photo : ReviewPhoto
        With its automatic area.
    reads : tuple of Read
        At most one a reader, by reader.
    repeats : tuple of Read
        The same readers looking again, by reader.
    adjudication : Read or None
        Of the one who decides.
    scored_anew : bool
        Whether there are reads of an earlier score of the photo; they do not count.
    """

    photo: ReviewPhoto
    reads: tuple[Read, ...] = ()
    repeats: tuple[Read, ...] = ()
    adjudication: Read | None = None
    scored_anew: bool = False


def read_photo_reads(results: Path) -> tuple[PhotoReads, ...]:
    """
    Read the current reads of all scored photos of a study.

    Parameters
    ----------
    results : Path
        Results folder of `oral-lesion study`.

    Returns
    -------
    tuple of PhotoReads
        By subject, visit and photo; of photos that nobody read, too.

    Raises
    ------
    FormatError
        Where there are no such results, or no store.
    """
    of_photo: dict[str, list[Read]] = defaultdict(list)
    with open_store(results / STORE_NAME, read_only=True) as store:
        for read in iter_reads(store):
            of_photo[f"{read.place}/{read.photo_id}"].append(read)
    return tuple(_of_photo(photo, of_photo.get(photo.place, [])) for photo in find_review_photos(results))


def reads_without_photo(results: Path, of_photos: Sequence[PhotoReads]) -> tuple[str, ...]:
    """
    Return the photos that people read and that have no score now: refused, or another file came in their place.

    Parameters
    ----------
    results : Path
        Results folder of `oral-lesion study`.
    of_photos : sequence of PhotoReads
        All of its scored photos.

    Returns
    -------
    tuple of str
        SUBJECT/VISIT/PHOTO_ID of each, sorted.
    """
    scored = {one.photo.place for one in of_photos}
    with open_store(results / STORE_NAME, read_only=True) as store:
        return tuple(sorted({f"{read.place}/{read.photo_id}" for read in iter_reads(store)} - scored))


def _of_photo(photo: ReviewPhoto, reads: Sequence[Read]) -> PhotoReads:
    of_this_score = [read for read in reads if _is_same(read.automatic_area_mm2, photo.stored.photo.area_mm2)]
    in_order = sorted(of_this_score, key=lambda read: read.reader)
    decided = [read for read in in_order if read.round is Round.ADJUDICATION]
    return PhotoReads(
        photo=photo,
        reads=tuple(read for read in in_order if read.round is Round.READ),
        repeats=tuple(read for read in in_order if read.round is Round.REPEAT),
        adjudication=decided[0] if decided else None,
        scored_anew=len(of_this_score) < len(reads),
    )


def _is_same(stated_mm2: float | None, now_mm2: float | None) -> bool:
    return stated_mm2 is not None and now_mm2 is not None and abs(stated_mm2 - now_mm2) < _ROUNDED_MM2


def automatic_mask(photo: ReviewPhoto) -> NDArray[np.bool_]:
    """
    Return the lesions that were measured automatically.

    Parameters
    ----------
    photo : ReviewPhoto
        Of a study.

    Returns
    -------
    ndarray of bool, shape (height, width)
        In the standardized picture.

    Raises
    ------
    FormatError
        Where the picture is missing or damaged.
    """
    return np.asarray(picture_of(photo.stored.pictures / "lesions.png", np.uint16, 2) > 0)


def mask_of_read(results: Path, read: Read) -> NDArray[np.bool_]:
    """
    Return the mask of a read.

    Parameters
    ----------
    results : Path
        Results folder of `oral-lesion study`.
    read : Read
        With an area.

    Returns
    -------
    ndarray of bool, shape (height, width)
        In the standardized picture.

    Raises
    ------
    FormatError
        Where the file is missing, or not the one that was stored.
    """
    name = read.mask_file or ""
    path = results / name
    try:
        content = b"" if not name or leads_out(name) else path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}). Put back the readers' masks.") from error
    if hashlib.sha256(content).hexdigest() != read.mask_sha256:
        raise FormatError(f"{path}: is not the mask that was stored with the read. Put back the readers' masks.")
    mask = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise FormatError(f"{path}: expected the mask of a read as PNG. Put back the readers' masks.")
    return np.asarray(mask > 0)
