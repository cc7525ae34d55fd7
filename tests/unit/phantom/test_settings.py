"""Settings are checked when they are made."""

from pathlib import Path

import numpy as np
import pytest

from oral_lesion.errors import InputError
from oral_lesion.phantom import LIGHTS, SceneSettings
from oral_lesion.phantom.light import light_gains
from oral_lesion.phantom.settings import random_generator


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"tilt_deg": 90.0}, r"tilt_deg: expected a number in \[0, 60\], got 90.0"),
        ({"card_share": 0.9}, r"card_share: expected a number in \[0.05, 0.6\], got 0.9"),
        ({"site": "buccal left!"}, "site: expected letters.*got 'buccal left!'"),
        ({"site": "../x"}, "site: expected"),
        ({"subject": ""}, "subject: expected"),
        ({"light": "moon"}, "light: expected one of neutral, daylight, .*got 'moon'"),
        ({"background": Path("a.png")}, "background_mask: expected photograph and mask together"),
        ({"background_mask": Path("a.png")}, "background: expected photograph and mask together"),
        (
            {"background": Path("a"), "background_mask": Path("b"), "lesion_areas_mm2": (5.0,)},
            "lesions: a background brings its own",
        ),
        ({"seed": -1}, "seed: expected 0 or more, got -1"),
        ({"exif_orientation": 9}, "exif_orientation: expected"),
        ({"jpeg_quality": 0}, "jpeg_quality: expected"),
        ({"width_px": 10}, "width_px: expected"),
        ({"noise": float("nan")}, "noise: expected"),
        ({"lesion_areas_mm2": (10.0, -1.0)}, "lesion_areas_mm2: expected areas above 0, got -1.0"),
    ],
)
def test_wrong_settings_say_what_was_expected(wrong, message):
    with pytest.raises(InputError, match=message):
        SceneSettings(**wrong)


def test_random_numbers_depend_on_seed_and_words_alone():
    # Pinned: another number here means that all phantoms of earlier versions change.
    assert int(random_generator(7, "a", "b").integers(0, 2**31)) == 1768141530
    assert random_generator(7, "a", "b").random() != random_generator(7, "ab").random()
    assert random_generator(7, "a").random() != random_generator(8, "a").random()


def test_a_grey_keeps_its_luminance_under_all_lights():
    for light in LIGHTS:
        assert light_gains(light, 0.0) @ np.array([0.2126729, 0.7151522, 0.0721750]) == pytest.approx(1.0, abs=1e-4)


def test_lights_have_their_cast():
    warm, cool = light_gains("warm-led", 0.3), light_gains("cool-flash", 0.3)
    green = light_gains("fluorescent", 0.3)
    assert warm[0] > warm[1] > warm[2]
    assert cool[2] > cool[1] > cool[0]
    assert green[1] / np.sqrt(green[0] * green[2]) > warm[1] / np.sqrt(warm[0] * warm[2])
    assert light_gains("neutral", 0.0) == pytest.approx(np.ones(3))
    assert light_gains("tungsten", 1.0) == pytest.approx(np.ones(3), abs=1e-4)
