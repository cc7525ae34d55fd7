"""An evaluation's files: metrics.csv, summary.json, evaluation.html and run.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from oral_lesion._version import __version__
from oral_lesion.evaluation.cases import draw_cases
from oral_lesion.evaluation.counts import PictureModel
from oral_lesion.evaluation.page import PAGE_FILE, render_page
from oral_lesion.evaluation.pictures import Pictures
from oral_lesion.evaluation.run import Evaluation
from oral_lesion.evaluation.tables import METRICS_FILE, SUMMARY_FILE, summary_contents, write_metrics
from oral_lesion.io.one_by_one import write_bytes
from oral_lesion.io.store import RUN_FILE, write_run_json

__all__ = ["write_evaluation"]


def write_evaluation(results: Path, evaluation: Evaluation, pictures: Pictures, model: PictureModel) -> None:
    """
    Write all files of an evaluation.

    Parameters
    ----------
    results : Path
        Folder under construction.
    evaluation : Evaluation
        Results.
    pictures : Pictures
        What it was made on.
    model : PictureModel
        What was judged; it sees the pictures to be shown once more.

    Raises
    ------
    OutputError
        A file cannot be written.
    FormatError
        A picture cannot be read.
    """
    by_name = {picture.picture_id: picture for picture in pictures.pictures}
    write_metrics(results / METRICS_FILE, evaluation)
    write_run_json(results / SUMMARY_FILE, summary_contents(pictures.name, evaluation))
    write_run_json(results / RUN_FILE, _run_contents(pictures.name, evaluation))
    cases = {
        one.longer_side_px: draw_cases(one, by_name, model, number=evaluation.settings.cases)
        for one in evaluation.rounds
    }
    write_bytes(results / PAGE_FILE, render_page(pictures.name, evaluation, cases).encode("utf-8"))


def _run_contents(name: str, evaluation: Evaluation) -> dict[str, Any]:
    models = {one.model.sha256: one.model for one in (*evaluation.rounds, *evaluation.compared)}
    return {
        "command": "evaluate",
        "oral_lesion": __version__,
        "data_set": name,
        "models": [{"name": model.name, "version": model.version, "sha256": sha} for sha, model in models.items()],
        "settings": {key: list(value) if isinstance(value, tuple) else value for key, value in _told(evaluation)},
    }


def _told(evaluation: Evaluation) -> Sequence[tuple[str, Any]]:
    told: Mapping[str, Any] = asdict(evaluation.settings)
    return sorted(told.items())
