"""Preview: a sheet of crops as a run will see them, with outlines and the simulations on each."""

from __future__ import annotations

import textwrap
from pathlib import Path

import cv2
import numpy as np

from oral_lesion.io.datasets import IGNORE_VALUE, LESION_VALUE
from oral_lesion.training.augment import Augmenter, Crop
from oral_lesion.training.checkpoint import write_atomically
from oral_lesion.training.data import draw_crop, open_sources
from oral_lesion.training.settings import TrainingSettings

__all__ = ["draw_preview"]

_COLUMNS = 8
_TITLE_CHARACTERS = 34


def draw_preview(settings: TrainingSettings, path: Path, *, crops_per_stage: int = 24) -> int:
    """
    Draw a sheet with the first crops of every stage.

    Lesions are outlined in green, pixels to be ignored in grey. A title names source and simulations; the
    position, which every crop has, is left out.

    Parameters
    ----------
    settings : TrainingSettings
        The training file.
    path : Path
        PNG file to write.
    crops_per_stage : int
        Number of crops.

    Returns
    -------
    int
        Crops on the sheet.

    Raises
    ------
    InputError
        A source is missing or holds no picture.
    FormatError
        A picture cannot be read.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sources, augmenter = open_sources(settings), Augmenter()
    rows_per_stage = -(-crops_per_stage // _COLUMNS)
    rows = rows_per_stage * len(settings.stages)
    figure = Figure(figsize=(2.1 * _COLUMNS, 2.75 * rows), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, _COLUMNS, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    first_epoch = 0
    for number, stage in enumerate(settings.stages):
        for position in range(crops_per_stage):
            rng = np.random.default_rng([settings.seed, first_epoch, position])
            source, crop = draw_crop(sources, stage, augmenter, rng)
            axis = axes[number * rows_per_stage + position // _COLUMNS, position % _COLUMNS]
            axis.imshow(_outlined(crop))
            axis.set_title(_title(stage.name, source, crop), fontsize=6)
        first_epoch += stage.epochs
    figure.subplots_adjust(left=0.005, right=0.995, bottom=0.005, top=1 - 0.35 / (2.75 * rows), wspace=0.04)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda file: figure.savefig(file, format="png", metadata={"Software": None}))
    return crops_per_stage * len(settings.stages)


def _outlined(crop: Crop) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    drawn = crop.srgb.copy()
    for value, colour in ((IGNORE_VALUE, (128, 128, 128)), (LESION_VALUE, (0, 255, 0))):
        found, _ = cv2.findContours((crop.labels == value).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(drawn, found, -1, colour, 1)
    return drawn


def _title(stage: str, source: str, crop: Crop) -> str:
    simulated = ", ".join(name for name in crop.simulations if name != "position")
    return "\n".join(textwrap.wrap(f"{stage} | {source}: {simulated or 'nothing more'}", _TITLE_CHARACTERS)[:4])
