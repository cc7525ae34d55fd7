"""Align a follow-up's standardized photo to the baseline's, or say why that failed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.compare.consensus import Motion, fit_affine, fit_similarity, mapped, spread_mm
from oral_lesion.compare.features import (
    TissueFeatures,
    TissuePicture,
    find_features,
    match_mutually,
    match_nearby,
    tissue_picture,
)
from oral_lesion.compare.refine import Deformation, agree_with_neighbours, fit_deformation
from oral_lesion.compare.settings import RegistrationSettings
from oral_lesion.records import Registration, RegistrationFailure, RegistrationQuality, StandardizedPhoto

__all__ = ["register"]

Points = NDArray[np.float64]

_SEARCH_MM = 3.0
_SIGMAS = 3.0
_SMOOTHING_MM = 0.25
_FEWEST_OVERLAPPING_PX = 400


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Side:
    """One photo of the pair, as registration sees it."""

    photo: StandardizedPhoto
    picture: TissuePicture
    features: TissueFeatures


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """An alignment in mm, before it is judged."""

    matches: int
    motion: Motion
    deformation: Deformation
    inlier_xy: Points
    overlap_fraction: float
    correlation: float


def register(
    baseline: StandardizedPhoto,
    follow_up: StandardizedPhoto,
    *,
    settings: RegistrationSettings,
    mirrored: bool | None = None,
) -> Registration:
    """
    Align a follow-up to its baseline.

    Features on the tissue are matched; a similarity, then an affine motion, then a thin-plate spline where held-out
    matches ask for one, brings the follow-up to the baseline. Both photos are in mm, so the scale must be 1 within
    the uncertainties.

    Parameters
    ----------
    baseline, follow_up : StandardizedPhoto
        Of one site.
    settings : RegistrationSettings
        Resolution and limits.
    mirrored : bool or None
        Whether one of both shows the tissue mirrored; None where that is not declared: both are tried.

    Returns
    -------
    Registration
        Registered, or with the first limit that it misses.
    """
    first = _side(baseline, settings, mirrored=False)
    ways = (False, True) if mirrored is None else (mirrored,)
    tried = []
    for way in ways:
        tried.append(_attempt(first, _side(follow_up, settings, mirrored=way), settings, mirrored=way))
        if tried[-1].registered:
            return tried[-1]
    return max(tried, key=lambda one: one.inliers)


def _side(photo: StandardizedPhoto, settings: RegistrationSettings, *, mirrored: bool) -> _Side:
    picture = tissue_picture(photo, settings, mirrored=mirrored)
    return _Side(photo=photo, picture=picture, features=find_features(picture, settings))


def _attempt(first: _Side, second: _Side, settings: RegistrationSettings, *, mirrored: bool) -> Registration:
    fewest = min(len(first.features.xy_mm), len(second.features.xy_mm))
    if fewest < settings.min_inliers:
        return _failed(RegistrationFailure.FEW_FEATURES, fewest, settings.min_inliers)
    pairs = match_mutually(first.features, second.features)
    target, source = first.features.xy_mm[pairs[:, 0]], second.features.xy_mm[pairs[:, 1]]
    turn = first.features.angle_rad[pairs[:, 0]] - second.features.angle_rad[pairs[:, 1]]
    similarity = fit_similarity(source, target, turn)
    affine = fit_affine(source, target, similarity, settings.inlier_mm) if similarity is not None else None
    if affine is None:
        return _failed(RegistrationFailure.FEW_INLIERS, 0, settings.min_inliers, matches=len(pairs))
    found = _refined(first, second, affine, pairs, settings)
    missed = _missed_limit(first, second, found, settings)
    if missed is not None:
        return _failed(*missed, matches=len(pairs), found=found, mirrored=mirrored)
    return _registered(first, second, found, settings, mirrored=mirrored)


def _refined(
    first: _Side, second: _Side, affine: Motion, pairs: NDArray[np.intp], settings: RegistrationSettings
) -> _Found:
    """Look again for matches near the affine motion, fit what is left, and compare the pictures."""
    arrived = mapped(affine.matrix, second.features.xy_mm)
    near = match_nearby(first.features, second.features, arrived, _SEARCH_MM)
    source, target = arrived[near[:, 1]], first.features.xy_mm[near[:, 0]]
    kept = agree_with_neighbours(source, target) if len(source) else np.zeros(0, dtype=np.bool_)
    if np.count_nonzero(kept) < settings.min_inliers:
        kept_pairs = pairs[affine.agrees]
        source, target = arrived[kept_pairs[:, 1]], first.features.xy_mm[kept_pairs[:, 0]]
        kept = np.ones(len(source), dtype=np.bool_)
    height, width = first.photo.valid.shape
    mm_per_px = first.photo.scale.mm_per_px
    deformation = fit_deformation(source[kept], target[kept], (width * mm_per_px, height * mm_per_px), settings)
    overlap, correlation = _compare_pictures(first, second, affine.matrix, deformation)
    return _Found(
        matches=len(pairs),
        motion=affine,
        deformation=deformation,
        inlier_xy=first.features.xy_mm[pairs[affine.agrees, 0]],
        overlap_fraction=float(overlap),
        correlation=correlation,
    )


def _compare_pictures(first: _Side, second: _Side, matrix: Points, deformation: Deformation) -> tuple[float, float]:
    """Return the overlap of both tissues, over the smaller, and the correlation of their structure in it."""
    here, there = first.picture, second.picture
    height, width = here.tissue.shape
    x_mm, y_mm = (
        np.asarray(np.arange(count) * here.mm_per_px + here.offset_mm, dtype=np.float64) for count in (width, height)
    )
    places = np.stack(np.meshgrid(x_mm, y_mm), axis=-1)
    if deformation.lattice_mm is not None:
        places -= _lattice_over(deformation.lattice_mm, deformation.step_mm, x_mm, y_mm)
    back = np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]]))[:2]
    source = ((mapped(back, places.reshape(-1, 2)) - there.offset_mm) / there.mm_per_px).astype(np.float32)
    source = source.reshape(height, width, 2)
    tissue = cv2.remap(
        there.tissue.astype(np.uint8), source[..., 0], source[..., 1], cv2.INTER_NEAREST, borderValue=0
    ).astype(np.bool_)
    both = tissue & here.tissue
    area_here, area_there = (np.count_nonzero(side.tissue) * side.mm_per_px**2 for side in (here, there))
    overlap = np.count_nonzero(both) * here.mm_per_px**2 / max(min(area_here, area_there), 1e-9)
    if np.count_nonzero(both) < _FEWEST_OVERLAPPING_PX:
        return min(overlap, 1.0), 0.0
    sigma_px = _SMOOTHING_MM / here.mm_per_px
    one = cv2.GaussianBlur(here.structure, (0, 0), sigma_px)[both]
    other = cv2.GaussianBlur(
        cv2.remap(there.structure, source[..., 0], source[..., 1], cv2.INTER_LINEAR, borderValue=0), (0, 0), sigma_px
    )[both]
    one, other = one - one.mean(), other - other.mean()
    norm = math.sqrt(float(one @ one) * float(other @ other))
    return min(overlap, 1.0), float(one @ other) / norm if norm > 0 else 0.0


def _lattice_over(lattice_mm: Points, step_mm: float, x_mm: Points, y_mm: Points) -> Points:
    """Return the displacement at a grid of places; it varies so slowly that its argument needs no inversion here."""
    column, row = (
        np.ascontiguousarray(np.broadcast_to(values, (len(y_mm), len(x_mm))), dtype=np.float32)
        for values in (x_mm[None, :] / step_mm, y_mm[:, None] / step_mm)
    )
    lattice = lattice_mm.astype(np.float32)
    return np.asarray(cv2.remap(lattice, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _missed_limit(
    first: _Side, second: _Side, found: _Found, settings: RegistrationSettings
) -> tuple[RegistrationFailure, float, float] | None:
    """Return the first limit that an alignment misses, what was observed and what is demanded."""
    small, large = sorted(np.linalg.svd(found.motion.matrix[:, :2], compute_uv=False))
    u_scales = math.hypot(first.photo.scale.relative_u, second.photo.scale.relative_u)
    most = settings.max_scale_deviation + _SIGMAS * u_scales
    deviation = abs(math.log(math.sqrt(small * large))) if small > 0 else math.inf
    checks = (
        (RegistrationFailure.FEW_INLIERS, -float(len(found.inlier_xy)), -float(settings.min_inliers)),
        (RegistrationFailure.SCALE_IMPLAUSIBLE, deviation, most),
        (RegistrationFailure.SHEAR_IMPLAUSIBLE, large / max(small, 1e-9), settings.max_anisotropy),
        (RegistrationFailure.INLIERS_CLUSTERED, -spread_mm(found.inlier_xy), -settings.min_inlier_spread_mm),
        (RegistrationFailure.RESIDUAL_LARGE, found.deformation.residual_mm, settings.max_residual_mm),
        (RegistrationFailure.OVERLAP_SMALL, -found.overlap_fraction, -settings.min_overlap_fraction),
        (RegistrationFailure.PICTURES_DIFFER, -found.correlation, -settings.min_correlation),
    )
    for failure, observed, limit in checks:
        if not observed <= limit:
            return failure, abs(observed), abs(limit)
    return None


def _failed(
    failure: RegistrationFailure,
    observed: float,
    limit: float,
    *,
    matches: int = 0,
    found: _Found | None = None,
    mirrored: bool = False,
) -> Registration:
    return Registration(
        registered=False,
        failure=failure,
        observed=float(observed),
        limit=float(limit),
        mirrored=mirrored,
        matches=matches,
        inliers=0 if found is None else len(found.inlier_xy),
        residual_mm=None if found is None else found.deformation.residual_mm,
        overlap_fraction=None if found is None else found.overlap_fraction,
        correlation=None if found is None else found.correlation,
    )


def _registered(
    first: _Side, second: _Side, found: _Found, settings: RegistrationSettings, *, mirrored: bool
) -> Registration:
    here, there = first.photo.scale.mm_per_px, second.photo.scale.mm_per_px
    affine = np.vstack([found.motion.matrix, [0.0, 0.0, 1.0]])
    turned = np.eye(3)
    if mirrored:
        turned[0] = (-1.0, 0.0, second.photo.valid.shape[1] - 1.0)
    matrix = np.diag([1.0 / here, 1.0 / here, 1.0]) @ affine @ np.diag([there, there, 1.0]) @ turned
    lattice = found.deformation.lattice_mm
    ample = (
        len(found.inlier_xy) >= 2 * settings.min_inliers
        and found.deformation.residual_mm <= 0.5 * settings.max_residual_mm
        and found.overlap_fraction >= min(1.0, 1.5 * settings.min_overlap_fraction)
    )
    return Registration(
        registered=True,
        failure=None,
        quality=RegistrationQuality.GOOD if ample else RegistrationQuality.FAIR,
        mirrored=mirrored,
        matches=found.matches,
        inliers=len(found.inlier_xy),
        residual_mm=found.deformation.residual_mm,
        overlap_fraction=found.overlap_fraction,
        correlation=found.correlation,
        baseline_xy_from_follow_up_xy=matrix,
        displacement_xy_px=None if lattice is None else (lattice / here).astype(np.float32),
        displacement_step_px=0.0 if lattice is None else found.deformation.step_mm / here,
    )
