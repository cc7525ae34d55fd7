"""The standardizing stage: a photo and its card in, a picture of known scale and colour out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import Flag, InputError, Reason, Refusal, Refused
from oral_lesion.numerics.geometry import resample_to_standard, shrink_factor
from oral_lesion.numerics.uncertainty import combine, u_oblique_view_ratio
from oral_lesion.protocol import CardDefinition, Limits, StandardizationSettings, UncertaintySettings
from oral_lesion.records import CardReading, Photo, Scale, StandardizedPhoto
from oral_lesion.standardize.correction import ColorCorrection, apply_correction
from oral_lesion.standardize.field import StandardFrame, frame_of, valid_mask
from oral_lesion.standardize.orders import reference_linear_rgb
from oral_lesion.standardize.uncorrected import correction_for, flags_of_correction

__all__ = ["require_acceptable", "standardize"]

_MARGINAL_DELTA_E = 4.0
_MARGINAL_SHADING = 0.1


def standardize(
    photo: Photo,
    card_reading: CardReading,
    card: CardDefinition,
    settings: StandardizationSettings,
    uncertainty: UncertaintySettings,
) -> StandardizedPhoto:
    """
    Bring a photo to the card's plane, the working resolution and standard colour.

    Geometry comes first, on 8-bit values: float work then happens on the working picture alone.

    Parameters
    ----------
    photo : Photo
        Upright, in sRGB.
    card_reading : CardReading
        Of the same photo.
    card : CardDefinition
        The card that was read.
    settings : StandardizationSettings
        Working resolution and largest picture.
    uncertainty : UncertaintySettings
        Inclination of the lesion's surface to the card.

    Returns
    -------
    StandardizedPhoto
        Its scale's uncertainty adds, to that of the card's reading, what the camera's tilt makes of the lesion's
        inclination. Flags:
        ``color-marginal`` where the held-out median CIEDE2000 exceeds 4, ``shading`` where the light changes by more
        than a tenth from the card's centre to its border, ``color-uncorrected`` where no patch was read,
        ``white-balance-only`` where all patches read are grey.

    Raises
    ------
    Refused
        ``too-wide`` where the working picture would exceed `settings.max_working_megapixels`.
    InputError
        Where `card` is not the card that was read.
    """
    if card.name != card_reading.card:
        raise InputError(f"card: the reading is of {card_reading.card}, the definition of {card.name}.")
    height, width, _ = photo.srgb.shape
    frame = frame_of(card_reading.photo_xy_from_card_mm, (height, width), card, settings)
    correction = correction_for(card_reading.patch_linear_rgb, reference_linear_rgb(card), _places(card))
    srgb = resample_to_standard(photo.srgb, frame.photo_xy_from_standard_xy, frame.shape)
    step = settings.working_mm_per_px
    oblique = u_oblique_view_ratio(uncertainty.max_lesion_plane_tilt_deg, card_reading.tilt_deg)
    ratio = combine(card_reading.scale.relative_u, oblique)
    return StandardizedPhoto(
        linear_rgb=apply_correction(correction, srgb, _card_places_from(frame, card)),
        valid=valid_mask(frame, card),
        scale=Scale(mm_per_px=step, u_mm_per_px=ratio * step, source=card_reading.scale.source),
        photo_xy_from_standard_xy=frame.photo_xy_from_standard_xy,
        photo_shape=(height, width),
        correction=correction.name,
        color_agreement=correction.agreement,
        steps=_steps(correction, frame, (height, width), step),
        flags=_flags(correction),
    )


def require_acceptable(card_reading: CardReading, standardized: StandardizedPhoto, limits: Limits) -> None:
    """
    Refuse a photo whose card, scale or colour miss the protocol's limits.

    Parameters
    ----------
    card_reading : CardReading
        Of the photo.
    standardized : StandardizedPhoto
        Of the photo.
    limits : Limits
        What is demanded.

    Raises
    ------
    Refused
        ``too-far`` (mm/px), ``too-tilted`` (degrees), ``blurred`` (pitches, mm), ``scale-uncertain`` (percent of a
        length, seen square to the card), ``color-error`` (held-out CIEDE2000, median and largest), in this order.
    """
    agreement = standardized.color_agreement
    checks = (
        (Reason.TOO_FAR, card_reading.scale.mm_per_px, limits.max_mm_per_px, "mm per px"),
        (Reason.TOO_TILTED, card_reading.tilt_deg, limits.max_tilt_deg, "degrees"),
        (
            Reason.BLURRED,
            card_reading.blur_px / card_reading.pitch_px,
            limits.max_blur_pitch_ratio,
            "pitches",
        ),
        (Reason.BLURRED, card_reading.blur_mm, limits.max_blur_mm, "mm"),
        (
            Reason.SCALE_UNCERTAIN,
            100.0 * card_reading.scale.relative_u,
            limits.max_u_scale_percent,
            "percent",
        ),
        (Reason.COLOR_ERROR, agreement.held_out_median, limits.max_delta_e00_median, "median CIEDE2000"),
        (Reason.COLOR_ERROR, agreement.held_out_max, limits.max_delta_e00_max, "largest CIEDE2000"),
    )
    for reason, observed, limit, unit in checks:
        if reason is Reason.COLOR_ERROR and Flag.COLOR_UNCORRECTED in standardized.flags:
            continue
        if not observed <= limit:
            raise Refused(Refusal(reason=reason, observed=float(observed), limit=limit, unit=unit))


def _places(card: CardDefinition) -> NDArray[np.float64]:
    rows, columns = np.divmod(np.arange(card.rows * card.columns), card.columns)
    half = np.array([max(card.columns - 1, 1), max(card.rows - 1, 1)]) / 2.0
    return np.asarray(np.stack([columns, rows], axis=1) / half - 1.0, dtype=np.float64)


def _card_places_from(frame: StandardFrame, card: CardDefinition) -> NDArray[np.float64]:
    pitch = np.array(card.pitch_xy_mm)
    half_mm = np.array([max(card.columns - 1, 1), max(card.rows - 1, 1)]) / 2.0 * pitch
    places = frame.card_mm_from_standard_xy[:2] / half_mm[:, None]
    places[:, 2] -= 1.0
    return np.asarray(places, dtype=np.float64)


def _steps(
    correction: ColorCorrection, frame: StandardFrame, photo_shape: tuple[int, int], step: float
) -> tuple[str, ...]:
    factor = shrink_factor(frame.photo_xy_from_standard_xy, frame.shape, photo_shape)
    matrix = " ".join(f"{value:.6g}" for value in correction.matrix.ravel())
    gamma = " ".join(f"{value:.6g}" for value in correction.gamma)
    shading = " ".join(f"{value:.6g}" for value in correction.shading)
    return (
        f"shrink factor={factor}",
        f"rectify mm_per_px={step:g} height={frame.shape[0]} width={frame.shape[1]}",
        f"correct model={correction.name} gamma={gamma} shading={shading} matrix={matrix} "
        f"held_out_mean={correction.agreement.held_out_mean:.3f} quarter_light={correction.dim_delta_e00:.3f}",
    )


def _flags(correction: ColorCorrection) -> tuple[Flag, ...]:
    flags = flags_of_correction(correction)
    if correction.agreement.held_out_median > _MARGINAL_DELTA_E:
        flags.add(Flag.COLOR_MARGINAL)
    if float(np.abs(correction.shading).max()) > _MARGINAL_SHADING:
        flags.add(Flag.SHADING)
    return tuple(sorted(flags))
