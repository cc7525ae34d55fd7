"""`oral-lesion study` as a trial runs it: from photos to endpoints, with a row or a reason for everything."""

import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image
from study_folders import SITES, TABLES, render_study, row_of, rows_in
from visit_folders import tree_bytes

SUBJECT = "phantom-01"
NOT_THE_SAME = ("run.json", "results.sqlite")  # they tell the time


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    return render_study(tmp_path_factory.mktemp("study") / "photos")


@pytest.fixture
def photos(rendered, tmp_path):
    """A copy of one's own, to be spoilt."""
    return shutil.copytree(rendered, tmp_path / "photos")


@pytest.fixture(scope="module")
def results(rendered, tmp_path_factory):
    """One run whose results several tests read."""
    from oral_lesion.cli.app import app

    out = tmp_path_factory.mktemp("results") / "out"
    with pytest.raises(SystemExit) as stop:
        app(["study", str(rendered), "-o", str(out), "--segmenter", "truth"])
    assert stop.value.code == 0
    return out


def keep_one_site(photos):
    """Remove the other site, where a test needs only one."""
    for photo in photos.rglob(f"{SITES[1]}.jpg"):
        photo.unlink()


def spoil(photo):
    """Make a photo that is read but holds no card."""
    Image.fromarray(np.random.default_rng(0).integers(90, 130, (600, 800, 3), dtype=np.uint8)).save(photo, quality=95)


@pytest.fixture
def study(command, photos, tmp_path):
    def run(*options, out="out"):
        ran = command("study", photos, "-o", tmp_path / out, "--segmenter", "truth", "--no-figures", *options)
        return ran, tmp_path / out

    return run


def test_a_known_healing_is_found(rendered, results):
    truth = {(row["visit"], row["site"]): float(row["erosion_area_mm2"]) for row in rows_in(rendered / "truth.csv")}
    changes, endpoints = rows_in(results / "changes.csv"), rows_in(results / "endpoints.csv")
    for site in SITES:
        for visit, left in (("week-04", 0.55), ("week-08", 0.55**2)):
            row = row_of(changes, site=site, visit=visit)
            true_change = truth[visit, site] - truth["week-00", site]
            assert float(row["change_percent"]) == pytest.approx(100 * (left - 1), abs=1.0)
            assert float(row["change_mm2"]) < 0
            assert abs(float(row["change_mm2"]) - true_change) < 2 * float(row["u_change_mm2"])
            assert (row["not_done_reason"], row["registration"], row["exceeds_repeatability"]) == ("", "good", "")
            endpoint = row_of(endpoints, site=site, visit=visit, parameter="change", lesion="")
            assert endpoint["unit"] == "mm2"
            assert float(endpoint["value"]) == pytest.approx(float(row["change_mm2"]), abs=6e-4)
            assert float(endpoint["u"]) == pytest.approx(float(row["u_change_mm2"]), abs=6e-4)
        rate = row_of(endpoints, site=site, visit="week-08", parameter="log-area-rate", lesion="")
        assert float(rate["value"]) == pytest.approx(-2 * np.log(0.55) / 56, rel=0.05)


def test_each_lesion_keeps_its_id(results):
    rows = rows_in(results / "lesions_over_time.csv")
    assert {row["lesion"] for row in rows} >= {f"{site}-01" for site in SITES}
    for row in rows:
        assert row["state"] == ("first-seen" if row["visit"] == "week-00" else "persistent")
        assert float(row["area_mm2"]) > 0


def test_what_was_not_photographed_is_missing_never_zero(results):
    for name in ("changes.csv", "endpoints.csv"):
        rows = [row for row in rows_in(results / name) if row["site"] == "palate-hard"]
        assert rows
        for row in rows:
            assert row["not_done_reason"], row
            assert row.get("value", "") == row.get("change_mm2", "") == ""
    for row in rows_in(results / "endpoints.csv"):
        assert (row["value"] == "") == (row["not_done_reason"] != "")
        assert (row["value"] == "") or ((row["u"] == "") == (row["u_reason"] != ""))


