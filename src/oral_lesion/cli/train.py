"""`oral-lesion train`: train a segmentation network."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from oral_lesion.training.run import FitOptions, FitProgress
    from oral_lesion.training.settings import TrainingSettings

__all__ = ["require_training_extra", "train"]

_EXTRA = ("torch", "segmentation_models_pytorch", "albumentations", "onnx", "onnxscript", "lightning_fabric")

_Texts = Annotated[list[str] | None, typer.Option("--override", help="key=value, such as seed=7.", show_default=False)]
_Checkpoints = list[Path] | None


def train(
    config: Annotated[Path, typer.Argument(help="Training file (TOML), such as configs/train/oral-erosion.toml.")],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Run folder. [default: runs/NAME here]", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run folder's last whole epoch.")] = False,
    override: _Texts = None,
    preview: Annotated[
        Path | None, typer.Option(help="Only draw a sheet of crops to this PNG.", show_default=False)
    ] = None,
    folds: Annotated[
        int | None, typer.Option(min=2, help="Cross-validate: a run for each of so many folds.", show_default=False)
    ] = None,
    fold: Annotated[
        int | None, typer.Option(min=1, help="With --folds: train this one alone.", show_default=False)
    ] = None,
    average: Annotated[
        _Checkpoints, typer.Option(help="Only average the weights of these checkpoints.", show_default=False)
    ] = None,
    ensemble: Annotated[
        _Checkpoints, typer.Option(help="Only join these checkpoints to an ensemble.", show_default=False)
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:NUMBER.")] = "auto",
    devices: Annotated[int, typer.Option(min=1, help="Number of GPUs, or of processes on a CPU.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Threads of torch on the CPU.")] = 1,
    workers: Annotated[int, typer.Option(min=0, help="Processes that draw crops; for a GPU 8 or so.")] = 0,
    tensorboard: Annotated[bool, typer.Option(help="Write logs for TensorBoard.")] = True,
) -> None:
    """
    Train a network as a training file says; interrupt it at will and go on with --resume.

    Example: oral-lesion train configs/train/oral-erosion.toml -o runs/first --override stages.1.epochs=10
    """
    require_training_extra("train")
    _require_one_task(preview=preview, folds=folds, fold=fold, average=average, ensemble=ensemble)
    from oral_lesion.training.run import FitOptions
    from oral_lesion.training.settings import load_training_settings, parse_overrides

    settings = load_training_settings(config, parse_overrides(override or []))
    run_folder = out or Path("runs") / settings.name
    if preview is not None:
        _draw_sheet(settings, preview)
    elif average or ensemble:
        _join(settings, average or ensemble or [], run_folder, as_ensemble=bool(ensemble))
    else:
        options = FitOptions(
            resume=resume, device=device, devices=devices, threads=threads, workers=workers,
            tensorboard=tensorboard, progress_picture=True,
        )  # fmt: skip
        try:
            _fit(settings, run_folder, options, folds=folds, fold=fold)
        except KeyboardInterrupt:
            typer.echo(f"Stopped. Go on after the last whole epoch of {run_folder} with --resume.", err=True)
            raise typer.Exit(1) from None


def require_training_extra(command: str) -> None:
    """
    Make sure that the packages of the extra ``train`` are installed.

    Parameters
    ----------
    command : str
        Command that needs them, for the message.

    Raises
    ------
    OralLesionError
        Some are missing; the message says how to install them.
    """
    from oral_lesion.errors import OralLesionError

    missing = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise OralLesionError(
            f"oral-lesion {command} needs {', '.join(missing)}; install with: pip install 'oral-lesion[train]'"
        )


def _require_one_task(**tasks: object) -> None:
    from oral_lesion.errors import InputError

    if tasks["fold"] and not tasks.pop("folds"):
        raise InputError("--fold: expected --folds with it, the number of folds; give both")
    tasks.pop("fold", None)
    given = [f"--{name}" for name, value in tasks.items() if value]
    if len(given) > 1:
        raise InputError(f"{' and '.join(given)} are different tasks; give one of them")


def _fit(
    settings: TrainingSettings, run_folder: Path, options: FitOptions, *, folds: int | None, fold: int | None
) -> None:
    from oral_lesion.training.fit import fit
    from oral_lesion.training.folds import cross_validate, settings_of_fold
    from oral_lesion.training.run import open_fabric

    fabric = open_fabric(settings, options)
    with _step_progress(fabric) as advance:
        if folds is not None:
            dealt = settings_of_fold(settings, folds=folds, fold=fold or 1)
            table = cross_validate(dealt, run_folder, fold=fold, options=options, on_progress=advance, fabric=fabric)
            words = [f"Judged pictures of all folds that are there: {table}"]
        else:
            last = fit(settings, run_folder, options=options, on_progress=advance, fabric=fabric)[-1]
            dice = "" if last.validation_dice is None else f", validation Dice {last.validation_dice:.3f}"
            words = [
                f"{last.epoch} epochs, last loss {last.loss:.4f}{dice}. Run: {run_folder}",
                f"Next: oral-lesion export {run_folder} -o models/{settings.name}",
            ]
    if fabric.is_global_zero:
        typer.echo("\n".join(words))


def _draw_sheet(settings: TrainingSettings, path: Path) -> None:
    from oral_lesion.training.augment import SIMULATIONS
    from oral_lesion.training.preview import draw_preview

    count = draw_preview(settings, path)
    typer.echo(f"{count} crops: {path}. What is simulated:")
    for name, sentence in SIMULATIONS.items():
        typer.echo(f"  {name}: {sentence}")


def _join(settings: TrainingSettings, checkpoints: list[Path], run_folder: Path, *, as_ensemble: bool) -> None:
    from oral_lesion.training.join import join_runs

    join_runs(settings, checkpoints, run_folder, as_ensemble=as_ensemble)
    how = "an ensemble of" if as_ensemble else "the mean weights of"
    typer.echo(f"{run_folder}: {how} {len(checkpoints)} checkpoints")
    typer.echo(f"Next: oral-lesion export {run_folder} -o models/{settings.name}")


@contextmanager
def _step_progress(fabric: Fabric) -> Iterator[Callable[[FitProgress], None]]:
    """Show a progress bar on standard error; a line per hundredth of the run where that is not a terminal."""
    if not sys.stderr.isatty() or not fabric.is_global_zero:
        yield _echo_hundredths
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("left:"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("Training", total=None)

        def advance(done: FitProgress) -> None:
            text = f"Training: {done.stage}, loss {done.loss:.3f}"
            progress.update(task, completed=done.steps_done, total=done.steps_total, description=text)

        yield advance


def _echo_hundredths(done: FitProgress) -> None:
    if done.steps_done * 100 // done.steps_total > (done.steps_done - 1) * 100 // done.steps_total:
        typer.echo(f"{done.steps_done}/{done.steps_total} {done.stage}, loss {done.loss:.4f}", err=True)
