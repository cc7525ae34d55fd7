"""The colour card as read from a photo, and the photo brought to standard colour and scale."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import Flag
from oral_lesion.records._arrays import ArrayRecord

__all__ = ["CardReading", "ColorAgreement", "Scale", "StandardizedPhoto"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """
    Length of a pixel's side.

    Parameters
    ----------
    mm_per_px : float
        Millimetres per pixel in the card's plane.
    u_mm_per_px : float
        Standard uncertainty at the lesion (k = 1), its distance from the card's plane and its inclination to it
        included: in a card's reading as if seen square, in a standardized photo as seen by the tilted camera.
    source : str
        What it was taken from, such as ``"colorchecker-classic patches"``.
    """

    mm_per_px: float
    u_mm_per_px: float
    source: str

    @property
    def relative_u(self) -> float:
        """Relative standard uncertainty of a length (an area has twice this)."""
        return self.u_mm_per_px / self.mm_per_px


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CardReading(ArrayRecord):
    """
    The colour card of a photo.

    Homographies act on (x, y, 1) columns as in OpenCV: x is the column, y the row, integers are pixel
    centres; card coordinates are in mm, x along the card's rows, y along its columns, (0, 0) at the centre of the
    first patch.

    Parameters
    ----------
    card : str
        Name of the card, as in configs/cards.
    patch_linear_rgb : ndarray of float64, shape (patches, 3)
        Linear RGB in [0, 1] of each patch in the card's own order; NaN where the patch was rejected.
    patch_sd : ndarray of float64, shape (patches, 3)
        Robust standard deviation inside each patch, linear RGB.
    patch_clipped_fraction : ndarray of float64, shape (patches,)
        Fraction of pixels of each patch with a channel at an end of its range.
    patch_accepted : ndarray of bool, shape (patches,)
        False where the patch was rejected (glare, clipping, occlusion).
    corners_rc_px : ndarray of float64, shape (4, 2)
        Corners of the card's patch area in the photo: at the first patch, then clockwise on the card.
    photo_xy_from_card_mm : ndarray of float64, shape (3, 3)
        Homography from the card's plane (mm) to the photo (pixels).
    scale : Scale
        Of the photo at the card's centre.
    tilt_deg : float
        Angle between the card's normal and the optical axis.
    blur_px : float
        Standard deviation of the edge spread at the patches' borders, in photo pixels.
    pitch_px : float
        Distance of neighbouring patch centres in photo pixels.
    mirrored : bool
        Whether the card appears mirrored.
    flags : tuple of Flag
        Caveats.
    """

    card: str
    patch_linear_rgb: NDArray[np.float64]
    patch_sd: NDArray[np.float64]
    patch_clipped_fraction: NDArray[np.float64]
    patch_accepted: NDArray[np.bool_]
    corners_rc_px: NDArray[np.float64]
    photo_xy_from_card_mm: NDArray[np.float64]
    scale: Scale
    tilt_deg: float
    blur_px: float
    pitch_px: float
    mirrored: bool = False
    flags: tuple[Flag, ...] = ()

    def __post_init__(self) -> None:
        self._freeze("patch_linear_rgb", dtype=np.float64, shape=(None, 3))
        patches = len(self.patch_linear_rgb)
        self._freeze("patch_sd", dtype=np.float64, shape=(patches, 3))
        self._freeze("patch_clipped_fraction", dtype=np.float64, shape=(patches,))
        self._freeze("patch_accepted", dtype=np.bool_, shape=(patches,))
        self._freeze("corners_rc_px", dtype=np.float64, shape=(4, 2))
        self._freeze("photo_xy_from_card_mm", dtype=np.float64, shape=(3, 3))

    @property
    def blur_mm(self) -> float:
        """Standard deviation of the edge spread in mm in the card's plane."""
        return self.blur_px * self.scale.mm_per_px


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorAgreement:
    """
    How well the corrected patches agree with the card's reference.

    Parameters
    ----------
    fitted_median, fitted_max : float
        CIEDE2000 of the patches that the correction was fitted to.
    held_out_median, held_out_max : float
        CIEDE2000 of each patch under a correction fitted without it: the figure to trust.
    held_out_per_patch : tuple of (float or None)
        The same for each patch in the card's order; None where the patch was rejected.
    """

    fitted_median: float
    fitted_max: float
    held_out_median: float
    held_out_max: float
    held_out_per_patch: tuple[float | None, ...] = ()

    @property
    def held_out_mean(self) -> float:
        """Mean CIEDE2000 of the patches held out; NaN where they were not kept."""
        known = [value for value in self.held_out_per_patch if value is not None]
        return sum(known) / len(known) if known else math.nan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StandardizedPhoto(ArrayRecord):
    """
    A photo in the card's plane, at the working resolution, in corrected colour.

    Parameters
    ----------
    linear_rgb : ndarray of float32, shape (height, width, 3)
        Corrected linear sRGB-primaries RGB in [0, 1] at the working resolution.
    valid : ndarray of bool, shape (height, width)
        True where the photo covers the pixel and the card does not.
    scale : Scale
        Of this picture: the working resolution, and its uncertainty at the lesion.
    photo_xy_from_standard_xy : ndarray of float64, shape (3, 3)
        Homography from this picture's pixels to the photo's, on (x, y, 1) columns.
    photo_shape : tuple of int
        (height, width) of the upright photo.
    correction : str
        Name of the colour correction that was chosen.
    color_agreement : ColorAgreement
        CIEDE2000 of the card's patches, fitted and held out.
    steps : tuple of str
        What was done, in order, with its parameters.
    flags : tuple of Flag
        Caveats.
    """

    linear_rgb: NDArray[np.float32]
    valid: NDArray[np.bool_]
    scale: Scale
    photo_xy_from_standard_xy: NDArray[np.float64]
    photo_shape: tuple[int, int]
    correction: str
    color_agreement: ColorAgreement
    steps: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()

    def __post_init__(self) -> None:
        self._freeze("linear_rgb", dtype=np.float32, shape=(None, None, 3))
        height, width, _ = self.linear_rgb.shape
        self._freeze("valid", dtype=np.bool_, shape=(height, width))
        self._freeze("photo_xy_from_standard_xy", dtype=np.float64, shape=(3, 3))
