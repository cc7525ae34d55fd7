"""`oral-lesion lock`: freeze protocol, model and versions before a study is scored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oral_lesion.cli.audit import AuditOption, OperatorOption, ReasonOption

__all__ = ["lock"]


def lock(
    protocol: Annotated[Path, typer.Argument(help="Protocol file (TOML).", show_default=False)],
    model: Annotated[
        Path | None, typer.Option(help="Model bundle folder. [default: the packaged one]", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Lock file to write; never replaced.")] = Path("study.lock"),
    card: Annotated[
        str | None, typer.Option(help="Use this card instead of the protocol's.", show_default=False)
    ] = None,
    operator: OperatorOption = None,
    reason: ReasonOption = "",
    audit: AuditOption = None,
) -> None:
    """
    Freeze protocol, card, limits, model and package versions; `score --locked` then takes nothing else.

    Example: oral-lesion lock protocol.toml --model models/my-erosion -o study.lock
    """
    from oral_lesion.io.audit import AuditedRun, audited
    from oral_lesion.io.resources import bundle_path
    from oral_lesion.io.settings import load_study_protocol
    from oral_lesion.io.study_lock import lock_study, write_lock

    frozen = lock_study(load_study_protocol(protocol, card=card), bundle_path(model))
    hashes = {
        "protocol_sha256": frozen.contents["protocol"]["sha256"],
        "model_sha256": frozen.contents["model"]["sha256"],
        "lock_sha256": frozen.sha256,
    }
    run = AuditedRun(command="lock", results=out, operator=operator, reason=reason, log=audit, hashes=hashes)
    with audited(run):
        write_lock(out, frozen)
    typer.echo(f"{out}: locked, SHA-256 {frozen.sha256}")
