"""Write a data set: pictures without metadata, masks, photos.csv, dataset.toml."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.io.csv_tables import TEXT, write_table
from oral_lesion.io.datasets.dataset import DATASET_FILE, DataSetSettings
from oral_lesion.io.datasets.photo_table import OPTIONAL_COLUMNS, PHOTOS_FILE, REQUIRED_COLUMNS
from oral_lesion.io.one_by_one import write_bytes

__all__ = ["EntryNames", "WrittenPicture", "write_dataset_tables", "write_picture"]

_LONGEST_ID = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPicture:
    """
    A picture that lies in the data set's folder.

    Parameters
    ----------
    picture_id : str
        Unique in the data set.
    file, mask : str
        Relative to the folder; an empty mask is a picture without lesion.
    group : str
        Scene or patient.
    split : str
        Empty where there is none.
    further : mapping of str to str
        Of further columns.
    """

    picture_id: str
    file: str
    mask: str
    group: str = ""
    split: str = ""
    further: Mapping[str, str] = field(default_factory=dict)


class EntryNames:
    """Names of pictures as identifiers: of ASCII letters, digits, dots, hyphens and underscores, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, name: str) -> str:
        """
        Return an identifier that no other picture has, whatever the case.

        Parameters
        ----------
        name : str
            Wanted.

        Returns
        -------
        str
            The name, or the name with ``-2`` and so on.
        """
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
        wanted = re.sub(r"[^A-Za-z0-9._-]+", "-", plain)[:_LONGEST_ID].strip("-.") or "picture"
        chosen, number = wanted, 1
        while chosen.casefold() in self._taken:
            number += 1
            chosen = f"{wanted}-{number}"
        self._taken.add(chosen.casefold())
        return chosen


def write_picture(
    folder: Path, picture_id: str, picture: tuple[str, bytes], labels: NDArray[np.uint8]
) -> WrittenPicture:
    """
    Write a picture and its mask; where the mask is empty, there is no file.

    Parameters
    ----------
    folder : Path
        Of the data set.
    picture_id : str
        Also the files' name.
    picture : tuple of str and bytes
        Suffix and content, as `clean_picture` gives them.
    labels : ndarray of uint8, shape (height, width)
        255 lesion, 128 ignore, 0 other.

    Returns
    -------
    WrittenPicture
        Without group and split.

    Raises
    ------
    OutputError
        Where a file cannot be written.
    """
    suffix, content = picture
    file, mask = f"images/{picture_id}{suffix}", ""
    write_bytes(folder / file, content)
    if labels.any():
        mask = f"masks/{picture_id}.png"
        _, encoded = cv2.imencode(".png", labels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        write_bytes(folder / mask, encoded.tobytes())
    return WrittenPicture(picture_id=picture_id, file=file, mask=mask)


def write_dataset_tables(folder: Path, settings: DataSetSettings, pictures: Sequence[WrittenPicture]) -> None:
    """
    Write dataset.toml and photos.csv.

    Parameters
    ----------
    folder : Path
        Of the data set.
    settings : DataSetSettings
        Name, licence, source, classes, split rule.
    pictures : sequence of WrittenPicture
        With group and split.

    Raises
    ------
    OutputError
        Where a file cannot be written.
    """
    found = {column for picture in pictures for column, value in picture.further.items() if value}
    first = [column for column in OPTIONAL_COLUMNS if column in found]
    further = [*first, *sorted(found.difference(OPTIONAL_COLUMNS, REQUIRED_COLUMNS))]
    rows = [
        {
            "id": picture.picture_id,
            "file": picture.file,
            "mask": picture.mask,
            "group": picture.group,
            "split": picture.split,
            **{column: picture.further.get(column, "") for column in further},
        }
        for picture in sorted(pictures, key=lambda picture: picture.picture_id)
    ]
    write_table(folder / PHOTOS_FILE, dict.fromkeys([*REQUIRED_COLUMNS, *further], TEXT), rows)
    lines = [f"{key} = {_toml(value)}" for key, value in settings.model_dump(exclude_none=True).items()]
    write_bytes(folder / DATASET_FILE, ("\n".join(lines) + "\n").encode())


def _toml(value: object) -> str:
    """Return a value in TOML: JSON's texts, numbers and lists are TOML's where DEL is escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
