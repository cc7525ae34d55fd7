"""Drawn lesions for training: flat red erosions, of which photographs hold few, and red or dark spots that are none."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.io.datasets import LESION_VALUE

__all__ = ["draw_lesion"]

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


def draw_lesion(srgb: Bytes, labels: Bytes, rng: np.random.Generator) -> tuple[Bytes, Bytes]:
    """
    Draw an erosion on reddish tissue, or in three of ten cases a diffuse redness or a dark spot, labelled as none.

    Colours are taken relative to the tissue around, so that light and camera stay those of the picture.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Crop in sRGB.
    labels : ndarray of uint8, shape (height, width)
        255 lesion, 0 other, 128 ignore.
    rng : Generator
        Source of everything that is drawn.

    Returns
    -------
    srgb : ndarray of uint8, shape (height, width, 3)
        Crop with the lesion; unchanged where there is no reddish tissue.
    labels : ndarray of uint8, shape (height, width)
        255 inside a drawn erosion.
    """
    place = _place(srgb, labels, rng)
    if place is None:
        return srgb, labels
    shape = _blob(labels.shape, place, rng)
    kind = rng.choice(["erosion", "redness", "spot"], p=[0.7, 0.2, 0.1])
    tissue = cv2.GaussianBlur(srgb, (0, 0), 3.0).astype(np.float32)
    detail = srgb - tissue
    if kind == "redness":
        cover = _soft(shape, rng.uniform(6.0, 16.0))
        return _mixed(srgb, tissue * _gains(rng, 0.9, 1.05, 0.55, 0.85) + detail, cover), labels
    cover = _soft(shape, rng.uniform(0.5, 1.6))
    if kind == "spot":
        brown = tissue * _gains(rng, 0.35, 0.7, 0.3, 0.65) + detail
        return _mixed(srgb, brown, cover), labels
    bed = tissue * _gains(rng, 0.7, 1.05, 0.4, 0.78) * (1.0 + _noise(labels.shape, rng, 0.12))
    bed = _fibrin(bed, tissue, rng) + detail * rng.uniform(0.2, 1.0)
    surrounded = _surroundings(srgb.astype(np.float32), shape, rng)
    changed = labels.copy()
    changed[cover[..., 0] > 0.5] = LESION_VALUE
    return _mixed(surrounded, bed, cover), changed


def _place(srgb: Bytes, labels: Bytes, rng: np.random.Generator) -> tuple[int, int] | None:
    """Return the (row, column) of a pixel of reddish tissue, or None where there is too little of it."""
    smooth = cv2.GaussianBlur(srgb, (0, 0), 4.0).astype(np.int16)
    red, green, blue = smooth[..., 0], smooth[..., 1], smooth[..., 2]
    reddish = (red > 1.25 * green) & (red > 1.15 * blue) & (red < 3.5 * green) & (red > 70)
    textured = cv2.GaussianBlur(np.abs(srgb.astype(np.float32) - smooth).sum(axis=2), (0, 0), 4.0) > 1.0
    places = np.flatnonzero(reddish & textured & (labels == 0))
    if places.size < 0.05 * labels.size:
        return None
    row, column = divmod(int(rng.choice(places)), labels.shape[1])
    return row, column


def _blob(shape: tuple[int, ...], place: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Return the mask of an irregular outline, sometimes with smaller ones beside it."""
    mask = np.zeros(shape, np.uint8)
    radius = float(np.exp(rng.uniform(np.log(8.0), np.log(65.0))))
    centre = np.array([place[1], place[0]], float)
    for _ in range(1 + int(rng.integers(0, 4) == 0) * int(rng.integers(1, 4))):
        angles = np.linspace(0, 2 * np.pi, 96, endpoint=False)
        reach = np.ones_like(angles)
        for wave in range(2, 12):
            reach += rng.normal(0.0, 0.22 / wave) * np.cos(wave * angles + rng.uniform(0, 2 * np.pi))
        turn, stretch = rng.uniform(0, np.pi), np.exp(rng.normal(0.0, 0.3))
        x, y = radius * stretch * reach * np.cos(angles), radius / stretch * reach * np.sin(angles)
        points = np.stack([np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y], axis=1)
        cv2.fillPoly(mask, [np.round(centre + points).astype(np.int32)], 1)
        centre = centre + rng.normal(0.0, 1.5 * radius, 2)
        radius *= rng.uniform(0.3, 0.8)
    return mask.astype(np.float32)


def _gains(rng: np.random.Generator, red_low: float, red_high: float, low: float, high: float) -> Floats:
    """Return a gain a channel: one for red, one for green, and nearly the same for blue."""
    other = rng.uniform(low, high)
    return np.array([rng.uniform(red_low, red_high), other, other * rng.uniform(0.85, 1.15)], np.float32)


def _noise(shape: tuple[int, ...], rng: np.random.Generator, sd: float) -> Floats:
    """Return smooth noise of mean 0, shape (height, width, 1)."""
    cells = int(rng.integers(6, 48))
    coarse = rng.normal(0.0, sd, (cells, cells)).astype(np.float32)
    fine = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(fine, np.float32)[..., None]


def _soft(shape: Floats, sd_px: float) -> Floats:
    """Return a mask with a soft edge, shape (height, width, 1)."""
    return np.asarray(cv2.GaussianBlur(shape, (0, 0), sd_px), np.float32)[..., None]


def _fibrin(bed: Floats, tissue: Floats, rng: np.random.Generator) -> Floats:
    """Lay a yellowish coat over part of the bed, or over nothing of it."""
    if rng.random() < 0.5:
        return bed
    light = tissue.max(axis=2, keepdims=True)
    colour = np.array([1.02, rng.uniform(0.82, 0.97), rng.uniform(0.6, 0.85)], np.float32) * rng.uniform(0.85, 1.1)
    patches = np.clip((_noise(bed.shape, rng, 1.0) + rng.normal(0.0, 1.0)) * 2.0, 0.0, 1.0) * rng.uniform(0.5, 1.0)
    mixed: Floats = bed * (1.0 - patches) + light * colour * patches
    return mixed


def _surroundings(srgb: Floats, shape: Floats, rng: np.random.Generator) -> Floats:
    """Redden the tissue around, or raise a pale rim, or neither."""
    choice = rng.choice(["plain", "halo", "rim"], p=[0.4, 0.35, 0.25])
    if choice == "plain":
        return srgb
    wide = float(rng.uniform(5.0, 14.0)) if choice == "halo" else float(rng.uniform(1.0, 2.5))
    around = np.clip(2.0 * _soft(shape, wide), 0.0, 1.0)
    gains = _gains(rng, 0.95, 1.05, 0.65, 0.9) if choice == "halo" else _gains(rng, 1.0, 1.1, 1.1, 1.35)
    changed: Floats = srgb * (1.0 - around) + srgb * gains * around
    return changed


def _mixed(below: NDArray[np.float32] | Bytes, above: Floats, cover: Floats) -> Bytes:
    mixed: Bytes = np.clip(np.round(below * (1.0 - cover) + above * cover), 0, 255).astype(np.uint8)
    return mixed
