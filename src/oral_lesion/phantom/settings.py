"""Everything that a scene depends on, frozen and checked."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from oral_lesion.errors import InputError
from oral_lesion.phantom.light import LIGHTS
from oral_lesion.phantom.outline import LesionShape

__all__ = ["SceneSettings", "random_generator"]

_SLUG = re.compile(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*")
_RANGES: dict[str, tuple[float, float]] = {
    "width_px": (160, 12000),
    "height_px": (160, 12000),
    "card_share": (0.05, 0.6),
    "tilt_deg": (0.0, 60.0),
    "azimuth_deg": (-360.0, 360.0),
    "roll_deg": (-180.0, 180.0),
    "focal_length_35mm_mm": (20, 300),
    "white_balance": (0.0, 1.0),
    "exposure_ev": (-6.0, 6.0),
    "noise": (0.0, 0.5),
    "blur_px": (0.0, 100.0),
    "glare": (0.0, 1.0),
    "card_glare_patches": (0, 24),
    "shading": (0.0, 1.0),
    "jpeg_quality": (1, 100),
    "exif_orientation": (1, 8),
    "area_factor": (0.0, 1.0),
    "irregularity": (0.0, 1.0),
    "edge_softness_mm": (0.0, 5.0),
    "background_width_mm": (5.0, 2000.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneSettings:
    """
    All parameters of one scene; equal settings give equal pixels.

    Parameters
    ----------
    subject, visit, site : str
        Names of letters, digits, hyphens and underscores; they become folders and the file's name. Subject
        and site, with `seed`, determine tissue, lesions and the card's place; the visit adds how the camera
        was held.
    seed : int
        0 or more.
    width_px, height_px : int
        Size of the picture as seen upright, in [160, 12000].
    card_share : float or None
        Length of the card along its rows over the picture's width, at the card's centre, in [0.05, 0.6].
        None: 0.35, or what leaves room for a background.
    tilt_deg : float
        Angle between the optical axis and the plane's normal, in [0, 60]. Up to 20 every share up to 0.35
        fits.
    azimuth_deg, roll_deg : float or None
        Direction of the tilt (0: the right side recedes, 90: the lower one) and turn of the camera. None:
        drawn for the visit.
    card_turn_deg : float or None
        Turn of the card on the plane, clockwise. None: drawn, within 4.
    focal_length_35mm_mm : int
        35 mm equivalent focal length by the diagonal, in [20, 300].
    light : str
        A key of `LIGHTS`.
    white_balance : float
        Share of the light's cast that the camera takes out, in [0, 1].
    exposure_ev : float
        In stops; at 0 the card's white patch has a linear level of about 0.67.
    noise : float
        Standard deviation of the sensor noise at linear level 0.18, in [0, 0.5].
    blur_px : float
        Standard deviation of the defocus in pixels of the picture, in [0, 100].
    glare : float
        Amount of saliva's highlights, in [0, 1].
    card_glare_patches : int
        About how many patches a reflection on the card washes out, in [0, 24].
    shading : float
        Strength of vignetting and uneven light, in [0, 1]; at 1 the corners lose about half.
    jpeg_quality : int
        In [1, 100].
    exif_orientation : int
        How the picture is stored, 1 to 8 as in EXIF; truth is that of the upright picture.
    mirrored : bool
        The picture shows the scene in a mouth mirror: left and right swapped, card included.
    with_card : bool
        False leaves the card out of the scene.
    lesion_areas_mm2 : tuple of float or None
        Area of each lesion at baseline. None: one to three, drawn. Empty: none.
    area_factor : float
        What is left of each baseline area at this visit, in [0, 1].
    irregularity : float
        Departure of the outlines from ellipses, in [0, 1].
    lesions : tuple of LesionShape or None
        Outlines in place of drawn ones; `area_factor` applies. They must keep clear of the card.
    lesions_in_view : bool
        False lets lesions of one's own leave the picture.
    edge_softness_mm : float
        Standard deviation of the colour's transition at the erosion's edge; its middle is the true outline.
    background, background_mask : path or None
        Photograph in place of drawn tissue, and its mask (255 erosion, 128 ignored, 0 other), same size.
    background_width_mm : float
        Width that the photograph is laid out at.

    Raises
    ------
    InputError
        Where a value is out of range; what, expected and got are named.
    """

    subject: str = "phantom-01"
    visit: str = "week-00"
    site: str = "buccal-left"
    seed: int = 0
    width_px: int = 1600
    height_px: int = 1200
    card_share: float | None = None
    tilt_deg: float = 5.0
    azimuth_deg: float | None = None
    roll_deg: float | None = None
    card_turn_deg: float | None = None
    focal_length_35mm_mm: int = 60
    light: str = "daylight"
    white_balance: float = 0.6
    exposure_ev: float = 0.0
    noise: float = 0.006
    blur_px: float = 0.0
    glare: float = 0.3
    card_glare_patches: int = 0
    shading: float = 0.15
    jpeg_quality: int = 92
    exif_orientation: int = 1
    mirrored: bool = False
    with_card: bool = True
    lesion_areas_mm2: tuple[float, ...] | None = None
    area_factor: float = 1.0
    irregularity: float = 0.5
    lesions: tuple[LesionShape, ...] | None = None
    lesions_in_view: bool = True
    edge_softness_mm: float = 0.2
    background: Path | None = None
    background_mask: Path | None = None
    background_width_mm: float = 60.0

    def __post_init__(self) -> None:
        for field in ("subject", "visit", "site"):
            value = getattr(self, field)
            if not isinstance(value, str) or not _SLUG.fullmatch(value):
                raise InputError(
                    f"{field}: expected letters, digits, single hyphens or underscores like 'buccal-left'; "
                    f"got {value!r}."
                )
        if self.seed < 0:
            raise InputError(f"seed: expected 0 or more, got {self.seed}.")
        for field, (low, high) in _RANGES.items():
            value = getattr(self, field)
            if value is not None and not (math.isfinite(value) and low <= value <= high):
                raise InputError(f"{field}: expected a number in [{low:g}, {high:g}], got {value!r}.")
        if self.light not in LIGHTS:
            raise InputError(f"light: expected one of {', '.join(LIGHTS)}; got {self.light!r}.")
        for area in self.lesion_areas_mm2 or ():
            if not (math.isfinite(area) and area > 0):
                raise InputError(f"lesion_areas_mm2: expected areas above 0, got {area!r}.")
        self._check_background()

    def _check_background(self) -> None:
        if (self.background is None) != (self.background_mask is None):
            missing = "background_mask" if self.background_mask is None else "background"
            raise InputError(f"{missing}: expected photograph and mask together, got one without the other; give both.")
        if self.background is None:
            return
        if self.lesions is not None or self.lesion_areas_mm2 is not None or self.area_factor != 1:
            raise InputError(
                "lesions: a background brings its own erosions; "
                "expected no lesions, lesion_areas_mm2 or area_factor with it."
            )


def random_generator(seed: int, *words: str) -> np.random.Generator:
    """
    Return a generator that depends on the seed and the words alone, on every machine.

    Parameters
    ----------
    seed : int
        0 or more.
    *words : str
        What the numbers are drawn for, such as subject, visit, site and purpose.

    Returns
    -------
    numpy.random.Generator
    """
    digest = hashlib.sha256("\x1f".join([str(seed), *words]).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
