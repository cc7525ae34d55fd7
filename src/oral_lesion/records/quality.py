"""What a photo is worth as a picture: sharpness, exposure, reflections, pose, each beside its limit."""

from __future__ import annotations

from dataclasses import dataclass

from oral_lesion.errors import Flag, Reason

__all__ = ["LimitCheck", "PhotoQuality"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitCheck:
    """
    One figure of a photo beside its limit.

    Parameters
    ----------
    reason : Reason
        What a photo beyond the limit is refused as.
    observed : float
        What was measured, in `unit`.
    limit : float
        What the protocol demands, in `unit`.
    unit : str
        Of both numbers, empty where there is none.
    at_least : bool
        True where the figure must reach the limit, False where it must not exceed it.
    """

    reason: Reason
    observed: float
    limit: float
    unit: str = ""
    at_least: bool = False

    @property
    def used_ratio(self) -> float:
        """How much of the limit is used up: 0 far from it, 1 at it, more beyond; infinite for a figure that is none."""
        over, under = (self.limit, self.observed) if self.at_least else (self.observed, self.limit)
        if under > 0 and over >= 0:
            return over / under
        return 0.0 if over <= 0 and under >= 0 else float("inf")

    @property
    def held(self) -> bool:
        """Whether the photo keeps the limit; a figure that is no number does not."""
        return self.observed >= self.limit if self.at_least else self.observed <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoQuality:
    """
    Quality of one photo; None where a figure could not be measured or the photo did not get that far.

    Directions are those of the photo: 0 to the right, 90 down.

    Parameters
    ----------
    card_blur_mm : float or None
        Standard deviation of the edge spread at the card's patches, in the card's plane.
    card_blur_pitch_ratio : float or None
        The same over the patches' pitch.
    motion_blur_mm : float or None
        Length of the streak that a point is drawn to, from the difference of the edge spread between directions.
    motion_direction_deg : float or None
        Direction of the streak, in [0, 180).
    blur_anisotropy : float or None
        Largest over smallest standard deviation of the edge spread, 1 or more.
    tissue_blur_mm : float or None
        Standard deviation of the spread at the sharpest strong edges of the tissue: a second opinion that is never
        sharper than the tissue itself.
    tissue_clipped_ratio_rgb : tuple of float or None
        Share of the tissue's pixels at the upper end of the range, for red, green and blue.
    tissue_glare_ratio : float or None
        Share of the tissue under specular reflections.
    card_share : float or None
        Length of the card's rows of patches over the picture's width.
    tilt_deg : float or None
        Angle between the card's normal and the optical axis.
    tilt_azimuth_deg : float or None
        Direction in which the card recedes, in [0, 360); None below a tilt of 2 degrees.
    px_per_mm : float or None
        Pixels of the photo per millimetre at the card.
    working_distance_mm : float or None
        From the lens to the card; None where the focal length is unknown.
    u_scale_percent : float or None
        Standard uncertainty of a length at the lesion, as if seen square to the card.
    jpeg_quality : int or None
        Of the file, 1 to 100 on the scale of the Independent JPEG Group; None for other formats.
    accepted_patches : int or None
        Patches of the card that were used.
    held_out_mean, held_out_median, held_out_max : float or None
        CIEDE2000 of the card's patches, each under a correction fitted without it.
    checks : tuple of LimitCheck
        Each figure that has a limit, in the order in which a photo is refused.
    flags : tuple of Flag
        Figures that are near their limit.
    """

    card_blur_mm: float | None = None
    card_blur_pitch_ratio: float | None = None
    motion_blur_mm: float | None = None
    motion_direction_deg: float | None = None
    blur_anisotropy: float | None = None
    tissue_blur_mm: float | None = None
    tissue_clipped_ratio_rgb: tuple[float, float, float] | None = None
    tissue_glare_ratio: float | None = None
    card_share: float | None = None
    tilt_deg: float | None = None
    tilt_azimuth_deg: float | None = None
    px_per_mm: float | None = None
    working_distance_mm: float | None = None
    u_scale_percent: float | None = None
    jpeg_quality: int | None = None
    accepted_patches: int | None = None
    held_out_mean: float | None = None
    held_out_median: float | None = None
    held_out_max: float | None = None
    checks: tuple[LimitCheck, ...] = ()
    flags: tuple[Flag, ...] = ()

    @property
    def nearest_limit(self) -> LimitCheck | None:
        """The figure that uses up most of its limit; None where nothing was measured."""
        return max(self.checks, key=lambda check: check.used_ratio, default=None)
