"""Logs for TensorBoard."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from oral_lesion.training.checkpoint import EpochRecord

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

__all__ = ["BOARD_FOLDER", "Board"]

BOARD_FOLDER = "tensorboard"


class Board:
    """
    Logs of a run; silent where no folder is given.

    Parameters
    ----------
    run_folder : Path or None
        Folder of the run; None writes nothing.
    first_step : int
        Step at which the run begins or goes on; later logs of an interrupted run are hidden.
    """

    def __init__(self, run_folder: Path | None, first_step: int) -> None:
        self._writer: SummaryWriter | None = None
        if run_folder is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(run_folder / BOARD_FOLDER), purge_step=first_step)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def add_step(self, step: int, loss: float, learning_rate: float) -> None:
        """
        Log a step.

        Parameters
        ----------
        step : int
            Of the run, from 1.
        loss, learning_rate : float
            Of the step.
        """
        if self._writer is not None:
            self._writer.add_scalar("step/loss", loss, step)
            self._writer.add_scalar("step/learning_rate", learning_rate, step)

    def add_epoch(self, step: int, record: EpochRecord) -> None:
        """
        Log an epoch.

        Parameters
        ----------
        step : int
            Steps of the run so far.
        record : EpochRecord
            The epoch.
        """
        if self._writer is None:
            return
        self._writer.add_scalar("epoch/loss", record.loss, step)
        if record.validation_dice is not None:
            self._writer.add_scalar("epoch/validation_dice", record.validation_dice, step)
