"""Render the pictures of docs/photography.md and README.md from phantoms: `python scripts/render_docs_pictures.py`.

Each picture of a mistake is refused, or flagged, by `oral-lesion check` with the code that the page states beside it
(tests/docs/test_pictures.py). Equal versions of the packages give equal files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.io.settings import load_card
from oral_lesion.numerics.color import linear_from_srgb, srgb_uint8_from_linear
from oral_lesion.phantom import PhantomScene, SceneSettings, render_scene
from oral_lesion.phantom.tree import encode_jpeg

DOCS = Path(__file__).resolve().parents[1] / "docs"
PICTURES = DOCS / "pictures" / "photography"
CARD = "colorchecker-classic-nano"
GOOD = SceneSettings(
    seed=2, width_px=1000, height_px=750, card_share=0.3, tilt_deg=4, glare=0.25, jpeg_quality=85,
    focal_length_35mm_mm=85,
)  # fmt: skip

Picture = NDArray[np.uint8]


def render(card: str = CARD, **changes: object) -> PhantomScene:
    """Return the good scene with these settings changed."""
    return render_scene(replace(GOOD, **changes), load_card(card))  # type: ignore[arg-type]


def jpeg(scene: PhantomScene, change: Callable[[Picture], Picture] | None = None) -> bytes:
    """Return a scene as a camera's file, its pixels changed before."""
    return encode_jpeg(scene if change is None else replace(scene, srgb=np.ascontiguousarray(change(scene.srgb))))


