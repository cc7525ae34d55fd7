"""Run folder of a training: settings, checkpoint and history, each replaced in one step."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch

from oral_lesion.errors import FormatError

__all__ = [
    "BEST_NAME",
    "CHECKPOINT_NAME",
    "HISTORY_NAME",
    "SETTINGS_NAME",
    "EpochRecord",
    "read_checkpoint",
    "write_atomically",
    "write_checkpoint",
    "write_history",
]

BEST_NAME = "best.pt"
CHECKPOINT_NAME = "checkpoint.pt"
HISTORY_NAME = "history.csv"
SETTINGS_NAME = "settings.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord:
    """
    One line of history.csv.

    Parameters
    ----------
    epoch : int
        Epoch of the run, from 1.
    stage : str
        Name of the stage.
    learning_rate : float
        Learning rate of the epoch's last step.
    loss : float
        Mean training loss over the epoch's crops.
    seconds : float
        Wall time of the epoch (s).
    validation_dice : float or None
        Mean Dice of the held-out pictures with a lesion; None where they were not judged.
    """

    epoch: int
    stage: str
    learning_rate: float
    loss: float
    seconds: float
    validation_dice: float | None = None


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """
    Write a file so that it is either the old one or the whole new one.

    Parameters
    ----------
    path : Path
        File to replace.
    write : callable
        Writes the content to an open binary file.
    """
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def write_checkpoint(run_folder: Path, checkpoint: dict[str, Any], *, name: str = CHECKPOINT_NAME) -> None:
    """
    Write the checkpoint of a run.

    Parameters
    ----------
    run_folder : Path
        Folder of the run.
    checkpoint : dict of str to object
        Tensors, numbers and texts only, so that it can be read back without running code.
    name : str
        Of the file.
    """
    write_atomically(run_folder / name, lambda file: torch.save(checkpoint, file))


def read_checkpoint(place: Path) -> dict[str, Any]:
    """
    Read the checkpoint of a run; no code in it is run.

    Parameters
    ----------
    place : Path
        Folder of the run, for its last epoch; or a file of it that ends in ``.pt``.

    Returns
    -------
    dict of str to object
        What `write_checkpoint` was given.

    Raises
    ------
    FormatError
        There is no checkpoint, or it cannot be read.
    """
    path = place if place.suffix == ".pt" else place / CHECKPOINT_NAME
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise FormatError(f"{path}: no checkpoint there; name the folder of a run of `oral-lesion train`") from error
    except Exception as error:
        raise FormatError(f"{path}: not a readable checkpoint ({error}); train again") from error
    return checkpoint


def write_history(run_folder: Path, history: Sequence[EpochRecord]) -> None:
    """
    Write history.csv.

    Parameters
    ----------
    run_folder : Path
        Folder of the run.
    history : sequence of EpochRecord
        All epochs so far.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(EpochRecord.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(record) for record in history)
    content = text.getvalue().encode()
    write_atomically(run_folder / HISTORY_NAME, lambda file: file.write(content))
