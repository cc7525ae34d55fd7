"""Where the model sees erosion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import Flag
from oral_lesion.records._arrays import ArrayRecord

__all__ = ["ModelIdentity", "Segmentation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelIdentity:
    """Name, version and SHA-256 of the model that made a segmentation."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segmentation(ArrayRecord):
    """
    Probability of erosion, and the mask it gives at the threshold.

    Parameters
    ----------
    probability : ndarray of float32, shape (height, width)
        Probability of erosion in [0, 1]; 0 outside `valid`.
    mask : ndarray of bool, shape (height, width)
        ``probability >= threshold``.
    valid : ndarray of bool, shape (height, width)
        True where tissue was in view; from the standardized photo.
    threshold : float
        In (0, 1).
    model : ModelIdentity
        What made it.
    flags : tuple of Flag
        Caveats.
    """

    probability: NDArray[np.float32]
    mask: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    threshold: float
    model: ModelIdentity
    flags: tuple[Flag, ...] = ()

    def __post_init__(self) -> None:
        self._freeze("probability", dtype=np.float32, shape=(None, None))
        self._freeze("mask", dtype=np.bool_, shape=self.probability.shape)
        self._freeze("valid", dtype=np.bool_, shape=self.probability.shape)
