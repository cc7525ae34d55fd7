"""The surveyor's area formula on a polygon of known area."""

import numpy as np
import pytest

from oral_lesion.measure.boundary import contour_area_and_perimeter_px, signed_polygon_area


def test_surveyors_formula_on_the_papers_pentagon():
    # Braden 1986, doi:10.2307/2686282: (3,4) (5,11) (12,8) (9,5) (5,6) encloses 30 square units, exactly.
    points = np.array([(3, 4), (5, 11), (12, 8), (9, 5), (5, 6)], float)
    assert abs(signed_polygon_area(points)) == pytest.approx(30.0, abs=1e-12)
    assert signed_polygon_area(points[::-1]) == pytest.approx(-signed_polygon_area(points))


def test_contour_of_a_linear_edge_lies_where_interpolation_puts_it():
    probability = np.zeros((9, 9), np.float32)
    probability[3:6, 3:6] = 1.0
    # Level 0.5 cuts half way to each of the 12 outer neighbours: a 3×3 square with its four corners cut.
    area, perimeter = contour_area_and_perimeter_px(probability, 0.5)
    assert area == pytest.approx(3 * 3 - 4 * 0.125)
    assert perimeter == pytest.approx(4 * 2 + 4 * np.hypot(0.5, 0.5))
