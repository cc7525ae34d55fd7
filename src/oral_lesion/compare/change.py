"""By how much an area changed between two visits, and whether repeating the measurement would give as much."""

from __future__ import annotations

from oral_lesion.compare.settings import ChangeSettings
from oral_lesion.numerics.areas import AreaEstimate, coefficient_at, difference, percent_change, photo_estimate
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
    before, after = (_estimate(one, settings.boundary_correlation) for one in (baseline, follow_up))
    change, u_change = (None, None) if same_photo else difference(before, after)
    percent = None if same_photo else percent_change(before, after)
    limit = None if same_photo or profile is None else repeatability_mm2(profile, first, second)
    return AreaChange(
        baseline_mm2=first,
        follow_up_mm2=second,
        change_mm2=change,
        u_change_mm2=None if first == second == 0 else u_change,
        change_percent=None if percent is None else percent[0],
        u_change_percent=None if percent is None or second == 0 else percent[1],
        exceeds_repeatability=None if change is None or limit is None else abs(change) > limit,
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
    return difference(_estimate(baseline, boundary_correlation), _estimate(follow_up, boundary_correlation))[1]


def repeatability_mm2(profile: RepeatabilityProfile, first_mm2: float, second_mm2: float) -> float | None:
    """
    Return the repeatability coefficient at the mean of two areas.

    Parameters
    ----------
    profile : RepeatabilityProfile
        Points, between which the coefficient is linear in the logarithm of the area; below them that of the first.
    first_mm2, second_mm2 : float
        Both areas: their mean is the best estimate of the area if nothing changed, and the same either way round.

    Returns
    -------
    float or None
        mm²: the absolute difference that 95 % of repeated measurements stay below; None above the last point, where
        nothing is known.

    References
    ----------
    .. [1] Raunig et al. 2015, doi:10.1177/0962280214537344 (repeatability coefficient, precision profile).
       Checked: tests/unit/compare/test_change.py.
    """
    return coefficient_at(profile.points, 0.5 * (first_mm2 + second_mm2))


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


def _estimate(one: Measurement, boundary_correlation: float) -> AreaEstimate:
    return photo_estimate(one.area_mm2, one.u_scale_mm2 or 0.0, one.u_boundary_mm2 or 0.0, boundary_correlation)
