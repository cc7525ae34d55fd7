"""Move a card found roughly onto the patches that can be seen."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.geometry import apply_homography_xy, fit_homography

__all__ = ["snap_to_patches"]

_MARGIN, _PX_PER_PITCH = 1.1, 20
_COLUMNS, _ROWS = 6, 4
_FEWEST_PATCHES = 10
_NEAR_PITCHES = 0.62
_AGREE_PITCHES = 0.12
_ROUNDS = 4


def snap_to_patches(srgb: NDArray[np.uint8], picture_from_grid: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """
    Fit the grid to the middles of bright blobs of a patch's size around a card of 4 rows of 6 patches.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Reduced photo.
    picture_from_grid : ndarray of float64, shape (3, 3)
        Homography from grid coordinates to its pixels, wrong by up to about half a pitch.

    Returns
    -------
    ndarray of float64, shape (3, 3), or None
        Better homography; None where too few patches stand out.
    """
    middles = _blob_middles(srgb, picture_from_grid)
    corrected = np.eye(3)
    for _ in range(_ROUNDS):
        found = apply_homography_xy(np.linalg.inv(corrected), middles)
        grid = np.clip(np.rint(found), 0, (_COLUMNS - 1, _ROWS - 1))
        near = np.abs(found - grid).max(axis=1) < _NEAR_PITCHES if len(found) else np.zeros(0, bool)
        if near.sum() < _FEWEST_PATCHES:
            return None
        # OpenCV's RANSAC draws from a generator of fixed seed: equal input gives equal output.
        affine, agree = cv2.estimateAffine2D(
            grid[near], middles[near], method=cv2.RANSAC, ransacReprojThreshold=2.0 * _AGREE_PITCHES
        )
        if affine is None or int(agree.sum()) < _FEWEST_PATCHES:
            return None
        corrected = np.vstack([affine, [0.0, 0.0, 1.0]])
    kept = agree.ravel().astype(bool)
    try:
        final = fit_homography(grid[near][kept], middles[near][kept])
    except ValueError:
        return None
    away = np.linalg.norm(apply_homography_xy(final, grid[near][kept]) - middles[near][kept], axis=1)
    if float(np.median(away)) > _AGREE_PITCHES:
        return None
    return np.asarray(picture_from_grid @ final, dtype=np.float64)


def _blob_middles(srgb: NDArray[np.uint8], picture_from_grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the middles (n, 2) of blobs about as large as a patch, in grid coordinates."""
    step = 1.0 / _PX_PER_PITCH
    grid_from_view = np.array([[step, 0.0, 0.5 * step - _MARGIN], [0.0, step, 0.5 * step - _MARGIN], [0.0, 0.0, 1.0]])
    size = tuple(round((count - 1 + 2 * _MARGIN) * _PX_PER_PITCH) for count in (_COLUMNS, _ROWS))
    view = cv2.warpPerspective(
        srgb,
        picture_from_grid @ grid_from_view,
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    block = 3 * _PX_PER_PITCH // 2 | 1
    bright = cv2.adaptiveThreshold(view.max(axis=2), 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, block, -2)
    _, _, stats, middles = cv2.connectedComponentsWithStats(bright, connectivity=4)
    width, height, area = (stats[:, index] * unit for index, unit in ((2, step), (3, step), (4, step**2)))
    patch = (width > 0.4) & (width < 1.1) & (height > 0.4) & (height < 1.1) & (area > 0.55 * width * height)
    return np.asarray((middles[patch] + 0.5) * step - _MARGIN, dtype=np.float64)
