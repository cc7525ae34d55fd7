"""`oral-lesion segment` and `oral-lesion standardize`: a file in, files of its own out."""

import csv
import shutil

import numpy as np
import pytest
from PIL import Image


def read(path):
    with Image.open(path) as picture:
        return np.array(picture)


def test_masks_have_the_pictures_own_geometry(command, tmp_path):
    rng = np.random.default_rng(0)
    sizes = {"small": (90, 70), "wide": (700, 200), "large": (1300, 900)}
    for name, size in sizes.items():
        Image.fromarray(rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    pictures = [tmp_path / f"{name}.png" for name in sizes]
    ran = command("segment", *pictures, "-o", tmp_path / "out")
    assert ran.code == 0, ran.said
    assert "mm" not in ran.out
    for name, size in sizes.items():
        mask = read(tmp_path / "out" / f"{name}_mask.png")
        probability = read(tmp_path / "out" / f"{name}_probability.png")
        assert mask.shape == (size[1], size[0])
        assert mask.dtype == np.uint8
        assert set(np.unique(mask)) <= {0, 255}
        assert probability.shape == (size[1], size[0])
        assert probability.dtype == np.uint16


def test_exif_orientation_counts(command, tmp_path):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (100, 160, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.jpg", exif=exif)
    assert command("segment", tmp_path / "turned.jpg", "-o", tmp_path / "out").code == 0
    assert read(tmp_path / "out" / "turned_mask.png").shape == (160, 100)


def test_a_bad_picture_is_named_and_the_others_are_done(command, visit, tmp_path):
    (visit / "broken.jpg").write_bytes(b"nothing")
    ran = command("segment", visit / "broken.jpg", visit / "buccal-left.jpg", "-o", tmp_path / "out")
    assert ran.code == 3
    assert "broken.jpg: refused (unreadable)" in ran.err
    assert (tmp_path / "out" / "buccal-left_mask.png").is_file()
    assert not list((tmp_path / "out").glob("*broken*"))


def test_files_that_are_there_stay(command, visit, tmp_path):
    arguments = ("segment", visit / "buccal-left.jpg", "-o", tmp_path / "out")
    assert command(*arguments).code == 0
    ran = command(*arguments)
    assert ran.code == 1
    assert "--overwrite" in ran.err
    assert command(*arguments, "--overwrite").code == 0


def test_two_files_of_one_name_are_not_mixed_up(command, visit, tmp_path):
    (tmp_path / "other").mkdir()
    shutil.copy(visit / "buccal-left.jpg", tmp_path / "other" / "buccal-left.jpg")
    ran = command("segment", visit / "buccal-left.jpg", tmp_path / "other" / "buccal-left.jpg", "-o", tmp_path / "out")
    assert ran.code == 1
    assert "both" in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["segment", "standardize"])
def test_an_out_that_cannot_be_made(command, visit, tmp_path, name):
    (tmp_path / "file").write_text("x")
    ran = command(name, visit / "buccal-left.jpg", "-o", tmp_path / "file" / "out")
    assert ran.code == 1
    assert "file" in ran.err


def test_standardized_pictures_and_their_table(command, visit, tmp_path):
    Image.new("RGB", (400, 300), "salmon").save(visit / "plain.png")
    ran = command("standardize", visit / "buccal-left.jpg", visit / "plain.png", "-o", tmp_path / "out")
    assert ran.code == 3
    with (tmp_path / "out" / "standardized.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert rows["buccal-left.jpg"]["status"] == "standardized"
    assert float(rows["buccal-left.jpg"]["delta_e00_median"]) < 6
    assert rows["plain.png"]["reason"] in {"no-card", "not-color"}
    assert rows["plain.png"]["mm_per_px"] == ""
    assert (tmp_path / "out" / "buccal-left_standardized.png").is_file()
    assert not (tmp_path / "out" / "plain_standardized.png").exists()
