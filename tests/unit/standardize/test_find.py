"""Candidates from the detector's boxes, from lattices of blobs, and moved onto the patches."""

import numpy as np
import pytest

from oral_lesion.numerics.geometry import apply_homography_xy
from oral_lesion.standardize.find import find_candidates
from oral_lesion.standardize.lattice import find_lattices, placements
from oral_lesion.standardize.snap import snap_to_patches

GRID = np.array([(column, row) for row in range(4) for column in range(6)], float)


def centres(taken):
    return apply_homography_xy(taken.photo_xy_from_card_mm, GRID * taken.card.pitch_xy_mm)


@pytest.mark.parametrize("roll_deg", [0, 90, 200])
def test_a_lattice_holds_the_card(roll_deg, scene, card):
    taken = scene(card=card("colorchecker-classic-nano"), card_ratio=0.15, place=(0.3, 0.6), roll_deg=roll_deg)
    homography, cells = find_lattices(taken.srgb())[0]
    assert len(cells) >= 16
    laid = [apply_homography_xy(homography @ way, GRID) for way in placements(cells)]
    away = [np.abs(found - centres(taken)).max() for found in laid]
    assert min(away) < 2.0
    assert sum(distance < 2.0 for distance in away) == 1


def test_noise_holds_no_lattice_of_a_cards_size():
    noise = np.random.default_rng(0).integers(0, 256, (400, 500, 3), dtype=np.uint8)
    assert find_lattices(noise) == []


@pytest.mark.parametrize("shift", [(0.3, 0.2), (-0.35, 0.1), (0.1, -0.3)])
def test_a_shifted_grid_snaps_to_the_patches(shift, scene, card):
    taken = scene(card=card("colorchecker-classic-nano"), card_ratio=0.3, tilt_deg=10)
    true = taken.photo_xy_from_card_mm @ np.diag([*taken.card.pitch_xy_mm, 1.0])
    wrong = true @ np.array([[1.04, 0.03, shift[0]], [-0.03, 0.97, shift[1]], [0, 0, 1]])
    snapped = snap_to_patches(taken.srgb(), wrong)
    assert np.abs(apply_homography_xy(snapped, GRID) - centres(taken)).max() < 3.0


def test_nothing_to_snap_to(as_photo):
    plain = np.full((200, 300, 3), 90, np.uint8)
    assert snap_to_patches(plain, np.diag([30.0, 30.0, 1.0])) is None


def test_other_cards_than_four_by_six_are_not_looked_for(scene, card):
    nano = card("colorchecker-classic-nano")
    odd = nano.model_copy(update={"rows": 2, "columns": 12})
    assert find_candidates(scene(card=nano).srgb(), odd) == []
