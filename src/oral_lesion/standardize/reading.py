"""Read the colour card of a photo: find it, locate it to a fraction of a pixel, read its patches."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import Flag, Reason, Refusal, Refused
from oral_lesion.numerics.geometry import apply_homography_xy, jacobian, local_scale
from oral_lesion.numerics.uncertainty import combine, u_plane_offset_ratio, u_plane_tilt_ratio
from oral_lesion.protocol import CardDefinition, Limits, UncertaintySettings
from oral_lesion.records import CardReading, Photo, Scale
from oral_lesion.standardize.candidates import Candidate
from oral_lesion.standardize.edges import (
    CardView,
    EdgeShape,
    find_gap_lines,
    fit_edge_shape,
    view_card,
)
from oral_lesion.standardize.field import LEAST_WEIGHT
from oral_lesion.standardize.find import find_candidates
from oral_lesion.standardize.grey_find import find_grey_candidates
from oral_lesion.standardize.grey_match import (
    MAX_GREY_MISMATCH,
    grey_mismatch,
    has_grey_patches_alone,
    looks_like_the_card,
)
from oral_lesion.standardize.lines import fit_homography_to_lines
from oral_lesion.standardize.marker_card import read_marker_card
from oral_lesion.standardize.orders import MAX_MISMATCH, color_mismatch, reference_linear_rgb
from oral_lesion.standardize.overall import sharpest_edge_ratio
from oral_lesion.standardize.patches import CHART_PATCHES, FEWEST_PATCHES, PatchReading, odd_patches, read_patches
from oral_lesion.standardize.plane import CardPlane, fit_plane
from oral_lesion.standardize.pose import CardPose, fit_pose, u_scale_ratio_in_view

__all__ = ["read_card"]

_COARSE_SIGMA = 0.05
_COARSE_ROUNDS, _SETTLED_PITCHES = 4, 0.06
_FINE_ROUNDS, _FINELY_SETTLED_PITCHES = 4, 0.01
_MAX_RMS_PITCHES, _MORE_RMS_BY_BLUR = 0.04, 0.6
_CAMERA_RMS_PITCHES, _MUCH_BETTER = 0.015, 0.4
_MIN_ACCEPTED_LINES = 0.6
_MIN_EXPLAINED = 0.6
_MAX_GAP_DIFFERENCE = 0.045
_BLURRED_RATIO = 0.003
"""Sharp photographs have up to 0.0008, those whose card is blurred by a quarter of its pitch 0.0038 and more."""
_MARGINAL_BLUR = 0.75
_VIEW_SIGMA_PX = 0.5


def read_card(photo: Photo, card: CardDefinition, *, limits: Limits, uncertainty: UncertaintySettings) -> CardReading:
    """
    Find the colour card in a photo and read it.

    The card is found on a reduced copy and accepted by its colours alone; the gaps between its patches then give the
    pose of a pinhole camera, and the middles of the patches their colours, on full-resolution pixels.

    Parameters
    ----------
    photo : Photo
        Upright, in sRGB.
    card : CardDefinition
        Which card to look for: its size cannot be seen in a picture.
    limits : Limits
        What the card must reach to be read at all.
    uncertainty : UncertaintySettings
        Prior knowledge for the scale's uncertainty.

    Returns
    -------
    CardReading
        `scale` holds at the card's centre; its uncertainty is that of a length at the lesion, anywhere in view: fit of
        the pose, card's print, distance of the lesion from the card's plane and its inclination to it, as if seen
        square. Flags: ``mirrored``, ``patches-rejected``, ``blur-marginal``.

    Raises
    ------
    Refused
        ``no-card``, ``several-cards``, ``card-cut``, ``too-far`` (pitch in px), ``wrong-card`` (patches and gaps in
        another proportion), ``blurred`` (edge spread in pitches; where no card was found, that of the photo's sharpest
        edges), ``card-dark``, ``card-clipped``, ``card-glare``.
    """
    if card.markers:
        return read_marker_card(photo, card, limits=limits, uncertainty=uncertainty)
    candidate = _only_candidate(photo.srgb, card)
    _refuse_cut(candidate.outline_xy(card), photo.srgb.shape, tolerance_px=0.1 * _pitch_px(candidate, card))
    _refuse(Reason.TOO_FAR, _pitch_px(candidate, card), limits.min_pitch_px, "px per pitch", below=True)
    pose, view, shape = _locate(photo, candidate, card)
    _require_card_geometry(pose, shape, card, limits, _pitch_px(candidate, card))
    corners = _patch_area_corners_xy(pose, card)
    _refuse_cut(corners, photo.srgb.shape, tolerance_px=0.5)
    reference = reference_linear_rgb(card)
    patches = read_patches(view, card, reference)
    accepted = ~(patches.clipped | patches.uneven)
    accepted[accepted] = ~odd_patches(patches.linear_rgb[accepted], reference[accepted])
    _require_readable(patches, accepted, reference, limits)
    if not _is_the_card(photo, pose, card, patches, accepted):
        # The refined grid may have slid by a whole patch: its edges fit all the same.
        raise Refused(Refusal(reason=Reason.NO_CARD, detail="A grid like the card's was found, in other colours."))
    homography = pose.photo_xy_from_card_mm
    pitch_px = float(local_scale(homography, pose.centre_mm)) * float(np.sqrt(np.prod(card.pitch_xy_mm)))
    return CardReading(
        card=card.name,
        patch_linear_rgb=np.where(accepted[:, None], patches.linear_rgb, np.nan),
        patch_sd=patches.sd,
        patch_clipped_fraction=patches.clipped_fraction,
        patch_accepted=accepted,
        corners_rc_px=np.ascontiguousarray(corners[:, ::-1]),
        photo_xy_from_card_mm=homography,
        scale=_scale(pose, photo, card, uncertainty),
        tilt_deg=pose.tilt_deg,
        blur_px=_own_sigma(shape, view) * pitch_px,
        pitch_px=pitch_px,
        mirrored=pose.mirrored,
        flags=_flags(pose, accepted, _own_sigma(shape, view), card, limits),
    )


def _is_the_card(
    photo: Photo,
    pose: CardPose | CardPlane,
    card: CardDefinition,
    patches: PatchReading,
    accepted: NDArray[np.bool_],
) -> bool:
    reference = reference_linear_rgb(card)
    if not has_grey_patches_alone(card):
        return color_mismatch(patches.linear_rgb, reference) <= MAX_MISMATCH
    mismatch = grey_mismatch(patches.linear_rgb[accepted], reference[accepted])
    return mismatch <= MAX_GREY_MISMATCH and looks_like_the_card(photo.srgb, pose.photo_xy_from_grid, card)


def _only_candidate(srgb: NDArray[np.uint8], card: CardDefinition) -> Candidate:
    find = find_grey_candidates if has_grey_patches_alone(card) else find_candidates
    candidates = find(srgb, card)
    if not candidates:
        raise Refused(_nothing_found(srgb))
    if len(candidates) > 1:
        detail = "The scale would depend on which card is taken."
        count = float(len(candidates))
        raise Refused(Refusal(reason=Reason.SEVERAL_CARDS, observed=count, limit=1.0, unit="cards", detail=detail))
    return candidates[0]


def _nothing_found(srgb: NDArray[np.uint8]) -> Refusal:
    """Return what to tell a site: nothing is sharp in the photo, or it shows no card."""
    sharpest = sharpest_edge_ratio(srgb)
    if sharpest is not None and sharpest > _BLURRED_RATIO:
        detail = "No card was found, and the sharpest edges of the photo are blurred."
        return Refusal(
            reason=Reason.BLURRED,
            observed=1000.0 * sharpest,
            limit=1000.0 * _BLURRED_RATIO,
            unit="thousandths of the long side",
            detail=detail,
        )
    return Refusal(reason=Reason.NO_CARD, detail="No card was found in the photo.")


def _pitch_px(candidate: Candidate, card: CardDefinition) -> float:
    centre = ((card.columns - 1) / 2.0, (card.rows - 1) / 2.0)
    return float(np.linalg.norm(jacobian(candidate.photo_xy_from_grid, centre), axis=0).min())


def _refuse(reason: Reason, observed: float, limit: float, unit: str, *, below: bool = False) -> None:
    if (observed < limit) if below else (observed > limit):
        raise Refused(Refusal(reason=reason, observed=observed, limit=limit, unit=unit))


def _refuse_cut(corners_xy: NDArray[np.float64], shape: tuple[int, ...], *, tolerance_px: float) -> None:
    height, width = shape[:2]
    outside = np.maximum(-0.5 - corners_xy, corners_xy - (width - 0.5, height - 0.5))
    if not np.isfinite(corners_xy).all() or outside.max() > tolerance_px:
        detail = "The patch area reaches over the picture's border."
        observed = float(outside.max()) if np.isfinite(corners_xy).all() else None
        raise Refused(Refusal(reason=Reason.CARD_CUT, observed=observed, limit=0.0, unit="px outside", detail=detail))


def _gap_xy(card: CardDefinition) -> tuple[float, float]:
    (patch_x, patch_y), (pitch_x, pitch_y) = card.patch_xy_mm, card.pitch_xy_mm
    return 1.0 - patch_x / pitch_x, 1.0 - patch_y / pitch_y


def _outer_centres(card: CardDefinition) -> list[tuple[float, float]]:
    right, bottom = card.columns - 1.0, card.rows - 1.0
    return [(0.0, 0.0), (right, 0.0), (right, bottom), (0.0, bottom)]


def _locate(
    photo: Photo, candidate: Candidate, card: CardDefinition
) -> tuple[CardPose | CardPlane, CardView, EdgeShape]:
    """Refine the candidate by a free homography, coarsely, then finely; at last fit the pose of a camera."""
    shape = EdgeShape(sigma=_COARSE_SIGMA, gap_xy=_gap_xy(card), explained=0.0)
    grid = candidate.photo_xy_from_grid
    corners = candidate.outline_xy(card, 0.0)
    for attempt in range(_COARSE_ROUNDS):
        lines = find_gap_lines(view_card(photo.srgb, grid, card), shape, coarse=True)
        grid = fit_homography_to_lines(grid, lines, affine=attempt == 0)
        before, corners = corners, apply_homography_xy(grid, _outer_centres(card))
        if attempt and float(np.abs(corners - before).max()) < _SETTLED_PITCHES * _pitch_px(candidate, card):
            break
    height, width, _ = photo.srgb.shape
    # Lines are found around a free homography: a pose that does not hold, as in a crop, would mislead the search.
    for _ in range(_FINE_ROUNDS):
        view = view_card(photo.srgb, grid, card)
        shape = _spread_alike(fit_edge_shape(view, _gap_xy(card)), card)
        lines = find_gap_lines(view, shape, coarse=False)
        before, corners = corners, apply_homography_xy(grid, _outer_centres(card))
        grid = fit_homography_to_lines(grid, lines)
        if float(np.abs(corners - before).max()) < _FINELY_SETTLED_PITCHES * _pitch_px(candidate, card):
            break
    pose: CardPose | CardPlane = fit_pose(grid, lines, card, (height, width), photo.focal_length_px)
    if pose.rms_px > max(_CAMERA_RMS_PITCHES * _pitch_px(candidate, card), 0.5):
        plane = fit_plane(grid, lines, card)
        pose = plane if plane.rms_px < _MUCH_BETTER * pose.rms_px else pose
    return pose, view_card(photo.srgb, pose.photo_xy_from_grid, card), shape


def _spread_alike(shape: EdgeShape, card: CardDefinition) -> EdgeShape:
    """Return the shape with a gap across a single row, where none is seen: edges spread there as along the row."""
    if card.rows > 1:
        return shape
    (gap_x, gap_y), (pitch_x, pitch_y) = _gap_xy(card), card.pitch_xy_mm
    return replace(shape, gap_xy=(shape.gap_xy[0], gap_y + (shape.gap_xy[0] - gap_x) * pitch_x / pitch_y))


def _largest_rms_px(sigma: float, pitch_px: float) -> float:
    return max((_MAX_RMS_PITCHES + _MORE_RMS_BY_BLUR * sigma) * pitch_px, 0.5)


def _largest_gap_difference(sigma: float, pitch_px: float) -> float:
    """Return how far a measured gap may lie from the card's, in pitches: blur and few pixels hide its width."""
    return _MAX_GAP_DIFFERENCE + 6.0 * sigma**2 + 0.3 / pitch_px


