"""A photograph on the plane keeps the area of its mask."""

import math

import cv2
import numpy as np
import pytest
from PIL import Image

from oral_lesion.errors import FormatError, InputError
from oral_lesion.phantom import SceneSettings, render_scene
from oral_lesion.phantom.background import read_background


@pytest.fixture
def pair(tmp_path):
    rng = np.random.default_rng(4)
    photo = rng.integers(60, 200, size=(150, 200, 3), dtype=np.uint8)
    mask = np.zeros((150, 200), dtype=np.uint8)
    cv2.ellipse(mask, (60, 70), (30, 18), 20, 0, 360, 255, -1)
    cv2.circle(mask, (150, 40), 9, 255, -1)
    mask[120:, 180:] = 128
    paths = tmp_path / "photo.png", tmp_path / "mask.png"
    for path, pixels in zip(paths, (photo, mask), strict=True):
        Image.fromarray(pixels).save(path)
    return (*paths, mask)


def test_area_is_that_of_the_masks_pixels(pair):
    photo, mask, marks = pair
    background = read_background(photo, mask, width_mm=50.0)
    assert background.mm_per_px == 0.25
    assert background.size_mm == (50.0, 37.5)
    assert background.erosion_area_mm2 == pytest.approx((marks == 255).sum() * 0.0625)
    assert background.ignored_area_mm2 == pytest.approx(600 * 0.0625)
    assert background.lesion_count == 2


def test_rendered_area_is_that_of_the_masks_pixels(pair, nano):
    photo, mask, marks = pair
    scene = render_scene(
        SceneSettings(background=photo, background_mask=mask, tilt_deg=15, width_px=1000, height_px=750), nano
    )
    inverse = np.linalg.inv(scene.photo_xy_from_plane_mm)
    rows, columns = np.nonzero(scene.coverage)
    depth = inverse[2, 0] * columns + inverse[2, 1] * rows + inverse[2, 2]
    area = float((abs(np.linalg.det(inverse)) / np.abs(depth) ** 3 * scene.coverage[rows, columns]).sum())
    assert scene.truth.erosion_area_mm2 == pytest.approx((marks == 255).sum() * 0.3**2)
    assert area == pytest.approx(scene.truth.erosion_area_mm2, rel=1e-3)
    assert scene.ignored.any()
    assert not (scene.ignored & (scene.coverage > 0)).any()


def test_contour_ends_at_the_photographs_edge(tmp_path, nano):
    photo, mask = tmp_path / "photo.png", tmp_path / "mask.png"
    Image.new("RGB", (120, 90), (200, 120, 110)).save(photo)
    Image.new("L", (120, 90), 255).save(mask)
    scene = render_scene(
        SceneSettings(background=photo, background_mask=mask, tilt_deg=0, width_px=800, height_px=600), nano
    )
    assert float(scene.coverage.sum()) * scene.truth.mm_per_px**2 == pytest.approx(60.0 * 45.0, rel=1e-4)


def test_empty_mask_is_a_scene_without_erosion(tmp_path, nano):
    photo, mask = tmp_path / "photo.png", tmp_path / "mask.png"
    Image.new("RGB", (120, 90), (200, 120, 110)).save(photo)
    Image.new("L", (120, 90), 0).save(mask)
    scene = render_scene(SceneSettings(background=photo, background_mask=mask, width_px=800, height_px=600), nano)
    assert scene.truth.erosion_area_mm2 == 0
    assert scene.truth.lesion_count == 0
    assert not scene.mask.any()


def test_files_that_are_no_pictures_are_refused(pair, tmp_path):
    photo, mask, _ = pair
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nnot a picture")
    with pytest.raises(FormatError, match=r"background mask broken\.png: expected a picture"):
        read_background(photo, broken, width_mm=60)
    with pytest.raises(FormatError, match=r"background broken\.png: expected a picture"):
        read_background(broken, mask, width_mm=60)
    with pytest.raises(InputError, match="does not exist"):
        read_background(photo, tmp_path / "nothing.png", width_mm=60)


def test_mask_must_fit_and_hold_known_values(pair, tmp_path):
    photo, _, marks = pair
    other = tmp_path / "other.png"
    Image.fromarray(marks[:100]).save(other)
    with pytest.raises(InputError, match="expected the photograph's size 200 × 150, got 200 × 100"):
        read_background(photo, other, width_mm=60)
    Image.fromarray(np.where(marks == 255, np.uint8(200), marks)).save(other)
    with pytest.raises(FormatError, match=r"got \[200\] as well"):
        read_background(photo, other, width_mm=60)


def test_level_holds_for_a_small_disc(tmp_path):
    photo, mask = tmp_path / "photo.png", tmp_path / "mask.png"
    marks = np.zeros((60, 60), dtype=np.uint8)
    cv2.circle(marks, (30, 30), 4, 255, -1)
    Image.new("RGB", (60, 60)).save(photo)
    Image.fromarray(marks).save(mask)
    background = read_background(photo, mask, width_mm=60.0)
    fine = cv2.resize(background.erosion_field, None, fx=16, fy=16, interpolation=cv2.INTER_CUBIC)
    area = float((fine >= background.erosion_level).sum()) / 256
    assert area == pytest.approx((marks == 255).sum(), rel=0.01)
    assert math.isfinite(background.erosion_level)
