import numpy as np
import pytest
from drawn_pictures import RedModel, disk, srgb_of

from oral_lesion.errors import InputError
from oral_lesion.evaluation.counts import PicturePrediction, count_picture, predict_picture
from oral_lesion.evaluation.settings import EvaluationSettings
from oral_lesion.io.datasets import LabelledPicture


def picture(mm_per_px=None):
    return LabelledPicture(picture_id="x", image="unused.png", mask=None, group="g", split="val", mm_per_px=mm_per_px)


def counts_of(labels, probability, seen=None, mm_per_px=None, **settings):
    prediction = PicturePrediction(
        seen=np.asarray(probability if seen is None else seen, np.float32),
        probability=np.asarray(probability, np.float32),
        threshold=0.5,
    )
    return count_picture(
        picture(mm_per_px),
        labels,
        prediction,
        longer_side_px=None if mm_per_px else 40,
        settings=EvaluationSettings(**settings),
    )


def half_overlapping():
    labels, probability = np.zeros((40, 40), np.uint8), np.zeros((40, 40), np.float32)
    labels[:20, :20] = 255
    probability[:20, 10:30] = 0.9
    return labels, probability


def test_two_half_overlapping_squares():
    counts = counts_of(*half_overlapping())
    assert (counts.true_px, counts.predicted_px, counts.overlap_px) == (400, 400, 200)
    assert counts.dice == 0.5
    assert counts.iou == pytest.approx(1 / 3)
    assert counts.precision == counts.recall == 0.5
    assert (counts.lesions.true, counts.lesions.predicted, counts.lesions.matched) == (1, 1, 1)
    assert counts.hausdorff_px == 10.0
    assert not counts.lesion_free
    # 1000 px of 0 without lesion, 200 px of 0 with, 400 px of .9 of which half.
    assert counts.squared_error == pytest.approx(200 + 200 * 0.01 + 200 * 0.81, rel=1e-6)
    np.testing.assert_array_equal(counts.calibration[0, [0, 8, 9]], [1200, 400, 0])  # .9 as float32 is below .9
    assert counts.calibration[2, 8] == 200


def test_ignored_pixels_count_nowhere():
    labels, probability = half_overlapping()
    labels[:, 20:] = 128
    counts = counts_of(labels, probability)
    assert (counts.true_px, counts.predicted_px, counts.overlap_px) == (400, 200, 200)
    assert (counts.counted_px, counts.ignored_px) == (800, 800)
    assert counts.calibration[0].sum() == 800
    labels[:, :20] = 0
    assert not counts_of(labels, probability).lesion_free  # what is ignored may be a lesion


@pytest.mark.parametrize(("pixels", "fired"), [(29, False), (30, True)])
def test_firing_is_judged_at_the_size_that_the_model_saw(pixels, fired):
    seen = np.zeros((40, 40), np.float32)
    seen[0, :pixels] = 1.0
    counts = counts_of(np.zeros((80, 80), np.uint8), np.zeros((80, 80)), seen=seen)
    assert counts.fired is fired
    assert counts.lesion_free


def test_pictures_with_a_scale_are_judged_in_millimetres():
    labels, probability = np.zeros((60, 60), np.uint8), np.zeros((60, 60), np.float32)
    labels[10:30, 10:30] = 255
    probability[14:34, 10:30] = 0.9  # four pixels lower
    without = counts_of(labels, probability)
    coarse, fine = (counts_of(labels, probability, mm_per_px=scale) for scale in (0.2, 0.05))
    # 0.25 mm are 1.25 px at 0.2 mm/px and 5 px at 0.05 mm/px; without a scale 2 px count.
    assert coarse.surface_agreement < without.surface_agreement < fine.surface_agreement == 1.0
    # 1 mm² are 25 px at 0.2 mm/px, and 400 px at 0.05 mm/px: the lesion of 400 px is still one.
    assert (coarse.lesions.true, fine.lesions.true) == (1, 1)
    assert counts_of(labels, probability, mm_per_px=0.05, smallest_lesion_mm2=1.01).lesions.true == 0


def test_the_smallest_lesion_is_in_pixels_that_the_model_sees():
    labels, probability = np.zeros((80, 80), np.uint8), np.zeros((80, 80), np.float32)
    labels[:10, :10] = 255
    probability[:10, :10] = 0.9
    seen = np.zeros((40, 40), np.float32)  # half the size: the lesion has 25 px there
    assert counts_of(labels, probability, seen=seen).lesions.true == 0
    assert counts_of(labels, probability, seen=seen, smallest_lesion_px=25).lesions.matched == 1


def test_the_model_sees_the_size_asked_for_or_its_working_resolution():
    model = RedModel(working_mm_per_px=0.1)
    srgb = srgb_of(disk(40, 60, 20))
    predicted = predict_picture(srgb, model, longer_side_px=60, mm_per_px=None)
    assert predicted.probability.shape == (96, 120)
    predict_picture(srgb, model, longer_side_px=None, mm_per_px=0.2)
    assert model.sizes == [(48, 60), (192, 240)]
    assert predicted.mask[40, 60]
    assert not predicted.mask[5, 5]


@pytest.mark.parametrize(
    "wrong", [{"longer_side_px": ()}, {"longer_side_px": (8,)}, {"resamples": 10}, {"smallest_lesion_px": -1}]
)
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(InputError):
        EvaluationSettings(**wrong)
