"""`oral-lesion compare`: two scored visits or two photos, and what cannot be compared."""

import hashlib
import json
import shutil

import pytest
from study_folders import SITES, render_study, row_of, rows_in
from visit_folders import tree_bytes

from oral_lesion.io.audit import LOG_NAME
from oral_lesion.io.resources import default_protocol_path

SUBJECT = "phantom-01"


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return render_study(tmp_path_factory.mktemp("photos") / "photos", subjects=2, visits=2, sites=SITES[:1])


@pytest.fixture(scope="module")
def scored(photos, tmp_path_factory):
    """Scores of three visits, by subject and visit."""
    from oral_lesion.io.batch import score_visit
    from oral_lesion.io.settings import load_protocol
    from oral_lesion.phantom.truth_segmenters import TruthSegmenters

    out = tmp_path_factory.mktemp("scores")
    for place in ("phantom-01/week-00", "phantom-01/week-04", "phantom-02/week-04"):
        segmenters = TruthSegmenters.of_visit(photos / place, 0.1)
        score_visit(photos / place, out / place, protocol=load_protocol(), segmenters=segmenters)
    return out


def test_two_scored_visits(command, scored, photos, tmp_path):
    out = tmp_path / "out"
    ran = command("compare", scored / SUBJECT / "week-00", scored / SUBJECT / "week-04", "-o", out)
    assert ran.code == 0, ran.said
    truth = {
        row["visit"]: float(row["erosion_area_mm2"])
        for row in rows_in(photos / "truth.csv")
        if row["subject"] == SUBJECT
    }
    (row,) = rows_in(out / "changes.csv")
    assert (row["site"], row["baseline_visit"], row["visit"]) == (SITES[0], "week-00", "week-04")
    true_change = truth["week-04"] - truth["week-00"]
    assert abs(float(row["change_mm2"]) - true_change) < 2 * float(row["u_change_mm2"])
    assert float(row["change_percent"]) == pytest.approx(-45.0, abs=1.0)
    assert row["registration"] == "good"
    assert {row["state"] for row in rows_in(out / "lesions_over_time.csv")} == {"first-seen", "persistent"}
    assert (out / "figures" / f"strip-{SITES[0]}.png").is_file()
    assert json.loads((out / "run.json").read_text(encoding="utf-8"))["command"] == "compare"


def test_swapping_both_negates_the_change_exactly(command, scored, tmp_path):
    visits = [scored / SUBJECT / "week-00", scored / SUBJECT / "week-04"]
    rows = []
    for name, pair in (("there", visits), ("back", visits[::-1])):
        assert command("compare", *pair, "-o", tmp_path / name, "--no-figures").code == 0
        rows += rows_in(tmp_path / name / "changes.csv")
    assert rows[0]["change_mm2"] == f"-{rows[1]['change_mm2']}"
    assert rows[0]["u_change_mm2"] == rows[1]["u_change_mm2"]
    assert rows[0]["baseline_area_mm2"] == rows[1]["area_mm2"]


def test_two_photos_are_scored_first(command, photos, scored, tmp_path):
    pair = [photos / SUBJECT / visit / f"{SITES[0]}.jpg" for visit in ("week-00", "week-04")]
    out = tmp_path / "out"
    ran = command("compare", *pair, "-o", out, "--segmenter", "truth", "--no-figures")
    assert ran.code == 0, ran.said
    assert (
        command("compare", scored / SUBJECT / "week-00", scored / SUBJECT / "week-04", "-o", tmp_path / "v").code == 0
    )
    (of_photos,), (of_visits,) = rows_in(out / "changes.csv"), rows_in(tmp_path / "v" / "changes.csv")
    assert (of_photos["baseline_visit"], of_photos["visit"]) == ("baseline", "follow-up")
    for column in ("change_mm2", "u_change_mm2", "change_percent", "inliers", "residual_mm"):
        assert of_photos[column] == of_visits[column]
    assert (out / "scores" / "baseline" / "scores.csv").is_file()


def test_the_same_photo_twice_is_no_result(command, photos, tmp_path):
    photo = photos / SUBJECT / "week-00" / f"{SITES[0]}.jpg"
    ran = command("compare", photo, photo, "-o", tmp_path / "out", "--segmenter", "truth")
    assert ran.code == 3
    (row,) = rows_in(tmp_path / "out" / "changes.csv")
    assert (row["change_mm2"], row["flags"], row["not_done_reason"]) == ("", "same-photo", "same-photo")


