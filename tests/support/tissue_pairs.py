"""Two standardized photos of one mouth, made by warping a picture of tissue, with the true motion between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from oral_lesion.compare import RegistrationSettings, map_to_baseline
from oral_lesion.compare.features import tissue_picture
from oral_lesion.numerics.color import linear_from_srgb, srgb_uint8_from_linear
from oral_lesion.phantom.tissue import draw_tissue, smooth_noise
from oral_lesion.records import ColorAgreement, Registration, Scale, StandardizedPhoto

Points = NDArray[np.float64]

MM_PER_PX = 0.1
RELATIVE_U_SCALE = 0.02
CAMERA_DISTANCE_MM = 220.0
COLORS = ColorAgreement(fitted_median=1.0, fitted_max=2.0, held_out_median=1.0, held_out_max=2.0)


@dataclass(frozen=True, kw_only=True)
class Tissue:
    """A picture of tissue, linear RGB, its middle at (0, 0) mm."""

    linear_rgb: NDArray[np.float32]
    mm_per_px: float

    @property
    def middle_px(self) -> Points:
        height, width = self.linear_rgb.shape[:2]
        return np.array([(width - 1) / 2.0, (height - 1) / 2.0])


@dataclass(frozen=True, kw_only=True)
class Pose:
    """How one photo of the tissue was taken, and how the tissue lay: zeros for a photo from straight above."""

    rotation_deg: float = 0.0
    shift_mm: tuple[float, float] = (0.0, 0.0)
    zoom: float = 1.0
    tilt_deg: float = 0.0
    azimuth_deg: float = 0.0
    inclination: tuple[float, float] = (0.0, 0.0)
    relief_mm: float = 0.0
    warp_mm: float = 0.0
    scale_error: float = 0.0
    seed: int = 0


STRAIGHT = Pose()


@lru_cache(maxsize=6)
def drawn_tissue(seed: int, site: str = "buccal-left") -> Tissue:
    """Return rendered tissue, 90 mm wide, the same for equal seeds."""
    rng = np.random.default_rng([seed, 1])
    drawn = draw_tissue(site, (60.0, 45.0), rng, np.random.default_rng([seed, 2]))
    return Tissue(linear_rgb=drawn.linear_rgb, mm_per_px=float(drawn.plane_mm_from_cell[0, 0]))


def drawn_pose(rng: np.random.Generator) -> Pose:
    """Return a pose within the limits that registration must bear."""
    return Pose(
        rotation_deg=float(rng.uniform(-25, 25)),
        shift_mm=(float(rng.uniform(-5, 5)), float(rng.uniform(-5, 5))),
        zoom=float(np.exp(rng.uniform(np.log(0.7), np.log(1.4)))),
        tilt_deg=float(rng.uniform(0, 20)),
        azimuth_deg=float(rng.uniform(0, 360)),
        inclination=(float(rng.normal(0, 0.06)), float(rng.normal(0, 0.06))),
        relief_mm=1.5,
        warp_mm=0.5,
        scale_error=float(rng.normal(0, RELATIVE_U_SCALE)),
        seed=int(rng.integers(2**31)),
    )


def tissue_from_standard(pose: Pose, shape: tuple[int, int]) -> Callable[[Points], Points]:
    """
    Return the map from a standardized picture's pixels (x, y) to mm on the tissue at rest.

    The camera's ray through a point of the card's plane meets the tissue before or behind it: tilt, inclination and
    relief give the parallax that rectification leaves. The tissue was then bent, turned and shifted.
    """
    rng = np.random.default_rng([pose.seed, 7])
    reach = 220
    bend = np.stack([smooth_noise((reach, reach), (26,), (1.0,), rng) for _ in range(2)], axis=-1) * pose.warp_mm
    relief = smooth_noise((reach, reach), (34,), (1.0,), rng) * pose.relief_mm
    tilt, azimuth = np.radians(pose.tilt_deg), np.radians(pose.azimuth_deg)
    camera = (
        CAMERA_DISTANCE_MM
        / pose.zoom
        * np.array([np.sin(tilt) * np.cos(azimuth), np.sin(tilt) * np.sin(azimuth), np.cos(tilt)])
    )
    turn = np.radians(pose.rotation_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = np.array([(shape[1] - 1) / 2.0, (shape[0] - 1) / 2.0])

    def at(field: NDArray[np.float32], places: Points) -> Points:
        place = (places + reach / 2.0).T[::-1]
        channels = np.atleast_3d(field)
        return np.stack(
            [map_coordinates(channels[..., k], place, order=1, mode="mirror") for k in range(channels.shape[2])], axis=1
        ).astype(np.float64)

    def mapped(xy: Points) -> Points:
        flat = (np.asarray(xy, dtype=np.float64) - middle) * MM_PER_PX * (1.0 + pose.scale_error)
        places = flat
        for _ in range(4):
            height = places @ np.array(pose.inclination)[:, None] + at(relief, places)
            places = flat + (camera[:2] - flat) * height / camera[2]
        places = places - at(bend, places)
        return places @ rotation.T + np.array(pose.shift_mm)

    return mapped


def standard_shape(pose: Pose, field_mm: tuple[float, float]) -> tuple[int, int]:
    """Height and width of the standardized picture: a nearer camera sees less."""
    width, height = (round(side / pose.zoom / MM_PER_PX) for side in field_mm)
    return height, width


def photographed(
    tissue: Tissue, pose: Pose, field_mm: tuple[float, float], look: np.random.Generator, *, mirrored: bool = False
) -> StandardizedPhoto:
    """Return a standardized photo of the tissue in a pose, with light, noise, reflections, JPEG and card of its own."""
    shape = standard_shape(pose, field_mm)
    rows, columns = np.indices(shape)
    xy = np.stack([columns.ravel(), rows.ravel()], axis=1)
    places = tissue_from_standard(pose, shape)(xy) / tissue.mm_per_px + tissue.middle_px
    source = places.astype(np.float32).reshape(*shape, 2)
    picture = tissue.linear_rgb
    # A photo from farther away resolves less; the card brings it back to the same mm.
    blur_px = 0.06 / pose.zoom / tissue.mm_per_px
    picture = cv2.GaussianBlur(picture, (0, 0), max(blur_px, 0.3))
    linear = cv2.remap(picture, source[..., 0], source[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)
    height, width = tissue.linear_rgb.shape[:2]
    valid = (source >= 0).all(axis=-1) & (source[..., 0] <= width - 1) & (source[..., 1] <= height - 1)
    linear = np.clip(linear, 0, 1)
    _light(linear, look)
    _card(linear, valid, look)
    linear[~valid] *= 0.5
    srgb = srgb_uint8_from_linear(linear)
    noisy = np.clip(srgb + look.normal(0, 2.0, size=srgb.shape), 0, 255).astype(np.uint8)
    _, encoded = cv2.imencode(".jpg", noisy[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    linear = linear_from_srgb(np.ascontiguousarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1]))
    if mirrored:
        linear, valid = np.ascontiguousarray(linear[:, ::-1]), np.ascontiguousarray(valid[:, ::-1])
    return standardized_of(linear, valid)


def standardized_of(linear_rgb: NDArray[np.float32], valid: NDArray[np.bool_]) -> StandardizedPhoto:
    """A standardized photo around arrays."""
    return StandardizedPhoto(
        linear_rgb=linear_rgb,
        valid=valid,
        scale=Scale(mm_per_px=MM_PER_PX, u_mm_per_px=RELATIVE_U_SCALE * MM_PER_PX, source="by hand"),
        photo_xy_from_standard_xy=np.eye(3),
        photo_shape=valid.shape,
        correction="none",
        color_agreement=COLORS,
    )


def residual_mm(
    registration: Registration, baseline: StandardizedPhoto, follow_up: StandardizedPhoto, pose: Pose
) -> Points:
    """Distances between where tissue of the follow-up is brought to and where it is, in a baseline taken straight."""
    picture = tissue_picture(follow_up, RegistrationSettings())
    rows, columns = np.nonzero(picture.tissue[::4, ::4])
    xy = np.stack([columns, rows], axis=1) * 8.0 + 0.5
    shape, base_shape = follow_up.valid.shape, baseline.valid.shape
    as_taken = xy.copy()
    if registration.mirrored:
        as_taken[:, 0] = shape[1] - 1 - as_taken[:, 0]
    middle = np.array([(base_shape[1] - 1) / 2.0, (base_shape[0] - 1) / 2.0])
    true = tissue_from_standard(pose, shape)(as_taken) / MM_PER_PX + middle
    inside = (true >= 0).all(axis=1) & (true < (base_shape[1], base_shape[0])).all(axis=1)
    return np.asarray(np.hypot(*(map_to_baseline(registration, xy) - true)[inside].T)) * MM_PER_PX


def _light(linear: NDArray[np.float32], look: np.random.Generator) -> None:
    """Leave some of the light's colour, exposure, fall-off and reflections uncorrected."""
    height, width = linear.shape[:2]
    linear *= (float(np.exp(look.normal(0, 0.12))) * np.exp(look.normal(0, 0.05, size=3))).astype(np.float32)
    u, v = np.linspace(-1, 1, width)[None, :], np.linspace(-1, 1, height)[:, None]
    slope_u, slope_v = look.normal(0, 0.1, size=2)
    linear *= (1.0 + slope_u * u + slope_v * v)[..., None].astype(np.float32)
    spots = np.zeros((height, width), dtype=np.float32)
    for _ in range(25):
        centre = (int(look.integers(width)), int(look.integers(height)))
        axes = tuple(int(side) for side in look.integers(1, 9, size=2))
        cv2.ellipse(spots, centre, axes, float(look.uniform(0, 180)), 0, 360, 1.0, -1)
    linear += cv2.GaussianBlur(spots, (0, 0), 1.2)[..., None] * np.float32(0.8)
    np.clip(linear, 0, 1, out=linear)


def _card(linear: NDArray[np.float32], valid: NDArray[np.bool_], look: np.random.Generator) -> None:
    """Lay a card into a corner: it is no tissue, and lies elsewhere in each photo."""
    height, width = valid.shape
    tall, wide = min(240, height // 3), min(280, width // 3)
    top, left = (height - tall if look.random() < 0.5 else 0), (width - wide if look.random() < 0.5 else 0)
    patches = np.repeat(np.repeat(look.uniform(0.05, 0.9, size=(4, 6, 3)), 60, axis=0), 50, axis=1).astype(np.float32)
    linear[top : top + tall, left : left + wide] = patches[:tall, :wide]
    valid[top : top + tall, left : left + wide] = False
