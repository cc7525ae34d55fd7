"""How a run goes, as a picture: loss, Dice of the held-out pictures and learning rate by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from oral_lesion.training.checkpoint import EpochRecord, write_atomically

__all__ = ["PROGRESS_NAME", "write_progress_picture"]

PROGRESS_NAME = "progress.png"


def write_progress_picture(run_folder: Path, history: Sequence[EpochRecord]) -> None:
    """
    Draw progress.png.

    Parameters
    ----------
    run_folder : Path
        Folder of the run.
    history : sequence of EpochRecord
        All epochs so far; not empty.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 6.0), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    losses, rates = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    epochs = [record.epoch for record in history]
    losses.plot(epochs, [record.loss for record in history], "o-", markersize=3, color="tab:blue")
    losses.set_ylabel("training loss", color="tab:blue")
    judged = [record for record in history if record.validation_dice is not None]
    if judged:
        right = losses.twinx()
        right.plot(
            [record.epoch for record in judged],
            [record.validation_dice for record in judged],
            "s-", markersize=3, color="tab:orange",
        )  # fmt: skip
        right.set_ylabel("Dice of held-out pictures with a lesion", color="tab:orange")
        right.set_ylim(0.0, 1.0)
    rates.plot(epochs, [record.learning_rate for record in history], color="tab:gray")
    rates.set_ylabel("learning rate")
    rates.set_xlabel("epoch")
    rates.locator_params(axis="x", integer=True)
    for before, after in pairwise(history):
        if before.stage != after.stage:
            losses.axvline(before.epoch + 0.5, color="black", linewidth=0.6, linestyle=":")
    stages = list(dict.fromkeys(record.stage for record in history))
    losses.set_title(f"{len(history)} epochs; stages: {', '.join(stages)}", fontsize=10)
    write_atomically(
        run_folder / PROGRESS_NAME, lambda file: figure.savefig(file, format="png", metadata={"Software": None})
    )
