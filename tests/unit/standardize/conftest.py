"""Quick scenes of known geometry: a card on a plane of skin colour, seen by a pinhole camera."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from oral_lesion.numerics.color import linear_rgb_from_lab_d50, srgb_uint8_from_linear
from oral_lesion.protocol import CardDefinition, Limits, StandardizationSettings, UncertaintySettings
from oral_lesion.records import Photo, PhotoIdentity, Visit

CONFIGS = Path(__file__).parents[3] / "configs"


def card_named(name: str) -> CardDefinition:
    """Read a card's definition with its reference colours."""
    settings = tomllib.loads((CONFIGS / "cards" / f"{name}.toml").read_text())
    reference = CONFIGS / "cards" / "reference" / f"{settings['reference']}.toml"
    settings["patches"] = tomllib.loads(reference.read_text())["patches"]
    return CardDefinition.model_validate(settings)


PROTOCOL = tomllib.loads((CONFIGS / "protocol.toml").read_text())
LIMITS = Limits(**PROTOCOL["limits"])
UNCERTAINTY = UncertaintySettings(**PROTOCOL["uncertainty"])
STANDARDIZATION = StandardizationSettings(**PROTOCOL["standardization"])


def photo_of(srgb: np.ndarray, focal_length_px: float | None = None) -> Photo:
    """Wrap an array as a photo."""
    identity = PhotoIdentity(
        photo_id="scene", file="scene.png", sha256="0" * 64, subject_id="S1", visit=Visit(name="baseline")
    )
    return Photo(identity=identity, srgb=np.ascontiguousarray(srgb), focal_length_px=focal_length_px)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What is photographed, and how."""

    card: CardDefinition
    width: int = 1200
    height: int = 900
    card_ratio: float = 0.25
    """Width of the patch area over the picture's width."""
    place: tuple[float, float] = (0.5, 0.5)
    """Where the card's centre appears, as fractions of width and height."""
    tilt_deg: float = 0.0
    tilt_azimuth_deg: float = 30.0
    roll_deg: float = 0.0
    mirrored: bool = False
    focal_ratio: float = 1.0
    """Focal length over the picture's width."""
    illuminant: tuple[float, float, float] = (1.0, 1.0, 1.0)
    exposure: float = 0.9
    shading: tuple[float, float] = (0.0, 0.0)
    """Relative change of the light across the picture's width and height."""
    blur_px: float = 0.6
    noise: float = 0.002
    jpeg_quality: int | None = 92
    seed: int = 1
    second_card_at_mm: tuple[float, float] | None = None
    background: tuple[float, float, float] = (0.32, 0.13, 0.10)

    @property
    def focal_length_px(self) -> float:
        return self.focal_ratio * self.width

    @property
    def photo_xy_from_card_mm(self) -> np.ndarray:
        """Homography from the card's plane (mm, first patch at the origin) to the photo."""
        pitch_x, pitch_y = self.card.pitch_xy_mm
        wide = self.card.columns * pitch_x
        depth = self.focal_length_px * wide / (self.card_ratio * self.width)
        turn, _ = cv2.Rodrigues(np.array([0.0, 0.0, np.radians(self.roll_deg)]))
        azimuth = np.radians(self.tilt_azimuth_deg)
        tilt, _ = cv2.Rodrigues(np.radians(self.tilt_deg) * np.array([np.cos(azimuth), np.sin(azimuth), 0.0]))
        rotation = tilt @ turn
        focal = self.focal_length_px
        principal = ((self.width - 1) / 2, (self.height - 1) / 2)
        camera = np.array([[focal, 0, principal[0]], [0, focal, principal[1]], [0, 0, 1.0]])
        sight = np.array(
            [
                (self.place[0] * self.width - principal[0]) / focal,
                (self.place[1] * self.height - principal[1]) / focal,
                1.0,
            ]
        )
        centre = np.array([(self.card.columns - 1) / 2 * pitch_x, (self.card.rows - 1) / 2 * pitch_y])
        sign = -1.0 if self.mirrored else 1.0
        centred = np.array([[sign, 0, -sign * centre[0]], [0, 1, -centre[1]], [0, 0, 1.0]])
        return camera @ np.column_stack([rotation[:, 0], rotation[:, 1], depth * sight]) @ centred

    def linear(self) -> np.ndarray:
        """Render the scene-linear picture (height, width, 3), float32, before light and sensor."""
        super_ = 2
        up = np.array([[super_, 0, (super_ - 1) / 2], [0, super_, (super_ - 1) / 2], [0, 0, 1.0]])
        homography = up @ self.photo_xy_from_card_mm
        size = (self.width * super_, self.height * super_)
        rng = np.random.default_rng(self.seed)
        coarse = rng.normal(0, 1, (self.height // 40, self.width // 40)).astype(np.float32)
        texture = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)[..., None]
        picture = np.array(self.background, np.float32) * (1 + 0.12 * texture)
        offsets = [(0.0, 0.0)] + ([self.second_card_at_mm] if self.second_card_at_mm else [])
        for offset in offsets:
            self._draw(picture, homography, offset)
        return cv2.resize(picture, (self.width, self.height), interpolation=cv2.INTER_AREA)

    def _draw(self, picture: np.ndarray, homography: np.ndarray, offset: tuple[float, float]) -> None:
        card = self.card
        colors = np.clip(linear_rgb_from_lab_d50([patch.lab_d50 for patch in card.patches]), 0.0, None)
        pitch_x, pitch_y = card.pitch_xy_mm
        half = np.array(card.patch_xy_mm) / 2
        centre = np.array([(card.columns - 1) / 2 * pitch_x, (card.rows - 1) / 2 * pitch_y])
        outer = np.array(card.outer_mm or ((card.columns + 0.4) * pitch_x, (card.rows + 0.4) * pitch_y)) / 2
        _fill(picture, homography, centre + offset, outer, (0.012, 0.012, 0.012))
        for index, color in enumerate(colors):
            row, column = divmod(index, card.columns)
            _fill(picture, homography, np.array([column * pitch_x, row * pitch_y]) + offset, half, color)

    def srgb(self) -> np.ndarray:
        """Render the photo as 8-bit sRGB."""
        picture = self.linear() * np.array(self.illuminant, np.float32) * np.float32(self.exposure)
        x = np.linspace(-0.5, 0.5, self.width, dtype=np.float32)[None, :, None]
        y = np.linspace(-0.5, 0.5, self.height, dtype=np.float32)[:, None, None]
        picture *= 1 + self.shading[0] * x + self.shading[1] * y
        if self.blur_px:
            picture = cv2.GaussianBlur(picture, (0, 0), self.blur_px)
        rng = np.random.default_rng(self.seed + 1)
        scale = self.noise * np.sqrt(np.maximum(picture, 0.01))
        picture += rng.standard_normal(picture.shape, dtype=np.float32) * scale
        srgb = srgb_uint8_from_linear(picture)
        if self.jpeg_quality is not None:
            _, coded = cv2.imencode(".jpg", srgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, self.jpeg_quality])
            srgb = np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1])
        return srgb

    def photo(self, *, focal_known: bool = False) -> Photo:
        """Take the photo."""
        return photo_of(self.srgb(), self.focal_length_px if focal_known else None)


