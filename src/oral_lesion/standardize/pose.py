"""The card's pose in front of the camera, and what it tells of lengths elsewhere in the photo."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.geometry import apply_homography_xy, homography_weight, local_scale
from oral_lesion.protocol import CardDefinition
from oral_lesion.standardize.edges import GapLines
from oral_lesion.standardize.lines import across, gauss_newton, robust_weights

__all__ = ["CardPose", "fit_pose", "u_scale_ratio", "u_scale_ratio_in_view"]

_Floats = NDArray[np.float64]
_FOCAL_RATIO = 1.2
"""Focal length over the photo's long side where the photo does not tell it."""
_FOCAL_SPREAD, _KNOWN_FOCAL_SPREAD = 0.5, 0.04
_WALL = 5.0
_BANDS_A_GAP = 3.0
_LEAST_U_PX, _LEAST_U_PITCHES = 0.03, 0.002
_LEAST_ASPECT_SPREAD = 0.002
_ROUNDS = 30
_AXIS_SPREAD = 0.01
"""Of the optical axis from the picture's middle, over the long side; a crop moves it farther."""
_STEPS = np.array([1e-6, 1e-6, 1e-6, 1e-4, 1e-4, 1e-6, 1e-6, 1e-6, 1e-6, 1e-6])
_PRIORS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    """What a fit of the pose holds fixed."""

    mirrored: bool
    middle_xy: tuple[float, float]
    long_side_px: float
    centre_grid: tuple[float, float]
    pitch_xy_mm: tuple[float, float]
    log_focal: float
    focal_spread: float
    aspect_spread: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPose:
    """
    A pinhole camera with square pixels looking at the card.

    Parameters
    ----------
    parameters : ndarray of float64, shape (10,)
        Rotation vector (3) about the line of sight to the card's centre, where that centre appears (x, y in px), log
        scale there (px/mm along the optical axis), log focal length (px), log ratio of the card's true pitches to the
        ratio of its definition, where the optical axis passes (x, y from the picture's middle, over its long side).
    covariance : ndarray of float64, shape (10, 10)
        Of the parameters.
    setting : _Setting
        What the fit held fixed.
    rms_px : float
        Root mean square distance of the accepted points from their lines, in photo pixels.
    accepted_ratio : float
        Fraction of points that agree, in [0, 1].
    """

    parameters: _Floats
    covariance: _Floats
    setting: _Setting
    rms_px: float
    accepted_ratio: float

    @property
    def photo_xy_from_grid(self) -> _Floats:
        """Homography from grid coordinates to photo pixels, shape (3, 3)."""
        return _homography(self.parameters, self.setting)

    @property
    def photo_xy_from_card_mm(self) -> _Floats:
        """Homography from the card's plane (mm, first patch at the origin) to photo pixels, shape (3, 3)."""
        scale = np.append(1.0 / _pitch(self.parameters, self.setting), 1.0)
        return np.asarray(self.photo_xy_from_grid * scale, dtype=np.float64)

    @property
    def centre_mm(self) -> _Floats:
        """Middle of the patch area on the card."""
        return np.asarray(np.array(self.setting.centre_grid) * _pitch(self.parameters, self.setting))

    @property
    def mirrored(self) -> bool:
        """Whether the card appears mirrored."""
        return self.setting.mirrored

    @property
    def tilt_deg(self) -> float:
        """Angle between the card's normal and the optical axis."""
        rotation = _rotation(self.parameters, self.setting)
        return math.degrees(math.acos(min(1.0, abs(float(rotation[2, 2])))))

    @property
    def focal_length_px(self) -> float:
        """Focal length as fitted."""
        return math.exp(float(self.parameters[6]))


