"""Make a blinded worklist: a folder a reader, and a key that lies elsewhere."""

from __future__ import annotations

import hashlib
import math
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from oral_lesion._version import __version__
from oral_lesion.errors import InputError, OutputError
from oral_lesion.io.csv_tables import TEXT, WHOLE, Columns, Row, write_table
from oral_lesion.io.review.blinding import Blinding
from oral_lesion.io.review.canvas import canvas_shape, onto_canvas, pixels_sha256, stored_png, tissue_of
from oral_lesion.io.review.key import Reading, WorklistKey, write_key
from oral_lesion.io.review.photos import ReviewPhoto
from oral_lesion.io.store import RUN_FILE, OutputFolder, write_run_json

__all__ = [
    "OUTLINES_FOLDER",
    "PICTURES_FOLDER",
    "WORKLIST_COLUMNS",
    "WORKLIST_FILE",
    "WorklistPlan",
    "age_files",
    "default_key_path",
    "make_worklist",
    "plan_worklist",
]

WORKLIST_FILE, PICTURES_FOLDER, OUTLINES_FOLDER = "worklist.csv", "pictures", "outlines"
WORKLIST_COLUMNS: Columns = {"order": WHOLE, "reading_id": TEXT, "picture": TEXT}

_LONG_AGO_S = 946_684_800  # 2000-01-01 UTC: the same for all files, and one that zip can hold


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistPlan:
    """
    What a worklist is to be, before anything is written.

    Parameters
    ----------
    blinding : Blinding
        Of the photos.
    seed : int
        Of the blinding.
    photos : tuple of ReviewPhoto
        That are to be read.
    parts : tuple of str
        Folders of the readers.
    repeated : frozenset of str
        Places of the photos that each reader sees twice.
    outlines : bool
        Whether the readers get the model's outlines.
    """

    blinding: Blinding
    seed: int
    photos: tuple[ReviewPhoto, ...]
    parts: tuple[str, ...]
    repeated: frozenset[str]
    outlines: bool

    @property
    def photos_sha256(self) -> str:
        """Hash of the photos' places and hashes, for the audit log."""
        lines = [f"{photo.stored.identity.sha256}  {photo.place}" for photo in self.photos]
        return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def plan_worklist(
    photos: Sequence[ReviewPhoto],
    *,
    parts: Sequence[str],
    seed: int | None = None,
    repeat_percent: float = 0.0,
    outlines: bool = True,
    purpose: str = "readers",
) -> WorklistPlan:
    """
    Draw a worklist.

    Parameters
    ----------
    photos : sequence of ReviewPhoto
        That are to be read.
    parts : sequence of str
        Folders of the readers.
    seed : int or None
        Of the draws; None draws one, which the key tells.
    repeat_percent : float
        Share of the photos that each reader sees twice, rounded up.
    outlines : bool
        Whether the readers get the model's outlines.
    purpose : str
        Worklists for another purpose have other ids.

    Returns
    -------
    WorklistPlan

    Raises
    ------
    InputError
        Where two readings get one id, which calls for another seed.
    """
    drawn = secrets.randbelow(2**63) if seed is None else seed
    blinding = Blinding(drawn, [f"{one.place} {one.stored.identity.sha256}" for one in photos], purpose=purpose)
    ranked = sorted((photo.place for photo in photos), key=blinding.rank)
    plan = WorklistPlan(
        blinding=blinding,
        seed=drawn,
        photos=tuple(photos),
        parts=tuple(parts),
        repeated=frozenset(ranked[: math.ceil(len(ranked) * repeat_percent / 100.0)]),
        outlines=outlines,
    )
    ids = [reading_id for part in plan.parts for reading_id, _, _ in _ordered(plan, part)]
    if len(set(ids)) < len(ids):
        raise InputError("--seed: two readings get the same id. Choose another seed.")
    return plan


def default_key_path(out: Path) -> Path:
    """
    Return where the key of a worklist lies unless another place is named.

    Parameters
    ----------
    out : Path
        Folder of the worklist.

    Returns
    -------
    Path
        Beside it.
    """
    absolute = Path(os.path.abspath(out))  # noqa: PTH100 - resolves "..", keeps symbolic links
    return absolute.with_name(f"{absolute.name}-key.json")


