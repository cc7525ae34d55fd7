"""What must hold for any lesion, whatever its shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.special import expit

from oral_lesion.measure import measure
from oral_lesion.records import ModelIdentity, Scale, Segmentation

MODEL = ModelIdentity(name="any", version="1", sha256="0" * 64)


@st.composite
def probabilities(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.tuples(st.integers(8, 90), st.integers(8, 90)))
    field = gaussian_filter(rng.normal(size=shape), draw(st.floats(1.0, 8.0)))
    steepness = draw(st.floats(1.0, 8.0)) / max(float(field.std()), 1e-9)
    return expit(steepness * (field - draw(st.floats(-1, 1)) * field.std())).astype(np.float32)


def measured(probability, mm_per_px=0.1, threshold=0.5, smallest=0.0):
    segmentation = Segmentation(
        probability=np.ascontiguousarray(probability),
        mask=np.ascontiguousarray(probability >= threshold),
        valid=np.ones(probability.shape, bool),
        threshold=threshold,
        model=MODEL,
    )
    scale = Scale(mm_per_px=mm_per_px, u_mm_per_px=0.01 * mm_per_px, source="any")
    return measure(segmentation, scale, smallest_lesion_mm2=smallest)


@given(probabilities(), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_turning_the_picture_by_right_angles_changes_nothing(probability, quarter_turns):
    straight, turned = measured(probability), measured(np.rot90(probability, quarter_turns))
    assert turned.area_mm2 == pytest.approx(straight.area_mm2, rel=1e-9, abs=1e-12)
    assert (turned.u_boundary_mm2 or 0.0) == pytest.approx(straight.u_boundary_mm2 or 0.0, rel=1e-6, abs=1e-9)
    assert len(turned.lesions) == len(straight.lesions)


@given(probabilities())
@settings(max_examples=60, deadline=None)
def test_halving_mm_per_px_quarters_the_area_and_halves_the_perimeter(probability):
    whole, halved = measured(probability, 0.1), measured(probability, 0.05)
    assert halved.area_mm2 == pytest.approx(whole.area_mm2 / 4, rel=1e-12)
    assert sum(lesion.perimeter_mm for lesion in halved.lesions) == pytest.approx(
        sum(lesion.perimeter_mm for lesion in whole.lesions) / 2, rel=1e-12
    )


@given(probabilities(), st.floats(0.2, 0.45), st.floats(0.55, 0.8))
@settings(max_examples=60, deadline=None)
def test_a_higher_threshold_never_gives_more_area(probability, low, high):
    assert measured(probability, threshold=high).area_mm2 <= measured(probability, threshold=low).area_mm2 + 1e-9


@given(probabilities())
@settings(max_examples=60, deadline=None)
def test_area_lies_within_a_pixels_width_of_the_masks(probability):
    result = measured(probability)
    pixel_area = float((probability >= 0.5).sum()) * 0.01
    perimeter = sum(lesion.perimeter_mm for lesion in result.lesions)
    assert abs(result.area_mm2 - pixel_area) <= 0.1 * perimeter + 1e-9


@given(probabilities(), st.floats(0.01, 1.0))
@settings(max_examples=40, deadline=None)
def test_totals_are_sums_and_none_is_below_the_smallest(probability, smallest):
    result = measured(probability, smallest=smallest)
    assert result.area_mm2 == pytest.approx(sum(lesion.area_mm2 for lesion in result.lesions))
    assert all(lesion.area_mm2 >= smallest for lesion in result.lesions)
    assert [lesion.label for lesion in result.lesions] == list(range(1, len(result.lesions) + 1))
