"""What is known of a scene without measuring: one row of truth.csv."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oral_lesion.numerics.geometry import apply_homography_xy
from oral_lesion.phantom.background import Background
from oral_lesion.phantom.layout import Layout
from oral_lesion.phantom.settings import SceneSettings
from oral_lesion.protocol import CardDefinition

__all__ = ["TRUTH_COLUMNS", "SceneTruth"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneTruth:
    """
    The truth about a scene; the fields are the columns of truth.csv after `file` and `mask`.

    Areas are those on the plane. Scale, distance and place are those at the card's centre, without a card at
    the place where it would lie. Names that repeat `SceneSettings` have its meaning, with drawn values filled
    in.

    Parameters
    ----------
    erosion_area_mm2 : float
        Sum of all erosions.
    lesion_count : int
        Number of erosions.
    lesion_areas_mm2 : tuple of float
        Each erosion's area; empty with a background.
    ignored_area_mm2 : float
        What a background's mask ignores.
    mm_per_px : float
        Scale at the card's centre: 1/√(px² per mm²).
    distance_mm : float
        Depth of the card's centre along the optical axis.
    focal_length_px : float
        By the picture's diagonal.
    card_x_px, card_y_px : float
        Where the card's centre appears.
    gain_red, gain_green, gain_blue : float
        What linear sRGB reflectance was multiplied by in the picture's middle.
    """

    subject: str
    visit: str
    site: str
    erosion_area_mm2: float
    lesion_count: int
    lesion_areas_mm2: tuple[float, ...]
    ignored_area_mm2: float
    area_factor: float
    mm_per_px: float
    tilt_deg: float
    azimuth_deg: float
    roll_deg: float
    distance_mm: float
    focal_length_px: float
    focal_length_35mm_mm: int
    width_px: int
    height_px: int
    exif_orientation: int
    mirrored: bool
    card: str
    with_card: bool
    card_share: float
    card_turn_deg: float
    card_x_px: float
    card_y_px: float
    light: str
    white_balance: float
    gain_red: float
    gain_green: float
    gain_blue: float
    exposure_ev: float
    noise: float
    blur_px: float
    glare: float
    card_glare_patches: int
    shading: float
    edge_softness_mm: float
    irregularity: float
    jpeg_quality: int
    background: str
    background_width_mm: float | None
    seed: int

    @classmethod
    def of(
        cls, settings: SceneSettings, card: CardDefinition, layout: Layout, background: Background | None,
        gains: NDArray[np.float64], homography: NDArray[np.float64],
    ) -> SceneTruth:  # fmt: skip
        """
        Return the truth about a laid-out scene.

        Parameters
        ----------
        settings : SceneSettings
            Of the scene.
        card : CardDefinition
            That lies in it.
        layout : Layout
            Where everything lies.
        background : Background or None
            Photograph in place of drawn tissue.
        gains : ndarray of float64, shape (3,)
            Linear R, G, B over reflectance.
        homography : ndarray of float64, shape (3, 3)
            From the plane (mm) to the picture (px).

        Returns
        -------
        SceneTruth
            With the values that were drawn.
        """
        camera, pose = layout.camera, layout.card
        areas = tuple(lesion.area_mm2 for lesion in layout.lesions)
        card_xy = apply_homography_xy(homography, np.array([pose.centre_xy_mm]))[0]
        known: dict[str, Any] = {
            field.name: getattr(settings, field.name) for field in fields(cls) if hasattr(settings, field.name)
        }
        known |= {
            "erosion_area_mm2": sum(areas) if background is None else background.erosion_area_mm2,
            "lesion_count": len(areas) if background is None else background.lesion_count,
            "lesion_areas_mm2": areas,
            "ignored_area_mm2": 0.0 if background is None else background.ignored_area_mm2,
            "mm_per_px": camera.mm_per_px(pose.centre_xy_mm),
            "azimuth_deg": camera.azimuth_deg,
            "roll_deg": camera.roll_deg,
            "distance_mm": camera.depth_mm(pose.centre_xy_mm),
            "focal_length_px": camera.focal_length_px,
            "card": card.name,
            "card_share": layout.card_share,
            "card_turn_deg": pose.turn_deg,
            "card_x_px": float(card_xy[0]),
            "card_y_px": float(card_xy[1]),
            "gain_red": float(gains[0]),
            "gain_green": float(gains[1]),
            "gain_blue": float(gains[2]),
            "background": "" if settings.background is None else Path(settings.background).name,
            "background_width_mm": None if background is None else settings.background_width_mm,
        }
        return cls(**known)

    def as_row(self) -> dict[str, str]:
        """Return the fields as text: numbers in full precision, lists with spaces, nothing for None."""
        return {field.name: _text(getattr(self, field.name)) for field in fields(self)}


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return " ".join(_text(part) for part in value)
    return repr(float(value)) if isinstance(value, float) else str(value)


TRUTH_COLUMNS: tuple[str, ...] = ("file", "mask", *(field.name for field in fields(SceneTruth)))
