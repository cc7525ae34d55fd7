"""Outlines to start from, as files of labelme, COCO or CVAT, in a reader's folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oral_lesion.adapters.annotations.coco import write_coco
from oral_lesion.adapters.annotations.cvat import write_cvat
from oral_lesion.adapters.annotations.labelme import write_labelme
from oral_lesion.adapters.annotations.records import PictureLabels
from oral_lesion.adapters.review.formats import ReviewFormat
from oral_lesion.adapters.review.outlines import CLASS_NAME, READ_MARK, UNREADABLE, start_outlines
from oral_lesion.errors import FormatError, OutputError
from oral_lesion.io.csv_tables import read_table
from oral_lesion.io.one_by_one import write_bytes
from oral_lesion.io.review.canvas import pixels_sha256
from oral_lesion.io.review.worklist import (
    OUTLINES_FOLDER,
    PICTURES_FOLDER,
    WORKLIST_COLUMNS,
    WORKLIST_FILE,
    age_files,
)
from oral_lesion.io.scored_visits import picture_of

__all__ = ["HASH_KEY", "export_outlines", "reader_folders"]

HASH_KEY = "pixels_sha256"
"""Key that tells, in files of labelme and COCO, which pixels the outlines were drawn on."""

_FILES = {"coco": "coco.json", "cvat": "annotations.xml"}
_LABELS_FILE = "labels.txt"


def reader_folders(worklist: Path) -> tuple[Path, ...]:
    """
    Return the readers' folders of a worklist.

    Parameters
    ----------
    worklist : Path
        The whole worklist, or the folder of one reader.

    Returns
    -------
    tuple of Path

    Raises
    ------
    FormatError
        Where it is neither.
    """
    if (worklist / WORKLIST_FILE).is_file():
        return (worklist,)
    folders = tuple(sorted(path.parent for path in worklist.glob(f"*/{WORKLIST_FILE}")))
    if not folders:
        raise FormatError(f"{worklist}: expected a worklist or a reader's folder of one (with {WORKLIST_FILE}).")
    return folders


def export_outlines(folder: Path, to: ReviewFormat, *, as_masks: bool = False, overwrite: bool = False) -> int:
    """
    Write the outlines of a reader's pictures; where the reader is to draw alone, files without outlines.

    Labelme's files stand beside the pictures, those of COCO and CVAT in the reader's folder.

    Parameters
    ----------
    folder : Path
        Of one reader.
    to : ReviewFormat
        Whose files.
    as_masks : bool
        Exact pixels in place of polygons that people can edit.
    overwrite : bool
        Replace files that are there: a reader may have worked on them.

    Returns
    -------
    int
        Number of pictures.

    Raises
    ------
    FormatError
        Where the folder is not as `worklist make` wrote it.
    OutputError
        Where files are there already, or cannot be written.
    """
    rows = read_table(folder / WORKLIST_FILE, WORKLIST_COLUMNS)
    names = [str(row["reading_id"]) for row in rows]
    if to is ReviewFormat.LABELME:
        targets = [folder / PICTURES_FOLDER / f"{name}.json" for name in names]
    else:
        targets = [folder / _FILES[to]]
    taken = [path for path in targets if path.exists()]
    if taken and not overwrite:
        raise OutputError(
            f"{taken[0]}: is there already, and a reader may have worked on it. Keep it, or lose it with --overwrite."
        )
    pictures = _pictures_of(folder, names, as_masks=as_masks, with_hash=to is not ReviewFormat.CVAT)
    if to is ReviewFormat.LABELME:
        for picture in pictures:  # one by one, in the order of presentation
            write_labelme(folder / PICTURES_FOLDER, [picture], flags={READ_MARK: False, UNREADABLE: False})
        write_bytes(folder / _LABELS_FILE, f"{CLASS_NAME}\n{UNREADABLE}\n".encode("ascii"))
    elif to is ReviewFormat.COCO:
        write_coco(targets[0], list(pictures), classes=(CLASS_NAME, UNREADABLE))
    else:
        write_cvat(targets[0], list(pictures))
    age_files(folder)
    return len(names)


def _pictures_of(folder: Path, names: list[str], *, as_masks: bool, with_hash: bool) -> Iterator[PictureLabels]:
    for name in names:
        bgr = picture_of(folder / PICTURES_FOLDER / f"{name}.png", np.uint8, 3)
        height, width = bgr.shape[:2]
        outlines = start_outlines(_outlines_of(folder, name, (height, width)))
        yield PictureLabels(
            file=f"{name}.png",
            size_px=(width, height),
            regions=tuple(one.region(as_mask=as_masks) for one in outlines),
            attributes={HASH_KEY: pixels_sha256(np.ascontiguousarray(bgr[..., ::-1]))} if with_hash else {},
        )


def _outlines_of(folder: Path, name: str, shape: tuple[int, int]) -> NDArray[np.bool_]:
    if not (folder / OUTLINES_FOLDER).is_dir():
        return np.zeros(shape, dtype=np.bool_)
    outlines = picture_of(folder / OUTLINES_FOLDER / f"{name}.png", np.uint8, 2) > 0
    if outlines.shape != shape:
        raise FormatError(f"{folder / OUTLINES_FOLDER / name}.png: differs in size from its picture. Make it again.")
    return np.asarray(outlines)
