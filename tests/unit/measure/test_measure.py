"""The measuring stage on records built by hand."""

import math

import numpy as np
import pytest

from oral_lesion.errors import Flag, InputError
from oral_lesion.measure import measure
from oral_lesion.records import BoundaryCalibration, Measurement, ModelIdentity, Scale, Segmentation

MODEL = ModelIdentity(name="hand", version="1", sha256="0" * 64)
SCALE = Scale(mm_per_px=0.1, u_mm_per_px=0.001, source="by hand")


def disc(shape, centre_rc, radius_px, softness_px=1.0):
    rows, columns = np.indices(shape)
    distance = np.hypot(rows - centre_rc[0], columns - centre_rc[1])
    return (1.0 / (1.0 + np.exp((distance - radius_px) / softness_px))).astype(np.float32)


def segmentation_of(probability, threshold=0.5, valid=None, **more):
    valid = np.ones(probability.shape, bool) if valid is None else valid
    probability = np.where(valid, probability, np.float32(0))
    return Segmentation(
        probability=probability, mask=probability >= threshold, valid=valid, threshold=threshold, model=MODEL, **more
    )


@pytest.mark.parametrize(("radius_px", "tolerance"), [(6, 0.008), (20, 0.001), (60.3, 0.0005)])
def test_area_and_perimeter_of_a_disc(radius_px, tolerance):
    centre = (80.37, 81.81)
    result = measure(segmentation_of(disc((170, 170), centre, radius_px)), SCALE, smallest_lesion_mm2=0)
    (lesion,) = result.lesions
    assert lesion.area_mm2 == pytest.approx(math.pi * (radius_px * 0.1) ** 2, rel=tolerance)
    assert lesion.perimeter_mm == pytest.approx(2 * math.pi * radius_px * 0.1, rel=0.01)
    assert lesion.centroid_rc_px == pytest.approx(centre, abs=0.15)
    assert lesion.equivalent_diameter_mm == pytest.approx(2 * radius_px * 0.1, rel=tolerance)


def test_a_hole_is_subtracted():
    ring = disc((170, 170), (85, 85), 60) - disc((170, 170), (85, 85), 30)
    result = measure(segmentation_of(ring), SCALE, smallest_lesion_mm2=0)
    assert len(result.lesions) == 1
    assert result.area_mm2 == pytest.approx(math.pi * (6.0**2 - 3.0**2), rel=0.003)
    assert result.lesions[0].perimeter_mm == pytest.approx(2 * math.pi * 9.0, rel=0.01)


def test_lesions_are_numbered_by_falling_area_and_sum_to_the_total():
    probability = np.maximum(disc((150, 300), (75, 60), 20), disc((150, 300), (75, 200), 40))
    result = measure(segmentation_of(probability), SCALE, smallest_lesion_mm2=0)
    assert [lesion.label for lesion in result.lesions] == [1, 2]
    assert result.lesions[0].area_mm2 > result.lesions[1].area_mm2
    assert result.area_mm2 == sum(lesion.area_mm2 for lesion in result.lesions)


def test_two_lesions_inside_one_anothers_bounding_box_keep_their_own_area():
    arc = disc((200, 200), (100, 100), 80) - disc((200, 200), (100, 100), 60)
    arc[:, 120:] = 0
    both = np.maximum(arc, disc((200, 200), (100, 100), 30))
    areas = [lesion.area_mm2 for lesion in measure(segmentation_of(both), SCALE, smallest_lesion_mm2=0).lesions]
    alone = [
        measure(segmentation_of(part), SCALE, smallest_lesion_mm2=0).area_mm2
        for part in (arc, disc((200, 200), (100, 100), 30))
    ]
    assert areas == pytest.approx(sorted(alone, reverse=True), rel=1e-6)


def test_smallest_lesion_is_left_out_of_everything():
    small_and_large = np.maximum(disc((150, 300), (75, 60), 4), disc((150, 300), (75, 200), 40))
    result = measure(segmentation_of(small_and_large), SCALE, smallest_lesion_mm2=1.0)
    alone = measure(segmentation_of(disc((150, 300), (75, 200), 40)), SCALE, smallest_lesion_mm2=1.0)
    assert result == alone


def test_no_lesion_is_an_area_of_zero_with_an_unknown_uncertainty():
    result = measure(segmentation_of(np.zeros((40, 40), np.float32)), SCALE, smallest_lesion_mm2=0)
    assert (result.lesions, result.area_mm2) == ((), 0.0)
    assert (result.u_area_mm2, result.u_scale_mm2, result.u_boundary_mm2) == (None, None, None)


@pytest.mark.parametrize(("area_mm2", "u_mm2"), [(0.0, 0.0), (5.0, None)])
def test_a_measurement_has_uncertainties_where_it_has_an_area(area_mm2, u_mm2):
    with pytest.raises(InputError, match="an area above 0"):
        Measurement(lesions=(), area_mm2=area_mm2, u_scale_mm2=u_mm2, u_boundary_mm2=u_mm2)


@pytest.mark.parametrize("column", [5, 150])
def test_a_lesion_that_leaves_the_view_is_flagged(column):
    valid = np.ones((100, 200), bool)
    valid[:, 160:] = False
    result = measure(segmentation_of(disc((100, 200), (50, column), 20), valid=valid), SCALE, smallest_lesion_mm2=0)
    assert Flag.LESION_AT_EDGE in result.flags
    assert result.lesions[0].flags == (Flag.LESION_AT_EDGE,)


