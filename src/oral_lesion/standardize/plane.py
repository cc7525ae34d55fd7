"""The card's plane without a camera: for pictures that no pinhole camera with a centred axis took, such as crops."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.geometry import jacobian
from oral_lesion.protocol import CardDefinition
from oral_lesion.standardize.edges import GapLines
from oral_lesion.standardize.lines import across, gauss_newton, robust_weights
from oral_lesion.standardize.pose import u_scale_ratio

__all__ = ["CardPlane", "fit_plane"]

_Floats = NDArray[np.float64]
_LEAST_U_PX = 0.03
_BANDS_A_GAP = 3.0
_STEP = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPlane:
    """
    A free homography to the card.

    Parameters
    ----------
    photo_xy_from_grid : ndarray of float64, shape (3, 3)
        Homography from grid coordinates to photo pixels.
    covariance : ndarray of float64, shape (8, 8)
        Of the first eight elements of a factor on the right, near the identity.
    pitch_xy_mm, centre_grid : tuple of float
        The card's pitches, and the middle of its patch area in grid coordinates.
    rms_px : float
        Root mean square distance of the accepted points from their lines, in photo pixels.
    accepted_ratio : float
        Fraction of points that agree, in [0, 1].
    """

    photo_xy_from_grid: _Floats
    covariance: _Floats
    pitch_xy_mm: tuple[float, float]
    centre_grid: tuple[float, float]
    rms_px: float
    accepted_ratio: float

    @property
    def photo_xy_from_card_mm(self) -> _Floats:
        """Homography from the card's plane (mm, first patch at the origin) to photo pixels, shape (3, 3)."""
        return np.asarray(self.photo_xy_from_grid / np.array([*self.pitch_xy_mm, 1.0]), dtype=np.float64)

    @property
    def centre_mm(self) -> _Floats:
        """Middle of the patch area on the card."""
        return np.asarray(np.array(self.centre_grid) * np.array(self.pitch_xy_mm))

    @property
    def mirrored(self) -> bool:
        """Whether the card appears mirrored."""
        return bool(np.linalg.det(jacobian(self.photo_xy_from_grid, self.centre_grid)) < 0)

    @property
    def tilt_deg(self) -> float:
        """Angle between the card's normal and the line of sight, from how much shorter one direction appears."""
        long, short = np.linalg.svd(jacobian(self.photo_xy_from_card_mm, self.centre_mm), compute_uv=False)
        return math.degrees(math.acos(min(1.0, float(short / long))))

    def u_scale_ratio(self, photo_shape: tuple[int, int], least_weight: float) -> float:
        """
        Return the relative standard uncertainty of a length anywhere in view.

        Parameters
        ----------
        photo_shape : tuple of int
            (height, width).
        least_weight : float
            Points that lie farther away than the card by more than ``1 / least_weight`` are out of view.

        Returns
        -------
        float
            Root mean square over the field (k = 1).
        """
        mm_from_photo = partial(_mm_from_photo, self)
        fit = (np.zeros(8), np.full(8, _STEP), self.covariance)
        return u_scale_ratio(mm_from_photo, fit, self.centre_mm, photo_shape, least_weight)


def fit_plane(photo_xy_from_grid: _Floats, lines: GapLines, card: CardDefinition) -> CardPlane:
    """
    Return the card's plane as a homography fitted to the lines gives it.

    Parameters
    ----------
    photo_xy_from_grid : ndarray of float64, shape (3, 3)
        Fitted to the lines.
    lines : GapLines
        Found gaps.
    card : CardDefinition
        Pitch in mm.

    Returns
    -------
    CardPlane
    """
    weight = 1.0 / (np.hypot(lines.u_px, _LEAST_U_PX) * math.sqrt(_BANDS_A_GAP))
    away = across(photo_xy_from_grid, lines)
    robust = robust_weights(away * weight)
    kept = robust > 0.3
    noise = math.sqrt(_BANDS_A_GAP * float(np.mean((weight * away)[kept] ** 2))) if kept.any() else 1.0
    residuals = partial(_across_with, photo_xy_from_grid, lines)
    scaled = np.sqrt(robust) * weight / max(1.0, noise)
    _, information = gauss_newton(residuals, np.zeros(8), np.full(8, _STEP), scaled, 0.0)
    return CardPlane(
        photo_xy_from_grid=photo_xy_from_grid,
        covariance=np.asarray(np.linalg.pinv(information, hermitian=True), dtype=np.float64),
        pitch_xy_mm=card.pitch_xy_mm,
        centre_grid=((card.columns - 1) / 2.0, (card.rows - 1) / 2.0),
        rms_px=float(np.sqrt(np.mean(away[kept] ** 2))) if kept.any() else math.inf,
        accepted_ratio=float(kept.mean()),
    )


def _moved(photo_xy_from_grid: _Floats, change: _Floats) -> _Floats:
    return np.asarray(photo_xy_from_grid @ (np.eye(3) + np.append(change, 0.0).reshape(3, 3)), dtype=np.float64)


def _across_with(photo_xy_from_grid: _Floats, lines: GapLines, change: _Floats) -> _Floats:
    return across(_moved(photo_xy_from_grid, change), lines)


def _mm_from_photo(plane: CardPlane, change: _Floats) -> _Floats:
    grid_from_photo = np.linalg.inv(_moved(plane.photo_xy_from_grid, change))
    return np.asarray(np.diag([*plane.pitch_xy_mm, 1.0]) @ grid_from_photo, dtype=np.float64)
