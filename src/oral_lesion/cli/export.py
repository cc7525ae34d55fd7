"""`oral-lesion export`: make a model bundle of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["export"]


def export(
    run: Annotated[Path, typer.Argument(help="Run folder of `oral-lesion train`.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Model directory to write, such as models/NAME.")],
    version: Annotated[str, typer.Option(help="Version of the model.")] = "0.1.0",
    threshold: Annotated[
        float | None,
        typer.Option(min=0.01, max=0.99, help="Recommended threshold. [default: calibrated, else 0.5]"),
    ] = None,
    calibrate: Annotated[
        Path | None,
        typer.Option(help="Folder of labelled pictures (photos.csv, or images/ and masks/) to calibrate on."),
    ] = None,
    calibrate_keep: Annotated[
        list[str] | None, typer.Option(help="column=value: its held-out rows, such as split=val.")
    ] = None,
    domain_keep: Annotated[
        list[str] | None,
        typer.Option(help="column=value: its rows that show what mouths look like, such as split=train."),
    ] = None,
    domain_outside: Annotated[
        Path | None, typer.Option(help="Folder with images/ of other surfaces, such as skin.")
    ] = None,
    domain_check: Annotated[
        list[str] | None, typer.Option(help="words=FOLDER: state on the model card how many of its images are flagged.")
    ] = None,
    mirror: Annotated[bool, typer.Option("--mirror", help="Run every picture mirrored too.")] = False,
    int8: Annotated[
        bool, typer.Option("--int8", help="Add the model in eight-bit integers, if it passes its gate.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model that is there.")] = False,
) -> None:
    """
    Export a run as ONNX with metadata, card and hashes, once it agrees with the network.

    Example: oral-lesion export runs/first -o models/my-erosion --calibrate mouths --calibrate-keep split=val
    """
    from oral_lesion.cli.train import require_training_extra

    require_training_extra("export")
    from oral_lesion.training.calibration_run import CalibrationSettings
    from oral_lesion.training.export import ExportSettings, export_run

    if calibrate is None and (calibrate_keep or domain_keep or domain_outside or domain_check or int8):
        raise typer.BadParameter("these options need the pictures of --calibrate")
    calibration = None
    if calibrate is not None:
        calibration = CalibrationSettings(
            folder=calibrate,
            keep=_named(calibrate_keep, "--calibrate-keep"),
            domain_keep=_named(domain_keep, "--domain-keep"),
            outside=domain_outside,
            checks={words: Path(folder) for words, folder in _named(domain_check, "--domain-check").items()},
        )
    settings = ExportSettings(
        version=version, threshold=threshold, mirror=mirror, int8=int8, calibration=calibration, overwrite=overwrite
    )
    bundle = export_run(run, out, settings)
    typer.echo(f"{bundle.metadata.name} {bundle.metadata.version}, SHA-256 {bundle.model_sha256[:12]}… → {out}")


def _named(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    """Return name=value texts as a mapping."""
    pairs = {}
    for text in texts or ():
        name, separator, value = text.partition("=")
        if not separator or not name or not value:
            raise typer.BadParameter(f"{option}: expected name=value, got {text!r}")
        pairs[name] = value
    return pairs
