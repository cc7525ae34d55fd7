"""Fit: the training loop, its checkpoints and its exact resumption."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from oral_lesion.errors import FormatError, InputError
from oral_lesion.training.augment import Augmenter
from oral_lesion.training.checkpoint import (
    CHECKPOINT_NAME,
    SETTINGS_NAME,
    EpochRecord,
    read_checkpoint,
    write_atomically,
    write_checkpoint,
    write_history,
)
from oral_lesion.training.data import Source, draw_batch, open_sources
from oral_lesion.training.loss import segmentation_loss
from oral_lesion.training.network import MovingAverage, build_network, normalize
from oral_lesion.training.settings import StageSettings, TrainingSettings

__all__ = ["FitOptions", "FitProgress", "fit", "learning_rate_at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """
    How a run is executed; none of this changes what is learnt on one kind of device.

    Parameters
    ----------
    resume : bool
        Go on from the checkpoint of the run folder.
    device : str
        Torch device.
    threads : int
        Threads of torch on a CPU.
    stop_after_epochs : int or None
        Stop once the run has this many epochs; it can be resumed later.
    """

    resume: bool = False
    device: str = "cpu"
    threads: int = 1
    stop_after_epochs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FitProgress:
    """
    Where a run stands, after every step.

    Parameters
    ----------
    stage : str
        Name of the stage.
    steps_done, steps_total : int
        Optimizer steps of the whole run.
    loss : float
        Mean loss of the epoch so far.
    """

    stage: str
    steps_done: int
    steps_total: int
    loss: float


class _Run:
    """State of a run: everything that a checkpoint holds."""

    def __init__(self, settings: TrainingSettings, device: str) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.device = torch.device(device)
        self.network = build_network(settings.network).to(self.device).to(memory_format=torch.channels_last)
        self.average = MovingAverage(self.network, settings.optimizer.ema_decay)
        self.optimizer = self._new_optimizer()
        self.history: list[EpochRecord] = []

    def _new_optimizer(self) -> torch.optim.Optimizer:
        matrices = [tensor for tensor in self.network.parameters() if tensor.ndim > 1]
        others = [tensor for tensor in self.network.parameters() if tensor.ndim <= 1]
        decay = self.settings.optimizer.weight_decay
        return torch.optim.AdamW([{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}])

    def start_stage(self) -> None:
        """Forget the optimizer's moments: a stage begins with another learning rate and other pictures."""
        self.optimizer = self._new_optimizer()

    def save(self, run_folder: Path) -> None:
        """Write checkpoint and history."""
        write_checkpoint(
            run_folder,
            {
                "settings_sha256": self.settings.sha256,
                "network": self.network.state_dict(),
                "average": self.average.network.state_dict(),
                "average_steps": self.average.steps,
                "optimizer": self.optimizer.state_dict(),
                "torch_rng": torch.get_rng_state(),
                "history": [asdict(record) for record in self.history],
            },
        )
        write_history(run_folder, self.history)

    def load(self, run_folder: Path) -> None:
        """Take up the state of a checkpoint of the same settings."""
        checkpoint = read_checkpoint(run_folder)
        if not self.settings.continues(str(checkpoint.get("settings_sha256"))):
            raise FormatError(
                f"{run_folder / CHECKPOINT_NAME}: made with other settings; expected the training "
                f"file (and overrides) in {SETTINGS_NAME} beside it; use those "
                "(stages may be added at the end), or start a new run folder"
            )
        self.network.load_state_dict(checkpoint["network"])
        self.average.network.load_state_dict(checkpoint["average"])
        self.average.steps = checkpoint["average_steps"]
        self.optimizer.load_state_dict(checkpoint["optimizer"])
        torch.set_rng_state(checkpoint["torch_rng"])
        self.history = [EpochRecord(**record) for record in checkpoint["history"]]


