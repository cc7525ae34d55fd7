import numpy as np
import pytest

from oral_lesion.errors import Flag, InputError
from oral_lesion.records import BoundaryCalibration, ColorAgreement, ModelIdentity, Scale, StandardizedPhoto
from oral_lesion.segment import PredictingSegmenter, Prediction, Segmenter, segment

SHAPE = (6, 8)


class FixedSegmenter:
    identity = ModelIdentity(name="fixed", version="1", sha256="f" * 64)
    threshold = 0.4
    working_mm_per_px = 0.1

    def __init__(self, probability):
        self._probability = probability

    def probability(self, standardized):
        return self._probability


class KnowingSegmenter(FixedSegmenter):
    def __init__(self, prediction):
        super().__init__(prediction.probability)
        self._prediction = prediction

    def predict(self, standardized):
        return self._prediction


def standardized(mm_per_px=0.1):
    valid = np.ones(SHAPE, bool)
    valid[:, 0] = False
    return StandardizedPhoto(
        linear_rgb=np.full((*SHAPE, 3), 0.5, np.float32),
        valid=valid,
        scale=Scale(mm_per_px=mm_per_px, u_mm_per_px=0.001, source="test"),
        photo_xy_from_standard_xy=np.eye(3),
        photo_shape=SHAPE,
        correction="none",
        color_agreement=ColorAgreement(fitted_median=1, fitted_max=2, held_out_median=1, held_out_max=2),
    )


def ramp():
    return np.tile(np.linspace(1.0, 0.0, SHAPE[1], dtype=np.float32), (SHAPE[0], 1))


def test_the_fixture_fulfils_the_port():
    assert isinstance(FixedSegmenter(ramp()), Segmenter)


def test_probability_is_zero_outside_the_valid_pixels():
    result = segment(standardized(), FixedSegmenter(ramp()), threshold=0.5)
    assert not result.probability[:, 0].any()
    assert not result.mask[:, 0].any()
    np.testing.assert_array_equal(result.mask[:, 1:], ramp()[:, 1:] >= 0.5)
    assert (result.threshold, result.model) == (0.5, FixedSegmenter.identity)


def test_bundle_takes_the_models_own_threshold():
    assert segment(standardized(), FixedSegmenter(ramp()), threshold="bundle").threshold == 0.4


@pytest.mark.parametrize("threshold", [0.0, 1.0, -1.0, float("nan")])
def test_a_threshold_out_of_range_is_refused(threshold):
    with pytest.raises(InputError, match="threshold"):
        segment(standardized(), FixedSegmenter(ramp()), threshold=threshold)


def test_another_resolution_is_refused():
    with pytest.raises(InputError, match=r"0\.2 mm/px.*0\.1"):
        segment(standardized(mm_per_px=0.2), FixedSegmenter(ramp()), threshold=0.5)


@pytest.mark.parametrize(
    "probability",
    [
        np.zeros((3, 3), np.float32),
        np.zeros(SHAPE, np.float64),
        np.full(SHAPE, 1.5, np.float32),
        np.full(SHAPE, -0.1, np.float32),
        np.full(SHAPE, np.nan, np.float32),
        None,
    ],
    ids=["shape", "dtype", "above", "below", "nan", "nothing"],
)
def test_what_is_no_probability_is_refused(probability):
    with pytest.raises(InputError, match="segmenter fixed 1"):
        segment(standardized(), FixedSegmenter(probability), threshold=0.5)


def test_what_a_knowing_segmenter_says_is_kept():
    assert isinstance(KnowingSegmenter(Prediction(probability=ramp())), PredictingSegmenter)
    assert not isinstance(FixedSegmenter(ramp()), PredictingSegmenter)
    calibration = BoundaryCalibration(factor=2.0, relative_floor=0.1)
    prediction = Prediction(
        probability=ramp(), probability_sd=np.full(SHAPE, 0.1, np.float32), boundary=calibration, out_of_domain=True
    )
    result = segment(standardized(), KnowingSegmenter(prediction), threshold=0.5)
    assert result.flags == (Flag.OUT_OF_DOMAIN,)
    assert result.boundary == calibration
    assert not result.probability_sd[:, 0].any()
    np.testing.assert_array_equal(result.probability_sd[:, 1:], np.float32(0.1))


def test_a_plain_segmenter_gives_neither_spread_nor_flag():
    result = segment(standardized(), FixedSegmenter(ramp()), threshold=0.5)
    assert (result.probability_sd, result.flags, result.boundary) == (None, (), BoundaryCalibration())


def test_a_spread_of_another_shape_is_refused():
    prediction = Prediction(probability=ramp(), probability_sd=np.zeros((3, 3), np.float32))
    with pytest.raises(InputError, match="segmenter fixed 1"):
        segment(standardized(), KnowingSegmenter(prediction), threshold=0.5)
