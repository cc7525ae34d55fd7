import pickle

import numpy as np
import pytest

from oral_lesion.errors import BundleError, InputError
from oral_lesion.records import ModelIdentity
from oral_lesion.segment.domain import DomainLimits
from oral_lesion.segment.onnx import InferenceOptions, OnnxSegmenter
from oral_lesion.segment.tiles import TilePlan

IDENTITY = ModelIdentity(name="blur", version="1.0.0", sha256="0" * 64)


def segmenter(model, threads=1, **options):
    return OnnxSegmenter(model, IDENTITY, 0.5, 0.1, threads, InferenceOptions(**options))


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (40, 70), (64, 96)])
def test_any_size_gives_a_probability_per_pixel(blurring_model, height, width):
    probability = segmenter(blurring_model).probability_of_srgb(picture(height, width))
    assert probability.shape == (height, width)
    assert probability.dtype == np.float32
    assert 0.0 <= probability.min() <= probability.max() <= 1.0


def test_tiles_equal_the_whole(blurring_model):
    srgb = picture(400, 500)
    small = TilePlan(max_whole_px=1, max_tile_px=60_000, context_px=32, blend_px=64)
    tiled, whole = (segmenter(blurring_model, **options) for options in ({"tile_plan": small}, {}))
    np.testing.assert_allclose(tiled.probability_of_srgb(srgb), whole.probability_of_srgb(srgb), atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"mirror": True}])
def test_thread_count_and_repetition_do_not_change_a_bit(blurring_model, options):
    srgb = picture(200, 300)
    first, again, threaded = (segmenter(blurring_model, threads, **options) for threads in (1, 1, 2))
    expected = first.probability_of_srgb(srgb)
    for other in (first, again, threaded):
        np.testing.assert_array_equal(other.probability_of_srgb(srgb), expected)


def test_mirroring_takes_the_mean_of_both_passes_and_keeps_their_spread(sided_model):
    """The model sees the red channel, brighter by a tenth towards the right: mirrored it errs to the other side."""
    srgb = np.full((32, 64, 3), 128, np.uint8)
    once, twice = segmenter(sided_model), segmenter(sided_model, mirror=True)
    straight = once.probability_of_srgb(srgb)
    mirrored = once.probability_of_srgb(np.ascontiguousarray(srgb[:, ::-1]))[:, ::-1]
    assert np.abs(straight - mirrored).max() > 0.05
    prediction = twice.predict_srgb(srgb)
    np.testing.assert_allclose(prediction.probability, (straight + mirrored) / 2, atol=1e-7)
    np.testing.assert_allclose(prediction.probability_sd, np.abs(straight - mirrored) / 2, atol=1e-7)
    assert once.predict_srgb(srgb).probability_sd is None


def test_a_mirrored_picture_gives_the_mirrored_answer_where_both_are_run(sided_model):
    srgb = picture(32, 64)
    tested = segmenter(sided_model, mirror=True)
    there, back = (tested.probability_of_srgb(np.ascontiguousarray(one)) for one in (srgb, srgb[:, ::-1]))
    np.testing.assert_allclose(there, back[:, ::-1], atol=1e-7)


def test_a_picture_beyond_the_limits_is_out_of_domain(domain_model):
    """The model's features are the mean red and the mean green of a cell."""
    limits = DomainLimits(distance=0.8, contrast=0.4)
    tested = segmenter(domain_model, domain=limits)
    inside, red, green = (np.full((64, 96, 3), colour, np.uint8) for colour in ((102, 0, 0), (255, 0, 0), (0, 255, 0)))
    assert not tested.predict_srgb(inside).out_of_domain
    assert tested.predict_srgb(red).out_of_domain
    assert tested.predict_srgb(green).out_of_domain
    assert tested.domain_score(inside).distance == pytest.approx(0.4, rel=1e-4)
    assert not segmenter(domain_model).predict_srgb(red).out_of_domain
    assert segmenter(domain_model).domain_score(red) is None


def test_only_what_is_in_view_must_resemble_the_domain(domain_model):
    tested = segmenter(domain_model, domain=DomainLimits(distance=0.8, contrast=0.3))
    srgb = np.full((64, 96, 3), (102, 0, 0), np.uint8)
    srgb[:, 64:] = 255
    valid = np.zeros((64, 96), bool)
    valid[:, :64] = True
    assert tested.predict_srgb(srgb).out_of_domain
    assert not tested.predict_srgb(srgb, valid).out_of_domain


def test_a_domain_rule_needs_the_models_second_output(blurring_model):
    with pytest.raises(BundleError, match=r"domain tensor\(float\) of rank 4"):
        segmenter(blurring_model, domain=DomainLimits(distance=1.0, contrast=1.0))


def test_it_survives_pickling(blurring_model):
    tested = segmenter(blurring_model, mirror=True)
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
