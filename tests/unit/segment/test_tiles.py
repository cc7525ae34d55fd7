import cv2
import numpy as np
import pytest

from oral_lesion.errors import InputError
from oral_lesion.segment.tiles import TilePlan, in_tiles, padded_to_multiple

SMALL = TilePlan(max_whole_px=40_000, max_tile_px=60_000, context_px=64, blend_px=32)


def grey(srgb):
    return (srgb.mean(axis=2) / 255.0).astype(np.float32)


def drawn(height, width):
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(320, 320), (160, 896), (896, 160), (448, 544), (224, 192)])
def test_tiles_of_a_pointwise_model_blend_to_the_whole(shape):
    srgb = drawn(*shape)
    (tiled,) = in_tiles(srgb, lambda tile: [grey(tile)], SMALL)
    np.testing.assert_allclose(tiled, grey(srgb), atol=1e-6)


@pytest.mark.parametrize("shape", [(320, 320), (448, 544), (160, 1600)])
def test_tiles_equal_the_whole_where_the_context_covers_what_a_pixel_sees(shape):
    srgb = drawn(*shape)

    def seeing_64_px(tile):
        return [cv2.blur(grey(tile), (129, 129), borderType=cv2.BORDER_REFLECT)]

    (tiled,), (whole,) = in_tiles(srgb, seeing_64_px, SMALL), seeing_64_px(srgb)
    assert np.abs(tiled - whole).max() < 1e-5


def test_tiles_begin_where_a_network_that_halves_five_times_begins():
    """Blocks of 32 px, each answered by its mean: a tile that began elsewhere would cut them otherwise."""
    srgb = drawn(480, 608)

    def block_means(tile):
        means = cv2.resize(grey(tile), (tile.shape[1] // 32, tile.shape[0] // 32), interpolation=cv2.INTER_AREA)
        return [np.kron(means, np.ones((32, 32), np.float32)), means]

    (tiled, cells), (whole, whole_cells) = in_tiles(srgb, block_means, SMALL), block_means(srgb)
    np.testing.assert_allclose(tiled, whole, atol=1e-6)
    np.testing.assert_allclose(cells, whole_cells, atol=1e-6)


def test_maps_with_several_layers_are_put_together():
    srgb = drawn(320, 320)
    (tiled,) = in_tiles(srgb, lambda tile: [np.stack([grey(tile), 1 - grey(tile)])], SMALL)
    np.testing.assert_allclose(tiled, np.stack([grey(srgb), 1 - grey(srgb)]), atol=1e-6)


def test_no_tile_is_larger_than_planned():
    seen = []

    def predict(srgb):
        seen.append(srgb.shape[:2])
        return [grey(srgb)]

    in_tiles(np.zeros((704, 1120, 3), np.uint8), predict, SMALL)
    assert max(height * width for height, width in seen) <= SMALL.max_tile_px
    assert len(set(seen)) == 1


def test_a_small_picture_is_taken_whole():
    seen = []
    in_tiles(np.zeros((192, 192, 3), np.uint8), lambda srgb: (seen.append(srgb.shape), [grey(srgb)])[1], SMALL)
    assert seen == [(192, 192, 3)]


def test_the_end_of_a_tile_counts_for_nothing_where_another_covers_it():
    def spoilt_at_the_ends(srgb):
        probability = grey(srgb)
        probability[:, -SMALL.context_px :] = 1.0
        return [probability]

    (result,) = in_tiles(np.zeros((96, 1600, 3), np.uint8), spoilt_at_the_ends, SMALL)
    assert result[:, : 1600 - SMALL.context_px].max() == 0.0


def test_weights_change_over_gently():
    """A tile that says 1 beside one that says 0: no step between neighbours where they share a picture."""
    said = iter([1.0, 0.0])
    plan = TilePlan(max_whole_px=1, max_tile_px=300 * 320, context_px=64, blend_px=96)
    shape = (288, 320 + 320 - plan.overlap_px)
    (result,) = in_tiles(
        np.zeros((*shape, 3), np.uint8), lambda srgb: [np.full(srgb.shape[:2], next(said), np.float32)], plan
    )
    change = -np.diff(result[0])
    assert (change >= 0).all()
    assert change[320 - plan.overlap_px + plan.context_px : 320 - plan.context_px - 1].min() > 0
    inside = change[320 - plan.overlap_px + plan.context_px : 320 - plan.context_px - 1]
    assert inside.max() < 0.05


@pytest.mark.parametrize(("height", "width"), [(1, 1), (32, 32), (33, 31), (5, 100)])
def test_padding_keeps_the_picture_and_reaches_the_multiple(height, width):
    srgb = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    padded = padded_to_multiple(srgb, 32)
    assert padded.shape[0] % 32 == padded.shape[1] % 32 == 0
    np.testing.assert_array_equal(padded[:height, :width], srgb)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"max_tile_px": 10_000}, "enlarge max_tile_px"),
        ({"context_px": 50}, "multiples of 32"),
        ({"multiple_px": 0}, "mu"),
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused(changes, named):
    with pytest.raises(InputError, match=named):
        TilePlan(**{"max_whole_px": 40_000, "max_tile_px": 60_000, "context_px": 64, "blend_px": 32, **changes})


def test_sides_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="pad it"):
        in_tiles(np.zeros((33, 64, 3), np.uint8), lambda srgb: [grey(srgb)], SMALL)
