"""Markers and patches of one card are to agree on the scale."""

import numpy as np
import pytest

from oral_lesion.errors import Reason, Refused
from oral_lesion.io.settings import load_card, load_protocol
from oral_lesion.phantom import SceneSettings
from oral_lesion.phantom.render import render_scene
from oral_lesion.records import Photo, PhotoIdentity, Visit
from oral_lesion.standardize.edges import view_card
from oral_lesion.standardize.marker_card import read_marker_card
from oral_lesion.standardize.markers import find_markers
from oral_lesion.standardize.scale_check import pitch_ratio

PROTOCOL = load_protocol()
NAMES = ("open-card-54x86", "open-strip-15x60")


def stretched(card, ratio):
    """A card file whose patches lie closer or farther apart, their markers where they were."""
    return card.model_copy(update={"pitch_mm": ratio * card.pitch_mm, "patch_mm": ratio * card.patch_mm})


def rendered(card, **settings):
    settings = {"seed": 7, "tilt_deg": 8.0, "card_share": 0.4, "lesion_areas_mm2": (5.0,)} | settings
    return render_scene(SceneSettings(width_px=1000, height_px=750, **settings), card).srgb


def read(srgb, card):
    identity = PhotoIdentity(photo_id="a", file="a.png", sha256="0" * 64, subject_id="S1", visit=Visit(name="baseline"))
    photo = Photo(identity=identity, srgb=srgb)
    return read_marker_card(photo, card, limits=PROTOCOL.limits, uncertainty=PROTOCOL.uncertainty)


def compared(srgb, card):
    reading = find_markers(srgb, card)
    view = view_card(srgb, reading.pose.photo_xy_from_grid, card)
    return pitch_ratio(view, card, srgb.shape[:2], blur_mm=reading.blur_mm)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ratio", [0.96, 1.04])
def test_a_card_file_with_another_pitch_is_refused(name, ratio):
    card = load_card(name)
    with pytest.raises(Refused) as refused:
        read(rendered(card), stretched(card, ratio))
    refusal = refused.value.refusal
    assert refusal.reason is Reason.SCALE_CONFLICT
    assert refusal.observed == pytest.approx(100.0 * abs(1.0 / ratio - 1.0), abs=0.3)
    assert 1.5 <= refusal.limit < 2.5
    assert refusal.unit == "percent"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "settings",
    [
        {"blur_px": 2.0},
        {"noise": 0.03, "exposure_ev": -1.0},
        {"exposure_ev": 1.5},
        {"tilt_deg": 25.0, "shading": 0.6},
        {"mirrored": True},
    ],
    ids=["blur", "noise", "bright", "tilt", "mirror"],
)
def test_a_photo_of_the_right_card_is_not(name, settings):
    card = load_card(name)
    ratio, u_ratio = compared(rendered(card, **settings), card)
    assert abs(ratio - 1.0) < max(0.006, 3.0 * u_ratio)
    assert u_ratio < 0.02


def test_the_uncertainty_covers_the_error():
    card = load_card(NAMES[1])
    pulls = []
    for seed in range(8):
        ratio, u_ratio = compared(rendered(card, seed=seed, noise=0.02), card)
        pulls.append((ratio - 1.0) / u_ratio)
    assert np.abs(pulls).max() < 3.0


@pytest.mark.parametrize("name", NAMES)
def test_covered_patches_decide_nothing(name):
    card = load_card(name)
    whole = rendered(card)
    reading = find_markers(whole, card)
    view = view_card(np.full_like(whole, 127), reading.pose.photo_xy_from_grid, card)
    ratio, u_ratio = pitch_ratio(view, card, whole.shape[:2], blur_mm=0.05)
    assert abs(ratio - 1.0) <= 4.0 * u_ratio


def test_a_thumb_over_half_of_the_patches_is_no_conflict():
    card = load_card(NAMES[0])
    srgb = rendered(card, tilt_deg=0.0)
    reading = read(srgb, card)
    top, left = np.floor(reading.corners_rc_px.min(axis=0)).astype(int)
    bottom, right = np.ceil(reading.corners_rc_px.max(axis=0)).astype(int)
    hidden = srgb.copy()
    hidden[(top + bottom) // 2 - 20 : bottom - 5, left - 15 : (left + right) // 2 + 7] = (200, 140, 120)
    assert read(hidden, card).scale.mm_per_px == pytest.approx(reading.scale.mm_per_px, rel=0.002)


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 0.8])
def test_patches_cut_by_the_edge_of_the_photo_are_no_conflict(share):
    card = load_card(NAMES[0])
    srgb = rendered(card)
    columns = read(srgb, card).corners_rc_px[:, 1]
    edge = int(columns.min() + share * np.ptp(columns))
    assert read(np.ascontiguousarray(srgb[:, :edge]), card).scale.mm_per_px > 0.0
    assert read(np.ascontiguousarray(srgb[:, edge:]), card).scale.mm_per_px > 0.0
