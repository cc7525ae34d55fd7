"""Erosions in the picture: how much of each pixel they cover, and what they look like."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.geometry import apply_homography_xy
from oral_lesion.phantom.background import Background
from oral_lesion.phantom.outline import LesionShape, polygon_coverage
from oral_lesion.phantom.tissue import Tissue

__all__ = ["background_coverage", "outline_coverage", "paint_erosions"]

Picture = NDArray[np.float32]

# Linear sRGB of raw floor, fibrin film and inflamed rim.
_FLOOR, _DEEP = (0.43, 0.058, 0.055), (0.30, 0.028, 0.030)
_FIBRIN, _HALO = (0.80, 0.54, 0.37), (0.52, 0.085, 0.085)
_HALO_MM = 0.9
_SUBPIXELS = 3
_STRIP_ROWS = 256


def outline_coverage(
    lesions: Sequence[LesionShape], homography: NDArray[np.float64], shape: tuple[int, int]
) -> Picture:
    """
    Return the share of each pixel that outlines on the plane cover.

    Parameters
    ----------
    lesions : sequence of LesionShape
        Apart from each other.
    homography : ndarray of float64, shape (3, 3)
        From mm to pixels.
    shape : tuple of int
        (height, width) of the picture.

    Returns
    -------
    ndarray of float32, shape `shape`
        In [0, 1].
    """
    coverage = np.zeros(shape, dtype=np.float32)
    for lesion in lesions:
        covered = polygon_coverage(apply_homography_xy(homography, lesion.outline_xy_mm()), shape)
        if covered is not None:
            coverage[covered.rows, covered.columns] += covered.share
    return np.minimum(coverage, 1.0, out=coverage)


def background_coverage(
    background: Background, to_photo_from_mm: NDArray[np.float64], shape: tuple[int, int]
) -> tuple[Picture, NDArray[np.bool_]]:
    """
    Return where a photograph's erosions, and what its mask ignores, lie in the picture.

    Parameters
    ----------
    background : Background
        With its smoothed mask.
    to_photo_from_mm : ndarray of float64, shape (3, 3)
        From mm about the photograph's middle to pixels.
    shape : tuple of int
        (height, width) of the picture.

    Returns
    -------
    coverage : ndarray of float32, shape `shape`
        Share of each pixel inside of the contour, from 3 × 3 samples.
    ignored : ndarray of bool, shape `shape`
        Nearest pixel of the mask.
    """
    height, width = shape
    to_photo = to_photo_from_mm @ background.plane_mm_from_px
    coverage = np.zeros(shape, dtype=np.float32)
    finer = np.array(
        [[_SUBPIXELS, 0.0, (_SUBPIXELS - 1) / 2], [0.0, _SUBPIXELS, (_SUBPIXELS - 1) / 2], [0.0, 0.0, 1.0]]
    )
    for top in range(0, height, _STRIP_ROWS):
        rows = min(height, top + _STRIP_ROWS) - top
        up = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, -float(top)], [0.0, 0.0, 1.0]])
        field = cv2.warpPerspective(
            background.erosion_field, finer @ up @ to_photo, (width * _SUBPIXELS, rows * _SUBPIXELS),
            flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        inside = (field >= background.erosion_level).astype(np.float32)
        coverage[top : top + rows] = cv2.resize(inside, (width, rows), interpolation=cv2.INTER_AREA)
    coverage *= _inside_photograph(background, to_photo, shape)
    ignored = cv2.warpPerspective(background.ignored, to_photo, (width, height), flags=cv2.INTER_NEAREST)
    return coverage, ignored.astype(np.bool_)


def _inside_photograph(background: Background, to_photo: NDArray[np.float64], shape: tuple[int, int]) -> Picture:
    height, width = background.erosion_field.shape
    right, bottom = width - 0.5, height - 0.5
    corners = np.array([[-0.5, -0.5], [right, -0.5], [right, bottom], [-0.5, bottom]])
    inside = np.zeros(shape, dtype=np.float32)
    covered = polygon_coverage(apply_homography_xy(to_photo, corners), shape)
    if covered is not None:
        inside[covered.rows, covered.columns] = covered.share
    return inside


def paint_erosions(
    picture: Picture, coverage: Picture, tissue: Tissue, to_photo: NDArray[np.float64], *, mm_per_px: float,
    softness_mm: float,
) -> None:  # fmt: skip
    """
    Paint a red halo and the raw floor with its film where erosions are.

    The halo is inflamed but whole, and no part of the erosion.

    Parameters
    ----------
    picture : ndarray of float32, shape (height, width, 3)
        Reflectance; changed in place.
    coverage : ndarray of float32, shape (height, width)
        Share of each pixel that is erosion.
    tissue : Tissue
        Its film patterns the floor.
    to_photo : ndarray of float64, shape (3, 3)
        From the tissue's raster to pixels.
    mm_per_px : float
        Scale of the picture.
    softness_mm : float
        Standard deviation of the colour's transition at the edge.
    """
    rows, columns = np.nonzero(coverage.any(axis=1))[0], np.nonzero(coverage.any(axis=0))[0]
    if not len(rows):
        return
    margin = int(np.ceil((4 * _HALO_MM + 3 * softness_mm) / mm_per_px)) + 2
    height, width = coverage.shape
    top, bottom = max(0, int(rows[0]) - margin), min(height, int(rows[-1]) + margin + 1)
    left, right = max(0, int(columns[0]) - margin), min(width, int(columns[-1]) + margin + 1)
    window, share = picture[top:bottom, left:right], coverage[top:bottom, left:right]
    shift = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top], [0.0, 0.0, 1.0]])
    film: Picture = cv2.warpPerspective(  # type: ignore[assignment] # float32 stays float32
        tissue.film, shift @ to_photo, (right - left, bottom - top), flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )  # fmt: skip
    _paint_window(window, share, film, _HALO_MM / mm_per_px, softness_mm / mm_per_px)


def _paint_window(window: Picture, share: Picture, film: Picture, halo_px: float, softness_px: float) -> None:
    near = _soft(share, halo_px)
    halo = np.clip(2.0 * near, 0, 1) * np.clip(0.75 + 0.15 * film, 0.3, 1)
    _blend(window, halo.astype(np.float32), _HALO)
    inside = _soft(share, softness_px) if softness_px > 0.1 else share
    depth = _soft(share, 2 * halo_px)
    deep = np.clip(0.25 + 0.25 * film, 0, 0.8)[:, :, None]
    floor = np.array(_FLOOR, np.float32) * (1 - deep) + np.array(_DEEP, np.float32) * deep
    fibrin = (np.clip(0.42 * film - 0.1 + 0.9 * (depth - 0.6), 0, 0.9))[:, :, None]
    floor += fibrin * (np.array(_FIBRIN, np.float32) - floor)
    relief = window.mean(axis=2) / np.float32(max(1e-6, float(window.mean())))
    floor *= (np.clip(relief, 0.4, 1.5) * (0.94 + 0.08 * np.clip(film, -2, 2)))[:, :, None]
    window += inside[:, :, None] * (floor - window)


def _soft(share: Picture, sigma_px: float) -> Picture:
    """Blur on a reduced copy where the blur is wide."""
    step = max(1, int(sigma_px / 3))
    if step == 1:
        blurred = cv2.GaussianBlur(share, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE)
        return np.asarray(blurred, dtype=np.float32)
    height, width = share.shape
    small = cv2.resize(share, (max(1, width // step), max(1, height // step)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma_px / step, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _blend(window: Picture, amount: Picture, target: tuple[float, float, float]) -> None:
    window += amount[:, :, None] * (np.array(target, dtype=np.float32) - window)
