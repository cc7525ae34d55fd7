"""A data set: a folder with dataset.toml, photos.csv, pictures and masks."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oral_lesion.errors import Fault, InputError, SettingsError
from oral_lesion.io.datasets.photo_table import PHOTOS_FILE, PhotoRow, read_photo_rows
from oral_lesion.io.datasets.pictures import LabelledPicture
from oral_lesion.protocol import faults_of

__all__ = ["DATASET_FILE", "DataSet", "DataSetSettings", "SplitRule", "open_dataset", "read_dataset_settings"]

DATASET_FILE = "dataset.toml"

_MAX_BYTES = 1_000_000
_WHOLE_FILE = "(whole file)"

SplitRule = Literal["group", "given", "none"]
"""Drawn by group with a seed; as the data came; or not split."""

_Text = Annotated[str, Field(min_length=1, max_length=2000)]


class DataSetSettings(BaseModel):
    """What dataset.toml holds; other keys are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: _Text
    licence: _Text
    source: _Text
    classes: Annotated[tuple[_Text, ...], Field(min_length=1)]
    ignored_classes: tuple[_Text, ...] = ()
    split_rule: SplitRule
    validation_fraction: Annotated[float | None, Field(ge=0, lt=1)] = None
    split_seed: Annotated[int | None, Field(ge=0)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """
    A data set as it was opened.

    Parameters
    ----------
    name : str
        Of the data set.
    licence : str
        Under which the pictures may be used.
    source : str
        Where they come from.
    classes : tuple of str
        Names of what the masks hold as lesion (255).
    ignored_classes : tuple of str
        Names of what they hold as ignored (128).
    split_rule : str
        ``"group"``, ``"given"`` or ``"none"``.
    folder : Path
        Of the data set.
    pictures : tuple of LabelledPicture
        Sorted by picture_id; those of the split and rows that were asked for.
    """

    name: str
    licence: str
    source: str
    classes: tuple[str, ...]
    ignored_classes: tuple[str, ...] = ()
    split_rule: str
    folder: Path
    pictures: tuple[LabelledPicture, ...]


def open_dataset(folder: Path, *, split: str | None = None, keep: Mapping[str, str] | None = None) -> DataSet:
    """
    Open a data set; no picture is read, and none need be there: ``oral-lesion data check`` tells.

    Parameters
    ----------
    folder : Path
        With dataset.toml and photos.csv.
    split : str or None
        Take the pictures of this split alone, such as ``"train"``.
    keep : mapping of str to str or None
        Take the rows of photos.csv alone whose columns hold these values.

    Returns
    -------
    DataSet
        With one picture or more.

    Raises
    ------
    SettingsError
        With all faults of dataset.toml, or all of photos.csv.
    InputError
        Where `keep` names a column that is not there, or no picture is left.
    """
    folder = Path(folder)
    settings = read_dataset_settings(folder)
    columns, rows = read_photo_rows(folder / PHOTOS_FILE)
    kept = _kept(rows, columns, {**(keep or {}), **({} if split is None else {"split": split})}, folder)
    pictures = sorted((row.picture(folder) for row in kept), key=lambda picture: picture.picture_id)
    return DataSet(
        name=settings.name,
        licence=settings.licence,
        source=settings.source,
        classes=settings.classes,
        ignored_classes=settings.ignored_classes,
        split_rule=settings.split_rule,
        folder=folder,
        pictures=tuple(pictures),
    )


def read_dataset_settings(folder: Path) -> DataSetSettings:
    """
    Read a data set's dataset.toml.

    Parameters
    ----------
    folder : Path
        Of the data set.

    Returns
    -------
    DataSetSettings

    Raises
    ------
    SettingsError
        With all faults.
    """
    path = Path(folder) / DATASET_FILE
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise SettingsError(str(path), [Fault(_WHOLE_FILE, f"larger than {_MAX_BYTES // 10**6} MB")])
        settings = tomllib.loads(path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n"))
        return DataSetSettings.model_validate(settings)
    except FileNotFoundError as error:
        message = "no such file; expected a data set's folder, as docs/datasets.md describes it"
        raise SettingsError(str(path), [Fault(_WHOLE_FILE, message)]) from error
    except OSError as error:
        raise SettingsError(str(path), [Fault(_WHOLE_FILE, f"cannot be read ({error.strerror})")]) from error
    except ValidationError as error:
        raise SettingsError(str(path), faults_of(error)) from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(str(path), [Fault(_WHOLE_FILE, f"no valid TOML in UTF-8: {error}")]) from error


def _kept(rows: list[PhotoRow], columns: tuple[str, ...], keep: Mapping[str, str], folder: Path) -> list[PhotoRow]:
    unknown = sorted(set(keep) - set(columns))
    if unknown:
        raise InputError(
            f"{folder / PHOTOS_FILE}: expected the column {', '.join(unknown)}; there are {', '.join(columns)}"
        )
    kept = [row for row in rows if all(row.cells[column] == value for column, value in keep.items())]
    if not kept:
        found = "; ".join(
            f"{column} holds {', '.join(sorted({row.cells[column] or '(empty)' for row in rows})[:10])}"
            for column in keep
        )
        wanted = ", ".join(f"{column} = {value}" for column, value in keep.items())
        raise InputError(f"{folder}: no picture with {wanted}; {found}")
    return kept
