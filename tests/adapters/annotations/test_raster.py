"""Polygons to pixels by the rule of centres, and back."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oral_lesion.adapters.annotations.raster import (
    ellipse_xy,
    fill_polygon,
    outlines_xy,
    paint_region,
    rectangle_xy,
    require_polygon,
)
from oral_lesion.adapters.annotations.records import MaskPatch, Region
from oral_lesion.errors import FormatError


def filled(points, shape=(12, 16)):
    labels = np.zeros(shape, np.uint8)
    paint_region(labels, Region(class_name="x", polygons_xy=(np.asarray(points, float),)), 1)
    return labels


def test_a_rectangle_on_pixel_edges_covers_its_area():
    expected = np.zeros((12, 16), np.uint8)
    expected[1:5, 2:8] = 1
    assert np.array_equal(filled(rectangle_xy((2, 1), (8, 5))), expected)


def test_a_pixel_belongs_where_its_centre_is():
    assert filled(rectangle_xy((2.5, 1.5), (3.5, 2.5))).nonzero() == (np.array([1]), np.array([2]))
    assert filled(rectangle_xy((2.51, 1.51), (3.49, 2.49))).sum() == 0


def test_polygons_that_share_an_edge_share_no_pixel_and_leave_none_out():
    corners = [(0, 0), (16, 0), (16, 12), (0, 12)]
    middle = (7.3, 5.9)
    parts = [filled([corners[side], corners[(side + 1) % 4], middle]) for side in range(4)]
    assert np.array_equal(sum(parts), np.ones((12, 16)))


def test_what_lies_outside_is_cut_off():
    assert filled(rectangle_xy((-100, -100), (3, 2))).sum() == 6
    assert filled(rectangle_xy((13, 10), (900, 900))).sum() == 6
    assert filled(rectangle_xy((20, 20), (30, 30))).sum() == 0
    assert filled([(-1e5, 6), (8, -1e5), (1e5, 6), (8, 1e5)]).sum() == 12 * 16


def test_a_polygon_that_crosses_itself_is_filled_by_the_even_odd_rule():
    twice = [(1, 1), (9, 1), (9, 9), (1, 9), (1, 1), (3, 3), (7, 3), (7, 7), (3, 7), (3, 3)]
    assert filled(twice).sum() == 64 - 16


@given(st.integers(0, 2**31))
def test_the_number_of_pixels_is_without_bias(seed):
    rng = np.random.default_rng(seed)
    surplus = []
    for _ in range(40):
        a, b, c = rng.uniform(2, 48, (3, 2))
        area = abs((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) / 2
        surplus.append(filled([a, b, c], (50, 50)).sum() - area)
    assert abs(np.mean(surplus)) < 2.0


def test_an_ellipse_has_its_area_whatever_its_turn():
    for angle in (0.0, 0.4, math.pi / 2):
        area = filled(ellipse_xy((100, 100), (80, 40), angle=angle), (200, 200)).sum()
        assert area == pytest.approx(math.pi * 80 * 40, rel=2e-3)
    turned = filled(ellipse_xy((100, 100), (80, 20), angle=math.pi / 4), (200, 200))
    assert turned[150, 150] == 1  # clockwise as seen: from x towards y, which points down
    assert turned[50, 150] == 0


def test_a_patch_that_sticks_out_is_cut_off():
    labels = np.zeros((4, 4), np.uint8)
    region = Region(class_name="x", patch=MaskPatch.of(np.ones((3, 5), bool), top=-1, left=2))
    assert paint_region(labels, region, 7) == 4
    assert labels[:2, 2:].tolist() == [[7, 7], [7, 7]]
    far = Region(class_name="x", patch=MaskPatch.of(np.ones((3, 5), bool), top=90, left=0))
    assert paint_region(labels, far, 7) == 0


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_outlines_give_the_mask_again_holes_and_corners_included(mask):
    labels = np.zeros(mask.shape, np.uint8)
    paint_region(labels, Region(class_name="x", polygons_xy=outlines_xy(mask)), 1)
    assert np.array_equal(labels > 0, mask)


def test_an_outline_holds_corners_alone():
    mask = np.zeros((9, 9), bool)
    mask[2:5, 3:8] = True
    (outline,) = outlines_xy(mask)
    assert sorted(map(tuple, outline)) == [(3, 2), (3, 5), (8, 2), (8, 5)]


@pytest.mark.parametrize(
    "points",
    [[], [(0, 0), (1, 1)], [(0, 0, 0)] * 3, [(0, 0), (1, 1), (1, math.nan)], [(0, 0), (1, 1), (1, 1e300)],
     [(0, 0), (1, 1), ("a", 1)], [(0, 0), (1, 1), (1,)], None, [0, 1, 2]],
)  # fmt: skip
def test_points_that_are_no_polygon_are_refused(points):
    with pytest.raises(FormatError, match="polygon"):
        require_polygon(points)


def test_a_negative_half_axis_is_refused():
    with pytest.raises(FormatError, match="half axes of 0 or more"):
        ellipse_xy((5, 5), (-1, 4))


def test_an_empty_polygon_box_is_an_empty_patch():
    assert fill_polygon(np.array([(50.0, 50.0), (60.0, 50.0), (60.0, 60.0)]), (10, 10))[2].size == 0
