"""Instruments for training: mirror, retractor, probe and gauze over the tissue, all labelled as no lesion."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["lay_instrument"]

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


def lay_instrument(srgb: Bytes, labels: Bytes, rng: np.random.Generator) -> tuple[Bytes, Bytes]:
    """
    Lay an instrument over part of a crop and label what it hides as no lesion.

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
        Crop with the instrument.
    labels : ndarray of uint8, shape (height, width)
        0 where it lies.
    """
    kind = str(rng.choice(["mirror", "retractor", "probe", "gauze"]))
    shape, paint = {"mirror": _mirror, "retractor": _retractor, "probe": _probe, "gauze": _gauze}[kind](
        labels.shape, rng
    )
    cover = cv2.GaussianBlur(shape, (0, 0), float(rng.uniform(0.5, 1.5)))[..., None]
    shadow = cv2.GaussianBlur(shape, (0, 0), 0.02 * labels.shape[0] + 1.0)[..., None]
    # A retractor's plastic lets some of the lip behind it through.
    opacity = float(rng.uniform(0.8, 0.95)) if kind == "retractor" else 1.0
    below = srgb * (1.0 - 0.4 * shadow * (1.0 - cover))
    mixed = below * (1.0 - opacity * cover) + paint * opacity * cover
    changed = labels.copy()
    changed[cover[..., 0] > 0.5] = 0
    return np.clip(np.round(mixed), 0, 255).astype(np.uint8), changed


def _coordinates(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return coordinates along and across a random direction through a point near the crop's edge; side is 1."""
    height, width = shape
    angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 0.6)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / max(height, width)
    x, y = x - 0.5 - reach * np.cos(angle), y - 0.5 - reach * np.sin(angle)
    turn = angle + rng.normal(0.0, 0.4)
    along = np.cos(turn) * x + np.sin(turn) * y
    across = -np.sin(turn) * x + np.cos(turn) * y
    return np.asarray(along, np.float32), np.asarray(across, np.float32)


def _metal(position: Floats, rng: np.random.Generator) -> Floats:
    """Return the bright and dark bands of polished steel, shape (height, width, 3)."""
    bands = np.zeros_like(position)
    for wave in (1, 2, 3):
        bands += rng.normal(0.0, 45.0 / wave) * np.cos(wave * 3.0 * position + rng.uniform(0, 2 * np.pi))
    level = np.clip(rng.uniform(110, 190) + bands, 15, 255)
    tint = 1.0 + rng.normal(0.0, 0.03, 3)
    metal: Floats = (level[..., None] * tint).astype(np.float32)
    return metal


def _mirror(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw a mirror's steel rim, and glass that shows something pale or dark out of focus."""
    along, across = _coordinates(shape, rng)
    radius, rim = rng.uniform(0.2, 0.5), rng.uniform(0.01, 0.035)
    distance = np.hypot(along, across * rng.uniform(1.0, 1.6))
    glass = rng.uniform(40, 220) * (1.0 + rng.normal(0.0, 0.08, 3)) * (1.0 + 0.5 * along[..., None])
    steel = _metal(np.arctan2(across, along).astype(np.float32), rng)
    paint = np.where((distance > radius - rim)[..., None], steel, glass)
    return (distance < radius).astype(np.float32), paint.astype(np.float32)


def _retractor(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw the pale curved edge of a cheek retractor."""
    along, across = _coordinates(shape, rng)
    edge = along - rng.uniform(0.2, 1.2) * np.square(across) + rng.uniform(-0.05, 0.1)
    colour = rng.uniform(150, 245) * (1.0 + rng.normal(0.0, 0.06, 3))
    ridge = np.exp(-np.square((edge - rng.uniform(0.02, 0.06)) / 0.012))
    paint = colour * (0.75 + 0.25 * np.clip(edge / 0.2, 0, 1))[..., None] + 60.0 * ridge[..., None]
    return (edge > 0).astype(np.float32), paint.astype(np.float32)


def _probe(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw the steel handle of a probe that reaches into the crop."""
    along, across = _coordinates(shape, rng)
    tip, thick = -rng.uniform(0.1, 0.5), rng.uniform(0.015, 0.06)
    thickness = thick * np.clip((along - tip) / 0.3, 0.0, 1.0) ** rng.uniform(0.2, 1.0)
    inside = (np.abs(across) < thickness) & (along > tip)
    return inside.astype(np.float32), _metal((2.0 * across / thick).astype(np.float32), rng)


def _gauze(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw woven cotton with a ragged edge, sometimes stained with blood."""
    along, across = _coordinates(shape, rng)
    cells = int(rng.integers(4, 9))
    ragged, stain = (
        cv2.resize(rng.normal(0.0, 1.0, (cells, cells)).astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
        for _ in range(2)
    )
    pitch = rng.uniform(0.012, 0.03)
    weave = np.cos(2 * np.pi * along / pitch) * np.cos(2 * np.pi * across / pitch)
    paint = (rng.uniform(190, 240) + 22.0 * weave)[..., None] * np.array([1.0, 0.98, 0.95])
    if rng.random() < 0.3:
        amount = np.clip(stain, 0, 1)[..., None] * rng.uniform(0.4, 0.9)
        paint = paint * (1.0 - amount) + np.array([150.0, 30.0, 30.0]) * amount
    return (along + 0.06 * ragged > 0).astype(np.float32), paint.astype(np.float32)