def fit_pose(
    photo_xy_from_grid: _Floats,
    lines: GapLines,
    card: CardDefinition,
    photo_shape: tuple[int, int],
    focal_length_px: float | None,
) -> CardPose:
    """
    Fit the card's pose and, weakly, the focal length to the gaps found.

    A pose has six parameters where a homography has eight; far from a small card the two spare ones, badly determined,
    would spoil the scale. The focal length has a log-normal prior, narrow where the photo tells it and wide otherwise;
    the ratio of the card's pitches has one as wide as `u_pitch_percent`, lest a misprint be taken for a tilt.

    Parameters
    ----------
    photo_xy_from_grid : ndarray of float64, shape (3, 3)
        Homography from grid coordinates to photo pixels, close to right.
    lines : GapLines
        Found gaps.
    card : CardDefinition
        Pitch in mm.
    photo_shape : tuple of int
        (height, width) of the photo; the optical axis is expected to pass through its middle.
    focal_length_px : float or None
        From the photo's metadata.

    Returns
    -------
    CardPose

    References
    ----------
    .. [1] Zhang 2000, doi:10.1109/34.888718 (start values from a homography).
    .. [2] Schweighofer, Pinz 2006, doi:10.1109/TPAMI.2006.252 (two minima of a planar pose: both are tried).
    """
    height, width = photo_shape
    setting = _Setting(
        mirrored=bool(np.linalg.det(photo_xy_from_grid / photo_xy_from_grid[2, 2]) < 0),
        middle_xy=((width - 1) / 2.0, (height - 1) / 2.0),
        long_side_px=float(max(height, width)),
        centre_grid=((card.columns - 1) / 2.0, (card.rows - 1) / 2.0),
        pitch_xy_mm=card.pitch_xy_mm,
        log_focal=math.log(focal_length_px or _FOCAL_RATIO * max(height, width)),
        focal_spread=_KNOWN_FOCAL_SPREAD if focal_length_px else _FOCAL_SPREAD,
        aspect_spread=max(card.u_pitch_percent / 100.0, _LEAST_ASPECT_SPREAD),
    )
    fits = [_solve(start, lines, setting) for start in _starts(photo_xy_from_grid, setting)]
    return min(fits, key=lambda fit: fit[1])[0]


def _pitch(parameters: _Floats, setting: _Setting) -> _Floats:
    half = 0.5 * float(parameters[7])
    return np.asarray(np.array(setting.pitch_xy_mm) * np.array([math.exp(half), math.exp(-half)]))


def _principal(parameters: _Floats, setting: _Setting) -> tuple[float, float]:
    x, y = setting.middle_xy
    return x + float(parameters[8]) * setting.long_side_px, y + float(parameters[9]) * setting.long_side_px


def _homography(parameters: _Floats, setting: _Setting) -> _Floats:
    focal = math.exp(parameters[6])
    pitch_x, pitch_y = _pitch(parameters, setting)
    if setting.mirrored:
        pitch_x = -pitch_x
    (column, row), (x, y) = setting.centre_grid, _principal(parameters, setting)
    camera = np.array([[focal, 0.0, x], [0.0, focal, y], [0.0, 0.0, 1.0]])
    centred = np.array([[pitch_x, 0.0, -pitch_x * column], [0.0, pitch_y, -pitch_y * row], [0.0, 0.0, 1.0]])
    depth = focal * math.exp(-parameters[5])
    view = np.column_stack([_rotation(parameters, setting)[:, :2] / depth, _sight(parameters, setting)])
    return np.asarray(camera @ view @ centred, dtype=np.float64)


def _sight(parameters: _Floats, setting: _Setting) -> _Floats:
    focal, (x, y) = math.exp(parameters[6]), _principal(parameters, setting)
    return np.array([(parameters[3] - x) / focal, (parameters[4] - y) / focal, 1.0])


def _rotation(parameters: _Floats, setting: _Setting) -> _Floats:
    """Return the rotation from card to camera: about the line of sight first, so that it hardly depends on f."""
    about_sight, _ = cv2.Rodrigues(np.ascontiguousarray(parameters[:3]))
    return np.asarray(_to_sight(_sight(parameters, setting)) @ about_sight, dtype=np.float64)


def _to_sight(sight: _Floats) -> _Floats:
    """Return the smallest rotation that takes the optical axis to the line of sight."""
    x, y, z = sight / np.linalg.norm(sight)
    k = 1.0 / (1.0 + z)
    return np.array([[1.0 - k * x * x, -k * x * y, x], [-k * x * y, 1.0 - k * y * y, y], [-x, -y, z]])