def test_photos_of_two_mouths_are_compared_but_not_linked(command, photos, tmp_path):
    pair = [photos / subject / "week-00" / f"{SITES[0]}.jpg" for subject in (SUBJECT, "phantom-02")]
    out = tmp_path / "out"
    ran = command("compare", *pair, "-o", out, "--segmenter", "truth", "--site", "buccal left")
    assert ran.code == 0, ran.said
    (row,) = rows_in(out / "changes.csv")
    assert (row["registration"], row["flags"], row["subject"]) == ("failed", "not-registered", "unknown")
    assert row["registration_failure"]
    assert float(row["change_mm2"]) != 0
    states = {
        row["lesion"]: row["state"] for row in rows_in(out / "lesions_over_time.csv") if row["visit"] == "follow-up"
    }
    assert set(states.values()) == {"not-assessed"}


def test_names_that_do_not_tell_the_site_ask_for_it(command, photos, tmp_path):
    pair = []
    for number, visit in enumerate(("week-00", "week-04")):
        folder = tmp_path / "photos" / f"visit-{number}"
        folder.mkdir(parents=True)
        pair.append(shutil.copy(photos / SUBJECT / visit / f"{SITES[0]}.jpg", folder / f"IMG_{number}.jpg"))
    ran = command("compare", *pair, "-o", tmp_path / "out")
    assert ran.code == 1
    assert "--site" in ran.err
    ran = command("compare", *pair, "-o", tmp_path / "out", "--site", "cheekbone")
    assert ran.code == 1
    assert "cheekbone" in ran.err
    assert not (tmp_path / "out").exists()
    ran = command("compare", pair[0], tmp_path / "no.jpg", "-o", tmp_path / "out", "--site", "buccal-left")
    assert ran.code == 2
    assert "there is no" in ran.err


def changed_run(folder, target, **changes):
    copy = shutil.copytree(folder, target)
    run = json.loads((copy / "run.json").read_text(encoding="utf-8"))
    (copy / "run.json").write_text(json.dumps(run | changes), encoding="utf-8")
    return copy


def test_visits_that_cannot_be_compared(command, scored, photos, tmp_path):
    first, then = scored / SUBJECT / "week-00", scored / SUBJECT / "week-04"
    other_protocol = changed_run(then, tmp_path / "protocol", protocol_sha256="0" * 64)
    model = {"name": "other", "version": "1", "sha256": "ab" * 32, "threshold": 0.5}
    other_model = changed_run(then, tmp_path / "model", model=model)
    for follow_up, words in (
        (scored / "phantom-02" / "week-04", "expected one subject"),
        (first, "two different visits"),
        (other_protocol, "different protocols"),
        (other_model, "different models"),
        (photos / SUBJECT / "week-04", "Score the visit first"),
        (tmp_path / "nothing", "expected two scored visits or two photos"),
    ):
        ran = command("compare", first, follow_up, "-o", tmp_path / "out", "--no-figures")
        assert ran.code in {1, 2}, words
        assert words in " ".join(ran.err.replace("│", " ").split()), ran.err
        assert not (tmp_path / "out").exists()


def test_a_damaged_picture_leaves_the_areas(command, scored, tmp_path):
    broken = shutil.copytree(scored / SUBJECT / "week-04", tmp_path / "broken")
    next(broken.rglob("standardized.png")).write_bytes(b"\x89PNG")
    out = tmp_path / "out"
    ran = command("compare", scored / SUBJECT / "week-00", broken, "-o", out, "--no-figures")
    assert ran.code == 0, ran.said
    assert float(rows_in(out / "changes.csv")[0]["change_mm2"]) < 0
    assert rows_in(out / "lesions_over_time.csv") == []
    (failure,) = json.loads((out / "run.json").read_text(encoding="utf-8"))["not_followed"]
    assert "standardized.png" in failure["detail"]


