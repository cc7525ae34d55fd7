"""Perturbed copies of photographs of cards: turned, tilted, blurred, covered, in other light; seeded."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from oral_lesion.numerics.color import linear_from_srgb, srgb_uint8_from_linear
from oral_lesion.numerics.geometry import apply_homography_xy, shrink

LONG_SIDE_PX = 1600
FINGER = (0.45, 0.22, 0.15)

_Copy = tuple[np.ndarray, np.ndarray]


def perturbed(kind: str, srgb: np.ndarray, centres: np.ndarray, pitch_px: float) -> _Copy:
    """Return the copy, at most about 1600 px long before it is perturbed, and its true patch centres."""
    factor = max(1, round(max(srgb.shape[:2]) / LONG_SIDE_PX))
    reduced = shrink(srgb, factor)
    return KINDS[kind](reduced, (centres - (factor - 1) / 2.0) / factor, pitch_px / factor)


def _warped(srgb: np.ndarray, centres: np.ndarray, homography: np.ndarray) -> _Copy:
    """Warp and enlarge the frame so that all stays in view; what lies outside repeats the border."""
    height, width = srgb.shape[:2]
    corners = apply_homography_xy(homography, [(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)])
    low, high = corners.min(axis=0), corners.max(axis=0)
    shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1.0]])
    size = tuple(int(extent) + 1 for extent in high - low)
    warped = cv2.warpPerspective(
        srgb, shift @ homography, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_CONSTANT, borderValue=(96, 92, 90)
    )
    return warped, apply_homography_xy(shift @ homography, centres)


def _rotated(degrees: float) -> Callable[[np.ndarray, np.ndarray, float], _Copy]:
    def turn(srgb: np.ndarray, centres: np.ndarray, _: float) -> _Copy:
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        return _warped(srgb, centres, np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]))

    return turn


def _mirrored(srgb: np.ndarray, centres: np.ndarray, _: float) -> _Copy:
    return np.ascontiguousarray(srgb[:, ::-1]), np.column_stack([srgb.shape[1] - 1 - centres[:, 0], centres[:, 1]])


def _tilted(degrees: float) -> Callable[[np.ndarray, np.ndarray, float], _Copy]:
    def tilt(srgb: np.ndarray, centres: np.ndarray, _: float) -> _Copy:
        focal = 1.2 * max(srgb.shape[:2])
        middle = centres.mean(axis=0)
        rotation, _jacobian = cv2.Rodrigues(np.radians(degrees) * np.array([0.5, np.sqrt(0.75), 0.0]))
        centred = np.array([[1, 0, -middle[0]], [0, 1, -middle[1]], [0, 0, 1.0]])
        view = np.column_stack([rotation[:, 0], rotation[:, 1], (0.0, 0.0, focal)])
        homography = np.diag([focal, focal, 1.0]) @ view @ centred
        # Around the card alone: far from it a steep view passes the horizon.
        reach = 0.75 * np.ptp(centres, axis=0).max()
        low = np.maximum(middle - reach, 0).astype(int)
        high = np.minimum(middle + reach, np.array(srgb.shape[1::-1])).astype(int)
        crop = srgb[low[1] : high[1], low[0] : high[0]]
        at = np.array([[1, 0, low[0]], [0, 1, low[1]], [0, 0, 1.0]])
        return _warped(crop, centres - low, homography @ at)

    return tilt


def _blurred(ratio: float) -> Callable[[np.ndarray, np.ndarray, float], _Copy]:
    def blur(srgb: np.ndarray, centres: np.ndarray, pitch_px: float) -> _Copy:
        linear = cv2.GaussianBlur(linear_from_srgb(srgb), (0, 0), ratio * pitch_px)
        return srgb_uint8_from_linear(linear), centres

    return blur


def _reduced_to(pitch: float) -> Callable[[np.ndarray, np.ndarray, float], _Copy]:
    def reduce(srgb: np.ndarray, centres: np.ndarray, pitch_px: float) -> _Copy:
        scale = pitch / pitch_px
        size = tuple(max(1, round(extent * scale)) for extent in srgb.shape[1::-1])
        ratio = np.array(size) / srgb.shape[1::-1]
        return cv2.resize(srgb, size, interpolation=cv2.INTER_AREA), (centres + 0.5) * ratio - 0.5

    return reduce


def _glare(count: int) -> Callable[[np.ndarray, np.ndarray, float], _Copy]:
    def glare(srgb: np.ndarray, centres: np.ndarray, pitch_px: float) -> _Copy:
        linear = linear_from_srgb(srgb)
        y, x = np.indices(srgb.shape[:2], dtype=np.float32)
        for index in np.random.default_rng(count).choice(24, count, replace=False):
            away = (x - centres[index, 0]) ** 2 + (y - centres[index, 1]) ** 2
            linear = linear + (1.3 * np.exp(-away / (2.0 * (0.25 * pitch_px) ** 2)))[..., None]
        return srgb_uint8_from_linear(linear), centres

    return glare


def _hidden(count: int) -> Callable[[np.ndarray, np.ndarray, float], _Copy]:
    def hide(srgb: np.ndarray, centres: np.ndarray, pitch_px: float) -> _Copy:
        linear = linear_from_srgb(srgb).copy()
        level = float(np.median(linear.max(axis=2))) / max(FINGER)
        y, x = np.indices(srgb.shape[:2], dtype=np.float32)
        first = (0, 3, 14, 18)[count % 4]
        # Neighbours along the card's rows: what a finger covers.
        for index in range(first, first + count):
            linear[(x - centres[index, 0]) ** 2 + (y - centres[index, 1]) ** 2 < (0.62 * pitch_px) ** 2] = (
                np.array(FINGER) * level
            )
        return srgb_uint8_from_linear(cv2.GaussianBlur(linear, (0, 0), 0.7)), centres

    return hide


def _in_light(gain: tuple[float, float, float]) -> Callable[[np.ndarray, np.ndarray, float], _Copy]:
    def light(srgb: np.ndarray, centres: np.ndarray, _: float) -> _Copy:
        return srgb_uint8_from_linear(linear_from_srgb(srgb) * np.array(gain, dtype=np.float32)), centres

    return light


def _shaded(srgb: np.ndarray, centres: np.ndarray, _: float) -> _Copy:
    """Let the light fall to a third across the card."""
    direction = np.ptp(centres, axis=0) * (1.0, 0.6)
    length = float(np.linalg.norm(direction))
    y, x = np.indices(srgb.shape[:2], dtype=np.float32)
    along = ((x - centres[:, 0].mean()) * direction[0] + (y - centres[:, 1].mean()) * direction[1]) / length**2
    light = np.exp(-np.log(3.0) * np.clip(along + 0.5, 0.0, 1.0)).astype(np.float32)
    return srgb_uint8_from_linear(linear_from_srgb(srgb) * light[..., None]), centres


def _noisy_jpeg(srgb: np.ndarray, centres: np.ndarray, _: float) -> _Copy:
    noise = np.random.default_rng(35).normal(0.0, 8.0, srgb.shape)
    noisy = np.clip(np.rint(srgb + noise), 0, 255).astype(np.uint8)
    _ok, coded = cv2.imencode(".jpg", noisy[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 35])
    return np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1]), centres


KINDS: dict[str, Callable[[np.ndarray, np.ndarray, float], _Copy]] = {
    "rotated 37": _rotated(37.0),
    "rotated 90": _rotated(90.0),
    "rotated 180": _rotated(180.0),
    "mirrored": _mirrored,
    "tilt 40": _tilted(40.0),
    "tilt 60": _tilted(60.0),
    "blur .12 pitch": _blurred(0.12),
    "blur .25 pitch": _blurred(0.25),
    "pitch 14 px": _reduced_to(14.0),
    "pitch 9 px": _reduced_to(9.0),
    "glare on 2": _glare(2),
    "glare on 5": _glare(5),
    "hidden 1": _hidden(1),
    "hidden 2": _hidden(2),
    "hidden 4": _hidden(4),
    "-2 EV": _in_light((0.25, 0.25, 0.25)),
    "+1 EV": _in_light((2.0, 2.0, 2.0)),
    "warm": _in_light((1.15, 0.85, 0.45)),
    "cool": _in_light((0.55, 0.85, 1.15)),
    "shaded 3:1": _shaded,
    "noise, JPEG 35": _noisy_jpeg,
}
