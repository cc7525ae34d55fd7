"""Names as sites have them: spaces, umlauts in both Unicode forms, Chinese, long ones, names that Windows reserves."""

import csv
import os
import re
import shutil
import unicodedata

import pytest

RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")
FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]')
UMLAUT = "Müller Ärztin"


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """One small photo that is scored."""
    from oral_lesion.io.settings import load_card
    from oral_lesion.phantom import SceneSettings, render_scene, write_scene

    out = tmp_path_factory.mktemp("small")
    scene = render_scene(SceneSettings(seed=1, width_px=800, height_px=600), load_card("colorchecker-classic-nano"))
    return out / write_scene(out, scene).file


def rows_in(path):
    with path.open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))


def names_below(folder):
    return [path.name for path in folder.rglob("*")]


@pytest.fixture
def folder(tmp_path):
    """A folder that a person made, with spaces and Chinese in its name."""
    made = tmp_path / "口腔 研究 2026"
    made.mkdir()
    return made


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_umlauts_spaces_and_chinese_in_folders_and_files(command, folder, photo, form):
    visit = folder / unicodedata.normalize(form, UMLAUT) / "第 4 周"
    visit.mkdir(parents=True)
    shutil.copy(photo, visit / unicodedata.normalize(form, "Wange für links.jpg"))
    out = folder / "Ergebnisse für alle"
    ran = command("score", visit, "-o", out)
    assert ran.code == 0, ran.said
    (row,) = rows_in(out / "scores.csv")
    assert row["subject"] == UMLAUT  # one form in the tables, whatever the disk has
    assert row["visit"] == "第 4 周"
    assert row["file"] == "Wange für links.jpg"
    assert row["photo_id"].isascii()


def test_a_manifest_finds_a_file_in_the_other_unicode_form(command, folder, photo):
    visit = folder / "S-001" / "week-00"
    visit.mkdir(parents=True)
    shutil.copy(photo, visit / unicodedata.normalize("NFD", "für.jpg"))
    manifest = "file;site\r\n" + unicodedata.normalize("NFC", "für.jpg") + ";buccal-left\r\n"
    (visit / "photos.csv").write_bytes(manifest.encode("utf-8-sig"))
    assert command("score", visit, "-o", folder / "out").code == 0
    (row,) = rows_in(folder / "out" / "scores.csv")
    assert (row["site"], row["status"]) == ("buccal-left", "scored")


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot hold these names")
def test_what_is_written_can_be_copied_to_windows(command, folder, photo):
    visit = folder / "S-001" / "week-00"
    visit.mkdir(parents=True)
    names = ("aux.jpg", "CON.jpg", "what? <b>.jpg", "ends with dot..jpg", "Aux.jpg", "a|b:c.jpg", "  .jpg")
    for number, name in enumerate(names):
        (visit / name).write_bytes(photo.read_bytes() + bytes([number]))
    out = folder / "out"
    command("score", visit, "-o", out, "--segmenter", "model")
    written = names_below(out)
    assert len(rows_in(out / "scores.csv")) == len(names)
    assert len([name for name in (out / "photos").iterdir() if name.is_dir()]) == len(names)
    for name in written:
        assert not RESERVED.match(name), name
        assert not FORBIDDEN.search(name), name
        assert not name.endswith((".", " ")), name
        assert len(name) < 80, name
    assert len({path.name.casefold() for path in (out / "photos").iterdir()}) == len(names)


@pytest.mark.skipif(os.name == "nt", reason="Windows holds long paths only where it was told to")
def test_paths_of_more_than_260_letters(command, folder, photo):
    visit = folder.joinpath(*("a folder of the clinic's archive " * 3 for _ in range(3)), "S-001", "week-00")
    visit.mkdir(parents=True)
    shutil.copy(photo, visit / ("buccal-left " + "x" * 150 + ".jpg"))
    assert len(str(visit)) > 260
    out = visit.parents[1] / "scores" / "S-001" / "week-00"
    assert command("score", visit, "-o", out).code == 0
    assert rows_in(out / "scores.csv")[0]["status"] == "scored"
    assert max(map(len, names_below(out))) < 80


def test_a_name_that_leaves_no_room_for_what_is_put_after_it(command, folder, photo):
    longest = folder / ("x" * 245 + ".jpg")
    shutil.copy(photo, longest)
    ran = command("standardize", longest, "-o", folder / "out")
    assert ran.code == 1
    assert "the name is too long" in ran.err
    assert not (folder / "out").exists()
    just = folder / ("x" * 230 + ".jpg")
    shutil.copy(photo, just)
    assert command("standardize", just, "-o", folder / "out").code == 0


def test_two_spellings_of_one_name_do_not_write_over_each_other(command, folder, photo):
    first, second = (folder / form / unicodedata.normalize(form, "für.jpg") for form in ("NFC", "NFD"))
    for path in (first, second):
        path.parent.mkdir()
        shutil.copy(photo, path)
    ran = command("standardize", first, second, "-o", folder / "out")
    assert ran.code == 1
    assert "would both write" in ran.err


def test_tables_end_their_lines_alike_on_every_system(command, folder, photo):
    visit = folder / "S-001" / "week-00"
    visit.mkdir(parents=True)
    shutil.copy(photo, visit / "buccal-left.jpg")
    assert command("score", visit, "-o", folder / "out").code == 0
    assert command("standardize", visit / "buccal-left.jpg", "-o", folder / "standard").code == 0
    tables = [*(folder / "out").rglob("*.csv"), *(folder / "standard").rglob("*.csv")]
    assert len(tables) >= 3
    for table in tables:
        content = table.read_bytes()
        assert content.count(b"\n") == content.count(b"\r\n") > 0, table.name
        assert b"\r\r" not in content
