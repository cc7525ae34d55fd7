"""The port: what the stage asks of a segmenter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from oral_lesion.records import BoundaryCalibration, ModelIdentity, StandardizedPhoto

__all__ = ["PredictingSegmenter", "Prediction", "Segmenter"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """
    What a segmenter says of a picture beyond the probability.

    Parameters
    ----------
    probability : ndarray of float32, shape (height, width)
        In [0, 1].
    probability_sd : ndarray of float32, shape (height, width), or None
        Standard deviation between several passes; None after one.
    boundary : BoundaryCalibration
        How the uncertainty of the boundary is to be scaled.
    out_of_domain : bool
        Whether the picture does not resemble those that the model learnt from; False where the model cannot tell.
    """

    probability: NDArray[np.float32]
    probability_sd: NDArray[np.float32] | None = None
    boundary: BoundaryCalibration = field(default_factory=BoundaryCalibration)
    out_of_domain: bool = False


@runtime_checkable
class Segmenter(Protocol):
    """Something that gives every pixel of a standardized photo a probability of erosion."""

    @property
    def identity(self) -> ModelIdentity:
        """Name, version and SHA-256 of the model."""
        ...

    @property
    def threshold(self) -> float:
        """The model's recommended threshold, in (0, 1)."""
        ...

    @property
    def working_mm_per_px(self) -> float:
        """Resolution (mm/px) that the model is made for."""
        ...

    def probability(self, standardized: StandardizedPhoto) -> NDArray[np.float32]:
        """
        Return the probability of erosion.

        Parameters
        ----------
        standardized : StandardizedPhoto
            A photo at `working_mm_per_px`.

        Returns
        -------
        ndarray of float32, shape (height, width)
            In [0, 1].
        """
        ...


@runtime_checkable
class PredictingSegmenter(Segmenter, Protocol):
    """A segmenter that also knows how sure it is, and whether it knows such pictures."""

    def predict(self, standardized: StandardizedPhoto) -> Prediction:
        """
        Return all that the segmenter says of a photo.

        Parameters
        ----------
        standardized : StandardizedPhoto
            A photo at `working_mm_per_px`.

        Returns
        -------
        Prediction
            With the probability that `probability` gives.
        """
        ...
