"""The protocol: nothing assumed, everything hashed, all faults at once."""

import copy

import pytest
from pydantic import ValidationError

from oral_lesion.errors import SettingsError
from oral_lesion.protocol import ScoringProtocol

PATCHES = [{"name": f"patch {number}", "lab_d50": [50.0, 0.0, float(number)]} for number in range(24)]
SETTINGS = {
    "schema_version": 2,
    "name": "test",
    "version": "1",
    "card": {
        "name": "test-card",
        "title": "Test card",
        "rows": 4,
        "columns": 6,
        "pitch_mm": 10.0,
        "patch_mm": 8.0,
        "u_pitch_percent": 0.1,
        "reference": "test",
        "patches": PATCHES,
    },
    "standardization": {"working_mm_per_px": 0.1, "max_working_megapixels": 6.0},
    "limits": {
        "min_pitch_px": 12.0,
        "max_mm_per_px": 0.2,
        "max_tilt_deg": 35.0,
        "max_blur_mm": 0.5,
        "max_blur_pitch_ratio": 0.12,
        "min_accepted_patches": 18,
        "max_clipped_patches": 3,
        "min_white_linear": 0.08,
        "max_u_scale_percent": 4.0,
        "max_delta_e00_median": 6.0,
        "max_delta_e00_max": 20.0,
        "max_motion_blur_mm": 1.0,
        "max_tissue_blur_mm": 1.0,
        "max_tissue_clipped_percent": 15.0,
        "max_tissue_glare_percent": 15.0,
        "min_card_share_percent": 5.0,
        "min_working_distance_mm": 80.0,
        "min_jpeg_quality": 25,
    },
    "segmentation": {"threshold": "bundle", "smallest_lesion_mm2": 1.0},
    "uncertainty": {"card_plane_offset_mm": 5.0, "working_distance_mm": 250.0, "max_lesion_plane_tilt_deg": 15.0},
}


def leaves(settings, path=()):
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        elif key != "patches":
            yield (*path, key), value


def changed(path, value):
    settings = copy.deepcopy(SETTINGS)
    section = settings
    for key in path[:-1]:
        section = section[key]
    section[path[-1]] = value
    return settings


def test_equal_settings_have_equal_hashes():
    first = ScoringProtocol.from_settings(SETTINGS, source="a")
    second = ScoringProtocol.from_settings(copy.deepcopy(SETTINGS), source="b")
    assert first.sha256 == second.sha256
    assert first == second


@pytest.mark.parametrize(("path", "value"), [leaf for leaf in leaves(SETTINGS) if leaf[0] not in {("schema_version",)}])
def test_every_setting_is_needed_and_enters_the_hash(path, value):
    if path[-1] not in {"rows", "columns"}:
        other = (
            0.4321 if value == "bundle" else value + "x" if isinstance(value, str) else type(value)(value * 1.01 + 1)
        )
        if path[-1] in {"min_white_linear"}:
            other = 0.5
        if path[-1] == "patch_mm":
            other = 9.0
        original = ScoringProtocol.from_settings(SETTINGS, source="a")
        assert ScoringProtocol.from_settings(changed(path, other), source="a").sha256 != original.sha256
    without = changed(path, None)
    with pytest.raises(SettingsError, match=r"\.".join(path)):
        ScoringProtocol.from_settings(without, source="a")


def test_three_mistakes_are_named_at_once():
    settings = changed(("limits", "max_tilt_deg"), 120)
    settings["standardization"]["working_mm_per_px"] = -1
    settings["segmentation"]["treshold"] = 0.5
    with pytest.raises(SettingsError) as raised:
        ScoringProtocol.from_settings(settings, source="mine.toml")
    message = str(raised.value)
    assert "mine.toml: 3 faults" in message
    for key in ("limits.max_tilt_deg", "standardization.working_mm_per_px", "segmentation.treshold"):
        assert key in message


def test_a_card_must_fill_its_grid():
    with pytest.raises(SettingsError, match="patches"):
        ScoringProtocol.from_settings(changed(("card", "patches"), PATCHES[:-1]), source="a")


def test_it_is_frozen():
    protocol = ScoringProtocol.from_settings(SETTINGS, source="a")
    with pytest.raises(ValidationError):
        protocol.name = "other"
