"""Points and maps of a follow-up in the baseline's frame, there and back."""

import math

import numpy as np
import pytest

from oral_lesion.compare import compose, identity_registration, map_to_baseline, warp_to_baseline
from oral_lesion.errors import InputError
from oral_lesion.records import Registration, RegistrationFailure

SHAPE = (160, 220)


def registration_of(turn_deg=12.0, shift=(9.0, -4.0), bend_px=0.0):
    turn = math.radians(turn_deg)
    matrix = np.array(
        [[math.cos(turn), -math.sin(turn), shift[0]], [math.sin(turn), math.cos(turn), shift[1]], [0, 0, 1.0]]
    )
    lattice = None
    if bend_px:
        x, y = np.meshgrid(np.arange(13), np.arange(10))
        lattice = (bend_px * np.stack([np.sin(y / 2.0), np.cos(x / 2.0)], axis=-1)).astype(np.float32)
    return Registration(
        registered=True,
        failure=None,
        baseline_xy_from_follow_up_xy=matrix,
        displacement_xy_px=lattice,
        displacement_step_px=20.0 if bend_px else 0.0,
    )


@pytest.mark.parametrize("bend_px", [0.0, 4.0])
def test_a_warped_map_lies_where_its_points_are_mapped_to(bend_px):
    registration = registration_of(bend_px=bend_px)
    y, x = np.indices(SHAPE)
    centre = np.array([120.0, 70.0])
    blob = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * 5.0**2)).astype(np.float32)
    warped = warp_to_baseline(blob, registration, SHAPE)
    found = np.array([(warped * x).sum(), (warped * y).sum()]) / warped.sum()
    np.testing.assert_allclose(found, map_to_baseline(registration, centre)[0], atol=0.25)


def test_labels_keep_their_values_and_steps_and_margins_move_the_frame():
    labels = np.zeros(SHAPE, np.int32)
    labels[40:60, 50:90] = 7
    warped = warp_to_baseline(labels, identity_registration(), SHAPE, step_px=2, margin_px=20)
    assert warped.shape == ((160 + 40) // 2, (220 + 40) // 2)
    assert warped.dtype == np.int32
    rows, columns = np.nonzero(warped == 7)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (30, 39, 35, 54)
    assert set(np.unique(warped)) == {0, 7}


def test_beyond_the_follow_up_is_nothing():
    seen = warp_to_baseline(np.ones(SHAPE, bool), registration_of(0.0, (30.0, 0.0)), SHAPE)
    assert not seen[:, :29].any()
    assert seen[:, 31:].all()


def test_a_chain_maps_as_its_links_do_one_after_the_other():
    outer, inner = registration_of(10.0, (3.0, 5.0), 3.0), registration_of(-6.0, (-4.0, 8.0), 2.0)
    points = np.array([[60.0, 50.0], [120.0, 90.0], [170.0, 60.0]])
    expected = map_to_baseline(outer, map_to_baseline(inner, points))
    np.testing.assert_allclose(map_to_baseline(compose(outer, inner, SHAPE), points), expected, atol=0.35)


def test_a_pair_that_is_not_registered_maps_nothing():
    failed = Registration(registered=False, failure=RegistrationFailure.FEW_FEATURES)
    with pytest.raises(InputError, match="few-features"):
        map_to_baseline(failed, [(0, 0)])
    with pytest.raises(InputError, match="few-features"):
        warp_to_baseline(np.zeros(SHAPE, np.float32), failed, SHAPE)


@pytest.mark.parametrize(
    "fields",
    [
        {"registered": True, "failure": None},
        {"registered": False, "failure": None},
        {"registered": True, "failure": RegistrationFailure.FEW_INLIERS, "baseline_xy_from_follow_up_xy": np.eye(3)},
        {"registered": False, "failure": RegistrationFailure.FEW_INLIERS, "baseline_xy_from_follow_up_xy": np.eye(3)},
    ],
)
def test_a_registration_is_either_made_or_failed(fields):
    with pytest.raises(InputError, match="Registration"):
        Registration(**fields)
