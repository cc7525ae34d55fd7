"""Areas with what is independent and what is shared in their uncertainty, and sums, differences and ratios of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "AreaEstimate",
    "coefficient_at",
    "difference",
    "linear",
    "percent_change",
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


def difference(baseline: AreaEstimate, follow_up: AreaEstimate) -> tuple[float, float]:
    """
    Return follow-up minus baseline with its standard uncertainty.

    Parameters
    ----------
    baseline, follow_up : AreaEstimate
        Areas of the same place.

    Returns
    -------
    tuple of float
        mm² and mm² (k = 1). Exchanging both negates the first exactly and leaves the second.
    """
    change = linear(((1.0, follow_up), (-1.0, baseline)))
    return change.value_mm2, change.u_mm2


def percent_change(baseline: AreaEstimate, follow_up: AreaEstimate) -> tuple[float, float] | None:
    """
    Return ``100 (A1 - A0) / A0`` with its standard uncertainty to first order.

    Parameters
    ----------
    baseline, follow_up : AreaEstimate
        ``A0`` and ``A1``, of the same place.

    Returns
    -------
    tuple of float or None
        Percent and percent (k = 1); None where the baseline is 0.
    """
    before, after = baseline.value_mm2, follow_up.value_mm2
    if before == 0:
        return None
    # The ratio first: halving an area must give -50 to the last digit, for a responder's threshold lies there.
    value = 100.0 * ((after - before) / before)
    u = linear(((100.0 / before, follow_up), (-100.0 * after / before / before, baseline))).u_mm2
    return value, u


def coefficient_at(points: Sequence[tuple[float, float]], area_mm2: float) -> float | None:
    """
    Return the repeatability coefficient at an area, linear in the logarithm of the area between points.

    Parameters
    ----------
    points : sequence of (float, float)
        (area_mm2, rc_mm2) by rising area; one or more.
    area_mm2 : float
        Area of a site.

    Returns
    -------
    float or None
        In mm²: below the first point that of the first; None beyond the last, where nothing is known.

    References
    ----------
    .. [1] Raunig et al. 2015, doi:10.1177/0962280214537344 (repeatability coefficient, precision profile).
       Checked: tests/unit/compare/test_change.py, tests/unit/endpoint/test_repeatability.py.
    """
    if area_mm2 > points[-1][0]:
        return None
    if area_mm2 <= points[0][0]:
        return points[0][1]
    high = next(index for index, (area, _) in enumerate(points) if area_mm2 <= area)
    (area_low, low), (area_high, upper) = points[high - 1], points[high]
    return low + math.log(area_mm2 / area_low) / math.log(area_high / area_low) * (upper - low)
