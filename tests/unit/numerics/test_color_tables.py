"""Speed-minded colour conversions: tables give the same numbers as the formulae."""

import numpy as np
import pytest

from oral_lesion.errors import InputError
from oral_lesion.numerics.color import linear_from_srgb, srgb_from_linear, srgb_uint8_from_linear


def test_all_levels_survive_the_way_there_and_back():
    levels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(srgb_uint8_from_linear(linear_from_srgb(levels)), levels)
    picture = np.stack([levels.reshape(16, 16)] * 3, axis=-1)
    assert np.array_equal(srgb_uint8_from_linear(linear_from_srgb(picture)), picture)


def test_rounds_like_the_formula():
    linear = np.random.default_rng(0).uniform(0, 1, (50, 60, 3)).astype(np.float32)
    exact = srgb_from_linear(linear) * 255
    coded = srgb_uint8_from_linear(linear)
    assert coded.shape == linear.shape and coded.dtype == np.uint8
    assert np.abs(coded - exact).max() < 0.5 + 0.06


def test_clips_and_takes_nan_for_black():
    odd = np.array([-1.0, 2.0, np.nan, np.inf, -np.inf], np.float32)
    assert srgb_uint8_from_linear(odd).tolist() == [0, 255, 0, 255, 0]


def test_wrong_dtype_is_named():
    with pytest.raises(InputError, match="uint8"):
        linear_from_srgb(np.zeros((2, 2, 3), np.float32))
