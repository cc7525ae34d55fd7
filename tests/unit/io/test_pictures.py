"""The pictures of a scored photo agree with what was measured, and carry no metadata."""

import dataclasses
import math

import cv2
import numpy as np
import pytest
from PIL import Image

from oral_lesion.errors import InputError, Reason, Refusal
from oral_lesion.io.pictures import PICTURE_NAMES, lesion_mask, overlay, write_pictures
from oral_lesion.measure import measure
from oral_lesion.records import Photo


@pytest.fixture
def measured(scored):
    """The fixture's photo with the measurement of its own segmentation."""
    outcome = measure(scored.segmentation, scored.standardized.scale, smallest_lesion_mm2=1.0)
    assert len(outcome.lesions) == 1
    return dataclasses.replace(scored, outcome=outcome)


def test_what_is_written(tmp_path, scored_photo, measured):
    paths = write_pictures(tmp_path / "photo", scored_photo, measured)
    assert [path.name for path in paths] == list(PICTURE_NAMES)
    assert sorted(path.name for path in (tmp_path / "photo").iterdir()) == sorted(PICTURE_NAMES)


def test_of_a_refused_photo_nothing_is_written(tmp_path, scored_photo, measured):
    refused = dataclasses.replace(measured, outcome=Refusal(reason=Reason.BLURRED))
    assert write_pictures(tmp_path / "photo", scored_photo, refused) == ()
    assert not (tmp_path / "photo").exists()


def test_a_scored_photo_without_its_pictures_is_a_wrong_call(tmp_path, scored_photo, measured):
    with pytest.raises(InputError):
        write_pictures(tmp_path, scored_photo, dataclasses.replace(measured, standardized=None))


def test_standardized(tmp_path, scored_photo, measured):
    write_pictures(tmp_path, scored_photo, measured)
    picture = cv2.imread(str(tmp_path / "standardized.png"))[..., ::-1]
    assert picture.shape == measured.standardized.linear_rgb.shape
    assert picture.dtype == np.uint8
    assert picture[50, 50].tolist() == [188, 89, 89]  # sRGB of 0.5 and 0.1, IEC 61966-2-1