def _starts(photo_xy_from_grid: _Floats, setting: _Setting) -> list[_Floats]:
    """Return start values from the homography, and their twin with the tilt reflected at the line of sight."""
    focal, (x, y) = math.exp(setting.log_focal), setting.middle_xy
    sign = -1.0 if setting.mirrored else 1.0
    pitch_x, pitch_y = setting.pitch_xy_mm
    column, row = setting.centre_grid
    grid_from_centred_mm = np.array([[sign / pitch_x, 0.0, column], [0.0, 1.0 / pitch_y, row], [0.0, 0.0, 1.0]])
    camera = np.array([[focal, 0.0, x], [0.0, focal, y], [0.0, 0.0, 1.0]])
    view = np.linalg.solve(camera, photo_xy_from_grid @ grid_from_centred_mm)
    view *= np.sign(view[2, 2]) * 2.0 / (np.linalg.norm(view[:, 0]) + np.linalg.norm(view[:, 1]))
    left, _, right = np.linalg.svd(np.column_stack([view[:, :2], np.cross(view[:, 0], view[:, 1])]))
    rotation = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
    place = view[:, 2]
    sight = place / np.linalg.norm(place)
    normal = rotation[:, 2]
    starts = []
    for target in (normal, 2.0 * (normal @ sight) * sight - normal):
        axis = np.cross(normal, target)
        angle = math.atan2(float(np.linalg.norm(axis)), float(normal @ target))
        turn, _ = cv2.Rodrigues(axis / max(float(np.linalg.norm(axis)), 1e-12) * angle)
        vector, _ = cv2.Rodrigues(_to_sight(sight).T @ turn @ rotation)
        centre = (x + focal * place[0] / place[2], y + focal * place[1] / place[2])
        starts.append(np.array([*vector[:, 0], *centre, math.log(focal / place[2]), math.log(focal), 0.0, 0.0, 0.0]))
    return starts


def _priors(parameters: _Floats, setting: _Setting) -> _Floats:
    focal = (parameters[6] - setting.log_focal) / setting.focal_spread
    # Twice the spread is common; four times it is no camera, whatever a bent card or a distorting lens pretends.
    beyond = math.copysign(max(0.0, abs(focal) - 2.0), focal)
    axis = parameters[8:10] / _AXIS_SPREAD
    # Long tails: few photos are cropped, but those by much.
    axis = np.sign(axis) * np.sqrt(2.0 * np.log1p(0.5 * axis**2))
    return np.array([focal + _WALL * beyond, parameters[7] / setting.aspect_spread, axis[0], axis[1]])


def _solve(start: _Floats, lines: GapLines, setting: _Setting) -> tuple[CardPose, float]:
    pitch_px = math.exp(start[5]) * math.sqrt(math.prod(setting.pitch_xy_mm))
    # The three points of a gap share its faults, so they count as one.
    weight = 1.0 / (np.hypot(lines.u_px, max(_LEAST_U_PX, _LEAST_U_PITCHES * pitch_px)) * math.sqrt(_BANDS_A_GAP))

    def residuals(values: _Floats) -> _Floats:
        return np.concatenate([across(_homography(values, setting), lines), _priors(values, setting)])

    values, damping = start, 1e-3
    for _ in range(_ROUNDS):
        current = residuals(values)
        scaled = _scaled_weight(current[:-_PRIORS], weight)
        change, _ = gauss_newton(residuals, values, _STEPS, scaled, damping)
        improved = float(np.sum((scaled * residuals(values + change)) ** 2)) <= float(np.sum((scaled * current) ** 2))
        damping = max(damping * 0.1, 1e-9) if improved else damping * 10.0
        if improved:
            values = values + change
        if (improved and float(np.abs(change / _STEPS).max()) < 0.1) or damping > 1e6:
            break
    current = residuals(values)
    scaled = _scaled_weight(current[:-_PRIORS], weight)
    _, information = gauss_newton(residuals, values, _STEPS, scaled, 0.0)
    kept = robust_weights(current[:-_PRIORS] * weight) > 0.3
    pose = CardPose(
        parameters=values,
        covariance=np.asarray(np.linalg.pinv(information, hermitian=True), dtype=np.float64),
        setting=setting,
        rms_px=float(np.sqrt(np.mean(current[:-_PRIORS][kept] ** 2))) if kept.any() else math.inf,
        accepted_ratio=float(kept.mean()),
    )
    cost = float(np.sum(np.minimum(np.abs(weight * current[:-_PRIORS]), 6.0) ** 2) + np.sum(current[-_PRIORS:] ** 2))
    return pose, cost


