"""What quality.csv says of a photo, and colour.csv of each patch of its card."""

from __future__ import annotations

import math

from oral_lesion.errors import Refusal
from oral_lesion.io.csv_tables import TEXT, WHOLE, Columns, Row, Value
from oral_lesion.protocol import CardDefinition
from oral_lesion.records import PhotoQuality, PhotoScore

__all__ = ["COLOR_COLUMNS", "QUALITY_COLUMNS", "color_rows_of", "quality_figures", "quality_row_of"]

QUALITY_COLUMNS: Columns = {
    "photo_id": TEXT, "status": TEXT, "reason": TEXT, "nearest_limit": TEXT, "nearest_limit_used_percent": 1,
    "card_blur_mm": 3, "card_blur_pitch_percent": 2, "motion_blur_mm": 3, "motion_direction_deg": 1,
    "blur_anisotropy_ratio": 2, "tissue_blur_mm": 3, "tissue_clipped_red_percent": 3,
    "tissue_clipped_green_percent": 3, "tissue_clipped_blue_percent": 3, "tissue_glare_percent": 3,
    "card_share_percent": 2, "tilt_deg": 2, "tilt_azimuth_deg": 1, "px_per_mm": 3, "working_distance_mm": 1,
    "u_scale_percent": 3, "jpeg_quality": WHOLE, "accepted_patches": WHOLE, "held_out_delta_e00_mean": 3,
    "held_out_delta_e00_median": 3, "held_out_delta_e00_max": 3,
}  # fmt: skip
"""Columns of quality.csv in order."""

COLOR_COLUMNS: Columns = {
    "photo_id": TEXT, "patch": TEXT, "held_out_delta_e00": 3, "accepted": WHOLE, "clipped_percent": 2,
    "linear_red": 5, "linear_green": 5, "linear_blue": 5,
}  # fmt: skip
"""Columns of colour.csv in order."""


def quality_figures(quality: PhotoQuality) -> dict[str, int | float | None]:
    """
    Return the figures of a photo under the names that quality.csv gives them.

    Parameters
    ----------
    quality : PhotoQuality
        Of the photo.

    Returns
    -------
    dict
        None where a figure was not measured.
    """
    red, green, blue = quality.tissue_clipped_ratio_rgb or (None, None, None)
    return {
        "card_blur_mm": quality.card_blur_mm,
        "card_blur_pitch_percent": _percent(quality.card_blur_pitch_ratio),
        "motion_blur_mm": quality.motion_blur_mm,
        "motion_direction_deg": quality.motion_direction_deg,
        "blur_anisotropy_ratio": quality.blur_anisotropy,
        "tissue_blur_mm": quality.tissue_blur_mm,
        "tissue_clipped_red_percent": _percent(red),
        "tissue_clipped_green_percent": _percent(green),
        "tissue_clipped_blue_percent": _percent(blue),
        "tissue_glare_percent": _percent(quality.tissue_glare_ratio),
        "card_share_percent": _percent(quality.card_share),
        "tilt_deg": quality.tilt_deg,
        "tilt_azimuth_deg": quality.tilt_azimuth_deg,
        "px_per_mm": quality.px_per_mm,
        "working_distance_mm": quality.working_distance_mm,
        "u_scale_percent": quality.u_scale_percent,
        "jpeg_quality": quality.jpeg_quality,
        "accepted_patches": quality.accepted_patches,
        "held_out_delta_e00_mean": quality.held_out_mean,
        "held_out_delta_e00_median": quality.held_out_median,
        "held_out_delta_e00_max": quality.held_out_max,
    }


def quality_row_of(score: PhotoScore) -> Row:
    """
    Return the photo's row of quality.csv.

    Parameters
    ----------
    score : PhotoScore
        Of any outcome.

    Returns
    -------
    mapping
        Value of each of `QUALITY_COLUMNS`; None where it is not known.
    """
    quality = score.quality if score.quality is not None else PhotoQuality()
    nearest = quality.nearest_limit
    row: dict[str, Value] = {
        "photo_id": score.identity.photo_id,
        "status": "scored" if score.scored else "refused",
        "reason": score.outcome.reason.value if isinstance(score.outcome, Refusal) else None,
        "nearest_limit": None if nearest is None else nearest.reason.value,
        "nearest_limit_used_percent": None if nearest is None else 100.0 * nearest.used_ratio,
    }
    return row | quality_figures(quality)


def color_rows_of(score: PhotoScore, card: CardDefinition) -> tuple[Row, ...]:
    """
    Return the photo's rows of colour.csv, one a patch in the card's order.

    Parameters
    ----------
    score : PhotoScore
        Of any outcome.
    card : CardDefinition
        The card that the protocol names.

    Returns
    -------
    tuple of mapping
        Values of `COLOR_COLUMNS`; no rows where the card was not read.
    """
    reading = score.card
    if reading is None or len(reading.patch_accepted) != len(card.patches):
        return ()
    held_out: tuple[float | None, ...] = ()
    if score.standardized is not None:
        held_out = score.standardized.color_agreement.held_out_per_patch
    if len(held_out) != len(card.patches):
        held_out = (None,) * len(card.patches)
    rows: list[Row] = []
    for index, patch in enumerate(card.patches):
        red, green, blue = (float(value) for value in reading.patch_linear_rgb[index])
        rows.append(
            {
                "photo_id": score.identity.photo_id,
                "patch": patch.name,
                "held_out_delta_e00": held_out[index],
                "accepted": int(reading.patch_accepted[index]),
                "clipped_percent": 100.0 * float(reading.patch_clipped_fraction[index]),
                "linear_red": red,
                "linear_green": green,
                "linear_blue": blue,
            }
        )
    return tuple(rows)


def _percent(ratio: float | None) -> float | None:
    return None if ratio is None or not math.isfinite(ratio) else 100.0 * float(ratio)
