"""Foreign surfaces for training: drawn colour cards, rulers, gloves and desks, all labelled as no lesion."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["paint_decoy"]

Bytes = NDArray[np.uint8]
Colour = tuple[int, int, int]


def paint_decoy(srgb: Bytes, labels: Bytes, rng: np.random.Generator) -> tuple[Bytes, Bytes]:
    """
    Paint a foreign surface over part of a crop and label it as no lesion.

    Photographs of a trial show a colour card, gloves and the desk; its red and brown patches are no erosions.

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
        Crop with the surface.
    labels : ndarray of uint8, shape (height, width)
        0 where the surface lies.
    """
    kind = rng.choice(["card", "card", "card", "surface"])
    surface = _card(rng) if kind == "card" else _surface(rng)
    height, width = labels.shape
    matrix = _placement(surface.shape[1], surface.shape[0], width, height, rng)
    painted = np.asarray(cv2.warpPerspective(surface, matrix, (width, height), flags=cv2.INTER_LINEAR), np.float32)
    ones = np.ones(surface.shape[:2], np.float32)
    cover = cv2.GaussianBlur(cv2.warpPerspective(ones, matrix, (width, height)), (0, 0), rng.uniform(0.4, 1.5))
    if rng.random() < 0.5:
        painted = _shade(painted, rng)
    mixed = srgb * (1.0 - cover[..., None]) + painted * cover[..., None]
    changed = labels.copy()
    changed[cover > 0.5] = 0
    return np.clip(np.round(mixed), 0, 255).astype(np.uint8), changed


def _card(rng: np.random.Generator) -> Bytes:
    """Draw a card of random layout: border, grid of patches, sometimes a ruler, markers or lines of text."""
    rows, columns = int(rng.integers(1, 7)), int(rng.integers(2, 8))
    pitch = int(rng.integers(16, 56))
    gap = int(rng.integers(0, max(2, pitch // 4)))
    margin = int(rng.integers(2, pitch))
    border = _neutral(rng)
    card = np.full((rows * pitch + 2 * margin, columns * pitch + 2 * margin, 3), border, np.uint8)
    for row in range(rows):
        for column in range(columns):
            corner = (margin + column * pitch + gap, margin + row * pitch + gap)
            far = (margin + (column + 1) * pitch - gap - 1, margin + (row + 1) * pitch - gap - 1)
            cv2.rectangle(card, corner, far, _patch_colour(rng), -1)
    if rng.random() < 0.4:
        ink = (0, 0, 0) if sum(border) > 300 else (255, 255, 255)
        step = int(rng.integers(4, 12))
        for x in range(margin, card.shape[1] - margin, step):
            cv2.line(card, (x, 0), (x, margin // 2 if (x // step) % 5 else margin), ink, 1)
    return card


def _surface(rng: np.random.Generator) -> Bytes:
    """Draw a plain or textured surface: desk, glove, cloth, darkness."""
    colour = np.array(_patch_colour(rng) if rng.random() < 0.6 else _neutral(rng), np.float32)
    size = int(rng.integers(4, 40))
    coarse = rng.normal(0.0, rng.uniform(0.0, 25.0), (size, size, 1)).astype(np.float32)
    texture = cv2.resize(coarse, (192, 192), interpolation=cv2.INTER_CUBIC)[..., None]
    surface: Bytes = np.clip(colour + texture, 0, 255).astype(np.uint8)
    return surface


def _patch_colour(rng: np.random.Generator) -> Colour:
    """Return a colour; every third is one that could pass for tissue."""
    if rng.random() < 0.35:
        hsv = np.array([[[rng.normal(4, 8) % 180, rng.uniform(60, 230), rng.uniform(60, 240)]]], np.uint8)
    else:
        hsv = np.array([[[rng.uniform(0, 180), rng.uniform(0, 255), rng.uniform(20, 255)]]], np.uint8)
    red, green, blue = (int(value) for value in cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0])
    return red, green, blue


def _neutral(rng: np.random.Generator) -> Colour:
    """Return black, white or a grey, a little tinted."""
    level = rng.choice([rng.uniform(0, 50), rng.uniform(50, 200), rng.uniform(200, 255)])
    red, green, blue = (int(value) for value in np.clip(level + rng.normal(0, 5, 3), 0, 255))
    return red, green, blue


def _placement(
    surface_width: int, surface_height: int, width: int, height: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the homography that lays the surface askew, mostly over the edge of the crop."""
    diagonal = rng.uniform(0.35, 1.1) * max(width, height) / 2
    angle = rng.uniform(0, 2 * np.pi)
    away = rng.uniform(0.45, 1.0) * max(width, height) / 2 * np.array([np.cos(angle), np.sin(angle)])
    centre = np.array([width / 2, height / 2]) + away
    unit = np.array([[-surface_width, -surface_height], [surface_width, -surface_height]], np.float64)
    corners = np.concatenate([unit, -unit]) / np.hypot(surface_width, surface_height)
    turn = rng.normal(0.0, 0.3) + rng.choice([0.0, np.pi / 2, np.pi, -np.pi / 2])
    rotate = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    laid = centre + diagonal * corners @ rotate.T + rng.normal(0.0, 0.04 * diagonal, (4, 2))
    drawn = np.array([[0, 0], [surface_width, 0], [surface_width, surface_height], [0, surface_height]])
    matrix = cv2.getPerspectiveTransform(drawn.astype(np.float32), laid.astype(np.float32))
    return np.asarray(matrix, np.float64)


def _shade(painted: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Let the light fall off across the surface."""
    height, width = painted.shape[:2]
    slope = rng.normal(0.0, 0.25, 2)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    light = 1.0 + slope[0] * (y - 0.5) + slope[1] * (x - 0.5)
    shaded: NDArray[np.float32] = np.clip(painted * light[..., None], 0, 255).astype(np.float32)
    return shaded
