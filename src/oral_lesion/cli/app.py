"""The command `oral-lesion`: names and options of the commands; each loads what it needs when it runs."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from oral_lesion.cli.lazy import group_of

__all__ = ["COMMANDS", "app", "main"]

_STOPPED = 130  # what typer makes of Ctrl-C; and so do shells

# The command NAME is the module oral_lesion.cli.NAME: its `app`, or else its function NAME.
COMMANDS = {
    "At a site": {
        "check": "Is a photo usable? At once, with how to retake it.",
        "score": "Score a visit folder: areas in mm², or why not.",
        "compare": "By how much erosions changed between two visits.",
        "report": "The pages to look at, made again; or blinded.",
        "standardize": "Photos in standard colour and scale.",
        "card": "Print the open card; take in its measured colours.",
        "doctor": "Is this installation whole? With a self test.",
    },
    "In the core lab": {
        "study": "Score all visits of a study; compute its endpoints.",
        "repeatability": "How far repeated photos agree.",
        "worklist": "Pictures for readers who are not to know whose they are.",
        "review": "What readers corrected, and how far they agree.",
        "protocol": "Write the packaged protocol, to begin your own.",
        "lock": "Freeze a study's protocol, model and versions.",
        "replay": "Score again; compare with the stored rows.",
        "audit": "Who scored what, when, why; verify the log.",
    },
    "In research": {
        "phantom": "Render photos of known area.",
        "segment": "Masks for pictures without a card.",
        "data": "Take in labelled pictures; check a data set.",
        "train": "Train a network.",
        "evaluate": "Judge a model on labelled pictures.",
        "export": "Export a trained network as a bundle.",
    },
}

app = typer.Typer(
    name="oral-lesion",
    cls=group_of(COMMANDS),
    help="Area of oral erosions in mm² ± u, from photographs with a colour card.\n\n"
    "Example: oral-lesion score photos/S-001/week-04",
    epilog="Exit codes: 0 done · 1 failed · 2 wrong usage · 3 finished, some refused.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: rich would double the time it takes to appear
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        from oral_lesion._version import __version__

        typer.echo(f"oral-lesion {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback answers
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    if os.environ.get("ORAL_LESION_HOME", "").strip() and context.invoked_subcommand != "doctor":
        from oral_lesion.io.resources import home_folder

        home = home_folder()
        typer.echo(home.summary() if home else "", err=True)


def main() -> None:
    """Run the command line; errors of ours become one plain message and exit code 1."""
    from oral_lesion.errors import OralLesionError

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        app(prog_name="oral-lesion")
    except OralLesionError as error:
        _say_error(str(error))
        sys.exit(1)
    except OSError as error:
        _say_error(f"{error.filename or 'The system'}: {error.strerror or error}. Check name, disk and rights.")
        sys.exit(1)
    except SystemExit as end:
        if end.code == _STOPPED:
            typer.echo("Stopped before the end. Go on with --resume where the command has it, or run again.", err=True)
        raise


def _say_error(message: str) -> None:
    """Print a message; control characters, as a file's name may have them, do not reach the terminal."""
    from oral_lesion.io.naming import printable

    head, *rest = message.split("\n")
    typer.echo("\n".join([f"Error: {printable(head)}", *(f"  {printable(line)}" for line in rest)]), err=True)
