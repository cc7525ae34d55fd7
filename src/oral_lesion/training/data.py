"""Pictures for training: which there are, how they are read, and which crop is drawn when."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import InputError
from oral_lesion.io.datasets import LabelledPicture, read_picture
from oral_lesion.training.augment import Augmenter, CropPlan
from oral_lesion.training.settings import SourceSettings, StageSettings, TrainingSettings

__all__ = ["LabelledPicture", "Source", "draw_batch", "find_pictures", "open_sources", "read_picture"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """
    A source with the pictures that were found.

    Parameters
    ----------
    settings : SourceSettings
        Where it lies and how it is drawn.
    pictures : tuple of LabelledPicture
        Never empty.
    """

    settings: SourceSettings
    pictures: tuple[LabelledPicture, ...]


def open_sources(settings: TrainingSettings) -> dict[str, Source]:
    """
    Find the pictures of every source that a stage draws from.

    Parameters
    ----------
    settings : TrainingSettings
        The training file.

    Returns
    -------
    dict of str to Source
        Sources by name.

    Raises
    ------
    InputError
        A folder is missing or holds no picture.
    """
    wanted = {name for stage in settings.stages for name, share in stage.shares.items() if share > 0}
    root = Path(settings.data_root)
    return {
        source.name: Source(settings=source, pictures=find_pictures(source, root))
        for source in settings.sources
        if source.name in wanted
    }


def find_pictures(source: SourceSettings, data_root: Path) -> tuple[LabelledPicture, ...]:
    """
    List the pictures of a source in a fixed order.

    Parameters
    ----------
    source : SourceSettings
        Layout, folder and rows to keep.
    data_root : Path
        Folder of all sources.

    Returns
    -------
    tuple of LabelledPicture
        Sorted by name.

    Raises
    ------
    InputError
        The folder is missing or holds no picture.
    """
    folder = data_root / source.path
    found = {
        "table": lambda: _table_pictures(source, folder),
        "pairs": lambda: _paired_pictures(folder),
        "lesion-free": lambda: _lesion_free_pictures(folder),
    }[source.layout]()
    if not found:
        raise InputError(
            f"source {source.name}: no pictures in {folder} (layout {source.layout}); "
            "correct data_root or the source's path"
        )
    return tuple(sorted(found, key=lambda picture: picture.picture_id))


def _table_pictures(source: SourceSettings, folder: Path) -> list[LabelledPicture]:
    table = folder / "photos.csv"
    if not table.is_file():
        return []
    with table.open(encoding="utf-8", newline="") as lines:
        rows = [
            row
            for row in csv.DictReader(lines)
            if all(row.get(column) == value for column, value in source.keep.items())
        ]
    return [
        LabelledPicture(
            picture_id=row["id"],
            image=folder / row["file"],
            mask=folder / row["mask"],
            group=row["group"],
            split=row.get("split", ""),
            weight=source.confidence_weights.get(row.get("confidence", ""), 1.0),
            confidence=row.get("confidence", ""),
        )
        for row in rows
    ]


def _paired_pictures(folder: Path) -> list[LabelledPicture]:
    masks = {path.stem: path for path in (folder / "masks").glob("*.*")}
    images = {path.stem: path for path in (folder / "images").glob("*.*")}
    return [
        LabelledPicture(picture_id=stem, image=images[stem], mask=masks[stem], group=stem)
        for stem in sorted(masks.keys() & images.keys())
    ]


def _lesion_free_pictures(folder: Path) -> list[LabelledPicture]:
    return [
        LabelledPicture(picture_id=path.stem, image=path, mask=None, group=path.stem)
        for path in (folder / "images").glob("*.*")
    ]


def draw_batch(
    sources: Mapping[str, Source],
    stage: StageSettings,
    augmenter: Augmenter,
    *,
    seed: int,
    epoch: int,
    step: int,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """
    Draw one batch of crops; it depends on nothing but the arguments.

    Parameters
    ----------
    sources : mapping of str to Source
        Sources by name.
    stage : StageSettings
        Shares, crop size and batch size.
    augmenter : Augmenter
        Makes a crop of a picture.
    seed, epoch, step : int
        Seed of the run, epoch of the run and step of the epoch.

    Returns
    -------
    srgb : ndarray of uint8, shape (batch, crop, crop, 3)
        sRGB.
    labels : ndarray of uint8, shape (batch, crop, crop)
        255 lesion, 0 other, 128 ignore.
    """
    first = step * stage.batch_size
    count = min(stage.batch_size, stage.pictures_per_epoch - first)
    names = sorted(name for name, share in stage.shares.items() if share > 0)
    shares = np.array([stage.shares[name] for name in names])
    crops = []
    for number in range(first, first + count):
        rng = np.random.default_rng([seed, epoch, number])
        source = sources[names[rng.choice(len(names), p=shares / shares.sum())]]
        weights = np.array([picture.weight for picture in source.pictures])
        picture = source.pictures[rng.choice(len(weights), p=weights / weights.sum())]
        plan = CropPlan(
            crop_px=stage.crop_px,
            longer_side_px=source.settings.longer_side_px,
            lesion_centred=stage.lesion_centred,
            tooth_centred=stage.tooth_centred,
            drawn_share=stage.drawn_share,
            decoy_share=stage.decoy_share,
        )
        crops.append(augmenter.crop(*read_picture(picture), plan, rng))
    srgb, labels = zip(*crops, strict=True)
    return np.stack(srgb), np.stack(labels)
