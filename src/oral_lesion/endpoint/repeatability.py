"""Whether a change is larger than repeating the measurement would give."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from oral_lesion.endpoint.estimates import Figure, Missing
from oral_lesion.endpoint.settings import RepeatabilityPoint
from oral_lesion.numerics.areas import coefficient_at
from oral_lesion.records import NotDone, UncertaintyGap

__all__ = ["exceeds_repeatability", "repeatability_coefficient_mm2"]


def repeatability_coefficient_mm2(profile: Sequence[RepeatabilityPoint], area_mm2: float) -> float | Missing:
    """
    Return the repeatability coefficient at an area, linear in the logarithm of the area between points.

    Below the first point its coefficient holds; beyond the last one nothing is known.

    Parameters
    ----------
    profile : sequence of RepeatabilityPoint
        By rising area; may be empty.
    area_mm2 : float
        Area of a site.

    Returns
    -------
    float or Missing
        In mm²; ``no-profile``, ``outside-profile``.
    """
    if not profile:
        return Missing(reason=NotDone.NO_PROFILE)
    found = coefficient_at([(point.area_mm2, point.rc_mm2) for point in profile], area_mm2)
    if found is None:
        detail = f"{area_mm2:.1f} mm2 is above {profile[-1].area_mm2:g} mm2"
        return Missing(reason=NotDone.OUTSIDE_PROFILE, detail=detail)
    return found


def exceeds_repeatability(
    pairs: Iterable[tuple[float, float]], profile: Sequence[RepeatabilityPoint]
) -> Figure | Missing:
    """
    Return whether the summed change of one or more sites exceeds its repeatability coefficient.

    Each site's coefficient is taken at the mean of its two areas; those of several sites add in quadrature, as the
    variances of independent repetitions do.

    Parameters
    ----------
    pairs : iterable of (float, float)
        Area at baseline and at follow-up of each site, mm².
    profile : sequence of RepeatabilityPoint
        By rising area; may be empty.

    Returns
    -------
    Figure or Missing
        1 or 0; ``no-profile``, ``outside-profile``.

    References
    ----------
    .. [1] Bland, Altman 1999, doi:10.1177/096228029900800204: repeatability as 1.96 sqrt(2) within-subject SD.
       Checked: tests/unit/endpoint/test_repeatability.py.
    """
    pairs = list(pairs)
    squares = []
    for before, after in pairs:
        coefficient = repeatability_coefficient_mm2(profile, (before + after) / 2.0)
        if isinstance(coefficient, Missing):
            return coefficient
        squares.append(coefficient * coefficient)
    change = math.fsum([*(after for _, after in pairs), *(-before for before, _ in pairs)])
    return Figure(value=float(abs(change) > math.sqrt(math.fsum(squares))), u_reason=UncertaintyGap.DECISION)
