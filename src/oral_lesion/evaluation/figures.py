"""Figures of an evaluation for a bundle's metadata and its model card."""

from __future__ import annotations

from collections.abc import Sequence

from oral_lesion.evaluation.estimates import Estimate
from oral_lesion.evaluation.run import Evaluation, Round
from oral_lesion.io.bundle import Figure, ModelBundle, write_bundle

__all__ = ["card_figures", "merged_figures", "put_into_card"]

CARD_KEYS = (
    "dice_image_lesion",
    "dice_image_all",
    "dice_pooled",
    "nsd_image_lesion",
    "lesion_precision",
    "lesion_recall",
    "lesion_f1",
    "area_bias",
    "area_error_absolute_median",
    "area_icc",
    "ece_suspected",
    "negatives_fired",
)
"""What a model card shows of all figures."""
LESION_FREE_KEYS = ("negatives_fired",)
"""What it shows where no picture has a lesion: overlap figures would flatter the model for finding nothing."""

_DIGITS = 4


def card_figures(evaluation: Evaluation, *, name: str, command: str) -> tuple[Figure, ...]:
    """
    Return what a model card shows of an evaluation.

    Parameters
    ----------
    evaluation : Evaluation
        Results.
    name : str
        Of the data set.
    command : str
        What gives the figures again.

    Returns
    -------
    tuple of Figure
        Those that there are; with a 95 % interval in their name where there is one.
    """
    return tuple(
        Figure(
            name=f"{estimate.measure.title}{_interval(estimate)}",
            value=round(estimate.value, _DIGITS),
            unit=estimate.unit,
            data_set=f"{name}, {one.seen_at}",
            n=estimate.n,
            command=command,
        )
        for one in evaluation.rounds
        for estimate in one.estimates
        if estimate.measure.key in _keys(one) and estimate.value is not None
    )


def _keys(one: Round) -> tuple[str, ...]:
    return CARD_KEYS if any(count.true_px for count in one.counts) else LESION_FREE_KEYS


def merged_figures(present: Sequence[Figure], fresh: Sequence[Figure]) -> tuple[Figure, ...]:
    """
    Return a bundle's figures with fresh ones in place of those that they renew.

    Parameters
    ----------
    present : sequence of Figure
        Of the bundle.
    fresh : sequence of Figure
        Of this evaluation.

    Returns
    -------
    tuple of Figure
        The fresh ones first; of the present ones those on other data sets and of other commands.
    """
    renewed = {figure.data_set for figure in fresh}
    commands = {figure.command for figure in fresh}
    kept = [figure for figure in present if figure.data_set not in renewed and figure.command not in commands]
    return (*fresh, *kept)


def put_into_card(bundle: ModelBundle, evaluation: Evaluation, *, name: str, command: str) -> None:
    """
    Write a bundle anew with the figures of an evaluation in its metadata and its card.

    Parameters
    ----------
    bundle : ModelBundle
        That was evaluated.
    evaluation : Evaluation
        Results.
    name : str
        Of the data set.
    command : str
        What gives the figures again.

    Raises
    ------
    OutputError
        The bundle cannot be written.
    """
    fresh = card_figures(evaluation, name=name, command=command)
    figures = merged_figures(bundle.metadata.figures, fresh)
    metadata = bundle.metadata.model_copy(update={"figures": figures})
    write_bundle(bundle.path, metadata, bundle.model_bytes, overwrite=True)


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f"; 95 % interval {estimate.low:.3g} to {estimate.high:.3g}"
