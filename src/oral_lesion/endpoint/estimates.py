"""Areas with what is independent and what is shared in their uncertainty, and what can be computed from two of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oral_lesion.numerics.areas import AreaEstimate, difference, linear, percent_change, photo_estimate
from oral_lesion.records import NotDone, UncertaintyGap

__all__ = [
    "AreaEstimate",
    "Figure",
    "Missing",
    "absolute_change",
    "area_figure",
    "change_percent",
    "linear",
    "log_area_rate",
    "margin_advance",
    "normalized_auc",
    "photo_estimate",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """
    A number with its standard uncertainty, or the reason why it has none.

    Parameters
    ----------
    value : float
        The number.
    u : float or None
        Standard uncertainty (k = 1).
    u_reason : UncertaintyGap or None
        Why there is no `u`.
    detail : str
        More on the number.
    """

    value: float
    u: float | None = None
    u_reason: UncertaintyGap | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """
    The reason why there is no number.

    Parameters
    ----------
    reason : NotDone
        Code.
    detail : str
        More on it.
    """

    reason: NotDone
    detail: str = ""


def area_figure(area: AreaEstimate) -> Figure:
    """
    Return an area as a figure; an area of 0 has no uncertainty, for the chance of a missed lesion is not in it.

    Parameters
    ----------
    area : AreaEstimate
        Of a photo, a site or several sites.

    Returns
    -------
    Figure
        In mm².
    """
    if area.value_mm2 == 0:
        return Figure(value=0.0, u_reason=UncertaintyGap.ZERO_AREA)
    return Figure(value=area.value_mm2, u=area.u_mm2)


def absolute_change(baseline: AreaEstimate, follow_up: AreaEstimate) -> Figure:
    """
    Return follow-up minus baseline.

    Parameters
    ----------
    baseline, follow_up : AreaEstimate
        Areas of the same sites.

    Returns
    -------
    Figure
        In mm². Exchanging both negates it exactly. Where one area is 0, `detail` says whose `u` it is.
    """
    if baseline.value_mm2 == 0 and follow_up.value_mm2 == 0:
        return Figure(value=0.0, u_reason=UncertaintyGap.ZERO_AREA)
    value, u = difference(baseline, follow_up)
    return Figure(value=value, u=u, detail=_zero_side(baseline, follow_up))


def _zero_side(baseline: AreaEstimate, follow_up: AreaEstimate) -> str:
    """Say whose uncertainty stands alone, because the other area is 0 and a missed lesion is not in it."""
    if follow_up.value_mm2 == 0:
        return "u-of-baseline-alone"
    return "u-of-follow-up-alone" if baseline.value_mm2 == 0 else ""


def change_percent(baseline: AreaEstimate, follow_up: AreaEstimate) -> Figure | Missing:
    """
    Return ``100 (A1 - A0) / A0``.

    Parameters
    ----------
    baseline, follow_up : AreaEstimate
        ``A0`` and ``A1``, of the same sites.

    Returns
    -------
    Figure or Missing
        In percent, negative for healing; ``baseline-zero``.
    """
    found = percent_change(baseline, follow_up)
    if found is None:
        return Missing(reason=NotDone.BASELINE_ZERO)
    if follow_up.value_mm2 == 0:  # first order gives 0 here, as if it were certain that nothing was missed
        return Figure(value=found[0], u_reason=UncertaintyGap.ZERO_AREA)
    return Figure(value=found[0], u=found[1])


def log_area_rate(baseline: AreaEstimate, follow_up: AreaEstimate, days: int) -> Figure | Missing:
    """
    Return ``ln(A0 / A1) / t``.

    Parameters
    ----------
    baseline, follow_up : AreaEstimate
        ``A0`` and ``A1``, of the same sites.
    days : int
        ``t``, positive.

    Returns
    -------
    Figure or Missing
        Per day, positive for healing; ``baseline-zero``, ``follow-up-zero``.

    References
    ----------
    .. [1] Letters to the editor, Wounds, July 2003: k = ln(A0/At)/t. Checked: tests/unit/endpoint/test_estimates.py.
    """
    before, after = baseline.value_mm2, follow_up.value_mm2
    if before == 0 or after == 0:
        return Missing(reason=NotDone.BASELINE_ZERO if before == 0 else NotDone.FOLLOW_UP_ZERO)
    u = linear(((1.0 / before / days, baseline), (-1.0 / after / days, follow_up))).u_mm2
    # A difference of logarithms, not a logarithm of a ratio: exchanging the visits then negates it exactly.
    return Figure(value=(math.log(before) - math.log(after)) / days, u=u)


def margin_advance(areas_mm2: tuple[float, float], perimeters_mm: Iterable[float]) -> Figure | Missing:
    """
    Return Gilman's mean linear advance of the margin, ``2 (A0 - A1) / (P0 + P1)``.

    Of a circle that stays one it is exactly by how much its radius shrank.

    Parameters
    ----------
    areas_mm2 : tuple of (float, float)
        ``A0`` and ``A1``.
    perimeters_mm : iterable of float
        Perimeters of all lesions at both visits, which add to ``P0 + P1``.

    Returns
    -------
    Figure or Missing
        In mm, positive for healing, without an uncertainty; ``no-erosion`` where there is none at either visit.

    References
    ----------
    .. [1] Gilman 1990, Wounds: parameter for measurement of wound closure.
       Checked: tests/unit/endpoint/test_estimates.py, on circles, for which the radius is known.
    """
    perimeters = math.fsum(perimeters_mm)
    if perimeters == 0:
        return Missing(reason=NotDone.NO_EROSION)
    return Figure(value=2.0 * (areas_mm2[0] - areas_mm2[1]) / perimeters, u_reason=UncertaintyGap.PERIMETER_UNKNOWN)


def normalized_auc(curves: Sequence[Sequence[tuple[int, AreaEstimate]]]) -> Figure | Missing:
    """
    Return the area under the curve of erosion area over time, over that of a baseline that stays as it is.

    ``(sum of (t[i+1] - t[i]) (A[i] + A[i+1]) / 2) / (A[0] (t[n] - t[0]))``: the mean area relative to the baseline.
    Of several sites, numerator and ``A[0]`` are summed over the sites.

    Parameters
    ----------
    curves : sequence of sequence of (int, AreaEstimate)
        Day and area of each site; two or more days each, rising, the baseline first; all from the same day to the same.

    Returns
    -------
    Figure or Missing
        1 for no change, below 1 for healing; ``baseline-zero``.

    References
    ----------
    .. [1] Matthews et al. 1990, doi:10.1136/bmj.300.6719.230 (trapezium rule).
       Checked: tests/unit/endpoint/test_estimates.py, by hand.
    """
    baseline = math.fsum(curve[0][1].value_mm2 for curve in curves)
    if baseline == 0:
        return Missing(reason=NotDone.BASELINE_ZERO)
    whole = baseline * (curves[0][-1][0] - curves[0][0][0])
    terms = [
        (weight / whole, area, place == 0)
        for curve in curves
        for place, (weight, (_, area)) in enumerate(zip(_trapezium_weights(curve), curve, strict=True))
    ]
    value = math.fsum(slope * area.value_mm2 for slope, area, _ in terms)
    # The baseline stands in the denominator too.
    u = linear((slope - (value / baseline if first else 0.0), area) for slope, area, first in terms).u_mm2
    return Figure(value=value, u=u)


def _trapezium_weights(curve: Sequence[tuple[int, AreaEstimate]]) -> list[float]:
    days = [day for day, _ in curve]
    padded = [days[0], *days, days[-1]]
    return [(after - before) / 2.0 for before, after in zip(padded[:-2], padded[2:], strict=True)]
