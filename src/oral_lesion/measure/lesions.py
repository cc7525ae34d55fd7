"""Lesions as connected components, each with a probability map of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Component", "connected_components"]

_MARGIN_PX = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """
    One connected component, cut out.

    Parameters
    ----------
    probability : ndarray of float32, shape (height, width)
        Crop with a margin; 0 on pixels of other components.
    offset_rc_px : tuple of int
        (row, column) of the crop's first pixel in the whole picture; -1 or less where the margin is padding.
    inside : ndarray of bool, shape (height, width)
        Pixels of this component.
    touches_border : bool
        Whether a pixel of it lies next to a pixel that is not `valid`, or on the picture's border.
    """

    probability: NDArray[np.float32]
    offset_rc_px: tuple[int, int]
    inside: NDArray[np.bool_]
    touches_border: bool


def connected_components(
    probability: NDArray[np.float32], mask: NDArray[np.bool_], valid: NDArray[np.bool_]
) -> Iterator[Component]:
    """
    Yield the 8-connected components of `mask`, in the order of their first pixel.

    Parameters
    ----------
    probability : ndarray of float32, shape (height, width)
        In [0, 1].
    mask : ndarray of bool, shape (height, width)
        ``probability >= threshold``.
    valid : ndarray of bool, shape (height, width)
        Where tissue was in view.

    Yields
    ------
    Component
    """
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    for label in range(1, count):
        left, top, width, height, _ = (int(number) for number in boxes[label])
        box = (slice(top, top + height), slice(left, left + width))
        own_labels = _with_margin(labels, box)
        inside = own_labels == label
        other = (own_labels != label) & (own_labels != 0)
        grown = cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        yield Component(
            probability=np.where(other, np.float32(0), _with_margin(probability, box)),
            offset_rc_px=(top - _MARGIN_PX, left - _MARGIN_PX),
            inside=inside,
            touches_border=bool(np.any(grown & ~_with_margin(valid, box))),
        )


def _with_margin(picture: NDArray[Any], box: tuple[slice, slice]) -> NDArray[Any]:
    """Return a box of a picture with a margin: of the picture where it reaches, of zeros beyond."""
    wanted = [(side.start - _MARGIN_PX, side.stop + _MARGIN_PX) for side in box]
    there = [(max(start, 0), min(stop, length)) for (start, stop), length in zip(wanted, picture.shape, strict=True)]
    beyond = [(inner[0] - outer[0], outer[1] - inner[1]) for outer, inner in zip(wanted, there, strict=True)]
    return np.pad(picture[there[0][0] : there[0][1], there[1][0] : there[1][1]], beyond)
