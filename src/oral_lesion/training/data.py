"""Pictures for training: which there are, how they are read, and which crop is drawn when."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import InputError
from oral_lesion.io.datasets import LabelledPicture, open_dataset, read_picture
from oral_lesion.training.augment import Augmenter, Crop, CropPlan
from oral_lesion.training.phantoms import PhantomReader
from oral_lesion.training.settings import SourceSettings, StageSettings, TrainingSettings

__all__ = [
    "LabelledPicture",
    "Source",
    "draw_batch",
    "draw_crop",
    "find_pictures",
    "open_sources",
    "positions_of_step",
    "read_picture",
]

Read = Callable[[LabelledPicture], tuple[NDArray[np.uint8], NDArray[np.uint8]]]


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
    read : callable
        Gives pixels and labels of one of them.
    working_mm_per_px : float
        Resolution at which pictures of known scale are drawn.
    """

    settings: SourceSettings
    pictures: tuple[LabelledPicture, ...]
    read: Read = read_picture
    working_mm_per_px: float = 0.1

    def magnification(self, picture: LabelledPicture) -> float | None:
        """
        Return the factor from a picture's pixels to those of the working resolution.

        Parameters
        ----------
        picture : LabelledPicture
            With or without scale.

        Returns
        -------
        float or None
            None where the picture has no scale.
        """
        return None if picture.mm_per_px is None else picture.mm_per_px / self.working_mm_per_px


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
    return {source.name: _open_source(source, settings) for source in settings.sources if source.name in wanted}


def _open_source(source: SourceSettings, settings: TrainingSettings) -> Source:
    root = Path(settings.data_root)
    mm_per_px = settings.working_mm_per_px
    if source.layout != "phantom":
        return Source(settings=source, pictures=find_pictures(source, root), working_mm_per_px=mm_per_px)
    backgrounds = [other for other in settings.sources if other.name == source.backgrounds]
    reader = PhantomReader(
        source.name,
        scenes=source.scenes,
        seed=settings.seed,
        working_mm_per_px=mm_per_px,
        backgrounds=find_pictures(backgrounds[0], root) if backgrounds else None,
    )
    return Source(settings=source, pictures=reader.pictures, read=reader, working_mm_per_px=mm_per_px)


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
        The folder is missing, holds no picture, or a picture without scale where none may be.
    SettingsError
        The table of a data set has faults.
    """
    folder = data_root / source.path
    find: dict[str, Callable[[], list[LabelledPicture]]] = {
        "dataset": lambda: _dataset_pictures(source, folder),
        "table": lambda: _table_pictures(source, folder),
        "pairs": lambda: _paired_pictures(folder),
        "lesion-free": lambda: _lesion_free_pictures(folder),
    }
    if source.layout not in find:
        raise InputError(f"source {source.name}: layout {source.layout} is rendered and has no folder")
    found = find[source.layout]()
    if not found:
        raise InputError(
            f"source {source.name}: no pictures in {folder} (layout {source.layout}); "
            "correct data_root or the source's path"
        )
    return tuple(sorted(found, key=lambda picture: picture.picture_id))


def _dataset_pictures(source: SourceSettings, folder: Path) -> list[LabelledPicture]:
    opened = open_dataset(folder, split=source.split or None, keep=source.keep)
    weights = source.confidence_weights
    pictures = [
        replace(picture, weight=picture.weight * weights.get(picture.confidence, 1.0)) for picture in opened.pictures
    ]
    pictures = [picture for picture in pictures if picture.weight > 0]
    unscaled = [picture.picture_id for picture in pictures if picture.mm_per_px is None]
    if unscaled and source.longer_side_px is None:
        raise InputError(
            f"source {source.name}: {len(unscaled)} pictures have no mm_per_px, {unscaled[0]} first; "
            "give the source longer_side_px, or keep the pictures of known scale alone"
        )
    return pictures


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
            mask=folder / row["mask"] if row["mask"] else None,
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


def positions_of_step(stage: StageSettings, step: int) -> range:
    """
    Return which crops of an epoch make up a step; the last step may have fewer.

    Parameters
    ----------
    stage : StageSettings
        Number of crops and batch size.
    step : int
        Step of the epoch, from 0.

    Returns
    -------
    range
        Positions in the epoch.
    """
    first = step * stage.batch_size
    return range(first, min(first + stage.batch_size, stage.pictures_per_epoch))


def draw_batch(
    sources: Mapping[str, Source],
    stage: StageSettings,
    augmenter: Augmenter,
    *,
    seed: int,
    epoch: int,
    positions: Iterable[int],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """
    Draw crops; each depends on nothing but the other arguments and its own position.

    Parameters
    ----------
    sources : mapping of str to Source
        Sources by name.
    stage : StageSettings
        Shares and crop size.
    augmenter : Augmenter
        Makes a crop of a picture.
    seed, epoch : int
        Seed and epoch of the run.
    positions : iterable of int
        Which crops of the epoch; see `positions_of_step`.

    Returns
    -------
    srgb : ndarray of uint8, shape (batch, crop, crop, 3)
        sRGB.
    labels : ndarray of uint8, shape (batch, crop, crop)
        255 lesion, 0 other, 128 ignore.
    """
    crops = [
        draw_crop(sources, stage, augmenter, np.random.default_rng([seed, epoch, position]))[1]
        for position in positions
    ]
    return np.stack([crop.srgb for crop in crops]), np.stack([crop.labels for crop in crops])


def draw_crop(
    sources: Mapping[str, Source], stage: StageSettings, augmenter: Augmenter, rng: np.random.Generator
) -> tuple[str, Crop]:
    """
    Draw one crop: a source, a picture of it, and what the augmenter makes of that.

    Parameters
    ----------
    sources : mapping of str to Source
        Sources by name.
    stage : StageSettings
        Shares and crop size.
    augmenter : Augmenter
        Makes a crop of a picture.
    rng : Generator
        Source of everything that is drawn.

    Returns
    -------
    name : str
        Of the source.
    crop : Crop
        Pixels, labels, and what was simulated.
    """
    names = sorted(name for name, share in stage.shares.items() if share > 0)
    shares = np.array([stage.shares[name] for name in names])
    source = sources[names[rng.choice(len(names), p=shares / shares.sum())]]
    weights = np.array([picture.weight for picture in source.pictures])
    picture = source.pictures[rng.choice(len(weights), p=weights / weights.sum())]
    magnification, jitter = source.magnification(picture), 1.0 + source.settings.scale_jitter
    plan = CropPlan(
        crop_px=stage.crop_px,
        longer_side_px=source.settings.longer_side_px,
        magnification=None if magnification is None else (magnification / jitter, magnification * jitter),
        lesion_centred=stage.lesion_centred,
        tooth_centred=stage.tooth_centred,
        # About a composed photograph lies a dark red surround, on which no erosion can be.
        drawn_share=0.0 if source.settings.backgrounds else stage.drawn_share,
        decoy_share=stage.decoy_share,
        instrument_share=stage.instrument_share,
    )
    return source.settings.name, augmenter.make(*source.read(picture), plan, rng)