def _fill(picture: np.ndarray, homography: np.ndarray, centre: np.ndarray, half: np.ndarray, color: object) -> None:
    corners = centre + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    mapped = np.column_stack([corners, np.ones(4)]) @ homography.T
    # cv2.fillPoly counts a pixel where its centre lies inside, to 1/16 pixel.
    fixed = np.rint(mapped[:, :2] / mapped[:, 2:] * 16).astype(np.int32)
    low = np.maximum(fixed.min(axis=0) // 16 - 2, 0)
    high = fixed.max(axis=0) // 16 + 3
    part = picture[low[1] : high[1], low[0] : high[0]]
    if not part.size:
        return
    mask = np.zeros(part.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, fixed - low.astype(np.int32) * 16, 1, lineType=cv2.LINE_8, shift=4)
    part[mask > 0] = np.asarray(color, np.float32)


@pytest.fixture(scope="session")
def scene():
    """Give the class of scenes."""
    return Scene


@pytest.fixture(scope="session")
def card():
    """Give a function from a name to a card's definition."""
    return card_named


@pytest.fixture(scope="session")
def as_photo():
    """Give a function from an array to a photo."""
    return photo_of


@pytest.fixture(scope="session")
def limits():
    return LIMITS


@pytest.fixture(scope="session")
def uncertainty():
    return UNCERTAINTY


@pytest.fixture(scope="session")
def settings():
    return STANDARDIZATION
