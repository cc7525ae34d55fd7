"""`oral-lesion protocol`: the packaged protocol as a file, to begin one's own with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["protocol"]


def protocol(
    out: Annotated[Path, typer.Option("-o", "--out", dir_okay=False, help="Protocol file to write.")] = Path(
        "protocol.toml"
    ),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """
    Write the packaged protocol, with a word on each setting, to begin a trial's own.

    Example: oral-lesion protocol -o protocol.toml
    """
    from oral_lesion.io.one_by_one import require_folder, require_free_file, write_bytes
    from oral_lesion.io.resources import packaged_protocol_path

    require_folder(out.parent)
    require_free_file(out, overwrite=overwrite)
    write_bytes(out, packaged_protocol_path().read_bytes())
    typer.echo(f"{out}: the packaged protocol. Its visits, sites and limits are examples: make them your trial's.")
