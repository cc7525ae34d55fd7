"""Where the gaps between a card's patches lie in a photo, to a small fraction of a pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from oral_lesion.numerics.color import linear_from_srgb
from oral_lesion.numerics.geometry import apply_homography_xy, jacobian, shrink
from oral_lesion.protocol import CardDefinition

__all__ = ["CardView", "EdgeShape", "GapLines", "find_gap_lines", "fit_edge_shape", "view_card"]

_MARGIN = 0.8
_BANDS = ((-0.28, -0.10), (-0.09, 0.09), (0.10, 0.28))
_SIGMAS = np.array([0.008, 0.015, 0.025, 0.035, 0.05, 0.065, 0.085, 0.11, 0.14, 0.18, 0.23, 0.30])
_GAPS = np.array([0.04, 0.08, 0.11, 0.14, 0.17, 0.20, 0.24, 0.28, 0.33, 0.38, 0.43, 0.48])
_CLIPPED, _LEAST_USUAL = 0.97, 0.3
_SEARCH = np.linspace(-0.44, 0.44, 45)
_MOST_PX_PER_PITCH, _FEWEST_PX_PER_PITCH = 56, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView:
    """
    The card cut out of the photo and rectified.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        The card, patches along rows and columns.
    luminance : ndarray of float32, shape (height, width)
        Its luma (JPEG's, that keeps its full resolution where colour differences do not), made linear.
    px_per_pitch : int
        Sampling along both axes.
    photo_xy_from_grid : ndarray of float64, shape (3, 3)
        Homography that it was rectified by.
    columns, rows : int
        Patches.
    """

    srgb: NDArray[np.uint8]
    luminance: NDArray[np.float32]
    px_per_pitch: int
    photo_xy_from_grid: NDArray[np.float64]
    columns: int
    rows: int

    def index(self, grid: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """
        Return pixel positions of grid coordinates along one axis.

        Parameters
        ----------
        grid : ndarray of float64 or float
            Grid coordinates.

        Returns
        -------
        ndarray of float64, same shape
            Pixels; integers are pixel centres.
        """
        return np.asarray((np.asarray(grid) + _MARGIN) * self.px_per_pitch - 0.5, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeShape:
    """
    How the picture falls from a patch into the gap: common to the whole card.

    Parameters
    ----------
    sigma : float
        Standard deviation of the edge spread along x and y, in pitches.
    gap_xy : tuple of float
        Width of the gaps across columns and across rows, in pitches.
    explained : float
        Fraction of the profiles' variance that the model explains, in [0, 1].
    """

    sigma: float
    gap_xy: tuple[float, float]
    explained: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GapLines:
    """
    Points on the middle lines of gaps, each with the direction across.

    Parameters
    ----------
    grid_xy : ndarray of float64, shape (n, 2)
        Where the point lies on the card, in grid coordinates.
    photo_xy : ndarray of float64, shape (n, 2)
        Where its gap was found in the photo; only the position across the gap counts.
    normal_xy : ndarray of float64, shape (n, 2)
        Unit vector across the gap in the photo.
    u_px : ndarray of float64, shape (n,)
        Standard uncertainty across the gap from the fit of one profile, in photo pixels.
    """

    grid_xy: NDArray[np.float64]
    photo_xy: NDArray[np.float64]
    normal_xy: NDArray[np.float64]
    u_px: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Profiles:
    """Profiles across gaps of one kind: `values` (n, samples) at `offsets` (samples,) from the gap."""

    values: NDArray[np.float64]
    offsets: NDArray[np.float64]
    gap: NDArray[np.float64]
    along: NDArray[np.float64]
    axis: int
    side: int
    """0: between two patches; -1, +1: at the card's border, the patch on the lower or upper side."""


def view_card(srgb: NDArray[np.uint8], photo_xy_from_grid: NDArray[np.float64], card: CardDefinition) -> CardView:
    """
    Cut the card out of the photo and rectify it.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Upright photo.
    photo_xy_from_grid : ndarray of float64, shape (3, 3)
        Homography from grid coordinates to photo pixels.
    card : CardDefinition
        Rows and columns.

    Returns
    -------
    CardView
        About as fine as the photo; at most 56 pixels a pitch.
    """
    columns, rows = card.columns, card.rows
    far = np.array([columns - 1.0, rows - 1.0]) + _MARGIN
    corners = apply_homography_xy(
        photo_xy_from_grid, [(-_MARGIN, -_MARGIN), (far[0], -_MARGIN), tuple(far), (-_MARGIN, far[1])]
    )
    limit = np.array(srgb.shape[1::-1])
    low = np.clip(np.floor(corners.min(axis=0)).astype(int) - 2, 0, limit - 1)
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 3, low + 1, limit)
    crop = srgb[low[1] : high[1], low[0] : high[0]]
    centre = ((columns - 1) / 2.0, (rows - 1) / 2.0)
    pitch_px = float(np.linalg.norm(jacobian(photo_xy_from_grid, centre), axis=0).max())
    factor = max(1, min(int(pitch_px / _MOST_PX_PER_PITCH + 0.3), *crop.shape[:2]))
    offset = (factor - 1) / 2.0
    crop_from_photo = np.array([[1.0, 0.0, -low[0] - offset], [0.0, 1.0, -low[1] - offset], [0.0, 0.0, float(factor)]])
    per_pitch = int(np.clip(round(pitch_px / factor), _FEWEST_PX_PER_PITCH, _MOST_PX_PER_PITCH))
    step = 1.0 / per_pitch
    grid_from_view = np.array([[step, 0.0, 0.5 * step - _MARGIN], [0.0, step, 0.5 * step - _MARGIN], [0.0, 0.0, 1.0]])
    size = tuple(round((edge + _MARGIN) * per_pitch) for edge in far.tolist())
    view: NDArray[Any] = cv2.warpPerspective(
        shrink(crop, factor),
        crop_from_photo @ photo_xy_from_grid @ grid_from_view,
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return CardView(
        srgb=view,
        luminance=linear_from_srgb(np.asarray(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY), dtype=np.uint8)),
        px_per_pitch=per_pitch,
        photo_xy_from_grid=photo_xy_from_grid,
        columns=columns,
        rows=rows,
    )


