"""`oral-lesion repeatability`: from replicate photos to the profile that a protocol takes."""

import hashlib
import json
import math
import shutil

import pytest
from study_folders import render_replicates, row_of, rows_in

from oral_lesion.io.audit import LOG_NAME
from oral_lesion.io.resources import default_protocol_path
from oral_lesion.io.settings import load_study_protocol


@pytest.fixture(scope="module")
def replicates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replicates")
    return render_replicates(folder / "photos", folder / "scratch", subjects=3)


@pytest.fixture(scope="module")
def study_results(replicates, tmp_path_factory):
    from oral_lesion.cli.app import app

    out = tmp_path_factory.mktemp("study") / "out"
    with pytest.raises(SystemExit) as stop:
        app(["study", str(replicates), "-o", str(out), "--segmenter", "truth", "--no-figures"])
    assert stop.value.code == 0
    return out


def test_repeatability_of_a_studys_results(command, study_results, tmp_path):
    out = tmp_path / "out"
    ran = command("repeatability", study_results, "-o", out)
    assert ran.code == 0, ran.said
    assert "Fewer than 35 subjects" in ran.out
    assert " mm² [" in ran.out
    measures = rows_in(out / "repeatability.csv")
    sets = rows_in(out / "replicates.csv")
    assert len(sets) == 3
    pairs = [tuple(map(float, row["areas_mm2"].split())) for row in sets]
    variance = sum((first - second) ** 2 / 2 for first, second in pairs) / len(pairs)
    spread = row_of(measures, measure="within-set-sd")
    assert float(spread["value"]) == pytest.approx(math.sqrt(variance), rel=1e-3)
    coefficient = row_of(measures, measure="repeatability-coefficient")
    assert float(coefficient["value"]) == pytest.approx(1.96 * math.sqrt(2 * variance), rel=1e-3)
    assert float(coefficient["low"]) < float(coefficient["value"]) < float(coefficient["high"])
    assert float(row_of(measures, measure="icc-2-1")["value"]) > 0.99
    assert float(row_of(measures, measure="within-set-cv")["value"]) < 2.0
    assert (out / "bland-altman.png").is_file()
    run = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert run["counts"]["sets"] == run["counts"]["subjects"] == 3
    started, finished = (
        json.loads(line) for line in (tmp_path / LOG_NAME).read_text(encoding="utf-8").splitlines()[1:]
    )
    assert (started["action"], finished["action"]) == ("repeatability-started", "repeatability-finished")
    assert (
        started["details"]["study_run_sha256"] == hashlib.sha256((study_results / "run.json").read_bytes()).hexdigest()
    )
    assert run["audit"]["sequence"] == started["sequence"]


def test_the_profile_fits_into_a_protocol_and_decides(command, study_results, replicates, tmp_path):
    assert command("repeatability", study_results, "-o", tmp_path / "out", "--no-figures").code == 0
    snippet = (tmp_path / "out" / "repeatability.toml").read_text(encoding="utf-8")
    text = default_protocol_path().read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("repeatability = []"))
    protocol = tmp_path / "protocol.toml"
    protocol.write_text(text.replace(line, snippet), encoding="utf-8")
    profile = load_study_protocol(protocol).endpoint.repeatability
    largest = max(float(row["mean_area_mm2"]) for row in rows_in(tmp_path / "out" / "replicates.csv"))
    assert profile[-1].area_mm2 == pytest.approx(largest, abs=1e-3)
    assert all(point.rc_mm2 > 0 for point in profile)
    # With this profile a change is held against repeatability.
    photos = tmp_path / "photos"
    for place in ("", "truth"):
        shutil.copytree(replicates / place / "phantom-01", photos / place / "phantom-01")
        visit = photos / place / "phantom-01" / "week-04"
        shutil.copytree(replicates / place / "phantom-02" / "week-00", visit)
    options = ("--segmenter", "truth", "--no-figures", "--protocol", protocol)
    assert command("study", photos, "-o", tmp_path / "study", *options).code == 0
    row = row_of(rows_in(tmp_path / "study" / "changes.csv"), site="buccal-left", visit="week-04")
    expected = abs(float(row["change_mm2"])) > float(row["repeatability_mm2"])
    assert row["exceeds_repeatability"] == str(int(expected))


def test_photos_are_scored_first_and_give_the_same(command, study_results, replicates, tmp_path):
    assert command("repeatability", study_results, "-o", tmp_path / "a", "--no-figures").code == 0
    ran = command("repeatability", replicates, "-o", tmp_path / "b", "--no-figures", "--segmenter", "truth")
    assert ran.code == 0, ran.said
    for name in ("repeatability.csv", "replicates.csv", "repeatability.toml"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    entries = [json.loads(line) for line in (tmp_path / LOG_NAME).read_text(encoding="utf-8").splitlines()]
    assert [len(entry["details"].get("photos", ())) for entry in entries] == [0, 0, 0, 6, 0]


def test_without_replicates_it_says_what_to_do(command, replicates, tmp_path):
    photos = shutil.copytree(replicates, tmp_path / "photos")
    for photo in photos.rglob("*-2.jpg"):
        photo.unlink()
    ran = command("repeatability", photos, "-o", tmp_path / "out", "--segmenter", "truth")
    assert ran.code == 1
    assert "Photograph sites twice" in ran.err
    assert not (tmp_path / "out").exists()


def test_copies_of_a_photo_are_no_replicates(command, replicates, tmp_path):
    photos = tmp_path / "photos"
    for place, suffix in (("", ".jpg"), ("truth", "_mask.png")):
        folder = photos / place / "phantom-01" / "week-00"
        folder.mkdir(parents=True)
        for number in (1, 2):
            original = replicates / place / "phantom-01" / "week-00" / f"buccal-left-1{suffix}"
            shutil.copy(original, folder / f"buccal-left-{number}{suffix}")
    ran = command("repeatability", photos, "-o", tmp_path / "out", "--segmenter", "truth")
    assert ran.code == 1
    assert "got none" in ran.err


def test_an_unfinished_study_is_not_taken(command, study_results, tmp_path):
    copy = shutil.copytree(study_results, tmp_path / "study")
    (copy / "run.json").write_text('{"command": "study", "finished": false}', encoding="utf-8")
    ran = command("repeatability", copy, "-o", tmp_path / "out")
    assert ran.code == 1
    assert "did not finish" in ran.err
