"""metrics.csv and summary.json: what was counted on each picture, and the figures; for machines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from oral_lesion.evaluation.counts import (
    CALIBRATION_BINS,
    FIRING_COMPONENT_PX,
    TOLERANCE_MM,
    TOLERANCE_PX,
    PictureCounts,
)
from oral_lesion.evaluation.estimates import Estimate
from oral_lesion.evaluation.run import Evaluation, Round
from oral_lesion.io.csv_tables import TEXT, WHOLE, Columns, Row, write_table

__all__ = ["METRICS_COLUMNS", "METRICS_FILE", "SUMMARY_FILE", "summary_contents", "write_metrics"]

METRICS_FILE = "metrics.csv"
SUMMARY_FILE = "summary.json"
SCHEMA_VERSION = 1

METRICS_COLUMNS: Columns = {
    "model": TEXT,
    "picture": TEXT,
    "group": TEXT,
    "split": TEXT,
    "longer_side_px": WHOLE,
    "mm_per_px": 6,
    "counted_px": WHOLE,
    "ignored_px": WHOLE,
    "true_px": WHOLE,
    "predicted_px": WHOLE,
    "overlap_px": WHOLE,
    "true_mm2": 3,
    "predicted_mm2": 3,
    "dice": 6,
    "iou": 6,
    "precision": 6,
    "recall": 6,
    "surface_agreement": 6,
    "hd95_px": 4,
    "hd95_mm": 4,
    "true_lesions": WHOLE,
    "predicted_lesions": WHOLE,
    "matched_lesions": WHOLE,
    "fired": WHOLE,
}
_DIGITS = 6


def write_metrics(path: Path, evaluation: Evaluation) -> None:
    """
    Write metrics.csv: a row a picture, size and model.

    Parameters
    ----------
    path : Path
        Of the table.
    evaluation : Evaluation
        Results.

    Raises
    ------
    OutputError
        Where it cannot be written.
    """
    write_table(path, METRICS_COLUMNS, _rows(evaluation))


def _rows(evaluation: Evaluation) -> Iterator[Row]:
    for one in (*evaluation.rounds, *evaluation.compared):
        for count in one.counts:
            yield {"model": _model_name(one), **_row(count)}


def _row(count: PictureCounts) -> dict[str, Any]:
    scale = count.mm_per_px if count.mm_per_px is not None else math.nan
    return {
        "picture": count.picture_id,
        "group": count.group,
        "split": count.split,
        "longer_side_px": count.longer_side_px,
        "mm_per_px": count.mm_per_px,
        "counted_px": count.counted_px,
        "ignored_px": count.ignored_px,
        "true_px": count.true_px,
        "predicted_px": count.predicted_px,
        "overlap_px": count.overlap_px,
        "true_mm2": count.true_px * scale**2,
        "predicted_mm2": count.predicted_px * scale**2,
        "dice": count.dice,
        "iou": count.iou,
        "precision": count.precision,
        "recall": count.recall,
        "surface_agreement": count.surface_agreement,
        "hd95_px": count.hausdorff_px,
        "hd95_mm": count.hausdorff_px * scale,
        "true_lesions": count.lesions.true,
        "predicted_lesions": count.lesions.predicted,
        "matched_lesions": count.lesions.matched,
        "fired": count.fired,
    }


def summary_contents(name: str, evaluation: Evaluation) -> dict[str, Any]:
    """
    Return the contents of summary.json.

    Parameters
    ----------
    name : str
        Of the data set.
    evaluation : Evaluation
        Results.

    Returns
    -------
    dict
        Text, numbers, lists and mappings; None for what is missing.
    """
    settings = evaluation.settings
    contents: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "data_set": name,
        "pictures": len(evaluation.rounds[0].counts),
        "groups": len({count.group for count in evaluation.rounds[0].counts}),
        "rules": {
            "empty_masks": "Dice and IoU are 1 where label and prediction are empty, 0 where one of them is",
            "interval": f"95 % percentile bootstrap, {settings.resamples} resamples of groups, seed {settings.seed}; "
            "exact binomial over groups for shares of 0 or 1",
            "surface_tolerance": {"px": TOLERANCE_PX, "mm": TOLERANCE_MM},
            "lesion_match_least_iou": 0.1,
            "smallest_lesion": {"seen_px": settings.smallest_lesion_px, "mm2": settings.smallest_lesion_mm2},
            "firing_component_seen_px": FIRING_COMPONENT_PX,
            "calibration_bins": CALIBRATION_BINS,
        },
        "results": [_round_contents(one) for one in evaluation.rounds],
    }
    if evaluation.compared:
        contents["compared"] = [_round_contents(one) for one in evaluation.compared]
        contents["differences"] = [
            {"longer_side_px": one.longer_side_px, "figures": _figures(estimates)}
            for one, estimates in zip(evaluation.rounds, evaluation.differences, strict=True)
        ]
    return contents


def _round_contents(one: Round) -> dict[str, Any]:
    return {
        "model": {"name": one.model.name, "version": one.model.version, "sha256": one.model.sha256},
        "threshold": one.threshold,
        "longer_side_px": one.longer_side_px,
        "figures": _figures(one.estimates),
        "by_lesion_size": [
            {
                "class": each.name,
                "least_area": _rounded(each.least_area),
                "most_area": _rounded(each.most_area),
                "unit": each.unit,
                "figures": _figures(each.estimates),
            }
            for each in one.classes
        ],
    }


def _figures(estimates: Sequence[Estimate]) -> dict[str, Any]:
    return {
        estimate.measure.key: {
            "title": estimate.measure.title,
            "value": _rounded(estimate.value),
            "low": _rounded(estimate.low),
            "high": _rounded(estimate.high),
            "unit": estimate.unit,
            "n": estimate.n,
            "groups": estimate.groups,
        }
        for estimate in estimates
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS) + 0.0


def _model_name(one: Round) -> str:
    return f"{one.model.name} {one.model.version} {one.model.sha256[:12]}"