def fit_edge_shape(view: CardView, gap_xy: tuple[float, float]) -> EdgeShape:
    """
    Fit the edge spread and the width of the gaps, common to the whole card.

    Each profile across a gap is modelled as patch, gap, patch with free levels, blurred by one Gaussian.

    Parameters
    ----------
    view : CardView
        Rectified to within a small fraction of a pitch.
    gap_xy : tuple of float
        Widths of the gaps by the card's definition, in pitches: decide where blur hides them.

    Returns
    -------
    EdgeShape
    """
    costs, total = [], 0.0
    by_sigma = np.zeros(len(_SIGMAS))
    for axis in (0, 1):
        profiles = _between(view, axis)
        if not len(profiles.values):
            costs.append(np.zeros((len(_SIGMAS), len(_GAPS))))
            continue
        residual, energy = _shape_residuals(profiles)
        # Glare at a gap is no edge of the card's shape.
        usual = profiles.values.max(axis=1) < _CLIPPED
        if usual.mean() < _LEAST_USUAL:
            usual[:] = True
        cost = residual[:, :, usual].sum(axis=2) * (1.0 + 0.05 * ((_GAPS - gap_xy[axis]) / 0.1) ** 2)
        costs.append(cost)
        by_sigma += cost.min(axis=1)
        total += float(energy[usual].sum())
    best = int(np.argmin(by_sigma))
    left = float(by_sigma[best])
    # A single row has no gap across: that of the definition holds.
    gaps = tuple(_parabola(_GAPS, cost[best]) if cost.any() else gap for cost, gap in zip(costs, gap_xy, strict=True))
    return EdgeShape(
        sigma=_parabola(_SIGMAS, by_sigma),
        gap_xy=(gaps[0], gaps[1]),
        explained=1.0 - left / total if total > 0 else 0.0,
    )