def _require_card_geometry(
    pose: CardPose | CardPlane, shape: EdgeShape, card: CardDefinition, limits: Limits, pitch_px: float
) -> None:
    _refuse(Reason.BLURRED, shape.sigma, limits.max_blur_pitch_ratio, "pitches")
    fits = (
        shape.explained >= _MIN_EXPLAINED
        and pose.accepted_ratio >= _MIN_ACCEPTED_LINES
        and pose.rms_px <= _largest_rms_px(shape.sigma, pitch_px)
    )
    difference = np.array(shape.gap_xy) - np.array(_gap_xy(card))
    hidden = shape.sigma > 0.4 * min(_gap_xy(card))
    if not hidden and float(np.abs(difference).max()) > _largest_gap_difference(shape.sigma, pitch_px):
        worst = int(np.argmax(np.abs(difference)))
        detail = "The patches and the gaps between them are in another proportion than on the card of the protocol."
        raise Refused(
            Refusal(
                reason=Reason.WRONG_CARD,
                observed=shape.gap_xy[worst],
                limit=_gap_xy(card)[worst],
                unit="gap per pitch",
                detail=detail,
            )
        )
    if not fits:
        detail = "Something like a card was found, but its edges do not form the card's grid."
        raise Refused(Refusal(reason=Reason.NO_CARD, detail=detail))


