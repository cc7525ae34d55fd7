"""`oral-lesion score`: score the photos of one visit."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
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
from oral_lesion.io.texts import Language

if TYPE_CHECKING:
    from oral_lesion.io.batch import SegmenterSource, VisitScores

__all__ = ["SegmenterChoice", "score", "sources_of"]


class SegmenterChoice(StrEnum):
    """What says where the erosions are."""

    MODEL = "model"
    TRUTH = "truth"


def score(
    visit: Annotated[Path, typer.Argument(help="Folder of one visit's photos, SUBJECT/VISIT.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Results folder. [default: oral-lesion-scores/SUBJECT/VISIT here]"),
    ] = None,
    protocol: Annotated[
        Path | None, typer.Option(help="Protocol file (TOML). [default: the packaged one]", show_default=False)
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Model bundle folder. [default: the packaged one]", show_default=False)
    ] = None,
    card: Annotated[
        str | None, typer.Option(help="Use this card instead of the protocol's.", show_default=False)
    ] = None,
    jobs: Annotated[int, typer.Option("-j", "--jobs", min=1, help="Photos scored at the same time.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier results in OUT.")] = False,
    segmenter: Annotated[
        SegmenterChoice, typer.Option(help="'truth' takes a phantom's true masks in place of the model.")
    ] = SegmenterChoice.MODEL,
    language: Annotated[
        Language, typer.Option(help="Of the notes on the terminal and in the report.")
    ] = Language.ENGLISH,
    json: Annotated[bool, typer.Option("--json", help="Print run.json instead of the table.")] = False,
    locked: LockedOption = None,
    supersede: SupersedeOption = False,
    operator: OperatorOption = None,
    reason: ReasonOption = "",
    audit: AuditOption = None,
) -> None:
    """
    Score a visit folder: erosion area in mm² per photo, or why not and how to retake it; report.html shows it.

    Example: oral-lesion score study/S-001/week-04 -o scores/S-001/week-04
    """
    from oral_lesion.adapters.html import REPORT_FILE, write_visit_page
    from oral_lesion.cli.scores_shown import photo_progress, print_scores
    from oral_lesion.io.audit import audited
    from oral_lesion.io.batch import score_found
    from oral_lesion.io.settings import load_study_protocol
    from oral_lesion.io.study_lock import hashes_for_audit
    from oral_lesion.io.visits import find_photos

    options = AuditOptions(operator=operator, reason=reason, log=audit, locked=locked, supersede=supersede)
    options.require_no_contradiction(overwrite=overwrite)
    loaded = load_study_protocol(protocol, card=card)
    source = sources_of(segmenter, model, loaded.scoring.standardization.working_mm_per_px)(visit)
    results = out or Path("oral-lesion-scores") / visit.resolve().parent.name / visit.resolve().name
    found = find_photos(visit)
    run = options.run(
        "score",
        results,
        inputs=visit,
        photos=[entry.identity.sha256 for entry in found],
        hashes=hashes_for_audit(loaded, source, lock=locked),
    )
    with audited(run) as entry, photo_progress(shown=not json) as advance:
        scores = score_found(
            found,
            results,
            protocol=loaded.scoring,
            segmenters=source,
            jobs=jobs,
            overwrite=overwrite,
            on_outcome=advance,
            write_page=lambda folder: write_visit_page(folder, language),
        )
    if json:
        typer.echo((results / "run.json").read_text(encoding="utf-8"), nl=False)
    else:
        print_scores(scores, results, language)
        typer.echo(f"To look at: {results / REPORT_FILE}")
        typer.echo(f"Audit log: {run.log}, entry {entry.sequence}")
    raise typer.Exit(_exit_code(scores))


def sources_of(
    choice: SegmenterChoice, model: Path | None, working_mm_per_px: float
) -> Callable[[Path], SegmenterSource]:
    """
    Return what gives the segmenters of a visit's folder.

    Parameters
    ----------
    choice : SegmenterChoice
        Model or true masks.
    model : Path or None
        Bundle; None takes the packaged one.
    working_mm_per_px : float
        The protocol's.

    Returns
    -------
    callable
        Takes the folder of a visit's photos.
    """
    from oral_lesion.io.batch import BundleSegmenters
    from oral_lesion.io.resources import bundle_path
    from oral_lesion.phantom.truth_segmenters import TruthSegmenters

    if choice is SegmenterChoice.TRUTH:
        return lambda visit: TruthSegmenters.of_visit(visit, working_mm_per_px)
    source = BundleSegmenters.of(bundle_path(model))
    return lambda _visit: source


def _exit_code(scores: VisitScores) -> int:
    return 0 if all(outcome.scored for outcome in scores.outcomes) else 3
