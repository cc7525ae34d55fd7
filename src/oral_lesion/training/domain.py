"""The domain rule: what mean features of mouths look like, and in which direction other surfaces lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import InputError
from oral_lesion.segment.domain import DomainLimits
from oral_lesion.training.exported import DomainProjection

__all__ = ["PERCENTILE", "RULE", "DomainFit", "fit_domain"]

PERCENTILE = 98.5
"""Two limits are set on whole pictures: about three mouths in a hundred lie beyond; by their best window, fewer."""

RULE = (
    "A photo is flagged `out-of-domain` where in each of its windows of 384 × 384 px the mean features lie too far "
    "from those of mouths (Mahalanobis distance, 32 principal axes), or too far towards known other surfaces (ridge "
    "discriminant)."
)

_AXES = 32
_SHRINKAGE = 0.1
_RIDGE = 0.3
_FOLDS = 5
_LEAST_PICTURES = 20
_LEAST_CONTRAST = 0.1

Features = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DomainFit:
    """
    A fitted domain rule.

    Parameters
    ----------
    projection : DomainProjection
        From the encoder's features to those of the rule.
    limits : DomainLimits
        At the percentile of held-out mouths.
    """

    projection: DomainProjection
    limits: DomainLimits


def fit_domain(inside: Features, groups: Sequence[str], outside: Features) -> DomainFit:
    """
    Fit the domain rule.

    Parameters
    ----------
    inside : ndarray of float64, shape (pictures, channels)
        Mean features of mouths.
    groups : sequence of str
        Scene or patient of each; those of one are held out together.
    outside : ndarray of float64, shape (other pictures, channels)
        Mean features of known other surfaces; may be empty, and then only the distance counts.

    Returns
    -------
    DomainFit
        Its limits come from five-fold cross-validation, its projection from all pictures.

    Raises
    ------
    InputError
        There are fewer than 20 mouths, or one group alone.

    References
    ----------
    .. [1] Lee et al. 2018, arXiv:1807.03888 (Mahalanobis distance); Hoerl, Kennard 1970,
       doi:10.1080/00401706.1970.10488634 (ridge).
       Checked: tests/training/test_domain.py, on drawn normal features with a known distance.
    """
    names = sorted(set(groups))
    if len(inside) < _LEAST_PICTURES or len(names) < 2:
        raise InputError(
            f"domain: expected at least {_LEAST_PICTURES} mouths of two groups or more, got {len(inside)} of "
            f"{len(names)}; give more pictures with --calibrate"
        )
    fold_of = {name: number % min(_FOLDS, len(names)) for number, name in enumerate(names)}
    folds = np.array([fold_of[group] for group in groups])
    distances, contrasts = np.empty(len(inside)), np.empty(len(inside))
    for fold in range(folds.max() + 1):
        held_out = folds == fold
        project = _projected_by(_fit(inside[~held_out], outside))
        features = project(inside[held_out])
        distances[held_out] = np.sqrt((features[:, :-1] ** 2).sum(axis=1))
        contrasts[held_out] = features[:, -1]
    contrast = max(float(np.percentile(contrasts, PERCENTILE)), _LEAST_CONTRAST) if len(outside) else 1.0
    return DomainFit(
        projection=_fit(inside, outside),
        limits=DomainLimits(distance=float(np.percentile(distances, PERCENTILE)), contrast=contrast),
    )


def _projected_by(projection: DomainProjection) -> Callable[[Features], Features]:
    return lambda features: features @ projection.weight.T.astype(np.float64) + projection.bias


def _fit(inside: Features, outside: Features) -> DomainProjection:
    """Fit whitening axes to the mouths, and the axis from them to the other surfaces."""
    mean, sd = inside.mean(axis=0), inside.std(axis=0) + 1e-6
    covariance = np.cov(((inside - mean) / sd).T)
    variances, axes = np.linalg.eigh(covariance)
    largest = np.argsort(variances)[::-1][:_AXES]
    shrunk = (1.0 - _SHRINKAGE) * variances[largest] + _SHRINKAGE
    whitening = axes[:, largest].T / np.sqrt(shrunk)[:, None]
    contrast = _contrast(covariance, (outside - mean) / sd) if len(outside) > 1 else np.zeros(len(mean))
    weight = np.vstack([whitening, contrast]) / sd
    return DomainProjection(weight=weight.astype(np.float32), bias=(-weight @ mean).astype(np.float32))


def _contrast(covariance: Features, outside: Features) -> Features:
    """Return the ridge discriminant from standardized mouths to other surfaces; mouths have unit variance along it."""
    pooled = (covariance + np.cov(outside.T)) / 2.0
    pooled *= len(pooled) / np.trace(pooled)
    axis = np.linalg.solve(pooled + _RIDGE * np.eye(len(pooled)), outside.mean(axis=0))
    return np.asarray(axis / np.sqrt(axis @ covariance @ axis))
