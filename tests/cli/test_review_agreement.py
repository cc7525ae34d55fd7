"""Two readers compared, and the way of a photo on which they differ: listed, adjudicated, and all three values kept."""

import json

import numpy as np
import pytest
from reader_files import edit, files_of, grow, own_results, tick_read
from study_folders import rows_in

from oral_lesion.cli.review import comparison_line


@pytest.fixture(scope="module")
def journey(read_study, tmp_path_factory):
    """Two readers, of whom the second sees far less in one photo; then the third. Returns the folder of it all."""
    from oral_lesion.cli.app import app

    def run(*words):
        with pytest.raises(SystemExit) as stop:
            app([str(word) for word in words])
        return stop.value.code or 0

    home = tmp_path_factory.mktemp("journey")
    results = own_results(read_study, home)
    assert run("worklist", "make", results, "--seed", 7, "--repeat-percent", 50, "-o", home / "list") == 0
    assert run("review", "export", home / "list", "--to", "labelme") == 0
    key = {one["reading_id"]: one for one in json.loads((home / "list-key.json").read_text())["readings"]}
    for number, reader in enumerate(("reader-1", "reader-2")):
        pictures = home / "list" / reader / "pictures"
        tick_read(pictures)
        for path in files_of(pictures):
            one = key[path.stem]
            odd = (one["subject"], one["visit"]) == ("phantom-01", "week-00")
            if number and odd:
                edit(path, lambda content: grow(content, 0.6))
            elif number or one["occurrence"] == 2:
                edit(path, lambda content: grow(content, 1.02))
        arguments = ("--key", home / "list-key.json", "--reader", f"R{number + 1}", "-o", home / f"import-{number}.csv")
        assert run("review", "import", results, pictures, *arguments) == 0
    assert run("review", "agreement", results, "-o", home / "before") == 0
    assert run("worklist", "adjudicate", results, "--seed", 3, "-o", home / "third") == 0
    assert run("review", "export", home / "third", "--to", "labelme") == 0
    tick_read(home / "third" / "adjudicator" / "pictures")
    arguments = ("--key", home / "third-key.json", "-o", home / "import-third.csv", "--reader")
    third = home / "third" / "adjudicator" / "pictures"
    assert run("review", "import", results, third, *arguments, "R1") == 3  # one of the two cannot decide
    assert run("review", "import", results, third, *arguments, "R3") == 0
    assert run("review", "agreement", results, "-o", home / "after") == 0
    return home


def test_readers_the_model_and_second_looks_are_compared(journey):
    rows = rows_in(journey / "before" / "agreement.csv")
    compared = {(row["comparison"], row["first"], row["second"]) for row in rows}
    assert compared == {
        ("readers", "R1", "R2"), ("reader-automatic", "R1", "automatic"), ("reader-automatic", "R2", "automatic"),
        ("repeat", "R1", "R1"), ("repeat", "R2", "R2"),
    }  # fmt: skip
    for row in rows:
        assert (row["photos"], row["subjects"]) == (
            ("2", row["subjects"]) if row["comparison"] == "repeat" else ("4", "2")
        )
        if row["subjects"] == "2" and row["value"]:
            assert float(row["low"]) <= float(row["value"]) <= float(row["high"]) or row["measure"] == "icc-2-1"
    model = {row["measure"]: row for row in rows if row["first"] == "R1" and row["second"] == "automatic"}
    assert {name: float(model[name]["value"]) for name in ("dice-mean", "icc-2-1", "bias")} == {
        "dice-mean": 1, "icc-2-1": 1, "bias": 0,
    }  # fmt: skip
    assert (journey / "before" / "bland-altman.png").stat().st_size > 10_000


def test_the_figures_are_those_of_the_pairs(journey):
    """Computed again from the table of pairs by the textbook's formulas."""
    pairs = [row for row in rows_in(journey / "before" / "pairs.csv") if row["comparison"] == "readers"]
    stated = {
        row["measure"]: float(row["value"])
        for row in rows_in(journey / "before" / "agreement.csv")
        if row["comparison"] == "readers"
    }
    areas = np.array([(float(row["first_area_mm2"]), float(row["second_area_mm2"])) for row in pairs])
    differences = areas[:, 0] - areas[:, 1]
    assert stated["dice-mean"] == pytest.approx(np.mean([float(row["dice_ratio"]) for row in pairs]), abs=1e-4)
    assert stated["bias"] == pytest.approx(differences.mean(), abs=1e-3)
    assert stated["upper-limit"] == pytest.approx(differences.mean() + 1.96 * differences.std(ddof=1), abs=5e-3)
    photos = len(areas)
    of_photos = 2 * areas.mean(axis=1).var(ddof=1)
    of_readers = photos * areas.mean(axis=0).var(ddof=1)
    rest = ((areas - areas.mean(axis=1, keepdims=True) - areas.mean(axis=0) + areas.mean()) ** 2).sum() / (photos - 1)
    icc = (of_photos - rest) / (of_photos + rest + 2 * (of_readers - rest) / photos)
    assert stated["icc-2-1"] == pytest.approx(icc, abs=1e-3)


