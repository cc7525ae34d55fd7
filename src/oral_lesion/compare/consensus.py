"""Which matches agree on one motion of the tissue, and what motion that is."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Motion", "fit_affine", "fit_similarity", "mapped", "spread_mm"]

Points = NDArray[np.float64]

_MOST_HYPOTHESES = 800
_REFINED = 12
_COARSE_MM = 4.0
_FINE_MM = 2.0
_ROUNDS = 6
_USAC_ITERATIONS = 3000
_CONFIDENCE = 0.9999


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Motion:
    """
    A plane motion, and the matches that agree with it.

    Parameters
    ----------
    matrix : ndarray of float64, shape (2, 3)
        From follow-up mm to baseline mm.
    agrees : ndarray of bool, shape (matches,)
        Which matches are near enough.
    """

    matrix: Points
    agrees: NDArray[np.bool_]


def mapped(matrix: Points, xy: Points) -> Points:
    """
    Map points by an affine matrix.

    Parameters
    ----------
    matrix : ndarray of float64, shape (2, 3)
        Acts on (x, y, 1) columns.
    xy : ndarray of float64, shape (n, 2)
        Points.

    Returns
    -------
    ndarray of float64, shape (n, 2)
    """
    moved: Points = xy @ matrix[:, :2].T + matrix[:, 2]
    return moved


def fit_similarity(source_xy: Points, target_xy: Points, turn_rad: Points) -> Motion | None:
    """
    Find the rotation, translation and scale near 1 that most matches agree on.

    Both photos are in mm, and a feature has an orientation: each match alone is a hypothesis, so all of them are tried
    and nothing is drawn at random. The best are refined on the matches near them, with weights that fall
    smoothly with the distance, which marginalises over the noise's size as MAGSAC does [1]_.

    Parameters
    ----------
    source_xy, target_xy : ndarray of float64, shape (matches, 2)
        Matched places in mm, the clearest match first.
    turn_rad : ndarray of float64, shape (matches,)
        Orientation in the target minus that in the source.

    Returns
    -------
    Motion or None
        None with fewer than three matches.

    References
    ----------
    .. [1] Barath et al. 2020, doi:10.1109/CVPR42600.2020.00138 (MAGSAC++): weights from all noise levels up to a limit.
    """
    if len(source_xy) < 3:
        return None
    tried = slice(0, _MOST_HYPOTHESES)
    cos, sin = np.cos(turn_rad[tried]), np.sin(turn_rad[tried])
    turns = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)
    shifts = target_xy[tried] - np.einsum("hij,hj->hi", turns, source_xy[tried])
    score = np.zeros(len(turns))
    for index, (turn, shift) in enumerate(zip(turns, shifts, strict=True)):
        gap = source_xy @ turn.T + shift - target_xy
        score[index] = np.maximum(0.0, 1.0 - np.einsum("ij,ij->i", gap, gap) / _COARSE_MM**2).sum()
    starts = np.argsort(-score, kind="stable")[:_REFINED]
    refined = [_refine(np.column_stack([turns[i], shifts[i]]), source_xy, target_xy) for i in starts]
    weights = [_weights(matrix, source_xy, target_xy, _FINE_MM).sum() for matrix in refined]
    matrix = refined[int(np.argmax(weights))]
    return Motion(matrix=matrix, agrees=_weights(matrix, source_xy, target_xy, _COARSE_MM) > 0)


def fit_affine(source_xy: Points, target_xy: Points, near: Motion, inlier_mm: float) -> Motion | None:
    """
    Fit an affine motion to the matches near a similarity, by USAC with the MAGSAC score.

    Parameters
    ----------
    source_xy, target_xy : ndarray of float64, shape (matches, 2)
        Matched places in mm.
    near : Motion
        From `fit_similarity`.
    inlier_mm : float
        Distance within which a match agrees.

    Returns
    -------
    Motion or None
        None where fewer than six matches are near, or the motion would mirror the picture.

    References
    ----------
    .. [1] Raguram et al. 2013, doi:10.1109/TPAMI.2012.257 (USAC). Its generator starts from a fixed state.
    """
    if np.count_nonzero(near.agrees) < 6:
        return None
    parameters = cv2.UsacParams()
    parameters.score = cv2.SCORE_METHOD_MAGSAC
    parameters.sampler = cv2.SAMPLING_UNIFORM
    parameters.loMethod = cv2.LOCAL_OPTIM_INNER_LO
    parameters.threshold = inlier_mm
    parameters.confidence = _CONFIDENCE
    parameters.maxIterations = _USAC_ITERATIONS
    parameters.isParallel = False
    found, _ = cv2.estimateAffine2D(source_xy[near.agrees], target_xy[near.agrees], parameters)
    if found is None or not np.isfinite(found).all():
        return None
    matrix = np.asarray(found, dtype=np.float64)
    # Three points of a mirrored picture fit as well as any: what turns tissue over is not a motion of it.
    if np.linalg.det(matrix[:, :2]) <= 0:
        return None
    gap = np.hypot(*(mapped(matrix, source_xy) - target_xy).T)
    agrees = gap <= inlier_mm
    if np.count_nonzero(agrees) < 6:
        return None
    return Motion(matrix=_least_squares_affine(source_xy[agrees], target_xy[agrees]), agrees=agrees)


def spread_mm(xy: Points) -> float:
    """
    Return the standard deviation of points along the axis where it is smallest.

    Parameters
    ----------
    xy : ndarray of float64, shape (n, 2)
        Points in mm.

    Returns
    -------
    float
        mm; 0 for fewer than two points.
    """
    if len(xy) < 2:
        return 0.0
    return float(np.sqrt(max(0.0, float(np.linalg.eigvalsh(np.cov(xy.T))[0]))))


def _weights(matrix: Points, source_xy: Points, target_xy: Points, limit_mm: float) -> Points:
    gap = mapped(matrix, source_xy) - target_xy
    weight: Points = np.maximum(0.0, 1.0 - np.einsum("ij,ij->i", gap, gap) / limit_mm**2)
    return weight


def _refine(matrix: Points, source_xy: Points, target_xy: Points) -> Points:
    for limit_mm in np.geomspace(_COARSE_MM, _FINE_MM, _ROUNDS):
        weight = _weights(matrix, source_xy, target_xy, float(limit_mm))
        if np.count_nonzero(weight) < 3:
            return matrix
        matrix = _weighted_similarity(source_xy, target_xy, weight)
    return matrix


def _weighted_similarity(source_xy: Points, target_xy: Points, weight: Points) -> Points:
    """
    Fit a similarity by weighted least squares.

    References
    ----------
    .. [1] Umeyama 1991, doi:10.1109/34.88573. Checked: tests/unit/compare/test_consensus.py, on that paper's example.
    """
    share = weight / weight.sum()
    source_mean, target_mean = share @ source_xy, share @ target_xy
    source, target = source_xy - source_mean, target_xy - target_mean
    covariance = (target * share[:, None]).T @ source
    left, singular, right = np.linalg.svd(covariance)
    sign = np.array([1.0, np.sign(np.linalg.det(left @ right)) or 1.0])
    variance = float(share @ np.einsum("ij,ij->i", source, source))
    turn = (left * sign) @ right
    linear = turn * (float(singular @ sign) / max(variance, 1e-12))
    return np.column_stack([linear, target_mean - linear @ source_mean])


def _least_squares_affine(source_xy: Points, target_xy: Points) -> Points:
    design = np.column_stack([source_xy, np.ones(len(source_xy))])
    solution, *_ = np.linalg.lstsq(design, target_xy, rcond=None)
    return np.asarray(solution.T, dtype=np.float64)
