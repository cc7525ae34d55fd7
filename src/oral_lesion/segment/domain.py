"""Whether a picture resembles those that a model learnt from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import InputError

__all__ = ["DomainLimits", "DomainScore", "mean_of_covered", "score_domain"]

_COVERED_SHARE = 0.5
_WINDOW_CELLS = 12
"""38 mm of cells of 32 px at 0.1 mm/px: most of a mouth, and little of what lies beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainLimits:
    """
    Where a picture stops resembling those that a model learnt from.

    Parameters
    ----------
    distance : float
        Largest Mahalanobis distance of the picture's mean features from those of mouths.
    contrast : float
        Largest coordinate on the axis that leads from mouths to known other surfaces; above 0, where mouths lie.
    """

    distance: float
    contrast: float

    def __post_init__(self) -> None:
        if not (0.0 < self.distance < math.inf and 0.0 < self.contrast < math.inf):
            raise InputError(
                f"domain limits: expected finite numbers above 0, got {self.distance} and "
                f"{self.contrast}; export the model again"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainScore:
    """
    How far a picture lies from those that a model learnt from.

    Parameters
    ----------
    distance : float
        Mahalanobis distance of its mean features.
    contrast : float
        Coordinate on the axis from mouths to known other surfaces.
    """

    distance: float
    contrast: float

    def outside(self, limits: DomainLimits) -> bool:
        """
        Tell whether the picture lies beyond one of the limits.

        Parameters
        ----------
        limits : DomainLimits
            Of the model.

        Returns
        -------
        bool
            True where the distance or the contrast exceeds its limit.
        """
        return self.distance > limits.distance or self.contrast > limits.contrast


def score_domain(cells: NDArray[np.float32], valid: NDArray[np.bool_], limits: DomainLimits) -> DomainScore | None:
    """
    Score the mean features of the part of a picture that most resembles those that a model learnt from.

    A photo with a card shows lips, skin, gloves and table beside the mouth. It is judged by the best of its square
    windows, of 38 mm at the working resolution, and so is foreign only where no window looks like a mouth.

    Parameters
    ----------
    cells : ndarray of float32, shape (features, rows, columns)
        Whitened features of square cells of the picture; the last one is the contrast.
    valid : ndarray of bool, shape (height, width)
        Pixels to look at; the picture may be smaller than its cells, which reach into its mirrored padding.
    limits : DomainLimits
        By which the windows are compared.

    Returns
    -------
    DomainScore or None
        Of the best window; None where no cell is covered by half.

    References
    ----------
    .. [1] Lee et al. 2018, arXiv:1807.03888 (Mahalanobis distance of mean features).
       Checked: tests/unit/segment/test_domain.py, on drawn normal features with a known distance.
    """
    windows = _window_means(cells, valid)
    if windows is None:
        return None
    scores = [
        DomainScore(distance=float(distance), contrast=float(contrast))
        for distance, contrast in zip(
            np.sqrt(np.sum(windows[:-1] ** 2, axis=0)).ravel(), windows[-1].ravel(), strict=True
        )
    ]
    return min(scores, key=lambda score: max(score.distance / limits.distance, score.contrast / limits.contrast))


def _window_means(cells: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """Return the mean features of the windows, (features, windows); of the whole where no window is covered by half."""
    covered = _covered_cells(cells, valid)
    high, wide = (min(_WINDOW_CELLS, side) for side in covered.shape)
    sums = _box_sums(np.concatenate([cells * covered, covered[None]]).astype(np.float64), high, wide)
    enough = sums[-1] >= _COVERED_SHARE * high * wide
    if enough.any():
        return np.asarray(sums[:-1, enough] / sums[-1, enough])
    whole = mean_of_covered(cells, valid)
    return None if whole is None else whole[:, None]


def _box_sums(maps: NDArray[np.float64], high: int, wide: int) -> NDArray[np.float64]:
    """Return the sums over all windows of that size, (maps, places down, places across)."""
    total = np.pad(maps.cumsum(axis=1).cumsum(axis=2), ((0, 0), (1, 0), (1, 0)))
    return np.asarray(
        total[:, high:, wide:] - total[:, :-high, wide:] - total[:, high:, :-wide] + total[:, :-high, :-wide]
    )


def _covered_cells(cells: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which cells are covered by half or more, (rows, columns)."""
    _, rows, columns = cells.shape
    step = max(-(-valid.shape[0] // rows), -(-valid.shape[1] // columns))
    padded = np.zeros((rows * step, columns * step), np.float64)
    padded[: valid.shape[0], : valid.shape[1]] = valid
    return np.asarray(padded.reshape(rows, step, columns, step).mean(axis=(1, 3)) >= _COVERED_SHARE)


def mean_of_covered(cells: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """
    Return the mean features of the cells that are covered by half or more.

    Parameters
    ----------
    cells : ndarray of float32, shape (features, rows, columns)
        Features of square cells of a picture.
    valid : ndarray of bool, shape (height, width)
        Pixels to look at; the picture may be smaller than its cells, which reach into its mirrored padding.

    Returns
    -------
    ndarray of float64, shape (features,), or None
        None where no cell is covered.
    """
    covered = _covered_cells(cells, valid)
    if not covered.any():
        return None
    return np.asarray(cells[:, covered].mean(axis=1, dtype=np.float64))
