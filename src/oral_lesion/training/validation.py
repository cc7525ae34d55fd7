"""Held-out pictures: which they are, by group, and how well a network does on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from oral_lesion.errors import InputError
from oral_lesion.io.csv_tables import TEXT, WHOLE, Columns, Row, write_table
from oral_lesion.io.datasets import IGNORE_VALUE, LESION_VALUE, LabelledPicture, folds_by_group
from oral_lesion.numerics.scaling import scaled_srgb
from oral_lesion.training.data import Source
from oral_lesion.training.network import MULTIPLE_OF_PX, ProbabilityNetwork
from oral_lesion.training.settings import SourceSettings, TrainingSettings, ValidationSettings

__all__ = [
    "JUDGED_COLUMNS",
    "VALIDATION_NAME",
    "HeldOut",
    "JudgedPicture",
    "hold_out",
    "judge",
    "mean_dice",
    "write_judged",
    "write_table_whole",
]

VALIDATION_NAME = "validation.csv"
JUDGED_COLUMNS: Columns = {
    "source": TEXT,
    "picture_id": TEXT,
    "group": TEXT,
    "true_px": WHOLE,
    "predicted_px": WHOLE,
    "overlap_px": WHOLE,
    "dice": 4,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """
    A picture that is not trained on.

    Parameters
    ----------
    source : Source
        It gives the picture's pixels.
    picture : LabelledPicture
        One of it.
    """

    source: Source
    picture: LabelledPicture


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedPicture:
    """
    What a network found on a held-out picture, at the size that it saw, without the pixels that are to be ignored.

    Parameters
    ----------
    source, picture_id, group : str
        Which picture it is.
    true_px, predicted_px, overlap_px : int
        Pixels of the label, of the prediction, and of both.
    """

    source: str
    picture_id: str
    group: str
    true_px: int
    predicted_px: int
    overlap_px: int

    @property
    def dice(self) -> float | None:
        """Dice coefficient; None where neither label nor prediction has a lesion."""
        total = self.true_px + self.predicted_px
        return 2.0 * self.overlap_px / total if total else None


def hold_out(
    sources: Mapping[str, Source], settings: TrainingSettings
) -> tuple[dict[str, Source], tuple[HeldOut, ...]]:
    """
    Divide sources into what is trained on and what is held out; a group is never on both sides.

    Sources of the same folder share their groups, and composed phantoms have those of their photographs.

    Parameters
    ----------
    sources : mapping of str to Source
        All pictures.
    settings : TrainingSettings
        Seed, and what to hold out.

    Returns
    -------
    training : dict of str to Source
        Sources without the groups that are held out.
    held : tuple of HeldOut
        Pictures of those groups in the sources that are to be judged; empty where nothing is held out.

    Raises
    ------
    InputError
        There are fewer groups than parts, a source has nothing left, or no held-out picture has a mask.
    """
    rules = settings.validation
    if not rules.parts:
        return dict(sources), ()
    places = {name: _place(source.settings, settings) for name, source in sources.items()}
    judged = {name: source for name, source in sources.items() if name in (rules.sources or sources)}
    marked = [
        replace(picture, group=f"{places[name]}/{picture.group}")
        for name, source in judged.items()
        for picture in source.pictures
    ]
    part = folds_by_group(marked, folds=rules.parts, seed=settings.seed)[rules.fold - 1]
    groups = {picture.group for picture in part}
    training: dict[str, Source] = {}
    held: list[HeldOut] = []
    for name, source in sources.items():
        is_out = [f"{places[name]}/{picture.group}" in groups for picture in source.pictures]
        out = [picture for picture, apart in zip(source.pictures, is_out, strict=True) if apart]
        left = tuple(picture for picture, apart in zip(source.pictures, is_out, strict=True) if not apart)
        if not left:
            raise InputError(f"source {name}: all its pictures would be held out; use fewer parts, or more groups")
        training[name] = replace(source, pictures=left)
        held += [HeldOut(source=source, picture=picture) for picture in out if name in judged]
    if not any(one.picture.mask for one in held):
        raise InputError("validation: no held-out picture has a mask; hold out more, or of other sources")
    return training, tuple(held)


def _place(source: SourceSettings, settings: TrainingSettings) -> str:
    """Return where the groups of a source are at home: its folder, its photographs' folder, or itself."""
    if source.backgrounds:
        source = next(other for other in settings.sources if other.name == source.backgrounds)
    return Path(source.path).as_posix() if source.path else source.name


def judge(
    network: nn.Module, held: Sequence[HeldOut], rules: ValidationSettings, device: torch.device
) -> tuple[JudgedPicture, ...]:
    """
    Judge a network on whole pictures.

    Parameters
    ----------
    network : Module
        Takes normalized pictures, gives logits.
    held : sequence of HeldOut
        What to judge on.
    rules : ValidationSettings
        Size and threshold.
    device : torch.device
        Where the network is.

    Returns
    -------
    tuple of JudgedPicture
        One a picture.
    """
    model = ProbabilityNetwork(network).eval()
    judged = []
    for one in held:
        srgb, labels = _at_seen_size(one, rules.longer_side_px)
        height, width = labels.shape
        below, right = -height % MULTIPLE_OF_PX, -width % MULTIPLE_OF_PX
        padded = cv2.copyMakeBorder(srgb, 0, below, 0, right, cv2.BORDER_REPLICATE)
        with torch.inference_mode():
            probability = model(torch.from_numpy(np.asarray(padded, np.uint8))[None].to(device))[0]
        predicted = (probability[:height, :width].cpu().numpy() >= rules.threshold) & (labels != IGNORE_VALUE)
        true = labels == LESION_VALUE
        judged.append(
            JudgedPicture(
                source=one.source.settings.name,
                picture_id=one.picture.picture_id,
                group=one.picture.group,
                true_px=int(true.sum()),
                predicted_px=int(predicted.sum()),
                overlap_px=int((true & predicted).sum()),
            )
        )
    return tuple(judged)


def _at_seen_size(one: HeldOut, longer_side_px: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    srgb, labels = one.source.read(one.picture)
    seen = scaled_srgb(srgb, one.source.magnification(one.picture) or longer_side_px / max(labels.shape))
    marks = cv2.resize(labels, seen.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    return seen, np.asarray(marks, np.uint8)


def mean_dice(judged: Sequence[JudgedPicture]) -> float:
    """
    Return the image-based Dice: the mean over the pictures with a lesion.

    Parameters
    ----------
    judged : sequence of JudgedPicture
        All held-out pictures.

    Returns
    -------
    float
        In [0, 1]; NaN where no picture has a lesion.
    """
    values = [picture.dice for picture in judged if picture.true_px]
    return float(np.mean(np.array(values, dtype=float))) if values else float("nan")


def write_judged(run_folder: Path, judged: Sequence[JudgedPicture]) -> None:
    """
    Write validation.csv of a run.

    Parameters
    ----------
    run_folder : Path
        Folder of the run.
    judged : sequence of JudgedPicture
        A row each.
    """
    rows: list[Row] = [{name: getattr(picture, name) for name in JUDGED_COLUMNS} for picture in judged]
    write_table_whole(run_folder / VALIDATION_NAME, JUDGED_COLUMNS, rows)


def write_table_whole(path: Path, columns: Columns, rows: Sequence[Row]) -> None:
    """
    Write a table so that it is either the old one or the whole new one.

    Parameters
    ----------
    path : Path
        Of the file.
    columns : mapping
        Names and kinds, in order.
    rows : sequence of mapping
        A value for each column.
    """
    partial = path.with_name(path.name + ".partial")
    write_table(partial, columns, rows)
    partial.replace(path)