def _scaled_weight(away_px: _Floats, weight: _Floats) -> _Floats:
    """Return weights that expect the noise found where that exceeds what the lines claim; priors keep theirs."""
    robust = robust_weights(away_px * weight)
    kept = robust > 0.3
    noise = float(np.sqrt(_BANDS_A_GAP * np.mean((weight * away_px)[kept] ** 2))) if kept.any() else 1.0
    return np.append(np.sqrt(robust) * weight / max(1.0, noise), np.ones(_PRIORS))


def u_scale_ratio_in_view(pose: CardPose, photo_shape: tuple[int, int], least_weight: float) -> float:
    """
    Return the relative standard uncertainty of a length anywhere in view, from the fit of the pose.

    Parameters
    ----------
    pose : CardPose
        With covariance.
    photo_shape : tuple of int
        (height, width).
    least_weight : float
        Points whose distance along the axis exceeds the card's by more than ``1 / least_weight`` are out of view.

    Returns
    -------
    float
        Root mean square over the field of the relative standard uncertainty (k = 1).
    """
    mm_from_photo = partial(_mm_from_photo, pose.setting)
    return u_scale_ratio(
        mm_from_photo, (pose.parameters, _STEPS, pose.covariance), pose.centre_mm, photo_shape, least_weight
    )


def u_scale_ratio(
    mm_from_photo: Callable[[_Floats], _Floats],
    fit: tuple[_Floats, _Floats, _Floats],
    centre_mm: _Floats,
    photo_shape: tuple[int, int],
    least_weight: float,
) -> float:
    """
    Return the relative standard uncertainty of a length anywhere in view, from any fit of the card's plane.

    Parameters
    ----------
    mm_from_photo : callable
        From parameters (k,) to the homography (3, 3) from the photo to the card's plane in mm.
    fit : tuple of ndarray
        Parameters (k,), steps for their numerical derivatives (k,), covariance (k, k).
    centre_mm : ndarray of float64, shape (2,)
        Middle of the card.
    photo_shape : tuple of int
        (height, width).
    least_weight : float
        As for `u_scale_ratio_in_view`.

    Returns
    -------
    float
        Root mean square over the field; infinite where nothing is in view.
    """
    height, width = photo_shape
    parameters, steps, covariance = fit
    x, y = np.meshgrid(np.linspace(0, width - 1, 6), np.linspace(0, height - 1, 6))
    photo = np.stack([x, y], axis=-1).reshape(-1, 2)
    homography = mm_from_photo(parameters)
    middle = apply_homography_xy(np.linalg.inv(homography), centre_mm)
    inside = homography_weight(homography, photo) / homography_weight(homography, middle) >= least_weight
    if not inside.any():
        return math.inf
    base = np.log(local_scale(homography, photo))
    columns = [
        (np.log(local_scale(mm_from_photo(parameters + step * unit), photo)) - base) / step
        for step, unit in zip(steps, np.eye(len(steps)), strict=True)
    ]
    slope = np.stack(columns, axis=1)[inside]
    variance = np.einsum("ij,jk,ik->i", slope, covariance, slope)
    return float(np.sqrt(np.mean(np.maximum(variance, 0.0))))


def _mm_from_photo(setting: _Setting, parameters: _Floats) -> _Floats:
    grid_from_photo = np.linalg.inv(_homography(parameters, setting))
    return np.asarray(np.diag([*_pitch(parameters, setting), 1.0]) @ grid_from_photo, dtype=np.float64)
