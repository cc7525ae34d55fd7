"""The tables of a run: scores.csv and quality.csv by photo, lesions.csv by lesion, colour.csv by patch of the card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from oral_lesion.errors import Refusal
from oral_lesion.io.csv_tables import TEXT, WHOLE, Columns, Row, Value, defused, read_table, write_table
from oral_lesion.io.quality_tables import COLOR_COLUMNS, QUALITY_COLUMNS, color_rows_of, quality_row_of
from oral_lesion.protocol import ScoringProtocol
from oral_lesion.records import Lesion, Measurement, ModelIdentity, PhotoScore, StandardizedPhoto, UncertaintyGap

__all__ = [
    "LESION_COLUMNS",
    "SCORE_COLUMNS",
    "PhotoRows",
    "defused",
    "read_lesions",
    "read_scores",
    "rows_of",
    "write_tables",
]

_DECIMALS_OF_LIMITS = 5

SCORE_COLUMNS: Columns = {
    "photo_id": TEXT, "file": TEXT, "sha256": TEXT, "subject": TEXT, "visit": TEXT, "site": TEXT,
    "replicate": WHOLE, "status": TEXT, "reason": TEXT, "observed": _DECIMALS_OF_LIMITS,
    "limit": _DECIMALS_OF_LIMITS, "unit": TEXT, "erosion_area_mm2": 3, "u_area_mm2": 3,
    "u_scale_mm2": 3, "u_boundary_mm2": 3, "u_reason": TEXT, "smallest_counted_mm2": 3,
    "lesion_count": WHOLE, "largest_lesion_mm2": 3, "mm_per_px": 5,
    "u_mm_per_px": 6, "tilt_deg": 2, "card": TEXT, "delta_e00_mean": 3, "delta_e00_median": 3, "delta_e00_max": 3,
    "flags": TEXT, "model": TEXT, "model_sha256": TEXT, "protocol_sha256": TEXT,
}  # fmt: skip
"""Columns of scores.csv in order: text, whole number, or the number of decimals."""

LESION_COLUMNS: Columns = {
    "photo_id": TEXT, "lesion": WHOLE, "area_mm2": 3, "perimeter_mm": 3, "centroid_row_px": 2,
    "centroid_column_px": 2, "equivalent_diameter_mm": 3, "flags": TEXT,
}  # fmt: skip
"""Columns of lesions.csv in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoRows:
    """
    What the tables say of one photo; small, and safe to send between processes.

    Parameters
    ----------
    score : mapping
        Value of each of `SCORE_COLUMNS`; None for an empty cell.
    lesions : tuple of mapping
        Values of `LESION_COLUMNS` for each lesion, by falling area.
    quality : mapping or None
        Value of each of `QUALITY_COLUMNS`; None where no row is to be written.
    colors : tuple of mapping
        Values of `COLOR_COLUMNS` for each patch of the card, in its order.
    """

    score: Row
    lesions: tuple[Row, ...]
    quality: Row | None = None
    colors: tuple[Row, ...] = ()


def rows_of(score: PhotoScore, *, protocol: ScoringProtocol, model: ModelIdentity) -> PhotoRows:
    """
    Return what the tables say of one photo.

    Parameters
    ----------
    score : PhotoScore
        Of any outcome, its pictures included.
    protocol : ScoringProtocol
        That was applied.
    model : ModelIdentity
        Of the run, stated also where a photo was refused before the model saw it.

    Returns
    -------
    PhotoRows
        What is not known is None. A photo without lesions has an area of 0, whose uncertainty is not known; a refused
        one has none.
    """
    identity = score.identity
    row: dict[str, Value] = dict.fromkeys(SCORE_COLUMNS)
    row |= {
        "photo_id": identity.photo_id,
        "file": identity.file,
        "sha256": identity.sha256,
        "subject": identity.subject_id,
        "visit": identity.visit.name,
        "site": identity.site,
        "replicate": identity.replicate,
        "flags": " ".join(score.flags),
        "model": f"{model.name} {model.version}".strip(),
        "model_sha256": model.sha256,
        "protocol_sha256": protocol.sha256,
    }
    if score.card is not None:
        row |= {
            "card": score.card.card,
            "mm_per_px": score.card.scale.mm_per_px,
            "u_mm_per_px": score.card.scale.u_mm_per_px,
            "tilt_deg": score.card.tilt_deg,
        }
    if score.standardized is not None:
        agreement = score.standardized.color_agreement
        row |= {
            "delta_e00_mean": agreement.held_out_mean,
            "delta_e00_median": agreement.held_out_median,
            "delta_e00_max": agreement.held_out_max,
        }
    row |= _of_outcome(score.outcome)
    if score.scored:
        row["smallest_counted_mm2"] = protocol.segmentation.smallest_lesion_mm2
    return PhotoRows(
        score=row,
        lesions=_lesion_rows(score),
        quality=quality_row_of(score),
        colors=color_rows_of(score, protocol.card),
    )


