"""The files of phantoms: where they lie, what they hold, and that they repeat to the byte."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageOps

from oral_lesion.errors import InputError, OutputError
from oral_lesion.phantom import TRUTH_COLUMNS, SceneSettings, StudyPlan, plan_scenes, render_scene, write_phantoms
from oral_lesion.phantom.tree import encode_jpeg

SMALL = SceneSettings(width_px=400, height_px=300)
PLAN = StudyPlan(subjects=2, visits=2, sites=("buccal-left", "palate"))


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_plan_goes_subject_by_subject_and_heals():
    scenes = plan_scenes(PLAN, SMALL)
    assert [(scene.subject, scene.visit, scene.site) for scene in scenes[:4]] == [
        ("phantom-01", "week-00", "buccal-left"),
        ("phantom-01", "week-00", "palate"),
        ("phantom-01", "week-04", "buccal-left"),
        ("phantom-01", "week-04", "palate"),
    ]
    assert len(scenes) == 8
    assert [scene.area_factor for scene in scenes[:4]] == [1.0, 1.0, 0.55, 0.55]


@pytest.mark.parametrize(
    "wrong", [{"subjects": 0}, {"visits": 100}, {"healing": 1.5}, {"sites": ()}, {"sites": ("a", "a")}]
)
def test_wrong_plans_are_refused(wrong):
    with pytest.raises(InputError, match="expected"):
        StudyPlan(**wrong)


def test_files_lie_where_they_should_and_repeat_to_the_byte(tmp_path, nano):
    scenes = plan_scenes(StudyPlan(visits=2, sites=("palate",)), SMALL)
    seen = []
    written = write_phantoms(tmp_path / "one", scenes, nano, on_written=seen.append)
    write_phantoms(tmp_path / "two", scenes, nano)
    one, two = files_of(tmp_path / "one"), files_of(tmp_path / "two")
    assert one == two
    assert seen == written
    assert set(one) == {"truth.csv"} | {scene.file for scene in written} | {scene.mask for scene in written}
    assert "phantom-01/week-04/palate.jpg" in one
    assert "truth/phantom-01/week-04/palate_mask.png" in one


def test_truth_has_all_columns_filled(tmp_path, nano):
    written = write_phantoms(tmp_path, plan_scenes(StudyPlan(visits=1, sites=("palate",)), SMALL), nano)
    with (tmp_path / "truth.csv").open(newline="", encoding="utf-8") as table:
        reader = csv.DictReader(table)
        rows = list(reader)
    assert tuple(reader.fieldnames) == TRUTH_COLUMNS
    assert {name for name, value in rows[0].items() if value == ""} == {"background", "background_width_mm"}
    settings_missing = set(SceneSettings.__dataclass_fields__) - set(TRUTH_COLUMNS)
    # Those are told by what came out: the areas, the outlines' share in view, and the background's name.
    assert settings_missing == {"lesions", "lesions_in_view", "background_mask"}
    truth = written[0].truth
    assert float(rows[0]["erosion_area_mm2"]) == truth.erosion_area_mm2
    assert float(rows[0]["mm_per_px"]) == truth.mm_per_px
    assert rows[0]["card"] == "colorchecker-classic-nano"
    assert sum(float(area) for area in rows[0]["lesion_areas_mm2"].split()) == pytest.approx(truth.erosion_area_mm2)


def test_mask_file_is_the_binary_mask(tmp_path, nano):
    scenes = plan_scenes(StudyPlan(visits=1, sites=("palate",)), SMALL)
    written = write_phantoms(tmp_path, scenes, nano)
    with Image.open(tmp_path / written[0].mask) as picture:
        pixels = np.array(picture)
    assert set(np.unique(pixels)) == {0, 255}
    assert np.array_equal(pixels, render_scene(scenes[0], nano).mask)


@pytest.fixture(scope="module")
def quiet_scene(nano):
    return render_scene(SceneSettings(width_px=400, height_px=300, jpeg_quality=100, noise=0.0), nano)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_undone_by_readers(orientation, quiet_scene):
    scene = replace(quiet_scene, settings=replace(quiet_scene.settings, exif_orientation=orientation))
    with Image.open(io.BytesIO(encode_jpeg(scene))) as stored:
        assert stored.getexif()[0x0112] == orientation
        upright = np.asarray(ImageOps.exif_transpose(stored), dtype=float)
    assert upright.shape == scene.srgb.shape
    assert np.abs(upright - scene.srgb).mean() < 1.5


def test_exif_holds_the_focal_length_and_no_place(nano):
    scene = render_scene(SceneSettings(width_px=400, height_px=300, focal_length_35mm_mm=77), nano)
    with Image.open(io.BytesIO(encode_jpeg(scene))) as stored:
        exif = stored.getexif()
        assert exif.get_ifd(0x8769)[0xA405] == 77
        assert exif.get_ifd(0x8769)[0xA001] == 1
        assert not exif.get_ifd(0x8825)
        assert stored.info["icc_profile"][36:40] == b"acsp"
    assert scene.truth.focal_length_px == pytest.approx(77 * 500 / np.hypot(36, 24))


def test_full_folder_is_refused_unless_overwritten(tmp_path, nano):
    plan = StudyPlan(visits=2, sites=("palate",))
    write_phantoms(tmp_path, plan_scenes(plan, SMALL), nano)
    shorter = plan_scenes(StudyPlan(visits=1, sites=("palate",)), SMALL)
    with pytest.raises(OutputError, match="expected an empty folder"):
        write_phantoms(tmp_path, shorter, nano)
    (tmp_path / "mine.txt").write_text("stays")
    write_phantoms(tmp_path, shorter, nano, overwrite=True)
    assert set(files_of(tmp_path)) == {
        "truth.csv", "mine.txt", "phantom-01/week-00/palate.jpg", "truth/phantom-01/week-00/palate_mask.png",
    }  # fmt: skip


def test_overwrite_touches_no_folder_of_other_things(tmp_path, nano):
    (tmp_path / "mine.txt").write_text("stays")
    with pytest.raises(OutputError, match=r"got no truth\.csv"):
        write_phantoms(tmp_path, [SMALL], nano, overwrite=True)
    assert set(files_of(tmp_path)) == {"mine.txt"}


def test_overwrite_removes_nothing_outside(tmp_path, nano):
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "mine.txt").write_text("stays")
    (out / "truth.csv").write_text("file,mask\n../mine.txt,../mine.txt\n")
    write_phantoms(out, [SMALL], nano, overwrite=True)
    assert (tmp_path / "mine.txt").read_text() == "stays"


def test_a_file_in_the_way_is_an_output_error(tmp_path, nano):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError, match="expected a folder, got a file"):
        write_phantoms(tmp_path / "out", [SMALL], nano)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "truth.csv").write_text("file,mask\n")
    (tmp_path / "folder" / "phantom-01").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        write_phantoms(tmp_path / "folder", [SMALL], nano, overwrite=True)


def test_same_file_twice_is_refused(tmp_path, nano):
    with pytest.raises(InputError, match="got one twice"):
        write_phantoms(tmp_path, [SMALL, SMALL], nano)
