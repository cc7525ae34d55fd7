"""A segmenter that is told the answer: a known mask in the photo's own geometry."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import InputError
from oral_lesion.numerics.geometry import warp_to_standard
from oral_lesion.records import ModelIdentity, StandardizedPhoto

__all__ = ["KnownMaskSegmenter"]


class KnownMaskSegmenter:
    """
    Segmenter whose probability is a known mask, resampled exactly as the photo is.

    It takes the model's place where the measurement itself is on trial, and for masks that people corrected.

    Parameters
    ----------
    mask : ndarray of uint8, shape (height, width)
        0 or 255, in the geometry of the upright photo.
    working_mm_per_px : float
        The protocol's working resolution.
    """

    def __init__(self, mask: NDArray[np.uint8], working_mm_per_px: float) -> None:
        if mask.dtype != np.uint8 or mask.ndim != 2:
            raise InputError(f"mask: expected uint8 (height, width), got {mask.dtype} {mask.shape}; convert it first.")
        self._mask = mask
        self._working_mm_per_px = working_mm_per_px
        sha256 = hashlib.sha256(str(mask.shape).encode() + mask.tobytes()).hexdigest()
        self._identity = ModelIdentity(name="known-mask", version="1", sha256=sha256)

    @property
    def identity(self) -> ModelIdentity:
        """``known-mask``, with the hash of the mask."""
        return self._identity

    @property
    def threshold(self) -> float:
        """Half: a pixel of the working picture is erosion where the mask covers half of it."""
        return 0.5

    @property
    def working_mm_per_px(self) -> float:
        """The protocol's working resolution."""
        return self._working_mm_per_px

    def probability(self, standardized: StandardizedPhoto) -> NDArray[np.float32]:
        """
        Return the fraction of each working pixel that the mask covers.

        Parameters
        ----------
        standardized : StandardizedPhoto
            Of the photo that the mask belongs to.

        Returns
        -------
        ndarray of float32, shape (height, width)
            In [0, 1].

        Raises
        ------
        InputError
            Where the mask has another size than the photo.
        """
        if self._mask.shape != standardized.photo_shape:
            raise InputError(
                f"mask: expected the photo's size {standardized.photo_shape}, got {self._mask.shape}; "
                "give the mask of the upright photo."
            )
        return warp_to_standard(self._mask, standardized.photo_xy_from_standard_xy, standardized.linear_rgb.shape[:2])
