"""`oral-lesion evaluate`: judge a model on labelled pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from oral_lesion.evaluation import Evaluation
    from oral_lesion.evaluation.estimates import Estimate

__all__ = ["evaluate"]

_SHOWN = (
    "dice_image_lesion",
    "dice_image_all",
    "dice_pooled",
    "nsd_image_lesion",
    "hd95_median",
    "lesion_f1",
    "area_error_absolute_median",
    "area_icc",
    "ece_suspected",
    "negatives_fired",
)


def evaluate(
    dataset: Annotated[
        Path,
        typer.Argument(
            help="Folder: dataset.toml, photos.csv, images/ and masks/, or images/.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the results.")] = Path("oral-lesion-evaluation"),
    model: Annotated[
        Path | None, typer.Option(help="Model bundle. [default: the packaged one]", show_default=False)
    ] = None,
    compare: Annotated[Path | None, typer.Option(help="Another bundle to subtract.", show_default=False)] = None,
    split: Annotated[str | None, typer.Option(help="This split alone, such as val.", show_default=False)] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(help="column=value: these rows alone. Repeatable.", show_default=False),
    ] = None,
    longer_side: Annotated[
        list[int] | None,
        typer.Option(
            min=32,
            max=8192,
            help="Longer side seen without a scale, px. Repeatable. [default: 384]",
            show_default=False,
        ),
    ] = None,
    smallest_lesion: Annotated[float, typer.Option(min=0, help="In px; without a scale.")] = 30.0,
    smallest_lesion_mm2: Annotated[float, typer.Option(min=0, help="In mm²; with a scale.")] = 1.0,
    resamples: Annotated[int, typer.Option(min=100, help="Of the bootstrap.")] = 2000,
    cases: Annotated[int, typer.Option(min=0, help="Worst and best on the page.")] = 6,
    name: Annotated[str | None, typer.Option(help="Of the data set. [default: its own]", show_default=False)] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Judge the eight-bit model; --compare stays fp32.")] = False,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the model.")] = 1,
    write_card: Annotated[bool, typer.Option("--write-card", help="Put the figures into the bundle.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier results in OUT.")] = False,
) -> None:
    """
    Judge a model on labelled pictures: a table, figures with intervals, a page with the worst and best.

    The page holds small copies of pictures: keep it where the pictures may be.

    Example: oral-lesion evaluate study/labelled --split val --model models/my-erosion -o evaluation
    """
    from dataclasses import replace

    from oral_lesion.cli.scores_shown import photo_progress
    from oral_lesion.evaluation import EvaluationSettings, evaluate_pictures, find_pictures
    from oral_lesion.evaluation.figures import put_into_card
    from oral_lesion.evaluation.output import write_evaluation
    from oral_lesion.io.bundle import load_bundle
    from oral_lesion.io.resources import bundle_path
    from oral_lesion.io.store import OutputFolder

    if write_card and (model is None or int8):
        raise typer.BadParameter("--write-card needs --model, the bundle that is to take the figures, and no --int8")
    settings = EvaluationSettings(
        longer_side_px=tuple(longer_side or (384,)),
        smallest_lesion_px=smallest_lesion,
        smallest_lesion_mm2=smallest_lesion_mm2,
        resamples=resamples,
        cases=cases,
    )
    found = find_pictures(dataset, split=split, keep=_wanted(keep or []))
    pictures = replace(found, name=name or found.name)
    bundle = load_bundle(bundle_path(model))
    segmenter = bundle.open_segmenter(threads, precision="int8" if int8 else "fp32")
    other = None if compare is None else load_bundle(compare).open_segmenter(threads)
    with OutputFolder(out, inputs=dataset, overwrite=overwrite) as results:
        with photo_progress(shown=True, title="Evaluating") as advance:
            evaluation = evaluate_pictures(segmenter, pictures.pictures, settings, other=other, on_picture=advance)
        write_evaluation(results, evaluation, pictures, segmenter)
    _print_figures(evaluation)
    typer.echo(f"Results: {out}")
    if write_card:
        chosen = {"split": split, "keep": keep, "name": name, "longer-side": longer_side}
        put_into_card(bundle, evaluation, name=pictures.name, command=_command(dataset, bundle.path, chosen))
        typer.echo(f"Figures put into {bundle.path / 'metadata.json'} and its model card.")


def _wanted(keep: list[str]) -> dict[str, str]:
    """Return the rows to keep as column and value."""
    pairs = [text.partition("=") for text in keep]
    for (column, sign, _), text in zip(pairs, keep, strict=True):
        if not (column and sign):
            raise typer.BadParameter(f"--keep {text}: expected column=value, such as --keep source=clinic")
    return {column.strip(): value.strip() for column, _, value in pairs}


def _command(dataset: Path, bundle: Path, options: dict[str, str | list[str] | list[int] | None]) -> str:
    """Return the command that gives the figures again; of absolute paths no more than the last folder."""
    import shlex

    folder, model = (path.name if path.is_absolute() else path.as_posix() for path in (dataset, bundle))
    words = ["oral-lesion", "evaluate", folder, "--model", model]
    for option, given in options.items():
        values = given if isinstance(given, list) else [given]
        words += [word for value in values if value is not None for word in (f"--{option}", str(value))]
    return shlex.join(words)


def _print_figures(evaluation: Evaluation) -> None:
    """Print the figures that matter most; all of them are in the files."""
    for place, one in enumerate(evaluation.rounds):
        lesions = sum(count.true_px > 0 for count in one.counts)
        free = sum(count.lesion_free for count in one.counts)
        pictures = f"{len(one.counts)} pictures, {lesions} with a lesion, {free} without"
        typer.echo(f"{one.model.name} {one.model.version}, {one.seen_at}, {pictures}:")
        _print_estimates(one.estimates)
        if evaluation.differences:
            other = evaluation.compared[place].model
            typer.echo(f"minus {other.name} {other.version} ({other.sha256[:12]}…), picture by picture:")
            _print_estimates(evaluation.differences[place])


def _print_estimates(estimates: Sequence[Estimate]) -> None:
    from oral_lesion.evaluation.page import number_text

    for estimate in estimates:
        if estimate.measure.key in _SHOWN and estimate.value is not None:
            interval = f"[{number_text(estimate.low)}, {number_text(estimate.high)}]"
            value = f"{number_text(estimate.value):>7} {estimate.unit:<12} {interval:<17}"
            typer.echo(f"  {value} n={estimate.n:<4} {estimate.measure.title}")
