"""`oral-lesion check`: an answer at the chairside."""

import shutil

import pytest
from PIL import Image

from oral_lesion.errors import InputError
from oral_lesion.io.check_photos import verdict_line, watch_folder
from oral_lesion.io.settings import load_protocol


def test_a_good_and_a_bad_photo(command, visit):
    Image.radial_gradient("L").resize((900, 700)).convert("RGB").save(visit / "grey.png")
    ran = command("check", visit / "buccal-left.jpg", visit / "grey.png")
    assert ran.code == 3
    first, second = ran.out.strip().splitlines()
    assert first.startswith("buccal-left.jpg: usable.")
    assert "mirror" not in first  # as on the terminal of `score`: most photos are taken without one
    assert second.startswith("grey.png: RETAKE (not-color). The photo is black and white.")


def test_all_good_is_exit_code_0(command, visit):
    assert command("check", visit / "buccal-left.jpg").code == 0


@pytest.mark.parametrize(("language", "words"), [("de", "NEU AUFNEHMEN"), ("zh", "请重拍")])
def test_other_languages(command, visit, language, words):
    (visit / "empty.jpg").write_bytes(b"")
    ran = command("check", visit / "empty.jpg", "--language", language)
    assert ran.code == 3
    assert words in ran.out


@pytest.mark.parametrize("arguments", [[], ["x.jpg", "--watch", "."]])
def test_photos_or_a_folder_but_not_both(command, arguments):
    assert command("check", *arguments).code == 2


def test_watching_answers_for_each_new_photo_once_it_is_whole(visit, tmp_path):
    whole = (visit / "buccal-left.jpg").read_bytes()
    folder = tmp_path / "camera"
    folder.mkdir()
    shutil.copy(visit / "buccal-left.jpg", folder / "old.jpg")
    arrivals = [
        lambda: (folder / "new.jpg").write_bytes(whole[:1000]),
        lambda: (folder / "new.jpg").write_bytes(whole[: len(whole) // 2]),
        lambda: (folder / "new.jpg").write_bytes(whole),
        lambda: (folder / "notes.txt").write_text("no photo"),
        lambda: None,
    ]

    def wait(_seconds):
        if not arrivals:
            shutil.rmtree(folder)
            return
        arrivals.pop(0)()

    seen = []
    with pytest.raises(InputError, match="camera"):
        for path, checked in watch_folder(folder, protocol=load_protocol(None), wait=wait):
            seen.append(verdict_line(path, checked))
    assert len(seen) == 1
    assert seen[0].startswith("new.jpg: usable.")
