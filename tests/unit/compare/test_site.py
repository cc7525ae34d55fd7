"""Visits of a site in one frame."""

import numpy as np
import pytest
from tissue_pairs import standardized_of

from oral_lesion.compare import (
    LinkSettings,
    identity_registration,
    label_lesions,
    lay_over_reference,
    link_lesions,
    may_be_mirrored,
    not_assessed,
)
from oral_lesion.errors import InputError
from oral_lesion.measure import measure
from oral_lesion.records import (
    CardReading,
    Mirror,
    ModelIdentity,
    PhotoIdentity,
    Registration,
    RegistrationFailure,
    Scale,
    Segmentation,
    Visit,
)

SHAPE = (300, 400)
SETTINGS = LinkSettings(margin_mm=10.0)
SCALE = Scale(mm_per_px=0.1, u_mm_per_px=0.001, source="by hand")
REFERENCE = standardized_of(np.full((*SHAPE, 3), 0.3, np.float32), np.ones(SHAPE, bool))


def segmentation_of(*discs, valid=None):
    rows, columns = np.indices(SHAPE)
    probability = np.zeros(SHAPE, np.float32)
    for row, column, radius in discs:
        edge = 1.0 / (1.0 + np.exp(np.hypot(rows - row, columns - column) - radius))
        probability = np.maximum(probability, edge.astype(np.float32))
    valid = np.ones(SHAPE, bool) if valid is None else valid
    return Segmentation(
        probability=np.where(valid, probability, np.float32(0)),
        mask=(probability >= 0.5) & valid,
        valid=valid,
        threshold=0.5,
        model=ModelIdentity(name="hand", version="1", sha256="0" * 64),
    )


def laid(name, segmentation, registration=None, smallest_mm2=0.0):
    registration = identity_registration() if registration is None else registration
    measurement = measure(segmentation, SCALE, smallest_lesion_mm2=smallest_mm2)
    return lay_over_reference(name, segmentation, measurement, registration, REFERENCE, SETTINGS)


def shifted(x_px, y_px):
    matrix = np.array([[1.0, 0, x_px], [0, 1.0, y_px], [0, 0, 1.0]])
    return Registration(registered=True, failure=None, baseline_xy_from_follow_up_xy=matrix)


def test_labels_are_those_of_the_measurement():
    segmentation = segmentation_of((80, 90, 20), (200, 300, 40), (250, 60, 4))
    measurement = measure(segmentation, SCALE, smallest_lesion_mm2=2.0)
    labels = label_lesions(segmentation, measurement)
    assert (labels[200, 300], labels[80, 90], labels[250, 60], labels[0, 0]) == (1, 2, 0, 0)


def test_a_measurement_of_another_photo_is_an_input_error():
    other = measure(segmentation_of((80, 90, 20)), SCALE, smallest_lesion_mm2=0)
    with pytest.raises(InputError, match="same photo"):
        label_lesions(segmentation_of((80, 120, 20)), other)
    with pytest.raises(InputError, match="same photo"):
        label_lesions(segmentation_of(), other)


def test_areas_are_those_of_the_photo_itself_not_of_the_frame():
    halved = Registration(
        registered=True, failure=None, baseline_xy_from_follow_up_xy=np.diag([0.8, 0.8, 1.0]).astype(np.float64)
    )
    segmentation = segmentation_of((80, 90, 20))
    measurement = measure(segmentation, SCALE, smallest_lesion_mm2=0)
    visit = laid("b", segmentation, halved)
    assert visit.areas_mm2 == ((1, measurement.area_mm2),)
    assert (visit.labels == 1).sum() * visit.mm_per_px**2 == pytest.approx(0.64 * measurement.area_mm2, rel=0.05)


def test_a_shifted_photo_is_laid_where_it_belongs_and_shows_only_what_it_shows():
    visit = laid("b", segmentation_of((80, 90, 20)), shifted(60.0, 0.0))
    rows, columns = np.nonzero(visit.labels)
    assert (rows.mean() * 2 - 100, columns.mean() * 2 - 100) == pytest.approx((80, 150), abs=1.5)
    assert not visit.in_view[150, : 50 + 29].any()
    assert visit.in_view[100, 50 + 31 : 50 + 200].all()


def test_lesions_beyond_the_reference_photo_are_followed_in_its_margin():
    there = shifted(-80.0, 0.0)
    tracks = link_lesions(
        [laid("a", segmentation_of()), laid("b", segmentation_of((100, 40, 12)), there),
         laid("c", segmentation_of((102, 42, 10)), there)],
        site="s", settings=SETTINGS,
    )  # fmt: skip
    assert [[link.state.value for link in track.links] for track in tracks] == [
        ["not-in-view", "first-seen", "persistent"]
    ]


def test_the_smallest_lesion_is_not_lost_between_pixels():
    segmentation = segmentation_of((81, 91, 0.8))
    visit = laid("a", segmentation)
    assert len(visit.areas_mm2) == 1
    assert (visit.labels == 1).any()


def test_a_photo_that_is_not_registered_is_not_assessed():
    failed = Registration(registered=False, failure=RegistrationFailure.FEW_INLIERS)
    visit = laid("b", segmentation_of((80, 90, 20)), failed)
    assert visit.labels is None
    assert visit.areas_mm2 == not_assessed("b").areas_mm2 == ()


@pytest.mark.parametrize(
    ("mirror", "card_mirrored", "expected"),
    [
        (Mirror.DIRECT, False, False),
        (Mirror.MIRROR, False, True),
        (Mirror.UNDECLARED, False, True),
        (Mirror.MIRROR, True, False),
        (Mirror.UNDECLARED, True, False),
    ],
)
def test_who_may_be_mirrored(mirror, card_mirrored, expected):
    identity = PhotoIdentity(
        photo_id="a", file="a.jpg", sha256="0" * 64, subject_id="S", visit=Visit(name="V"), mirror=mirror
    )
    card = CardReading(
        card="c",
        patch_linear_rgb=np.zeros((1, 3)),
        patch_sd=np.zeros((1, 3)),
        patch_clipped_fraction=np.zeros(1),
        patch_accepted=np.ones(1, bool),
        corners_rc_px=np.zeros((4, 2)),
        photo_xy_from_card_mm=np.eye(3),
        scale=SCALE,
        tilt_deg=0.0,
        blur_px=1.0,
        pitch_px=20.0,
        mirrored=card_mirrored,
    )
    assert may_be_mirrored(identity, card) is expected
