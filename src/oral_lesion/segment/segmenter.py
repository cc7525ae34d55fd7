"""The port: what the stage asks of a segmenter."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from oral_lesion.records import ModelIdentity, StandardizedPhoto

__all__ = ["Segmenter"]


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
