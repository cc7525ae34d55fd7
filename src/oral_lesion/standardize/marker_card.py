"""Read a card with ArUco markers: scale and pose from these, colours only where a batch was measured."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import Flag, Reason, Refusal, Refused
from oral_lesion.numerics.geometry import apply_homography_xy, local_scale
from oral_lesion.numerics.uncertainty import combine, u_plane_offset_ratio, u_plane_tilt_ratio
from oral_lesion.protocol import CardDefinition, Limits, UncertaintySettings
from oral_lesion.records import CardReading, Photo, Scale
from oral_lesion.standardize.edges import CardView, view_card
from oral_lesion.standardize.field import LEAST_WEIGHT
from oral_lesion.standardize.markers import MarkerReading, count_markers, find_markers
from oral_lesion.standardize.orders import reference_linear_rgb
from oral_lesion.standardize.patches import CHART_PATCHES, PatchReading, read_patches
from oral_lesion.standardize.pose import CardPose, u_scale_ratio_in_view
from oral_lesion.standardize.scale_check import require_one_scale

__all__ = ["read_marker_card"]

_Floats = NDArray[np.float64]

_FEWEST_MARKERS = 3
_MARGINAL_BLUR = 0.75


def read_marker_card(
    photo: Photo, card: CardDefinition, *, limits: Limits, uncertainty: UncertaintySettings
) -> CardReading:
    """
    Read a card with markers: scale and pose from them, colours from its patches where a batch was measured.

    Parameters
    ----------
    photo : Photo
        Upright, in sRGB.
    card : CardDefinition
        With markers. Where `nominal_colors` holds, no patch is read: all are rejected, their colours NaN.
    limits : Limits
        What the card must reach to be read; `min_accepted_patches` and `max_clipped_patches` are those of a chart of
        24 patches and hold in proportion.
    uncertainty : UncertaintySettings
        Prior knowledge for the scale's uncertainty.

    Returns
    -------
    CardReading
        `scale` holds at the card's centre; its uncertainty is that of a length at the lesion, anywhere in view: fit of
        the pose, card's print, distance of the lesion from the card's plane. `corners_rc_px` may lie outside of the
        photo: three markers suffice. Flags: ``mirrored``, ``patches-rejected`` (measured cards alone),
        ``blur-marginal``.

    Raises
    ------
    Refused
        ``no-card``, ``wrong-card`` (markers, but not this card's), ``several-cards``, ``too-far`` (pitch in px),
        ``scale-conflict`` (percent); with a measured batch also ``card-dark``, ``card-clipped``, ``card-glare``.
    """
    reading = find_markers(photo.srgb, card, focal_length_px=photo.focal_length_px)
    if reading is None:
        raise Refused(_why_not_found(photo.srgb))
    if reading.cards > 1:
        detail = "The scale would depend on which card is taken."
        raise Refused(
            Refusal(
                reason=Reason.SEVERAL_CARDS,
                observed=float(reading.cards),
                limit=1.0,
                unit="cards",
                detail=detail,
            )
        )
    pose, homography = reading.pose, reading.photo_xy_from_card_mm
    px_per_mm = float(local_scale(homography, pose.centre_mm))
    pitch_px = px_per_mm * math.sqrt(math.prod(card.pitch_xy_mm))
    _refuse(Reason.TOO_FAR, pitch_px, limits.min_pitch_px, "px per pitch", below=True)
    view = view_card(photo.srgb, pose.photo_xy_from_grid, card)
    shape = photo.srgb.shape[0], photo.srgb.shape[1]
    u_pose_ratio = u_scale_ratio_in_view(pose, shape, LEAST_WEIGHT)
    require_one_scale(view, card, shape, blur_mm=reading.blur_mm, u_pose_ratio=u_pose_ratio)
    patches, accepted = _colors(photo, pose, view, card, limits)
    return CardReading(
        card=card.name,
        patch_linear_rgb=np.where(accepted[:, None], patches.linear_rgb, np.nan),
        patch_sd=patches.sd,
        patch_clipped_fraction=patches.clipped_fraction,
        patch_accepted=accepted,
        corners_rc_px=np.ascontiguousarray(_patch_area_corners_xy(pose, card)[:, ::-1]),
        photo_xy_from_card_mm=homography,
        scale=_scale(pose, photo, card, uncertainty),
        tilt_deg=pose.tilt_deg,
        blur_px=reading.blur_mm * px_per_mm,
        pitch_px=pitch_px,
        mirrored=reading.mirrored,
        flags=_flags(reading, accepted, card, limits),
    )


def _why_not_found(srgb: NDArray[np.uint8]) -> Refusal:
    if count_markers(srgb) >= _FEWEST_MARKERS:
        detail = "Markers were found, but not those of the protocol's card, or not in its arrangement."
        return Refusal(reason=Reason.WRONG_CARD, detail=detail)
    return Refusal(reason=Reason.NO_CARD, detail="Fewer than three of the card's markers were found in the photo.")


def _refuse(reason: Reason, observed: float, limit: float, unit: str, *, below: bool = False) -> None:
    if (observed < limit) if below else (observed > limit):
        raise Refused(Refusal(reason=reason, observed=observed, limit=limit, unit=unit))


def _patch_area_corners_xy(pose: CardPose, card: CardDefinition) -> _Floats:
    half = 0.5 * np.array(card.patch_xy_mm) / np.array(card.pitch_xy_mm)
    far = np.array([card.columns - 1, card.rows - 1]) + half
    corners = [(-half[0], -half[1]), (far[0], -half[1]), (far[0], far[1]), (-half[0], far[1])]
    return apply_homography_xy(pose.photo_xy_from_grid, corners)


def _colors(
    photo: Photo, pose: CardPose, view: CardView, card: CardDefinition, limits: Limits
) -> tuple[PatchReading, NDArray[np.bool_]]:
    """Return the patches as read, and which are accepted: none where the card's colours were not measured."""
    reference = reference_linear_rgb(card)
    patches = read_patches(view, card, reference)
    inside = _inside_photo(photo, pose, card)
    if card.nominal_colors:
        return patches, np.zeros(len(inside), dtype=np.bool_)
    white = int(np.argmax(reference.min(axis=1)))
    _refuse(
        Reason.CARD_DARK,
        float(patches.linear_rgb[white].max()),
        limits.min_white_linear,
        "linear level",
        below=True,
    )
    share = len(inside) / CHART_PATCHES
    most_clipped = math.ceil(limits.max_clipped_patches * share)
    _refuse(Reason.CARD_CLIPPED, float((patches.clipped & inside).sum()), float(most_clipped), "patches")
    accepted = ~(patches.clipped | patches.uneven) & inside
    fewest = math.ceil(limits.min_accepted_patches * share)
    _refuse(Reason.CARD_GLARE, float(accepted.sum()), float(fewest), "patches accepted", below=True)
    return patches, accepted


def _inside_photo(photo: Photo, pose: CardPose, card: CardDefinition) -> NDArray[np.bool_]:
    rows, columns = np.divmod(np.arange(card.rows * card.columns), card.columns)
    half = 0.4 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    corners = np.stack([columns, rows], axis=1)[:, None] + half
    xy = apply_homography_xy(pose.photo_xy_from_grid, corners)
    limit = np.array(photo.srgb.shape[1::-1]) - 1.0
    return np.asarray(((xy >= 0.0) & (xy <= limit)).all(axis=(1, 2)), dtype=np.bool_)


def _scale(pose: CardPose, photo: Photo, card: CardDefinition, uncertainty: UncertaintySettings) -> Scale:
    mm_per_px = 1.0 / float(local_scale(pose.photo_xy_from_card_mm, pose.centre_mm))
    height, width, _ = photo.srgb.shape
    known = photo.focal_length_px
    distance_mm = known * mm_per_px if known else uncertainty.working_distance_mm
    ratio = combine(
        u_scale_ratio_in_view(pose, (height, width), LEAST_WEIGHT),
        card.u_pitch_percent / 100.0,
        u_plane_offset_ratio(uncertainty.card_plane_offset_mm, distance_mm),
        u_plane_tilt_ratio(uncertainty.max_lesion_plane_tilt_deg),
    )
    return Scale(mm_per_px=mm_per_px, u_mm_per_px=ratio * mm_per_px, source=f"{card.name} markers")


def _flags(
    reading: MarkerReading, accepted: NDArray[np.bool_], card: CardDefinition, limits: Limits
) -> tuple[Flag, ...]:
    flags = set()
    if reading.mirrored:
        flags.add(Flag.MIRRORED)
    if not card.nominal_colors and not accepted.all():
        flags.add(Flag.PATCHES_REJECTED)
    if reading.blur_mm > _MARGINAL_BLUR * limits.max_blur_mm:
        flags.add(Flag.BLUR_MARGINAL)
    return tuple(sorted(flags))
