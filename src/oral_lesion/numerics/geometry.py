"""Homographies, and resampling between a photo and its standardized picture."""

from __future__ import annotations

import math
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from oral_lesion.errors import InputError

__all__ = [
    "apply_homography_xy",
    "clip_polygon",
    "fit_homography",
    "homography_weight",
    "jacobian",
    "local_scale",
    "map_points_rc",
    "resample_to_standard",
    "shrink",
    "shrink_factor",
    "warp_to_photo",
    "warp_to_standard",
]

Interpolation = Literal["nearest", "linear"]


def apply_homography_xy(homography: NDArray[np.floating[Any]], points_xy: ArrayLike) -> NDArray[np.float64]:
    """
    Map points by a homography.

    Parameters
    ----------
    homography : ndarray of float64, shape (3, 3)
        Acts on (x, y, 1) columns.
    points_xy : array_like, shape (..., 2)
        Points (x, y).

    Returns
    -------
    ndarray of float64, shape (..., 2)
        Mapped points; not finite on the homography's horizon.
    """
    points = np.asarray(points_xy, dtype=np.float64)
    mapped = points @ homography[:, :2].T + homography[:, 2]
    return np.asarray(mapped[..., :2] / mapped[..., 2:], dtype=np.float64)


def map_points_rc(homography_xy: NDArray[np.floating[Any]], points_rc: ArrayLike) -> NDArray[np.float64]:
    """
    Map (row, column) points by a homography on (x, y, 1) columns.

    Parameters
    ----------
    homography_xy : ndarray of float64, shape (3, 3)
        Acts on (x, y, 1) columns.
    points_rc : array_like, shape (..., 2)
        Points (row, column).

    Returns
    -------
    ndarray of float64, shape (..., 2)
        Points (row, column).
    """
    return apply_homography_xy(homography_xy, np.asarray(points_rc, dtype=np.float64)[..., ::-1])[..., ::-1]


def homography_weight(homography: NDArray[np.floating[Any]], points_xy: ArrayLike) -> NDArray[np.float64]:
    """
    Return the third homogeneous coordinate of mapped points: its sign tells the side of the horizon.

    Parameters
    ----------
    homography : ndarray of float64, shape (3, 3)
        Acts on (x, y, 1) columns.
    points_xy : array_like, shape (..., 2)
        Points (x, y).

    Returns
    -------
    ndarray of float64, shape (...)
        Proportional to the inverse of the distance along the optical axis where the homography is a plane's view.
    """
    points = np.asarray(points_xy, dtype=np.float64)
    return np.asarray(points @ homography[2, :2] + homography[2, 2], dtype=np.float64)


def jacobian(homography: NDArray[np.floating[Any]], points_xy: ArrayLike) -> NDArray[np.float64]:
    """
    Return the derivative of a homography at points.

    Parameters
    ----------
    homography : ndarray of float64, shape (3, 3)
        Acts on (x, y, 1) columns.
    points_xy : array_like, shape (..., 2)
        Points (x, y).

    Returns
    -------
    ndarray of float64, shape (..., 2, 2)
        Rows: mapped x, y; columns: derivative by x, y.
    """
    weight = homography_weight(homography, points_xy)[..., None, None]
    mapped = apply_homography_xy(homography, points_xy)
    return np.asarray((homography[:2, :2] - mapped[..., :, None] * homography[2, :2]) / weight, dtype=np.float64)


def local_scale(homography: NDArray[np.floating[Any]], points_xy: ArrayLike) -> NDArray[np.float64]:
    """
    Return how much a homography magnifies lengths at points, averaged over directions.

    Parameters
    ----------
    homography : ndarray of float64, shape (3, 3)
        Acts on (x, y, 1) columns.
    points_xy : array_like, shape (..., 2)
        Points (x, y) before mapping.

    Returns
    -------
    ndarray of float64, shape (...)
        ``sqrt(|det J|)``: its square is the magnification of a small area. A homography from mm to px gives px/mm.
    """
    det_h = abs(float(np.linalg.det(homography)))
    return np.asarray(np.sqrt(det_h / np.abs(homography_weight(homography, points_xy)) ** 3), dtype=np.float64)


