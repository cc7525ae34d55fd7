import numpy as np
import pytest
from drawn_pictures import SIZE, write_labelled, write_table

from oral_lesion.errors import InputError
from oral_lesion.evaluation import find_pictures

NOTHING = np.zeros(SIZE, np.uint8)


@pytest.fixture
def folder(tmp_path):
    write_labelled(tmp_path / "set", {"b": NOTHING, "a": NOTHING, "c": NOTHING})
    return tmp_path / "set"


def names(found):
    return [picture.picture_id for picture in found.pictures]


def test_pairs(folder):
    found = find_pictures(folder)
    assert (found.name, names(found)) == ("set", ["a", "b", "c"])
    assert all(picture.mask is not None for picture in found.pictures)


def test_pictures_and_masks_without_a_partner_are_told(folder):
    (folder / "masks" / "b.png").unlink()
    with pytest.raises(InputError, match="first b"):
        find_pictures(folder)


def test_lesion_free(folder):
    for mask in (folder / "masks").iterdir():
        mask.unlink()
    (folder / "masks").rmdir()
    (folder / "photos.csv").write_text("file,licence\na.png,CC0\n")  # a table of something else
    assert [picture.mask for picture in find_pictures(folder).pictures] == [None] * 3


def test_table_split_and_rows(folder):
    write_table(folder, [("c", "g1", "val"), ("a", "g1", "val"), ("b", "g2", "train")], source={"a": "x", "c": "y"})
    assert names(find_pictures(folder)) == ["a", "b", "c"]
    assert names(find_pictures(folder, split="val")) == ["a", "c"]
    assert names(find_pictures(folder, split="val", keep={"source": "y"})) == ["c"]
    with pytest.raises(InputError, match="no row with split=test"):
        find_pictures(folder, split="test")
    with pytest.raises(InputError, match="no column clinic"):
        find_pictures(folder, keep={"clinic": "1"})


def test_data_set(folder):
    write_table(folder, [("a", "g1", "val"), ("b", "g2", "train")], mm_per_px={"a": "0.05"})
    (folder / "dataset.toml").write_text(
        'name = "drawn"\nlicence = "CC0"\nsource = "drawn by the test"\nclasses = ["erosion"]\nsplit_rule = "given"\n'
    )
    found = find_pictures(folder, split="val")
    assert (found.name, names(found)) == ("drawn", ["a"])
    assert found.pictures[0].mm_per_px == 0.05


def test_nothing_to_choose_by(folder):
    with pytest.raises(InputError, match="no table"):
        find_pictures(folder, split="val")


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_no_pictures(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no labelled pictures"):
        find_pictures(tmp_path / name)


def test_two_files_of_one_stem(folder):
    (folder / "images" / "a.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match="same stem"):
        find_pictures(folder)
