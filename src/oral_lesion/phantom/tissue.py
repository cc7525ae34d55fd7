"""Drawn tissue: mucosa with vessels, creases, teeth and a retractor, as a raster of the plane."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Tissue", "draw_tissue", "smooth_noise"]

Raster = NDArray[np.float32]

_CELLS_ACROSS_FIELD = 1000
_OVERHANG = 1.5
# Linear sRGB of moist mucosa (pale, usual, congested), enamel, gum, a retractor's plastic and the dark of the
# mouth.
_PALE, _USUAL, _RED = (0.68, 0.33, 0.30), (0.59, 0.215, 0.20), (0.52, 0.135, 0.13)
_TONGUE = (0.57, 0.245, 0.23)
_ENAMEL, _ENAMEL_NECK = (0.70, 0.64, 0.49), (0.60, 0.49, 0.31)
_GUM, _PLASTIC, _DARK = (0.45, 0.13, 0.125), (0.50, 0.43, 0.41), (0.035, 0.012, 0.011)
_VESSEL = (0.34, 0.055, 0.065)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tissue:
    """
    A raster of the plane.

    Parameters
    ----------
    linear_rgb : ndarray of float32, shape (height, width, 3)
        Linear sRGB reflectance, relief shaded in.
    highlight : ndarray of float32, shape (height, width)
        Where the moist surface mirrors the light, in [0, 1].
    film : ndarray of float32, shape (height, width)
        Noise, mean 0 and standard deviation 1, that patterns an erosion's film and floor.
    plane_mm_from_cell : ndarray of float64, shape (3, 3)
        (column, row, 1) of the raster to mm on the plane.
    """

    linear_rgb: Raster
    highlight: Raster
    film: Raster
    plane_mm_from_cell: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """Normalized coordinates: u, v in [-0.5, 0.5] across the field."""

    u: Raster
    v: Raster
    aspect: float

    @property
    def shape(self) -> tuple[int, int]:
        return self.v.shape[0], self.u.shape[1]


def draw_tissue(
    site: str, field_mm: tuple[float, float], place: np.random.Generator, held: np.random.Generator
) -> Tissue:
    """
    Draw the tissue of a site.

    Parameters
    ----------
    site : str
        A tongue has papillae and a middle line, a palate ridges; all others are smooth mucosa beside teeth.
    field_mm : tuple of float
        Width and height of the field in view; the raster reaches beyond it.
    place : numpy.random.Generator
        For what stays the same at all visits.
    held : numpy.random.Generator
        For where the light stands at this visit.

    Returns
    -------
    Tissue
    """
    cell = field_mm[0] / _CELLS_ACROSS_FIELD
    width = int(_OVERHANG * _CELLS_ACROSS_FIELD)
    height = round(_OVERHANG * field_mm[1] / cell)
    grid = _Grid(
        u=((np.arange(width, dtype=np.float32) - (width - 1) / 2) * np.float32(cell / field_mm[0]))[None, :],
        v=((np.arange(height, dtype=np.float32) - (height - 1) / 2) * np.float32(cell / field_mm[1]))[:, None],
        aspect=field_mm[1] / field_mm[0],
    )
    relief = _relief(site, grid, place)
    color = _mucosa(site, grid, place)
    _draw_vessels(color, place)
    slope_x, slope_y = _slopes(relief)
    _shade(color, slope_x, slope_y, held)
    highlight = _highlight(slope_x, slope_y, grid, held)
    _draw_surroundings(color, highlight, site, grid, place)
    film = smooth_noise(grid.shape, (6, 16, 42, 90), (0.35, 0.6, 1.0, 0.8), place)
    matrix = np.array([[cell, 0.0, -cell * (width - 1) / 2], [0.0, cell, -cell * (height - 1) / 2], [0.0, 0.0, 1.0]])
    return Tissue(linear_rgb=color, highlight=highlight, film=film, plane_mm_from_cell=matrix)


def smooth_noise(
    shape: tuple[int, int], cells: tuple[int, ...], weights: tuple[float, ...], rng: np.random.Generator
) -> Raster:
    """
    Return a sum of smooth noises, each drawn on a coarse lattice and interpolated.

    Parameters
    ----------
    shape : tuple of int
        (height, width).
    cells : tuple of int
        Spacing of each lattice, in cells of the raster.
    weights : tuple of float
        Relative standard deviation of each.
    rng : numpy.random.Generator
        Source.

    Returns
    -------
    ndarray of float32, shape `shape`
        Mean 0 and standard deviation 1, about.
    """
    height, width = shape
    total = np.zeros(shape, dtype=np.float32)
    for cell, weight in zip(cells, weights, strict=True):
        lattice = rng.standard_normal((height // cell + 4, width // cell + 4), dtype=np.float32)
        grown = cv2.resize(lattice, None, fx=cell, fy=cell, interpolation=cv2.INTER_CUBIC)
        # Cubic interpolation of white noise has about 0.75 of its standard deviation.
        total += (weight / 0.75) * grown[cell : cell + height, cell : cell + width]
    total /= float(np.sqrt(np.sum(np.square(weights))))
    return total


def _relief(site: str, grid: _Grid, rng: np.random.Generator) -> Raster:
    """Return the surface's height in raster cells."""
    relief = smooth_noise(grid.shape, (220, 90, 38), (26.0, 7.0, 1.6), rng) * 27.0
    fine = smooth_noise(grid.shape, (13, 6), (0.5, 0.22), rng)
    if "tongue" in site:
        relief += 1.1 * fine
        relief -= 16.0 * np.exp(-((grid.u / 0.012) ** 2)) * (0.7 + 0.3 * np.cos(9 * grid.v))
    elif "palate" in site:
        wave = grid.v * 62 + 6 * np.cos(3.2 * grid.u) + 0.8 * smooth_noise(grid.shape, (120,), (1.0,), rng)
        relief += 5.0 * np.cos(wave) + 0.4 * fine
    else:
        fold = grid.u * 0.6 - grid.v * 0.8 + 0.03 * smooth_noise(grid.shape, (150,), (1.0,), rng)
        relief += 2.4 * np.cos(34 * fold) + 0.35 * fine
    return relief


