"""n photos give n entries, in the same order everywhere."""

import datetime as dt
import hashlib
import os
import shutil
import sys

import numpy as np
import pytest

from oral_lesion.errors import Flag, InputError, Reason, Refused, SettingsError
from oral_lesion.io.visits import find_photos, flag_duplicates, identify_photo, read_entry
from oral_lesion.records import Mirror


@pytest.fixture
def visit(tmp_path):
    folder = tmp_path / "study" / "S-001" / "week-04"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def shot(visit, picture, encoded):
    """Return a function that puts a photo into the visit; each differs from the others."""
    count = 0

    def put(name, **options):
        nonlocal count
        count += 1
        colors = picture.copy()
        colors[-1, -1] = count
        (visit / name).write_bytes(encoded(colors, **options))

    return put


def _files(found):
    return [entry.identity.file for entry in found]


def test_subject_and_visit_are_the_folders_names(visit, shot):
    shot("tongue-ventral_2.png")
    (entry,) = find_photos(visit)
    identity = entry.identity
    assert (identity.subject_id, identity.visit.name, identity.visit.date) == ("S-001", "week-04", None)
    assert (identity.site, identity.replicate, identity.mirror) == ("tongue-ventral", 2, Mirror.UNDECLARED)
    assert identity.sha256 == hashlib.sha256((visit / "tongue-ventral_2.png").read_bytes()).hexdigest()
    assert identity.photo_id == f"tongue-ventral-2-{identity.sha256[:8]}"
    assert entry.flags == (Flag.MIRROR_UNDECLARED,)


def test_a_relative_folder_has_the_same_names(visit, shot, monkeypatch):
    shot("a.png")
    monkeypatch.chdir(visit)
    (entry,) = find_photos(type(visit)())
    assert (entry.identity.subject_id, entry.identity.visit.name) == ("S-001", "week-04")


def test_suffixes_of_pictures_whatever_their_case(visit, shot):
    names = ["a.JPG", "b.jpeg", "c.PNG", "d.tif", "e.Tiff", "f.webp", "g.HEIC", "h.heif", "i.dcm"]
    for name in names:
        shot(name, kind="PNG")
    assert _files(find_photos(visit)) == names


def test_a_dicom_file_without_suffix_is_a_photo(visit):
    (visit / "IM000001").write_bytes(b"\0" * 128 + b"DICM")
    (visit / "README").write_bytes(b"hello")
    found = find_photos(visit)
    assert _files(found) == ["IM000001"]
    assert found.ignored == ("README",)


def test_other_files_are_counted_and_hidden_ones_are_not(visit, shot):
    shot("a.png")
    shot("._a.png")
    (visit / "notes.txt").write_text("hello")
    (visit / "Thumbs.db").write_bytes(b"x")
    (visit / ".DS_Store").write_bytes(b"x")
    (visit / "old").mkdir()
    found = find_photos(visit)
    assert _files(found) == ["a.png"]
    assert found.ignored == ("notes.txt", "old/")


def test_a_site_that_is_not_known_is_flagged(visit, shot):
    shot("IMG_0001.png")
    (entry,) = find_photos(visit)
    assert entry.identity.site is None
    assert Flag.SITE_UNKNOWN in entry.flags


def test_identical_bytes_are_flagged_on_all_of_them(visit, shot):
    shot("a.png")
    shot("b.png")
    shutil.copy(visit / "a.png", visit / "c.png")
    flagged = [Flag.DUPLICATE_PHOTO in entry.flags for entry in find_photos(visit)]
    assert flagged == [True, False, True]


def test_duplicates_over_several_visits(visit, shot, tmp_path):
    shot("a.png")
    other = tmp_path / "study" / "S-001" / "week-08"
    shutil.copytree(visit, other)
    entries = flag_duplicates([*find_photos(visit), *find_photos(other)])
    assert all(Flag.DUPLICATE_PHOTO in entry.flags for entry in entries)


def test_files_that_could_not_be_read_are_no_duplicates(visit):
    (visit / "a.png").write_bytes(b"")
    (visit / "b.png").write_bytes(b"")
    for entry in find_photos(visit):
        assert entry.refusal.reason is Reason.UNREADABLE
        assert Flag.DUPLICATE_PHOTO not in entry.flags


def test_identifiers_are_unique_and_do_not_depend_on_other_files(visit, shot):
    shot("Tongue.png")
    alone = find_photos(visit)[0].identity.photo_id
    shutil.copy(visit / "Tongue.png", visit / "tongue_.png")
    shot("a.png")
    ids = {entry.identity.file: entry.identity.photo_id for entry in find_photos(visit)}
    assert ids["Tongue.png"] == alone
    assert ids["tongue_.png"] == f"{alone}-2"
    assert len(set(ids.values())) == 3


