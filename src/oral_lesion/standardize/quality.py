"""The quality of a photo, figure by figure, beside the protocol's limits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from oral_lesion.errors import Flag, Reason, Refusal, Refused
from oral_lesion.numerics.geometry import homography_weight, jacobian
from oral_lesion.protocol import CardDefinition, Limits
from oral_lesion.records import CardReading, LimitCheck, Photo, PhotoQuality, StandardizedPhoto
from oral_lesion.standardize.card_spread import measure_directional_spread
from oral_lesion.standardize.tissue import measure_tissue

__all__ = ["measure_quality", "require_quality"]

_MARGINAL = 0.75
_LEAST_TILT_DEG = 2.0
_LEAST_STREAK_PITCHES = 0.08
_LEAST_ANISOTROPY = 1.5
_MARGINAL_FLAGS = {
    Reason.MOTION_BLUR: Flag.MOTION_MARGINAL,
    Reason.TISSUE_BLURRED: Flag.TISSUE_BLUR_MARGINAL,
    Reason.TISSUE_CLIPPED: Flag.TISSUE_CLIPPING_MARGINAL,
    Reason.TISSUE_GLARE: Flag.TISSUE_GLARE_MARGINAL,
    Reason.CARD_SMALL: Flag.CARD_SMALL_MARGINAL,
    Reason.TOO_NEAR: Flag.DISTANCE_MARGINAL,
    Reason.JPEG_POOR: Flag.JPEG_MARGINAL,
}


def measure_quality(
    photo: Photo,
    card_reading: CardReading | None,
    standardized: StandardizedPhoto | None,
    card: CardDefinition,
    limits: Limits,
) -> PhotoQuality:
    """
    Measure all that is known of a photo's quality, however far it got.

    Parameters
    ----------
    photo : Photo
        Upright, in sRGB.
    card_reading : CardReading or None
        Of the same photo; None where the card was not read.
    standardized : StandardizedPhoto or None
        The standardized photo; None where it did not get that far.
    card : CardDefinition
        The card that the protocol names.
    limits : Limits
        What is demanded.

    Returns
    -------
    PhotoQuality
        Flags: ``motion-marginal``, ``tissue-blur-marginal``, ``tissue-clipping-marginal``, ``tissue-glare-marginal``,
        ``card-small-marginal``, ``distance-marginal``, ``jpeg-marginal``, each where a figure uses up more than three
        quarters of its limit.
    """
    quality = PhotoQuality(jpeg_quality=photo.jpeg_quality)
    if card_reading is not None:
        quality = _with_card(quality, photo, card_reading, card)
    if card_reading is not None and standardized is not None:
        quality = _with_standardized(quality, photo, standardized)
    checks = (*_acceptance_checks(quality, limits), *_quality_checks(quality, limits))
    near = {_MARGINAL_FLAGS.get(check.reason) for check in checks if check.used_ratio > _MARGINAL and check.held}
    return replace(quality, checks=checks, flags=tuple(sorted(flag for flag in near if flag is not None)))


def require_quality(quality: PhotoQuality) -> None:
    """
    Refuse a photo that misses one of its limits.

    Parameters
    ----------
    quality : PhotoQuality
        From `measure_quality`.

    Raises
    ------
    Refused
        By the first check that does not hold. Beside what `require_acceptable` refuses: ``motion-blur`` (mm),
        ``tissue-blurred`` (mm), ``tissue-clipped`` (percent, of the worst channel), ``tissue-glare`` (percent),
        ``card-small`` (percent of the picture's width), ``too-near`` (mm), ``jpeg-poor`` (quality).
    """
    for check in quality.checks:
        if not check.held:
            raise Refused(Refusal(reason=check.reason, observed=check.observed, limit=check.limit, unit=check.unit))


def _with_card(quality: PhotoQuality, photo: Photo, reading: CardReading, card: CardDefinition) -> PhotoQuality:
    mm_per_px = reading.scale.mm_per_px
    spread = measure_directional_spread(photo, reading, card)
    known_px = photo.focal_length_px
    corners = reading.corners_rc_px
    rows_px = 0.5 * float(np.linalg.norm(corners[1] - corners[0]) + np.linalg.norm(corners[2] - corners[3]))
    return replace(
        quality,
        card_blur_mm=reading.blur_mm,
        card_blur_pitch_ratio=reading.blur_px / reading.pitch_px,
        motion_blur_mm=None if spread is None else spread.streak_px * mm_per_px,
        motion_direction_deg=None if spread is None else spread.direction_deg,
        blur_anisotropy=None if spread is None else spread.anisotropy,
        card_share=rows_px / photo.srgb.shape[1],
        tilt_deg=reading.tilt_deg,
        tilt_azimuth_deg=_tilt_azimuth_deg(reading),
        px_per_mm=1.0 / mm_per_px,
        working_distance_mm=None if known_px is None else known_px * mm_per_px,
        u_scale_percent=100.0 * reading.scale.relative_u,
        accepted_patches=int(np.count_nonzero(reading.patch_accepted)),
    )


def _with_standardized(quality: PhotoQuality, photo: Photo, standardized: StandardizedPhoto) -> PhotoQuality:
    look = measure_tissue(photo, standardized)
    agreement = standardized.color_agreement
    return replace(
        quality,
        tissue_blur_mm=look.blur_mm,
        tissue_clipped_ratio_rgb=look.clipped_ratio_rgb,
        tissue_glare_ratio=look.glare_ratio,
        held_out_mean=_if_known(agreement.held_out_mean),
        held_out_median=_if_known(agreement.held_out_median),
        held_out_max=_if_known(agreement.held_out_max),
    )


def _if_known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _streak_mm(quality: PhotoQuality) -> float | None:
    """Return the streak where it stands out of what printing and lens do to real cards; 0 where it does not."""
    if quality.motion_blur_mm is None or not quality.card_blur_mm or not quality.card_blur_pitch_ratio:
        return None
    pitch_mm = quality.card_blur_mm / quality.card_blur_pitch_ratio
    stands_out = (quality.blur_anisotropy or 1.0) >= _LEAST_ANISOTROPY
    stands_out = stands_out and quality.motion_blur_mm >= _LEAST_STREAK_PITCHES * pitch_mm
    return quality.motion_blur_mm if stands_out else 0.0


def _tilt_azimuth_deg(reading: CardReading) -> float | None:
    """Return the direction in the photo in which the card's plane recedes: where its homography's weight grows."""
    if reading.tilt_deg < _LEAST_TILT_DEG:
        return None
    centre_rc = reading.corners_rc_px.mean(axis=0)
    homography = reading.photo_xy_from_card_mm
    mm = np.linalg.solve(homography, np.array([centre_rc[1], centre_rc[0], 1.0]))
    centre_mm = mm[:2] / mm[2]
    sign = math.copysign(1.0, float(homography_weight(homography, centre_mm)))
    x, y = jacobian(homography, centre_mm) @ (sign * homography[2, :2])
    return math.degrees(math.atan2(float(y), float(x))) % 360.0


def _acceptance_checks(quality: PhotoQuality, limits: Limits) -> Iterator[LimitCheck]:
    """Yield what `require_acceptable` demands too, so that all margins stand in one list."""
    mm_per_px = None if quality.px_per_mm is None else 1.0 / quality.px_per_mm
    yield from _at_most(Reason.TOO_FAR, mm_per_px, limits.max_mm_per_px, "mm per px")
    yield from _at_most(Reason.TOO_TILTED, quality.tilt_deg, limits.max_tilt_deg, "degrees")
    yield from _at_most(Reason.BLURRED, quality.card_blur_pitch_ratio, limits.max_blur_pitch_ratio, "pitches")
    yield from _at_most(Reason.BLURRED, quality.card_blur_mm, limits.max_blur_mm, "mm")
    yield from _at_most(Reason.SCALE_UNCERTAIN, quality.u_scale_percent, limits.max_u_scale_percent, "percent")
    yield from _at_most(Reason.COLOR_ERROR, quality.held_out_median, limits.max_delta_e00_median, "median CIEDE2000")
    yield from _at_most(Reason.COLOR_ERROR, quality.held_out_max, limits.max_delta_e00_max, "largest CIEDE2000")


def _quality_checks(quality: PhotoQuality, limits: Limits) -> Iterator[LimitCheck]:
    clipped = quality.tissue_clipped_ratio_rgb
    worst = None if clipped is None else 100.0 * max(clipped)
    glare = None if quality.tissue_glare_ratio is None else 100.0 * quality.tissue_glare_ratio
    share = None if quality.card_share is None else 100.0 * quality.card_share
    yield from _at_most(Reason.MOTION_BLUR, _streak_mm(quality), limits.max_motion_blur_mm, "mm")
    yield from _at_most(Reason.TISSUE_BLURRED, quality.tissue_blur_mm, limits.max_tissue_blur_mm, "mm")
    yield from _at_most(Reason.TISSUE_CLIPPED, worst, limits.max_tissue_clipped_percent, "percent of the tissue")
    yield from _at_most(Reason.TISSUE_GLARE, glare, limits.max_tissue_glare_percent, "percent of the tissue")
    yield from _at_least(Reason.CARD_SMALL, share, limits.min_card_share_percent, "percent of the width")
    yield from _at_least(Reason.TOO_NEAR, quality.working_distance_mm, limits.min_working_distance_mm, "mm")
    yield from _at_least(Reason.JPEG_POOR, quality.jpeg_quality, float(limits.min_jpeg_quality), "quality")


def _at_most(reason: Reason, observed: float | None, limit: float, unit: str) -> Iterator[LimitCheck]:
    if observed is not None:
        yield LimitCheck(reason=reason, observed=float(observed), limit=limit, unit=unit)


def _at_least(reason: Reason, observed: float | None, limit: float, unit: str) -> Iterator[LimitCheck]:
    if observed is not None:
        yield LimitCheck(reason=reason, observed=float(observed), limit=limit, unit=unit, at_least=True)
