"""The command `oral-lesion`: names and options of the commands; each loads what it needs when it runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from oral_lesion.cli import (
    audit,
    card,
    check,
    compare,
    data,
    evaluate,
    export,
    lock,
    phantom,
    repeatability,
    replay,
    score,
    segment,
    standardize,
    study,
    train,
)

__all__ = ["app", "main"]

app = typer.Typer(
    name="oral-lesion",
    help="Area of oral erosions in mm², with its uncertainty, from photographs with a colour card.",
    epilog="Exit codes: 0 scored · 1 failed · 2 wrong usage · 3 finished, some photos refused.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: rich would double the time it takes to appear
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("score", short_help="Score a visit folder: areas in mm², or why not.")(score.score)
app.command("study", short_help="Score all visits of a study; compute its endpoints.")(study.study)
app.command("compare", short_help="By how much erosions changed between two visits.")(compare.compare)
app.command("repeatability", short_help="How far repeated photos agree.")(repeatability.repeatability)
app.command("lock", short_help="Freeze a study's protocol, model and versions.")(lock.lock)
app.command("replay", short_help="Score again; compare with the stored rows.")(replay.replay)
app.add_typer(audit.app, name="audit", short_help="Who scored what, when, why; verify the log.")
app.command("check", short_help="Is a photo usable? At once, with how to retake it.")(check.check)
app.command("segment", short_help="Masks for pictures without a card.")(segment.segment)
app.command("standardize", short_help="Photos in standard colour and scale.")(standardize.standardize)
app.add_typer(card.app, name="card", short_help="Print the open card; take in its measured colours.")
app.command("phantom", short_help="Render photos of known area.")(phantom.phantom)
app.add_typer(data.app, name="data", short_help="Take in labelled pictures; check a data set.")
app.command("train", short_help="Train a network.")(train.train)
app.command("evaluate", short_help="Judge a model on labelled pictures.")(evaluate.evaluate)
app.command("export", short_help="Export a trained network as a bundle.")(export.export)


def _print_version(asked: bool) -> None:
    if asked:
        from oral_lesion._version import __version__

        typer.echo(f"oral-lesion {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; errors of ours become one plain message and exit code 1."""
    from oral_lesion.errors import OralLesionError

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        app()
    except OralLesionError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("Stopped. What was not complete is not in the output folder.", err=True)
        sys.exit(1)
