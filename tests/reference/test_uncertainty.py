"""The scale's budget against numbers worked by hand from the GUM's formulae."""

import pytest

from oral_lesion.numerics.uncertainty import combine, u_plane_offset_ratio, u_plane_tilt_ratio


def test_rectangular_distribution_of_the_gum():
    # JCGM 100:2008, 4.3.7: half-width a gives a / sqrt(3). 5 mm at 300 mm: 0.96 %, at 120 mm: 2.41 %.
    assert u_plane_offset_ratio(5, 300) == pytest.approx(0.0096, abs=5e-5)
    assert u_plane_offset_ratio(5, 120) == pytest.approx(0.0241, abs=5e-5)


def test_one_sided_foreshortening():
    # Width 1 - cos(20 degrees) = 0.0603, over sqrt(12): 0.0174.
    assert u_plane_tilt_ratio(20) == pytest.approx(0.0174, abs=5e-5)
    assert u_plane_tilt_ratio(0) == 0


def test_combined_standard_uncertainty_of_the_gum():
    # JCGM 100:2008, 5.1.2, sum of squares: 3, 4 and 12 give 13.
    assert combine(0.03, 0.04, 0.12) == pytest.approx(0.13)
