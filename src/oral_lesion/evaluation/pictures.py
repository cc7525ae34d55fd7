"""Which pictures a folder holds: a data set, or one of the plain layouts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from oral_lesion.errors import InputError
from oral_lesion.io.datasets import LabelledPicture, open_dataset
from oral_lesion.io.datasets.dataset import DATASET_FILE
from oral_lesion.io.datasets.photo_table import PHOTOS_FILE, read_photo_rows

__all__ = ["Pictures", "find_pictures"]

_LAYOUTS = (
    f"{DATASET_FILE} with {PHOTOS_FILE}; {PHOTOS_FILE} with the columns id, file, mask, group and split; "
    "images/ and masks/ with equal stems; images/ alone where no picture has a lesion"
)

_LONGEST_HEADER = 10_000
_NOT_PICTURES = {"thumbs.db", "desktop.ini"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """
    Labelled pictures with the name of what they are.

    Parameters
    ----------
    name : str
        Of the data set; of the folder where it has none.
    pictures : tuple of LabelledPicture
        Sorted by picture_id; never empty.
    """

    name: str
    pictures: tuple[LabelledPicture, ...]


def find_pictures(folder: Path, *, split: str | None = None, keep: Mapping[str, str] | None = None) -> Pictures:
    """
    List the labelled pictures of a folder.

    Parameters
    ----------
    folder : Path
        Holds dataset.toml and photos.csv; photos.csv alone; images/ and masks/ with equal stems; or images/ alone,
        where no picture has a lesion.
    split : str or None
        Take this split alone, such as ``"val"``.
    keep : mapping of str to str or None
        Take the rows of photos.csv alone whose columns hold these values.

    Returns
    -------
    Pictures

    Raises
    ------
    InputError
        The folder holds none of these layouts, has no such split or column, or nothing is left.
    SettingsError
        dataset.toml or photos.csv has faults.
    """
    wanted = {**(keep or {}), **({} if split is None else {"split": split})}
    if (folder / DATASET_FILE).is_file():
        opened = open_dataset(folder, split=split, keep=keep)
        return Pictures(name=opened.name, pictures=opened.pictures)
    table = folder / PHOTOS_FILE
    masks, images = _by_stem(folder / "masks"), _by_stem(folder / "images")
    if table.is_file() and _is_labelled(table):
        found = _table_pictures(folder, wanted)
    elif wanted:
        raise InputError(f"{folder}: has no table of labelled pictures, so no {' or '.join(wanted)} to choose by")
    elif (folder / "masks").is_dir():
        found = _paired_pictures(folder, images, masks)
    else:
        found = [LabelledPicture(picture_id=stem, image=path, mask=None, group=stem) for stem, path in images.items()]
    if not found:
        raise InputError(f"{folder}: no labelled pictures; expected {_LAYOUTS}")
    return Pictures(name=folder.resolve().name, pictures=tuple(sorted(found, key=lambda picture: picture.picture_id)))


def _is_labelled(table: Path) -> bool:
    """Tell a table of labelled pictures from other tables of that name, such as one of licences."""
    try:
        with table.open(encoding="utf-8-sig", errors="replace") as lines:
            columns = {name.strip().strip('"') for name in lines.readline(_LONGEST_HEADER).split(",")}
    except OSError as error:
        raise InputError(f"{table}: cannot be read ({error.strerror}); check the rights") from error
    return {"id", "file", "mask", "group"} <= columns


def _table_pictures(folder: Path, wanted: Mapping[str, str]) -> list[LabelledPicture]:
    columns, rows = read_photo_rows(folder / PHOTOS_FILE)
    unknown = sorted(set(wanted) - set(columns))
    if unknown:
        raise InputError(f"{folder / PHOTOS_FILE}: no column {', '.join(unknown)}; there are {', '.join(columns)}")
    found = [row.picture(folder) for row in rows if all(row.cells[name] == value for name, value in wanted.items())]
    if not found:
        raise InputError(
            f"{folder / PHOTOS_FILE}: no row with {', '.join(f'{name}={value}' for name, value in wanted.items())}; "
            "correct --split or --keep"
        )
    return found


def _paired_pictures(folder: Path, images: Mapping[str, Path], masks: Mapping[str, Path]) -> list[LabelledPicture]:
    alone = sorted(images.keys() ^ masks.keys())
    if alone:
        raise InputError(
            f"{folder}: {len(alone)} files of images/ and masks/ have no partner, the first {alone[0]}; "
            "every picture needs a mask of the same stem, all 0 where it has no lesion"
        )
    return [LabelledPicture(picture_id=stem, image=images[stem], mask=masks[stem], group=stem) for stem in masks]


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    found: dict[str, Path] = {}
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}); check the rights") from error
    for path in paths:
        if path.name.startswith(".") or path.name.casefold() in _NOT_PICTURES or not path.is_file():
            continue
        other = found.setdefault(path.stem, path)
        if other is not path:
            raise InputError(f"{folder}: {other.name} and {path.name} have the same stem; rename one")
    return found
