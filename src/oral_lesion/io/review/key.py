"""The key of a worklist: which photo each reading id stands for. It is kept away from the readers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from oral_lesion.errors import FormatError, OutputError
from oral_lesion.io.one_by_one import write_bytes

__all__ = ["ADJUDICATOR", "Reading", "WorklistKey", "read_key", "write_key"]

ADJUDICATOR = "adjudicator"
"""Folder, and part, of who decides where two readers differ."""

_SCHEMA_VERSION = 1
_WARNING = "Key of a blinded worklist: keep it away from the readers."
_MAX_BYTES = 200_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """
    One picture of one reader.

    Parameters
    ----------
    reading_id : str
        As the reader knows it.
    part : str
        Whose folder: ``reader-1``, ``reader-2``, …, ``adjudicator``.
    occurrence : int
        1, or 2 where the reader sees the photo again.
    subject, visit, photo_id : str
        Which photo; subject and visit as its folder names them.
    photo_sha256 : str
        Of the photo's file.
    pixels_sha256 : str
        Of the pixels that the reader sees, as `pixels_sha256` counts them.
    corner_row_px, corner_column_px : int
        Where on the canvas the standardized picture's first pixel lies; may be negative.
    """

    reading_id: str
    part: str
    occurrence: int
    subject: str
    visit: str
    photo_id: str
    photo_sha256: str
    pixels_sha256: str
    corner_row_px: int
    corner_column_px: int

    @property
    def place(self) -> str:
        """SUBJECT/VISIT/PHOTO_ID."""
        return f"{self.subject}/{self.visit}/{self.photo_id}"

    @property
    def corner(self) -> tuple[int, int]:
        """Row and column on the canvas of the standardized picture's first pixel."""
        return self.corner_row_px, self.corner_column_px


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistKey:
    """
    All readings of a worklist.

    Parameters
    ----------
    worklist_id : str
        Of the worklist.
    seed : int
        That it was drawn with.
    canvas_shape : tuple of int
        Height and width of its pictures.
    outlines : bool
        Whether the readers were shown the model's outlines.
    readings : tuple of Reading
        By reader, in the order of presentation.
    """

    worklist_id: str
    seed: int
    canvas_shape: tuple[int, int]
    outlines: bool
    readings: tuple[Reading, ...]

    @property
    def parts(self) -> tuple[str, ...]:
        """Folders of the readers, in their order."""
        return tuple(dict.fromkeys(reading.part for reading in self.readings))


def write_key(path: Path, key: WorklistKey) -> None:
    """
    Write a key; other users of the machine cannot read it.

    Parameters
    ----------
    path : Path
        Of the file.
    key : WorklistKey
        Of the worklist.

    Raises
    ------
    OutputError
        Where it cannot be written.
    """
    contents = {"schema_version": _SCHEMA_VERSION, "warning": _WARNING, **asdict(key)}
    write_bytes(path, (json.dumps(contents, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8"))
    try:
        path.chmod(0o600)
    except OSError as error:
        raise OutputError(f"{path}: its rights cannot be restricted ({error.strerror}). Name another place.") from error


def read_key(path: Path) -> WorklistKey:
    """
    Read a key.

    Parameters
    ----------
    path : Path
        Of the file.

    Returns
    -------
    WorklistKey

    Raises
    ------
    FormatError
        Where the file is no key as this package writes it.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise FormatError(f"{path}: is larger than any key. Name the file that `worklist make` wrote as --key.")
        contents = json.loads(path.read_text(encoding="utf-8"))
        if contents["schema_version"] != _SCHEMA_VERSION:
            raise FormatError(
                f"{path}: has another schema_version than {_SCHEMA_VERSION}. Use its version of oral-lesion."
            )
        key = WorklistKey(
            worklist_id=_of_kind(contents, "worklist_id", str),
            seed=_of_kind(contents, "seed", int),
            canvas_shape=(int(contents["canvas_shape"][0]), int(contents["canvas_shape"][1])),
            outlines=_of_kind(contents, "outlines", bool),
            readings=tuple(map(_reading_of, _of_kind(contents, "readings", list))),
        )
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}). Name the worklist's key as --key.") from error
    except (KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
        raise FormatError(
            f"{path}: expected the key that `worklist make` wrote ({type(error).__name__}: {error}). Name it as --key."
        ) from error
    doubled = [name for name, count in Counter(one.reading_id for one in key.readings).items() if count > 1]
    if doubled:
        raise FormatError(f"{path}: the reading {doubled[0]} comes twice; the key was edited. Make it again.")
    return key


def _reading_of(contents: Mapping[str, Any]) -> Reading:
    kinds = {field.name: int if field.type == "int" else str for field in fields(Reading)}
    if contents.keys() != kinds.keys():
        raise ValueError(f"a reading with other keys than {', '.join(kinds)}")
    return Reading(**{name: _of_kind(contents, name, kind) for name, kind in kinds.items()})


def _of_kind(contents: Mapping[str, Any], name: str, kind: type) -> Any:
    value = contents[name]
    if type(value) is not kind:
        raise ValueError(f"{name} is no {kind.__name__}")
    return value
