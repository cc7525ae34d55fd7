"""The tissue's own deformation between two visits: a thin-plate spline through matched features, and its checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.spatial import cKDTree

from oral_lesion.compare.settings import RegistrationSettings

__all__ = ["Deformation", "agree_with_neighbours", "fit_deformation", "least_jacobian"]

Points = NDArray[np.float64]

_UNIT_MM = 20.0
_STIFFNESS = (0.03, 0.3, 3.0)
_MOST_CONTROLS = 250
_FEWEST_CONTROLS = 24
_FOLDS = 4
_GAIN = 0.97
_NEIGHBOURS = 8
_DISAGREEMENT_MM = 0.8
_REACH_MM = 6.0
_FADE_MM = 10.0
_OUTLIER_MM = 2.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Deformation:
    """
    What is left between both photos after the affine motion.

    Parameters
    ----------
    lattice_mm : ndarray of float64, shape (rows, columns, 2), or None
        Displacement (x, y) at the nodes; None where it does not lower the held-out residual, or would fold tissue.
    step_mm : float
        Spacing of the nodes.
    residual_mm : float
        Median distance of matches that were held out of the fit that is used.
    """

    lattice_mm: Points | None
    step_mm: float
    residual_mm: float


def agree_with_neighbours(source_xy: Points, target_xy: Points) -> NDArray[np.bool_]:
    """
    Tell which matches move as the matches around them do.

    Parameters
    ----------
    source_xy, target_xy : ndarray of float64, shape (n, 2)
        Matched places in mm, the affine motion already applied to the source.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    count = min(_NEIGHBOURS, len(source_xy) - 1)
    if count < 3:
        return np.ones(len(source_xy), dtype=np.bool_)
    _, near = cKDTree(source_xy).query(source_xy, k=count + 1)
    gap = target_xy - source_xy
    usual = np.median(gap[near[:, 1:]], axis=1)
    agrees: NDArray[np.bool_] = np.hypot(*(gap - usual).T) <= _DISAGREEMENT_MM
    return agrees


def fit_deformation(
    source_xy: Points, target_xy: Points, extent_mm: tuple[float, float], settings: RegistrationSettings
) -> Deformation:
    """
    Fit a smooth displacement to matches, as stiff as matches that were held out ask for.

    Parameters
    ----------
    source_xy, target_xy : ndarray of float64, shape (n, 2)
        Matched places in mm in the baseline's frame, the affine motion already applied to the source.
    extent_mm : tuple of float
        Width and height of the baseline's picture.
    settings : RegistrationSettings
        Limits on displacement and folding.

    Returns
    -------
    Deformation

    References
    ----------
    .. [1] Bookstein 1989, doi:10.1109/34.24792 (thin-plate splines).
       Checked: tests/unit/compare/test_refine.py, an affine motion is reproduced and a bend is found.
    """
    plain = _held_out(source_xy, target_xy, None)
    step_mm = 2.0
    if len(source_xy) < _FEWEST_CONTROLS:
        return Deformation(lattice_mm=None, step_mm=step_mm, residual_mm=float(np.median(plain)))
    trials = {stiffness: _held_out(source_xy, target_xy, stiffness) for stiffness in _STIFFNESS}
    best = min(trials, key=lambda stiffness: _cost(trials[stiffness]))
    if _cost(trials[best]) > _GAIN * _cost(plain):
        return Deformation(lattice_mm=None, step_mm=step_mm, residual_mm=float(np.median(plain)))
    lattice = _lattice(source_xy, target_xy, best, extent_mm, step_mm)
    length = np.hypot(lattice[..., 0], lattice[..., 1])
    lattice *= np.minimum(1.0, settings.max_displacement_mm / np.maximum(length, 1e-9))[..., None]
    if least_jacobian(lattice, step_mm) < settings.min_jacobian:
        return Deformation(lattice_mm=None, step_mm=step_mm, residual_mm=float(np.median(plain)))
    return Deformation(lattice_mm=lattice, step_mm=step_mm, residual_mm=float(np.median(trials[best])))


def least_jacobian(lattice_mm: Points, step_mm: float) -> float:
    """
    Return the smallest local magnification of a displacement: 0 or less where it folds.

    Parameters
    ----------
    lattice_mm : ndarray of float64, shape (rows, columns, 2)
        Displacement (x, y) at the nodes, at least 2 × 2.
    step_mm : float
        Spacing of the nodes.

    Returns
    -------
    float
        Determinant of the Jacobian of ``p + d(p)``, over all corners of all cells.
    """
    by_x, by_y = np.diff(lattice_mm, axis=1) / step_mm, np.diff(lattice_mm, axis=0) / step_mm
    least = np.inf
    for x in (by_x[:-1], by_x[1:]):
        for y in (by_y[:, :-1], by_y[:, 1:]):
            determinant = (1 + x[..., 0]) * (1 + y[..., 1]) - x[..., 1] * y[..., 0]
            least = min(least, float(determinant.min()))
    return least


def _spline(source_xy: Points, target_xy: Points, stiffness: float) -> Any:
    cell = np.floor(source_xy / 1.5).astype(np.int64)
    _, group = np.unique(cell, axis=0, return_inverse=True)
    group = group.ravel()
    count = np.bincount(group).astype(np.float64)
    controls, gaps = (
        np.stack([np.bincount(group, values[:, axis]) / count for axis in (0, 1)], axis=1)
        for values in (source_xy, target_xy - source_xy)
    )
    # Every n-th of the cells, which are in order of place: evenly spread.
    kept = np.unique(np.linspace(0, len(controls) - 1, min(_MOST_CONTROLS, len(controls))).astype(np.int64))
    return RBFInterpolator(
        controls[kept] / _UNIT_MM, gaps[kept], kernel="thin_plate_spline", smoothing=stiffness / count[kept], degree=1
    )


def _held_out(source_xy: Points, target_xy: Points, stiffness: float | None) -> Points:
    """Return the distance of each match from where a fit without its own fold puts it."""
    order = np.lexsort(source_xy.T)
    fold = np.empty(len(order), dtype=np.int64)
    fold[order] = np.arange(len(order)) % _FOLDS
    left = np.zeros(len(source_xy))
    for number in range(_FOLDS):
        rest, own = fold != number, fold == number
        if stiffness is None:
            design = np.column_stack([source_xy, np.ones(len(source_xy))])
            solution, *_ = np.linalg.lstsq(design[rest], target_xy[rest], rcond=None)
            predicted = design[own] @ solution
        else:
            predicted = source_xy[own] + _spline(source_xy[rest], target_xy[rest], stiffness)(source_xy[own] / _UNIT_MM)
        left[own] = np.hypot(*(predicted - target_xy[own]).T)
    return left


def _cost(distance_mm: Points) -> float:
    return float(np.minimum(distance_mm, _OUTLIER_MM).mean())


def _lattice(
    source_xy: Points, target_xy: Points, stiffness: float, extent_mm: tuple[float, float], step_mm: float
) -> Points:
    """Evaluate the spline at the nodes; it fades out away from the matches, where it would only extrapolate."""
    columns, rows = (max(2, int(np.ceil(side / step_mm)) + 1) for side in extent_mm)
    nodes = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2) * step_mm
    away, _ = cKDTree(source_xy).query(nodes)
    share = np.exp(-np.square(np.maximum(0.0, away - _REACH_MM) / _FADE_MM))
    values: Points = _spline(source_xy, target_xy, stiffness)(nodes / _UNIT_MM) * share[:, None]
    return values.reshape(rows, columns, 2)
