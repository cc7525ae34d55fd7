"""Agreement and repeatability of measurements: limits of agreement, intraclass correlation, within-subject spread."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from oral_lesion.errors import InputError
from oral_lesion.numerics.overlap import ratio

__all__ = [
    "Interval",
    "IntraclassCorrelation",
    "LimitsOfAgreement",
    "WithinSubjectSpread",
    "icc_2_1",
    "icc_2_1_resampled",
    "limits_of_agreement",
    "limits_of_agreement_resampled",
    "repeatability_coefficient",
    "within_subject_cv",
    "within_subject_sd",
]

Interval = tuple[float, float]
"""Low and high end."""

_NORMAL_95 = float(stats.norm.ppf(0.975))


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsOfAgreement:
    """
    Mean difference of two methods, and the limits that hold 95 % of the differences.

    Parameters
    ----------
    n : int
        Pairs.
    bias, sd : float
        Mean and standard deviation of the differences.
    lower, upper : float
        Limits of agreement.
    bias_interval, lower_interval, upper_interval : tuple of float
        Confidence intervals.
    """

    n: int
    bias: float
    sd: float
    lower: float
    upper: float
    bias_interval: Interval
    lower_interval: Interval
    upper_interval: Interval


def limits_of_agreement(differences: Any, *, multiplier: float = _NORMAL_95, level: float = 0.95) -> LimitsOfAgreement:
    """
    Return bias and limits of agreement of paired measurements, with confidence intervals.

    Parameters
    ----------
    differences : array_like of float, shape (pairs,)
        One method minus the other.
    multiplier : float
        Standard deviations from the bias to a limit.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    LimitsOfAgreement

    Raises
    ------
    InputError
        There are fewer than two pairs, or one is missing.

    References
    ----------
    .. [1] Bland, Altman 1986, doi:10.1016/S0140-6736(86)90837-8; the variance of a limit from Bland, Altman 1999,
       doi:10.1177/096228029900800204, section 2.2. Checked: tests/reference/test_agreement.py (peak flow of 17
       subjects).
    """
    given = _table(differences, 1, "differences")
    n, bias, sd = len(given), float(given.mean()), float(given.std(ddof=1))
    t = float(stats.t.ppf((1 + level) / 2, n - 1))
    u_bias = sd / math.sqrt(n)
    u_limit = sd * math.sqrt(1 / n + multiplier**2 / (2 * (n - 1)))
    lower, upper = bias - multiplier * sd, bias + multiplier * sd
    return LimitsOfAgreement(
        n=n,
        bias=bias,
        sd=sd,
        lower=lower,
        upper=upper,
        bias_interval=(bias - t * u_bias, bias + t * u_bias),
        lower_interval=(lower - t * u_limit, lower + t * u_limit),
        upper_interval=(upper - t * u_limit, upper + t * u_limit),
    )


def limits_of_agreement_resampled(
    differences: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """
    Return bias and limits of agreement of many resamples at once.

    Parameters
    ----------
    differences : ndarray of float64, shape (pairs,)
        One method minus the other.
    weights : ndarray of float64, shape (resamples, pairs)
        How often each pair counts.

    Returns
    -------
    bias, lower, upper : ndarray of float64, shape (resamples,)
        NaN where fewer than two pairs count.
    """
    number = weights.sum(axis=1)
    bias = ratio(weights @ differences, number)
    squares = (weights * (differences[None, :] - np.nan_to_num(bias)[:, None]) ** 2).sum(axis=1)
    sd = np.sqrt(ratio(squares, np.maximum(number - 1, 0)))
    return bias, bias - _NORMAL_95 * sd, bias + _NORMAL_95 * sd


@dataclass(frozen=True, slots=True, kw_only=True)
class IntraclassCorrelation:
    """
    Intraclass correlation with its confidence interval.

    Parameters
    ----------
    n : int
        Targets.
    value : float
        At most 1.
    interval : tuple of float
        Confidence interval.
    """

    n: int
    value: float
    interval: Interval


def icc_2_1(ratings: Any, *, level: float = 0.95) -> IntraclassCorrelation:
    """
    Return ICC(2,1): two-way random effects, absolute agreement, a single rating.

    Parameters
    ----------
    ratings : array_like of float, shape (targets, raters)
        Complete.
    level : float
        Confidence level of the interval.

    Returns
    -------
    IntraclassCorrelation
        NaN where nothing varies.

    Raises
    ------
    InputError
        There are fewer than two targets or raters, or a rating is missing.

    References
    ----------
    .. [1] Shrout, Fleiss 1979, doi:10.1037/0033-2909.86.2.420; interval: McGraw, Wong 1996,
       doi:10.1037/1082-989X.1.1.30. Checked: tests/reference/test_agreement.py (Shrout's and Fleiss's table 2:
       .29; interval against pingouin).
    """
    given = _table(ratings, 2, "ratings")
    n, k = given.shape
    targets, raters, error = (float(square[0]) for square in _mean_squares(given, np.ones((1, n))))
    below = targets + (k - 1) * error + k * (raters - error) / n
    if below <= 0:
        return IntraclassCorrelation(n=n, value=math.nan, interval=(math.nan, math.nan))
    value = (targets - error) / below
    if error <= 0:
        return IntraclassCorrelation(n=n, value=value, interval=(math.nan, math.nan))
    f_raters = raters / error
    spread = n * (1 + (k - 1) * value) - k * value
    above = (n - 1) * (k - 1) * (k * value * f_raters + spread) ** 2
    freedom = above / ((n - 1) * k**2 * value**2 * f_raters**2 + spread**2)
    f_low = float(stats.f.ppf((1 + level) / 2, n - 1, freedom))
    f_high = float(stats.f.ppf((1 + level) / 2, freedom, n - 1))
    rest = k * raters + (k * n - k - n) * error
    low = n * (targets - f_low * error) / (f_low * rest + n * targets)
    high = n * (f_high * targets - error) / (rest + n * f_high * targets)
    return IntraclassCorrelation(n=n, value=value, interval=(low, high))


def icc_2_1_resampled(ratings: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Return ICC(2,1) of many resamples at once.

    Parameters
    ----------
    ratings : ndarray of float64, shape (targets, raters)
        Complete.
    weights : ndarray of float64, shape (resamples, targets)
        How often each target counts.

    Returns
    -------
    ndarray of float64, shape (resamples,)
        NaN where fewer than two targets count, or nothing varies.
    """
    n, k = weights.sum(axis=1), ratings.shape[1]
    targets, raters, error = _mean_squares(ratings, weights)
    return ratio(targets - error, targets + (k - 1) * error + k * ratio(raters - error, n))


