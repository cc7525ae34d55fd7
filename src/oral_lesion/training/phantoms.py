"""Phantoms as a source of training pictures: scenes of known lesions, rendered when they are first read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import InputError
from oral_lesion.io.datasets import IGNORE_VALUE, LESION_VALUE, LabelledPicture
from oral_lesion.io.settings import load_card
from oral_lesion.numerics.scaling import scaled_srgb
from oral_lesion.phantom import LIGHTS, PhantomScene, SceneSettings, render_scene
from oral_lesion.phantom.chart import card_outside_mm
from oral_lesion.phantom.settings import random_generator

__all__ = ["PhantomReader"]

Bytes = NDArray[np.uint8]

_CARD = "colorchecker-classic-nano"
_SITES = ("buccal-left", "buccal-right", "tongue-ventral", "tongue-dorsal", "lower-lip", "palate-hard")
_COMPOSED_WIDTH_PX = 1000


class PhantomReader:
    """
    Renders scenes from a seed and keeps them; each has the working resolution.

    Parameters
    ----------
    name : str
        Of the source; other names give other scenes.
    scenes : int
        Number of scenes.
    seed : int
        Of the run.
    working_mm_per_px : float
        Scale (mm/px) of the pictures.
    backgrounds : sequence of LabelledPicture
        Photographs with masks to compose into the scenes, in turn; empty draws the tissue.
    """

    def __init__(
        self,
        name: str,
        *,
        scenes: int,
        seed: int,
        working_mm_per_px: float,
        backgrounds: Sequence[LabelledPicture] | None = None,
    ) -> None:
        self._card = load_card(_CARD)
        self._mm_per_px = working_mm_per_px
        self._rendered: dict[str, tuple[Bytes, Bytes]] = {}
        self._scenes: dict[str, SceneSettings] = {}
        self.pictures: tuple[LabelledPicture, ...] = ()
        masked = [picture for picture in backgrounds or () if picture.mask is not None]
        if backgrounds is not None and not masked:
            raise InputError(f"source {name}: its backgrounds hold no picture with a mask; name another source")
        for number in range(scenes):
            picture_id = f"{name}-{number:04d}"
            rng = random_generator(seed, name, "scene", str(number))
            scene = self._drawn_scene(number, seed, rng)
            group = picture_id
            if masked:
                background = masked[number % len(masked)]
                scene, group = _composed_scene(scene, background, rng), background.group
            self._scenes[picture_id] = scene
            self.pictures += (
                LabelledPicture(
                    picture_id=picture_id,
                    image=Path(picture_id),
                    mask=Path(picture_id),
                    group=group,
                    mm_per_px=working_mm_per_px,
                ),
            )

    def __call__(self, picture: LabelledPicture) -> tuple[Bytes, Bytes]:
        """
        Return the pixels and labels of a scene.

        Parameters
        ----------
        picture : LabelledPicture
            One of `pictures`.

        Returns
        -------
        srgb : ndarray of uint8, shape (height, width, 3)
            sRGB.
        labels : ndarray of uint8, shape (height, width)
            255 lesion, 0 other, 128 ignore.
        """
        if picture.picture_id not in self._rendered:
            scene = render_scene(self._scenes[picture.picture_id], self._card)
            self._rendered[picture.picture_id] = self._at_working_resolution(scene)
        return self._rendered[picture.picture_id]

    def _at_working_resolution(self, scene: PhantomScene) -> tuple[Bytes, Bytes]:
        labels = np.zeros_like(scene.mask)
        labels[scene.mask > 0] = LESION_VALUE
        labels[scene.ignored] = IGNORE_VALUE
        scale = scene.truth.mm_per_px / self._mm_per_px
        srgb = scaled_srgb(scene.srgb, scale)
        if srgb.shape == scene.srgb.shape:
            return scene.srgb, labels
        marks = cv2.resize(labels, srgb.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)
        return srgb, np.asarray(marks, np.uint8)

    def _drawn_scene(self, number: int, seed: int, rng: np.random.Generator) -> SceneSettings:
        """Return a scene without card whose pixels have about the working resolution."""
        field_mm = float(rng.uniform(70.0, 95.0))
        width_px = max(240, round(field_mm / self._mm_per_px))
        return SceneSettings(
            subject=f"subject-{number:04d}",
            site=str(rng.choice(_SITES)),
            seed=seed,
            width_px=width_px,
            height_px=round(0.75 * width_px),
            card_share=card_outside_mm(self._card)[0] / field_mm,
            with_card=False,
            tilt_deg=float(rng.uniform(0.0, 12.0)),
            light=str(rng.choice(sorted(LIGHTS))),
            white_balance=float(rng.uniform(0.7, 1.0)),
            exposure_ev=float(rng.normal(0.0, 0.25)),
            noise=float(rng.uniform(0.0, 0.012)),
            blur_px=float(rng.uniform(0.0, 1.0)),
            glare=float(rng.uniform(0.0, 0.8)),
            shading=float(rng.uniform(0.0, 0.4)),
            edge_softness_mm=float(rng.uniform(0.05, 0.5)),
            lesion_areas_mm2=() if rng.random() < 0.2 else None,
        )


def _composed_scene(scene: SceneSettings, background: LabelledPicture, rng: np.random.Generator) -> SceneSettings:
    """Lay a photograph into the scene, beside a card."""
    return replace(
        scene,
        width_px=_COMPOSED_WIDTH_PX,
        height_px=round(0.75 * _COMPOSED_WIDTH_PX),
        with_card=True,
        card_share=None,
        glare=0.0,
        lesion_areas_mm2=None,
        background=background.image,
        background_mask=background.mask,
        background_width_mm=float(rng.uniform(40.0, 65.0)),
    )