def fit_homography(points_xy: ArrayLike, mapped_xy: ArrayLike) -> NDArray[np.float64]:
    """
    Fit a homography to point pairs by normalised direct linear transformation.

    Parameters
    ----------
    points_xy, mapped_xy : array_like, shape (n, 2)
        At least four pairs, no three of four collinear.

    Returns
    -------
    ndarray of float64, shape (3, 3)
        Maps `points_xy` to `mapped_xy`; last element 1.

    Raises
    ------
    InputError
        With fewer than four pairs or a degenerate arrangement.

    References
    ----------
    .. [1] Hartley, Zisserman, Multiple View Geometry, 2nd ed., algorithm 4.2.
    """
    source, target = np.asarray(points_xy, float), np.asarray(mapped_xy, float)
    if source.shape != target.shape or source.ndim != 2 or len(source) < 4:
        raise InputError(f"points_xy, mapped_xy: expected two (n, 2), n >= 4, got {source.shape}, {target.shape}.")
    t_source, t_target = _normalising(source), _normalising(target)
    x, y = apply_homography_xy(t_source, source).T
    u, v = apply_homography_xy(t_target, target).T
    zero, one = np.zeros_like(x), np.ones_like(x)
    rows_u = np.stack([x, y, one, zero, zero, zero, -u * x, -u * y, -u], axis=1)
    rows_v = np.stack([zero, zero, zero, x, y, one, -v * x, -v * y, -v], axis=1)
    _, singular, basis = np.linalg.svd(np.concatenate([rows_u, rows_v]))
    homography = np.linalg.inv(t_target) @ basis[-1].reshape(3, 3) @ t_source
    if singular[7] < 1e-9 * singular[0] or abs(homography[2, 2]) < 1e-12 * np.abs(homography).max():
        raise InputError("points_xy: degenerate arrangement; give four points, no three of them in line.")
    return np.asarray(homography / homography[2, 2], dtype=np.float64)


def _normalising(points: NDArray[np.float64]) -> NDArray[np.float64]:
    centre = points.mean(axis=0)
    spread = float(np.sqrt(np.mean(np.sum((points - centre) ** 2, axis=1)))) or 1.0
    k = math.sqrt(2.0) / spread
    return np.array([[k, 0.0, -k * centre[0]], [0.0, k, -k * centre[1]], [0.0, 0.0, 1.0]])


def clip_polygon(polygon_xy: NDArray[np.floating[Any]], side: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """
    Clip a convex polygon by a half-plane.

    Parameters
    ----------
    polygon_xy : ndarray of float64, shape (n, 2)
        Corners in order.
    side : ndarray of float64, shape (3,)
        Keeps points with ``side @ (x, y, 1) >= 0``.

    Returns
    -------
    ndarray of float64, shape (m, 2)
        Corners of what is left; m = 0 where nothing is.

    References
    ----------
    .. [1] Sutherland, Hodgman 1974, doi:10.1145/360767.360802.
    """
    distance = polygon_xy @ side[:2] + side[2]
    kept: list[NDArray[np.float64]] = []
    for index in range(len(polygon_xy)):
        following = (index + 1) % len(polygon_xy)
        d_here, d_next = distance[index], distance[following]
        if d_here >= 0:
            kept.append(polygon_xy[index])
        if (d_here >= 0) != (d_next >= 0):
            kept.append(polygon_xy[index] + (polygon_xy[following] - polygon_xy[index]) * d_here / (d_here - d_next))
    return np.array(kept, dtype=np.float64).reshape(-1, 2)


def shrink(picture: NDArray[Any], factor: int) -> NDArray[Any]:
    """
    Shrink a picture by an integer factor: each pixel is the mean of factor × factor pixels.

    Parameters
    ----------
    picture : ndarray, shape (height, width) or (height, width, channels)
        uint8 or float32.
    factor : int
        At least 1. Rows and columns beyond a multiple of it are left out.

    Returns
    -------
    ndarray, same dtype
        Pixel (x, y) of the result lies at ``factor * (x, y) + (factor - 1) / 2`` of the picture.
    """
    if factor == 1:
        return picture
    height, width = picture.shape[0] // factor, picture.shape[1] // factor
    whole = picture[: height * factor, : width * factor]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA))


def shrink_factor(
    photo_xy_from_standard_xy: NDArray[np.floating[Any]],
    standard_shape: tuple[int, int],
    photo_shape: tuple[int, int],
) -> int:
    """
    Return by how much a photo is shrunk before it is warped, so that each of its pixels counts.

    Parameters
    ----------
    photo_xy_from_standard_xy : ndarray of float64, shape (3, 3)
        Homography from the standardized picture's pixels to the photo's.
    standard_shape, photo_shape : tuple of int
        (height, width).

    Returns
    -------
    int
        At least 1; leaves 0.85 to 1.7 shrunk pixels per standardized pixel at the middle of the picture.
    """
    height, width = standard_shape
    photo_px = float(local_scale(photo_xy_from_standard_xy, ((width - 1) / 2.0, (height - 1) / 2.0)))
    return max(1, min(int(photo_px + 0.3), min(photo_shape)))


