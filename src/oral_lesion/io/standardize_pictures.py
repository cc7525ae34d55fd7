"""Photos in standard colour and scale, without a segmentation."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

from oral_lesion.io.check_photos import check_file
from oral_lesion.io.naming import printable
from oral_lesion.io.one_by_one import (
    FileOutcome,
    refused_line,
    require_folder,
    require_free_names,
    write_bytes,
    write_png,
)
from oral_lesion.io.tables import defused
from oral_lesion.numerics.color import srgb_uint8_from_linear
from oral_lesion.protocol import ScoringProtocol
from oral_lesion.records import CardReading, StandardizedPhoto

__all__ = ["STANDARDIZED_COLUMNS", "standardize_pictures"]

STANDARDIZED_COLUMNS = (
    "file", "status", "reason", "working_mm_per_px", "mm_per_px", "u_mm_per_px", "tilt_deg", "blur_mm", "card",
    "correction", "delta_e00_median", "delta_e00_max", "protocol_sha256",
)  # fmt: skip
"""Columns of standardized.csv."""


def standardize_pictures(
    photos: Sequence[Path], out: Path, *, protocol: ScoringProtocol, overwrite: bool = False
) -> list[FileOutcome]:
    """
    Write ``<stem>_standardized.png`` (sRGB) for each photo that can be trusted, and standardized.csv for all.

    Parameters
    ----------
    photos : sequence of Path
        Files of any format that `read_photo` takes.
    out : Path
        Folder for the pictures; made where it is missing.
    protocol : ScoringProtocol
        Card, working resolution and limits.
    overwrite : bool
        Replace files that are there.

    Returns
    -------
    list of FileOutcome
        One a photo, in the order given.

    Raises
    ------
    InputError
        Where two photos would write the same names.
    OutputError
        Where files are there already, or the folder cannot be written.
    """
    require_free_names(photos, out, ("_standardized.png",), overwrite=overwrite)
    require_folder(out)
    outcomes, rows = [], []
    for path in photos:
        outcome, row = _standardize_one(path, out, protocol)
        outcomes.append(outcome)
        rows.append(row | {"file": printable(path.name), "protocol_sha256": protocol.sha256})
    _write_table(out / "standardized.csv", rows)
    return outcomes


def _standardize_one(path: Path, out: Path, protocol: ScoringProtocol) -> tuple[FileOutcome, dict[str, str]]:
    checked = check_file(path, protocol=protocol)
    if checked.refusal is not None:
        row = {"status": "refused", "reason": checked.refusal.reason.value}
        return FileOutcome(path=path, done=False, line=refused_line(path, checked.refusal)), row
    standardized, card = checked.stations
    write_png(out / f"{path.stem}_standardized.png", srgb_uint8_from_linear(standardized.linear_rgb))
    median = standardized.color_agreement.held_out_median
    color = f"held-out ΔE00 {median:.1f}" if math.isfinite(median) else "colour not corrected"
    line = f"{printable(path.name)}: {card.scale.mm_per_px:.4f} mm/px, tilt {card.tilt_deg:.1f}°, {color}"
    return FileOutcome(path=path, done=True, line=line), _row_of(card, standardized)


def _row_of(card: CardReading, standardized: StandardizedPhoto) -> dict[str, str]:
    agreement = standardized.color_agreement
    return {
        "status": "standardized",
        "working_mm_per_px": f"{standardized.scale.mm_per_px:.5f}",
        "mm_per_px": f"{card.scale.mm_per_px:.5f}",
        "u_mm_per_px": f"{card.scale.u_mm_per_px:.6f}",
        "tilt_deg": f"{card.tilt_deg:.2f}",
        "blur_mm": f"{card.blur_mm:.3f}",
        "card": card.card,
        "correction": standardized.correction,
        "delta_e00_median": _number(agreement.held_out_median),
        "delta_e00_max": _number(agreement.held_out_max),
    }


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else ""


def _write_table(path: Path, rows: Sequence[dict[str, str]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, STANDARDIZED_COLUMNS, restval="")
    writer.writeheader()
    writer.writerows({key: defused(value) if key == "file" else value for key, value in row.items()} for row in rows)
    write_bytes(path, text.getvalue().encode("utf-8"))
