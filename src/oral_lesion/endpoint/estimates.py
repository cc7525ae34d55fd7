"""Areas with what is independent and what is shared in their uncertainty, and what can be computed from two of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
class AreaEstimate:
    """
    An area, or a linear combination of areas, with its uncertainty split by what it shares with others.

    Parameters
    ----------
    value_mm2 : float
        The area.
    u_independent_mm2 : float
        Standard uncertainty from errors that no other photo has.
    u_shared_mm2 : float
        How far the value moves with one standard deviation of the error that all photos share. Signed: in a
        difference it cancels.
    """

    value_mm2: float
    u_independent_mm2: float
    u_shared_mm2: float

    @property
    def u_mm2(self) -> float:
        """Combined standard uncertainty (k = 1)."""
        return math.hypot(self.u_independent_mm2, self.u_shared_mm2)


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


def photo_estimate(
    area_mm2: float, u_scale_mm2: float, u_boundary_mm2: float, boundary_correlation: float
) -> AreaEstimate:
    """
    Return a photo's area with its uncertainty split into independent and shared.

    The scale's error is independent between photos. The boundary's error is ``sqrt(r) u b + sqrt(1 - r) u e``, with one
    ``b`` for all photos and an ``e`` for each, both standardized: any two photos' errors then correlate by ``r``.

    Parameters
    ----------
    area_mm2, u_scale_mm2, u_boundary_mm2 : float
        As scored.
    boundary_correlation : float
        ``r``, in [0, 1].

    Returns
    -------
    AreaEstimate

    References
    ----------
    .. [1] JCGM 100:2008 (GUM), F.1.2.3: correlation as a common error. Checked: tests/unit/endpoint/test_estimates.py.
    """
    own = math.sqrt(1.0 - boundary_correlation) * u_boundary_mm2
    return AreaEstimate(
        value_mm2=area_mm2,
        u_independent_mm2=math.hypot(u_scale_mm2, own),
        u_shared_mm2=math.sqrt(boundary_correlation) * u_boundary_mm2,
    )


def linear(terms: Iterable[tuple[float, AreaEstimate]]) -> AreaEstimate:
    """
    Return a linear combination of areas of different photos.

    Sums are exact before they are rounded, so that the order of the terms does not matter.

    Parameters
    ----------
    terms : iterable of (float, AreaEstimate)
        Coefficient and area.

    Returns
    -------
    AreaEstimate

    References
    ----------
    .. [1] JCGM 100:2008 (GUM), 5.1.2 and 5.2.2. Checked: tests/unit/endpoint/test_estimates.py.
    """
    terms = list(terms)
    return AreaEstimate(
        value_mm2=math.fsum(factor * area.value_mm2 for factor, area in terms),
        u_independent_mm2=math.sqrt(math.fsum((factor * area.u_independent_mm2) ** 2 for factor, area in terms)),
        u_shared_mm2=math.fsum(factor * area.u_shared_mm2 for factor, area in terms),
    )


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
        In mm². Exchanging both negates it exactly.
    """
    change = linear(((1.0, follow_up), (-1.0, baseline)))
    if baseline.value_mm2 == 0 and follow_up.value_mm2 == 0:
        return Figure(value=0.0, u_reason=UncertaintyGap.ZERO_AREA)
    return Figure(value=change.value_mm2, u=change.u_mm2)


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
    before, after = baseline.value_mm2, follow_up.value_mm2
    if before == 0:
        return Missing(reason=NotDone.BASELINE_ZERO)
    # The ratio first: halving an area must give -50 to the last digit, for a responder's threshold lies there.
    value = 100.0 * ((after - before) / before)
    return Figure(
        value=value, u=linear(((100.0 / before, follow_up), (-100.0 * after / before / before, baseline))).u_mm2
    )


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