def test_a_photo_on_which_they_differ_is_listed_and_has_no_final_value_yet(journey):
    (row,) = rows_in(journey / "before" / "adjudication.csv")
    assert (row["subject"], row["visit"], row["why"], row["adjudicated"]) == ("phantom-01", "week-00", "area dice", "0")
    first, second = float(row["reader_1_area_mm2"]), float(row["reader_2_area_mm2"])
    assert second == pytest.approx(0.36 * first, rel=0.03)
    assert float(row["difference_percent"]) == pytest.approx(100 * (first - second) / ((first + second) / 2), abs=0.01)
    finals = {(one["subject"], one["visit"]): one for one in rows_in(journey / "before" / "reviewed.csv")}
    open_one = finals.pop(("phantom-01", "week-00"))
    assert (open_one["source"], open_one["final_area_mm2"]) == ("to-be-adjudicated", "")
    for one in finals.values():
        assert one["source"] == "readers"
        both = float(one["reader_1_area_mm2"]), float(one["reader_2_area_mm2"])
        assert float(one["final_area_mm2"]) == pytest.approx(sum(both) / 2, abs=1e-3)
        assert float(one["u_final_boundary_mm2"]) >= abs(both[0] - both[1]) / 2 - 1e-3
        assert float(one["u_final_area_mm2"]) >= float(one["u_final_scale_mm2"])


def test_the_adjudicated_value_wins_and_all_three_stay(journey):
    before, after = (
        next(one for one in rows_in(journey / name / "reviewed.csv") if one["why"]) for name in ("before", "after")
    )
    assert (after["source"], after["adjudicator"]) == ("adjudicated", "R3")
    assert after["final_area_mm2"] == after["adjudicated_area_mm2"] == after["automatic_area_mm2"]
    for column in ("automatic_area_mm2", "reader_1_area_mm2", "reader_2_area_mm2"):
        assert after[column] == before[column] != ""
    (row,) = rows_in(journey / "after" / "adjudication.csv")
    assert row["adjudicated"] == "1"


def test_the_adjudicators_worklist_is_blinded_like_the_others(journey):
    files = [path for path in (journey / "third" / "adjudicator").rglob("*") if path.is_file()]
    assert sorted({path.suffix for path in files}) == [".csv", ".json", ".png", ".txt"]
    ids = {path.stem for path in files_of(journey / "third" / "adjudicator" / "pictures")}
    earlier = {one["reading_id"] for one in json.loads((journey / "list-key.json").read_text())["readings"]}
    assert len(ids) == 1
    assert not ids & earlier
    for path in files:
        if path.suffix != ".png":
            assert b"phantom" not in path.read_bytes()
            assert b"R1" not in path.read_bytes()


def test_once_all_is_decided_there_is_nothing_to_adjudicate(journey, command, tmp_path):
    ran = command("worklist", "adjudicate", journey / "results", "-o", tmp_path / "again")
    assert ran.code == 0
    assert "No photo is to be adjudicated" in ran.out
    assert not (tmp_path / "again").exists()


def test_limits_are_those_of_the_study(journey, command, tmp_path):
    from oral_lesion.io.resources import default_protocol_path

    text = default_protocol_path().read_text(encoding="utf-8")
    lax = tmp_path / "lax.toml"
    lax.write_text(text.replace("min_dice = 0.75", "min_dice = 0.0"))
    ran = command("review", "agreement", journey / "results", "-o", tmp_path / "out", "--protocol", lax)
    assert (ran.code, (tmp_path / "out").exists()) == (1, False)
    assert "limits are fixed" in ran.err


def test_a_study_without_limits_needs_a_protocol_that_has_them(journey, command, tmp_path):
    results = own_results(journey / "results", tmp_path)
    edit(results / "run.json", lambda run: run["protocol"].pop("review") and None)
    ran = command("review", "agreement", results, "-o", tmp_path / "out")
    assert ran.code == 1
    assert "[review]" in ran.err


def test_the_terminal_says_whence_final_areas_come(journey, command, tmp_path):
    results = own_results(journey / "results", tmp_path)
    ran = command("review", "agreement", results, "-o", tmp_path / "out", "--no-figures")
    assert ran.code == 0
    assert "Photos by where their final area comes from: readers 3, adjudicated 1" in ran.out


def test_a_measure_without_an_interval_says_so():
    row = {"first": "R1", "second": "R1", "measure": "bias", "value": 2.0, "unit": "mm2", "photos": 2}
    line = comparison_line(row | {"low": float("nan"), "high": float("nan")})
    assert line == "R1, twice: bias 2 [no interval, too few subjects] mm², 2 photos"
    assert comparison_line(row | {"low": 1.0, "high": 3.0}) == "R1, twice: bias 2 [1, 3] mm², 2 photos"


def test_without_reads_there_is_nothing_to_compare(read_study, command, tmp_path):
    ran = command("review", "agreement", read_study, "-o", tmp_path / "out")
    assert ran.code == 1
    assert "holds no reads" in ran.err


def test_a_mask_that_was_edited_is_found(journey, command, tmp_path):
    results = own_results(journey / "results", tmp_path)
    (results / "reads").unlink()
    (results / "reads").mkdir()
    for path in (journey / "results" / "reads").iterdir():
        (results / "reads" / path.name).write_bytes(path.read_bytes())
    victim = sorted((results / "reads").iterdir())[0]
    victim.write_bytes(victim.read_bytes() + b"\0")
    ran = command("review", "agreement", results, "-o", tmp_path / "out")
    assert ran.code == 1
    assert victim.name in ran.err