def test_no_such_folder(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        find_photos(tmp_path / "nowhere")


def test_a_file_in_place_of_the_folder(visit, shot):
    shot("a.png")
    with pytest.raises(InputError, match="got a file"):
        find_photos(visit / "a.png")


def test_a_folder_without_photos_names_the_next_step(visit):
    with pytest.raises(InputError, match=r"no photo among 1 file or folder \(week-04/\).*one visit"):
        find_photos(visit.parent)


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights there")
def test_links_out_of_the_folder_and_fifos_are_refused_one_by_one(visit, shot, tmp_path):
    shot("a.png")
    shutil.copy(visit / "a.png", tmp_path / "elsewhere.png")
    (visit / "b.png").symlink_to(tmp_path / "elsewhere.png")
    (visit / "c.png").symlink_to("nowhere.png")
    os.mkfifo(visit / "d.png")
    os.mkfifo(visit / "IM1")
    found = find_photos(visit)
    assert [entry.refusal and entry.refusal.reason for entry in found] == [None] + [Reason.UNREADABLE] * 3
    assert found.ignored == ("IM1",)


class TestManifest:
    def test_its_cells_go_before_the_folders_names(self, visit, shot):
        shot("IMG_1.png")
        (visit / "photos.csv").write_text(
            "file,subject,visit,visit_date,site,replicate,mirror\nIMG_1.png,S-9,v3,2026-03-01,left cheek,4,yes\n"
        )
        found = find_photos(visit)
        (entry,) = found
        identity = entry.identity
        assert (identity.subject_id, identity.visit.name, identity.visit.date) == ("S-9", "v3", dt.date(2026, 3, 1))
        assert (identity.site, identity.replicate, identity.mirror) == ("buccal-left", 4, Mirror.MIRROR)
        assert entry.flags == (Flag.MIRRORED,)
        assert (found.ignored, found.unlisted) == ((), ())

    def test_empty_cells_leave_what_the_names_tell(self, visit, shot):
        shot("hard palate 3.png")
        (visit / "photos.csv").write_text("file,site,replicate\nhard palate 3.png,,\n")
        identity = find_photos(visit)[0].identity
        assert (identity.subject_id, identity.site, identity.replicate) == ("S-001", "palate-hard", 3)

    def test_a_site_in_a_cell_is_not_replaced_by_that_of_the_name(self, visit, shot):
        shot("hard palate.png")
        (visit / "photos.csv").write_text("file,site\nhard palate.png,somewhere\n")
        (entry,) = find_photos(visit)
        assert entry.identity.site is None
        assert Flag.SITE_UNKNOWN in entry.flags

    def test_n_rows_give_n_entries(self, visit, shot, tmp_path):
        shot("a.png")
        shutil.copy(visit / "a.png", tmp_path / "outside.png")
        names = ["a.png", "missing.png", "../../../outside.png", str(tmp_path / "outside.png"), "C:\\outside.png"]
        (visit / "photos.csv").write_text("file\n" + "\n".join(names) + "\n")
        found = find_photos(visit)
        assert len(found) == len(names)
        refused = {entry.identity.file: entry.refusal for entry in found}
        assert refused.pop("a.png") is None
        assert {refusal.reason for refusal in refused.values()} == {Reason.UNREADABLE}
        for entry in found:
            if entry.refusal:
                with pytest.raises(Refused):
                    read_entry(entry)

    def test_photos_that_it_does_not_name_do_not_vanish(self, visit, shot):
        shot("a.png")
        shot("b.png")
        (visit / "photos.csv").write_text("file,subject\nb.png,S-9\n")
        found = find_photos(visit)
        assert _files(found) == ["a.png", "b.png"]
        assert [entry.identity.subject_id for entry in found] == ["S-001", "S-9"]
        assert found.unlisted == ("a.png",)

    def test_it_may_name_files_of_subfolders_and_of_any_suffix(self, visit, shot):
        (visit / "sub").mkdir()
        shot("sub/a.png")
        shot("b.photo")
        (visit / "photos.csv").write_text("file\n./sub\\a.png\nb.photo\n")
        found = find_photos(visit)
        assert _files(found) == ["b.photo", "sub/a.png"]
        assert [entry.refusal for entry in found] == [None, None]
        assert read_entry(found[1]).srgb.shape == (96, 128, 3)

    def test_other_case_and_unicode_form_of_a_name_is_the_same_file(self, visit, shot):
        shot("IMG_1.PNG", kind="PNG")
        shot("Wa\u0308nge.png")
        (visit / "photos.csv").write_text("file\nimg_1.png\nW\u00e4nge.png\n", encoding="utf-8")
        found = find_photos(visit)
        assert len(found) == 2
        assert all(entry.refusal is None for entry in found)
        assert found.unlisted == ()

    def test_its_faults_stop_the_visit(self, visit, shot):
        shot("a.png")
        (visit / "photos.csv").write_text("file,arm\na.png,1\n")
        with pytest.raises(SettingsError, match="blinded"):
            find_photos(visit)


def test_reading_an_entry_joins_the_flags(visit, picture, encoded):
    from PIL import Image

    pages = [Image.fromarray(picture[::-1].copy())]
    (visit / "x.tif").write_bytes(encoded(picture, "TIFF", save_all=True, append_images=pages))
    photo = read_entry(find_photos(visit)[0])
    assert photo.flags == (Flag.MIRROR_UNDECLARED, Flag.SEVERAL_FRAMES, Flag.SITE_UNKNOWN)
    assert np.array_equal(photo.srgb, picture)


def test_one_photo_outside_of_any_visit(visit, shot):
    shot("hard palate.png")
    entry = identify_photo(visit / "hard palate.png")
    assert (entry.identity.subject_id, entry.identity.site) == ("S-001", "palate-hard")
    assert identify_photo(visit / "missing.png").refusal.reason is Reason.UNREADABLE


@pytest.mark.skipif(sys.platform != "linux", reason="such names exist on Linux alone")
def test_names_with_control_characters_and_bytes_that_are_no_text(visit, picture, encoded):
    for name in (b"a\x1b[31m\n.png", b"b\xff.png"):
        with open(os.fsencode(visit) + b"/" + name, "wb") as file:  # noqa: PTH123 - a name of bytes
            file.write(encoded(picture))
    found = find_photos(visit)
    assert _files(found) == ["a[31m.png", "b.png"]
    assert all(read_entry(entry).srgb.shape == (96, 128, 3) for entry in found)
