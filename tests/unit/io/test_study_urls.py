"""A study at a URL: the same photos as in a folder, and nothing shown that lets one in."""

import pickle

import pytest
from PIL import Image

from oral_lesion.errors import InputError, Reason, Refused, SettingsError
from oral_lesion.io import study_urls
from oral_lesion.io.study_folders import find_study
from oral_lesion.io.study_urls import PhotoAtUrl, is_url, study_place, without_secrets
from oral_lesion.io.visits import read_entry

fsspec = pytest.importorskip("fsspec", reason="the extra scale is not installed")

SECRET = "hunter2"  # noqa: S105 - of nothing


@pytest.fixture
def photos(tmp_path):
    """Two subjects, three photos, one file that is none, and strata."""
    for name in ("S-001/week-00/buccal-left.jpg", "S-001/week-04/buccal-left.jpg", "S-002/week-00/a b.png"):
        path = tmp_path / "study" / name
        path.parent.mkdir(parents=True)
        Image.merge("RGB", [Image.effect_noise((80, 70), 40) for _ in range(3)]).save(path)
    (tmp_path / "study" / "subjects.csv").write_text("subject\nS-001\nS-002\n")
    (tmp_path / "study" / "S-001" / "notes.txt").write_text("dear")
    return tmp_path / "study"


@pytest.fixture
def bucket(photos):
    """The same in a bucket: a file system in memory."""
    files = fsspec.filesystem("memory")
    files.put(str(photos), "/bucket/study", recursive=True)
    yield "memory://bucket/study"
    files.rm("/bucket", recursive=True)


def found_at(study):
    with study_place(study) as place:
        return place.find(place.path, ["week-00", "week-04"]), (place.path.parent / "subjects.csv").exists()


def test_a_url_gives_the_photos_of_the_folder(photos, bucket):
    there = find_study(photos, ["week-00", "week-04"])
    wanted = [entry.identity for visit in there.visits for entry in visit.found]
    assert (len(wanted), there.left_alone) == (3, ("S-001/notes.txt",))
    for study in (bucket, photos.as_uri(), bucket + "/"):
        found, has_strata = found_at(study)
        assert [entry.identity for visit in found.visits for entry in visit.found] == wanted
        assert (found.left_alone, has_strata) == (("S-001/notes.txt",), True)
        assert [visit.place for visit in found.visits] == [visit.place for visit in there.visits]


def test_photos_are_read_where_they_lie_also_by_another_process(photos):
    found, _ = found_at(photos.as_uri())
    entry = pickle.loads(pickle.dumps(found.visits[0].found[0]))  # noqa: S301 - made here
    assert not entry.path.exists()
    assert read_entry(entry).srgb.shape == (70, 80, 3)
    (photos / "S-001" / "week-00" / "buccal-left.jpg").write_bytes(b"another")
    with pytest.raises(Refused) as caught:
        read_entry(entry)
    assert "changed after" in caught.value.refusal.detail


def test_a_manifest_at_a_url(bucket):
    files = fsspec.filesystem("memory")
    rows = (
        "path,subject,visit,site\nS-001/week-00/buccal-left.jpg,S-9,week-00,tongue-ventral\n../../x.jpg,S-9,week-00,\n"
    )
    files.pipe("/bucket/study/all.csv", rows.encode())
    found, _ = found_at(f"{bucket}/all.csv")
    outside, one = sorted(found.visits[0].found, key=lambda entry: entry.path)
    assert (one.identity.subject_id, one.identity.site, one.refusal) == ("S-9", "tongue-ventral", None)
    assert outside.refusal.reason is Reason.UNREADABLE


def test_a_visits_own_manifest_is_not_passed_over(bucket):
    fsspec.filesystem("memory").pipe("/bucket/study/S-001/week-00/photos.csv", b"file\n")
    with pytest.raises(SettingsError, match="write one manifest"):
        found_at(bucket)


@pytest.mark.parametrize("study", ["memory://nothing/here", "nosuch://a/b", "https://127.0.0.1:1/a?token=hunter2"])
def test_what_cannot_be_read_says_so_without_secrets(study):
    with pytest.raises(Exception, match=r"no photo|cannot be read|package") as caught:
        found_at(study)
    assert isinstance(caught.value, InputError) or "pip" in str(caught.value) or "package" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_photo_that_cannot_be_fetched_is_refused_without_secrets(monkeypatch):
    tried = []

    def fails(base):
        tried.append(base)
        raise OSError(f"403 for {base}")

    monkeypatch.setattr(study_urls, "_opened", fails)
    monkeypatch.setattr(study_urls, "_PAUSE_S", 0.0)
    photo = PhotoAtUrl(f"https://me:{SECRET}@host/a?sig={SECRET}", "b.jpg")
    with pytest.raises(Refused) as caught:
        photo.read()
    assert len(tried) == 3
    assert "cannot be fetched (OSError)" in caught.value.refusal.detail
    assert SECRET not in caught.value.refusal.detail + repr(photo)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://bucket/a/b.jpg", "s3://bucket/a/b.jpg"),
        ("https://me:word@host:1/a.jpg?X-Amz-Signature=1#2", "https://host:1/a.jpg"),
        ("host:8786", "host:8786"),
        ("ftp://me:wo@rd@host/a", "ftp://host/a"),
    ],
)
def test_addresses_are_shown_without_secrets(url, shown):
    assert without_secrets(url) == shown


@pytest.mark.parametrize(
    ("text", "expected"), [("s3://a", True), ("C:\\photos", False), ("a/b", False), ("file:///a", True)]
)
def test_what_is_a_url(text, expected):
    assert is_url(text) is expected


def test_the_query_of_an_address_stays_at_its_end():
    assert study_urls._below("https://host/a?k=1", "S 1/b.jpg") == "https://host/a/S%201/b.jpg?k=1"
    assert study_urls._below("bucket/a?b", "c#d.jpg") == "bucket/a?b/c#d.jpg"
