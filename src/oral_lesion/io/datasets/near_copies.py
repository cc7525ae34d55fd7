"""Find copies of pictures: also resized, recompressed, turned or mirrored ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Fingerprint", "fingerprint_of", "near_copies", "perceptual_hash"]

_SIDE_PX = 32
_FREQUENCIES = 8
_LARGEST_DISTANCE = 12
"""Bits of 64: wide, since each candidate is compared by its pixels."""
_LEAST_CORRELATION = 0.985
"""Different tongues before one device's frame reach 0.973; copies, also at half the size or JPEG quality 30, pass."""
_BLOCK = 512

Fingerprint = NDArray[np.float32]
"""The picture in grey at 32 × 32 pixels, whatever its shape: its mean is 0 and its norm 1."""


def fingerprint_of(srgb: NDArray[np.uint8]) -> Fingerprint:
    """
    Return a picture's fingerprint.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        sRGB.

    Returns
    -------
    ndarray of float32, shape (32, 32)
        Zeros where the picture is of one shade.
    """
    grey = cv2.cvtColor(srgb, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    small -= small.mean()
    norm = float(np.linalg.norm(small))
    return np.asarray(small / norm if norm > 1e-3 else np.zeros_like(small), dtype=np.float32)


def perceptual_hash(fingerprint: Fingerprint) -> int:
    """
    Return the perceptual hash of a picture: which of its low frequencies lie above their median.

    Parameters
    ----------
    fingerprint : ndarray of float32, shape (32, 32)
        Of the picture.

    Returns
    -------
    int
        64 bits: the 8 × 8 lowest frequencies of the discrete cosine transform without the constant one, row by row.

    References
    ----------
    .. [1] C. Zauner, Implementation and benchmarking of perceptual image hash functions, 2010, section 3.2.1. Checked
       by what it is for: tests/unit/io/datasets/test_near_copies.py.
    """
    return int(_hashes(fingerprint[None])[0])


def _hashes(fingerprints: NDArray[np.float32]) -> NDArray[np.uint64]:
    from scipy.fft import dctn

    low = dctn(fingerprints, axes=(1, 2), norm="ortho")[:, 1 : _FREQUENCIES + 1, 1 : _FREQUENCIES + 1]
    flat = low.reshape(len(fingerprints), -1)
    bits = flat > np.median(flat, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64)[:, 0]


def near_copies(fingerprints: Sequence[Fingerprint]) -> Iterator[tuple[int, int, float]]:
    """
    Yield the pairs of pictures that show the same.

    Hashes that differ in 12 bits or fewer, in any of the eight turned and mirrored positions, name the candidates;
    those whose fingerprints correlate by 0.985 or more are copies. The comparison goes by blocks, not by pairs.

    Parameters
    ----------
    fingerprints : sequence of ndarray of float32, shape (32, 32)
        One a picture.

    Yields
    ------
    tuple of int, int and float
        Positions of the two, the lower first, and the correlation.
    """
    if len(fingerprints) < 2:
        return
    all_of = np.stack(list(fingerprints))
    plain = _hashes(all_of)
    positions = [_turned(all_of, quarter, mirrored) for quarter in range(4) for mirrored in (False, True)]
    turned = np.stack([_hashes(position) for position in positions])
    for start in range(0, len(plain), _BLOCK):
        block = plain[start : start + _BLOCK, None]
        nearest = np.full((len(block), len(plain)), 255, dtype=np.uint8)
        for hashes in turned:
            np.minimum(nearest, np.bitwise_count(block ^ hashes[None]), out=nearest)
        for row, other in np.argwhere(nearest <= _LARGEST_DISTANCE):
            one = start + int(row)
            if one < other:
                correlation = max(float(np.vdot(all_of[one], position[other])) for position in positions)
                if correlation >= _LEAST_CORRELATION:
                    yield one, int(other), correlation


def _turned(pictures: NDArray[np.float32], quarter: int, mirrored: bool) -> NDArray[np.float32]:
    turned = np.rot90(pictures, quarter, axes=(1, 2))
    return turned[:, :, ::-1] if mirrored else turned
