import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="torch comes with oral-lesion[train]")
pytest.importorskip("albumentations", reason="albumentations comes with oral-lesion[train]")

from oral_lesion.training.data import LabelledPicture
from oral_lesion.training.evaluate import Evaluation, evaluate, evaluate_picture, figures_of


def labels_and_probability():
    labels, probability = np.zeros((40, 40), np.uint8), np.zeros((40, 40), np.float32)
    labels[:20, :20] = 255
    probability[:20, 10:30] = 0.9
    return labels, probability


def test_dice_of_two_half_overlapping_squares_is_a_half():
    labels, probability = labels_and_probability()
    result = evaluate_picture("x", probability, labels, threshold=0.5)
    assert (result.true_px, result.predicted_px, result.overlap_px, result.dice) == (400, 400, 200, 0.5)


def test_ignored_pixels_do_not_count():
    labels, probability = labels_and_probability()
    labels[:, 20:] = 128
    result = evaluate_picture("x", probability, labels, threshold=0.5)
    assert (result.true_px, result.predicted_px, result.overlap_px) == (400, 200, 200)


def test_the_two_conventions_differ_as_defined():
    labels, probability = labels_and_probability()
    half = evaluate_picture("half", probability, labels, threshold=0.5)
    whole = evaluate_picture("whole", (labels[:10, :10] / 255).astype(np.float32), labels[:10, :10], threshold=0.5)
    empty = np.zeros((40, 40), np.uint8)
    fired = evaluate_picture("fired", probability, empty, threshold=0.5)
    speck = np.zeros((40, 40), np.float32)
    speck[0, :29] = 1.0
    quiet = evaluate_picture("quiet", speck, empty, threshold=0.5)
    evaluation = Evaluation(pictures=(half, whole, fired, quiet))
    assert evaluation.dice_by_image == pytest.approx((0.5 + 1.0) / 2)
    assert evaluation.dice_pooled == pytest.approx(2 * 300 / (400 + 400 + 100 + 100 + 400 + 29))
    assert evaluation.negatives_fired == 0.5
    figures = figures_of(evaluation, data_set="drawn", longer_side_px=40, command="c")
    assert [figure.n for figure in figures] == [2, 4, 2]


def test_pictures_without_lesion_give_no_dice():
    empty = np.zeros((40, 40), np.uint8)
    quiet = evaluate_picture("quiet", np.zeros((40, 40), np.float32), empty, threshold=0.5)
    figures = figures_of(Evaluation(pictures=(quiet,)), data_set="drawn", longer_side_px=40, command="c")
    assert [(figure.value, figure.n) for figure in figures] == [(0.0, 1)]


def test_the_model_sees_the_asked_size(tmp_path):
    cv2.imwrite(str(tmp_path / "i.png"), np.zeros((20, 40, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "m.png"), np.full((20, 40), 255, np.uint8))
    picture = LabelledPicture(picture_id="x", image=tmp_path / "i.png", mask=tmp_path / "m.png", group="x")
    seen = []

    def predict(srgb):
        seen.append(srgb.shape)
        return np.ones(srgb.shape[:2], np.float32)

    result = evaluate(predict, [picture], threshold=0.5, longer_side_px=80)
    assert seen == [(40, 80, 3)]
    assert result.dice_by_image == 1.0
