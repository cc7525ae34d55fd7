"""A subject's photos in the order of visits, and which of them is followed."""

import datetime as dt
from pathlib import Path

import pytest
from endpoint_records import photo_of, settings_of

from oral_lesion.compare import ComparisonSettings
from oral_lesion.errors import Reason
from oral_lesion.io.scored_visits import StoredScore
from oral_lesion.io.site_histories import follow_site, history_of_subject
from oral_lesion.records import Mirror, ModelIdentity, PhotoIdentity, Visit

SETTINGS = settings_of()


def stored(visit, photo, *, site="buccal-left", day=None):
    date = None if day is None else dt.date(2026, 3, day)
    identity = PhotoIdentity(
        photo_id=photo.photo_id, file=f"{photo.photo_id}.jpg", sha256=photo.sha256, subject_id="S01",
        visit=Visit(name=visit, date=date), site=site, replicate=photo.replicate, mirror=photo.mirror,
    )  # fmt: skip
    model = ModelIdentity(name="m", version="1", sha256="ab" * 32)
    return StoredScore(identity=identity, photo=photo, pictures=Path("nowhere"), threshold=0.5, model=model)


def history(*scores):
    return history_of_subject("S01", scores, SETTINGS)


def test_unscheduled_visits_follow_the_schedule_by_date_then_by_name():
    scores = [
        stored("zeta", photo_of("a", 1.0), day=5),
        stored("beta", photo_of("b", 1.0)),
        stored("alpha", photo_of("c", 1.0), day=20),
        stored("week-02", photo_of("d", 1.0)),
        stored("gamma", photo_of("e", 1.0)),
    ]
    expected = ("week-00", "week-02", "week-04", "zeta", "alpha", "beta", "gamma")
    assert history(*scores).visits == history(*scores[::-1]).visits == expected


def test_photos_are_put_together_by_site_and_visit():
    subject = history(
        stored("week-00", photo_of("b", 2.0), day=1),
        stored("week-00", photo_of("a", 1.0), day=1),
        stored("week-00", photo_of("c", 3.0), site=None),
        stored("week-02", photo_of("d", 4.0), day=15),
    )
    assert subject.sites == ("buccal-left",)
    groups = {(one.site, one.visit.name): one for one in subject.site_visits}
    assert set(groups) == {("buccal-left", "week-00"), ("buccal-left", "week-02"), (None, "week-00")}
    first, then = groups["buccal-left", "week-00"], groups["buccal-left", "week-02"]
    assert [photo.photo_id for photo in first.photos] == ["a", "b"]
    assert then.study_day - first.study_day == 14
    assert groups[None, "week-00"].study_day is None


@pytest.mark.parametrize(
    ("photos", "followed"),
    [
        ((photo_of("worse", 5.0, used=0.9), photo_of("better", 1.0, used=0.1)), "better"),
        ((photo_of("mirror", 5.0, used=0.1, mirror=Mirror.MIRROR), photo_of("direct", 1.0, used=0.9)), "direct"),
        ((photo_of("refused", refusal=Reason.BLURRED), photo_of("scored", 1.0)), "scored"),
        ((photo_of("refused", refusal=Reason.BLURRED),), None),
    ],
)
def test_the_photo_that_counts_is_followed(photos, followed):
    subject = history(*(stored("week-00", photo) for photo in photos))
    found, loaded = follow_site(subject, "buccal-left", ComparisonSettings(), SETTINGS)
    first = found.photos[0]
    assert (None if first is None else first.photo.photo_id) == followed
    assert found.photos[1:] == (None, None)
    # Its pictures are nowhere: that is said, and breaks nothing.
    assert (found.failure != "") == (followed is not None)
    assert loaded == (None, None, None)
    if followed is None:
        assert found.tracks == ()
