import numpy as np
import pytest

from oral_lesion.numerics.scaling import scaled_srgb


@pytest.mark.parametrize(("ratio", "shape"), [(0.5, (20, 30, 3)), (1.5, (60, 90, 3)), (0.001, (1, 1, 3))])
def test_the_size_follows_the_ratio_and_no_side_vanishes(ratio, shape):
    scaled = scaled_srgb(np.full((40, 60, 3), 77, np.uint8), ratio)
    assert (scaled.shape, scaled.dtype) == (shape, np.uint8)
    assert np.unique(scaled).tolist() == [77]


def test_a_shrunk_picture_holds_the_means_of_its_areas():
    srgb = np.tile(np.array([[0, 100], [100, 200]], np.uint8)[..., None], (4, 4, 3))
    assert np.unique(scaled_srgb(srgb, 0.5)).tolist() == [100]