def _patch_area_corners_xy(pose: CardPose | CardPlane, card: CardDefinition) -> NDArray[np.float64]:
    gap_x, gap_y = _gap_xy(card)
    left, top = (gap_x - 1.0) / 2.0, (gap_y - 1.0) / 2.0
    right, bottom = card.columns - 1 - left, card.rows - 1 - top
    return apply_homography_xy(pose.photo_xy_from_grid, [(left, top), (right, top), (right, bottom), (left, bottom)])


def _require_readable(
    patches: PatchReading, accepted: NDArray[np.bool_], reference: NDArray[np.float64], limits: Limits
) -> None:
    white = int(np.argmax(reference.min(axis=1)))
    level = float(patches.linear_rgb[white].max())
    _refuse(Reason.CARD_DARK, level, limits.min_white_linear, "linear level", below=True)
    clipped = float(patches.clipped.sum())
    share = min(1.0, len(accepted) / CHART_PATCHES)
    fewest = max(math.ceil(limits.min_accepted_patches * share), FEWEST_PATCHES)
    most_clipped = min(math.ceil(limits.max_clipped_patches * share), max(len(accepted) - fewest, 0))
    _refuse(Reason.CARD_CLIPPED, clipped, float(most_clipped), "patches")
    _refuse(Reason.CARD_GLARE, float(accepted.sum()), float(fewest), "patches accepted", below=True)


