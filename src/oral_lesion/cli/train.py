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
    from oral_lesion.training.fit import FitProgress

__all__ = ["require_training_extra", "train"]

_EXTRA = ("torch", "segmentation_models_pytorch", "albumentations", "onnx", "onnxscript")


def train(
    config: Annotated[Path, typer.Argument(help="Training file (TOML), such as configs/train/oral-erosion.toml.")],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Run folder. [default: runs/NAME here]", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run folder's last whole epoch.")] = False,
    override: Annotated[
        list[str] | None,
        typer.Option("--override", help="key=value in place of the file's, such as seed=7.", show_default=False),
    ] = None,
    device: Annotated[str, typer.Option(help="Where torch computes: cpu, cuda, …")] = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="Threads of torch on the CPU.")] = 1,
) -> None:
    """
    Train a network as a training file says; interrupt it at will and go on with --resume.

    Example: oral-lesion train configs/train/oral-erosion.toml -o runs/first --override stages.1.epochs=10
    """
    require_training_extra("train")
    from oral_lesion.training.fit import FitOptions, fit
    from oral_lesion.training.settings import load_training_settings, parse_overrides

    settings = load_training_settings(config, parse_overrides(override or []))
    run_folder = out or Path("runs") / settings.name
    options = FitOptions(resume=resume, device=device, threads=threads)
    with _step_progress() as advance:
        history = fit(settings, run_folder, options=options, on_progress=advance)
    last = history[-1]
    typer.echo(f"{last.epoch} epochs, last loss {last.loss:.4f}. Run: {run_folder}")
    typer.echo(f"Next: oral-lesion export {run_folder} -o models/{settings.name}")


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


@contextmanager
def _step_progress() -> Iterator[Callable[[FitProgress], None]]:
    """Show a progress bar on standard error; a line per hundredth of the run where that is not a terminal."""
    if not sys.stderr.isatty():
        yield _echo_hundredths
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("Training", total=None)

        def advance(done: FitProgress) -> None:
            text = f"Training: {done.stage}, loss {done.loss:.3f}"
            progress.update(task, completed=done.steps_done, total=done.steps_total, description=text)

        yield advance


def _echo_hundredths(done: FitProgress) -> None:
    if done.steps_done * 100 // done.steps_total > (done.steps_done - 1) * 100 // done.steps_total:
        typer.echo(f"{done.steps_done}/{done.steps_total} {done.stage}, loss {done.loss:.4f}", err=True)
