"""Spread of the picture at the card, direction by direction: what tells a moved camera from one out of focus."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from oral_lesion.numerics.geometry import jacobian
from oral_lesion.protocol import CardDefinition
from oral_lesion.records import CardReading, Photo
from oral_lesion.standardize.edges import CardView, view_card

__all__ = ["DirectionalSpread", "measure_directional_spread"]

_ROUNDS = 5
_VARIANCE_RANGE = (0.006**2, 0.3**2)
_MOST_GROWTH = 4.0
_GAP_RANGE = (0.03, 0.5)
_MIN_EXPLAINED = 0.85
_LEAST_MINOR_VARIANCE_PX2 = 0.3**2
_MOVES = 6
_SQRT_2_PI = math.sqrt(2.0 * math.pi)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionalSpread:
    """
    The spread's difference between directions.

    Parameters
    ----------
    streak_px : float
        Length of the uniform streak whose variance is the difference of the largest and the smallest one.
    direction_deg : float
        Direction of the streak in the photo, 0 to the right, 90 down, in [0, 180).
    anisotropy : float
        Largest over smallest standard deviation, 1 or more.
    """

    streak_px: float
    direction_deg: float
    anisotropy: float


@dataclass(frozen=True, slots=True)
class _Axis:
    """Blurred patches along one axis, (patches, samples): value, derivatives by place, derivative by gap width."""

    value: Array
    first: Array
    second: Array
    by_gap: Array


def measure_directional_spread(photo: Photo, reading: CardReading, card: CardDefinition) -> DirectionalSpread | None:
    """
    Measure how the spread at the card's patches depends on the direction.

    The patches as the pose predicts them, blurred by a Gaussian of free covariance, are fitted to the rectified card.
    Edges along one axis tell the variance along the other; the covariance shows at the patches' corners.

    Parameters
    ----------
    photo : Photo
        Upright, in sRGB.
    reading : CardReading
        Of the same photo.
    card : CardDefinition
        The card that was read.

    Returns
    -------
    DirectionalSpread or None
        None where the patches do not explain 85 % of the rectified card's variance, and for a card with a single row
        or column of patches, which has no gaps across.
    """
    if min(card.rows, card.columns) < 2:
        return None
    pitch_x, pitch_y = card.pitch_xy_mm
    photo_from_grid = np.asarray(reading.photo_xy_from_card_mm @ np.diag([pitch_x, pitch_y, 1.0]), dtype=np.float64)
    view = view_card(photo.srgb, photo_from_grid, card)
    covariance = _fitted_covariance(view, reading, card)
    if covariance is None:
        return None
    centre = ((card.columns - 1) / 2.0, (card.rows - 1) / 2.0)
    derivative = jacobian(photo_from_grid, centre)
    values, vectors = np.linalg.eigh(derivative @ covariance @ derivative.T)
    minor, major = float(values[0]), float(values[1])
    x, y = vectors[:, 1]
    return DirectionalSpread(
        streak_px=math.sqrt(12.0 * max(major - minor, 0.0)),
        direction_deg=math.degrees(math.atan2(y, x)) % 180.0,
        anisotropy=math.sqrt(max(major, _LEAST_MINOR_VARIANCE_PX2) / max(minor, _LEAST_MINOR_VARIANCE_PX2)),
    )


def _fitted_covariance(view: CardView, reading: CardReading, card: CardDefinition) -> Array | None:
    """Return the spread's covariance (2, 2) in grid units by Gauss-Newton; None where the patches do not fit."""
    per_pitch = view.px_per_pitch
    (top, bottom), (left, right) = (
        (round(float(view.index(0.0))), round(float(view.index(last))) + 1)
        for last in (card.rows - 1, card.columns - 1)
    )
    seen = view.luminance[top:bottom, left:right].astype(np.float64)
    levels = _levels(view, card)
    y, x = (np.arange(size) / per_pitch for size in seen.shape)
    weight = _weight(reading.patch_accepted.reshape(card.rows, card.columns), y, x)
    start = max((reading.blur_px / reading.pitch_px) ** 2 + (0.5 / per_pitch) ** 2, _VARIANCE_RANGE[0])
    gaps = [1.0 - patch / pitch for patch, pitch in zip(card.patch_xy_mm, card.pitch_xy_mm, strict=True)]
    state = np.array([start, start, 0.0, *gaps, float(np.quantile(seen, 0.05)), *[0.0] * _MOVES])
    residual = seen
    for _ in range(_ROUNDS):
        model, slopes = _model(state, levels, x, y)
        residual = (seen - model) * weight
        design = (slopes * weight).reshape(len(state), -1)
        normal = design @ design.T + 1e-9 * np.eye(len(state))
        state = _bounded(state, np.asarray(np.linalg.solve(normal, design @ residual.ravel()), dtype=np.float64))
    mean = float(np.sum(seen * weight) / max(float(weight.sum()), 1.0))
    total = float(np.sum(((seen - mean) * weight) ** 2))
    if total <= 0 or 1.0 - float(np.sum(residual**2)) / total < _MIN_EXPLAINED:
        return None
    return np.array([[state[0], state[2]], [state[2], state[1]]])