def test_what_a_run_leaves_behind(results):
    names = {path.relative_to(results).as_posix() for path in results.iterdir()}
    of_all_photos = {"scores.csv", "lesions.csv", "quality.csv", "colour.csv"}
    assert names == {
        *TABLES, *of_all_photos, "run.json", "results.sqlite", "scores", "figures", "report.html", "subjects", ".lock",
    }  # fmt: skip
    figures = results / "figures" / SUBJECT
    aligned = {f"aligned-{site}{end}" for site in SITES for end in (".json", "-1.jpg", "-2.jpg", "-3.jpg")}
    drawn = {"area-over-time.png", *(f"strip-{site}.png" for site in SITES)}
    assert {path.name for path in figures.iterdir()} == drawn | aligned
    for path in (path for path in figures.iterdir() if path.suffix != ".json"):
        with Image.open(path) as picture:
            assert set(picture.info) <= {"dpi", "jfif", "jfif_version", "jfif_unit", "jfif_density"}
            colors = np.array(picture.convert("RGB")).reshape(-1, 3)
        assert len(np.unique(colors, axis=0)) > 20
    outline = np.array([0, 255, 95])
    with Image.open(figures / f"strip-{SITES[0]}.png") as picture:
        pixels = np.array(picture.convert("RGB")).astype(int)
    assert (np.abs(pixels - outline).max(axis=-1) < 30).sum() > 200  # outlines were drawn
    run = json.loads((results / "run.json").read_text(encoding="utf-8"))
    assert run["finished"]
    assert run["counts"] == {"subjects": 1, "visits": 3, "photos": 6, "scored": 6, "refused": 0}


