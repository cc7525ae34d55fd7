import numpy as np
import pytest

from oral_lesion.errors import InputError
from oral_lesion.segment.tiles import TilePlan, in_tiles, padded_to_multiple

SMALL = TilePlan(max_whole_px=40_000, max_tile_px=40_000, overlap_px=48)


def grey(srgb):
    return (srgb.mean(axis=2) / 255.0).astype(np.float32)


@pytest.mark.parametrize("shape", [(300, 300), (150, 900), (900, 150), (431, 517), (211, 190)])
def test_tiles_of_a_pointwise_model_blend_to_the_whole(shape):
    srgb = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    np.testing.assert_allclose(in_tiles(srgb, grey, SMALL), grey(srgb), atol=1e-6)


def test_no_tile_is_larger_than_planned():
    seen = []

    def predict(srgb):
        seen.append(srgb.shape[:2])
        return grey(srgb)

    in_tiles(np.zeros((700, 1100, 3), np.uint8), predict, SMALL)
    assert max(height * width for height, width in seen) <= SMALL.max_tile_px
    assert len(set(seen)) == 1


def test_a_small_picture_is_taken_whole():
    seen = []
    in_tiles(np.zeros((200, 200, 3), np.uint8), lambda srgb: (seen.append(srgb.shape), grey(srgb))[1], SMALL)
    assert seen == [(200, 200, 3)]


def test_the_end_of_a_tile_counts_for_nothing_where_another_covers_it():
    def spoilt_at_the_ends(srgb):
        probability = grey(srgb)
        probability[:, -SMALL.overlap_px // 4 :] = 1.0
        return probability

    result = in_tiles(np.zeros((100, 600, 3), np.uint8), spoilt_at_the_ends, SMALL)
    assert result[:, : 600 - SMALL.overlap_px // 4].max() == 0.0


@pytest.mark.parametrize(("height", "width"), [(1, 1), (32, 32), (33, 31), (5, 100)])
def test_padding_keeps_the_picture_and_reaches_the_multiple(height, width):
    srgb = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    padded = padded_to_multiple(srgb, 32)
    assert padded.shape[0] % 32 == padded.shape[1] % 32 == 0
    np.testing.assert_array_equal(padded[:height, :width], srgb)


def test_an_overlap_too_wide_for_the_tile_is_refused():
    with pytest.raises(InputError, match="overlap"):
        TilePlan(max_tile_px=10_000, overlap_px=50)
