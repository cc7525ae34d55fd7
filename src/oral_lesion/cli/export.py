"""`oral-lesion export`: make a model bundle of a training run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["export"]


def export(
    run: Annotated[Path, typer.Argument(help="Run folder of `oral-lesion train`.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Model directory to write, such as models/NAME.")],
    version: Annotated[str, typer.Option(help="Version of the model.")] = "0.1.0",
    threshold: Annotated[float, typer.Option(min=0.01, max=0.99, help="Recommended threshold.")] = 0.5,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model that is there.")] = False,
) -> None:
    """
    Export a run as ONNX with metadata, card and hashes, once it agrees with the network.

    Example: oral-lesion export runs/first -o models/my-erosion
    """
    from oral_lesion.cli.train import require_training_extra

    require_training_extra("export")
    from oral_lesion.training.export import export_run

    bundle = export_run(run, out, version=version, threshold=threshold, overwrite=overwrite)
    typer.echo(f"{bundle.metadata.name} {bundle.metadata.version}, SHA-256 {bundle.model_sha256[:12]}… → {out}")
