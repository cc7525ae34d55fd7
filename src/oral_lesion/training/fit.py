"""Fit: the training loop, its checkpoints and its exact resumption."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from lightning_fabric import Fabric

from oral_lesion.errors import InputError
from oral_lesion.training.batches import CropDrawer, EpochPlan
from oral_lesion.training.board import Board
from oral_lesion.training.checkpoint import (
    BEST_NAME,
    CHECKPOINT_NAME,
    SETTINGS_NAME,
    EpochRecord,
    write_atomically,
)
from oral_lesion.training.data import Source, open_sources
from oral_lesion.training.progress_picture import write_progress_picture
from oral_lesion.training.run import FitOptions, FitProgress, TrainingRun, open_fabric
from oral_lesion.training.schedule import learning_rate_at, scheduled_rate
from oral_lesion.training.settings import TrainingSettings
from oral_lesion.training.validation import HeldOut, hold_out, judge, mean_dice, write_judged

__all__ = ["FitOptions", "FitProgress", "fit", "has_stalled", "learning_rate_at"]

OnProgress = Callable[[FitProgress], None]


def fit(
    settings: TrainingSettings,
    run_folder: Path,
    *,
    options: FitOptions | None = None,
    on_progress: OnProgress | None = None,
    fabric: Fabric | None = None,
) -> tuple[EpochRecord, ...]:
    """
    Train a network.

    Crops depend on seed, epoch and position alone, so that a resumed run equals an uninterrupted one bit by
    bit on a CPU.

    Parameters
    ----------
    settings : TrainingSettings
        What to train, on what.
    run_folder : Path
        Folder for checkpoint.pt, history.csv and settings.json; with held-out pictures also best.pt and
        validation.csv.
    options : FitOptions, optional
        Resumption, devices, threads and logs.
    on_progress : callable, optional
        Called after every optimizer step, in the first process alone.
    fabric : Fabric, optional
        Launched; None opens one.

    Returns
    -------
    tuple of EpochRecord
        All epochs of the run.

    Raises
    ------
    InputError
        A source is missing, or the run folder already holds a run and `resume` is off.
    FormatError
        The checkpoint cannot be read or belongs to other settings, or a picture cannot be read.
    """
    options = options or FitOptions()
    torch.set_num_threads(options.threads)
    if settings.network.members > 1:
        raise InputError("network.members: training makes single networks; join them with --ensemble afterwards")
    sources, held = hold_out(open_sources(settings), settings)
    if not options.resume and (run_folder / CHECKPOINT_NAME).exists():
        raise InputError(f"{run_folder}: holds a run already; resume it with --resume, or name another folder")
    fabric = fabric or open_fabric(settings, options)
    with _deterministic(enabled=settings.deterministic):
        run = TrainingRun(settings, fabric)
        if options.resume:
            run.load(run_folder)
        first = fabric.is_global_zero
        if first:
            run_folder.mkdir(parents=True, exist_ok=True)
            content = settings.model_dump_json(indent=2).encode()
            write_atomically(run_folder / SETTINGS_NAME, lambda file: file.write(content))
        if options.workers:
            _render_phantoms(sources)
        begun = _steps_before(settings, len(run.history))
        with (
            CropDrawer(sources, options.workers) as drawer,
            Board(run_folder if options.tensorboard and first else None, begun) as board,
        ):
            _Loop(run, drawer, held, options, board, on_progress if first else None).train(run_folder)
    return tuple(run.history)


class _Loop:
    """The epochs of a run, and what is done after each."""

    def __init__(
        self,
        run: TrainingRun,
        drawer: CropDrawer,
        held: tuple[HeldOut, ...],
        options: FitOptions,
        board: Board,
        on_progress: OnProgress | None,
    ) -> None:
        self.run, self.drawer, self.held, self.options = run, drawer, held, options
        self.board, self.on_progress = board, on_progress

    def train(self, run_folder: Path) -> None:
        """Train what is left of the run; write its files after every epoch."""
        run, settings = self.run, self.run.settings
        last = min(settings.epochs, self.options.stop_after_epochs or settings.epochs)
        while len(run.history) < last and not has_stalled(run.history, settings):
            epoch = len(run.history)
            record = self._train_epoch(epoch)
            run.equalize_statistics()
            best = max((past.validation_dice or 0.0 for past in run.history), default=0.0)
            dice = self._validation_dice(epoch, run_folder)
            run.history.append(replace(record, validation_dice=dice))
            if dice is not None and (dice > best or not (run_folder / BEST_NAME).exists()):
                run.save_best(run_folder)
            run.save(run_folder)
            if self.run.fabric.is_global_zero:
                self.board.add_epoch(_steps_before(settings, epoch + 1), run.history[-1])
                if self.options.progress_picture:
                    write_progress_picture(run_folder, run.history)

    def _train_epoch(self, epoch: int) -> EpochRecord:
        run, settings, fabric = self.run, self.run.settings, self.run.fabric
        _, stage, epoch_of_stage = settings.locate(epoch)
        if epoch_of_stage == 0:
            run.start_stage()
        run.forward.train()
        plan = EpochPlan(
            stage=stage,
            seed=settings.seed,
            epoch=epoch,
            rank=fabric.global_rank,
            processes=fabric.world_size,
            accumulate=settings.optimizer.accumulate,
        )
        began, total, crops, rate = time.monotonic(), 0.0, 0, 0.0
        before = _steps_before(settings, epoch)
        for step, parts in enumerate(self.drawer.stream_steps(plan)):
            rate = scheduled_rate(stage, epoch_of_stage * stage.steps_per_epoch + step, settings.optimizer)
            loss = run.step(parts, rate)
            if not math.isfinite(loss):
                raise InputError(
                    f"stage {stage.name}: the loss is {loss}; lower its learning_rate ({stage.learning_rate})"
                )
            count = min(stage.batch_size, stage.pictures_per_epoch - step * stage.batch_size)
            total, crops = total + loss * count, crops + count
            self.board.add_step(before + step + 1, loss, rate)
            if self.on_progress is not None:
                self.on_progress(
                    FitProgress(
                        stage=stage.name,
                        steps_done=before + step + 1,
                        steps_total=_steps_before(settings, settings.epochs),
                        loss=total / crops,
                    )
                )
        seconds = round(time.monotonic() - began, 3)
        return EpochRecord(epoch=epoch + 1, stage=stage.name, learning_rate=rate, loss=total / crops, seconds=seconds)

    def _validation_dice(self, epoch: int, run_folder: Path) -> float | None:
        """Judge the averaged weights in the first process; all processes learn the Dice."""
        rules, fabric = self.run.settings.validation, self.run.fabric
        is_last = epoch + 1 == self.run.settings.epochs
        if not self.held or ((epoch + 1) % rules.every_epochs and not is_last):
            return None
        dice = 0.0
        if fabric.is_global_zero:
            judged = judge(self.run.average.network, self.held, rules, fabric.device)
            write_judged(run_folder, judged)
            dice = mean_dice(judged)
        dice = float(fabric.broadcast(dice))
        # All processes stop together: one that waited for the others would wait for good.
        if math.isnan(dice):
            raise InputError("validation: no held-out picture has a lesion; hold out more, or of other sources")
        return dice


def has_stalled(history: list[EpochRecord], settings: TrainingSettings) -> bool:
    """
    Return whether the last stage has gone on for long enough without a better Dice.

    Parameters
    ----------
    history : list of EpochRecord
        All epochs so far.
    settings : TrainingSettings
        Patience, and the name of the last stage.

    Returns
    -------
    bool
        True where the run is to stop.
    """
    patience = settings.validation.patience
    first = settings.epochs - settings.stages[-1].epochs
    judged = [past.validation_dice for past in history[first:] if past.validation_dice is not None]
    if not patience or not judged:
        return False
    return len(judged) - 1 - judged.index(max(judged)) >= patience


def _steps_before(settings: TrainingSettings, epoch: int) -> int:
    """Return the optimizer steps of all epochs before one."""
    return sum(settings.locate(past)[1].steps_per_epoch for past in range(epoch))


def _render_phantoms(sources: dict[str, Source]) -> None:
    """Render all phantoms here, so that not every worker does it for itself."""
    for source in sources.values():
        if source.settings.layout == "phantom":
            for picture in source.pictures:
                source.read(picture)


@contextmanager
def _deterministic(*, enabled: bool) -> Iterator[None]:
    """Let torch use deterministic algorithms alone, where asked for."""
    before = torch.are_deterministic_algorithms_enabled()
    if enabled:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(mode=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(mode=before)
