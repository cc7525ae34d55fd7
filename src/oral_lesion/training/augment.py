"""Augmentation: random crops, and on them what photographs of a trial may show; each simulation has a name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import InputError
from oral_lesion.io.datasets import LESION_VALUE
from oral_lesion.training.decoys import paint_decoy
from oral_lesion.training.drawn import draw_lesion
from oral_lesion.training.instruments import lay_instrument

__all__ = ["SIMULATIONS", "Augmenter", "Crop", "CropPlan"]

Bytes = NDArray[np.uint8]

SIMULATIONS = {
    "position": "Every crop: another part of the picture, at another scale, angle, aspect and mirror state.",
    "drawn lesion": "A flat red erosion, of which photographs hold few, or a redness or dark spot that is none.",
    "foreign surface": "A colour card, ruler, glove or desk in view: its red patches are no erosions.",
    "instrument": "A mirror, retractor, probe or gauze that hides part of the tissue.",
    "illuminant": "Light and exposure that standardization left: a gain for each channel, in light.",
    "saliva glare": "Highlights of a flash on wet tissue.",
    "colour error": "Brightness, contrast, saturation and hue that camera processing and standardization left.",
    "tone curve": "Another gamma of the camera's processing.",
    "defocus": "A lens out of focus.",
    "motion": "A camera or patient that moved.",
    "low resolution": "A picture taken from afar, and resampled.",
    "sensor noise": "Grain of a sensor at short exposure.",
    "sharpening": "A camera's sharpening.",
    "JPEG": "Blocks and ringing of JPEG compression.",
}

_NAMES = {
    "ColorJitter": "colour error",
    "RandomGamma": "tone curve",
    "GaussianBlur": "defocus",
    "MotionBlur": "motion",
    "Downscale": "low resolution",
    "GaussNoise": "sensor noise",
    "ISONoise": "sensor noise",
    "UnsharpMask": "sharpening",
    "ImageCompression": "JPEG",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CropPlan:
    """
    How a crop is drawn.

    Parameters
    ----------
    crop_px : int
        Side of the crop in pixels.
    longer_side_px : tuple of int or None
        Range of the picture's longer side in pixels after resampling; None where `magnification` says it.
    lesion_centred, tooth_centred, drawn_share, decoy_share, instrument_share : float
        Shares of crops round a lesion, of the others round a tooth, with a drawn lesion, with a foreign
        surface, and with an instrument, in [0, 1].
    magnification : tuple of float or None
        Range of the factor by which a picture of known scale is resampled.
    """

    crop_px: int
    longer_side_px: tuple[int, int] | None
    lesion_centred: float
    tooth_centred: float
    drawn_share: float
    decoy_share: float
    instrument_share: float = 0.0
    magnification: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """
    A crop and how it came about.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (crop, crop, 3)
        Crop in sRGB.
    labels : ndarray of uint8, shape (crop, crop)
        255 lesion, 0 other, 128 ignore.
    simulations : tuple of str
        What was simulated, by the names of `SIMULATIONS`, in order.
    """

    srgb: Bytes
    labels: Bytes
    simulations: tuple[str, ...]


class Augmenter:
    """
    Makes crops. All that is drawn comes from the generator that is passed in.

    The photometric part is albumentations' and this class is the one place that knows it.
    """

    def __init__(self) -> None:
        self._photometric = _photometric()

    def crop(self, srgb: Bytes, labels: Bytes, plan: CropPlan, rng: np.random.Generator) -> tuple[Bytes, Bytes]:
        """
        Make one crop, without its story.

        Parameters
        ----------
        srgb, labels, plan, rng : ndarray, ndarray, CropPlan, Generator
            As of `make`.

        Returns
        -------
        srgb : ndarray of uint8, shape (crop, crop, 3)
            Crop in sRGB.
        labels : ndarray of uint8, shape (crop, crop)
            Its labels.
        """
        made = self.make(srgb, labels, plan, rng)
        return made.srgb, made.labels

    def make(self, srgb: Bytes, labels: Bytes, plan: CropPlan, rng: np.random.Generator) -> Crop:
        """
        Make one crop.

        Parameters
        ----------
        srgb : ndarray of uint8, shape (height, width, 3)
            Picture in sRGB.
        labels : ndarray of uint8, shape (height, width)
            255 lesion, 0 other, 128 ignore.
        plan : CropPlan
            Size, scale and shares.
        rng : Generator
            Source of everything that is drawn.

        Returns
        -------
        Crop
            Pixels, labels, and what was simulated.
        """
        applied = ["position"]
        srgb, labels = _warp(srgb, labels, plan, rng)
        if rng.random() < plan.drawn_share:
            srgb, labels = draw_lesion(srgb, labels, rng)
            applied.append("drawn lesion")
        if rng.random() < plan.decoy_share:
            srgb, labels = paint_decoy(srgb, labels, rng)
            applied.append("foreign surface")
        # Drawn only where asked for: earlier runs without instruments keep their crops.
        if plan.instrument_share and rng.random() < plan.instrument_share:
            srgb, labels = lay_instrument(srgb, labels, rng)
            applied.append("instrument")
        if rng.random() < 0.35:
            srgb = _illuminant(srgb, rng)
            applied.append("illuminant")
        if rng.random() < 0.35:
            srgb = _glare(srgb, rng)
            applied.append("saliva glare")
        self._photometric.set_random_seed(int(rng.integers(2**31)))
        made = self._photometric(image=srgb)
        applied += [_NAMES[name] for name, _ in made["applied_transforms"]]
        return Crop(srgb=np.ascontiguousarray(made["image"]), labels=labels, simulations=tuple(applied))


def _photometric() -> Any:
    """Return albumentations' pipeline; it must not ask the network for a newer version."""
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    import albumentations as a

    return a.Compose(
        [
            a.ColorJitter(brightness=(0.7, 1.3), contrast=(0.7, 1.3), saturation=(0.6, 1.4), hue=(-0.03, 0.03), p=0.8),
            a.RandomGamma(gamma_limit=(70, 140), p=0.3),
            a.OneOf(
                [
                    a.GaussianBlur(sigma_limit=(0.4, 1.6), blur_limit=0),
                    a.MotionBlur(blur_limit=(3, 7)),
                    a.Downscale(scale_range=(0.35, 0.8)),
                ],
                p=0.35,
            ),
            a.OneOf([a.GaussNoise(std_range=(0.01, 0.05)), a.ISONoise(intensity=(0.05, 0.3))], p=0.25),
            a.UnsharpMask(blur_limit=(3, 5), alpha=(0.2, 0.6), p=0.1),
            a.ImageCompression(quality_range=(35, 95), p=0.35),
        ],
        save_applied_params=True,
    )


