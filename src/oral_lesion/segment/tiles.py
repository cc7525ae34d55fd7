"""Tiles: a large picture in overlapping pieces that see enough of their surroundings to agree with the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import InputError

__all__ = ["TilePlan", "in_tiles", "padded_to_multiple"]

Maps = Sequence[NDArray[np.float32]]
Predict = Callable[[NDArray[np.uint8]], Maps]

_SD_PER_TILE = 0.25
"""Standard deviation of the Gaussian weight along a side, as a share of the tile's side."""


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
    context_px : int
        A tile counts for nothing this near to an end that another tile covers: it lacks surroundings there.
    blend_px : int
        Pixels that neighbouring tiles share beyond that at least; their Gaussian weights change over there.
    multiple_px : int
        Tiles begin and end at multiples of this. A network that halves its picture five times answers otherwise when
        the picture moves by less than 32 px, so such tiles would not agree with the whole.
    """

    max_whole_px: int = 1_100_000
    max_tile_px: int = 1_100_000
    context_px: int = 320
    blend_px: int = 64
    multiple_px: int = 32

    def __post_init__(self) -> None:
        lengths = (self.context_px, self.blend_px)
        if self.multiple_px < 1 or any(length < 0 or length % self.multiple_px for length in lengths):
            raise InputError(
                f"tiles: expected context and blend in multiples of {self.multiple_px} px, got {self.context_px} and "
                f"{self.blend_px}; correct them"
            )
        if not 0 < self.shortest_px <= self.max_tile_px**0.5:
            raise InputError(
                f"tiles: expected tiles of at least {self.shortest_px} px a side, got {self.max_tile_px} pixels a "
                "tile; enlarge max_tile_px, or shorten context_px"
            )

    @property
    def overlap_px(self) -> int:
        """Pixels that neighbouring tiles share at least."""
        return 2 * self.context_px + self.blend_px

    @property
    def shortest_px(self) -> int:
        """Shortest side of a tile that does its share of the work."""
        return self.overlap_px + self.multiple_px


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


def in_tiles(srgb: NDArray[np.uint8], predict: Predict, plan: TilePlan) -> tuple[NDArray[np.float32], ...]:
    """
    Predict a picture whole if it is small, else in overlapping tiles.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        Picture whose sides are multiples of `plan.multiple_px`.
    predict : callable
        Takes (height, width, 3), gives maps of float32 (…, height / n, width / n), where n divides
        `plan.multiple_px` and may differ between the maps.
    plan : TilePlan
        Sizes.

    Returns
    -------
    tuple of ndarray of float32
        The maps of the whole picture; in the overlaps the weighted mean of the tiles'.

    Raises
    ------
    InputError
        A side is no such multiple.
    """
    height, width = srgb.shape[:2]
    if height % plan.multiple_px or width % plan.multiple_px:
        raise InputError(f"tiles: expected sides in multiples of {plan.multiple_px} px, got {width}×{height}; pad it")
    if height * width <= plan.max_whole_px:
        return tuple(predict(srgb))
    tile_height, tile_width = _tile_shape(height, width, plan)
    across = _spans(width, tile_width, plan)
    wholes: list[NDArray[np.float32]] = []
    for rows, row_weight in _spans(height, tile_height, plan):
        for columns, column_weight in across:
            maps = predict(np.ascontiguousarray(srgb[rows, columns]))
            if not wholes:
                wholes = [_empty_whole(part, (height, width), tile_height) for part in maps]
            for whole, part in zip(wholes, maps, strict=True):
                step = (rows.stop - rows.start) // part.shape[-2]
                weight = _coarse(row_weight, step)[:, None] * _coarse(column_weight, step)
                whole[..., _divided(rows, step), _divided(columns, step)] += weight * part
    return tuple(wholes)


def _empty_whole(part: NDArray[np.float32], shape: tuple[int, int], tile_height: int) -> NDArray[np.float32]:
    step = tile_height // part.shape[-2]
    return np.zeros((*part.shape[:-2], shape[0] // step, shape[1] // step), np.float32)


def _coarse(weight: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Return the mean weight of every `step` pixels."""
    coarse: NDArray[np.float32] = weight.reshape(-1, step).mean(axis=1, dtype=np.float64).astype(np.float32)
    return coarse


def _divided(span: slice, step: int) -> Any:
    return slice(span.start // step, span.stop // step)


def _tile_shape(height: int, width: int, plan: TilePlan) -> tuple[int, int]:
    """Return height and width of the tiles: of all grids that fit, those with the least to compute."""
    best: tuple[int, int, int] | None = None
    for tile_height in _tile_lengths(height, plan):
        for tile_width in _tile_lengths(width, plan):
            if tile_height * tile_width <= plan.max_tile_px:
                count = len(_starts(height, tile_height, plan)) * len(_starts(width, tile_width, plan))
                candidate = (count * tile_height * tile_width, tile_height, tile_width)
                best = min(best or candidate, candidate)
    if best is None:  # cannot be: the shortest tiles are small enough
        raise InputError(f"tiles: no grid for {width}×{height} px; enlarge max_tile_px ({plan.max_tile_px})")
    return best[1], best[2]


def _tile_lengths(length: int, plan: TilePlan) -> list[int]:
    """Return the sides that tiles may have: the whole length, or what ever more of them need to span it."""
    lengths = {length}
    for count in range(2, length // plan.multiple_px + 2):
        exact = (length + (count - 1) * plan.overlap_px) / count
        side = max(-(-exact // plan.multiple_px) * plan.multiple_px, plan.shortest_px)
        lengths.add(min(length, int(side)))
        if side == plan.shortest_px:
            break
    return sorted(lengths)


def _starts(length: int, tile: int, plan: TilePlan) -> list[int]:
    """Return where tiles begin along a side: evenly spread, never overlapping less than planned."""
    if length <= tile:
        return [0]
    step = tile - plan.overlap_px
    count = 1 + -(-(length - tile) // step)
    steps = (length - tile) // plan.multiple_px
    return [number * steps // (count - 1) * plan.multiple_px for number in range(count)]


def _spans(length: int, tile: int, plan: TilePlan) -> list[tuple[slice, NDArray[np.float32]]]:
    """Return the tiles along a side with their weights, which sum to 1 at every pixel."""
    spans = [slice(start, start + tile) for start in _starts(length, tile, plan)]
    weights = [_gaussian(span, length, plan) for span in spans]
    total = np.zeros(length)
    for span, weight in zip(spans, weights, strict=True):
        total[span] += weight
    return [(span, (weight / total[span]).astype(np.float32)) for span, weight in zip(spans, weights, strict=True)]


def _gaussian(span: slice, length: int, plan: TilePlan) -> NDArray[np.float64]:
    """Return the weights along a side of a tile: Gaussian, and 0 near ends that another tile covers."""
    tile = span.stop - span.start
    positions = np.arange(tile) + 0.5
    weight: NDArray[np.float64] = np.exp(-0.5 * ((positions - tile / 2) / (_SD_PER_TILE * tile)) ** 2)
    if span.start > 0:
        weight[: plan.context_px] = 0.0
    if span.stop < length:
        weight[tile - plan.context_px :] = 0.0
    return weight
