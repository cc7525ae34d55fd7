"""The measurement chain with the true mask in place of the model: how wrong is the area?"""

import hashlib

import numpy as np
import pytest

from oral_lesion.io.settings import load_protocol
from oral_lesion.phantom import SceneSettings, render_scene
from oral_lesion.records import Measurement, Photo, PhotoIdentity, Visit
from oral_lesion.score import score_photo
from oral_lesion.segment.known_mask import KnownMaskSegmenter

LIGHTS = ("daylight", "cool-flash", "warm-led", "fluorescent")


def photo_of(scene):
    from oral_lesion.io.photo_formats import decode
    from oral_lesion.phantom.tree import encode_jpeg

    jpeg = encode_jpeg(scene)
    decoded = decode(jpeg)
    sha256 = hashlib.sha256(jpeg).hexdigest()
    identity = PhotoIdentity(photo_id="scene", file="scene.jpg", sha256=sha256, subject_id="S", visit=Visit(name="V"))
    return Photo(identity=identity, srgb=decoded.srgb, focal_length_px=decoded.focal_length_px)


def score_with_truth(settings, protocol):
    scene = render_scene(settings, protocol.card)
    segmenter = KnownMaskSegmenter(scene.mask, protocol.standardization.working_mm_per_px)
    return scene.truth, score_photo(photo_of(scene), protocol=protocol, segmenter=segmenter)


def random_settings(count, seed):
    rng = np.random.default_rng(seed)
    for index in range(count):
        yield SceneSettings(
            subject=f"area-{index:03d}",
            seed=seed,
            tilt_deg=float(rng.uniform(0, 20)),
            azimuth_deg=float(rng.uniform(0, 360)),
            card_share=float(rng.uniform(0.12, 0.35)),
            light=LIGHTS[index % 4],
            exposure_ev=float(rng.uniform(-0.7, 0.3)),
            noise=float(rng.uniform(0.0, 0.012)),
            blur_px=float(rng.uniform(0.0, 1.2)),
            glare=float(rng.uniform(0.0, 0.5)),
            jpeg_quality=int(rng.integers(70, 96)),
            focal_length_35mm_mm=int(rng.integers(26, 100)),
        )


@pytest.mark.timeout(900)
def test_area_uncertainty_and_count_over_a_hundred_scenes():
    protocol = load_protocol(None)
    results = [score_with_truth(settings, protocol) for settings in random_settings(100, 20261123)]
    refused = [score.outcome for _, score in results if not isinstance(score.outcome, Measurement)]
    assert not refused, refused
    true_mm2 = np.array([truth.erosion_area_mm2 for truth, _ in results])
    measured_mm2 = np.array([score.outcome.area_mm2 for _, score in results])
    u_mm2 = np.array([score.outcome.u_area_mm2 for _, score in results])
    error = np.abs(measured_mm2 / true_mm2 - 1)
    assert np.median(error) <= 0.02
    assert np.quantile(error, 0.95) <= 0.05
    assert np.mean(np.abs(measured_mm2 - true_mm2) <= 2 * u_mm2) >= 0.95
    assert np.mean([len(score.outcome.lesions) == truth.lesion_count for truth, score in results]) >= 0.98


@pytest.mark.parametrize(
    "card", ["colorchecker-classic", "colorchecker-classic-mini", "colorchecker-classic-nano", "colorchecker-passport"]
)
def test_every_size_of_card_gives_the_scale(card):
    protocol = load_protocol(None, card=card)
    # The larger the card, the larger the field that it is 30 % of: nearly a metre for the Classic.
    wide = {"max_mm_per_px": 1.0, "max_blur_mm": 10.0}
    coarse = {"working_mm_per_px": 0.2 if card != "colorchecker-classic" else 0.4, "max_working_megapixels": 20.0}
    protocol = protocol.model_copy(
        update={
            "limits": protocol.limits.model_copy(update=wide),
            "standardization": protocol.standardization.model_copy(update=coarse),
        }
    )
    settings = SceneSettings(subject="card-sizes", seed=3, tilt_deg=12, card_share=0.3, width_px=2400, height_px=1800)
    truth, score = score_with_truth(settings, protocol)
    assert isinstance(score.outcome, Measurement), score.outcome
    assert score.card.scale.mm_per_px == pytest.approx(truth.mm_per_px, rel=0.01)
    assert score.outcome.area_mm2 == pytest.approx(truth.erosion_area_mm2, rel=0.05)