def test_a_lesion_well_in_view_is_not_flagged():
    assert measure(segmentation_of(disc((100, 200), (50, 90), 20)), SCALE, smallest_lesion_mm2=0).flags == ()


def test_a_vague_boundary_is_flagged_and_its_uncertainty_grows():
    sharp = measure(segmentation_of(disc((200, 200), (100, 100), 20, 0.5)), SCALE, smallest_lesion_mm2=0)
    vague = measure(segmentation_of(disc((200, 200), (100, 100), 20, 6.0)), SCALE, smallest_lesion_mm2=0)
    assert Flag.BOUNDARY_VAGUE in vague.flags
    assert Flag.BOUNDARY_VAGUE not in sharp.flags
    assert vague.u_boundary_mm2 > 5 * sharp.u_boundary_mm2


def test_one_sigma_contours_of_a_logistic_edge():
    # p falls as a logistic with width 3 px, so Φ(±1) lies ±1.667 × 3 px from the edge: area difference 2 π r × that.
    result = measure(segmentation_of(disc((300, 300), (150, 150), 80, 3.0)), SCALE, smallest_lesion_mm2=0)
    expected = 2 * math.pi * 8.0 * (1.6671 * 3 * 0.1)
    assert result.u_boundary_mm2 == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("mm_per_px", [0.0, -0.1, math.nan, math.inf])
def test_a_scale_that_is_not_a_positive_number_is_an_input_error(mm_per_px):
    scale = Scale(mm_per_px=mm_per_px, u_mm_per_px=0.001, source="by hand")
    with pytest.raises(InputError, match="mm_per_px"):
        measure(segmentation_of(disc((50, 50), (25, 25), 10)), scale, smallest_lesion_mm2=0)


def test_uncertainty_of_the_scale_is_twice_its_relative_one():
    result = measure(segmentation_of(disc((100, 100), (50, 50), 20)), SCALE, smallest_lesion_mm2=0)
    assert result.u_scale_mm2 == pytest.approx(0.02 * result.area_mm2)
    assert result.u_area_mm2 == pytest.approx(math.hypot(result.u_scale_mm2, result.u_boundary_mm2))


def spread_of_an_edge(probability, shift_px, softness_px):
    """Standard deviation of a logistic edge's probability where the edge moves by so much: its slope times that."""
    return (probability * (1 - probability) / softness_px * shift_px).astype(np.float32)


def test_the_spread_of_the_passes_moves_the_edge():
    # Two passes whose edges lie 0.8 px to either side: the area differs by 2 π r × 0.8 px to either side.
    probability = disc((300, 300), (150, 150), 80, 3.0)
    spread = spread_of_an_edge(probability, 0.8, 3.0)
    result = measure(segmentation_of(probability, probability_sd=spread), SCALE, smallest_lesion_mm2=0)
    slope = measure(segmentation_of(probability), SCALE, smallest_lesion_mm2=0).u_boundary_mm2
    assert result.u_boundary_mm2 == pytest.approx(math.hypot(slope, 2 * math.pi * 8.0 * 0.08), rel=0.01)
    assert result.u_boundary_mm2 > 1.01 * slope


def test_spread_away_from_the_lesions_does_not_count():
    probability = disc((200, 300), (100, 100), 20)
    far = np.zeros_like(probability)
    far[:, 250:] = 0.9
    alone = measure(segmentation_of(probability), SCALE, smallest_lesion_mm2=0)
    assert measure(segmentation_of(probability, probability_sd=far), SCALE, smallest_lesion_mm2=0) == alone


def test_spread_without_lesion_is_no_uncertainty():
    nothing = np.zeros((40, 40), np.float32)
    result = measure(segmentation_of(nothing, probability_sd=nothing + 0.3), SCALE, smallest_lesion_mm2=0)
    assert result.u_boundary_mm2 is None


def test_the_calibration_scales_the_uncertainty_and_adds_its_floor():
    probability = disc((200, 200), (100, 100), 20, 0.5)
    plain = measure(segmentation_of(probability), SCALE, smallest_lesion_mm2=0)
    calibration = BoundaryCalibration(factor=3.0, relative_floor=0.2)
    result = measure(segmentation_of(probability, boundary=calibration), SCALE, smallest_lesion_mm2=0)
    assert result.u_boundary_mm2 == pytest.approx(math.hypot(3.0 * plain.u_boundary_mm2, 0.2 * plain.area_mm2))
    assert result.area_mm2 == plain.area_mm2


def test_the_calibration_alone_makes_no_boundary_vague():
    probability = disc((200, 200), (100, 100), 20, 0.5)
    calibration = BoundaryCalibration(factor=1.0, relative_floor=0.4)
    result = measure(segmentation_of(probability, boundary=calibration), SCALE, smallest_lesion_mm2=0)
    assert result.u_boundary_mm2 > 0.25 * result.area_mm2
    assert result.flags == ()


@pytest.mark.parametrize(("factor", "floor"), [(0.0, 0.0), (math.nan, 0.0), (1.0, -0.1), (1.0, math.inf)])
def test_a_calibration_that_is_none_is_refused(factor, floor):
    with pytest.raises(InputError, match="boundary"):
        BoundaryCalibration(factor=factor, relative_floor=floor)