def _mean_squares(
    ratings: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean squares of targets, of raters and of error of a two-way table."""
    centred = ratings - ratings.mean() if ratings.size else ratings  # sums of squares then lose no digits
    k, n = ratings.shape[1], weights.sum(axis=1)
    rater_means = ratio(weights @ centred, n[:, None])
    mean = rater_means.mean(axis=1)
    ss_targets = k * (weights @ centred.mean(axis=1) ** 2 - n * mean**2)
    ss_raters = n * ((rater_means**2).sum(axis=1) - k * mean**2)
    ss_total = weights @ (centred**2).sum(axis=1) - n * k * mean**2
    ss_error = np.maximum(ss_total - ss_targets - ss_raters, 0.0)
    freedom = np.maximum(n - 1, 0)
    return ratio(ss_targets, freedom), ss_raters / (k - 1), ratio(ss_error, freedom * (k - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class WithinSubjectSpread:
    """
    Spread of replicate measurements of the same subjects.

    Parameters
    ----------
    value : float
        Within-subject standard deviation, in the unit of the measurements, or coefficient of variation, a ratio.
    interval : tuple of float
        Confidence interval.
    subjects, degrees_of_freedom : int
        Subjects with two replicates or more, and replicates beyond the first of each.
    """

    value: float
    interval: Interval
    subjects: int
    degrees_of_freedom: int


def within_subject_sd(measurements: Any, subjects: Any, *, level: float = 0.95) -> WithinSubjectSpread:
    """
    Return the within-subject standard deviation of replicate measurements.

    Parameters
    ----------
    measurements : array_like of float, shape (measurements,)
        All replicates of all subjects.
    subjects : array_like, shape (measurements,)
        Whose each is; subjects with one measurement say nothing and are left out.
    level : float
        Confidence level of the interval.

    Returns
    -------
    WithinSubjectSpread
        Root of the pooled variance; interval by the chi-squared distribution.

    Raises
    ------
    InputError
        No subject has two measurements, or one is missing.

    References
    ----------
    .. [1] Bland, Altman 1996, doi:10.1136/bmj.313.7059.744; interval: Raunig et al. 2015,
       doi:10.1177/0962280214537344. Checked: tests/reference/test_agreement.py (peak flow of 17 subjects, twice).
    """
    _, squares, numbers = _by_subject(measurements, subjects)
    freedom = numbers - 1
    return _spread(float(squares.sum() / freedom.sum()), numbers, level)


def within_subject_cv(measurements: Any, subjects: Any, *, level: float = 0.95) -> WithinSubjectSpread:
    """
    Return the within-subject coefficient of variation, by the root of the mean square.

    Parameters
    ----------
    measurements : array_like of float, shape (measurements,)
        All replicates of all subjects, above 0.
    subjects : array_like, shape (measurements,)
        Whose each is; subjects with one measurement say nothing and are left out.
    level : float
        Confidence level of the interval.

    Returns
    -------
    WithinSubjectSpread
        Ratio; subjects count by their degrees of freedom.

    Raises
    ------
    InputError
        No subject has two measurements, one is missing, or a mean is not above 0.

    References
    ----------
    .. [1] Quan, Shih 1996, doi:10.2307/2532835; Raunig et al. 2015, doi:10.1177/0962280214537344. Checked:
       tests/reference/test_agreement.py (for pairs, ``(x - y)² / 2`` over the squared mean, as Bland puts it).
    """
    means, squares, numbers = _by_subject(measurements, subjects)
    if (means <= 0).any():
        raise InputError("coefficient of variation: expected means above 0, got one that is not; leave the subject out")
    return _spread(float((squares / means**2).sum() / (numbers - 1).sum()), numbers, level)


def repeatability_coefficient(within_subject: float) -> float:
    """
    Return the difference that two measurements of a subject stay below in 95 % of cases.

    Parameters
    ----------
    within_subject : float
        Within-subject standard deviation, or coefficient of variation.

    Returns
    -------
    float
        ``1.96 sqrt(2)`` times that: 2.77 times.

    References
    ----------
    .. [1] Bland, Altman 1996, doi:10.1136/bmj.313.7059.744. Checked: tests/reference/test_agreement.py.
    """
    return _NORMAL_95 * math.sqrt(2.0) * within_subject


def _by_subject(
    measurements: Any, subjects: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return mean, sum of squared deviations and number of each subject with two measurements or more."""
    given = _table(measurements, 1, "measurements")
    names, member_of = np.unique(np.asarray(subjects), return_inverse=True)
    if len(member_of) != len(given):
        raise InputError(f"subjects: expected one for each of {len(given)} measurements, got {len(member_of)}")
    numbers = np.bincount(member_of, weights=np.ones(len(given)), minlength=len(names))
    means = np.bincount(member_of, weights=given) / numbers
    squares = np.bincount(member_of, weights=(given - means[member_of]) ** 2)
    kept = numbers >= 2
    if not kept.any():
        raise InputError("repeatability: expected a subject with two measurements or more, got none; add replicates")
    kept_means, kept_squares, kept_numbers = (
        np.asarray(column, np.float64)[kept] for column in (means, squares, numbers)
    )
    return kept_means, kept_squares, kept_numbers


def _spread(variance: float, numbers: NDArray[np.float64], level: float) -> WithinSubjectSpread:
    freedom = int((numbers - 1).sum())
    low, high = (
        math.sqrt(variance * freedom / float(stats.chi2.ppf(tail, freedom)))
        for tail in ((1 + level) / 2, (1 - level) / 2)
    )
    return WithinSubjectSpread(
        value=math.sqrt(variance), interval=(low, high), subjects=len(numbers), degrees_of_freedom=freedom
    )


def _table(given: Any, dimensions: int, name: str) -> NDArray[np.float64]:
    array = np.asarray(given, np.float64)
    if array.ndim != dimensions or min(array.shape, default=0) < 2 or not np.isfinite(array).all():
        raise InputError(
            f"{name}: expected finite numbers in {dimensions} dimension(s), two or more along each, "
            f"got shape {array.shape}; leave incomplete ones out"
        )
    return array
