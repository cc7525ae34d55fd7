"""`oral-lesion repeatability`: how far repeated photos of one site agree."""

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

__all__ = ["repeatability"]

_FEW_SUBJECTS = 35


def repeatability(
    study: Annotated[
        Path,
        typer.Argument(help="Results of `oral-lesion study`, or photos STUDY/SUBJECT/VISIT.", show_default=False),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Results folder.")] = Path("oral-lesion-repeatability"),
    protocol: Annotated[
        Path | None, typer.Option(help="Protocol file (TOML). [default: the packaged one]", show_default=False)
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="Model bundle folder, for photos. [default: the packaged one]", show_default=False),
    ] = None,
    card: Annotated[
        str | None, typer.Option(help="Use this card instead of the protocol's.", show_default=False)
    ] = None,
    jobs: Annotated[int, typer.Option("-j", "--jobs", min=1, help="Photos scored at the same time.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier results in OUT.")] = False,
    figures: Annotated[bool, typer.Option("--figures/--no-figures", help="Draw the Bland-Altman plot.")] = True,
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
    From replicate photos: within-set SD and CV, repeatability coefficient, ICC(2,1), and the profile for the protocol.

    Replicates are photos of one site at one visit, such as buccal-left-1.jpg and buccal-left-2.jpg.

    Example: oral-lesion repeatability results -o repeatability
    """
    from oral_lesion.cli.scores_shown import photo_progress
    from oral_lesion.io.audit import audited
    from oral_lesion.io.repeatability import PROFILE_FILE, is_study_results, run_repeatability
    from oral_lesion.io.settings import load_study_protocol

    options = AuditOptions(operator=operator, reason=reason, log=audit, locked=locked, supersede=supersede)
    options.require_no_contradiction(overwrite=overwrite)
    loaded = load_study_protocol(protocol, card=card)
    drawer = None
    if figures:
        from oral_lesion.adapters.figures import SubjectFigures

        drawer = SubjectFigures()
    # Scores that are there need no model, but a lock is held against it.
    choice = SegmenterChoice.TRUTH if locked is None and is_study_results(study) else segmenter
    segmenters_for = sources_of(choice, model, loaded.scoring.standardization.working_mm_per_px)
    run = _run(options, out, study, loaded, segmenters_for)
    with audited(run) as entry, photo_progress(shown=True, title="Scoring visits") as on_visit:
        result = run_repeatability(
            study,
            out,
            protocol=loaded,
            segmenters_for=segmenters_for,
            jobs=jobs,
            overwrite=overwrite,
            figures=drawer,
            on_visit=on_visit,
        )
    for row in result.measures:
        at = "" if row["area_mm2"] is None else f" at {row['area_mm2']:.1f} mm²"
        unit = "" if row["unit"] == "1" else f" {str(row['unit']).replace('mm2', 'mm²')}"
        typer.echo(f"{row['measure']}{at}: {row['value']:.3g}{unit} [{row['low']:.3g}, {row['high']:.3g}]")
    subjects = len({one.subject_id for one in result.found.sets})
    typer.echo(
        f"{len(result.found.sets)} sets of replicates of {subjects} subjects; {result.found.empty_sets} without "
        f"erosion left out; {result.refused} photos refused."
    )
    if subjects < _FEW_SUBJECTS:
        typer.echo(f"Fewer than {_FEW_SUBJECTS} subjects: the profile is a rehearsal, not an estimate to rely on.")
    typer.echo(f"Results: {out}; for the protocol: {out / PROFILE_FILE}")
    typer.echo(f"Audit log: {run.log}, entry {entry.sequence}")
    raise typer.Exit(3 if result.refused else 0)


def _run(
    options: AuditOptions,
    out: Path,
    study: Path,
    protocol: StudyProtocol,
    segmenters_for: Callable[[Path], SegmenterSource],
) -> AuditedRun:
    from oral_lesion.io.repeatability import is_study_results, scored_visits_of
    from oral_lesion.io.scores_for_audit import hashes_of_scores
    from oral_lesion.io.study_folders import find_study
    from oral_lesion.io.study_lock import hashes_for_audit

    if is_study_results(study):
        source = None if options.locked is None else segmenters_for(study)
        scores = scored_visits_of(study)
        hashes = hashes_of_scores(protocol, {"study": study}, scores, segmenters=source, lock=options.locked)
        return options.run("repeatability", out, inputs=study, photos=(), hashes=hashes)
    visits = find_study(study, [visit.name for visit in protocol.endpoint.visits]).visits
    photos = [entry.identity.sha256 for visit in visits for entry in visit.found]
    hashes = hashes_for_audit(protocol, segmenters_for(visits[0].path), lock=options.locked)
    return options.run("repeatability", out, inputs=study, photos=photos, hashes=hashes)
