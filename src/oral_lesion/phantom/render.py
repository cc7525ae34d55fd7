"""A scene becomes a picture: tissue, erosions, card, light and sensor, and the truth about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.color import srgb_uint8_from_linear
from oral_lesion.phantom.background import Background, read_background
from oral_lesion.phantom.chart import CardPose, paint_card
from oral_lesion.phantom.erosion import background_coverage, outline_coverage, paint_erosions
from oral_lesion.phantom.layout import Layout, lay_out
from oral_lesion.phantom.light import light_gains
from oral_lesion.phantom.outline import polygon_coverage
from oral_lesion.phantom.settings import SceneSettings, random_generator
from oral_lesion.phantom.tissue import Tissue, draw_tissue
from oral_lesion.phantom.truth import SceneTruth
from oral_lesion.protocol import CardDefinition

__all__ = ["PhantomScene", "render_scene"]

Picture = NDArray[np.float32]

_BASE_EXPOSURE = 0.74
_SURROUND = (0.20, 0.085, 0.08)
_STRIP_ROWS = 256
_LEVELS = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True)
class PhantomScene:
    """
    A rendered scene and the truth about it; all arrays are those of the upright picture.

    Parameters
    ----------
    settings : SceneSettings
        What it was made from.
    srgb : ndarray of uint8, shape (height, width, 3)
        The picture before JPEG.
    mask : ndarray of uint8, shape (height, width)
        255 where erosion covers at least half of the pixel, else 0.
    coverage : ndarray of float32, shape (height, width)
        Share of each pixel that erosion covers, in [0, 1].
    ignored : ndarray of bool, shape (height, width)
        Where a background's mask says neither erosion nor other.
    photo_xy_from_plane_mm : ndarray of float64, shape (3, 3)
        Homography from (x, y, 1) in mm to pixels; integers are pixel centres.
    truth : SceneTruth
        Area, scale and all parameters.
    """

    settings: SceneSettings
    srgb: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    coverage: Picture
    ignored: NDArray[np.bool_]
    photo_xy_from_plane_mm: NDArray[np.float64]
    truth: SceneTruth


def render_scene(settings: SceneSettings, card: CardDefinition) -> PhantomScene:
    """
    Render a scene.

    Parameters
    ----------
    settings : SceneSettings
        All parameters.
    card : CardDefinition
        The card that lies in it.

    Returns
    -------
    PhantomScene
        Equal for equal settings and card.

    Raises
    ------
    InputError
        Where card and lesions do not fit into the picture, or overlap.
    FormatError
        Where background or mask cannot be read.
    """
    background = None
    if settings.background is not None and settings.background_mask is not None:
        background = read_background(
            settings.background, settings.background_mask, width_mm=settings.background_width_mm
        )
    layout = lay_out(settings, card, background)
    homography = layout.camera.photo_xy_from_plane_mm
    shape = (settings.height_px, settings.width_px)
    placed = homography @ _translation(layout.background_centre_xy_mm)
    if background is None:
        coverage = outline_coverage(layout.lesions, homography, shape)
        ignored: NDArray[np.bool_] = np.zeros(shape, dtype=np.bool_)
        picture = _tissue_picture(settings, layout, homography, coverage)
    else:
        coverage, ignored = background_coverage(background, placed, shape)
        picture = _background_picture(background, placed, shape)
    gains = _BASE_EXPOSURE * 2.0**settings.exposure_ev * light_gains(settings.light, settings.white_balance)
    if settings.with_card:
        _cast_shadow(picture, layout.card, homography)
        paint_card(picture, card, layout.card, homography)
        _glare_on_card(picture, settings, card, layout.card, homography)
    srgb = _expose(picture, settings, gains.astype(np.float32))
    if settings.mirrored:
        srgb, coverage = np.ascontiguousarray(srgb[:, ::-1]), np.ascontiguousarray(coverage[:, ::-1])
        ignored = np.ascontiguousarray(ignored[:, ::-1])
        flip = np.array([[-1.0, 0.0, settings.width_px - 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        homography = flip @ homography
    return PhantomScene(
        settings=settings,
        srgb=srgb,
        mask=np.where(coverage >= 0.5, np.uint8(255), np.uint8(0)),
        coverage=coverage,
        ignored=ignored,
        photo_xy_from_plane_mm=homography,
        truth=SceneTruth.of(settings, card, layout, background, gains, homography),
    )


def _tissue_picture(
    settings: SceneSettings, layout: Layout, homography: NDArray[np.float64], coverage: Picture
) -> Picture:
    """Return the reflectance of drawn tissue with its erosions, highlights included."""
    names = (settings.subject, settings.site)
    tissue = draw_tissue(
        settings.site,
        layout.field_mm,
        random_generator(settings.seed, *names, "tissue"),
        random_generator(settings.seed, *names, settings.visit, "light"),
    )
    to_photo = homography @ tissue.plane_mm_from_cell
    size = (settings.width_px, settings.height_px)
    warped = cv2.warpPerspective(
        tissue.linear_rgb, to_photo, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    picture: Picture = np.asarray(warped, dtype=np.float32)
    scale = layout.camera.mm_per_px(layout.card.centre_xy_mm)
    paint_erosions(picture, coverage, tissue, to_photo, mm_per_px=scale, softness_mm=settings.edge_softness_mm)
    _add_highlights(picture, tissue, to_photo, coverage, settings.glare)
    return picture


def _add_highlights(
    picture: Picture, tissue: Tissue, to_photo: NDArray[np.float64], coverage: Picture, glare: float
) -> None:
    if glare <= 0:
        return
    height, width = coverage.shape
    warped = cv2.warpPerspective(
        tissue.highlight, to_photo, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    highlight: Picture = np.asarray(warped, dtype=np.float32)
    np.clip(highlight, 0, 1, out=highlight)
    highlight *= np.float32(2.6 * glare)
    highlight *= 1 + np.float32(0.8) * coverage
    picture += highlight[:, :, None]


def _background_picture(
    background: Background, to_photo_from_mm: NDArray[np.float64], shape: tuple[int, int]
) -> Picture:
    """Return the photograph on the plane, with a soft dark surround."""
    height, width = shape
    to_photo = to_photo_from_mm @ background.plane_mm_from_px
    edge = np.ones(background.erosion_field.shape, dtype=np.float32)
    picture = np.empty((height, width, 3), dtype=np.float32)
    for channel, surround in enumerate(_SURROUND):
        picture[:, :, channel] = cv2.warpPerspective(
            np.ascontiguousarray(background.linear_rgb[:, :, channel]), to_photo, (width, height),
            flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=surround,
        )  # fmt: skip
    np.clip(picture, 0, 1, out=picture)
    inside = cv2.warpPerspective(edge, to_photo, (width, height), flags=cv2.INTER_LINEAR)
    far = 1 - cv2.GaussianBlur(inside, (0, 0), max(1.0, width / 40))
    picture *= (1 - np.float32(0.45) * far * (inside < 1))[:, :, None]
    return picture


def _cast_shadow(picture: Picture, pose: CardPose, homography: NDArray[np.float64]) -> None:
    """Darken the tissue right beside the card, as its thickness does."""
    height, width = picture.shape[:2]
    reach = 0.02 * pose.size_mm[0]
    shifted = CardPose(
        size_mm=pose.size_mm,
        centre_xy_mm=(pose.centre_xy_mm[0] + reach / 2, pose.centre_xy_mm[1] + reach),
        turn_deg=pose.turn_deg,
    )
    mapped = np.column_stack([shifted.corners_xy_mm(), np.ones(4)]) @ homography.T
    covered = polygon_coverage(mapped[:, :2] / mapped[:, 2:], (height, width))
    if covered is None:
        return
    margin = max(2, round(0.05 * (covered.columns.stop - covered.columns.start)))
    rows = slice(max(0, covered.rows.start - margin), min(height, covered.rows.stop + margin))
    columns = slice(max(0, covered.columns.start - margin), min(width, covered.columns.stop + margin))
    shadow = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.float32)
    shadow[
        covered.rows.start - rows.start : covered.rows.stop - rows.start,
        covered.columns.start - columns.start : covered.columns.stop - columns.start,
    ] = covered.share
    shadow = cv2.blur(cv2.blur(shadow, (margin, margin)), (margin, margin))
    picture[rows, columns] *= (1 - np.float32(0.55) * shadow)[:, :, None]


def _glare_on_card(
    picture: Picture,
    settings: SceneSettings,
    card: CardDefinition,
    pose: CardPose,
    homography: NDArray[np.float64],
) -> None:
    """Wash out about as many patches as asked for with a soft bright spot."""
    if not settings.card_glare_patches:
        return
    rng = random_generator(settings.seed, settings.subject, settings.site, settings.visit, "card glare")
    radius = card.pitch_mm * float(np.sqrt(settings.card_glare_patches / np.pi))
    middle = rng.uniform(-0.25, 0.25, size=2) * pose.size_mm
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    spot = pose.to_plane(middle + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    mapped = np.column_stack([spot, np.ones(64)]) @ homography.T
    covered = polygon_coverage(mapped[:, :2] / mapped[:, 2:], (settings.height_px, settings.width_px))
    if covered is None:
        return
    share = np.zeros((settings.height_px, settings.width_px), dtype=np.float32)
    share[covered.rows, covered.columns] = covered.share
    across = covered.columns.stop - covered.columns.start
    picture += np.asarray(cv2.GaussianBlur(share, (0, 0), max(1.0, 0.04 * across)))[:, :, None]


def _expose(picture: Picture, settings: SceneSettings, gains: Picture) -> NDArray[np.uint8]:
    """Return what the sensor makes of the reflectance: light, shading, defocus, noise, sRGB."""
    height, width = settings.height_px, settings.width_px
    rng = random_generator(settings.seed, settings.subject, settings.site, settings.visit, "sensor")
    lean = rng.uniform(-0.4, 0.4, size=2) * settings.shading
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None, None]
    # Shading is smooth: before or after defocus makes no difference that a byte shows.
    if settings.blur_px > 0:
        cv2.GaussianBlur(picture, (0, 0), settings.blur_px, dst=picture, borderType=cv2.BORDER_REPLICATE)
    srgb = np.empty((height, width, 3), dtype=np.uint8)
    table = _encoding()
    for top in range(0, height, _STRIP_ROWS):
        strip = slice(top, min(height, top + _STRIP_ROWS))
        light = (1 + np.float32(lean[0]) * x + np.float32(lean[1]) * y[strip]) / (
            1 + np.float32(0.5 * settings.shading) * (x * x + y[strip] * y[strip])
        )
        level = picture[strip] * light
        level *= gains
        if settings.noise > 0:
            grain = rng.standard_normal(level.shape, dtype=np.float32)
            grain *= np.sqrt(np.clip(level, 0, 1) * np.float32(0.9 / 0.18) + np.float32(0.1))
            grain *= np.float32(settings.noise)
            level += grain
        np.clip(level, 0, 1, out=level)
        level *= _LEVELS - 1
        srgb[strip] = table[(level + np.float32(0.5)).astype(np.uint16)]
    return srgb


@lru_cache(maxsize=1)
def _encoding() -> NDArray[np.uint8]:
    """Return sRGB bytes of evenly spaced linear levels, fine enough to reach every byte."""
    levels = np.linspace(0.0, 1.0, _LEVELS)
    return np.asarray(srgb_uint8_from_linear(levels), dtype=np.uint8)


def _translation(offset_xy: tuple[float, float]) -> NDArray[np.float64]:
    return np.array([[1.0, 0.0, offset_xy[0]], [0.0, 1.0, offset_xy[1]], [0.0, 0.0, 1.0]])