def in_linear_light(change: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> Callable[[Picture], Picture]:
    """Return a change of linear light as one of sRGB values."""

    def changed(srgb: Picture) -> Picture:
        light = change(linear_from_srgb(srgb))
        return srgb_uint8_from_linear(np.clip(light, 0, 1).astype(np.float32))

    return changed


def card_corners_px(scene: PhantomScene, margin: float = 1.0) -> NDArray[np.float64]:
    """Return the corners of the card's outline, times a margin, in pixels: (4, 2), x and y."""
    truth = scene.truth
    wide, high = load_card(truth.card).outer_mm
    turn = np.deg2rad(truth.card_turn_deg + truth.roll_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    half = margin * np.array([[-wide, -high], [wide, -high], [wide, high], [-wide, high]]) / 2
    return half @ rotation.T / truth.mm_per_px + [truth.card_x_px, truth.card_y_px]


def card_area(scene: PhantomScene, margin: float = 1.15, soft_px: float = 0.0) -> NDArray[np.float32]:
    """Return 1 on the card and round it, 0 elsewhere: (height, width, 1)."""
    area = np.zeros(scene.srgb.shape[:2], np.float32)
    cv2.fillPoly(area, [np.rint(card_corners_px(scene, margin)).astype(np.int32)], 1.0)
    return (cv2.GaussianBlur(area, (0, 0), soft_px) if soft_px else area)[..., None]


def shaken(length_px: int) -> Callable[[Picture], Picture]:
    """Move the picture evenly along a line while it is exposed."""
    kernel = np.zeros((length_px + 5, length_px + 5), np.float32)
    cv2.line(kernel, (2, length_px // 2), (length_px + 2, length_px // 2 + 4), 1.0, 1, cv2.LINE_AA)
    return in_linear_light(lambda light: cv2.filter2D(light, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT))


def tissue_out_of_focus(scene: PhantomScene) -> bytes:
    """Focus on the card, which lies nearer than the tissue."""
    keep = card_area(scene, soft_px=4.0)

    def far(light: NDArray[np.float32]) -> NDArray[np.float32]:
        return keep * light + (1 - keep) * cv2.GaussianBlur(light, (0, 0), 11.0)

    return jpeg(scene, in_linear_light(far))


def two_lights(scene: PhantomScene) -> bytes:
    """Let a warm lamp light one part of the card, and a window the rest, which lies in the lamp's shadow."""
    (left, _), (right, _) = np.percentile(card_corners_px(scene), [0, 100], axis=0)
    rows, columns = np.mgrid[: scene.srgb.shape[0], : scene.srgb.shape[1]]
    edge = left + 0.52 * (right - left) + 0.25 * (rows - scene.truth.card_y_px)
    shadow = (1 / (1 + np.exp(-(columns - edge) / 6.0)))[..., None].astype(np.float32)
    lamp, window = np.float32([1.45, 0.85, 0.3]), np.float32([0.22, 0.42, 0.8])
    return jpeg(scene, in_linear_light(lambda light: light * (lamp * (1 - shadow) + window * shadow)))


def flash_on_tissue(scene: PhantomScene) -> bytes:
    """Put a flash so near the tissue that it is overexposed, and the card is not."""
    height, width = scene.srgb.shape[:2]
    rows, columns = np.mgrid[:height, :width] / width
    spot = 1 + 7 * np.exp(-((columns - 0.35) ** 2 + (rows - 0.33) ** 2) / (2 * 0.2**2))
    gain = (1 + (spot[..., None] - 1) * (1 - card_area(scene, 1.3, soft_px=25.0))).astype(np.float32)
    return jpeg(scene, in_linear_light(lambda light: light * gain))


def wet_tissue(scene: PhantomScene) -> bytes:
    """Let saliva reflect the flash in large patches."""
    noise = np.random.default_rng(5).normal(size=scene.srgb.shape[:2]).astype(np.float32)
    waves = cv2.GaussianBlur(noise, (0, 0), 13.0) + 0.25 * cv2.GaussianBlur(noise, (0, 0), 4.0)
    sheen = np.clip((waves / waves.std() - 0.5) / 0.9, 0, 1)[..., None] * (1 - card_area(scene, 1.3, soft_px=6.0))
    return jpeg(scene, in_linear_light(lambda light: light + sheen * np.float32([0.62, 0.66, 0.68])))


def reflection_on_card(scene: PhantomScene) -> bytes:
    """Let the card's surface reflect a ring of lamps, not so brightly that it is overexposed."""
    corners = card_corners_px(scene)
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    sheen = np.zeros(scene.srgb.shape[:2], np.float32)
    for angle in np.arange(20) * 2 * np.pi / 20:
        place = corners[0] + (0.48 + 0.34 * np.cos(angle)) * across + (0.5 + 0.32 * np.sin(angle)) * down
        cv2.circle(sheen, tuple(np.int32(place)), int(0.015 * np.linalg.norm(across)), 0.5, -1, cv2.LINE_AA)
    shine = cv2.GaussianBlur(sheen, (0, 0), 2.0) + 3 * cv2.GaussianBlur(sheen, (0, 0), 12.0)
    lit = (shine[..., None] * card_area(scene, 1.0)).astype(np.float32)
    return jpeg(scene, in_linear_light(lambda light: 0.6 * light + lit))


def finger_on_card(scene: PhantomScene) -> bytes:
    """Hold the card by its patches."""
    corners = card_corners_px(scene)
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    tip = (corners[0] + 0.9 * across + 0.6 * down).astype(int)
    beyond = (corners[0] + 2.2 * across + 2.6 * down).astype(int)
    glove, radius = (128, 155, 196), int(0.11 * np.linalg.norm(across))
    picture = scene.srgb.copy()
    for width, shade in ((2 * radius, 0.8), (int(1.55 * radius), 0.92), (radius, 1.0)):
        color = [int(shade * value) for value in glove]
        cv2.line(picture, tuple(tip), tuple(beyond), color, width, cv2.LINE_AA)
    soft = cv2.GaussianBlur(picture, (0, 0), 4.0)
    finger = (picture != scene.srgb).any(axis=2, keepdims=True)
    return jpeg(replace(scene, srgb=np.where(finger, soft, scene.srgb)))


def second_card(scene: PhantomScene) -> bytes:
    """Leave another card in view."""
    place = card_area(scene, 1.02)
    moved = np.float64([[1, 0, -520], [0, 1, -40]])
    size = scene.srgb.shape[1::-1]
    there = cv2.warpAffine(place[..., 0], moved, size)[..., None] > 0.5
    copy = cv2.warpAffine(scene.srgb, moved, size)
    return jpeg(scene, lambda srgb: np.where(there, copy, srgb))


def cut_off(scene: PhantomScene) -> bytes:
    """Let the picture end within the card."""
    corners = card_corners_px(scene)
    shift = int(scene.srgb.shape[1] - corners[:, 0].mean() - 0.4 * np.ptp(corners[:, 0]))
    return jpeg(scene, lambda srgb: np.roll(srgb, shift, axis=1)[:, shift:] if shift > 0 else srgb[:, :shift])


def grey(scene: PhantomScene) -> bytes:
    """Switch the camera to black and white."""
    return jpeg(scene, lambda srgb: np.repeat(cv2.cvtColor(srgb, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2))


MISTAKES: dict[str, Callable[[], bytes]] = {
    "good": lambda: jpeg(render()),
    "no-card": lambda: jpeg(render(with_card=False)),
    "card-cut": lambda: cut_off(render()),
    "several-cards": lambda: second_card(render()),
    "wrong-card": lambda: jpeg(render("colorchecker-classic-mini", lesion_areas_mm2=(700.0, 1100.0))),
    "finger-on-card": lambda: finger_on_card(render()),
    "card-glare": lambda: reflection_on_card(render()),
    "too-wide": lambda: jpeg(render(width_px=1400, height_px=1050, card_share=0.07)),
    "too-far": lambda: jpeg(render(width_px=640, height_px=480, card_share=0.12)),
    "too-near": lambda: jpeg(render(card_share=0.55, focal_length_35mm_mm=24, lesion_areas_mm2=(60.0,))),
    "too-tilted": lambda: jpeg(render(tilt_deg=45, card_share=0.22)),
    "blurred": lambda: jpeg(render(blur_px=8.0)),
    "motion-blur": lambda: jpeg(render(), shaken(12)),
    "tissue-blurred": lambda: tissue_out_of_focus(render()),
    "card-clipped": lambda: jpeg(render(exposure_ev=1.4)),
    "card-dark": lambda: jpeg(render(exposure_ev=-3.4)),
    "tissue-clipped": lambda: flash_on_tissue(render()),
    "tissue-glare": lambda: wet_tissue(render()),
    "color-error": lambda: two_lights(render()),
    "jpeg-poor": lambda: jpeg(render(jpeg_quality=12)),
    "not-color": lambda: grey(render()),
    "mirrored": lambda: jpeg(render(mirrored=True)),
}


def main() -> None:
    """Render all pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, rendered in MISTAKES.items():
        (PICTURES / f"{name}.jpg").write_bytes(rendered())
        print(PICTURES / f"{name}.jpg")


if __name__ == "__main__":
    main()