def _shape_residuals(profiles: _Profiles) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what each profile leaves under each shape (sigmas, gaps, profiles), and the profiles' energies."""
    values = profiles.values - profiles.values.mean(axis=1, keepdims=True)
    energy = np.sum(values**2, axis=1)
    residual = np.empty((len(_SIGMAS), len(_GAPS), len(values)))
    for i, sigma in enumerate(_SIGMAS):
        for j, gap in enumerate(_GAPS):
            basis = _basis(profiles.offsets, sigma, gap, side=0)
            orthonormal, _ = np.linalg.qr(basis - basis.mean(axis=0))
            residual[i, j] = energy - np.sum((values @ orthonormal[:, :2]) ** 2, axis=1)
    return residual, energy


def find_gap_lines(view: CardView, shape: EdgeShape, *, coarse: bool) -> GapLines:
    """
    Find the middle lines of all gaps, and the outer borders of the patch area, in a rectified card.

    Parameters
    ----------
    view : CardView
        The rectified card.
    shape : EdgeShape
        Edge spread and gap widths.
    coarse : bool
        True searches 0.44 pitch on both sides; False refines what is already close.

    Returns
    -------
    GapLines
        Three points a gap; points without contrast have a large uncertainty.
    """
    parts = []
    for axis in (0, 1):
        gap = shape.gap_xy[axis]
        for profiles in (_between(view, axis), *_borders(view, axis, gap)):
            shift, u_shift = _shift(profiles, shape.sigma, gap, coarse=coarse)
            parts.append((profiles, shift, u_shift))
    grid, photo, normal, u_px = [], [], [], []
    for profiles, shift, u_shift in parts:
        across, along = profiles.axis, 1 - profiles.axis
        point = np.empty((len(shift), 2))
        point[:, across], point[:, along] = profiles.gap, profiles.along
        moved = point.copy()
        moved[:, across] += shift
        derivative = jacobian(view.photo_xy_from_grid, point)
        tangent = derivative[:, :, along]
        perpendicular = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
        perpendicular /= np.linalg.norm(perpendicular, axis=1, keepdims=True)
        grid.append(point)
        photo.append(apply_homography_xy(view.photo_xy_from_grid, moved))
        normal.append(perpendicular)
        u_px.append(u_shift * np.abs(np.sum(derivative[:, :, across] * perpendicular, axis=1)))
    return GapLines(
        grid_xy=np.concatenate(grid),
        photo_xy=np.concatenate(photo),
        normal_xy=np.concatenate(normal),
        u_px=np.concatenate(u_px),
    )


def _parabola(places: NDArray[np.float64], costs: NDArray[np.float64]) -> float:
    best = int(np.argmin(costs))
    if best in (0, len(places) - 1):
        return float(places[best])
    coefficients = np.polyfit(places[best - 1 : best + 2], costs[best - 1 : best + 2], 2)
    if coefficients[0] <= 0:
        return float(places[best])
    return float(np.clip(-coefficients[1] / (2 * coefficients[0]), places[best - 1], places[best + 1]))


def _basis(offsets: NDArray[np.float64], sigma: float, gap: float, *, side: int) -> NDArray[np.float64]:
    """Return the levels' basis (..., samples, 2 or 3): lower patch, upper patch (one of them at a border), gap."""
    lower = ndtr((-gap / 2.0 - offsets) / sigma)
    upper = ndtr((offsets - gap / 2.0) / sigma)
    patches = [lower, upper] if side == 0 else [lower if side < 0 else upper]
    return np.stack([*patches, 1.0 - sum(patches)], axis=-1)


