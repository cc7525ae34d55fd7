"""Cards with markers: found where three agree, and never where they are not."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from oral_lesion.errors import Flag, InputError, Reason, Refused
from oral_lesion.io.settings import load_card, load_protocol
from oral_lesion.numerics.geometry import apply_homography_xy, local_scale
from oral_lesion.numerics.markers import marker_cells
from oral_lesion.phantom import SceneSettings
from oral_lesion.phantom.render import render_scene
from oral_lesion.records import Photo, PhotoIdentity, Visit
from oral_lesion.standardize.marker_card import read_marker_card
from oral_lesion.standardize.marker_edges import marker_corners_grid
from oral_lesion.standardize.markers import count_markers, find_markers

CARD, STRIP = load_card("open-card-54x86"), load_card("open-strip-15x60")
MEASURED = CARD.model_copy(update={"nominal_colors": False, "batch": "B1"})
PROTOCOL = load_protocol()


def rendered(card=CARD, **settings):
    share = 0.5 if card is CARD else 0.4
    settings = {"seed": 5, "tilt_deg": 10.0, "card_share": share, "lesion_areas_mm2": (5.0,)} | settings
    return render_scene(SceneSettings(width_px=1000, height_px=750, **settings), card)


@pytest.fixture(scope="module")
def scene():
    return rendered()


def photo_of(srgb):
    identity = PhotoIdentity(photo_id="a", file="a.png", sha256="0" * 64, subject_id="S1", visit=Visit(name="baseline"))
    return Photo(identity=identity, srgb=srgb)


def read(srgb, card=CARD, uncertainty=PROTOCOL.uncertainty):
    return read_marker_card(photo_of(srgb), card, limits=PROTOCOL.limits, uncertainty=uncertainty)


def mm_per_px(reading):
    return 1.0 / float(local_scale(reading.photo_xy_from_card_mm, reading.pose.centre_mm))


def covered(srgb, reading, ids, card=CARD, spread=1.4):
    """Lay a flesh-coloured finger over markers."""
    hidden = srgb.copy()
    for marker_id in ids:
        corners = apply_homography_xy(reading.pose.photo_xy_from_grid, marker_corners_grid(card, marker_id))
        middle = corners.mean(axis=0)
        cv2.fillConvexPoly(hidden, np.rint(middle + spread * (corners - middle)).astype(np.int32), (200, 140, 120))
    return hidden


@pytest.mark.parametrize("marker_id", range(50))
def test_opencv_reads_each_pattern_as_its_id(marker_id):
    picture = np.full((10, 10), 255, np.uint8)
    picture[2:8, 2:8] = 255 * marker_cells(marker_id)
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50))
    _, ids, _ = detector.detectMarkers(np.kron(picture, np.ones((12, 12), np.uint8)))
    assert ids.ravel().tolist() == [marker_id]


def test_the_two_cards_share_no_marker():
    assert not {m.id for m in CARD.markers.placed} & {m.id for m in STRIP.markers.placed}


def test_corners_lie_on_the_pose_to_a_fraction_of_a_pixel(scene):
    reading = find_markers(scene.srgb, CARD)
    assert reading.ids == tuple(marker.id for marker in CARD.markers.placed)
    grid = np.stack([marker_corners_grid(CARD, marker_id) for marker_id in reading.ids])
    away = apply_homography_xy(reading.pose.photo_xy_from_grid, grid)[..., ::-1] - reading.corners_rc_px
    assert np.abs(away).max() < 0.3
    flat = away.reshape(-1, 2)
    np.testing.assert_allclose(reading.residual_covariance_px2, flat.T @ flat / len(flat))
    assert mm_per_px(reading) == pytest.approx(scene.truth.mm_per_px, rel=0.001)
    assert not reading.mirrored


@pytest.mark.parametrize("card", [CARD, STRIP], ids=["card", "strip"])
def test_the_mirrored_picture_is_recognised(card):
    scene = rendered(card, mirrored=True)
    reading = find_markers(scene.srgb, card)
    assert reading.mirrored
    assert mm_per_px(reading) == pytest.approx(scene.truth.mm_per_px, rel=0.003)
    flipped = find_markers(np.ascontiguousarray(scene.srgb[:, ::-1]), card)
    assert not flipped.mirrored
    assert mm_per_px(flipped) == pytest.approx(mm_per_px(reading), rel=0.002)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_picture_has_the_same_scale(scene, turns):
    reading = find_markers(np.ascontiguousarray(np.rot90(scene.srgb, turns)), CARD)
    assert not reading.mirrored
    assert mm_per_px(reading) == pytest.approx(scene.truth.mm_per_px, rel=0.002)


def test_three_markers_of_six_suffice_and_two_do_not(scene):
    ids = [marker.id for marker in CARD.markers.placed]
    whole = find_markers(scene.srgb, CARD)
    three = find_markers(covered(scene.srgb, whole, ids[:3]), CARD)
    assert three.ids == tuple(ids[3:])
    assert mm_per_px(three) == pytest.approx(scene.truth.mm_per_px, rel=0.005)
    assert find_markers(covered(scene.srgb, whole, ids[:4]), CARD) is None


def test_a_strip_with_one_marker_hidden_is_still_right():
    scene = rendered(STRIP)
    whole = find_markers(scene.srgb, STRIP)
    for marker in STRIP.markers.placed:
        reading = find_markers(covered(scene.srgb, whole, [marker.id], STRIP, spread=1.1), STRIP)
        assert marker.id not in reading.ids
        assert mm_per_px(reading) == pytest.approx(scene.truth.mm_per_px, rel=0.005)


def test_one_side_of_the_card_tells_less_and_says_so(scene):
    level = PROTOCOL.uncertainty.model_copy(update={"max_lesion_plane_tilt_deg": 0.0})
    whole = read(scene.srgb, uncertainty=level)
    right = int(find_markers(scene.srgb, CARD).corners_rc_px[[1, 3, 5], :, 1].min()) - 8
    half = read(np.ascontiguousarray(scene.srgb[:, :right]), uncertainty=level)
    assert half.scale.relative_u > 1.5 * whole.scale.relative_u
    assert half.scale.mm_per_px == pytest.approx(scene.truth.mm_per_px, rel=3.0 * half.scale.relative_u)


def renumbered(card, ids):
    placed = tuple(marker.model_copy(update={"id": new}) for marker, new in zip(card.markers.placed, ids, strict=True))
    return card.model_copy(update={"markers": card.markers.model_copy(update={"placed": placed})})


def test_other_ids_are_not_accepted(scene):
    other = rendered(renumbered(CARD, range(6)))
    assert count_markers(other.srgb) == 6
    assert find_markers(other.srgb, CARD) is None
    assert find_markers(scene.srgb, STRIP) is None
    with pytest.raises(Refused) as refused:
        read(other.srgb)
    assert refused.value.refusal.reason is Reason.WRONG_CARD


def test_own_ids_in_other_places_are_not_accepted():
    ids = [marker.id for marker in CARD.markers.placed]
    assert find_markers(rendered(renumbered(CARD, ids[::-1][1:] + ids[-1:])).srgb, CARD) is None


def test_two_cards_in_view_are_refused():
    scene = rendered(card_share=0.35, tilt_deg=0.0)
    twice = np.concatenate([scene.srgb, scene.srgb], axis=1)
    assert find_markers(twice, CARD).cards == 2
    with pytest.raises(Refused) as refused:
        read(twice)
    assert refused.value.refusal.reason is Reason.SEVERAL_CARDS


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (47, 47), (48, 48), (300, 400)])
@pytest.mark.parametrize("kind", ["black", "white", "noise", "chessboard"])
def test_pictures_without_markers_have_none(shape, kind):
    noise = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    board = (np.add.outer(np.arange(shape[0]) // 9, np.arange(shape[1]) // 9) % 2 * 255).astype(np.uint8)
    pictures = {
        "black": np.zeros((*shape, 3), np.uint8),
        "white": np.full((*shape, 3), 255, np.uint8),
        "noise": noise,
        "chessboard": np.repeat(board[..., None], 3, axis=2),
    }
    assert find_markers(pictures[kind], CARD) is None
    with pytest.raises(Refused) as refused:
        read(pictures[kind])
    assert refused.value.refusal.reason is Reason.NO_CARD


def test_a_scene_without_a_card_has_none():
    assert find_markers(rendered(with_card=False).srgb, CARD) is None


def test_a_card_without_markers_is_an_input_error():
    with pytest.raises(InputError, match="markers"):
        find_markers(np.zeros((100, 100, 3), np.uint8), load_card("colorchecker-classic"))


def test_unmeasured_colours_are_not_read(scene):
    reading = read(scene.srgb)
    assert reading.scale.source == "open-card-54x86 markers"
    assert reading.scale.mm_per_px == pytest.approx(scene.truth.mm_per_px, rel=0.001)
    assert 0.005 < reading.scale.relative_u < 0.04
    assert reading.tilt_deg == pytest.approx(10.0, abs=1.0)
    assert not reading.patch_accepted.any()
    assert np.isnan(reading.patch_linear_rgb).all()
    assert reading.flags == ()


def test_measured_colours_are_read(scene):
    reading = read(scene.srgb, MEASURED)
    assert reading.patch_accepted.all()
    greys = reading.patch_linear_rgb[:6]
    assert (np.diff(greys.mean(axis=1)) < 0).all()
    assert reading.flags == ()


def test_a_patch_out_of_the_picture_is_rejected(scene):
    whole = find_markers(scene.srgb, MEASURED)
    corners = apply_homography_xy(whole.pose.photo_xy_from_grid, [(4.7, 0.0), (4.7, 2.0)])
    reading = read(np.ascontiguousarray(scene.srgb[:, : int(corners[:, 0].min())]), MEASURED)
    assert reading.patch_accepted.reshape(3, 6).tolist() == [[True] * 5 + [False]] * 3
    assert Flag.PATCHES_REJECTED in reading.flags


@pytest.mark.parametrize(("exposure_ev", "reason"), [(-4.0, Reason.CARD_DARK), (2.5, Reason.CARD_CLIPPED)])
def test_unreadable_colours_are_refused_only_where_they_count(exposure_ev, reason):
    srgb = rendered(exposure_ev=exposure_ev, noise=0.001).srgb
    with pytest.raises(Refused) as refused:
        read(srgb, MEASURED)
    assert refused.value.refusal.reason is reason
    assert read(srgb).scale.mm_per_px > 0


def test_a_blurred_card_says_so():
    reading = read(rendered(blur_px=2.6).srgb)
    assert reading.blur_px == pytest.approx(2.6, rel=0.15)
    assert Flag.BLUR_MARGINAL in reading.flags


@pytest.mark.parametrize("gamma", [0.5, 2.0])
@pytest.mark.parametrize("card", [CARD, STRIP], ids=["card", "strip"])
def test_markers_that_look_thicker_or_thinner_leave_the_scale(card, gamma):
    scene = rendered(card, blur_px=1.5)
    bent = np.rint(255.0 * (scene.srgb / 255.0) ** gamma).astype(np.uint8)
    plain, reading = find_markers(scene.srgb, card), find_markers(bent, card)
    assert abs(plain.growth_mm) < 0.01
    assert (reading.growth_mm > 0.03) if gamma > 1 else (reading.growth_mm < -0.03)
    assert mm_per_px(reading) == pytest.approx(scene.truth.mm_per_px, rel=0.003)


REAL = Path(__file__).parents[4] / "shared" / "data" / "colorcards" / "images"


@pytest.mark.realdata
@pytest.mark.skipif(not REAL.is_dir(), reason="the photographs are not there")
def test_photographs_with_other_markers_or_none_have_no_open_card():
    seen = 0
    for path in sorted(REAL.iterdir()):
        picture = cv2.imread(str(path))
        if picture is None:
            continue
        ratio = min(1.0, 1000 / max(picture.shape))
        srgb = np.ascontiguousarray(
            cv2.resize(picture, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)[..., ::-1]
        )
        seen += count_markers(srgb) >= 3
        assert find_markers(srgb, CARD) is None, path.name
        assert find_markers(srgb, STRIP) is None, path.name
    assert seen >= 8
