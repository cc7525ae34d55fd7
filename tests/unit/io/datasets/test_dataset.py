"""A data set's folder: what is read, and all faults at once."""

import pytest
from dataset_folders import COLUMNS, SETTINGS, write_dataset

from oral_lesion.errors import InputError, SettingsError
from oral_lesion.io.datasets import open_dataset

ROWS = [
    ("b", "images/b.png", "masks/b.png", "P2", "val"),
    ("a", "images/a.png", "", "P1", "train"),
]


def test_pictures_are_sorted_and_an_empty_mask_is_a_picture_without_lesion(tmp_path):
    opened = open_dataset(write_dataset(tmp_path, ROWS))
    assert [picture.picture_id for picture in opened.pictures] == ["a", "b"]
    assert opened.pictures[0].mask is None
    assert opened.pictures[1].mask == tmp_path / "masks/b.png"
    assert (opened.name, opened.licence, opened.classes, opened.split_rule) == (
        "drawn",
        "CC0-1.0",
        ("erosion",),
        "group",
    )
    assert opened.folder == tmp_path


def test_optional_columns_become_numbers_and_missing_ones_stay_missing(tmp_path):
    rows = [(*ROWS[0], "2.5", "0.08", "high"), (*ROWS[1], "", "", "")]
    opened = open_dataset(write_dataset(tmp_path, rows, columns=(*COLUMNS, "weight", "mm_per_px", "confidence")))
    without, given = opened.pictures
    assert (given.weight, given.mm_per_px, given.confidence) == (2.5, 0.08, "high")
    assert (without.weight, without.mm_per_px, without.confidence) == (1.0, None, "")


def test_split_and_further_columns_choose_rows(tmp_path):
    write_dataset(tmp_path, [(*ROWS[0], "A"), (*ROWS[1], "B")], columns=(*COLUMNS, "device"))
    assert [picture.picture_id for picture in open_dataset(tmp_path, split="val").pictures] == ["b"]
    assert [picture.picture_id for picture in open_dataset(tmp_path, keep={"device": "B"}).pictures] == ["a"]


def test_a_choice_that_leaves_nothing_says_what_there_is(tmp_path):
    write_dataset(tmp_path, ROWS)
    with pytest.raises(InputError, match="split = test; split holds train, val"):
        open_dataset(tmp_path, split="test")
    with pytest.raises(InputError, match="expected the column device"):
        open_dataset(tmp_path, keep={"device": "B"})


@pytest.mark.parametrize("file", ["../a.png", "/etc/passwd", "C:\\a.png", "images/../../a.png", "\\\\host\\a.png"])
def test_paths_stay_in_the_folder(tmp_path, file):
    write_dataset(tmp_path, [("a", file, "", "P1", "train")])
    with pytest.raises(SettingsError, match="expected a path inside"):
        open_dataset(tmp_path)


def test_all_faults_of_the_table_come_at_once(tmp_path):
    rows = [
        ("a", "images/a.png", "../m.png", "", "train", "-1", "zero"),
        ("A", "images/A.png", "", "P1", "train", "nan", "0"),
    ]
    write_dataset(tmp_path, rows, columns=(*COLUMNS, "weight", "mm_per_px"))
    with pytest.raises(SettingsError) as caught:
        open_dataset(tmp_path)
    keys = {fault.key for fault in caught.value.faults}
    wanted = "line 2, mask|line 2, group|line 2, weight|line 2, mm_per_px|line 3, weight|line 3, mm_per_px|line 3, id"
    assert keys == {*wanted.split("|"), "line 3, file"}


def test_all_faults_of_the_settings_come_at_once(tmp_path):
    settings = SETTINGS.replace('licence = "CC0-1.0"\n', "").replace('"group"', '"by picture"') + "extra = 1\n"
    write_dataset(tmp_path, ROWS, settings=settings)
    with pytest.raises(SettingsError) as caught:
        open_dataset(tmp_path)
    assert {fault.key for fault in caught.value.faults} == {"licence", "split_rule", "extra"}


@pytest.mark.parametrize("text", [b"", b"id,file\r\n", b"id,id,file,mask,group,split\r\n", b"\xff\xfe", b'id,"file'])
def test_a_table_that_is_none_is_a_settings_error(tmp_path, text):
    write_dataset(tmp_path, ROWS)
    (tmp_path / "photos.csv").write_bytes(text)
    with pytest.raises(SettingsError):
        open_dataset(tmp_path)


def test_rows_of_another_length_are_named(tmp_path):
    write_dataset(tmp_path, [("a", "images/a.png")])
    with pytest.raises(SettingsError, match="line 2: expected 5 cells, got 2"):
        open_dataset(tmp_path)


def test_a_folder_without_settings_says_what_was_expected(tmp_path):
    with pytest.raises(SettingsError, match="expected a data set's folder"):
        open_dataset(tmp_path)


def test_the_guard_against_formulas_is_taken_off_again(tmp_path):
    write_dataset(tmp_path, [("'-7", "images/a.png", "", "'=P", "train")])
    picture = open_dataset(tmp_path).pictures[0]
    assert (picture.picture_id, picture.group) == ("-7", "=P")
