import pickle

import numpy as np
import pytest

from oral_lesion.errors import BundleError, InputError
from oral_lesion.records import ModelIdentity
from oral_lesion.segment.onnx import OnnxSegmenter

IDENTITY = ModelIdentity(name="blur", version="1.0.0", sha256="0" * 64)


def segmenter(model, threads=1):
    return OnnxSegmenter(model, IDENTITY, 0.5, 0.1, threads)


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (40, 70), (64, 96)])
def test_any_size_gives_a_probability_per_pixel(blurring_model, height, width):
    probability = segmenter(blurring_model).probability_of_srgb(picture(height, width))
    assert probability.shape == (height, width)
    assert probability.dtype == np.float32
    assert 0.0 <= probability.min() <= probability.max() <= 1.0


def test_tiles_equal_the_whole_away_from_the_mirrored_padding(blurring_model):
    srgb = picture(1000, 1100)
    tested = segmenter(blurring_model)
    tiled, whole = tested.probability_of_srgb(srgb), tested._predict(srgb)
    assert np.abs(tiled - whole)[:-48, :-48].max() < 1e-3


def test_thread_count_and_repetition_do_not_change_a_bit(blurring_model):
    srgb = picture(200, 300)
    first, again, threaded = (
        segmenter(blurring_model),
        segmenter(blurring_model),
        segmenter(blurring_model, threads=2),
    )
    expected = first.probability_of_srgb(srgb)
    for other in (first, again, threaded):
        np.testing.assert_array_equal(other.probability_of_srgb(srgb), expected)


def test_it_survives_pickling(blurring_model):
    tested = segmenter(blurring_model)
    copied = pickle.loads(pickle.dumps(tested))  # noqa: S301 - made here
    assert (copied.identity, copied.threshold, copied.working_mm_per_px) == (IDENTITY, 0.5, 0.1)
    np.testing.assert_array_equal(
        copied.probability_of_srgb(picture(32, 32)), tested.probability_of_srgb(picture(32, 32))
    )


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x07" + bytes(100)])
def test_bytes_that_are_no_model_are_refused(content):
    with pytest.raises(BundleError, match=r"model\.onnx of blur 1\.0\.0.*oral-lesion export"):
        segmenter(content)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"input_name": "x"}, "x tensor"),
        ({"output_name": "mask"}, "mask tensor"),
        ({"input_type": "FLOAT"}, r"image_rgb tensor\(float\)"),
        ({"keep_channel": True}, "probability tensor.* of rank 4"),
    ],
)
def test_a_model_of_another_format_is_refused_with_what_it_has(make_model, changes, named):
    with pytest.raises(BundleError, match=f"expected input image_rgb.*got .*{named}"):
        segmenter(make_model(**changes))


@pytest.mark.parametrize(
    "srgb", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)]
)
def test_a_picture_of_another_kind_is_refused(blurring_model, srgb):
    with pytest.raises(InputError, match="uint8"):
        segmenter(blurring_model).probability_of_srgb(srgb)


def test_threads_below_one_are_refused(blurring_model):
    with pytest.raises(InputError, match="threads"):
        segmenter(blurring_model, threads=0)