def test_probability_has_16_bits(tmp_path, scored_photo, measured):
    write_pictures(tmp_path, scored_photo, measured)
    stored = cv2.imread(str(tmp_path / "probability.png"), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint16
    assert np.abs(stored / 65535 - measured.segmentation.probability).max() <= 0.5 / 65535 + 1e-7


def test_the_mask_has_the_photos_geometry_and_two_values(tmp_path, scored_photo, measured):
    write_pictures(tmp_path, scored_photo, measured)
    stored = cv2.imread(str(tmp_path / "mask.png"), cv2.IMREAD_UNCHANGED)
    with Image.open(tmp_path / "mask.png") as image:
        assert image.mode == "L"
    assert stored.shape == scored_photo.srgb.shape[:2]
    assert stored.dtype == np.uint8
    assert set(np.unique(stored)) == {0, 255}
    assert np.array_equal(stored, lesion_mask(measured))


def test_the_masks_area_is_the_measured_area(measured):
    mask = lesion_mask(measured)
    mm_per_photo_px = 0.1 / 2
    area_mm2 = np.count_nonzero(mask) * mm_per_photo_px**2
    assert area_mm2 == pytest.approx(measured.outcome.area_mm2, rel=0.005)
    assert area_mm2 == pytest.approx(math.pi * 2.0**2, rel=0.01)


def test_the_mask_lies_where_the_lesion_is(measured):
    rows, columns = np.nonzero(lesion_mask(measured))
    assert rows.mean() == pytest.approx(2 * 60 + 7, abs=0.05)
    assert columns.mean() == pytest.approx(2 * 70 + 11, abs=0.05)


def test_components_that_do_not_count_are_not_in_the_mask(measured):
    """The disc of radius 2 px covers 0.13 mm², below 1 mm²."""
    mask = lesion_mask(measured)
    assert not mask[:, 280:].any()
    all_of_them = measure(measured.segmentation, measured.standardized.scale, smallest_lesion_mm2=0.0)
    assert lesion_mask(dataclasses.replace(measured, outcome=all_of_them))[:, 280:].any()


@pytest.mark.parametrize("shift", [(-150.0, -60.0), (300.0, 200.0), (5000.0, 0.0)])
def test_a_lesion_across_the_photos_border_is_cut(measured, shift):
    moved = np.array([[2.0, 0.0, shift[0]], [0.0, 2.0, shift[1]], [0.0, 0.0, 1.0]])
    standardized = dataclasses.replace(measured.standardized, photo_xy_from_standard_xy=moved)
    mask = lesion_mask(dataclasses.replace(measured, standardized=standardized))
    assert mask.shape == (300, 400)
    assert np.count_nonzero(mask) < math.pi * 40**2


def test_the_mask_under_perspective(measured):
    from oral_lesion.numerics.geometry import apply_homography_xy

    homography = np.array([[1.8, 0.2, 11.0], [-0.1, 1.9, 20.0], [4e-4, 2e-4, 1.0]])
    standardized = dataclasses.replace(measured.standardized, photo_xy_from_standard_xy=homography)
    mask = lesion_mask(dataclasses.replace(measured, standardized=standardized))
    angle = np.linspace(0, 2 * math.pi, 720, endpoint=False)
    outline = apply_homography_xy(homography, np.stack([70 + 20 * np.cos(angle), 60 + 20 * np.sin(angle)], axis=1))
    x, y = outline.T
    area = 0.5 * abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
    assert np.count_nonzero(mask) == pytest.approx(area, rel=0.005)


def test_a_horizon_across_a_lesion_fails_nothing(measured):
    homography = np.array([[2.0, 0.0, 11.0], [0.0, 2.0, 7.0], [-1 / 77.7, 0.0, 1.0]])
    standardized = dataclasses.replace(measured.standardized, photo_xy_from_standard_xy=homography)
    assert lesion_mask(dataclasses.replace(measured, standardized=standardized)).shape == (300, 400)


def test_the_overlay_is_reduced_and_marks_the_lesion(measured, scored_photo):
    large = np.ascontiguousarray(np.repeat(np.repeat(scored_photo.srgb, 8, axis=0), 8, axis=1))
    wide = measured.standardized.photo_xy_from_standard_xy.copy()
    wide[:2] *= 8
    score = dataclasses.replace(
        measured,
        standardized=dataclasses.replace(
            measured.standardized, photo_xy_from_standard_xy=wide, photo_shape=large.shape[:2]
        ),
    )
    picture = overlay(Photo(identity=measured.identity, srgb=large), score)
    assert picture.shape == (1200, 1600, 3)
    outlined = (picture[..., 1].astype(int) - picture[..., 0]) > 100
    rows, columns = np.nonzero(outlined)
    # the outline is a circle of 20 px × 16 × 1600 / 3200 around the lesion's centre
    assert rows.mean() == pytest.approx((2 * 60 + 7.5) * 4, abs=4)
    assert columns.mean() == pytest.approx((2 * 70 + 11.5) * 4, abs=4)
    assert np.hypot(rows - rows.mean(), columns - columns.mean()).mean() == pytest.approx(160, abs=3)


def test_the_scale_bar_has_the_length_that_it_states(measured):
    grey = np.full((300, 400, 3), (120, 60, 60), np.uint8)
    nothing = dataclasses.replace(measured.outcome, lesions=())
    picture = overlay(Photo(identity=measured.identity, srgb=grey), dataclasses.replace(measured, outcome=nothing))
    bar = (picture.min(axis=2) > 200).sum(axis=1).max()
    assert bar == pytest.approx(10 / 0.05, abs=1)


def test_the_same_photo_gives_the_same_bytes(tmp_path, scored_photo, measured):
    first = write_pictures(tmp_path / "1", scored_photo, measured)
    second = write_pictures(tmp_path / "2", scored_photo, measured)
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_no_metadata_is_written(tmp_path, scored_photo, measured):
    for path in write_pictures(tmp_path, scored_photo, measured):
        if path.suffix == ".json":
            continue
        with Image.open(path) as image:
            assert not image.getexif()
            found = set(image.info)
        assert found <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_names_with_letters_of_any_script(tmp_path, scored_photo, measured):
    folder = tmp_path / "口腔 é"
    assert all(path.stat().st_size for path in write_pictures(folder, scored_photo, measured))