def _mucosa(site: str, grid: _Grid, rng: np.random.Generator) -> Raster:
    """Return the base colour with its patches of paler and redder tissue."""
    tone = smooth_noise(grid.shape, (330, 120, 40), (1.0, 0.7, 0.35), rng)
    speckle = smooth_noise(grid.shape, (9, 4), (1.0, 0.7), rng)
    tone = np.tanh(tone + 0.16 * speckle)
    usual = np.array(_TONGUE if "tongue" in site else _USUAL, dtype=np.float32)
    paler = np.maximum(tone, 0)[:, :, None] * (np.array(_PALE, dtype=np.float32) - usual)
    redder = np.maximum(-tone, 0)[:, :, None] * (np.array(_RED, dtype=np.float32) - usual)
    color: Raster = usual + paler + redder
    return color


def _draw_vessels(color: Raster, rng: np.random.Generator) -> None:
    """Blend winding, branching vessels into the colour."""
    height, width = color.shape[:2]
    ink = np.zeros((height // 2, width // 2), dtype=np.uint8)
    for _ in range(26):
        position = rng.uniform(0, 1, size=2) * (width / 2, height / 2)
        heading, steps = float(rng.uniform(0, 2 * np.pi)), int(rng.integers(25, 60))
        turns = np.cumsum(rng.normal(0, 0.28, size=steps)) + heading
        path = position + 4.0 * np.cumsum(np.stack([np.cos(turns), np.sin(turns)], axis=1), axis=0)
        _draw_path(ink, path, int(rng.integers(90, 230)))
        fork = path[steps // 2] + 3.5 * np.cumsum(
            np.stack([np.cos(turns[::2] + 0.7), np.sin(turns[::2] + 0.7)], axis=1), axis=0
        )
        _draw_path(ink, fork, int(rng.integers(60, 150)))
    soft = cv2.GaussianBlur(ink, (0, 0), 0.9)
    amount = cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32) * (0.55 / 255)
    color += amount[:, :, None] * (np.array(_VESSEL, dtype=np.float32) - color)


def _draw_path(ink: NDArray[np.uint8], path_xy: NDArray[np.float64], tone: int) -> None:
    cv2.polylines(ink, [np.rint(path_xy * 8).astype(np.int32)], False, tone, 1, cv2.LINE_AA, 3)


def _slopes(relief: Raster) -> tuple[Raster, Raster]:
    smooth = cv2.GaussianBlur(relief, (0, 0), 1.2)
    slope_x, slope_y = (cv2.Sobel(smooth, cv2.CV_32F, x, 1 - x, scale=0.125) for x in (1, 0))
    return np.asarray(slope_x, dtype=np.float32), np.asarray(slope_y, dtype=np.float32)


def _shade(color: Raster, slope_x: Raster, slope_y: Raster, held: np.random.Generator) -> None:
    """Darken slopes that face away from the light."""
    angle = float(held.uniform(-2.4, -0.7))
    lit = 1 - 0.55 * (slope_x * np.float32(np.cos(angle)) + slope_y * np.float32(np.sin(angle)))
    lit /= np.sqrt(1 + slope_x**2 + slope_y**2)
    color *= np.clip(1 + 0.6 * (lit - 1), 0.55, 1.3)[:, :, None]


def _highlight(slope_x: Raster, slope_y: Raster, grid: _Grid, held: np.random.Generator) -> Raster:
    """Return where the surface mirrors a small source beside the lens into it."""
    u0, v0 = (float(value) for value in held.uniform(-0.2, 0.2, size=2))
    miss = np.square(slope_x - 0.55 * (grid.u - u0)) + np.square(slope_y - 0.55 * grid.aspect * (grid.v - v0))
    broken = smooth_noise(grid.shape, (70, 16, 5), (1.0, 0.8, 0.7), held)
    sharp: Raster = np.exp(-miss / 0.0032) * np.clip(0.35 + 0.9 * broken, 0, 1.6)
    return np.asarray(np.clip(sharp - 0.18, 0, 1), dtype=np.float32)


def _draw_surroundings(color: Raster, highlight: Raster, site: str, grid: _Grid, rng: np.random.Generator) -> None:
    """Draw what frames the tissue: teeth and gum above, a retractor, the dark of the mouth."""
    bend = float(rng.uniform(0.10, 0.22))
    wobble = smooth_noise(grid.shape, (200, 60), (1.0, 0.4), rng)
    side = float(rng.choice([-1.0, 1.0]))
    depth = (-0.44 - grid.v) + bend * np.square(grid.u - 0.1 * side) * (1 if "tongue" in site else 1.6)
    depth = depth * grid.aspect + 0.004 * wobble
    gum = _smoothstep(depth / 0.035 + 0.9)
    _blend(color, gum * np.float32(0.85), _GUM)
    _blend(color, _smoothstep(1 - np.abs(depth + 0.034) / 0.016) * np.float32(0.35), _RED)
    _draw_teeth(color, highlight, depth, grid, rng)
    plastic = np.sqrt(np.square(grid.u + 0.04 * side) / 0.30 + np.square(grid.v * grid.aspect + 0.05) / 0.20) - 1
    plastic = plastic + 0.004 * wobble
    lip = _smoothstep(plastic / 0.02 + 0.5)
    _blend(color, lip * np.float32(0.72), _PLASTIC)
    rim = np.exp(-np.square((plastic - 0.015) / 0.008)).astype(np.float32)
    highlight *= 1 - 0.8 * lip
    highlight += 0.22 * rim * np.clip(0.4 + wobble, 0, 1)
    _blend(color, _smoothstep((plastic - 0.13) / 0.10) * np.float32(0.9), _DARK)


def _draw_teeth(color: Raster, highlight: Raster, depth: Raster, grid: _Grid, rng: np.random.Generator) -> None:
    """Draw a row of crowns along the gum's edge."""
    pitch, shift = 0.082, float(rng.uniform(0, 0.08))
    number = np.floor((grid.u + shift) / pitch)
    across = ((grid.u + shift) / pitch - number - 0.5) * 2
    lengths = rng.uniform(0.085, 0.105, size=64).astype(np.float32)
    length = lengths[np.clip(number.astype(np.int64) + 32, 0, 63)]
    along = (depth - 0.005 - length) / length
    inside = 1 - (np.abs(across) ** 3.4 + np.abs(along) ** 3.4)
    crown = _smoothstep(inside / 0.16)
    shadow = _smoothstep((inside + 0.25) / 0.5) * (1 - crown)
    color *= (1 - 0.45 * shadow)[:, :, None]
    neck = np.clip(0.5 - 0.5 * along, 0, 1)[:, :, None]
    enamel = neck * np.array(_ENAMEL_NECK, np.float32) + (1 - neck) * np.array(_ENAMEL, np.float32)
    enamel *= (0.95 - 0.42 * np.square(across))[:, :, None]
    color += crown[:, :, None] * (enamel - color)
    highlight *= 1 - crown
    spot = np.square((across + 0.35) / 0.13) + np.square((along + 0.45) / 0.22)
    highlight += 0.5 * crown * np.exp(-spot)


def _blend(color: Raster, amount: Raster, target: tuple[float, float, float]) -> None:
    color += amount[:, :, None] * (np.array(target, dtype=np.float32) - color)


def _smoothstep(value: Raster) -> Raster:
    t = np.clip(value, 0, 1)
    smooth: Raster = (t * t * (3 - 2 * t)).astype(np.float32)
    return smooth