def test_files_order_jobs_and_locale_change_nothing(results, rendered, command, tmp_path, monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    mixed = tmp_path / "photos"
    for path in sorted((path for path in rendered.rglob("*") if path.is_file()), reverse=True):
        target = mixed / path.relative_to(rendered)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        os.utime(target, (0, 0))
    out = tmp_path / "out"
    assert command("study", mixed, "-o", out, "--segmenter", "truth", "-j", "2").code == 0
    expected, got = tree_bytes(results), tree_bytes(out)
    assert expected.keys() == got.keys()
    for name, content in expected.items():
        assert name.endswith(NOT_THE_SAME) or got[name] == content, name


def test_a_refused_baseline_is_never_replaced_by_the_next_visit(study, photos):
    spoil(photos / SUBJECT / "week-00" / f"{SITES[0]}.jpg")
    ran, out = study()
    assert ran.code == 3, ran.said
    changes = rows_in(out / "changes.csv")
    for visit in ("week-04", "week-08"):
        row = row_of(changes, site=SITES[0], visit=visit)
        assert (row["change_mm2"], row["not_done_reason"]) == ("", "no-baseline")
        assert row["detail"].startswith("refused no-card")
        assert float(row["area_mm2"]) > 0
        assert row_of(changes, site=SITES[1], visit=visit)["change_mm2"] != ""


def test_a_refused_follow_up_is_not_done_with_its_reason(study, photos):
    keep_one_site(photos)
    spoil(photos / SUBJECT / "week-04" / f"{SITES[0]}.jpg")
    _, out = study()
    row = row_of(rows_in(out / "changes.csv"), site=SITES[0], visit="week-04")
    assert (row["area_mm2"], row["not_done_reason"], row["detail"]) == ("", "refused", "no-card")
    lesion = row_of(rows_in(out / "lesions_over_time.csv"), lesion=f"{SITES[0]}-01", visit="week-04")
    assert (lesion["state"], lesion["area_mm2"]) == ("not-assessed", "")
    later = row_of(rows_in(out / "lesions_over_time.csv"), lesion=f"{SITES[0]}-01", visit="week-08")
    assert later["state"] == "persistent"


def test_the_same_file_in_two_visits_is_no_change(study, photos):
    keep_one_site(photos)
    for folder, suffix in (("", ".jpg"), ("truth/", "_mask.png")):
        shutil.copy(
            photos / f"{folder}{SUBJECT}/week-00/{SITES[0]}{suffix}",
            photos / f"{folder}{SUBJECT}/week-04/{SITES[0]}{suffix}",
        )
    ran, out = study()
    row = row_of(rows_in(out / "changes.csv"), site=SITES[0], visit="week-04")
    assert (row["change_mm2"], row["change_percent"], row["not_done_reason"]) == ("", "", "same-photo")
    assert (row["flags"], row["same_photo_as"]) == ("same-photo", "week-00")
    assert f"{SUBJECT}/week-00/{SITES[0]}.jpg, {SUBJECT}/week-04/{SITES[0]}.jpg" in ran.out


def test_one_visit_an_empty_visit_and_a_visit_between(study, photos):
    keep_one_site(photos)
    shutil.rmtree(photos / SUBJECT / "week-08")
    (photos / SUBJECT / "week-04").rename(photos / SUBJECT / "rescue")
    (photos / "truth" / SUBJECT / "week-04").rename(photos / "truth" / SUBJECT / "rescue")
    (photos / SUBJECT / "week-08").mkdir()
    ran, out = study()
    assert ran.code == 0, ran.said
    assert f"Holds no photo, counts as missing: {SUBJECT}/week-08/" in ran.out
    changes = rows_in(out / "changes.csv")
    assert row_of(changes, site=SITES[0], visit="week-04")["not_done_reason"] == "visit-missing"
    unscheduled = row_of(changes, site=SITES[0], visit="rescue")
    assert (unscheduled["not_done_reason"], unscheduled["notes"]) == ("day-unknown", "unscheduled")
    assert float(unscheduled["area_mm2"]) > 0


def test_strata_are_carried_and_subjects_without_photos_have_rows(study, photos, tmp_path):
    keep_one_site(photos)
    from oral_lesion.io.resources import default_protocol_path

    text = default_protocol_path().read_text(encoding="utf-8")
    protocol = tmp_path / "protocol.toml"
    protocol.write_text(text.replace("strata = []", 'strata = ["pemphigus_type", "centre"]'), encoding="utf-8")
    shutil.rmtree(photos / SUBJECT / "week-08")
    (photos / "subjects.csv").write_text(
        f"subject,pemphigus_type,centre\n{SUBJECT},mucosal-dominant,=A1\nS-009,,B\n", encoding="utf-8"
    )
    _, out = study("--protocol", protocol)
    rows = rows_in(out / "endpoints.csv")
    of_subject = [row for row in rows if row["subject"] == SUBJECT]
    assert {(row["pemphigus_type"], row["centre"]) for row in of_subject} == {("mucosal-dominant", "'=A1")}
    absent = [row for row in rows if row["subject"] == "S-009"]
    assert len(absent) >= 300
    assert {row["value"] for row in absent} == {""}
    assert {(row["pemphigus_type"], row["centre"]) for row in absent} == {("", "B")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("subject,arm\nphantom-01,1\n", "seems to tell the treatment"),
        ("subject,age\nphantom-01,60\n", "not among the protocol's strata"),
        ("subject\nphantom-01\nphantom-01\n", "comes twice"),
        ("subject\nS-002\n", "no line in subjects.csv"),
        ("", "is empty"),
    ],
)
def test_faults_of_subjects_csv_stop_the_run_before_any_photo(study, photos, text, said):
    (photos / "subjects.csv").write_text(text, encoding="utf-8")
    ran, out = study()
    assert ran.code == 1
    assert said in ran.err
    assert not out.exists()


def test_contradictions_of_folders_are_named_at_once(study, photos):
    shutil.copytree(photos / SUBJECT / "week-00", photos / SUBJECT / "week-00-again")
    header = "file,subject,visit,visit_date,site\n"
    baseline = photos / SUBJECT / "week-00-again" / "photos.csv"
    baseline.write_text(f"{header}{SITES[0]}.jpg,,week-00,,\n{SITES[1]}.jpg,,week-00,,\n", encoding="utf-8")
    later = photos / SUBJECT / "week-04" / "photos.csv"
    later.write_text(f"{header}{SITES[0]}.jpg,S-002,week-08,,\n{SITES[1]}.jpg,,week-08,,\n", encoding="utf-8")
    last = photos / SUBJECT / "week-08" / "photos.csv"
    last.write_text("file,randomisation\na.jpg,1\n", encoding="utf-8")
    ran, out = study()
    assert ran.code == 1
    assert not out.exists()
    for words in (
        "is the visit 'week-00', and so is phantom-01/week-00",
        "names the subject 'S-002'",
        "names the visit 'week-08', the folder 'week-04'",
        "week-08/photos.csv, line 1: column 'randomisation' seems to tell the treatment",
    ):
        assert words in ran.err


