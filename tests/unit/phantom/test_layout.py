"""Card and lesions keep apart, stay in view, and stay put from visit to visit."""

import math

import numpy as np
import pytest

from oral_lesion.errors import InputError
from oral_lesion.io.settings import load_card
from oral_lesion.phantom import LesionShape, SceneSettings
from oral_lesion.phantom.chart import CardPose, card_outside_mm
from oral_lesion.phantom.layout import lay_out


def test_outside_is_the_makers(nano):
    assert card_outside_mm(nano) == (40.0, 24.0)


def test_outside_is_derived_where_it_is_unknown(nano):
    sizes = {"outer_mm": None, "pitch_mm": 5.8, "patch_mm": 3.95, "pitch_y_mm": 4.96, "patch_y_mm": 3.35}
    unknown = nano.model_copy(update=sizes)
    assert card_outside_mm(unknown) == pytest.approx((5 * 5.8 + 3.95 + 0.6 * 5.8, 3 * 4.96 + 3.35 + 0.6 * 5.8))


def test_distance_from_the_card():
    pose = CardPose(size_mm=(40.0, 24.0), centre_xy_mm=(10.0, 5.0), turn_deg=90.0)
    assert pose.distance_mm((10.0, 20.0)) == 0.0
    assert pose.distance_mm((10.0, 28.0)) == pytest.approx(3.0)
    assert pose.distance_mm((25.0, 29.0)) == pytest.approx(5.0)


def test_scale_follows_from_the_card_share(nano):
    camera = lay_out(SceneSettings(card_share=0.25, tilt_deg=14), nano, None)
    assert camera.camera.mm_per_px(camera.card.centre_xy_mm) == pytest.approx(40 / (0.25 * 1600), rel=1e-9)


@pytest.mark.parametrize("card", ["colorchecker-classic-nano", "colorchecker-classic"])
@pytest.mark.parametrize("size", [(1600, 1200), (900, 1600), (1920, 1080)])
def test_any_share_and_tilt_in_range_gives_a_scene_in_view(card, size):
    definition = load_card(card)
    rng = np.random.default_rng(20261123)
    for seed in range(25):
        share, tilt = float(rng.uniform(0.12, 0.35)), float(rng.uniform(0, 20))
        settings = SceneSettings(seed=seed, card_share=share, tilt_deg=tilt, width_px=size[0], height_px=size[1])
        layout = lay_out(settings, definition, None)
        points = [layout.card.corners_xy_mm(), *(lesion.outline_xy_mm() for lesion in layout.lesions)]
        seen = layout.camera.project(np.concatenate(points))
        assert seen.min() > 0, (seed, share, tilt)
        assert (seen < (size[0] - 1, size[1] - 1)).all(), (seed, share, tilt)


def test_lesions_keep_clear_of_the_card_at_all_visits(nano):
    for seed in range(25):
        for visit in ("week-00", "week-04", "week-08"):
            layout = lay_out(SceneSettings(seed=seed, visit=visit, tilt_deg=10), nano, None)
            for lesion in layout.lesions:
                nearest = min(layout.card.distance_mm((float(x), float(y))) for x, y in lesion.outline_xy_mm()[::8])
                assert nearest > 0.1, (seed, visit)


def test_lesions_stay_put_and_shrink(nano):
    baseline = lay_out(SceneSettings(visit="week-00"), nano, None)
    later = lay_out(SceneSettings(visit="week-04", area_factor=0.5), nano, None)
    assert [lesion.centre_xy_mm for lesion in later.lesions] == [lesion.centre_xy_mm for lesion in baseline.lesions]
    for before, after in zip(baseline.lesions, later.lesions, strict=True):
        assert after.area_mm2 == pytest.approx(before.area_mm2 / 2)
    assert later.card != baseline.card


def test_healed_means_no_lesion(nano):
    assert lay_out(SceneSettings(area_factor=0.0), nano, None).lesions == ()
    assert lay_out(SceneSettings(lesion_areas_mm2=()), nano, None).lesions == ()


def test_too_many_lesions_are_refused(nano):
    with pytest.raises(
        InputError, match="lesion_areas_mm2: expected lesions that fit beside the card into 114 × 86 mm"
    ):
        lay_out(SceneSettings(lesion_areas_mm2=(900.0,) * 8), nano, None)


def test_own_lesions_must_keep_apart(nano):
    pair = (LesionShape(area_mm2=80, centre_xy_mm=(-20, -20)), LesionShape(area_mm2=80, centre_xy_mm=(-14, -20)))
    with pytest.raises(InputError, match="lesion 1 overlaps lesion 2"):
        lay_out(SceneSettings(lesions=pair), nano, None)
    apart = (pair[0], LesionShape(area_mm2=80, centre_xy_mm=(-20 + 2.02 * math.sqrt(80 / math.pi), -20)))
    assert lay_out(SceneSettings(lesions=apart), nano, None).lesions == apart


def test_own_lesion_on_the_card_is_refused(nano):
    card = lay_out(SceneSettings(), nano, None).card
    lesion = LesionShape(area_mm2=30, centre_xy_mm=card.centre_xy_mm)
    with pytest.raises(InputError, match="lesion 1 overlaps the card"):
        lay_out(SceneSettings(lesions=(lesion,)), nano, None)
    assert lay_out(SceneSettings(lesions=(lesion,), with_card=False), nano, None).lesions == (lesion,)


def test_own_lesion_out_of_view_only_when_asked(nano):
    far = (LesionShape(area_mm2=60, centre_xy_mm=(-75, -10)),)
    with pytest.raises(InputError, match="do not fit"):
        lay_out(SceneSettings(lesions=far), nano, None)
    assert lay_out(SceneSettings(lesions=far, lesions_in_view=False), nano, None).lesions == far
