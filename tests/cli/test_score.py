"""`oral-lesion score` as its users run it."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from visit_folders import SITES, tree_bytes

from oral_lesion.io.pictures import PICTURE_NAMES
from oral_lesion.io.tables import LESION_COLUMNS, SCORE_COLUMNS


def rows_in(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def truth(phantoms):
    return {row["file"]: row for row in rows_in(phantoms / "truth.csv")}


def test_a_visit_with_the_true_masks_gives_the_true_areas(command, baseline, tmp_path, truth):
    out = tmp_path / "out"
    ran = command("score", baseline, "-o", out, "--segmenter", "truth")
    assert ran.code == 0, ran.said
    rows = rows_in(out / "scores.csv")
    assert [row["site"] for row in rows] == sorted(SITES)
    for row in rows:
        known = truth[f"phantom-01/week-00/{row['file']}"]
        assert float(row["erosion_area_mm2"]) == pytest.approx(float(known["erosion_area_mm2"]), rel=0.02)
        assert int(row["lesion_count"]) == int(known["lesion_count"])
        assert float(row["mm_per_px"]) == pytest.approx(float(known["mm_per_px"]), rel=0.01)
        assert float(row["tilt_deg"]) == pytest.approx(float(known["tilt_deg"]), abs=2.0)
        assert row["status"] == "scored"
        assert row["reason"] == row["observed"] == row["limit"] == ""


def test_what_a_run_leaves_behind(command, baseline, tmp_path):
    out = tmp_path / "out"
    assert command("score", baseline, "-o", out).code == 0
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    rows = rows_in(out / "scores.csv")
    expected = {f"photos/{row['photo_id']}/{picture}" for row in rows for picture in PICTURE_NAMES}
    assert names == expected | {"scores.csv", "lesions.csv", "quality.csv", "colour.csv", "run.json", "report.html"}
    assert list(rows[0]) == list(SCORE_COLUMNS)
    with (out / "lesions.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file)) == list(LESION_COLUMNS)
    run = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert run["counts"]["scored"] == 3
    assert {row["sha256"] for row in rows} == {photo["sha256"] for photo in run["inputs"]}
    assert run["protocol_sha256"] == rows[0]["protocol_sha256"]
    assert run["model"]["sha256"] == rows[0]["model_sha256"]


def test_the_mask_has_the_upright_photos_geometry_and_the_measured_lesions(command, baseline, tmp_path, truth):
    out = tmp_path / "out"
    command("score", baseline, "-o", out, "--segmenter", "truth")
    for row in rows_in(out / "scores.csv"):
        with Image.open(out / "photos" / row["photo_id"] / "mask.png") as picture:
            mask = np.array(picture)
        known = truth[f"phantom-01/week-00/{row['file']}"]
        with Image.open(baseline.parents[1] / known["mask"]) as picture:
            true_mask = np.array(picture)
        assert mask.dtype == np.uint8
        assert set(np.unique(mask)) <= {0, 255}
        assert mask.shape == true_mask.shape
        overlap = 2 * np.sum((mask > 0) & (true_mask > 0)) / (np.sum(mask > 0) + np.sum(true_mask > 0))
        assert overlap > 0.97


def test_pictures_hold_no_metadata(command, baseline, tmp_path):
    out = tmp_path / "out"
    command("score", baseline, "-o", out)
    for path in (*out.rglob("*.png"), *out.rglob("*.jpg")):
        with Image.open(path) as picture:
            assert not picture.getexif()
            assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "srgb", "gamma"}


def test_same_input_same_bytes_whatever_the_number_of_jobs(command, baseline, tmp_path):
    for name, jobs in (("one", 1), ("again", 1), ("two", 2)):
        assert command("score", baseline, "-o", tmp_path / name, "--jobs", jobs).code == 0
    first = tree_bytes(tmp_path / "one")
    for name in ("again", "two"):
        other = tree_bytes(tmp_path / name)
        assert other.keys() == first.keys()
        assert all(other[file] == first[file] for file in first if file != "run.json")


def test_nothing_but_the_results_folder_is_touched(command, baseline, tmp_path):
    before = tree_bytes(baseline.parents[1])
    command("score", baseline, "-o", tmp_path / "results" / "out")
    assert tree_bytes(baseline.parents[1]) == before
    names = sorted(path.name for path in (tmp_path / "results").iterdir())
    assert names == ["oral-lesion-audit.jsonl", "oral-lesion-audit.jsonl.head", "out"]


def test_the_table_is_plain_where_it_is_piped(command, baseline, tmp_path):
    ran = command("score", baseline, "-o", tmp_path / "out")
    assert "\x1b" not in ran.said
    for site in SITES:
        assert site in ran.out
    assert "scored" in ran.out
    assert "±" in ran.out
    assert str(tmp_path / "out") in ran.out.replace("\n", "")


def test_json_prints_the_manifest_alone(command, baseline, tmp_path):
    ran = command("score", baseline, "-o", tmp_path / "out", "--json")
    assert json.loads(ran.out) == json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))


def test_a_manifest_names_subject_visit_site_and_mirror(command, visit, tmp_path):
    (visit / "buccal-left.jpg").rename(visit / "IMG_0001.jpg")
    manifest = (
        "file,subject,visit,visit_date,site,replicate,mirror\nIMG_0001.jpg,S-9,week-08,2026-03-01,buccal-right,2,no\n"
    )
    (visit / "photos.csv").write_text(manifest, encoding="utf-8")
    assert command("score", visit, "-o", tmp_path / "out").code == 0
    (row,) = rows_in(tmp_path / "out" / "scores.csv")
    assert (row["subject"], row["visit"], row["site"], row["replicate"]) == ("S-9", "week-08", "buccal-right", "2")


def test_an_unknown_site_is_scored_and_flagged(command, visit, tmp_path):
    (visit / "buccal-left.jpg").rename(visit / "IMG_0001.jpg")
    assert command("score", visit, "-o", tmp_path / "out").code == 0
    (row,) = rows_in(tmp_path / "out" / "scores.csv")
    assert (row["status"], row["site"]) == ("scored", "")
    assert "site-unknown" in row["flags"].split()


def test_a_card_of_twice_the_size_makes_four_times_the_area(command, baseline, tmp_path):
    import tomllib

    from oral_lesion.io.resources import cards_folder, default_protocol_path

    card = tomllib.loads((cards_folder() / "colorchecker-classic-nano.toml").read_text(encoding="utf-8"))
    doubled = [
        f"{key} = {[2 * side for side in value] if isinstance(value, list) else 2 * value}"
        if key.endswith("_mm")
        else f"{key} = {json.dumps(value)}"
        for key, value in (card | {"name": "twice"}).items()
    ]
    (tmp_path / "twice.toml").write_text("\n".join(doubled), encoding="utf-8")
    protocol = default_protocol_path().read_text(encoding="utf-8").replace("colorchecker-classic-nano", "twice.toml")
    (tmp_path / "protocol.toml").write_text(protocol, encoding="utf-8")
    for name, options in (("default", ()), ("twice", ("--protocol", tmp_path / "protocol.toml"))):
        assert command("score", baseline, "-o", tmp_path / name, "--segmenter", "truth", *options).code == 0
    for once, twice in zip(*(rows_in(tmp_path / name / "scores.csv") for name in ("default", "twice")), strict=True):
        assert once["protocol_sha256"] != twice["protocol_sha256"]
        assert float(twice["mm_per_px"]) == pytest.approx(2 * float(once["mm_per_px"]), rel=1e-3)
        assert float(twice["erosion_area_mm2"]) == pytest.approx(4 * float(once["erosion_area_mm2"]), rel=0.01)


def test_truth_is_for_phantoms_only(command, visit, tmp_path):
    ran = command("score", visit, "-o", tmp_path / "out", "--segmenter", "truth")
    assert ran.code == 1
    assert "phantom" in ran.err


def test_the_default_results_folder_is_named_after_subject_and_visit(command, visit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command("score", visit).code == 0
    assert (tmp_path / "oral-lesion-scores" / "S-001" / "week-00" / "scores.csv").is_file()


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_other_formats_give_the_same_area(command, visit, tmp_path, suffix):
    command("score", visit, "-o", tmp_path / "jpg")
    with Image.open(visit / "buccal-left.jpg") as picture:
        options = {"lossless": True} if suffix == ".webp" else {}
        picture.copy().save(visit / f"buccal-left{suffix}", exif=picture.getexif(), **options)
    (visit / "buccal-left.jpg").unlink()
    assert command("score", visit, "-o", tmp_path / "other").code == 0
    areas = [float(rows_in(tmp_path / name / "scores.csv")[0]["erosion_area_mm2"]) for name in ("jpg", "other")]
    assert areas[1] == pytest.approx(areas[0], rel=1e-6)


def test_paths_with_spaces_umlauts_and_chinese(command, baseline, tmp_path):
    folder = tmp_path / "Prüfung 一" / "Woche 0"
    folder.mkdir(parents=True)
    shutil.copy(baseline / "buccal-left.jpg", folder / "Wange links 口腔.jpg")
    assert command("score", folder, "-o", tmp_path / "Ergebnis ü").code == 0
    (row,) = rows_in(tmp_path / "Ergebnis ü" / "scores.csv")
    assert (row["subject"], row["visit"], row["file"]) == ("Prüfung 一", "Woche 0", "Wange links 口腔.jpg")
