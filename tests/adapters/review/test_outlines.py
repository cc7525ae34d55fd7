"""Outlines that people can edit stand for the model's own pixels until somebody moves a vertex."""

import numpy as np
import pytest

from oral_lesion.adapters.annotations.raster import paint_region
from oral_lesion.adapters.annotations.records import Region
from oral_lesion.adapters.review.outlines import start_outlines, with_exact_pixels

SHAPE = (160, 200)


@pytest.fixture(scope="module")
def erosion():
    """A disc with a hole, an ellipse, a single pixel, a line one pixel wide, and two squares that touch at a corner."""
    rows, columns = np.indices(SHAPE)
    mask = (rows - 60) ** 2 + (columns - 60) ** 2 < 40**2
    mask &= (rows - 60) ** 2 + (columns - 60) ** 2 >= 10**2
    mask |= ((rows - 110) / 20) ** 2 + ((columns - 150) / 35) ** 2 < 1
    mask[5, 5] = mask[150, 20:60] = True
    mask[20:25, 150:155] = mask[25:30, 155:160] = True
    return mask


def painted(regions):
    labels = np.zeros(SHAPE, dtype=np.uint8)
    for region in regions:
        paint_region(labels, region, 1)
    return labels > 0


def test_masks_give_the_same_pixels(erosion):
    assert np.array_equal(painted(one.region(as_mask=True) for one in start_outlines(erosion)), erosion)


def test_polygons_have_few_vertices_and_nearly_the_same_area(erosion):
    starts = start_outlines(erosion)
    drawn = painted(one.region(as_mask=False) for one in starts)
    large = max(starts, key=lambda one: one.pixels.inside.sum())
    assert len(large.polygon_xy) < 150
    assert abs(int(drawn.sum()) - int(erosion.sum())) < 0.005 * erosion.sum()
    assert np.count_nonzero(drawn != erosion) < 0.02 * erosion.sum()


@pytest.mark.parametrize("decimals", [17, 2])
def test_polygons_that_were_not_moved_give_the_same_pixels(erosion, decimals):
    starts = start_outlines(erosion)
    returned = [Region(class_name="erosion", polygons_xy=(one.polygon_xy.round(decimals),)) for one in starts]
    assert np.array_equal(painted(with_exact_pixels(region, starts) for region in returned), erosion)


def test_a_polygon_that_was_moved_is_what_it_says(erosion):
    starts = start_outlines(erosion)
    moved = starts[0].polygon_xy.copy()
    moved[0, 0] -= 0.02
    region = Region(class_name="erosion", polygons_xy=(moved,))
    assert with_exact_pixels(region, starts) is region
