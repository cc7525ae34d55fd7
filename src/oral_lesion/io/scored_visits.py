"""Scored visits, read back from the tables and pictures that scoring wrote."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import Flag, FormatError, Reason
from oral_lesion.io.csv_tables import Row, read_table
from oral_lesion.io.pictures import PICTURE_NAMES
from oral_lesion.io.quality_tables import QUALITY_COLUMNS
from oral_lesion.io.store import RUN_FILE
from oral_lesion.io.tables import read_lesions, read_scores
from oral_lesion.numerics.color import linear_from_srgb
from oral_lesion.records import (
    ColorAgreement,
    Lesion,
    LesionSize,
    Measurement,
    Mirror,
    ModelIdentity,
    PhotoIdentity,
    PhotoScore,
    Scale,
    ScoredPhoto,
    Segmentation,
    StandardizedPhoto,
    Visit,
)

__all__ = [
    "ScoredVisit",
    "StoredScore",
    "load_photo_score",
    "no_results_message",
    "picture_of",
    "read_scored_visit",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredScore:
    """
    One photo of a scored visit; its pictures stay on disk.

    Parameters
    ----------
    identity : PhotoIdentity
        Which photo.
    photo : ScoredPhoto
        What endpoints need of it.
    pictures : Path
        Folder of its pictures; of a refused photo there is none.
    threshold : float
        That its mask was cut at.
    model : ModelIdentity
        That segmented it.
    """

    identity: PhotoIdentity
    photo: ScoredPhoto
    pictures: Path
    threshold: float
    model: ModelIdentity

    @property
    def complete(self) -> bool:
        """Whether all its pictures are there, or it was refused and needs none."""
        return self.photo.refusal is not None or all((self.pictures / name).is_file() for name in PICTURE_NAMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredVisit:
    """
    A folder that `oral-lesion score` wrote.

    Parameters
    ----------
    scores : tuple of StoredScore
        In the order of scores.csv.
    protocol_sha256 : str
        Of the scoring.
    model : ModelIdentity
        Of the scoring.
    software : str
        Version that scored.
    """

    scores: tuple[StoredScore, ...]
    protocol_sha256: str
    model: ModelIdentity
    software: str


def read_scored_visit(folder: Path) -> ScoredVisit:
    """
    Read the tables of a scored visit.

    Parameters
    ----------
    folder : Path
        Results folder of `oral-lesion score`.

    Returns
    -------
    ScoredVisit
        Areas are those of the tables, to three decimals, so that anyone can compute again from the tables.

    Raises
    ------
    FormatError
        Where a table or run.json is missing or not as this version writes it.
    """
    run = _json_of(folder / RUN_FILE)
    rows = read_scores(folder / "scores.csv")
    used = {
        row["photo_id"]: row["nearest_limit_used_percent"]
        for row in read_table(folder / "quality.csv", QUALITY_COLUMNS)
    }
    lesions: dict[Any, list[Row]] = {}
    for lesion in read_lesions(folder / "lesions.csv"):
        lesions.setdefault(lesion["photo_id"], []).append(lesion)
    try:
        inputs = {one["photo_id"]: one for one in run["inputs"]}
        stated = run["model"]
        model = ModelIdentity(name=stated["name"], version=stated["version"], sha256=stated["sha256"])
        threshold = 0.5 if stated["threshold"] is None else float(stated["threshold"])
        scores = []
        for row in rows:
            photo_id = str(row["photo_id"])
            identity = _identity_of(row, inputs[photo_id])
            photo = _photo_of(row, identity, lesions.get(photo_id, []), used.get(photo_id))
            scores.append(
                StoredScore(
                    identity=identity,
                    photo=photo,
                    pictures=folder / "photos" / photo_id,
                    threshold=threshold,
                    model=model,
                )
            )
        return ScoredVisit(
            scores=tuple(scores),
            protocol_sha256=str(run["protocol_sha256"]),
            model=model,
            software=str(run["software"]["version"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(
            f"{folder}: expected results as this version of `oral-lesion score` writes them "
            f"({type(error).__name__}: {error}). Score again."
        ) from error


def load_photo_score(stored: StoredScore) -> PhotoScore:
    """
    Load a scored photo with its standardized picture and lesions.

    Parameters
    ----------
    stored : StoredScore
        That was not refused.

    Returns
    -------
    PhotoScore
        Colours have the 8 bits that were written. Its identity is `direct` where the card was mirrored
        too: standardization has turned tissue and card back.

    Raises
    ------
    FormatError
        Where a picture is missing or damaged, or does not fit to the tables.
    """
    labels = picture_of(stored.pictures / "lesions.png", np.uint16, 2)
    probability = picture_of(stored.pictures / "probability.png", np.uint16, 2)
    standardized, card_mirrored = _standardized_of(stored.pictures)
    if not standardized.valid.shape == labels.shape == probability.shape:
        raise FormatError(f"{stored.pictures}: its pictures differ in size. Score again.")
    segmentation = Segmentation(
        probability=(probability / np.float32(65535)).astype(np.float32),
        mask=labels > 0,
        valid=standardized.valid,
        threshold=stored.threshold,
        model=stored.model,
    )
    return PhotoScore(
        identity=replace(stored.identity, mirror=Mirror.DIRECT) if card_mirrored else stored.identity,
        outcome=_measurement_of(stored, labels),
        standardized=standardized,
        segmentation=segmentation,
    )


def _standardized_of(folder: Path) -> tuple[StandardizedPhoto, bool]:
    """Return the standardized photo, and whether its card was mirrored."""
    geometry = _json_of(folder / "geometry.json")
    bgr = picture_of(folder / "standardized.png", np.uint8, 3)
    valid = picture_of(folder / "valid.png", np.uint8, 2) > 0
    if bgr.shape[:2] != valid.shape:
        raise FormatError(f"{folder}: its pictures differ in size. Score again.")
    unknown = ColorAgreement(
        fitted_median=math.nan, fitted_max=math.nan, held_out_median=math.nan, held_out_max=math.nan
    )
    try:
        standardized = StandardizedPhoto(
            linear_rgb=linear_from_srgb(np.ascontiguousarray(bgr[..., ::-1])),
            valid=valid,
            scale=Scale(
                mm_per_px=float(geometry["mm_per_px"]),
                u_mm_per_px=float(geometry["u_mm_per_px"]),
                source=str(geometry["scale_source"]),
            ),
            photo_xy_from_standard_xy=np.array(geometry["photo_xy_from_standard_xy"], dtype=np.float64),
            photo_shape=(int(geometry["photo_shape"][0]), int(geometry["photo_shape"][1])),
            correction="as stored",
            color_agreement=unknown,
        )
        return standardized, bool(geometry["card_mirrored"])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise FormatError(f"{folder / 'geometry.json'}: {error}. Score again.") from error


def _measurement_of(stored: StoredScore, labels: NDArray[Any]) -> Measurement:
    lesions = []
    for size in stored.photo.lesions:
        rows, columns = np.nonzero(labels == size.label)
        if not len(rows):
            raise FormatError(f"{stored.pictures / 'lesions.png'}: has no lesion {size.label}. Score again.")
        lesions.append(
            Lesion(
                label=size.label,
                area_mm2=size.area_mm2,
                perimeter_mm=size.perimeter_mm,
                centroid_rc_px=(float(rows.mean()), float(columns.mean())),
                flags=(Flag.LESION_AT_EDGE,) if size.at_edge else (),
            )
        )
    return Measurement(
        lesions=tuple(lesions),
        area_mm2=stored.photo.area_mm2 or 0.0,
        u_scale_mm2=stored.photo.u_scale_mm2,
        u_boundary_mm2=stored.photo.u_boundary_mm2,
    )


def _identity_of(row: Row, described: Mapping[str, Any]) -> PhotoIdentity:
    date = described.get("visit_date")
    return PhotoIdentity(
        photo_id=str(row["photo_id"]),
        file=str(row["file"]),
        sha256=str(row["sha256"] or ""),
        subject_id=str(row["subject"]),
        visit=Visit(name=str(row["visit"]), date=None if date is None else dt.date.fromisoformat(date)),
        site=None if row["site"] is None else str(row["site"]),
        replicate=int(row["replicate"] or 1),
        mirror=Mirror(described["mirror"]),
    )


def _photo_of(row: Row, identity: PhotoIdentity, lesions: list[Row], used_percent: object) -> ScoredPhoto:
    refused = row["status"] == "refused"
    # To three decimals the smallest lesions of a protocol without a limit are 0 too.
    nothing = row["erosion_area_mm2"] == 0

    def number(column: str) -> float | None:
        return None if row[column] is None else float(row[column] or 0.0)

    return ScoredPhoto(
        photo_id=identity.photo_id,
        sha256=identity.sha256,
        replicate=identity.replicate,
        mirror=identity.mirror,
        refusal=Reason(str(row["reason"])) if refused else None,
        area_mm2=number("erosion_area_mm2"),
        u_scale_mm2=None if nothing else number("u_scale_mm2"),
        u_boundary_mm2=None if nothing else number("u_boundary_mm2"),
        lesions=tuple(
            LesionSize(
                label=int(lesion["lesion"] or 0),
                area_mm2=float(lesion["area_mm2"] or 0.0),
                perimeter_mm=float(lesion["perimeter_mm"] or 0.0),
                at_edge=Flag.LESION_AT_EDGE.value in str(lesion["flags"] or "").split(),
            )
            for lesion in lesions
        ),
        nearest_limit_used=float(used_percent) / 100.0 if isinstance(used_percent, int | float) else None,
    )


def no_results_message(path: Path) -> str:
    """
    Say that a folder holds no results.

    Parameters
    ----------
    path : Path
        Of the file that it lacks.

    Returns
    -------
    str
        What, and what to do.
    """
    lacks = f"{path.parent}: holds no {path.name}, so it is no results folder of `oral-lesion score`."
    return f"{lacks} Score the visit first, and name the folder that --out named."


def _json_of(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FormatError(no_results_message(path)) from error
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(f"{path}: expected what `oral-lesion score` writes ({error}). Score again.") from error
    if not isinstance(content, dict):
        raise FormatError(f"{path}: expected a JSON object. Score again.")
    return content


def picture_of(path: Path, dtype: type[np.generic], dimensions: int) -> NDArray[Any]:
    """
    Read one picture of a scored photo.

    Parameters
    ----------
    path : Path
        Of the PNG file.
    dtype : type
        Expected of its values.
    dimensions : int
        2 for grey, 3 for colour.

    Returns
    -------
    ndarray
        Colour channels as OpenCV orders them: blue, green, red.

    Raises
    ------
    FormatError
        Where it is missing, damaged or another picture.
    """
    try:
        encoded = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}). Score again.") from error
    picture = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED) if len(encoded) else None
    if picture is None or picture.dtype != dtype or picture.ndim != dimensions:
        raise FormatError(f"{path}: expected a picture as `oral-lesion score` writes it. Score again.")
    return np.asarray(picture)
