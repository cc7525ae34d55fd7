"""`oral-lesion worklist`: pictures for readers who are not to know whose they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oral_lesion.cli.audit import AuditOption, OperatorOption, ReasonOption

if TYPE_CHECKING:
    from oral_lesion.io.review.worklist import WorklistPlan

__all__ = ["app"]

app = typer.Typer(
    help="Blinded worklists: pictures under random ids, and a key that lies elsewhere.\n\n"
    "Example: oral-lesion worklist make results --readers 2 -o worklist",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_Results = Annotated[Path, typer.Argument(help="Results of `oral-lesion study`.", show_default=False)]
_Out = Annotated[Path, typer.Option("-o", "--out", help="Worklist folder to make.", show_default=False)]
_Seed = Annotated[int | None, typer.Option(min=0, help="Of ids, order and shifts. [default: drawn, told by the key]")]
_Key = Annotated[Path | None, typer.Option(help="File for the key. [default: OUT-key.json beside OUT]")]
_Outlines = Annotated[bool, typer.Option("--outlines/--no-outlines", help="Give the model's outlines to start from.")]


@app.command("make", short_help="Pictures of a study for one reader or several.")
def make(
    results: _Results,
    out: _Out,
    readers: Annotated[int, typer.Option(min=1, max=2, help="Readers; each sees all pictures.")] = 2,
    seed: _Seed = None,
    key: _Key = None,
    select: Annotated[
        Path | None, typer.Option(help="CSV of subject, visit, site, photo_id: only these. [default: all scored]")
    ] = None,
    repeat_percent: Annotated[float, typer.Option(min=0, max=100, help="Pictures that each reader sees twice.")] = 0,
    outlines: _Outlines = True,
    operator: OperatorOption = None,
    reason: ReasonOption = "",
    audit: AuditOption = None,
) -> None:
    """
    Make a folder a reader: pictures under random ids in an order of their own, without subject, visit, site or date.

    Example: oral-lesion worklist make results --readers 2 --seed 20260301 -o worklist
    """
    from oral_lesion.io.review.photos import find_review_photos
    from oral_lesion.io.review.worklist import plan_worklist

    plan = plan_worklist(
        find_review_photos(results, select),
        parts=[f"reader-{number}" for number in range(1, readers + 1)],
        seed=seed,
        repeat_percent=repeat_percent,
        outlines=outlines,
    )
    _write("worklist-make", plan, results, (out, key), {"operator": operator, "reason": reason, "log": audit})


@app.command("adjudicate", short_help="Pictures on which two readers differ, for a third one.")
def adjudicate(
    results: _Results,
    out: _Out,
    seed: _Seed = None,
    key: _Key = None,
    protocol: Annotated[
        Path | None, typer.Option(help="With [review], where the study's has none.", show_default=False)
    ] = None,
    outlines: _Outlines = True,
    operator: OperatorOption = None,
    reason: ReasonOption = "",
    audit: AuditOption = None,
) -> None:
    """
    Make a blinded worklist of the photos that are to be adjudicated; import it as any other.

    Example: oral-lesion worklist adjudicate results -o adjudication
    """
    from oral_lesion.cli.limits import limits_of_study
    from oral_lesion.io.review.agreement import review_reads
    from oral_lesion.io.review.key import ADJUDICATOR
    from oral_lesion.io.review.worklist import plan_worklist

    found = review_reads(results, limits_of_study(results, protocol))
    if not found.open_photos:
        typer.echo("No photo is to be adjudicated.")
        raise typer.Exit
    plan = plan_worklist(
        [one.photo for one in found.open_photos], parts=[ADJUDICATOR], seed=seed, outlines=outlines, purpose=ADJUDICATOR
    )
    _write("worklist-adjudicate", plan, results, (out, key), {"operator": operator, "reason": reason, "log": audit})


def _write(
    command: str, plan: WorklistPlan, results: Path, places: tuple[Path, Path | None], who: dict[str, Any]
) -> None:
    from oral_lesion.cli.scores_shown import photo_progress
    from oral_lesion.io.audit import AuditedRun, audited, find_log
    from oral_lesion.io.review.worklist import default_key_path, make_worklist

    out = places[0]
    key_path = places[1] or default_key_path(out)
    hashes = {
        "worklist_id": plan.blinding.worklist_id,
        "photos_sha256": plan.photos_sha256,
        "photos": len(plan.photos),
        "readers": list(plan.parts),
    }
    who["log"] = find_log(results, who["log"])
    with (
        audited(AuditedRun(command=command, results=out, hashes=hashes, **who)),
        photo_progress(shown=True, title="Pictures") as advance,
    ):
        written = make_worklist(plan, out, key=key_path, results=results, on_picture=advance)
    height, width = written.canvas_shape
    typer.echo(
        f"{len(plan.photos)} photos, {len(written.readings)} pictures of {width}×{height} px for "
        f"{', '.join(plan.parts)}: {out}"
    )
    typer.echo(f"Key: {key_path}. Keep it away from the readers, and give each of them their folder alone.")