def _warp(srgb: Bytes, labels: Bytes, plan: CropPlan, rng: np.random.Generator) -> tuple[Bytes, Bytes]:
    """Cut a crop at random scale, angle, aspect and mirror state."""
    height, width = labels.shape
    scale = _scale(max(height, width), plan, rng)
    if scale < 0.7:  # shrink by area first: a warp alone would alias
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        srgb = _bytes(cv2.resize(srgb, size, interpolation=cv2.INTER_AREA))
        labels = _bytes(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT))
        height, width = labels.shape
        scale = 1.0
    matrix = _matrix(_centre(srgb, labels, plan, scale, rng), plan.crop_px, scale, rng)
    size = (plan.crop_px, plan.crop_px)
    outside = tuple(int(value) for value in rng.integers(0, 256, 3)) if rng.random() < 0.3 else None
    border = cv2.BORDER_REFLECT_101 if outside is None else cv2.BORDER_CONSTANT
    value = outside or (0, 0, 0)
    warped = cv2.warpAffine(srgb, matrix, size, flags=cv2.INTER_CUBIC, borderMode=border, borderValue=value)
    mask = cv2.warpAffine(labels, matrix, size, flags=cv2.INTER_NEAREST, borderMode=border, borderValue=0)
    return _bytes(warped), _bytes(mask)


def _scale(longer_side_px: int, plan: CropPlan, rng: np.random.Generator) -> float:
    """Return the factor of resampling: about the known one, or whatever gives the planned size."""
    if plan.magnification is not None:
        return float(np.exp(rng.uniform(*np.log(plan.magnification))))
    if plan.longer_side_px is None:
        raise InputError("crop: the picture has no scale; expected longer_side_px for its source")
    return float(np.exp(rng.uniform(*np.log(plan.longer_side_px)))) / longer_side_px


