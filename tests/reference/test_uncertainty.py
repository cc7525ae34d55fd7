"""The scale's budget against numbers worked by hand from the GUM's formulae, and against exact projections."""

import math

import numpy as np
import pytest

from oral_lesion.numerics.geometry import apply_homography_xy
from oral_lesion.numerics.uncertainty import combine, u_oblique_view_ratio, u_plane_offset_ratio, u_plane_tilt_ratio


def test_rectangular_distribution_of_the_gum():
    # JCGM 100:2008, 4.3.7: half-width a gives a / sqrt(3). 5 mm at 300 mm: 0.96 %, at 120 mm: 2.41 %.
    assert u_plane_offset_ratio(5, 300) == pytest.approx(0.0096, abs=5e-5)
    assert u_plane_offset_ratio(5, 120) == pytest.approx(0.0241, abs=5e-5)


def test_one_sided_foreshortening():
    # Width 1 - cos(20 degrees) = 0.0603, over sqrt(12): 0.0174.
    assert u_plane_tilt_ratio(20) == pytest.approx(0.0174, abs=5e-5)
    assert u_plane_tilt_ratio(0) == 0


def rectified_area_ratio(inclination, azimuth, camera_tilt, distance_mm):
    """Project an inclined disc with a pinhole camera; return its area in the card's plane over its own."""
    around = np.linspace(0.0, 2.0 * np.pi, 360, endpoint=False)
    circle = 5.0 * np.stack([np.cos(around), np.sin(around)], axis=1)
    level = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    slope = np.array(
        [np.cos(azimuth) * np.cos(inclination), np.sin(azimuth) * np.cos(inclination), np.sin(inclination)]
    )
    cosine, sine = np.cos(camera_tilt), np.sin(camera_tilt)
    camera_from_card = np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])
    place = np.array([0.0, 0.0, distance_mm])
    seen = (circle @ np.stack([slope, level])) @ camera_from_card.T + place
    photo_from_card = np.column_stack([camera_from_card[:, :2], place])
    return polygon_area(apply_homography_xy(np.linalg.inv(photo_from_card), seen[:, :2] / seen[:, 2:])) / polygon_area(
        circle
    )


def polygon_area(xy):
    x, y = xy.T
    return 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))


@pytest.mark.parametrize("camera_tilt_deg", [0, 10, 20, 35])
@pytest.mark.parametrize(("max_tilt_deg", "distance_mm"), [(15, 250), (15, 90), (5, 250), (25, 150)])
def test_areas_of_inclined_surfaces_err_as_stated(max_tilt_deg, distance_mm, camera_tilt_deg):
    # Normals uniform over the cap: the cosine of the inclination and its azimuth are uniform.
    share = (np.arange(16) + 0.5) / 16
    inclinations = np.arccos(1.0 - share * (1.0 - np.cos(np.radians(max_tilt_deg))))
    error = [
        rectified_area_ratio(inclination, azimuth, math.radians(camera_tilt_deg), distance_mm) - 1.0
        for inclination in inclinations
        for azimuth in 2.0 * np.pi * share
    ]
    of_a_length = combine(u_plane_tilt_ratio(max_tilt_deg), u_oblique_view_ratio(max_tilt_deg, camera_tilt_deg))
    assert 2.0 * of_a_length == pytest.approx(float(np.sqrt(np.mean(np.square(error)))), rel=0.01)


def test_the_surface_that_faces_a_tilted_camera_appears_larger():
    # cos(20 + 15 degrees) / cos(20 degrees) = 0.8717 and cos(20 - 15 degrees) / cos(20 degrees) = 1.0601.
    away, towards = (rectified_area_ratio(math.radians(15), side, math.radians(20), 1e6) for side in (math.pi, 0.0))
    assert sorted((away, towards)) == pytest.approx([0.8717, 1.0601], abs=1e-3)


def test_oblique_view_worked_by_hand():
    # c = cos(15 degrees) = 0.96593: tan(20 degrees) sqrt(0.03407 * 2.96593 / 24) = 0.36397 * 0.06489.
    assert u_oblique_view_ratio(15, 20) == pytest.approx(0.02362, abs=1e-5)
    assert u_oblique_view_ratio(15, 0) == u_oblique_view_ratio(0, 20) == 0


def test_combined_standard_uncertainty_of_the_gum():
    # JCGM 100:2008, 5.1.2, sum of squares: 3, 4 and 12 give 13.
    assert combine(0.03, 0.04, 0.12) == pytest.approx(0.13)
