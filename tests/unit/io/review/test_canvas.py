"""The tissue on the canvas: nothing but the tissue, one size, and the way back exact to the pixel."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oral_lesion.errors import FormatError
from oral_lesion.io.review.blinding import SHIFT_PX
from oral_lesion.io.review.canvas import (
    canvas_shape,
    moved,
    onto_canvas,
    pixels_sha256,
    shown_picture,
    stored_png,
    tissue_of,
)

RNG = np.random.default_rng(4)


@pytest.fixture
def photo(tmp_path):
    """A picture of noise whose tissue is a slanted patch with a card cut out."""
    valid = np.zeros((60, 90), np.uint8)
    cv2.fillConvexPoly(valid, np.array([[10, 5], [80, 12], [70, 50], [15, 40]]), 255)
    valid[20:30, 30:50] = 0
    lesions = np.zeros((60, 90), np.uint16)
    lesions[15:18, 20:25] = 1
    lesions[22:25, 60:66] = 2
    cv2.imwrite(str(tmp_path / "standardized.png"), RNG.integers(1, 255, (60, 90, 3), dtype=np.uint8))
    cv2.imwrite(str(tmp_path / "valid.png"), valid)
    cv2.imwrite(str(tmp_path / "lesions.png"), lesions)
    return SimpleNamespace(stored=SimpleNamespace(pictures=tmp_path), place="S/V/p")


def test_a_reader_sees_tissue_alone(photo):
    tissue = tissue_of(photo)
    valid = cv2.imread(str(photo.stored.pictures / "valid.png"), cv2.IMREAD_GRAYSCALE) > 0
    rows, columns = np.nonzero(valid)
    assert (tissue.top, tissue.left) == (rows.min(), columns.min())
    assert tissue.srgb.shape[:2] == (np.ptp(rows) + 1, np.ptp(columns) + 1)
    shown = tissue.srgb.any(axis=2)
    assert np.array_equal(shown, valid[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1])
    assert tissue.erosion.sum() == 15 + 18


@pytest.mark.parametrize("shift", [(-SHIFT_PX, -SHIFT_PX), (SHIFT_PX, SHIFT_PX), (0, 5)])
def test_what_is_shown_fits_and_can_be_drawn_again(photo, shift):
    shape = canvas_shape([photo])
    tissue = tissue_of(photo)
    canvas, (top, left) = onto_canvas(tissue.srgb, shape, shift)
    assert canvas.any(axis=2).sum() == tissue.srgb.any(axis=2).sum()  # nothing is cut off
    again = shown_picture(photo, (top - tissue.top, left - tissue.left), shape)
    assert pixels_sha256(again) == pixels_sha256(canvas)


@given(st.integers(-30, 30), st.integers(-30, 30))
def test_a_mask_comes_back_as_it_went(row, column):
    mask = np.random.default_rng(abs(row) + 100 * abs(column)).random((20, 30)) > 0.5
    canvas = moved(mask, (-row, -column), (90, 100))
    back = moved(canvas, (row, column), mask.shape)
    there = np.zeros_like(mask)
    there[max(0, -row) :, max(0, -column) :] = True
    assert np.array_equal(back, mask & there)


def test_files_of_one_size_in_pixels_have_one_size_in_bytes():
    sizes = {len(stored_png(np.full((50, 70, 3), value, np.uint8))) for value in (0, 255)}
    sizes.add(len(stored_png(RNG.integers(0, 255, (50, 70, 3), dtype=np.uint8))))
    assert len(sizes) == 1


def test_the_hash_is_that_of_the_pixels_and_the_shape():
    flat = np.zeros((4, 6, 3), np.uint8)
    assert pixels_sha256(flat) != pixels_sha256(flat.reshape(6, 4, 3))
    assert pixels_sha256(flat) != pixels_sha256(flat + np.uint8(1))


def test_a_photo_without_tissue_or_with_other_sizes_is_refused(photo):
    folder = photo.stored.pictures
    cv2.imwrite(str(folder / "lesions.png"), np.zeros((5, 5), np.uint16))
    with pytest.raises(FormatError, match="differ in size"):
        tissue_of(photo)
    cv2.imwrite(str(folder / "valid.png"), np.zeros((60, 90), np.uint8))
    with pytest.raises(FormatError, match="no tissue"):
        canvas_shape([photo])
