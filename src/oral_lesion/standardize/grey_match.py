"""Whether flat rectangles are a card of greys: the steps of their lightness, the card's body around, its end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.color import delta_e_2000, lab_from_linear_rgb, linear_from_srgb
from oral_lesion.numerics.geometry import apply_homography_xy
from oral_lesion.protocol import CardDefinition

__all__ = ["MAX_GREY_MISMATCH", "grey_mismatch", "has_grey_patches_alone", "looks_like_the_card", "sample_patches"]

_Floats = NDArray[np.float64]
_Pixels = NDArray[np.uint8]

MAX_GREY_MISMATCH = 6.0
"""Largest CIEDE2000 of a patch that gains and an exponent leave."""
_MOST_CHROMA = 2.0
_GAMMAS = np.linspace(0.8, 1.25, 19)
_LEAST_LINEAR = 0.001
_OFFSETS = np.stack(np.meshgrid(np.linspace(-0.6, 0.6, 5), np.linspace(-0.6, 0.6, 5)), axis=-1).reshape(25, 2)
_MOST_UNEVEN = 0.03
"""Spread inside of a patch, of the cube root of what is linear: 0.01 is about 1 of CIELAB's lightness."""
_BODY_SPREAD, _LEAST_CONTRAST = 0.06, 0.04
_LEAST_BODY, _LEAST_OUTLINE, _LEAST_OUTLINE_A_SIDE = 0.8, 0.8, 0.6
_BEYOND_PITCHES = 0.3
_THIN_PITCHES = 0.05
_ALONG_A_SIDE = 4


def has_grey_patches_alone(card: CardDefinition) -> bool:
    """
    Return whether all patches of a card are grey.

    Parameters
    ----------
    card : CardDefinition
        With reference colours.

    Returns
    -------
    bool
        True where no CIELAB chroma reaches 2.
    """
    return all(float(np.hypot(*patch.lab_d50[1:])) < _MOST_CHROMA for patch in card.patches)


def grey_mismatch(measured: _Floats, reference: _Floats) -> float:
    """
    Return the largest colour difference that a gain per channel and one exponent in [0.8, 1.25] leave.

    A row of other greys needs another exponent, the same row from its other end a negative one.

    Parameters
    ----------
    measured, reference : ndarray of float64, shape (patches, 3)
        Linear RGB.

    Returns
    -------
    float
        CIEDE2000.
    """
    roots = np.cbrt(np.maximum(reference, _LEAST_LINEAR))
    powered = np.cbrt(np.maximum(measured, _LEAST_LINEAR)) ** _GAMMAS[:, None, None]
    gains = np.sum(powered * roots, axis=1, keepdims=True) / np.sum(powered**2, axis=1, keepdims=True)
    best = int(np.argmin(np.sum((powered * gains - roots) ** 2, axis=(1, 2))))
    fitted = np.clip((powered[best] * gains[best]) ** 3, 0.0, 2.0)
    return float(delta_e_2000(lab_from_linear_rgb(fitted), lab_from_linear_rgb(reference)).max())


def sample_patches(
    srgb: _Pixels, picture_from_grid: _Floats, card: CardDefinition
) -> tuple[_Floats, NDArray[np.bool_]]:
    """
    Read the patches at a few points each.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Photo, or a reduced copy.
    picture_from_grid : ndarray of float64, shape (3, 3)
        Homography from grid coordinates to its pixels.
    card : CardDefinition
        Layout.

    Returns
    -------
    median : ndarray of float64, shape (patches, 3)
        Linear RGB.
    flat : ndarray of bool, shape (patches,)
        Whether a patch lies in the picture and is of one colour.
    """
    points = _grid_cells(card)[:, None] + _OFFSETS * _half_patch(card)
    roots, inside = _roots_at(srgb, picture_from_grid, points)
    median = np.median(roots, axis=1)
    away = np.median(np.abs(roots - median[:, None]).max(axis=2), axis=1)
    return median**3, inside.all(axis=1) & (away < _MOST_UNEVEN)


def looks_like_the_card(srgb: _Pixels, picture_from_grid: _Floats, card: CardDefinition) -> bool:
    """
    Return whether one colour surrounds the patches, ends where the card ends, and holds no more patches beyond.

    Three flat greys in a row are on every colour card. On a card of greys nothing like them follows.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Photo, or a reduced copy.
    picture_from_grid : ndarray of float64, shape (3, 3)
        Homography from grid coordinates to its pixels.
    card : CardDefinition
        Layout; its `outer_mm` tells where the card ends.

    Returns
    -------
    bool
        True with a body of one colour at 80 % of the points in gaps and margins, and another colour within 0.3 pitch
        beyond the card at 80 % of the points round it.
    """
    between, inside = _roots_at(srgb, picture_from_grid, _body_points(card)[:, None])
    if not inside.all():
        return False
    body = np.median(between[:, 0], axis=0)
    if float(np.mean(_away(between[:, 0], body) < _BODY_SPREAD)) < _LEAST_BODY:
        return False
    sides = [_ends(srgb, picture_from_grid, rays, body) for rays in _outward_rays(card)]
    if np.mean(np.concatenate(sides)) < _LEAST_OUTLINE or min(side.mean() for side in sides) < _LEAST_OUTLINE_A_SIDE:
        return False
    return not _goes_on(srgb, picture_from_grid, card, body)


def _grid_cells(card: CardDefinition) -> _Floats:
    rows, columns = np.divmod(np.arange(card.rows * card.columns), card.columns)
    return np.stack([columns, rows], axis=1).astype(np.float64)