def test_a_row_of_the_table_for_each_site_of_either_visit(command, scored, tmp_path):
    other = shutil.copytree(scored / SUBJECT / "week-04", tmp_path / "week-04")
    for name in ("scores.csv",):
        text = (other / name).read_text(encoding="utf-8").replace("buccal-left,", "palate-hard,", 1)
        (other / name).write_text(
            text.replace(f"week-04,{SITES[0]}", "week-04,palate-hard"), encoding="utf-8", newline=""
        )
    out = tmp_path / "out"
    ran = command("compare", scored / SUBJECT / "week-00", other, "-o", out, "--no-figures")
    assert ran.code == 3, ran.said
    rows = rows_in(out / "changes.csv")
    assert row_of(rows, site=SITES[0])["not_done_reason"] == "not-photographed"
    new = row_of(rows, site="palate-hard")
    assert (new["not_done_reason"], new["registration"], new["inliers"]) == ("no-baseline", "reference", "")


@pytest.mark.parametrize("place", ["week-00", "week-04", "week-04/deeper", "."])
def test_what_is_compared_is_never_replaced(command, scored, tmp_path, place):
    copy = shutil.copytree(scored / SUBJECT, tmp_path / SUBJECT)
    before = tree_bytes(copy)
    ran = command("compare", copy / "week-00", copy / "week-04", "-o", copy / place, "--overwrite", "--no-figures")
    assert ran.code == 1
    assert "apart" in ran.err
    after = {name: content for name, content in tree_bytes(copy).items() if not name.startswith(LOG_NAME)}
    assert after == before


def actions_in(log):
    return [json.loads(line)["action"] for line in log.read_text(encoding="utf-8").splitlines()]


def test_a_comparison_is_logged_with_what_it_read(command, scored, tmp_path):
    pair, out = [scored / SUBJECT / visit for visit in ("week-00", "week-04")], tmp_path / "change"
    options = ("--no-figures", "--operator", "A. B.", "--reason", "interim")
    assert command("compare", *pair, "-o", out, *options).code == 0
    log = tmp_path / LOG_NAME
    assert actions_in(log) == ["log-started", "compare-started", "compare-finished"]
    started = json.loads(log.read_text(encoding="utf-8").splitlines()[1])
    assert (started["who"]["operator"], started["reason"]) == ("A. B.", "interim")
    for name, folder in zip(("baseline", "follow_up"), pair, strict=True):
        sha256 = hashlib.sha256((folder / "run.json").read_bytes()).hexdigest()
        assert started["details"][f"{name}_run_sha256"] == sha256
    assert "photos" not in started["details"]
    assert command("audit", "verify", tmp_path, "--results", out).code == 0
    assert command("compare", *pair, "-o", out, "--no-figures", "--supersede").code == 2
    assert command("compare", *pair, "-o", out, "--no-figures", "--supersede", "--reason", "again").code == 0
    first = out.with_name("change.superseded-1")
    assert (first / "changes.csv").read_bytes() == (out / "changes.csv").read_bytes()


def test_two_photos_are_logged_as_read(command, photos, tmp_path):
    pair = [photos / SUBJECT / visit / f"{SITES[0]}.jpg" for visit in ("week-00", "week-04")]
    assert command("compare", *pair, "-o", tmp_path / "out", "--segmenter", "truth", "--no-figures").code == 0
    started = json.loads((tmp_path / LOG_NAME).read_text(encoding="utf-8").splitlines()[1])
    expected = sorted(hashlib.sha256(photo.read_bytes()).hexdigest() for photo in pair)
    assert started["details"]["photos"] == expected


def test_under_a_lock_visits_that_another_model_scored_are_refused(command, scored, tmp_path):
    lock = tmp_path / "study.lock"
    assert command("lock", default_protocol_path(), "-o", lock).code == 0
    model = json.loads(lock.read_text(encoding="utf-8"))["model"]
    pair = [scored / SUBJECT / visit for visit in ("week-00", "week-04")]
    ran = command("compare", *pair, "-o", tmp_path / "out", "--no-figures", "--locked", lock)
    assert ran.code == 1
    assert "week-04: model_sha256: locked as" in ran.err
    assert not (tmp_path / "out").exists()
    stated = {key: model[key] for key in ("name", "version", "sha256")} | {"threshold": 0.5}
    as_locked = [changed_run(folder, tmp_path / folder.name, model=stated) for folder in pair]
    ran = command("compare", *as_locked, "-o", tmp_path / "out", "--no-figures", "--locked", lock)
    assert ran.code == 0, ran.said
    assert actions_in(tmp_path / LOG_NAME)[-2:] == ["compare-started", "compare-finished"]