def _of_outcome(outcome: Measurement | Refusal) -> dict[str, Value]:
    if isinstance(outcome, Refusal):
        return {
            "status": "refused",
            "reason": outcome.reason.value,
            "observed": outcome.observed,
            "limit": outcome.limit,
            "unit": outcome.unit,
        }
    return {
        "status": "scored",
        "erosion_area_mm2": outcome.area_mm2,
        "u_area_mm2": outcome.u_area_mm2,
        "u_scale_mm2": outcome.u_scale_mm2,
        "u_boundary_mm2": outcome.u_boundary_mm2,
        "u_reason": UncertaintyGap.ZERO_AREA.value if outcome.u_area_mm2 is None else None,
        "lesion_count": len(outcome.lesions),
        "largest_lesion_mm2": max((lesion.area_mm2 for lesion in outcome.lesions), default=0.0),
    }


def _lesion_rows(score: PhotoScore) -> tuple[Row, ...]:
    if not isinstance(score.outcome, Measurement):
        return ()
    rows: list[Row] = []
    for lesion in score.outcome.lesions:
        row_px, column_px = _centroid_in_photo(lesion, score.standardized)
        rows.append(
            {
                "photo_id": score.identity.photo_id,
                "lesion": lesion.label,
                "area_mm2": lesion.area_mm2,
                "perimeter_mm": lesion.perimeter_mm,
                "centroid_row_px": row_px,
                "centroid_column_px": column_px,
                "equivalent_diameter_mm": lesion.equivalent_diameter_mm,
                "flags": " ".join(lesion.flags),
            }
        )
    return tuple(rows)


def _centroid_in_photo(lesion: Lesion, standardized: StandardizedPhoto | None) -> tuple[float | None, float | None]:
    """Return (row, column) in the upright photo; None without the geometry that leads there."""
    if standardized is None:
        return None, None
    row, column = lesion.centroid_rc_px
    x, y, weight = standardized.photo_xy_from_standard_xy @ np.array([column, row, 1.0])
    return float(y / weight), float(x / weight)


def write_tables(folder: Path, rows: Sequence[PhotoRows]) -> None:
    """
    Write scores.csv, lesions.csv, quality.csv and colour.csv (RFC 4180, UTF-8, point as decimal mark on every system).

    Text that a spreadsheet would take for a formula gets an apostrophe in front; numbers stay numbers.

    Parameters
    ----------
    folder : Path
        That exists.
    rows : sequence of PhotoRows
        In the order of the table.

    Raises
    ------
    OutputError
        Where a file cannot be written.
    """
    write_table(folder / "scores.csv", SCORE_COLUMNS, [one.score for one in rows])
    write_table(folder / "lesions.csv", LESION_COLUMNS, [lesion for one in rows for lesion in one.lesions])
    write_table(folder / "quality.csv", QUALITY_COLUMNS, [one.quality for one in rows if one.quality is not None])
    write_table(folder / "colour.csv", COLOR_COLUMNS, [patch for one in rows for patch in one.colors])


def read_scores(path: Path) -> list[dict[str, Value]]:
    """
    Read a scores.csv that this package wrote.

    Parameters
    ----------
    path : Path
        Of the file.

    Returns
    -------
    list of dict
        One a photo: text, whole numbers, floats; None for an empty cell.

    Raises
    ------
    FormatError
        Where the file is not such a table.
    """
    return read_table(path, SCORE_COLUMNS)


def read_lesions(path: Path) -> list[dict[str, Value]]:
    """
    Read a lesions.csv that this package wrote.

    Parameters
    ----------
    path : Path
        Of the file.

    Returns
    -------
    list of dict
        One a lesion, as for `read_scores`.

    Raises
    ------
    FormatError
        Where the file is not such a table.
    """
    return read_table(path, LESION_COLUMNS)