def _half_patch(card: CardDefinition) -> _Floats:
    return np.asarray(0.5 * np.array(card.patch_xy_mm) / np.array(card.pitch_xy_mm))


def _margin(card: CardDefinition) -> _Floats:
    """Return how far the card reaches beyond its outer patches, in pitches along x and y."""
    gap = 1.0 - 2.0 * _half_patch(card)
    if card.outer_mm is None:
        return gap
    size = np.array(card.outer_mm) / np.array(card.pitch_xy_mm)
    count = np.array([card.columns, card.rows])
    return np.asarray(np.maximum((size - (count - 1) - 2.0 * _half_patch(card)) / 2.0, 0.0))


def _roots_at(srgb: _Pixels, picture_from_grid: _Floats, points: _Floats) -> tuple[_Floats, NDArray[np.bool_]]:
    """Return cube roots of linear RGB at grid points (..., 2), and which of them lie in the picture."""
    height, width = srgb.shape[:2]
    places = np.nan_to_num(apply_homography_xy(picture_from_grid, points), nan=-1e6, posinf=1e6, neginf=-1e6)
    x, y = np.rint(places[..., 0]), np.rint(places[..., 1])
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    pixels = srgb[np.clip(y, 0, height - 1).astype(np.intp), np.clip(x, 0, width - 1).astype(np.intp)]
    linear = linear_from_srgb(pixels.reshape(-1, 1, 3)).reshape(pixels.shape).astype(np.float64)
    return np.cbrt(linear), inside


def _away(roots: _Floats, body: _Floats) -> _Floats:
    return np.asarray(np.abs(roots - body).max(axis=-1))


def _body_points(card: CardDefinition) -> _Floats:
    """Return the middles of gaps, and of the margins that are no thinner than a twentieth of a pitch."""
    right, bottom = card.columns - 1.0, card.rows - 1.0
    along = np.linspace(-0.3, 0.3, 3)
    points = [
        (column + 0.5, row + shift) for column in range(card.columns - 1) for row in range(card.rows) for shift in along
    ]
    points += [
        (column + shift, row + 0.5) for column in range(card.columns) for row in range(card.rows - 1) for shift in along
    ]
    half, margin = _half_patch(card), _margin(card)
    if margin[0] > _THIN_PITCHES:
        reach = half[0] + min(margin[0], 0.3) / 2.0
        points += [(x, row + shift) for x in (-reach, right + reach) for row in range(card.rows) for shift in along]
    if margin[1] > _THIN_PITCHES:
        reach = half[1] + min(margin[1], 0.3) / 2.0
        points += [
            (column + shift, y) for y in (-reach, bottom + reach) for column in range(card.columns) for shift in along
        ]
    return np.array(points)


def _outward_rays(card: CardDefinition) -> list[_Floats]:
    """Return for each side rays (points, steps, 2) from the middle of the margin to 0.3 pitch beyond the card."""
    half, margin = _half_patch(card), _margin(card)
    far = np.array([card.columns - 1.0, card.rows - 1.0])
    count = (card.columns, card.rows)
    rays = []
    for across in (0, 1):
        along = 1 - across
        start = half[across] + max(0.5 * margin[across], _THIN_PITCHES)
        steps = np.linspace(start, half[across] + margin[across] + _BEYOND_PITCHES, 12)
        places = np.linspace(-half[along], far[along] + half[along], _ALONG_A_SIDE * count[along] + 2)[1:-1]
        for side in (-1, 1):
            ray = np.empty((len(places), len(steps), 2))
            ray[..., along] = places[:, None]
            ray[..., across] = -steps if side < 0 else far[across] + steps
            rays.append(ray)
    return rays


def _ends(srgb: _Pixels, picture_from_grid: _Floats, rays: _Floats, body: _Floats) -> NDArray[np.bool_]:
    """Return along which rays the card's body ends in the picture."""
    roots, inside = _roots_at(srgb, picture_from_grid, rays)
    return np.asarray(((_away(roots, body) > _LEAST_CONTRAST) & inside)[:, -4:].mean(axis=1) > 0.6)


def _goes_on(srgb: _Pixels, picture_from_grid: _Floats, card: CardDefinition, body: _Floats) -> bool:
    """Return whether a flat patch lies beyond any side, with the body's colour on its far side again."""
    right, bottom = card.columns - 1.0, card.rows - 1.0
    beyond = [(np.array([x, float(row)]), 0) for x in (-1.0, right + 1.0) for row in range(card.rows)]
    beyond += [(np.array([float(column), y]), 1) for y in (-1.0, bottom + 1.0) for column in range(card.columns)]
    for cell, axis in beyond:
        roots, inside = _roots_at(srgb, picture_from_grid, cell + 0.7 * _OFFSETS * _half_patch(card))
        median = np.median(roots, axis=0)
        spread = float(np.median(_away(roots, median)))
        if not inside.all() or spread > _MOST_UNEVEN or float(_away(median, body)) < _LEAST_CONTRAST:
            continue
        outward = -1.0 if cell[axis] < 0 else 1.0
        steps = np.zeros((9, 3, 2))
        steps[..., axis] = outward * np.linspace(0.35, 0.75, 9)[:, None]
        steps[..., 1 - axis] = np.array([-0.2, 0.0, 0.2])
        again, seen = _roots_at(srgb, picture_from_grid, cell + steps)
        if bool(((_away(again, body) < _BODY_SPREAD) & seen).any(axis=0).all()):
            return True
    return False
