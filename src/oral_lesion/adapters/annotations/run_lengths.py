"""Run-length encoded masks of COCO (column by column) and CVAT (row by row)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import FormatError

__all__ = ["compress_counts", "counts_of", "decode_counts", "expand_counts"]

_MAX_PIXELS = 100_000_000
_MOST_CHARACTERS_A_COUNT = 8
_FIRST_CHARACTER = 48


def expand_counts(text: str) -> list[int]:
    """
    Return the run lengths that COCO's compressed text stands for.

    Parameters
    ----------
    text : str
        Five bits a character, the sixth says that more follow, the fifth of the last is the sign; from the fourth
        number on, differences to the one before last.

    Returns
    -------
    list of int
        Background first.

    Raises
    ------
    FormatError
        Where a character or a number is out of range.

    References
    ----------
    .. [1] COCO API, common/maskApi.c, rleToString and rleFrString. Checked: tests/adapters/annotations/
       test_run_lengths.py, texts written by pycocotools 2.0.11.
    """
    counts: list[int] = []
    at = 0
    while at < len(text):
        number, characters, more = 0, 0, True
        while more:
            if at >= len(text) or characters >= _MOST_CHARACTERS_A_COUNT:
                raise FormatError("a compressed RLE breaks off or holds a number out of range; export it again")
            bits = ord(text[at]) - _FIRST_CHARACTER
            if not 0 <= bits < 64:
                raise FormatError(
                    f"a compressed RLE: expected characters from 0 to o, got {text[at]!r}; export it again"
                )
            number |= (bits & 31) << (5 * characters)
            more = bool(bits & 32)
            at += 1
            characters += 1
            if not more and bits & 16:
                number |= -1 << (5 * characters)
        counts.append(number + counts[-2] if len(counts) > 2 else number)
    return counts


def compress_counts(counts: list[int]) -> str:
    """
    Return run lengths as COCO's compressed text.

    Parameters
    ----------
    counts : list of int
        Background first.

    Returns
    -------
    str
        See `expand_counts`, which gives them again.
    """
    letters = []
    for index, count in enumerate(counts):
        number = count - counts[index - 2] if index > 2 else count
        more = True
        while more:
            bits = number & 31
            number >>= 5
            more = number != (-1 if bits & 16 else 0)
            letters.append(chr((bits | 32 if more else bits) + _FIRST_CHARACTER))
    return "".join(letters)


def decode_counts(counts: object, shape: tuple[int, int], *, by_column: bool) -> NDArray[np.bool_]:
    """
    Return the mask that run lengths stand for.

    Parameters
    ----------
    counts : object
        Whatever a file holds; expected whole numbers of 0 or more, background first, that add up to the mask's pixels.
    shape : tuple of int
        Height and width.
    by_column : bool
        True for COCO, False for CVAT.

    Returns
    -------
    ndarray of bool, shape (height, width)

    Raises
    ------
    FormatError
        Where they are not, or the mask has more than 100 megapixels.
    """
    height, width = shape
    if height < 1 or width < 1 or height * width > _MAX_PIXELS:
        raise FormatError(f"an RLE: expected a size of 1 px to 100 megapixels, got {width}×{height} px")
    whole = isinstance(counts, list) and all(type(count) is int and 0 <= count <= _MAX_PIXELS for count in counts)
    if not isinstance(counts, list) or not whole or sum(counts) != height * width:
        total = sum(counts) if isinstance(counts, list) and whole else "something else"
        raise FormatError(f"an RLE: expected counts of 0 or more that add up to {height * width}, got {total}")
    runs = np.asarray(counts, dtype=np.int64)
    inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return np.ascontiguousarray(inside.reshape((width, height)).T if by_column else inside.reshape((height, width)))


def counts_of(inside: NDArray[np.bool_], *, by_column: bool) -> list[int]:
    """
    Return the run lengths of a mask.

    Parameters
    ----------
    inside : ndarray of bool, shape (height, width)
        Mask.
    by_column : bool
        True for COCO, False for CVAT.

    Returns
    -------
    list of int
        Background first, 0 where the first pixel is inside.
    """
    flat = (inside.T if by_column else inside).ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts = np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()
    return [0, *counts] if flat.size and flat[0] else counts
