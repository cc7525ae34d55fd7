"""Outlines have the area they say, and the coverage of pixels is exact."""

import math

import numpy as np
import pytest

from oral_lesion.errors import InputError
from oral_lesion.phantom.outline import LesionShape, polygon_area, polygon_coverage


def test_outline_encloses_the_area_asked_for():
    shape = LesionShape(
        area_mm2=123.4, elongation=1.7, orientation_deg=33, amplitudes=(0.1, -0.2, 0.05), phases_rad=(0.1, 2.0, 4.0)
    )
    assert polygon_area(shape.outline_xy_mm()) == pytest.approx(123.4, rel=1e-12)


def test_circle_has_its_radius():
    circle = LesionShape(area_mm2=math.pi * 25, centre_xy_mm=(3.0, -2.0))
    radii = np.linalg.norm(circle.outline_xy_mm() - (3.0, -2.0), axis=1)
    # The 720-gon of equal area has vertices 1.3e-5 further out than the circle.
    assert radii == pytest.approx(np.full(720, 5.0), rel=2e-5)
    assert circle.reach_mm == pytest.approx(5.0, rel=2e-5)


def test_elongation_is_length_over_width():
    outline = LesionShape(area_mm2=50, elongation=2.0).outline_xy_mm()
    length, width = np.ptp(outline, axis=0)
    assert length / width == pytest.approx(2.0, rel=1e-4)


def test_margin_moves_the_outline_outwards():
    shape = LesionShape(area_mm2=math.pi * 4)
    assert polygon_area(shape.outline_xy_mm(margin_mm=1.0)) == pytest.approx(math.pi * 9, rel=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [
        {"area_mm2": 0.0},
        {"area_mm2": math.nan},
        {"area_mm2": 5.0, "elongation": 0.5},
        {"area_mm2": 5.0, "amplitudes": (0.1,)},
        {"area_mm2": 5.0, "amplitudes": (0.5, 0.4), "phases_rad": (0.0, 0.0)},
    ],
)
def test_wrong_outlines_are_refused(wrong):
    with pytest.raises(InputError, match="expected"):
        LesionShape(**wrong)


def test_coverage_of_a_rectangle_is_known_by_hand():
    # Pixel (row, column) spans ±0.5 about its centre: 0.25 to 2.5 covers a quarter of column 0 and all of 1 and 2.
    corners = np.array([[0.25, 0.0], [2.5, 0.0], [2.5, 1.5], [0.25, 1.5]])
    covered = polygon_coverage(corners, (4, 5))
    picture = np.zeros((4, 5))
    picture[covered.rows, covered.columns] = covered.share
    assert picture[0] == pytest.approx([0.125, 0.5, 0.5, 0, 0], abs=1e-6)
    assert picture[1] == pytest.approx([0.25, 1, 1, 0, 0], abs=1e-6)
    assert picture[2:].sum() == pytest.approx(0.0, abs=1e-6)


def test_coverage_of_a_triangle_is_known_by_hand():
    covered = polygon_coverage(np.array([[-0.5, -0.5], [1.5, -0.5], [-0.5, 1.5]]), (2, 2))
    assert covered.share == pytest.approx(np.array([[1.0, 0.5], [0.5, 0.0]]), abs=1e-6)


@pytest.mark.parametrize("turn", [False, True])
def test_coverage_sums_to_the_area_either_way_round(turn):
    outline = LesionShape(
        area_mm2=777.0, centre_xy_mm=(40.3, 30.7), elongation=1.5, amplitudes=(0.2,), phases_rad=(1.0,)
    ).outline_xy_mm()
    covered = polygon_coverage(outline[::-1] if turn else outline, (80, 100))
    assert float(covered.share.sum(dtype=np.float64)) == pytest.approx(777.0, rel=1e-6)
    assert covered.share.min() >= 0
    assert covered.share.max() == pytest.approx(1.0)


def test_coverage_is_cut_at_the_border():
    half = LesionShape(area_mm2=math.pi * 100, centre_xy_mm=(-0.5, 20.0)).outline_xy_mm()
    covered = polygon_coverage(half, (40, 40))
    assert float(covered.share.sum(dtype=np.float64)) == pytest.approx(math.pi * 50, rel=1e-6)


def test_nothing_is_covered_outside_of_the_picture():
    assert polygon_coverage(LesionShape(area_mm2=4.0, centre_xy_mm=(-30, 5)).outline_xy_mm(), (20, 20)) is None