def make_worklist(
    plan: WorklistPlan,
    out: Path,
    *,
    key: Path,
    results: Path | None = None,
    on_picture: Callable[[int, int], None] = lambda _done, _all: None,
) -> WorklistKey:
    """
    Write a worklist and its key.

    Files are written in the order of presentation and have one size and one time, so that neither names, sizes, times
    nor the order in the folder tell more than the pictures themselves.

    Parameters
    ----------
    plan : WorklistPlan
        What to write.
    out : Path
        Folder that appears whole, or not at all.
    key : Path
        File for the key; not within `out`, and not there yet.
    results : Path or None
        Of the study; the worklist is to lie apart from it.
    on_picture : callable
        Called with the pictures written and all pictures.

    Returns
    -------
    WorklistKey

    Raises
    ------
    OutputError
        Where the key would lie in the worklist, or is there already, or files cannot be written.
    FormatError
        Where a picture of the results is missing or damaged.
    """
    _require_apart(key, out)
    shape = canvas_shape(plan.photos)
    total = sum(len(_ordered(plan, part)) for part in plan.parts)
    readings: list[Reading] = []
    with OutputFolder(out, inputs=results) as folder:
        for part in plan.parts:
            home = folder / part
            (home / PICTURES_FOLDER).mkdir(parents=True)
            if plan.outlines:
                (home / OUTLINES_FOLDER).mkdir()
            ordered = _ordered(plan, part)
            for reading_id, photo, occurrence in ordered:
                readings.append(_write_reading(plan, home, reading_id, photo, (part, occurrence), shape))
                on_picture(len(readings), total)
            rows: list[Row] = [
                {"order": number, "reading_id": reading_id, "picture": f"{PICTURES_FOLDER}/{reading_id}.png"}
                for number, (reading_id, _, _) in enumerate(ordered, start=1)
            ]
            write_table(home / WORKLIST_FILE, WORKLIST_COLUMNS, rows)
        contents = WorklistKey(
            worklist_id=plan.blinding.worklist_id,
            seed=plan.seed,
            canvas_shape=shape,
            outlines=plan.outlines,
            readings=tuple(readings),
        )
        write_run_json(folder / RUN_FILE, _described(plan, contents))
        age_files(folder)
        write_key(key, contents)
    return contents


def age_files(folder: Path) -> None:
    """
    Give all files and folders below a folder, and itself, one time long ago.

    Parameters
    ----------
    folder : Path
        Of a worklist, or of a part of it.

    Raises
    ------
    OutputError
        Where that is not allowed.
    """
    try:
        for path in (*sorted(folder.rglob("*"), reverse=True), folder):
            os.utime(path, (_LONG_AGO_S, _LONG_AGO_S))
    except OSError as error:
        raise OutputError(f"{folder}: times cannot be set ({error.strerror}), and they tell.") from error


def _ordered(plan: WorklistPlan, part: str) -> list[tuple[str, ReviewPhoto, int]]:
    """Return the readings of a reader in the order of presentation, which is that of the ids."""
    return sorted(
        (
            (plan.blinding.reading_id(part, photo.place, occurrence), photo, occurrence)
            for photo in plan.photos
            for occurrence in ((1, 2) if photo.place in plan.repeated else (1,))
        ),
        key=lambda one: one[0],
    )


def _write_reading(
    plan: WorklistPlan,
    home: Path,
    reading_id: str,
    photo: ReviewPhoto,
    part_and_occurrence: tuple[str, int],
    shape: tuple[int, int],
) -> Reading:
    part, occurrence = part_and_occurrence
    identity, tissue = photo.stored.identity, tissue_of(photo)
    subject, _, visit = photo.visit_place.partition("/")
    shift = plan.blinding.shift_rc_px(part, photo.place, occurrence)
    srgb, (top, left) = onto_canvas(tissue.srgb, shape, shift)
    _write(home / PICTURES_FOLDER / f"{reading_id}.png", stored_png(srgb))
    if plan.outlines:
        erosion, _ = onto_canvas(tissue.erosion.astype(np.uint8) * np.uint8(255), shape, shift)
        _write(home / OUTLINES_FOLDER / f"{reading_id}.png", stored_png(erosion))
    return Reading(
        reading_id=reading_id,
        part=part,
        occurrence=occurrence,
        subject=subject,
        visit=visit,
        photo_id=identity.photo_id,
        photo_sha256=identity.sha256,
        pixels_sha256=pixels_sha256(srgb),
        corner_row_px=top - tissue.top,
        corner_column_px=left - tissue.left,
    )


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}). Check space and rights.") from error


def _require_apart(key: Path, out: Path) -> None:
    if key.resolve().is_relative_to(out.resolve()):
        raise OutputError(f"{key}: the key must not lie in the worklist, where readers find it. Name another --key.")
    if key.exists():
        raise OutputError(f"{key}: is there already, and a key is never replaced. Name another --key.")


def _described(plan: WorklistPlan, key: WorklistKey) -> dict[str, object]:
    return {
        "schema_version": 1,
        "command": "worklist",
        "software": {"name": "oral-lesion", "version": __version__},
        "worklist_id": key.worklist_id,
        "canvas_shape": list(key.canvas_shape),
        "outlines": plan.outlines,
        "readings": {part: len(_ordered(plan, part)) for part in plan.parts},
    }
