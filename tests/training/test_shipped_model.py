from pathlib import Path

import numpy as np
import pytest

from oral_lesion.io.bundle import load_bundle

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "models" / "oral-erosion"
PICTURES = ROOT.parent / "shared" / "data" / "oral"


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


@pytest.mark.realdata
@pytest.mark.skipif(not PICTURES.is_dir(), reason="needs the photographs in ../shared/data")
def test_it_finds_erosions_of_the_validation_pictures(bundle):
    pytest.importorskip("torch", reason="torch comes with oral-lesion[train]")
    from oral_lesion.training.data import find_pictures
    from oral_lesion.training.evaluate import evaluate
    from oral_lesion.training.settings import SourceSettings

    source = SourceSettings(
        name="oral",
        layout="table",
        path="oral",
        keep={"split": "val"},
        longer_side_px=(512, 512),
        licence="-",
        source="-",
    )
    pictures = find_pictures(source, PICTURES.parent)
    segmenter = bundle.open_segmenter()
    result = evaluate(segmenter.probability_of_srgb, pictures, threshold=segmenter.threshold, longer_side_px=512)
    assert result.dice_by_image > 0.6
    assert result.negatives_fired < 0.3
