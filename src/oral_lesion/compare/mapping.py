"""Points and pictures of a follow-up, brought to the baseline's frame by a registration."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from oral_lesion.errors import InputError
from oral_lesion.numerics.geometry import apply_homography_xy
from oral_lesion.records import Registration, RegistrationQuality

__all__ = ["compose", "identity_registration", "map_to_baseline", "warp_to_baseline"]

_ROUNDS = 6
_CHAIN_STEP_PX = 20.0


def map_to_baseline(registration: Registration, points_xy: ArrayLike) -> NDArray[np.float64]:
    """
    Map points of the follow-up's standardized picture to the baseline's.

    Parameters
    ----------
    registration : Registration
        Of a registered pair.
    points_xy : array_like, shape (n, 2)
        (x, y) in the follow-up's pixels.

    Returns
    -------
    ndarray of float64, shape (n, 2)
        (x, y) in the baseline's pixels.

    Raises
    ------
    InputError
        Where the pair is not registered.
    """
    arrived = apply_homography_xy(_matrix_of(registration), np.asarray(points_xy, dtype=np.float64).reshape(-1, 2))
    return arrived + _displacement_at(registration, arrived)


def warp_to_baseline(
    picture: NDArray[Any],
    registration: Registration,
    baseline_shape: tuple[int, int],
    *,
    step_px: int = 1,
    margin_px: int = 0,
) -> NDArray[Any]:
    """
    Bring a map of the follow-up to the baseline's frame, for looking and for linking; no area is taken from it.

    Parameters
    ----------
    picture : ndarray of float32, uint8, int32 or bool, shape (height, width) or (height, width, 3)
        In the follow-up's standardized geometry. Floats are interpolated; all else takes the nearest pixel.
    registration : Registration
        Of a registered pair.
    baseline_shape : tuple of int
        (height, width) of the baseline's standardized picture.
    step_px : int
        Takes every n-th pixel of the baseline's frame, 1 or more.
    margin_px : int
        Width of what is added around the baseline's picture, in its pixels.

    Returns
    -------
    ndarray, same dtype
        0 where the follow-up does not reach.

    Raises
    ------
    InputError
        Where the pair is not registered.
    """
    follow_up_from_baseline = np.linalg.inv(_matrix_of(registration))
    height, width = (-(-(length + 2 * margin_px) // step_px) for length in baseline_shape)
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).reshape(-1, 2)
    wanted = np.asarray(pixels * step_px - margin_px, dtype=np.float64)
    before = wanted.copy()
    if registration.displacement_xy_px is not None:
        # The displacement is known where points arrive before it; it never folds, so this converges.
        for _ in range(_ROUNDS):
            before = wanted - _displacement_at(registration, before)
    source = apply_homography_xy(follow_up_from_baseline, before).astype(np.float32).reshape(height, width, 2)
    as_float = np.issubdtype(picture.dtype, np.floating)
    held = picture.astype(np.float32)
    warped = cv2.remap(
        held, source[..., 0], source[..., 1], cv2.INTER_LINEAR if as_float else cv2.INTER_NEAREST, borderValue=0
    )
    return np.asarray(warped).astype(picture.dtype)


def identity_registration() -> Registration:
    """
    Return the registration of a photo to itself.

    Returns
    -------
    Registration
    """
    return Registration(
        registered=True,
        failure=None,
        quality=RegistrationQuality.GOOD,
        residual_mm=0.0,
        overlap_fraction=1.0,
        correlation=1.0,
        baseline_xy_from_follow_up_xy=np.eye(3),
    )


def compose(outer: Registration, inner: Registration, baseline_shape: tuple[int, int]) -> Registration:
    """
    Chain two registrations, for a visit that can be aligned to the baseline only by way of another visit.

    Parameters
    ----------
    outer : Registration
        From the visit between to the baseline.
    inner : Registration
        From the follow-up to the visit between.
    baseline_shape : tuple of int
        (height, width) of the baseline's standardized picture.

    Returns
    -------
    Registration
        Inliers, overlap and correlation are the lower of both, residuals add in quadrature; quality is ``fair``.

    Raises
    ------
    InputError
        Where one of both is not registered.
    """
    matrix = _matrix_of(outer) @ _matrix_of(inner)
    height, width = baseline_shape
    columns, rows = (max(2, int(np.ceil(side / _CHAIN_STEP_PX)) + 1) for side in (width, height))
    nodes = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2) * _CHAIN_STEP_PX
    from_nodes = apply_homography_xy(np.linalg.inv(matrix), nodes)
    moved = map_to_baseline(outer, map_to_baseline(inner, from_nodes)) - nodes
    return Registration(
        registered=True,
        failure=None,
        quality=RegistrationQuality.FAIR,
        mirrored=outer.mirrored != inner.mirrored,
        matches=min(outer.matches, inner.matches),
        inliers=min(outer.inliers, inner.inliers),
        residual_mm=float(np.hypot(outer.residual_mm or 0.0, inner.residual_mm or 0.0)),
        overlap_fraction=min(outer.overlap_fraction or 0.0, inner.overlap_fraction or 0.0),
        correlation=min(outer.correlation or 0.0, inner.correlation or 0.0),
        baseline_xy_from_follow_up_xy=matrix,
        displacement_xy_px=moved.reshape(rows, columns, 2).astype(np.float32),
        displacement_step_px=_CHAIN_STEP_PX,
    )


def _matrix_of(registration: Registration) -> NDArray[np.float64]:
    if registration.baseline_xy_from_follow_up_xy is None:
        raise InputError(f"registration: expected a registered pair, got one that failed ({registration.failure}).")
    return registration.baseline_xy_from_follow_up_xy


def _displacement_at(registration: Registration, points_xy: NDArray[np.float64]) -> NDArray[np.float64]:
    lattice = registration.displacement_xy_px
    if lattice is None:
        return np.zeros_like(points_xy)
    place = points_xy / registration.displacement_step_px
    limits = np.array([lattice.shape[1] - 1.0, lattice.shape[0] - 1.0])
    place = np.clip(place, 0.0, limits)
    corner = np.minimum(np.floor(place), limits - 1.0).astype(np.int64)
    (x, y), (part_x, part_y) = corner.T, (place - corner).T[..., None]
    top = lattice[y, x] * (1 - part_x) + lattice[y, x + 1] * part_x
    bottom = lattice[y + 1, x] * (1 - part_x) + lattice[y + 1, x + 1] * part_x
    return np.asarray(top * (1 - part_y) + bottom * part_y, dtype=np.float64)
