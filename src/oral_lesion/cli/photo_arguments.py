"""Files that are named on the command line: a name that is none is wrong usage, not a photo to retake."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import typer

__all__ = ["require_files"]


def require_files(paths: Iterable[Path]) -> None:
    """
    Refuse names of folders, and of files that are not there.

    Parameters
    ----------
    paths : iterable of Path
        As typed.

    Raises
    ------
    typer.BadParameter
        With exit code 2; the first name that is wrong, and what to type.
    """
    for path in paths:
        if path.is_dir():
            raise typer.BadParameter(f"{path} is a folder; name the photos in it, such as {path / '*.jpg'}")
        if not path.exists():
            raise typer.BadParameter(f"there is no file {path}; check the name, and the folder that you are in")
