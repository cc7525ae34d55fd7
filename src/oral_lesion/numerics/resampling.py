"""Bootstrap by group: weights of resamples, statistics under weights, percentile intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from oral_lesion.errors import InputError
from oral_lesion.numerics.overlap import ratio

__all__ = ["group_weights", "percentile_interval", "unanimous_interval", "weighted_mean", "weighted_median"]


def group_weights(groups: Sequence[str], *, resamples: int, seed: int) -> NDArray[np.float64]:
    """
    Draw groups with replacement and return how often each member is drawn.

    Parameters
    ----------
    groups : sequence of str
        Group of each member; members of a group are drawn together.
    resamples : int
        How many.
    seed : int
        Of the draw.

    Returns
    -------
    ndarray of float64, shape (resamples, members)
        Whole numbers.

    Raises
    ------
    InputError
        There is no member.

    References
    ----------
    .. [1] Davison, Hinkley 1997, Bootstrap Methods and their Application, section 3.8; doi:10.1017/CBO9780511802843.
       Checked: tests/reference/test_resampling.py (Efron's mouse data, and scipy.stats.bootstrap).
    """
    if not groups:
        raise InputError("bootstrap: expected one group or more, got none; name pictures")
    names, member_of = np.unique(np.asarray(groups), return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1.0 / len(names)), size=resamples)
    weights: NDArray[np.float64] = drawn[:, member_of].astype(np.float64)
    return weights


def percentile_interval(values: NDArray[np.float64], level: float = 0.95) -> tuple[float, float]:
    """
    Return the percentile interval of a bootstrap distribution.

    Parameters
    ----------
    values : ndarray of float64, shape (resamples,)
        NaN where a resample gives no value; such are left out.
    level : float
        Confidence level.

    Returns
    -------
    low, high : float
        NaN where no resample gives a value.

    References
    ----------
    .. [1] Efron 1981, doi:10.2307/3314608. Checked: tests/reference/test_resampling.py.
    """
    kept = values[np.isfinite(values)]
    if not len(kept):
        return float("nan"), float("nan")
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def unanimous_interval(groups: int, *, all_are: bool, level: float = 0.95) -> tuple[float, float]:
    """
    Return the exact interval of a share that is 0 or 1 in every group, where resampling has nothing to vary.

    Parameters
    ----------
    groups : int
        How many agree.
    all_are : bool
        Whether the share is 1; else it is 0.
    level : float
        Confidence level.

    Returns
    -------
    low, high : float
        In [0, 1].

    References
    ----------
    .. [1] Clopper, Pearson 1934, doi:10.1093/biomet/26.4.404. Checked: tests/reference/test_resampling.py (none of
       ten: 0 to 0.3085, as in printed tables).
    """
    interval = stats.binomtest(groups if all_are else 0, groups).proportion_ci(level, method="exact")
    return float(interval.low), float(interval.high)


def weighted_mean(values: Any, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Return the mean of the values that are there.

    Parameters
    ----------
    values : array_like of float, shape (members,)
        NaN where there is none.
    weights : ndarray of float64, shape (resamples, members)
        How often each counts.

    Returns
    -------
    ndarray of float64, shape (resamples,)
        NaN where nothing counts.
    """
    given = np.asarray(values, np.float64)
    there = np.isfinite(given)
    return ratio(weights[:, there] @ given[there], weights[:, there].sum(axis=1))


def weighted_median(values: Any, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Return the median of the values that are there, each counted as often as its weight says.

    Parameters
    ----------
    values : array_like of float, shape (members,)
        NaN where there is none.
    weights : ndarray of float64, shape (resamples, members)
        Whole numbers.

    Returns
    -------
    ndarray of float64, shape (resamples,)
        Mean of the two middle values where the number is even; NaN where nothing counts.
    """
    given = np.asarray(values, np.float64)
    there = np.flatnonzero(np.isfinite(given))
    if not len(there):
        return np.full(len(weights), np.nan)
    there = there[np.argsort(given[there], kind="stable")]
    reached = np.cumsum(weights[:, there], axis=1)
    half = reached[:, -1:] / 2
    low, high = (reached >= half).argmax(axis=1), (reached > half).argmax(axis=1)
    return np.where(reached[:, -1] > 0, (given[there][low] + given[there][high]) / 2, np.nan)
