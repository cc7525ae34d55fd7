"""By how much an area changed between two visits, and whether repeating the measurement would give as much."""

from __future__ import annotations

import math

import numpy as np

from oral_lesion.compare.settings import ChangeSettings
from oral_lesion.records import (
    AreaChange,
    ChangeFlag,
    Measurement,
    PhotoIdentity,
    Registration,
    RepeatabilityProfile,
)

__all__ = ["compare_areas", "is_same_photo", "repeatability_mm2", "u_change_mm2"]


def compare_areas(
    baseline: Measurement,
    follow_up: Measurement,
    *,
    settings: ChangeSettings,
    profile: RepeatabilityProfile | None = None,
    registration: Registration | None = None,
    same_photo: bool = False,
) -> AreaChange:
    """
    Compare the total areas of two photos, each as measured in its own picture.

    Parameters
    ----------
    baseline, follow_up : Measurement
        Of one site; no warped mask enters.
    settings : ChangeSettings
        Correlation of the boundary's errors.
    profile : RepeatabilityProfile or None
        Repeatability coefficient by area, where a study gave one.
    registration : Registration or None
        Of the pair, for its flags; totals are compared with or without it.
    same_photo : bool
        Whether both are the same file: that says nothing of change, so there is none in the result.

    Returns
    -------
    AreaChange
        Swapping both photos negates `change_mm2` exactly and leaves `u_change_mm2` and `exceeds_repeatability`.
    """
    first, second = baseline.area_mm2, follow_up.area_mm2
    flags = set()
    if registration is not None and not registration.registered:
        flags.add(ChangeFlag.NOT_REGISTERED)
    if registration is not None and registration.registered and registration.mirrored:
        flags.add(ChangeFlag.MIRRORED_PAIR)
    if first == 0:
        flags.add(ChangeFlag.BASELINE_ZERO)
    if same_photo:
        flags.add(ChangeFlag.SAME_PHOTO)
    change = None if same_photo else second - first
    relative = change is not None and first > 0
    return AreaChange(
        baseline_mm2=first,
        follow_up_mm2=second,
        change_mm2=change,
        u_change_mm2=None if same_photo else u_change_mm2(baseline, follow_up, settings.boundary_correlation),
        change_percent=100.0 * change / first if change is not None and relative else None,
        u_change_percent=_u_change_percent(baseline, follow_up, settings.boundary_correlation) if relative else None,
        exceeds_repeatability=(
            None if change is None or profile is None else abs(change) > repeatability_mm2(profile, first, second)
        ),
        flags=tuple(sorted(flags)),
    )


def u_change_mm2(baseline: Measurement, follow_up: Measurement, boundary_correlation: float) -> float:
    """
    Return the standard uncertainty of the difference of two areas.

    ``u² = us1² + us2² + ub1² + ub2² - 2 r ub1 ub2``: the scales of two photos err independently; the boundary's errors
    are partly those of the model, which both share, with correlation r.

    Parameters
    ----------
    baseline, follow_up : Measurement
        With their uncertainties by source.
    boundary_correlation : float
        r in [0, 1].

    Returns
    -------
    float
        mm², k = 1.

    References
    ----------
    .. [1] JCGM 100:2008 (GUM), 5.2.2, equation 16. Checked: tests/unit/compare/test_change.py, against a
       simulation of both sources.
    """
    return math.sqrt(
        _variance_of_difference(
            (baseline.u_scale_mm2, baseline.u_boundary_mm2),
            (follow_up.u_scale_mm2, follow_up.u_boundary_mm2),
            boundary_correlation,
        )
    )


def repeatability_mm2(profile: RepeatabilityProfile, first_mm2: float, second_mm2: float) -> float:
    """
    Return the repeatability coefficient at the mean of two areas.

    Parameters
    ----------
    profile : RepeatabilityProfile
        Points, between which the coefficient is linear in the logarithm of the area; beyond them that of the last.
    first_mm2, second_mm2 : float
        Both areas: their mean is the best estimate of the area if nothing changed, and the same either way round.

    Returns
    -------
    float
        mm²: the absolute difference that 95 % of repeated measurements stay below.

    References
    ----------
    .. [1] Raunig et al. 2015, doi:10.1177/0962280214537344 (repeatability coefficient, precision profile).
       Checked: tests/unit/compare/test_change.py.
    """
    mean = 0.5 * (first_mm2 + second_mm2)
    areas, coefficients = (np.array(values) for values in zip(*profile.points, strict=True))
    return float(np.interp(math.log(max(mean, float(areas[0]))), np.log(areas), coefficients))


def is_same_photo(first: PhotoIdentity, second: PhotoIdentity) -> bool:
    """
    Tell whether two visits hold the same file.

    Parameters
    ----------
    first, second : PhotoIdentity
        Of two visits.

    Returns
    -------
    bool
        Whether the SHA-256 of the files are equal.
    """
    return first.sha256 == second.sha256


def _u_change_percent(baseline: Measurement, follow_up: Measurement, boundary_correlation: float) -> float:
    """Return the uncertainty of 100 (F / B - 1), to first order: that of F - (F / B) B, over B."""
    ratio = follow_up.area_mm2 / baseline.area_mm2
    variance = _variance_of_difference(
        (ratio * baseline.u_scale_mm2, ratio * baseline.u_boundary_mm2),
        (follow_up.u_scale_mm2, follow_up.u_boundary_mm2),
        boundary_correlation,
    )
    return 100.0 * math.sqrt(variance) / baseline.area_mm2


def _variance_of_difference(first: tuple[float, float], second: tuple[float, float], correlation: float) -> float:
    # A sum that is rounded once is the same in any order, so that swapping the visits changes nothing.
    terms = [value * value for value in (*first, *second)]
    return max(0.0, math.fsum([*terms, -2.0 * correlation * (first[1] * second[1])]))
