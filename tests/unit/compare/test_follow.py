"""Scored photos of a site in, its lesions through the visits out."""

import numpy as np
import pytest
from tissue_pairs import MM_PER_PX, STRAIGHT, Pose, drawn_tissue, photographed, tissue_from_standard

from oral_lesion.compare import ComparisonSettings, follow_lesions
from oral_lesion.errors import Reason, Refusal
from oral_lesion.measure import measure
from oral_lesion.records import LesionState, Mirror, ModelIdentity, PhotoIdentity, PhotoScore, Segmentation, Visit

SETTINGS = ComparisonSettings()
FIELD_MM = (48.0, 36.0)


def identity_of(name, sha):
    return PhotoIdentity(
        photo_id=name, file=f"{name}.jpg", sha256=sha * 64, subject_id="S", visit=Visit(name=name), mirror=Mirror.DIRECT
    )


def score_of(name, pose, discs_mm, sha, seed=0):
    """A photo of drawn tissue with lesions (x, y, radius) in mm on it, scored with their true outlines."""
    photo = photographed(drawn_tissue(seed), pose, FIELD_MM, np.random.default_rng([seed, ord(sha)]))
    rows, columns = np.indices(photo.valid.shape)
    xy = np.stack([columns.ravel(), rows.ravel()], axis=1)
    places = tissue_from_standard(pose, photo.valid.shape)(xy).reshape(*photo.valid.shape, 2)
    probability = np.zeros(photo.valid.shape, np.float32)
    for x, y, radius in discs_mm:
        away = np.hypot(places[..., 0] - x, places[..., 1] - y) - radius
        probability = np.maximum(probability, (1 / (1 + np.exp(np.clip(away / MM_PER_PX, -30, 30)))).astype(np.float32))
    segmentation = Segmentation(
        probability=probability,
        mask=probability >= 0.5,
        valid=photo.valid,
        threshold=0.5,
        model=ModelIdentity(name="true outlines", version="1", sha256="0" * 64),
    )
    outcome = measure(segmentation, photo.scale, smallest_lesion_mm2=0)
    return PhotoScore(identity=identity_of(name, sha), outcome=outcome, standardized=photo, segmentation=segmentation)


@pytest.fixture(scope="module")
def baseline():
    return score_of("a", STRAIGHT, [(0, 0, 3), (6, -4, 1.5)], "1")


def test_lesions_through_a_refused_a_repeated_and_a_missing_visit(baseline):
    refused = PhotoScore(identity=identity_of("b", "2"), outcome=Refusal(reason=Reason.NO_CARD))
    last = score_of("e", Pose(rotation_deg=15.0, shift_mm=(1.0, 2.0), tilt_deg=8.0, seed=3), [(0.2, 0, 2)], "3")
    again = PhotoScore(
        identity=identity_of("c", "1"), outcome=baseline.outcome, standardized=baseline.standardized,
        segmentation=baseline.segmentation,
    )  # fmt: skip
    followed = follow_lesions(
        [("a", baseline), ("b", refused), ("c", again), ("d", None), ("e", last)], site="buccal-left", settings=SETTINGS
    )
    assert followed.same_photo_as == (None, None, "a", None, None)
    assert [one is not None and one.registered for one in followed.registrations] == [True, False, False, False, True]
    unknown = [LesionState.NOT_ASSESSED] * 3
    assert {track.lesion_id: [link.state for link in track.links] for track in followed.tracks} == {
        "buccal-left-01": [LesionState.FIRST_SEEN, *unknown, LesionState.PERSISTENT],
        "buccal-left-02": [LesionState.FIRST_SEEN, *unknown, LesionState.HEALED],
    }
    assert followed.tracks[0].links[-1].area_mm2 == last.outcome.lesions[0].area_mm2


def test_lesions_of_another_mouth_are_not_linked(baseline):
    other = score_of("b", STRAIGHT, [(0, 0, 3)], "4", seed=1)
    followed = follow_lesions([("a", baseline), ("b", other)], site="buccal-left", settings=SETTINGS)
    assert not followed.registrations[1].registered
    assert {track.links[1].state for track in followed.tracks} == {LesionState.NOT_ASSESSED}


def test_a_site_without_an_accepted_photo_has_no_lesions():
    followed = follow_lesions([("a", None), ("b", None)], site="buccal-left", settings=SETTINGS)
    assert (followed.registrations, followed.tracks) == ((None, None), ())