def _profiles(view: CardView, axis: int, gaps: NDArray[np.float64], low: float, high: float, side: int) -> _Profiles:
    step = 1.0 / view.px_per_pitch
    offsets = np.arange(math.ceil(low * view.px_per_pitch), math.floor(high * view.px_per_pitch) + 1) * step
    picture = view.luminance if axis == 0 else view.luminance.T
    lines = view.rows if axis == 0 else view.columns
    starts = [(line + a, line + b) for line in range(lines) for a, b in _BANDS]
    bands = []
    for a, b in starts:
        i, j = round(float(view.index(a))), round(float(view.index(b)))
        bands.append(picture[i : max(j, i) + 1].mean(axis=0))
    rows = np.stack(bands)
    position = view.index(gaps[:, None] + offsets)
    left = np.clip(np.floor(position).astype(np.intp), 0, rows.shape[1] - 2)
    t = np.clip(position - left, 0.0, 1.0)
    values = rows[:, left] * (1.0 - t) + rows[:, left + 1] * t
    middles = np.array([round(float(view.index(a))) + round(float(view.index(b))) for a, b in starts]) / 2.0
    along = (middles + 0.5) * step - _MARGIN
    return _Profiles(
        values=values.reshape(-1, len(offsets)),
        offsets=np.asarray(offsets, dtype=np.float64),
        gap=np.tile(gaps, len(starts)),
        along=np.repeat(along, len(gaps)),
        axis=axis,
        side=side,
    )


def _between(view: CardView, axis: int) -> _Profiles:
    count = view.columns if axis == 0 else view.rows
    return _profiles(view, axis, np.arange(count - 1, dtype=np.float64) + 0.5, -0.45, 0.45, 0)


def _borders(view: CardView, axis: int, gap: float) -> tuple[_Profiles, _Profiles]:
    count = view.columns if axis == 0 else view.rows
    reach = gap / 2.0
    before = _profiles(view, axis, np.array([-0.5]), -min(0.3 - reach, reach), 0.45, 1)
    after = _profiles(view, axis, np.array([count - 0.5]), -0.45, min(0.3 - reach, reach), -1)
    return before, after


def _shift(
    profiles: _Profiles, sigma: float, gap: float, *, coarse: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far each gap lies from where it was expected, and the standard uncertainty, in pitches."""
    values = profiles.values
    shift = np.zeros(len(values))
    if coarse:
        costs = []
        for trial in _SEARCH:
            orthonormal, _ = np.linalg.qr(_basis(profiles.offsets - trial, sigma, gap, side=profiles.side))
            costs.append(-np.sum((values @ orthonormal) ** 2, axis=1))
        shift = _SEARCH[np.argmin(np.stack(costs), axis=0)]
    u_shift = np.full(len(values), np.inf)
    for _ in range(1 if coarse else 2):
        change, u_shift = _newton_step(profiles, shift, sigma, gap)
        shift = shift + np.clip(change, -0.06, 0.06)
    return shift, u_shift


def _newton_step(
    profiles: _Profiles, shift: NDArray[np.float64], sigma: float, gap: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    observed = profiles.values[:, :, None]
    step = 0.004
    offsets = profiles.offsets - shift[:, None]
    base = _basis(offsets, sigma, gap, side=profiles.side)
    levels = _projection(base, observed)
    residual = observed - base @ levels
    slope = (_basis(offsets - step, sigma, gap, side=profiles.side) - base) @ levels / step
    slope -= base @ _projection(base, slope)
    information = np.sum(slope**2, axis=(1, 2))
    freedom = max(1, residual.shape[1] - base.shape[2] - 1)
    noise = np.sum(residual**2, axis=(1, 2)) / freedom + 1e-6
    information = np.maximum(information, 1e-12)
    return np.sum(slope * residual, axis=(1, 2)) / information, np.sqrt(noise / information)


def _projection(basis: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the least-squares levels (n, levels, 1), lightly damped where a level is not seen."""
    transposed = basis.transpose(0, 2, 1)
    normal = transposed @ basis + 1e-6 * basis.shape[1] * np.eye(basis.shape[2])
    return np.asarray(np.linalg.solve(normal, transposed @ values), dtype=np.float64)