def fit(
    settings: TrainingSettings,
    run_folder: Path,
    *,
    options: FitOptions = FitOptions(),
    on_progress: Callable[[FitProgress], None] | None = None,
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
        Folder for checkpoint.pt, history.csv and settings.json.
    options : FitOptions
        Resumption, device and threads.
    on_progress : callable, optional
        Called after every optimizer step.

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
    torch.set_num_threads(options.threads)
    sources = open_sources(settings)
    if not options.resume and (run_folder / CHECKPOINT_NAME).exists():
        raise InputError(f"{run_folder}: holds a run already; resume it with --resume, or name another folder")
    run = _Run(settings, options.device)
    if options.resume:
        run.load(run_folder)
    run_folder.mkdir(parents=True, exist_ok=True)
    content = settings.model_dump_json(indent=2).encode()
    write_atomically(run_folder / SETTINGS_NAME, lambda file: file.write(content))
    augmenter = Augmenter()
    for epoch in range(len(run.history), min(settings.epochs, options.stop_after_epochs or settings.epochs)):
        run.history.append(_train_epoch(run, sources, augmenter, epoch, on_progress))
        run.save(run_folder)
    return tuple(run.history)


def _train_epoch(
    run: _Run,
    sources: dict[str, Source],
    augmenter: Augmenter,
    epoch: int,
    on_progress: Callable[[FitProgress], None] | None,
) -> EpochRecord:
    settings = run.settings
    _, stage, epoch_of_stage = settings.locate(epoch)
    if epoch_of_stage == 0:
        run.start_stage()
    run.network.train()
    began, total, crops, rate = time.monotonic(), 0.0, 0, 0.0
    for step in range(stage.steps_per_epoch):
        srgb, labels = draw_batch(sources, stage, augmenter, seed=settings.seed, epoch=epoch, step=step)
        rate = learning_rate_at(
            stage, epoch_of_stage * stage.steps_per_epoch + step, settings.optimizer.warmup_fraction
        )
        loss = _train_step(run, torch.from_numpy(srgb), torch.from_numpy(labels), rate)
        if not math.isfinite(loss):
            raise InputError(f"stage {stage.name}: the loss is {loss}; lower its learning_rate ({stage.learning_rate})")
        total += loss * len(srgb)
        crops += len(srgb)
        if on_progress is not None:
            on_progress(_progress(settings, epoch, step, total / crops))
    return EpochRecord(
        epoch=epoch + 1,
        stage=stage.name,
        learning_rate=rate,
        loss=total / crops,
        seconds=round(time.monotonic() - began, 3),
    )


def _train_step(run: _Run, srgb: Tensor, labels: Tensor, learning_rate: float) -> float:
    optimizer, limits = run.optimizer, run.settings.optimizer
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    pictures = normalize(srgb.to(run.device)).contiguous(memory_format=torch.channels_last)
    logits: Tensor = run.network(pictures)
    loss = segmentation_loss(logits, labels.to(run.device), dice_weight=limits.dice_weight)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(run.network.parameters(), limits.gradient_clip_norm)
    optimizer.step()
    run.average.update(run.network)
    return float(loss.detach())


def _progress(settings: TrainingSettings, epoch: int, step: int, loss: float) -> FitProgress:
    number, stage, epoch_of_stage = settings.locate(epoch)
    before = sum(item.epochs * item.steps_per_epoch for item in settings.stages[:number])
    return FitProgress(
        stage=stage.name,
        steps_done=before + epoch_of_stage * stage.steps_per_epoch + step + 1,
        steps_total=sum(item.epochs * item.steps_per_epoch for item in settings.stages),
        loss=loss,
    )


def learning_rate_at(stage: StageSettings, step: int, warmup_fraction: float) -> float:
    """
    Return the learning rate of a step: up from 1/25, then down to 1/250000 of the highest, as cosines [1]_.

    Parameters
    ----------
    stage : StageSettings
        Stage with its highest learning rate.
    step : int
        Step of the stage, from 0.
    warmup_fraction : float
        Share of the steps in which the rate rises.

    Returns
    -------
    float
        Learning rate.

    References
    ----------
    .. [1] Smith, Topin 2018, arXiv:1708.07120.
       Checked: tests/training/test_fit.py, against torch's OneCycleLR.
    """
    last = stage.epochs * stage.steps_per_epoch - 1
    peak = warmup_fraction * (last + 1) - 1
    low, high, final = stage.learning_rate / 25, stage.learning_rate, stage.learning_rate / 250_000
    if step <= peak:
        start, end, part = low, high, step / peak
    else:
        start, end, part = high, final, (step - peak) / max(last - peak, 1e-9)
    return end + (start - end) * (1 + math.cos(math.pi * min(part, 1.0))) / 2
