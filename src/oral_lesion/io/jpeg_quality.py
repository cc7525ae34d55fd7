"""Quality of a JPEG file, from its quantisation table."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["jpeg_quality_of"]

# ITU-T T.81, table K.1: luminance, in the natural order.
_LUMINANCE_STEPS = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_TABLE_LENGTH = 64


def jpeg_quality_of(tables: Mapping[int, Sequence[int]] | None) -> int | None:
    """
    Return the quality whose standard luminance table is as coarse as a file's.

    The Independent JPEG Group scales table K.1 of [1]_ by 5000/q percent below a quality of 50, and by 200 - 2q
    percent above; of a table of another shape, as some cameras use, the sum of its steps decides.

    Parameters
    ----------
    tables : mapping of int to sequence of int, or None
        Quantisation tables by number; number 0 is that of the luminance.

    Returns
    -------
    int or None
        In [1, 100]; None where there is no such table.

    References
    ----------
    .. [1] ITU-T T.81 (1992), table K.1; scaling as in libjpeg's jcparam.c.
       Checked: tests/unit/io/test_jpeg_quality.py, files written by Pillow at each quality.
    """
    steps = None if tables is None else tables.get(0)
    if steps is None or len(steps) != _TABLE_LENGTH:
        return None
    return int(np.argmin(np.abs(_sums_by_quality() - float(sum(steps))))) + 1


@functools.cache
def _sums_by_quality() -> NDArray[np.float64]:
    quality = np.arange(1, 101)
    percent = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    scaled = (np.outer(percent, _LUMINANCE_STEPS) + 50) // 100
    return np.asarray(np.clip(scaled, 1, 255).sum(axis=1), dtype=np.float64)
