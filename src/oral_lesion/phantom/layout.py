"""Where card and lesions lie on the plane, and how the camera looks at them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import InputError
from oral_lesion.phantom.background import Background
from oral_lesion.phantom.camera import Camera, aim_camera, focal_length_px_from_35mm
from oral_lesion.phantom.chart import CardPose, card_outside_mm
from oral_lesion.phantom.outline import LesionShape, polygon_area, polygon_coverage
from oral_lesion.phantom.settings import SceneSettings, random_generator
from oral_lesion.protocol import CardDefinition

__all__ = ["Layout", "lay_out"]

_LARGEST_SHARE = 0.35
_LARGEST_DRAWN_MM2 = 250.0
_TURN_DEG = 4.0
_VISIT_TURN_DEG = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """
    A scene's geometry.

    Parameters
    ----------
    field_mm : tuple of float
        Width and height of the plane that a camera without tilt would see.
    card_share : float
        Length of the card over the width of the picture, at the card's centre.
    card : CardPose
        Where the card lies.
    lesions : tuple of LesionShape
        As they are at this visit.
    background_centre_xy_mm : tuple of float
        Where a background photograph has its middle.
    camera : Camera
        Aimed.
    """

    field_mm: tuple[float, float]
    card_share: float
    card: CardPose
    lesions: tuple[LesionShape, ...]
    background_centre_xy_mm: tuple[float, float]
    camera: Camera


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What is known before anything has its place."""

    field_mm: tuple[float, float]
    safe_mm: tuple[float, float]
    card_mm: tuple[float, float]
    card_share: float


def lay_out(settings: SceneSettings, card: CardDefinition, background: Background | None) -> Layout:
    """
    Place card, lesions and camera.

    Lesions and the card's corner follow from seed, subject and site, so that all visits show the same place;
    the visit adds how the card was laid and the camera held.

    Parameters
    ----------
    settings : SceneSettings
        The scene.
    card : CardDefinition
        The card in it.
    background : Background or None
        Photograph in place of drawn tissue.

    Returns
    -------
    Layout

    Raises
    ------
    InputError
        Where lesions overlap, touch the card, or do not fit into the picture together with it.
    """
    frame = _frame(settings, card, background)
    place = random_generator(settings.seed, settings.subject, settings.site, "layout")
    held = random_generator(settings.seed, settings.subject, settings.site, settings.visit, "camera")
    resting, centre = _place_card(settings, frame, background, place)
    if settings.lesions is not None:
        lesions = settings.lesions
    else:
        lesions = () if background is not None else _place_lesions(settings, frame, resting, place)
    pose = _jitter_card(settings, frame, resting, held) if background is None else resting
    lesions = _heal(lesions, settings.area_factor)
    if settings.lesions is not None:
        _require_apart(lesions, pose if settings.with_card else None)
    in_view = [pose.corners_xy_mm()] if settings.with_card else []
    if settings.lesions_in_view:
        in_view += [lesion.outline_xy_mm() for lesion in lesions]
    if background is not None:
        in_view.append(background.marked_corners_xy_mm + np.asarray(centre))
    camera = aim_camera(
        _held_camera(settings, held),
        scale_at_xy_mm=pose.centre_xy_mm,
        mm_per_px=frame.field_mm[0] / settings.width_px,
        in_view_xy_mm=np.concatenate(in_view) if in_view else np.empty((0, 2)),
    )
    return Layout(
        field_mm=frame.field_mm, card_share=frame.card_share, card=pose, lesions=lesions,
        background_centre_xy_mm=centre, camera=camera,
    )  # fmt: skip


def _frame(settings: SceneSettings, card: CardDefinition, background: Background | None) -> _Frame:
    """Find the field's size, and the part of it that stays in view however the camera is tilted."""
    focal_px = focal_length_px_from_35mm(settings.focal_length_35mm_mm, settings.width_px, settings.height_px)
    half_view = max(settings.width_px, settings.height_px) / 2 / focal_px
    safe = 0.93 / (1 + 1.6 * half_view * math.sin(math.radians(settings.tilt_deg)))
    card_mm = card_outside_mm(card)
    share = settings.card_share
    if share is None:
        share = _LARGEST_SHARE
        if background is not None:
            wide, high = _side_by_side(settings, card_mm, background)[0]
            wide = max(wide, high * settings.width_px / settings.height_px)
            share = min(share, card_mm[0] * safe / wide)
    width = card_mm[0] / share
    height = width * settings.height_px / settings.width_px
    return _Frame(field_mm=(width, height), safe_mm=(width * safe, height * safe), card_mm=card_mm, card_share=share)


