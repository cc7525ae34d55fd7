"""Figures with confidence intervals: of a model, of two models compared, and by size of the lesion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import InputError
from oral_lesion.evaluation.counts import PictureCounts
from oral_lesion.evaluation.measures import MEASURES, Columns, Measure
from oral_lesion.evaluation.settings import EvaluationSettings
from oral_lesion.numerics.resampling import group_weights, percentile_interval, unanimous_interval

__all__ = ["Estimate", "SizeClass", "compare_counts", "estimate_measures", "size_classes"]

_CLASSES = ("small", "medium", "large")
_SMALLEST_CLASS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """
    A figure with its interval.

    Parameters
    ----------
    measure : Measure
        What it is.
    value : float or None
        None where there is nothing to tell it from.
    low, high : float or None
        95 % bootstrap interval by group, of shares that are 0 or 1 the exact one; None where there are fewer than
        two groups.
    n, groups : int
        Pictures behind it, and groups of them.
    unit : str
        Empty for a ratio.
    """

    measure: Measure
    value: float | None
    low: float | None
    high: float | None
    n: int
    groups: int
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeClass:
    """
    Pictures whose lesions are of like size.

    Parameters
    ----------
    name : str
        ``"small"``, ``"medium"`` or ``"large"``: thirds of the pictures with a lesion.
    least_area, most_area : float
        Smallest and largest labelled area of these pictures, in `unit`.
    unit : str
        ``"mm²"``, or percent of the picture.
    estimates : tuple of Estimate
        Of these pictures.
    """

    name: str
    least_area: float
    most_area: float
    unit: str
    estimates: tuple[Estimate, ...]


def estimate_measures(counts: Sequence[PictureCounts], settings: EvaluationSettings) -> tuple[Estimate, ...]:
    """
    Compute all figures of a set of pictures.

    Parameters
    ----------
    counts : sequence of PictureCounts
        One a picture; never empty.
    settings : EvaluationSettings
        Resamples and seed.

    Returns
    -------
    tuple of Estimate
        In the order of `MEASURES`.
    """
    return _estimates(Columns.of(counts), settings)


def _estimates(columns: Columns, settings: EvaluationSettings) -> tuple[Estimate, ...]:
    weights = _weights(columns.counts, settings)
    return tuple(_estimate(measure, (columns,), weights, columns.members(measure.population)) for measure in MEASURES)


def compare_counts(
    counts: Sequence[PictureCounts], others: Sequence[PictureCounts], settings: EvaluationSettings
) -> tuple[Estimate, ...]:
    """
    Compute the differences of all figures of two models on the same pictures, pair by pair.

    Parameters
    ----------
    counts : sequence of PictureCounts
        Of the model.
    others : sequence of PictureCounts
        Of the one that it is compared with.
    settings : EvaluationSettings
        Resamples and seed.

    Returns
    -------
    tuple of Estimate
        Figure of the model minus figure of the other, over pictures on which both have it.

    Raises
    ------
    InputError
        The pictures are not the same, in the same order.
    """
    if [count.picture_id for count in counts] != [count.picture_id for count in others]:
        raise InputError("compared models: expected the same pictures in the same order; evaluate both on one set")
    pair = Columns.of(counts), Columns.of(others)
    weights = _weights(counts, settings)
    estimates = []
    for measure in MEASURES:
        members = pair[0].members(measure.population) & pair[1].members(measure.population)
        estimates.append(_estimate(measure, pair, weights, members))
    return tuple(estimates)


def size_classes(counts: Sequence[PictureCounts], settings: EvaluationSettings) -> tuple[SizeClass, ...]:
    """
    Compute all figures by size of the lesion: in thirds of the pictures with a lesion, by labelled area.

    Parameters
    ----------
    counts : sequence of PictureCounts
        One a picture.
    settings : EvaluationSettings
        Resamples and seed.

    Returns
    -------
    tuple of SizeClass
        Empty where a third has fewer than three pictures.
    """
    whole = Columns.of(counts)
    columns = whole.where(whole.members("lesion"))
    if len(columns.counts) < _SMALLEST_CLASS * len(_CLASSES):
        return ()
    areas = columns.area("true_px")
    classes = []
    for name, members in zip(_CLASSES, np.array_split(np.argsort(areas, kind="stable"), len(_CLASSES)), strict=True):
        inside = np.isin(np.arange(len(areas)), members)
        classes.append(
            SizeClass(
                name=name,
                least_area=float(areas[inside].min()),
                most_area=float(areas[inside].max()),
                unit=columns.area_unit,
                estimates=_estimates(columns.where(inside), settings),
            )
        )
    return tuple(classes)


def _weights(counts: Sequence[PictureCounts], settings: EvaluationSettings) -> NDArray[np.float64]:
    groups = [count.group for count in counts]
    return group_weights(groups, resamples=settings.resamples, seed=settings.seed)


def _estimate(
    measure: Measure, of: Sequence[Columns], weights: NDArray[np.float64], members: NDArray[np.bool_]
) -> Estimate:
    """Return a figure of one set of counts, or the difference of two, over some of their pictures."""
    inside = [columns.where(members) for columns in of]
    groups = len({count.group for count in inside[0].counts})
    value: float | None = None
    low = high = None
    if groups:
        once, drawn = np.ones((1, int(members.sum()))), weights[:, members]
        value = _number(float(_difference([measure.compute(columns, once) for columns in inside])[0]))
    if groups >= 2 and value is not None:
        resampled = _difference([measure.compute(columns, drawn) for columns in inside])
        if measure.share and len(of) == 1 and value in {0.0, 1.0}:
            low, high = unanimous_interval(groups, all_are=value == 1.0)
        else:
            low, high = map(_number, percentile_interval(resampled))
    return Estimate(
        measure=measure,
        value=value,
        low=low,
        high=high,
        n=int(members.sum()),
        groups=groups,
        unit=measure.unit_of(of[0]),
    )


def _difference(values: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    return values[0] if len(values) == 1 else values[0] - values[1]


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