def _bounded(state: Array, change: Array) -> Array:
    """Return the state after a step that changes no variance by more than a factor of four."""
    bounded = state + change
    bounded[:2] = np.clip(bounded[:2], state[:2] / _MOST_GROWTH, state[:2] * _MOST_GROWTH)
    bounded[:2] = np.clip(bounded[:2], *_VARIANCE_RANGE)
    most = 0.98 * math.sqrt(float(bounded[0] * bounded[1]))
    bounded[2] = np.clip(bounded[2], -most, most)
    bounded[3:5] = np.clip(bounded[3:5], *_GAP_RANGE)
    return bounded


def _levels(view: CardView, card: CardDefinition) -> Array:
    reach = max(1, round(0.15 * view.px_per_pitch))
    levels = np.empty((card.rows, card.columns))
    for row in range(card.rows):
        for column in range(card.columns):
            y, x = round(float(view.index(row))), round(float(view.index(column)))
            levels[row, column] = np.median(view.luminance[y - reach : y + reach + 1, x - reach : x + reach + 1])
    return levels


def _weight(accepted: NDArray[np.bool_], y: Array, x: Array) -> Array:
    """Return 0 on rejected patches up to the middle of the gaps around them, 1 elsewhere; 1 where none is accepted."""
    accepted = accepted if accepted.any() else np.ones_like(accepted)
    rows = np.clip(np.rint(y).astype(int), 0, accepted.shape[0] - 1)
    columns = np.clip(np.rint(x).astype(int), 0, accepted.shape[1] - 1)
    return accepted[np.ix_(rows, columns)].astype(np.float64)


def _model(state: Array, levels: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """
    Return the blurred card and its derivatives by the state.

    The state: variance along x and y, covariance, gap along x and y, the gap's level; then how far the patches lie from
    where the pose puts them: shift, stretch and shear along x, the same along y (else a shear would pass for a
    covariance).
    """
    variance_x, variance_y, covariance, gap_x, gap_y, ground, *moves = state.tolist()
    over_x, over_y = x - x.mean(), y - y.mean()
    across = _blurred_patches(x + moves[0] + moves[1] * over_x, levels.shape[1], gap_x, variance_x)
    down = _blurred_patches(y + moves[3] + moves[4] * over_y, levels.shape[0], gap_y, variance_y)
    contrast = levels - ground

    def laid_out(vertical: Array, horizontal: Array) -> Array:
        return np.asarray(vertical.T @ contrast @ horizontal)

    mixed = laid_out(down.first, across.first)
    mixed_again = laid_out(down.second, across.second)
    by_x, by_y = laid_out(down.value, across.first), laid_out(down.first, across.value)
    shear_x, shear_y = over_y[:, None] * by_x, over_x * by_y
    model = ground + laid_out(down.value, across.value) + covariance * mixed + 0.5 * covariance**2 * mixed_again
    model += moves[2] * shear_x + moves[5] * shear_y
    slopes = np.stack(
        [
            0.5 * laid_out(down.value, across.second),
            0.5 * laid_out(down.second, across.value),
            mixed + covariance * mixed_again,
            laid_out(down.value, across.by_gap),
            laid_out(down.by_gap, across.value),
            1.0 - np.outer(down.value.sum(axis=0), across.value.sum(axis=0)),
            by_x,
            over_x * by_x,
            shear_x,
            by_y,
            over_y[:, None] * by_y,
            shear_y,
        ]
    )
    return model, slopes


def _blurred_patches(places: Array, count: int, gap: float, variance: float) -> _Axis:
    sigma = math.sqrt(variance)
    half = (1.0 - gap) / 2.0
    centres = np.arange(count)[:, None]
    low, high = (places - centres + half) / sigma, (places - centres - half) / sigma
    density_low, density_high = (np.exp(-0.5 * z**2) / (_SQRT_2_PI * sigma) for z in (low, high))
    return _Axis(
        value=ndtr(low) - ndtr(high),
        first=density_low - density_high,
        second=(high * density_high - low * density_low) / sigma,
        by_gap=-0.5 * (density_low + density_high),
    )
