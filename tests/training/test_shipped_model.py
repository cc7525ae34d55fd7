import csv
from pathlib import Path

import numpy as np
import pytest

from oral_lesion.io.bundle import load_bundle
from oral_lesion.segment.onnx import InferenceOptions, OnnxSegmenter
from oral_lesion.segment.tiles import TilePlan

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "models" / "oral-erosion"
PICTURES = ROOT.parent / "shared" / "data" / "oral"
FEET = ROOT.parent / "shared" / "data" / "fuseg" / "validation" / "images"


@pytest.fixture(scope="module")
def bundle():
    return load_bundle(BUNDLE)


def drawn_picture(height, width):
    """Draw a pink field with a few pale and red spots."""
    rng = np.random.default_rng(7)
    rows, columns = np.mgrid[0:height, 0:width]
    srgb = np.full((height, width, 3), (200.0, 120.0, 120.0)) + rng.normal(0, 5, (height, width, 3))
    for colour in ((225, 205, 170), (150, 40, 40), (235, 220, 200)):
        row, column = rng.uniform(0.2, 0.8, 2) * (height, width)
        spot = np.hypot(rows - row, columns - column) < rng.uniform(20, 45)
        srgb[spot] = np.asarray(colour) + rng.normal(0, 8, (int(spot.sum()), 3))
    return np.clip(srgb, 0, 255).astype(np.uint8)


def test_it_is_small_and_says_what_it_is(bundle):
    assert len(bundle.model_bytes) < 16e6
    assert bundle.metadata.name == "oral-erosion"
    assert bundle.metadata.working_mm_per_px == 0.1
    assert "research use only" in bundle.metadata.licence
    text = (BUNDLE / "metadata.json").read_text(encoding="utf-8")
    assert "/home" not in text
    assert "/work" not in text


def test_threads_and_repetition_do_not_change_the_mask(bundle):
    srgb = drawn_picture(300, 420)
    one, two = bundle.open_segmenter(1), bundle.open_segmenter(2)
    first = one.probability_of_srgb(srgb)
    np.testing.assert_array_equal(one.probability_of_srgb(srgb), first)
    np.testing.assert_array_equal(two.probability_of_srgb(srgb) >= one.threshold, first >= one.threshold)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_size_of_a_batch_does_not_change_the_mask(bundle, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(bundle.model_bytes, options, providers=["CPUExecutionProvider"])
    pictures = np.stack([drawn_picture(256, 320), drawn_picture(256, 320)[::-1]])
    (together,) = session.run(["probability"], {"image_rgb": pictures})
    for number in (0, 1):
        (alone,) = session.run(["probability"], {"image_rgb": pictures[number : number + 1]})
        level = np.float32(bundle.metadata.threshold)
        np.testing.assert_array_equal(alone[0] >= level, together[number] >= level)


@pytest.mark.parametrize(("height", "width"), [(640, 1984), (1344, 1344)])
def test_tiles_equal_the_whole(bundle, height, width):
    srgb = drawn_picture(height, width)
    identity, threshold = bundle.identity, bundle.metadata.threshold
    plans = TilePlan(max_whole_px=10**9), TilePlan(max_whole_px=1, max_tile_px=1_200_000)
    whole, tiled = (
        OnnxSegmenter(
            bundle.model_bytes, identity, threshold, 0.1, 1, InferenceOptions(tile_plan=plan)
        ).probability_of_srgb(srgb)
        for plan in plans
    )
    assert (whole >= threshold).any()
    assert np.abs(tiled - whole).max() < 1e-3


@pytest.mark.realdata
@pytest.mark.skipif(not PICTURES.is_dir(), reason="needs the photographs in ../shared/data")
def test_it_finds_erosions_of_the_validation_pictures(bundle):
    from oral_lesion.evaluation import EvaluationSettings, evaluate_pictures, find_pictures

    pictures = find_pictures(PICTURES, split="val").pictures
    evaluation = evaluate_pictures(bundle.open_segmenter(), pictures, EvaluationSettings(resamples=100))
    figures = {estimate.measure.key: estimate.value for estimate in evaluation.rounds[0].estimates}
    assert figures["dice_image_lesion"] > 0.6
    assert figures["negatives_fired"] < 0.3


@pytest.fixture(scope="module")
def knowing_bundle(bundle):
    if bundle.metadata.domain is None:
        pytest.skip("the packaged model was exported without a domain rule")
    return bundle


def test_a_drawn_desk_is_out_of_domain(knowing_bundle):
    rng = np.random.default_rng(3)
    desk = np.full((384, 512, 3), (90, 110, 130)) + rng.normal(0, 6, (384, 512, 3))
    desk[40:340, 60:200] = 235  # a sheet of paper
    desk[60:330:12, 80:180] = 40
    desk[100:300, 300:480] = (30, 60, 35)
    assert knowing_bundle.open_segmenter().predict_srgb(np.clip(desk, 0, 255).astype(np.uint8)).out_of_domain


@pytest.mark.realdata
@pytest.mark.skipif(not FEET.is_dir(), reason="needs the photographs in ../shared/data")
def test_feet_are_out_of_domain_and_mouths_are_not(knowing_bundle):
    import cv2

    segmenter = knowing_bundle.open_segmenter()

    def share_flagged(files):
        flags = []
        for file in files:
            srgb = cv2.imread(str(file), cv2.IMREAD_COLOR_RGB)
            ratio = 512 / max(srgb.shape[:2])
            flags.append(segmenter.predict_srgb(cv2.resize(srgb, None, fx=ratio, fy=ratio)).out_of_domain)
        return np.mean(flags)

    with (PICTURES / "photos.csv").open(encoding="utf-8", newline="") as table:
        mouths = [PICTURES / row["file"] for row in csv.DictReader(table) if row["split"] == "val"]
    assert share_flagged(sorted(FEET.iterdir())[::10]) >= 0.9
    assert share_flagged(mouths[::2]) <= 0.05


def test_the_card_states_the_coverage_and_it_is_within_its_bounds(bundle):
    boundary = bundle.metadata.boundary_uncertainty
    if boundary is None:
        pytest.skip("the packaged model was exported without calibration")
    assert 0.85 <= boundary.coverage <= 0.99
    assert f"{boundary.coverage:.1%} of {boundary.n} pictures" in (BUNDLE / "model-card.md").read_text(encoding="utf-8")
