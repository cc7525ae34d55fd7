"""Where the model sees erosion."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import Flag, InputError
from oral_lesion.records._arrays import ArrayRecord

__all__ = ["BoundaryCalibration", "ModelIdentity", "Segmentation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelIdentity:
    """Name, version and SHA-256 of the model that made a segmentation."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryCalibration:
    """
    How a model's own uncertainty of the boundary is scaled so that it covers reference areas.

    Parameters
    ----------
    factor : float
        The model's own standard uncertainty is multiplied by this; 1 where nothing was calibrated.
    relative_floor : float
        Standard uncertainty relative to the area that is added in quadrature; 0 where nothing was calibrated.
    """

    factor: float = 1.0
    relative_floor: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.factor) and self.factor > 0.0):
            raise InputError(f"boundary factor: expected a positive number, got {self.factor}; calibrate again")
        if not (math.isfinite(self.relative_floor) and self.relative_floor >= 0.0):
            raise InputError(f"boundary floor: expected 0 or more, got {self.relative_floor}; calibrate again")


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
    probability_sd : ndarray of float32, shape (height, width), or None
        Standard deviation of the probability between several passes of the model; None after one pass.
    boundary : BoundaryCalibration
        How the uncertainty of the boundary is to be scaled.
    flags : tuple of Flag
        Caveats.
    """

    probability: NDArray[np.float32]
    mask: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    threshold: float
    model: ModelIdentity
    probability_sd: NDArray[np.float32] | None = None
    boundary: BoundaryCalibration = field(default_factory=BoundaryCalibration)
    flags: tuple[Flag, ...] = ()

    def __post_init__(self) -> None:
        self._freeze("probability", dtype=np.float32, shape=(None, None))
        self._freeze("mask", dtype=np.bool_, shape=self.probability.shape)
        self._freeze("valid", dtype=np.bool_, shape=self.probability.shape)
        if self.probability_sd is not None:
            self._freeze("probability_sd", dtype=np.float32, shape=self.probability.shape)
