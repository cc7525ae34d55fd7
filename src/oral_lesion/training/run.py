"""A run: network, optimizer and history, on whatever devices there are; all that a checkpoint holds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor

from oral_lesion.errors import FormatError, InputError
from oral_lesion.training.checkpoint import (
    BEST_NAME,
    CHECKPOINT_NAME,
    SETTINGS_NAME,
    EpochRecord,
    read_checkpoint,
    write_checkpoint,
    write_history,
)
from oral_lesion.training.loss import loss_of
from oral_lesion.training.network import MovingAverage, build_network, normalize
from oral_lesion.training.settings import TrainingSettings

__all__ = ["FitOptions", "FitProgress", "Part", "TrainingRun", "open_fabric"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """
    How a run is executed; none of this changes what is learnt on one kind of device.

    Parameters
    ----------
    resume : bool
        Go on from the checkpoint of the run folder.
    device : str
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, or ``"auto"`` for a GPU where there is one.
    devices : int
        Number of processes, each with its own GPU or share of the CPU. Under torchrun: its number, which wins.
    threads : int
        Threads of torch in every process on a CPU.
    workers : int
        Processes that draw crops beside each training process; 0 draws them in it.
    stop_after_epochs : int or None
        Stop once the run has this many epochs; it can be resumed later.
    tensorboard : bool
        Write logs for TensorBoard to the run folder.
    progress_picture : bool
        Draw progress.png in the run folder after every epoch.
    """

    resume: bool = False
    device: str = "cpu"
    devices: int = 1
    threads: int = 1
    workers: int = 0
    stop_after_epochs: int | None = None
    tensorboard: bool = False
    progress_picture: bool = False


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """
    What passes through the network at once: a part of the crops of a step.

    Parameters
    ----------
    srgb : Tensor of uint8, shape (crops, crop, crop, 3)
        sRGB.
    labels : Tensor of uint8, shape (crops, crop, crop)
        255 lesion, 0 other, 128 ignore.
    weight : float
        Share of the crops of the step, over all processes.
    """

    srgb: Tensor
    labels: Tensor
    weight: float


def open_fabric(settings: TrainingSettings, options: FitOptions) -> Fabric:
    """
    Start the processes of a run, or join those that torchrun started.

    Parameters
    ----------
    settings : TrainingSettings
        Precision.
    options : FitOptions
        Device and number of processes.

    Returns
    -------
    Fabric
        Launched.

    Raises
    ------
    InputError
        There is no such device.
    """
    kind, _, number = options.device.partition(":")
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "cpu"
    if kind not in ("cpu", "cuda") or (number and not number.isdigit()):
        raise InputError(f"device: expected auto, cpu, cuda or cuda:NUMBER, got {options.device!r}")
    under_torchrun = torch.distributed.is_torchelastic_launched()
    devices = int(os.environ["LOCAL_WORLD_SIZE"]) if under_torchrun else options.devices
    found = torch.cuda.device_count() if kind == "cuda" else devices
    wanted = max(devices, int(number or 0) + 1)
    if found < wanted and kind == "cuda":
        raise InputError(
            f"device {options.device}: expected {wanted} GPUs, found {found}; use --device cpu, or fewer devices"
        )
    fabric = Fabric(
        accelerator=kind,
        devices=[int(number)] if number and kind == "cuda" else devices,
        num_nodes=int(os.environ["WORLD_SIZE"]) // devices if under_torchrun else 1,
        strategy="ddp" if devices > 1 or under_torchrun else "auto",
        precision=_precision(settings, kind),
    )
    fabric.launch()
    return fabric


def _precision(settings: TrainingSettings, kind: str) -> Any:
    """Return Fabric's name of the arithmetic: a CPU gains nothing by fewer bits."""
    if kind == "cpu":
        return "32-true"
    if settings.precision == "auto":
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"
    return settings.precision


