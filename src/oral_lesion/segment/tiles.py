"""Tiles: a large picture in overlapping pieces, blended so that no seam shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import InputError

__all__ = ["TilePlan", "in_tiles", "padded_to_multiple"]

Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TilePlan:
    """
    How a picture is cut.

    Parameters
    ----------
    max_whole_px : int
        Up to this many pixels a picture is taken whole.
    max_tile_px : int
        Most pixels of a tile; it bounds the memory.
    overlap_px : int
        Pixels that neighbouring tiles share at least. In the outer quarter of them a tile counts for
        nothing, as it lacks surroundings there; from there its weight rises linearly.
    multiple_px : int
        Sides of tiles are multiples of this, unless the picture is smaller.
    """

    max_whole_px: int = 1_100_000
    max_tile_px: int = 500_000
    overlap_px: int = 128
    multiple_px: int = 32

    def __post_init__(self) -> None:
        if not 0 < self.overlap_px <= self.max_tile_px**0.5 / 3:
            raise InputError(
                f"tiles: expected an overlap of 1 to a third of a tile's side, got {self.overlap_px} px for "
                f"{self.max_tile_px} pixels a tile; correct it"
            )


def padded_to_multiple(srgb: NDArray[np.uint8], multiple_px: int) -> NDArray[np.uint8]:
    """
    Mirror a picture at its lower and right border until its sides are multiples of a number.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Picture, not empty.
    multiple_px : int
        Pixels.

    Returns
    -------
    ndarray of uint8, shape (padded height, padded width, 3)
        Starts with the picture; contiguous.
    """
    height, width = srgb.shape[:2]
    below, right = -height % multiple_px, -width % multiple_px
    # "symmetric", since "reflect" takes no picture that is smaller than the padding
    padded = np.pad(srgb, ((0, below), (0, right), (0, 0)), mode="symmetric") if below or right else srgb
    return np.ascontiguousarray(padded)


def in_tiles(srgb: NDArray[np.uint8], predict: Predict, plan: TilePlan) -> NDArray[np.float32]:
    """
    Predict a picture whole if it is small, else in overlapping tiles.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Picture.
    predict : callable
        Takes (height, width, 3), gives float32 (height, width).
    plan : TilePlan
        Sizes.

    Returns
    -------
    ndarray of float32, shape (height, width)
        Prediction; in the overlaps the weighted mean of the tiles'.
    """
    height, width = srgb.shape[:2]
    if height * width <= plan.max_whole_px:
        return predict(srgb)
    tile_height, tile_width = _tile_shape(height, width, plan)
    result = np.zeros((height, width), np.float32)
    across = _spans(width, tile_width, plan)
    for rows, row_weight in _spans(height, tile_height, plan):
        for columns, column_weight in across:
            result[rows, columns] += row_weight[:, None] * column_weight * predict(srgb[rows, columns])
    return np.clip(result, 0.0, 1.0, out=result)


def _tile_shape(height: int, width: int, plan: TilePlan) -> tuple[int, int]:
    """Return height and width of the tiles: of all grids that fit, those with the least to compute."""
    best: tuple[int, int, int] | None = None
    for count_down in range(1, height // plan.overlap_px + 2):
        tile_height = _tile_length(height, count_down, plan)
        for count_across in range(1, width // plan.overlap_px + 2):
            tile_width = _tile_length(width, count_across, plan)
            if tile_height * tile_width <= plan.max_tile_px:
                cost = count_down * count_across * tile_height * tile_width
                best = min(best or (cost, tile_height, tile_width), (cost, tile_height, tile_width))
                break
    if best is None:  # cannot be: tiles of three overlaps a side are small enough
        raise InputError(f"tiles: no grid for {width}×{height} px; enlarge max_tile_px ({plan.max_tile_px})")
    return best[1], best[2]


def _tile_length(length: int, count: int, plan: TilePlan) -> int:
    """Return the side of a tile, where `count` tiles with their overlaps span `length`."""
    if count == 1:
        return length
    exact = (length + (count - 1) * plan.overlap_px) / count
    side = max(-(-exact // plan.multiple_px) * plan.multiple_px, 3 * plan.overlap_px)
    return min(length, int(side))


def _starts(length: int, tile: int, plan: TilePlan) -> list[int]:
    """Return where tiles begin along a side: evenly spread, never overlapping less than planned."""
    if length <= tile:
        return [0]
    count = 1 + -(-(length - tile) // (tile - plan.overlap_px))
    return [round(number * (length - tile) / (count - 1)) for number in range(count)]


def _spans(length: int, tile: int, plan: TilePlan) -> list[tuple[slice, NDArray[np.float32]]]:
    """Return the tiles along a side with their weights, which sum to 1 at every pixel."""
    spans = [slice(start, start + tile) for start in _starts(length, tile, plan)]
    ramps = [_ramp(span, length, plan) for span in spans]
    total = np.zeros(length)
    for span, ramp in zip(spans, ramps, strict=True):
        total[span] += ramp
    return [(span, (ramp / total[span]).astype(np.float32)) for span, ramp in zip(spans, ramps, strict=True)]


def _ramp(span: slice, length: int, plan: TilePlan) -> NDArray[np.float64]:
    """Return the weights along a side of a tile: 1 within, falling towards ends that another tile covers."""
    blind = plan.overlap_px // 4
    run = max(1, plan.overlap_px - 2 * blind)
    positions = np.arange(span.start, span.stop)
    weight = np.ones(len(positions))
    if span.start > 0:
        weight = np.minimum(weight, np.clip((positions - span.start - blind + 1) / (run + 1), 0.0, 1.0))
    if span.stop < length:
        weight = np.minimum(weight, np.clip((span.stop - positions - blind) / (run + 1), 0.0, 1.0))
    return weight
