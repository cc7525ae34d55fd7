"""A pinhole camera that looks at a plane: pose, homography and local scale."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import InputError
from oral_lesion.numerics.geometry import apply_homography_xy

__all__ = ["Camera", "aim_camera", "focal_length_px_from_35mm"]

Matrix = NDArray[np.float64]

_DIAGONAL_35MM = math.hypot(36.0, 24.0)
_EDGE_SHARE = 0.008


def focal_length_px_from_35mm(focal_length_35mm_mm: float, width_px: int, height_px: int) -> float:
    """
    Return the focal length in pixels from its 35 mm equivalent, by the picture's diagonal.

    Parameters
    ----------
    focal_length_35mm_mm : float
        As in the EXIF tag FocalLengthIn35mmFilm: for a picture with the diagonal of 36 × 24 mm.
    width_px, height_px : int
        Size of the picture.

    Returns
    -------
    float
        In pixels.
    """
    return focal_length_35mm_mm * math.hypot(width_px, height_px) / _DIAGONAL_35MM


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """
    A pinhole camera without distortion, and where the plane lies before it.

    The plane has x to the right and y down, in mm from the field's centre; the camera's z is its optical
    axis.

    Parameters
    ----------
    focal_length_px : float
        Focal length.
    width_px, height_px : int
        Size of the picture; the optical axis meets its middle.
    tilt_deg : float
        Angle between the optical axis and the plane's normal, 0 or more.
    azimuth_deg : float
        Direction in the picture in which the plane recedes: 0 right, 90 down.
    roll_deg : float
        Turn of the plane about its normal, clockwise as seen.
    origin_xy_px : tuple of float
        Where the plane's origin appears in the picture.
    origin_depth_mm : float
        Depth of the plane's origin along the optical axis.
    """

    focal_length_px: float
    width_px: int
    height_px: int
    tilt_deg: float
    azimuth_deg: float
    roll_deg: float
    origin_xy_px: tuple[float, float]
    origin_depth_mm: float

    @property
    def photo_xy_from_plane_mm(self) -> Matrix:
        """Homography, shape (3, 3): (x, y, 1) in mm on the plane to pixels (integers are pixel centres)."""
        turned = _rotation(self.tilt_deg, self.azimuth_deg, self.roll_deg)
        inner = self._inner
        ray = np.linalg.solve(inner, np.array([*self.origin_xy_px, 1.0]))
        homography: Matrix = inner @ np.column_stack([turned[:, 0], turned[:, 1], ray * self.origin_depth_mm])
        return homography

    @property
    def _inner(self) -> Matrix:
        return np.array(
            [
                [self.focal_length_px, 0.0, (self.width_px - 1) / 2],
                [0.0, self.focal_length_px, (self.height_px - 1) / 2],
                [0.0, 0.0, 1.0],
            ]
        )

    def project(self, points_xy_mm: Matrix) -> Matrix:
        """
        Return where points of the plane appear in the picture.

        Parameters
        ----------
        points_xy_mm : ndarray of float64, shape (n, 2)
            On the plane.

        Returns
        -------
        ndarray of float64, shape (n, 2)
            Pixels.
        """
        return apply_homography_xy(self.photo_xy_from_plane_mm, points_xy_mm)

    def depth_mm(self, point_xy_mm: tuple[float, float]) -> float:
        """
        Return the depth of a point of the plane along the optical axis.

        Parameters
        ----------
        point_xy_mm : tuple of float
            On the plane.

        Returns
        -------
        float
            Millimetres.
        """
        return float(self.photo_xy_from_plane_mm[2] @ np.array([*point_xy_mm, 1.0]))

    def mm_per_px(self, point_xy_mm: tuple[float, float]) -> float:
        """
        Return the local scale at a point of the plane.

        Parameters
        ----------
        point_xy_mm : tuple of float
            On the plane.

        Returns
        -------
        float
            1/√(px² of the picture per mm² of the plane).
        """
        area_px2_per_mm2 = abs(float(np.linalg.det(self.photo_xy_from_plane_mm)))
        return math.sqrt(self.depth_mm(point_xy_mm) ** 3 / area_px2_per_mm2)


def aim_camera(
    start: Camera, *, scale_at_xy_mm: tuple[float, float], mm_per_px: float, in_view_xy_mm: Matrix
) -> Camera:
    """
    Return the camera moved so that the scale is as asked for and all points are in view.

    Parameters
    ----------
    start : Camera
        Its direction and optics are kept; distance and aim are found.
    scale_at_xy_mm : tuple of float
        Point of the plane where the scale is to hold.
    mm_per_px : float
        The scale wanted there.
    in_view_xy_mm : ndarray of float64, shape (n, 2)
        Points of the plane that the picture must hold, with a small margin.

    Returns
    -------
    Camera

    Raises
    ------
    InputError
        Where the points do not fit into the picture at this scale.
    """
    size = np.array([start.width_px, start.height_px], dtype=np.float64)
    margin = _EDGE_SHARE * float(size.max())
    camera = start
    for _ in range(20):
        camera = _at_scale(camera, scale_at_xy_mm, mm_per_px)
        if camera.depth_mm(scale_at_xy_mm) <= 0 or not len(in_view_xy_mm):
            break
        seen = camera.project(in_view_xy_mm)
        low, high = seen.min(axis=0) - margin, size - 1 - margin - seen.max(axis=0)
        if min(low.min(), high.min()) >= -0.01:
            return camera
        if np.any(low + high < 0):
            break
        shift = np.where(low < 0, -low, 0.0) - np.where(high < 0, -high, 0.0)
        u, v = camera.origin_xy_px
        camera = _with_aim(camera, (u + float(shift[0]), v + float(shift[1])), camera.origin_depth_mm)
    if not len(in_view_xy_mm):
        return camera
    raise InputError(
        f"scene: expected card and lesions in view, but they do not fit into {start.width_px} × "
        f"{start.height_px} px at {mm_per_px:.4g} mm/px and a tilt of {start.tilt_deg:g}°; "
        "take a smaller card share, smaller lesions or a smaller tilt."
    )


def _at_scale(camera: Camera, point_xy_mm: tuple[float, float], mm_per_px: float) -> Camera:
    """Find the depth of the origin by fixed-point iteration of w³ = det(H) mm_per_px², contracting by 1/3."""
    depth = camera.focal_length_px * mm_per_px
    for _ in range(60):
        trial = _with_aim(camera, camera.origin_xy_px, depth)
        beyond = trial.depth_mm(point_xy_mm) - depth
        wanted = (abs(float(np.linalg.det(trial.photo_xy_from_plane_mm))) * mm_per_px**2) ** (1 / 3)
        found = wanted - beyond
        if abs(found - depth) <= 1e-12 * abs(depth):
            break
        depth = found
    return _with_aim(camera, camera.origin_xy_px, depth)


def _with_aim(camera: Camera, origin_xy_px: tuple[float, float], origin_depth_mm: float) -> Camera:
    return Camera(
        focal_length_px=camera.focal_length_px,
        width_px=camera.width_px,
        height_px=camera.height_px,
        tilt_deg=camera.tilt_deg,
        azimuth_deg=camera.azimuth_deg,
        roll_deg=camera.roll_deg,
        origin_xy_px=origin_xy_px,
        origin_depth_mm=origin_depth_mm,
    )


def _rotation(tilt_deg: float, azimuth_deg: float, roll_deg: float) -> Matrix:
    """Return the rotation from the plane's axes to the camera's: a roll, then the tilt (Rodrigues)."""
    tilt, azimuth, roll = (math.radians(angle) for angle in (tilt_deg, azimuth_deg, roll_deg))
    rolled = np.array([[math.cos(roll), -math.sin(roll), 0.0], [math.sin(roll), math.cos(roll), 0.0], [0.0, 0.0, 1.0]])
    x, y = -math.sin(azimuth), math.cos(azimuth)
    cross = np.array([[0.0, 0.0, y], [0.0, 0.0, -x], [-y, x, 0.0]])
    # Turning by −tilt about the axis across the azimuth takes the azimuth's direction away from the camera.
    tilted = np.eye(3) - math.sin(tilt) * cross + (1 - math.cos(tilt)) * (cross @ cross)
    turned: Matrix = tilted @ rolled
    return turned