class TrainingRun:
    """
    State of a run: everything that a checkpoint holds.

    Parameters
    ----------
    settings : TrainingSettings
        What is trained.
    fabric : Fabric
        Launched; where it is trained.
    """

    def __init__(self, settings: TrainingSettings, fabric: Fabric) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.fabric = fabric
        self.network = build_network(settings.network).to(fabric.device).to(memory_format=torch.channels_last)
        self.average = MovingAverage(self.network, settings.optimizer.ema_decay)
        self.forward = fabric.setup_module(self.network)
        self.history: list[EpochRecord] = []
        self.start_stage()

    def start_stage(self) -> None:
        """Forget the optimizer's moments: a stage begins with another learning rate and other pictures."""
        matrices = [tensor for tensor in self.network.parameters() if tensor.ndim > 1]
        others = [tensor for tensor in self.network.parameters() if tensor.ndim <= 1]
        decay = self.settings.optimizer.weight_decay
        self.raw_optimizer = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
        )
        self.optimizer: Any = self.fabric.setup_optimizers(self.raw_optimizer)

    def step(self, parts: Sequence[Part], learning_rate: float) -> float:
        """
        Take one step of the optimizer.

        The gradient is the mean over the crops of all parts of all processes. Dice is taken within a part, as the
        statistics of batch normalization are.

        Parameters
        ----------
        parts : sequence of Part
            The parts of this process; not empty.
        learning_rate : float
            Of this step.

        Returns
        -------
        float
            Loss over all processes.
        """
        settings, world = self.settings.optimizer, self.fabric.world_size
        for group in self.raw_optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.fabric.device)
        for number, part in enumerate(parts, start=1):
            with self.fabric.no_backward_sync(self.forward, enabled=world > 1 and number < len(parts)):
                pictures = normalize(part.srgb.to(self.fabric.device)).contiguous(memory_format=torch.channels_last)
                logits: Tensor = self.forward(pictures)
                loss = part.weight * loss_of(logits, part.labels.to(self.fabric.device), settings)
                # Processes' gradients are averaged; they are to be summed.
                self.fabric.backward(world * loss)
                total += loss.detach()
        self.fabric.clip_gradients(
            self.forward, self.optimizer, max_norm=settings.gradient_clip_norm, error_if_nonfinite=False
        )
        self.optimizer.step()
        self.average.update(self.network)
        return float(cast(Tensor, self.fabric.all_reduce(total, reduce_op="sum")))

    def equalize_statistics(self) -> None:
        """Give all processes the batch statistics of the first; their weights are equal already."""
        if self.fabric.world_size == 1:
            return
        for buffer in [*self.network.buffers(), *self.average.network.buffers()]:
            torch.distributed.broadcast(buffer, src=0)

    def save(self, run_folder: Path) -> None:
        """
        Write checkpoint and history, in the first process alone.

        Parameters
        ----------
        run_folder : Path
            Folder of the run.
        """
        if not self.fabric.is_global_zero:
            return
        scaler = self.fabric.strategy.precision.state_dict()
        write_checkpoint(
            run_folder,
            {
                **self._weights(),
                "network": self.network.state_dict(),
                "optimizer": self.raw_optimizer.state_dict(),
                "torch_rng": torch.get_rng_state(),
                **({"scaler": scaler} if scaler else {}),
            },
        )
        write_history(run_folder, self.history)

    def save_best(self, run_folder: Path) -> None:
        """
        Write the averaged weights as the best so far, in the first process alone.

        Parameters
        ----------
        run_folder : Path
            Folder of the run.
        """
        if self.fabric.is_global_zero:
            write_checkpoint(run_folder, self._weights(), name=BEST_NAME)

    def _weights(self) -> dict[str, Any]:
        return {
            "settings_sha256": self.settings.sha256,
            "average": self.average.network.state_dict(),
            "average_steps": self.average.steps,
            "history": [asdict(record) for record in self.history],
        }

    def load(self, run_folder: Path) -> None:
        """
        Take up the state of a checkpoint of the same settings.

        Parameters
        ----------
        run_folder : Path
            Folder of the run.

        Raises
        ------
        FormatError
            The checkpoint cannot be read, belongs to other settings, or holds averaged weights alone.
        """
        checkpoint = read_checkpoint(run_folder)
        if not self.settings.continues(str(checkpoint.get("settings_sha256"))):
            raise FormatError(
                f"{run_folder / CHECKPOINT_NAME}: made with other settings; expected the training "
                f"file (and overrides) in {SETTINGS_NAME} beside it; use those "
                "(stages may be added at the end), or start a new run folder"
            )
        if "optimizer" not in checkpoint:
            raise FormatError(
                f"{run_folder / CHECKPOINT_NAME}: holds averaged weights alone and cannot be resumed; "
                "resume one of the runs that it was made of"
            )
        self.network.load_state_dict(checkpoint["network"])
        self.average.network.load_state_dict(checkpoint["average"])
        self.average.steps = checkpoint["average_steps"]
        self.raw_optimizer.load_state_dict(checkpoint["optimizer"])
        if "scaler" in checkpoint:
            self.fabric.strategy.precision.load_state_dict(checkpoint["scaler"])
        torch.set_rng_state(checkpoint["torch_rng"])
        self.history = [EpochRecord(**record) for record in checkpoint["history"]]