@pytest.mark.parametrize(("name", "said"), [("Week_08", "in its spelling alone"), ("all", "taken for all visits")])
def test_names_of_visits_that_would_be_misread(study, photos, name, said):
    (photos / SUBJECT / "week-08").rename(photos / SUBJECT / name)
    ran, out = study()
    assert ran.code == 1
    assert said in ran.err
    assert not out.exists()


def test_without_any_baseline_it_says_so(study, photos):
    for visit in ("week-00", "week-08"):
        shutil.rmtree(photos / SUBJECT / visit)
    (photos / SUBJECT / "week-04" / f"{SITES[1]}.jpg").unlink()
    ran, out = study()
    assert "No site was scored at the baseline, which the protocol calls week-00" in ran.out
    row = row_of(rows_in(out / "changes.csv"), site=SITES[0], visit="week-04")
    assert (row["not_done_reason"], row["detail"]) == ("no-baseline", "visit-missing")


def test_one_site_on_two_days_of_a_visit_is_a_contradiction(study, photos):
    shutil.copy(photos / SUBJECT / "week-00" / f"{SITES[0]}.jpg", photos / SUBJECT / "week-00" / f"{SITES[0]}-2.jpg")
    (photos / SUBJECT / "week-00" / "photos.csv").write_text(
        f"file,visit_date\n{SITES[0]}.jpg,2026-03-01\n{SITES[0]}-2.jpg,2026-03-05\n", encoding="utf-8"
    )
    ran, _ = study()
    assert ran.code == 1
    assert "on several days (2026-03-01, 2026-03-05)" in ran.err


def test_resuming_keeps_what_is_right_and_scores_what_changed(command, photos, tmp_path):
    for visit in ("week-04", "week-08"):
        shutil.rmtree(photos / SUBJECT / visit)
    (photos / SUBJECT / "week-00" / f"{SITES[1]}.jpg").unlink()
    out = tmp_path / "out"

    def run(*options):
        ran = command("study", photos, "-o", out, "--no-figures", "--json", *options)
        return ran, json.loads(ran.out)["visits_scored_now"] if ran.code in {0, 3} else None

    ran, scored = run()
    assert scored == 1, ran.said
    before = {name: content for name, content in tree_bytes(out).items() if not name.endswith(NOT_THE_SAME)}
    assert run()[0].code == 1
    assert run("--resume")[1] == 0
    after = {name: content for name, content in tree_bytes(out).items() if not name.endswith(NOT_THE_SAME)}
    assert after == before
    next((out / "scores").rglob("valid.png")).unlink()
    assert run("--resume")[1] == 1
    (photos / SUBJECT / "week-00" / f"{SITES[0]}.jpg").rename(photos / SUBJECT / "week-00" / f"{SITES[1]}.jpg")
    assert run("--resume")[1] == 1
    assert {row["site"] for row in rows_in(next((out / "scores").rglob("scores.csv")))} == {SITES[1]}
    assert run("--overwrite")[1] == 1


def test_foreign_folders_are_left_alone(study, photos, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("dear", encoding="utf-8")
    for options in ((), ("--overwrite",), ("--resume",)):
        ran, out = study(*options)
        assert ran.code == 1
        assert [path.name for path in out.iterdir()] == ["thesis.txt"]
    inside, _ = study(out="photos/results")
    assert inside.code == 1
    assert "apart" in inside.err


@pytest.mark.parametrize("place", ["nowhere", "photos/phantom-01", "photos/phantom-01/week-00/buccal-left.jpg"])
def test_what_is_no_study_says_so(command, photos, tmp_path, place):
    ran = command("study", tmp_path / place, "-o", tmp_path / "out", "--segmenter", "truth")
    assert ran.code == 1
    assert "Give the" in ran.err or "expected the study's folder" in ran.err