def _matrix(
    centre_xy: tuple[float, float], crop_px: int, scale: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the affine map of picture to crop: about the centre, with mirror, rotation, aspect and shear."""
    angle = rng.uniform(-np.pi, np.pi) if rng.random() < 0.25 else rng.normal(0.0, np.deg2rad(15.0))
    stretch = np.exp(rng.normal(0.0, 0.08))
    rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shape = np.array([[stretch, rng.normal(0.0, 0.05)], [0.0, 1.0 / stretch]])
    mirror = np.diag([rng.choice([-1.0, 1.0]), rng.choice([-1.0, 1.0])])
    linear = scale * rotate @ shape @ mirror
    offset = np.full(2, (crop_px - 1) / 2) - linear @ np.asarray(centre_xy)
    return np.column_stack([linear, offset])


def _centre(srgb: Bytes, labels: Bytes, plan: CropPlan, scale: float, rng: np.random.Generator) -> tuple[float, float]:
    """Return the (x, y) of the crop's centre in the picture: near a lesion's or a tooth's pixel, or anywhere."""
    height, width = labels.shape
    half = plan.crop_px / (2 * scale)
    wanted = np.flatnonzero(labels == LESION_VALUE) if rng.random() < plan.lesion_centred else np.empty(0, np.int64)
    if not wanted.size and plan.tooth_centred and rng.random() < plan.tooth_centred:
        wanted = np.flatnonzero(_tooth_coloured(srgb) & (labels == 0))
    if wanted.size:
        row, column = divmod(int(rng.choice(wanted)), width)
        x, y = column + rng.uniform(-0.8, 0.8) * half, row + rng.uniform(-0.8, 0.8) * half
    else:
        x, y = rng.uniform(0, width - 1), rng.uniform(0, height - 1)
    return _inside(x, width, half), _inside(y, height, half)


def _tooth_coloured(srgb: Bytes) -> NDArray[np.bool_]:
    """Return where a picture is pale yellowish or brown: less red against green than mucosa is."""
    red, green, blue = (srgb[..., channel].astype(np.float32) for channel in range(3))
    coloured: NDArray[np.bool_] = (red < 1.35 * green) & (red > green) & (green > 1.05 * blue) & (red > 90)
    return coloured


def _inside(position: float, length: int, half: float) -> float:
    """Move a centre so that little of the crop lies outside the picture."""
    if length <= 2 * half:
        return (length - 1) / 2 + 0.3 * (position - (length - 1) / 2)
    return float(np.clip(position, 0.8 * half, length - 1 - 0.8 * half))


def _illuminant(srgb: Bytes, rng: np.random.Generator) -> Bytes:
    """Change the illuminant and the exposure: a gain per channel, in light."""
    gains = np.exp(rng.normal(0.0, 0.15, 3) + rng.normal(0.0, 0.2))
    levels = np.arange(256) / 255.0
    table = np.clip(np.power(levels, 2.2)[:, None] * gains, 0.0, 1.0) ** (1 / 2.2)
    return _bytes(cv2.LUT(srgb, np.round(table * 255.0).astype(np.uint8)[None]))


def _glare(srgb: Bytes, rng: np.random.Generator) -> Bytes:
    """Add highlights of a flash on wet tissue: small soft white spots in clusters."""
    side = srgb.shape[0]
    light = np.zeros(srgb.shape[:2], np.float32)
    cluster = rng.uniform(0, side, 2)
    for _ in range(int(rng.integers(1, 14))):
        centre = cluster + rng.normal(0.0, side / 10, 2)
        axes = np.maximum(1, side * rng.uniform(0.003, 0.03, 2)).astype(int)
        x, y = (int(value) for value in centre)
        cv2.ellipse(light, (x, y), (int(axes[0]), int(axes[1])), float(rng.uniform(0, 180)), 0, 360, 1.0, -1)
    light = cv2.GaussianBlur(light, (0, 0), float(rng.uniform(0.6, 2.5)))[..., None] * rng.uniform(0.6, 1.0)
    return _bytes(np.round(srgb + (255.0 - srgb) * light))


def _bytes(values: Any) -> Bytes:
    return np.ascontiguousarray(values, dtype=np.uint8)
