"""What of a photo counts as tissue, and what its fine structure does not depend on."""

import cv2
import numpy as np
import pytest
from tissue_pairs import standardized_of

from oral_lesion.compare import RegistrationSettings
from oral_lesion.compare.features import find_features, match_mutually, match_nearby, tissue_picture

SETTINGS = RegistrationSettings()


def mucosa(seed=0, shape=(400, 500)):
    rng = np.random.default_rng(seed)
    tone = cv2.GaussianBlur(rng.normal(0, 1, size=shape).astype(np.float32), (0, 0), 4) * 2.0
    return np.clip(np.array([0.5, 0.2, 0.18]) * (1 + 0.5 * tone[..., None]), 0.02, 1).astype(np.float32)


def picture_of(linear, valid=None, **options):
    valid = np.ones(linear.shape[:2], bool) if valid is None else valid
    return tissue_picture(standardized_of(linear, valid), SETTINGS, **options)


@pytest.mark.parametrize(
    ("color", "what"),
    [((0.72, 0.66, 0.5), "tooth"), ((0.4, 0.4, 0.41), "retractor"), ((1, 1, 1), "reflection"), ((0.01, 0, 0), "dark")],
)
def test_what_is_no_tissue_is_left_out(color, what):
    linear = mucosa()
    linear[100:180, 200:300] = color
    tissue = picture_of(linear).tissue
    assert tissue.shape == (200, 250)
    assert not tissue[50:90, 100:150].any(), what
    assert tissue[120:-4, 4:-4].all()
    assert tissue[4:-4, 4:80].all()


def test_the_card_is_left_out_with_a_margin():
    valid = np.ones((400, 500), bool)
    valid[:150, :200] = False
    tissue = picture_of(mucosa(), valid).tissue
    assert not tissue[:77, :102].any()
    assert tissue[90:-4, 120:-4].all()


def test_a_photo_without_tissue_has_no_features():
    picture = picture_of(np.full((300, 300, 3), 0.4, np.float32))
    assert not picture.tissue.any()
    assert len(find_features(picture, SETTINGS).xy_mm) == 0
    nothing = picture_of(mucosa(), np.zeros((400, 500), bool))
    assert not nothing.tissue.any()


def test_structure_does_not_depend_on_exposure_or_white_balance():
    linear = mucosa()
    one, other = picture_of(linear), picture_of(np.clip(linear * np.array([0.7, 0.6, 0.8], np.float32), 0, 1))
    both = one.tissue & other.tissue
    assert np.corrcoef(one.structure[both], other.structure[both])[0, 1] > 0.99


def test_features_lie_where_they_are_in_mm():
    y, x = np.indices((400, 500))
    spot = 0.8 * np.exp(-((x - 310.0) ** 2 + (y - 150.0) ** 2) / (2 * 6.0**2)) + 0.3 * (np.hypot(x - 330, y - 150) < 9)
    linear = (np.array([0.5, 0.2, 0.18]) * (1 - 0.8 * np.minimum(spot, 1.0))[..., None]).astype(np.float32)
    xy_mm = find_features(picture_of(linear), SETTINGS).xy_mm
    assert np.hypot(*(xy_mm - (31.0, 15.0)).T).min() < 0.06


def test_a_mirrored_picture_has_its_features_on_the_other_side():
    linear = mucosa()[:, :499]
    direct, mirrored = picture_of(linear[:, ::-1].copy()), picture_of(linear, mirrored=True)
    np.testing.assert_array_equal(direct.structure, mirrored.structure)


def test_a_photo_matches_itself_and_nothing_in_another():
    features = find_features(picture_of(mucosa(1)), SETTINGS)
    pairs = match_mutually(features, features)
    assert len(pairs) > 0.8 * len(features.xy_mm)
    assert (pairs[:, 0] == pairs[:, 1]).mean() > 0.99
    other = find_features(picture_of(mucosa(2)), SETTINGS)
    assert len(match_mutually(features, other)) < 0.5 * len(features.xy_mm)


def test_matches_nearby_lie_nearby():
    features = find_features(picture_of(mucosa(1)), SETTINGS)
    pairs = match_nearby(features, features, features.xy_mm + np.array([0.5, 0.0]), 1.0)
    assert len(pairs) > 0.8 * len(features.xy_mm)
    shifted = features.xy_mm + np.array([0.5, 0.0])
    assert np.hypot(*(features.xy_mm[pairs[:, 0]] - shifted[pairs[:, 1]]).T).max() <= 1.0
    assert len(match_nearby(features, features, features.xy_mm + np.array([500.0, 0.0]), 1.0)) == 0


def test_no_more_features_than_asked_for():
    few = RegistrationSettings(most_features=50)
    assert len(find_features(picture_of(mucosa()), few).xy_mm) == 50
