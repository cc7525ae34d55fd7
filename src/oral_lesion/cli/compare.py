"""`oral-lesion compare`: two scored visits, or two photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oral_lesion.cli.audit import (
    AuditOption,
    AuditOptions,
    LockedOption,
    OperatorOption,
    ReasonOption,
    SupersedeOption,
)
from oral_lesion.cli.score import SegmenterChoice, sources_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from oral_lesion.io.audit import AuditedRun
    from oral_lesion.io.batch import SegmenterSource
    from oral_lesion.io.study_protocol import StudyProtocol

__all__ = ["compare"]


def compare(
    baseline: Annotated[
        Path, typer.Argument(help="Results folder of `oral-lesion score`, or a photo.", show_default=False)
    ],
    follow_up: Annotated[Path, typer.Argument(help="The later one, of the same kind.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--out", help="Results folder.")] = Path("oral-lesion-change"),
    protocol: Annotated[
        Path | None, typer.Option(help="Protocol file (TOML). [default: the packaged one]", show_default=False)
    ] = None,
    site: Annotated[
        str | None, typer.Option(help="Site of two photos whose names do not tell it.", show_default=False)
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="Model bundle folder, for photos. [default: the packaged one]", show_default=False),
    ] = None,
    card: Annotated[
        str | None, typer.Option(help="Use this card instead of the protocol's.", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier results in OUT.")] = False,
    figures: Annotated[bool, typer.Option("--figures/--no-figures", help="Draw the aligned photos.")] = True,
    segmenter: Annotated[
        SegmenterChoice, typer.Option(help="'truth' takes a phantom's true masks in place of the model.")
    ] = SegmenterChoice.MODEL,
    locked: LockedOption = None,
    supersede: SupersedeOption = False,
    operator: OperatorOption = None,
    reason: ReasonOption = "",
    audit: AuditOption = None,
) -> None:
    """
    Say by how much erosions changed between two visits, and what became of each lesion.

    Example: oral-lesion compare scores/S-001/week-00 scores/S-001/week-04 -o change
    """
    from oral_lesion.adapters.html import REPORT_FILE, write_change_page
    from oral_lesion.cli.changes_shown import print_changes
    from oral_lesion.io.audit import audited
    from oral_lesion.io.compare_visits import compare_photos, compare_scored_visits
    from oral_lesion.io.settings import load_study_protocol

    options = AuditOptions(operator=operator, reason=reason, log=audit, locked=locked, supersede=supersede)
    options.require_no_contradiction(overwrite=overwrite)
    kinds = [path.is_dir() for path in (baseline, follow_up)]
    if kinds[0] != kinds[1]:
        raise typer.BadParameter("BASELINE and FOLLOW_UP: expected two scored visits or two photos, got one of each")
    if missing := [str(path) for path in (baseline, follow_up) if not path.exists()]:
        raise typer.BadParameter(f"BASELINE and FOLLOW_UP: expected files or folders, but there is no {missing[0]}")
    if kinds[0] and site is not None:
        raise typer.BadParameter("--site is for two photos; scored visits tell their sites")
    loaded = load_study_protocol(protocol, card=card)
    # Scores that are there need no model, but a lock is held against it.
    choice = SegmenterChoice.TRUTH if kinds[0] and locked is None else segmenter
    segmenters_for = sources_of(choice, model, loaded.scoring.standardization.working_mm_per_px)
    drawer = None
    if figures:
        from oral_lesion.adapters.figures import SubjectFigures

        drawer = SubjectFigures()
    run = _run(options, out, (baseline, follow_up), loaded, segmenters_for)
    with audited(run) as entry:
        if kinds[0]:
            compared = compare_scored_visits(
                baseline, follow_up, out, protocol=loaded, overwrite=overwrite, figures=drawer
            )
        else:
            compared = compare_photos(
                baseline,
                follow_up,
                out,
                protocol=loaded,
                segmenters_for=segmenters_for,
                site=site,
                overwrite=overwrite,
                figures=drawer,
            )
        write_change_page(out)
    print_changes(compared.changes)
    for row in compared.lesions:
        if row["visit"] == compared.changes[0]["visit"]:
            area = "" if row["area_mm2"] is None else f", {row['area_mm2']:.1f} mm²"
            other = "" if row["into"] is None else f" ({row['into']})"
            typer.echo(f"{row['lesion']}: {row['state']}{other}{area}")
    typer.echo(f"Results: {out}, to look at: {out / REPORT_FILE}")
    typer.echo(f"Audit log: {run.log}, entry {entry.sequence}")
    raise typer.Exit(0 if all(row["change_mm2"] is not None for row in compared.changes) else 3)


def _run(
    options: AuditOptions,
    out: Path,
    pair: tuple[Path, Path],
    protocol: StudyProtocol,
    segmenters_for: Callable[[Path], SegmenterSource],
) -> AuditedRun:
    from oral_lesion.io.scores_for_audit import hashes_of_scores
    from oral_lesion.io.study_lock import hashes_for_audit
    from oral_lesion.io.visits import identify_photo

    if pair[0].is_dir():
        read = {"baseline": pair[0], "follow_up": pair[1]}
        source = None if options.locked is None else segmenters_for(pair[0])
        hashes = hashes_of_scores(protocol, read, pair, segmenters=source, lock=options.locked)
        return options.run("compare", out, inputs=pair[0], photos=(), hashes=hashes)
    photos = [identify_photo(path).identity.sha256 for path in pair]
    hashes = hashes_for_audit(protocol, segmenters_for(pair[0].parent), lock=options.locked)
    return options.run("compare", out, inputs=pair[0], photos=photos, hashes=hashes)