def resample_to_standard(
    picture: NDArray[Any],
    photo_xy_from_standard_xy: NDArray[np.floating[Any]],
    standard_shape: tuple[int, int],
) -> NDArray[Any]:
    """
    Resample a photo, or a map in its geometry, to the standardized picture's pixels.

    Block means by `shrink`, then bilinear interpolation: an area keeps its size to well below a percent.

    Parameters
    ----------
    picture : ndarray of uint8 or float32, shape (height, width) or (height, width, 3)
        In the upright photo's geometry.
    photo_xy_from_standard_xy : ndarray of float64, shape (3, 3)
        Homography from the standardized picture's pixels to the photo's.
    standard_shape : tuple of int
        (height, width) of the result.

    Returns
    -------
    ndarray, same dtype
        0 where the photo does not reach.
    """
    photo_shape = (picture.shape[0], picture.shape[1])
    factor = shrink_factor(photo_xy_from_standard_xy, standard_shape, photo_shape)
    offset = (factor - 1) / 2.0
    shrunk_from_photo = np.array([[1.0, 0.0, -offset], [0.0, 1.0, -offset], [0.0, 0.0, factor]])
    height, width = standard_shape
    return np.asarray(
        cv2.warpPerspective(
            shrink(picture, factor),
            shrunk_from_photo @ photo_xy_from_standard_xy,
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=0,
        )
    )


def warp_to_standard(
    array_photo: NDArray[Any],
    photo_xy_from_standard_xy: NDArray[np.floating[Any]],
    standard_shape: tuple[int, int],
) -> NDArray[np.float32]:
    """
    Bring a map in the photo's geometry to the standardized picture, resampled exactly as the picture was.

    Parameters
    ----------
    array_photo : ndarray of float, bool or uint8, shape (height, width)
        A mask or a map of fractions; uint8 is divided by 255.
    photo_xy_from_standard_xy : ndarray of float64, shape (3, 3)
        Homography from the standardized picture's pixels to the photo's.
    standard_shape : tuple of int
        (height, width) of the standardized picture.

    Returns
    -------
    ndarray of float32, shape `standard_shape`
        Area-weighted, in [0, 1]; 0 outside the photo.

    Raises
    ------
    InputError
        Where `array_photo` is not two-dimensional.
    """
    if array_photo.ndim != 2:
        raise InputError(f"array_photo: expected (height, width), got {array_photo.shape}.")
    fraction = array_photo.astype(np.float32)
    if array_photo.dtype == np.uint8:
        fraction /= np.float32(255.0)
    warped = resample_to_standard(fraction, photo_xy_from_standard_xy, standard_shape)
    _clear_beyond_horizon(warped, photo_xy_from_standard_xy)
    return np.asarray(np.clip(warped, 0.0, 1.0), dtype=np.float32)


def warp_to_photo(
    array_standard: NDArray[Any],
    photo_xy_from_standard_xy: NDArray[np.floating[Any]],
    photo_shape: tuple[int, int],
    interpolation: Interpolation = "linear",
) -> NDArray[Any]:
    """
    Bring a map of the standardized picture back to the upright photo's geometry.

    Parameters
    ----------
    array_standard : ndarray of float32, uint8 or bool, shape (height, width) or (height, width, 3)
        In the standardized picture's geometry.
    photo_xy_from_standard_xy : ndarray of float64, shape (3, 3)
        Homography from the standardized picture's pixels to the photo's.
    photo_shape : tuple of int
        (height, width) of the upright photo.
    interpolation : {"linear", "nearest"}
        Use ``"nearest"`` for labels and masks.

    Returns
    -------
    ndarray, same dtype
        0 where the standardized picture does not reach.
    """
    as_bool = array_standard.dtype == np.bool_
    source = array_standard.astype(np.uint8) if as_bool else np.ascontiguousarray(array_standard)
    flag = cv2.INTER_NEAREST if as_bool or interpolation == "nearest" else cv2.INTER_LINEAR
    standard_from_photo = np.linalg.inv(photo_xy_from_standard_xy)
    middle = apply_homography_xy(photo_xy_from_standard_xy, ((source.shape[1] - 1) / 2.0, (source.shape[0] - 1) / 2.0))
    if homography_weight(standard_from_photo, middle) < 0:
        standard_from_photo = -standard_from_photo
    height, width = photo_shape
    warped = np.asarray(
        cv2.warpPerspective(source, standard_from_photo, (width, height), flags=flag | cv2.WARP_INVERSE_MAP)
    )
    _clear_beyond_horizon(warped, standard_from_photo)
    return warped.astype(np.bool_) if as_bool else warped


def _clear_beyond_horizon(warped: NDArray[Any], source_from_warped: NDArray[np.floating[Any]]) -> None:
    height, width = warped.shape[:2]
    corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], dtype=np.float64)
    if (homography_weight(source_from_warped, corners) > 0).all():
        return
    x, y, one = source_from_warped[2]
    weight = x * np.arange(width)[None, :] + y * np.arange(height)[:, None] + one
    warped[weight <= 0] = 0
