"""Lesions, areas and their uncertainty; the outcome of scoring one photo."""

from __future__ import annotations

import math
from dataclasses import dataclass

from oral_lesion.errors import Flag, InputError, Refusal
from oral_lesion.records.photo import PhotoIdentity
from oral_lesion.records.quality import PhotoQuality
from oral_lesion.records.segmentation import Segmentation
from oral_lesion.records.standardized import CardReading, StandardizedPhoto

__all__ = ["Lesion", "Measurement", "PhotoCheck", "PhotoScore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesion:
    """
    One erosion: a connected component of the mask.

    Parameters
    ----------
    label : int
        1, 2, … by falling area.
    area_mm2 : float
        Inside the sub-pixel contour, holes excluded.
    perimeter_mm : float
        Length of the sub-pixel contour, holes included.
    centroid_rc_px : tuple of float
        (row, column) in the standardized picture, integers at pixel centres.
    flags : tuple of Flag
        Caveats.
    """

    label: int
    area_mm2: float
    perimeter_mm: float
    centroid_rc_px: tuple[float, float]
    flags: tuple[Flag, ...] = ()

    @property
    def equivalent_diameter_mm(self) -> float:
        """Diameter of the circle of the same area."""
        return 2.0 * math.sqrt(self.area_mm2 / math.pi)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """
    Erosion area of one photo, its uncertainty split by source.

    Parameters
    ----------
    lesions : tuple of Lesion
        By falling area.
    area_mm2 : float
        Sum of the lesions' areas.
    u_scale_mm2 : float or None
        Standard uncertainty (k = 1) from the scale; independent between photos. None where the area is 0: what was
        not found has neither size nor boundary, and the chance of a missed lesion is not known.
    u_boundary_mm2 : float or None
        Standard uncertainty (k = 1) from the position of the boundary; None where the area is 0.
    flags : tuple of Flag
        Caveats.
    """

    lesions: tuple[Lesion, ...]
    area_mm2: float
    u_scale_mm2: float | None
    u_boundary_mm2: float | None
    flags: tuple[Flag, ...] = ()

    def __post_init__(self) -> None:
        known = [u for u in (self.u_scale_mm2, self.u_boundary_mm2) if u is not None]
        if len(known) != (2 if self.area_mm2 > 0 else 0):
            raise InputError(
                "Measurement: expected both uncertainties of an area above 0 and none of an area of 0, got "
                f"area={self.area_mm2}, u_scale={self.u_scale_mm2}, u_boundary={self.u_boundary_mm2}."
            )

    @property
    def u_area_mm2(self) -> float | None:
        """Combined standard uncertainty (k = 1) of the total area; None where that is 0."""
        if self.u_scale_mm2 is None or self.u_boundary_mm2 is None:
            return None
        return math.hypot(self.u_scale_mm2, self.u_boundary_mm2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoCheck:
    """
    Whether a photo can be measured: the protocol up to its third step.

    Parameters
    ----------
    identity : PhotoIdentity
        Which photo.
    refusal : Refusal or None
        Why not; None where it can.
    card : CardReading or None
        The card, where it was read.
    standardized : StandardizedPhoto or None
        The standardized photo, where it got that far.
    quality : PhotoQuality or None
        What was measured of the photo's quality; None where it could not be read.
    flags : tuple of Flag
        All caveats so far, each once, in alphabetical order.
    """

    identity: PhotoIdentity
    refusal: Refusal | None
    card: CardReading | None = None
    standardized: StandardizedPhoto | None = None
    quality: PhotoQuality | None = None
    flags: tuple[Flag, ...] = ()

    @property
    def stations(self) -> tuple[StandardizedPhoto, CardReading]:
        """
        The standardized photo and the card of a photo that can be measured.

        Raises
        ------
        InputError
            Where the photo was refused.
        """
        if self.refusal is not None or self.standardized is None or self.card is None:
            raise InputError(f"{self.identity.photo_id}: was refused, so it has no standardized photo.")
        return self.standardized, self.card


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoScore:
    """
    The outcome of one photo, and what was known of it when the outcome was reached.

    Parameters
    ----------
    identity : PhotoIdentity
        Which photo.
    outcome : Measurement or Refusal
        Its measurement, or the reason why there is none.
    card : CardReading or None
        The card, where it was read.
    standardized : StandardizedPhoto or None
        The standardized photo, where it got that far.
    segmentation : Segmentation or None
        The segmentation, where it got that far.
    quality : PhotoQuality or None
        What was measured of the photo's quality; None where it could not be read.
    flags : tuple of Flag
        All caveats of all stages, each once, in alphabetical order.
    """

    identity: PhotoIdentity
    outcome: Measurement | Refusal
    card: CardReading | None = None
    standardized: StandardizedPhoto | None = None
    segmentation: Segmentation | None = None
    quality: PhotoQuality | None = None
    flags: tuple[Flag, ...] = ()

    @property
    def scored(self) -> bool:
        """Whether there is a measurement."""
        return isinstance(self.outcome, Measurement)