def _side_by_side(
    settings: SceneSettings, card_mm: tuple[float, float], background: Background
) -> tuple[tuple[float, float], bool]:
    """Return the smallest box around background and card, and whether the card lies below."""
    wide, high = background.size_mm
    card_wide, card_high = _turned_box(card_mm, settings.card_turn_deg or _TURN_DEG)
    gap = 0.08 * card_mm[1]
    below = (max(wide, card_wide), high + gap + card_high)
    beside = (wide + gap + card_wide, max(high, card_high))
    aspect = settings.width_px / settings.height_px
    if max(below[0], below[1] * aspect) <= max(beside[0], beside[1] * aspect):
        return below, True
    return beside, False


def _place_card(
    settings: SceneSettings, frame: _Frame, background: Background | None, rng: np.random.Generator
) -> tuple[CardPose, tuple[float, float]]:
    """Return the card's resting pose, and the middle of the background."""
    drawn, side = float(rng.uniform(-_TURN_DEG, _TURN_DEG)), float(rng.choice([-1.0, 1.0]))
    turn = drawn if settings.card_turn_deg is None else settings.card_turn_deg
    wide, high = _turned_box(frame.card_mm, turn)
    if background is not None:
        box, is_below = _side_by_side(settings, frame.card_mm, background)
        if is_below:
            centre, card_centre = (0.0, (background.size_mm[1] - box[1]) / 2), (0.0, (box[1] - high) / 2)
        else:
            centre = (side * (background.size_mm[0] - box[0]) / 2, 0.0)
            card_centre = (side * (box[0] - wide) / 2, 0.0)
    else:
        centre = (0.0, 0.0)
        across, down = max(0.0, (frame.safe_mm[0] - wide) / 2), max(0.0, (frame.safe_mm[1] - high) / 2)
        card_centre = (side * across, down)
    return CardPose(size_mm=frame.card_mm, centre_xy_mm=card_centre, turn_deg=turn), centre


def _jitter_card(settings: SceneSettings, frame: _Frame, resting: CardPose, rng: np.random.Generator) -> CardPose:
    """Lay the card a little differently, never further out."""
    (x, y), (dx, dy, turn) = resting.centre_xy_mm, (float(part) for part in rng.uniform(0, 1, size=3))
    slack = 0.02 * frame.field_mm[0]
    more = 0.0 if settings.card_turn_deg is not None else _VISIT_TURN_DEG * (2 * turn - 1)
    return replace(
        resting,
        centre_xy_mm=(x - math.copysign(min(slack * dx, abs(x)), x), max(0.0, y - slack * dy)),
        turn_deg=resting.turn_deg + more,
    )


def _place_lesions(
    settings: SceneSettings, frame: _Frame, card: CardPose, rng: np.random.Generator
) -> tuple[LesionShape, ...]:
    """Draw lesions, the largest first, apart from each other and from the card."""
    largest = min(_LARGEST_DRAWN_MM2, 0.035 * frame.safe_mm[0] * frame.safe_mm[1])
    drawn = tuple(float(area) for area in largest * rng.uniform(0.15, 1.0, size=int(rng.integers(1, 4))))
    areas = drawn if settings.lesion_areas_mm2 is None else settings.lesion_areas_mm2
    # Visits lay the card up to 0.02 of the field further in and turn it a little: leave room for that.
    gap = 0.015 * frame.field_mm[0]
    room = 0.07 * frame.field_mm[0], 0.1 * frame.field_mm[0]
    keep_off = replace(card, size_mm=(card.size_mm[0] + room[0], card.size_mm[1] + room[1]))
    for _ in range(20):
        placed: list[tuple[LesionShape, float]] = []
        for area in sorted(areas, reverse=True):
            shape = _draw_shape(area, settings.irregularity, rng)
            taken = keep_off if settings.with_card else None
            spot = _free_spot(shape.reach_mm, frame, taken, placed, gap, rng)
            if spot is None:
                break
            placed.append((replace(shape, centre_xy_mm=spot), shape.reach_mm))
        if len(placed) == len(areas):
            return tuple(shape for shape, _ in placed)
    listed = ", ".join(f"{area:g}" for area in areas)
    raise InputError(
        f"lesion_areas_mm2: expected lesions that fit beside the card into {frame.field_mm[0]:.0f} × "
        f"{frame.field_mm[1]:.0f} mm, got {listed} mm²; take smaller ones or a smaller card share."
    )


