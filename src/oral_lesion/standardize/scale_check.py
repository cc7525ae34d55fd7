"""Whether a marker card's patches agree with its markers on the scale: a card printed from another file does not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import Reason, Refusal, Refused
from oral_lesion.numerics.geometry import apply_homography_xy, local_scale
from oral_lesion.numerics.uncertainty import combine
from oral_lesion.protocol import CardDefinition
from oral_lesion.standardize.edges import CardView, EdgeShape, find_gap_lines
from oral_lesion.standardize.lines import robust_weights

__all__ = ["pitch_ratio", "require_one_scale"]

_Floats = NDArray[np.float64]

_LEAST_LIMIT, _LIMIT_IN_U = 0.015, 4.0
_FEWEST_PATCHES = 3
_ROUNDS, _LEAST_SPAN = 6, 1.5
_LEAST_U_PITCHES = 0.005
_PROFILES_PER_GAP = 3


def require_one_scale(
    view: CardView, card: CardDefinition, photo_shape: tuple[int, int], *, blur_mm: float, u_pose_ratio: float
) -> None:
    """
    Refuse a card whose patches, located by its markers, lie at another pitch than its definition has them.

    Parameters
    ----------
    view : CardView
        The patches, rectified by the pose of the markers.
    card : CardDefinition
        With markers.
    photo_shape : tuple of int
        (height, width).
    blur_mm : float
        Standard deviation of the edge spread.
    u_pose_ratio : float
        Relative standard uncertainty of a length by the markers.

    Raises
    ------
    Refused
        ``scale-conflict`` (percent) beyond 1.5 %, or 4 standard uncertainties of the comparison where these are more.
    """
    ratio, u_ratio = pitch_ratio(view, card, photo_shape, blur_mm=blur_mm)
    limit = max(_LEAST_LIMIT, _LIMIT_IN_U * combine(u_ratio, u_pose_ratio))
    if abs(ratio - 1.0) > limit:
        raise Refused(
            Refusal(
                reason=Reason.SCALE_CONFLICT,
                observed=100.0 * abs(ratio - 1.0),
                limit=100.0 * limit,
                unit="percent",
                detail="The patches lie at another pitch than the card file has them beside its markers.",
            )
        )


def pitch_ratio(
    view: CardView, card: CardDefinition, photo_shape: tuple[int, int], *, blur_mm: float
) -> tuple[float, float]:
    """
    Return the patches' pitch in the photo over the one that markers and definition predict.

    Parameters
    ----------
    view : CardView
        The patches, rectified by the pose of the markers.
    card : CardDefinition
        Layout.
    photo_shape : tuple of int
        (height, width). Borders beyond its edge are left out.
    blur_mm : float
        Standard deviation of the edge spread.

    Returns
    -------
    ratio : float
        Along the axes that hold three patches or more: along fewer, ink that spread would pass for scale.
    u_ratio : float
        Its standard uncertainty from the scatter of the borders; infinite where too few are seen.
    """
    pitch, patch = np.array(card.pitch_xy_mm), np.array(card.patch_xy_mm)
    gap = 1.0 - patch / pitch
    sigma = max(blur_mm / float(np.sqrt(np.prod(pitch))), 0.5 / view.px_per_pitch)
    shape = EdgeShape(sigma=sigma, gap_xy=(float(gap[0]), float(gap[1])), explained=1.0)
    lines = find_gap_lines(view, shape, coarse=True)
    found = apply_homography_xy(np.linalg.inv(view.photo_xy_from_grid), lines.photo_xy)
    u_pitches = lines.u_px / np.maximum(local_scale(view.photo_xy_from_grid, lines.grid_xy), 1e-9)
    of_columns = np.arange(len(found)) < _PROFILES_PER_GAP * card.rows * (card.columns + 1)
    inside = _inside_photo(view, lines.grid_xy, photo_shape)
    fits = [
        _slope(lines.grid_xy[of_axis, axis], (found - lines.grid_xy)[of_axis, axis], u_pitches[of_axis])
        for axis, count, of_axis in ((0, card.columns, of_columns & inside), (1, card.rows, ~of_columns & inside))
        if count >= _FEWEST_PATCHES
    ]
    information = np.array([1.0 / u**2 for _, u in fits])
    if not information.sum() > 0.0:
        return 1.0, np.inf
    slope = float(np.dot([slope for slope, _ in fits], information) / information.sum())
    return 1.0 + slope, float(information.sum() ** -0.5)


def _inside_photo(view: CardView, grid_xy: _Floats, photo_shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which borders lie in the photo with half a patch on both sides."""
    around = grid_xy[:, None] + 0.5 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    xy = apply_homography_xy(view.photo_xy_from_grid, around)
    limit = np.array(photo_shape[::-1]) - 1.0
    return np.asarray(((xy >= 0.0) & (xy <= limit)).all(axis=(1, 2)), dtype=np.bool_)


def _slope(places: _Floats, shifts: _Floats, u_shifts: _Floats) -> tuple[float, float]:
    """Return how shifts grow along an axis, robustly, and the standard uncertainty."""
    if len(places) == 0 or float(np.ptp(places)) < _LEAST_SPAN:
        return 0.0, np.inf
    weight = 1.0 / np.hypot(u_shifts, _LEAST_U_PITCHES)
    design = np.stack([np.ones_like(places), places], axis=1)
    robust = np.ones_like(weight)
    for _ in range(_ROUNDS):
        rooted = np.sqrt(robust) * weight
        values, *_ = np.linalg.lstsq(design * rooted[:, None], shifts * rooted, rcond=None)
        scaled = (shifts - design @ values) * weight
        robust = robust_weights(scaled)
    rooted = np.sqrt(robust) * weight
    covariance = np.linalg.pinv((design * rooted[:, None]).T @ (design * rooted[:, None]))
    spread = float(np.sum(robust * scaled**2) / max(robust.sum() - 2.0, 1.0))
    # The profiles of one border err together: as many times fewer are independent.
    u_slope = np.sqrt(max(spread, 1.0) * _PROFILES_PER_GAP * covariance[1, 1])
    return float(values[1]), float(u_slope)
