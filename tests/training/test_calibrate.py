import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch comes with oral-lesion[train]")
pytest.importorskip("albumentations", reason="albumentations comes with oral-lesion[train]")

from oral_lesion.errors import InputError  # noqa: E402 - after the skips
from oral_lesion.io.datasets import IGNORE_VALUE, LESION_VALUE, LabelledPicture  # noqa: E402
from oral_lesion.segment import Prediction  # noqa: E402
from oral_lesion.training.calibrate import (  # noqa: E402
    SeenPicture,
    calibrate_probability,
    choose_threshold,
    seen_picture,
)
from oral_lesion.training.calibrate_boundary import AreaPair, calibrate_boundary, measured_pairs  # noqa: E402


class RedLogits(torch.nn.Module):
    """A network whose logits are the red channel, from -4 at 0 to 4 at 255, times a factor."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, pictures):
        red = pictures[:, :1] * 0.229 + 0.485
        return self.factor * 8.0 * (red - 0.5)


def honest_picture(seed):
    """A picture whose label is lesion as often as its red channel says: sigmoid of -4 to 4."""
    rng = np.random.default_rng(seed)
    red = rng.integers(0, 256, (128, 160))
    srgb = np.stack([red, red * 0, red * 0], axis=2).astype(np.uint8)
    lesion = rng.uniform(size=red.shape) < 1 / (1 + np.exp(-8.0 * (red / 255 - 0.5)))
    return SeenPicture(srgb=srgb, labels=np.where(lesion, LESION_VALUE, 0).astype(np.uint8))


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("mirror", [False, True])
def test_the_temperature_undoes_what_the_logits_were_multiplied_by(factor, mirror):
    pictures = [honest_picture(seed) for seed in range(4)]
    if mirror:  # alike from both sides, so that both passes agree
        pictures = [
            SeenPicture(srgb=np.concatenate([one.srgb, one.srgb[:, ::-1]], axis=1), labels=np.tile(one.labels, (1, 2)))
            for one in pictures
        ]
        pictures = [
            SeenPicture(srgb=one.srgb, labels=np.concatenate([one.labels[:, :160], one.labels[:, 159::-1]], axis=1))
            for one in pictures
        ]
    calibration = calibrate_probability(RedLogits(factor), pictures, mirror=mirror, data_set="drawn")
    assert calibration.temperature == pytest.approx(factor, rel=0.05)
    assert calibration.nll_after <= calibration.nll_before + 1e-6
    assert calibration.ece_after < 0.01
    if factor != 1.0:
        assert calibration.ece_before > 0.03
        assert calibration.nll_after < calibration.nll_before


def blobs(bias, n=4, radius=20.0):
    """Pictures of a disc, and predictions whose contour at a level moves with it; right at 0.5 + bias."""
    rows, columns = np.indices((100, 120))
    distance = np.hypot(rows - 50, columns - 60)
    pictures, predictions = [], []
    for _ in range(n):
        labels = np.where(distance < radius, LESION_VALUE, 0).astype(np.uint8)
        pictures.append(SeenPicture(srgb=np.zeros((100, 120, 3), np.uint8), labels=labels))
        probability = np.clip(0.5 + bias - (distance - radius) / 60, 0, 1).astype(np.float32)
        predictions.append(Prediction(probability=probability))
    return predictions, pictures


@pytest.mark.parametrize("right", [0.3, 0.5, 0.75])
def test_the_threshold_is_where_the_areas_agree(right):
    threshold, choice = choose_threshold(*blobs(right - 0.5), data_set="drawn")
    assert threshold == pytest.approx(right)
    assert abs(choice.area_bias) < 0.02
    assert choice.dice_by_image > 0.99
    assert choice.dice_by_image_at_half <= choice.dice_by_image


def test_a_smaller_bias_does_not_outweigh_a_clearly_worse_dice():
    """The model sees half of each lesion, and beside it a pale false one: taking both gives the right area."""
    rows, columns = np.indices((100, 120))
    labels = np.where((columns < 40) & (rows < 50), LESION_VALUE, 0).astype(np.uint8)
    probability = np.zeros((100, 120), np.float32)
    probability[:50, :30] = 0.9
    probability[60:77, :30] = 0.3
    picture = SeenPicture(srgb=np.zeros((100, 120, 3), np.uint8), labels=labels)
    threshold, choice = choose_threshold([Prediction(probability=probability)], [picture], data_set="drawn")
    assert threshold == 0.5
    assert choice.area_bias == pytest.approx(-0.25)


def test_ignored_pixels_count_neither_way():
    predictions, pictures = blobs(0.0)
    ignoring = []
    for picture in pictures:
        labels = picture.labels.copy()
        labels[:, :60] = IGNORE_VALUE
        ignoring.append(SeenPicture(srgb=picture.srgb, labels=labels))
    whole = choose_threshold(predictions, pictures, data_set="drawn")[1]
    half = choose_threshold(predictions, ignoring, data_set="drawn")[1]
    assert half.dice_by_image == pytest.approx(whole.dice_by_image, abs=0.01)


def test_pictures_without_any_lesion_are_refused():
    empty = SeenPicture(srgb=np.zeros((32, 32, 3), np.uint8), labels=np.zeros((32, 32), np.uint8))
    with pytest.raises(InputError, match="no picture has a lesion"):
        choose_threshold([Prediction(probability=np.zeros((32, 32), np.float32))], [empty], data_set="drawn")


def test_areas_are_measured_as_a_photo_is():
    predictions, pictures = blobs(0.0, n=1)
    (pair,) = measured_pairs(predictions, pictures, threshold=0.5, mm_per_px=0.1, smallest_lesion_mm2=0.0)
    assert pair.area_mm2 == pytest.approx(math.pi * 2.0**2, rel=0.01)
    assert pair.reference_mm2 == pytest.approx(math.pi * 2.0**2, rel=0.02)
    # The probability falls by 1/60 a pixel, and Φ(±1) lies 0.341 to either side of a half.
    assert pair.own_u_mm2 == pytest.approx(2 * math.pi * 2.0 * 0.341 * 60 * 0.1, rel=0.05)


def pairs_of(relative_errors, own=0.05):
    return [
        AreaPair(area_mm2=100.0, reference_mm2=100.0 * (1 + error), own_u_mm2=100.0 * own) for error in relative_errors
    ]


def test_the_floor_reaches_what_95_of_100_pictures_need():
    errors = np.linspace(0.0, 0.5, 101)
    result = calibrate_boundary(pairs_of(errors), data_set="drawn")
    assert 0.95 <= result.coverage < 0.97
    needed = np.quantile(errors, 0.95) / 2
    assert math.hypot(result.factor * 0.05, result.relative_floor) == pytest.approx(needed, rel=0.05)
    assert result.coverage_uncalibrated == pytest.approx(0.2, abs=0.02)
    assert 0.9 < result.coverage_left_out <= result.coverage


def test_the_models_own_uncertainty_is_scaled_where_it_tells_large_errors_from_small_ones():
    """Errors three times what the model says, on vague and on sharp pictures: a factor costs less than a floor."""
    rng = np.random.default_rng(0)
    pairs = []
    for own in (0.01, 0.2):
        pairs += pairs_of(rng.normal(0, 3 * own, 60), own)
    result = calibrate_boundary(pairs, data_set="drawn")
    assert 2.0 < result.factor < 4.5
    assert result.relative_floor <= 0.1


def test_the_models_own_uncertainty_is_never_made_smaller():
    result = calibrate_boundary(pairs_of([0.0, 0.001, -0.001]), data_set="drawn")
    assert (result.factor, result.relative_floor, result.coverage) == (1.0, 0.0, 1.0)


def test_missed_lesions_count_as_not_covered_and_lesion_free_pictures_apart():
    missed = AreaPair(area_mm2=0.0, reference_mm2=30.0, own_u_mm2=0.0)
    clear = AreaPair(area_mm2=0.0, reference_mm2=0.0, own_u_mm2=0.0)
    result = calibrate_boundary([*pairs_of([0.0, 0.1, 0.2]), missed, clear, clear], data_set="drawn")
    assert (result.n, result.n_missed, result.n_of_all) == (4, 1, 6)
    assert result.coverage == 0.75
    assert result.coverage_of_all == pytest.approx(5 / 6)


def test_too_few_lesions_are_refused():
    with pytest.raises(InputError, match="expected at least 2"):
        calibrate_boundary(pairs_of([0.1]), data_set="drawn")


def test_a_picture_is_seen_at_the_size_that_the_model_sees(picture_root):
    folder = picture_root / "disks"
    picture = LabelledPicture(
        picture_id="0", image=folder / "images" / "0.png", mask=folder / "masks" / "0.png", group="0"
    )
    seen = seen_picture(picture, 192)
    assert seen.srgb.shape == (160, 192, 3)
    assert set(np.unique(seen.labels)) == {0, 255}
    assert seen.truth.mean() == pytest.approx(seen_picture(picture, 96).truth.mean(), rel=0.02)


def test_a_picture_of_known_scale_is_seen_at_the_working_resolution(picture_root):
    folder = picture_root / "disks"
    files = {"image": folder / "images" / "0.png", "mask": folder / "masks" / "0.png"}
    picture = LabelledPicture(picture_id="0", group="0", mm_per_px=0.05, **files)
    height, width = seen_picture(picture, 192).labels.shape
    at_once = seen_picture(picture, 192, working_mm_per_px=0.1).labels.shape
    own = seen_picture(LabelledPicture(picture_id="0", group="0", **files), 192, working_mm_per_px=0.1).labels.shape
    assert at_once == (picture_shape(files["image"])[0] // 2, picture_shape(files["image"])[1] // 2)
    assert own == (height, width)


def picture_shape(file):
    import cv2

    return cv2.imread(str(file)).shape[:2]