def _draw_shape(area_mm2: float, irregularity: float, rng: np.random.Generator) -> LesionShape:
    orders = np.arange(2, 9)
    amplitudes = irregularity * rng.normal(size=7) * 0.22 / orders
    amplitudes *= min(1.0, 0.6 / float(np.abs(amplitudes).sum() or 1.0))
    phases, elongation = rng.uniform(0, 2 * np.pi, size=7), float(rng.uniform(1.0, 1.8))
    return LesionShape(
        area_mm2=area_mm2,
        elongation=elongation,
        orientation_deg=float(rng.uniform(0, 180)),
        amplitudes=tuple(float(amplitude) for amplitude in amplitudes),
        phases_rad=tuple(float(phase) for phase in phases),
    )


def _free_spot(
    reach: float,
    frame: _Frame,
    card: CardPose | None,
    placed: Sequence[tuple[LesionShape, float]],
    gap: float,
    rng: np.random.Generator,
) -> tuple[float, float] | None:
    half_wide, half_high = frame.safe_mm[0] / 2 - reach, frame.safe_mm[1] / 2 - reach
    if min(half_wide, half_high) < 0:
        return None
    for x, y in rng.uniform(-1, 1, size=(300, 2)) * (half_wide, half_high):
        if card is not None and card.distance_mm((float(x), float(y))) < reach:
            continue
        others = ((x - shape.centre_xy_mm[0], y - shape.centre_xy_mm[1], other) for shape, other in placed)
        if all(math.hypot(dx, dy) >= reach + other + gap for dx, dy, other in others):
            return (float(x), float(y))
    return None


def _heal(lesions: tuple[LesionShape, ...], area_factor: float) -> tuple[LesionShape, ...]:
    if area_factor == 0:
        return ()
    return tuple(replace(lesion, area_mm2=lesion.area_mm2 * area_factor) for lesion in lesions)


def _held_camera(settings: SceneSettings, rng: np.random.Generator) -> Camera:
    azimuth, roll = float(rng.uniform(0, 360)), float(rng.uniform(-2, 2))
    return Camera(
        focal_length_px=focal_length_px_from_35mm(settings.focal_length_35mm_mm, settings.width_px, settings.height_px),
        width_px=settings.width_px,
        height_px=settings.height_px,
        tilt_deg=settings.tilt_deg,
        azimuth_deg=azimuth if settings.azimuth_deg is None else settings.azimuth_deg,
        roll_deg=roll if settings.roll_deg is None else settings.roll_deg,
        origin_xy_px=((settings.width_px - 1) / 2, (settings.height_px - 1) / 2),
        origin_depth_mm=1.0,
    )


def _turned_box(size_mm: tuple[float, float], turn_deg: float) -> tuple[float, float]:
    cosine, sine = abs(math.cos(math.radians(turn_deg))), abs(math.sin(math.radians(turn_deg)))
    return cosine * size_mm[0] + sine * size_mm[1], sine * size_mm[0] + cosine * size_mm[1]


def _require_apart(lesions: tuple[LesionShape, ...], card: CardPose | None) -> None:
    """Raise where outlines given by the caller overlap each other or the card."""
    named = [(f"lesion {number}", lesion.outline_xy_mm()) for number, lesion in enumerate(lesions, start=1)]
    if card is not None:
        named.append(("the card", card.corners_xy_mm()))
    for index, (name, outline) in enumerate(named):
        for other_name, other in named[:index]:
            if _overlap(outline, other):
                raise InputError(
                    "lesions: expected outlines clear of each other and of the card, "
                    f"but {other_name} overlaps {name}; move one of them."
                )


def _overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Whether two polygons share more than a ten-thousandth of the smaller one, judged on a fine grid."""
    low = np.maximum(one.min(axis=0), other.min(axis=0))
    high = np.minimum(one.max(axis=0), other.max(axis=0))
    if np.any(low >= high):
        return False
    cell = float((high - low).max()) / 400
    size = np.ceil((high - low) / cell).astype(int) + 1
    shares = np.zeros((2, size[1], size[0]))
    for layer, polygon in zip(shares, (one, other), strict=True):
        covered = polygon_coverage((polygon - low) / cell, (int(size[1]), int(size[0])))
        if covered is not None:
            layer[covered.rows, covered.columns] = covered.share
    shared = float(np.maximum(shares.sum(axis=0) - 1, 0).sum()) * cell**2
    return shared > 1e-4 * min(polygon_area(one), polygon_area(other))