def _scale(pose: CardPose | CardPlane, photo: Photo, card: CardDefinition, uncertainty: UncertaintySettings) -> Scale:
    mm_per_px = 1.0 / float(local_scale(pose.photo_xy_from_card_mm, pose.centre_mm))
    height, width, _ = photo.srgb.shape
    known = photo.focal_length_px
    distance_mm = known * mm_per_px if known else uncertainty.working_distance_mm
    if isinstance(pose, CardPlane):
        u_in_view, source = pose.u_scale_ratio((height, width), LEAST_WEIGHT), f"{card.name} patches, without a camera"
    else:
        u_in_view, source = u_scale_ratio_in_view(pose, (height, width), LEAST_WEIGHT), f"{card.name} patches"
    ratio = combine(
        u_in_view,
        card.u_pitch_percent / 100.0,
        u_plane_offset_ratio(uncertainty.card_plane_offset_mm, distance_mm),
        u_plane_tilt_ratio(uncertainty.max_lesion_plane_tilt_deg),
    )
    return Scale(mm_per_px=mm_per_px, u_mm_per_px=ratio * mm_per_px, source=source)


def _own_sigma(shape: EdgeShape, view: CardView) -> float:
    """Return the photo's edge spread in pitches: without what cutting out and rectifying the card added."""
    added = _VIEW_SIGMA_PX / view.px_per_pitch
    return math.sqrt(max(shape.sigma**2 - added**2, (0.5 * added) ** 2))


def _flags(
    pose: CardPose | CardPlane,
    accepted: NDArray[np.bool_],
    sigma: float,
    card: CardDefinition,
    limits: Limits,
) -> tuple[Flag, ...]:
    flags = set()
    if pose.mirrored:
        flags.add(Flag.MIRRORED)
    if not accepted.all():
        flags.add(Flag.PATCHES_REJECTED)
    blur_mm = sigma * float(np.sqrt(np.prod(card.pitch_xy_mm)))
    near = sigma > _MARGINAL_BLUR * limits.max_blur_pitch_ratio
    if near or blur_mm > _MARGINAL_BLUR * limits.max_blur_mm:
        flags.add(Flag.BLUR_MARGINAL)
    return tuple(sorted(flags))
