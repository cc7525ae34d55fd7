"""`oral-lesion evaluate`: a folder of labelled pictures and a model in, figures out."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from drawn_pictures import SIZE, disk, write_labelled, write_table

from oral_lesion.io.bundle import load_bundle

BUNDLE = Path(__file__).parents[2] / "models" / "oral-erosion"


@pytest.fixture
def labelled(tmp_path):
    folder = tmp_path / "labelled"
    masks = {f"p{n}": np.where(disk(45, 60, 10 + 5 * n), np.uint8(255), np.uint8(0)) for n in range(3)}
    masks["free"] = np.zeros(SIZE, np.uint8)
    write_labelled(folder, masks)
    write_table(folder, [("p0", "a", "val"), ("p1", "b", "val"), ("free", "c", "val"), ("p2", "d", "train")])
    return folder


@pytest.fixture
def bundle(tmp_path):
    return Path(shutil.copytree(BUNDLE, tmp_path / "models" / "mine"))


def test_a_split_is_judged(command, labelled, tmp_path):
    out = tmp_path / "out"
    arguments = ("evaluate", labelled, "--split", "val", "--longer-side", 96, "--longer-side", 128, "-o", out)
    ran = command(*arguments)
    assert ran.code == 0, ran.said
    assert "Dice, pooled over all pixels" in ran.out
    assert "longer side 128 px, 3 pictures" in ran.out
    with (out / "metrics.csv").open(encoding="utf-8", newline="") as lines:
        rows = [(row["picture"], row["longer_side_px"]) for row in csv.DictReader(lines)]
    assert rows == [("free", "96"), ("p0", "96"), ("p1", "96"), ("free", "128"), ("p0", "128"), ("p1", "128")]
    assert "data:image/jpeg" in (out / "evaluation.html").read_text(encoding="utf-8")
    assert command(*arguments).code == 1  # results are there already
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert command(*arguments, "--overwrite").code == 0
    assert before == {path.name: path.read_bytes() for path in out.iterdir()}


def test_a_model_compared_with_itself_differs_nowhere(command, labelled, tmp_path):
    out = tmp_path / "out"
    ran = command("evaluate", labelled, "--compare", BUNDLE, "--longer-side", 96, "--cases", 0, "-o", out)
    assert ran.code == 0, ran.said
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    figures = summary["differences"][0]["figures"].values()
    assert {figure["value"] for figure in figures if figure["value"] is not None} == {0.0}
    assert "data:image" not in (out / "evaluation.html").read_text(encoding="utf-8")


def test_the_card_takes_the_figures(command, labelled, bundle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = load_bundle(bundle)
    arguments = ["evaluate", "labelled", "--model", "models/mine", "--keep", "split=val", "--longer-side", 96]
    ran = command(*arguments, "--name", "drawn disks", "--write-card", "-o", "out")
    assert ran.code == 0, ran.said
    after = load_bundle(bundle)
    assert after.model_sha256 == before.model_sha256
    fresh = [figure for figure in after.metadata.figures if figure.data_set == "drawn disks, longer side 96 px"]
    assert fresh[0].n == 2
    assert fresh[0].command == (
        "oral-lesion evaluate labelled --model models/mine --keep split=val --name 'drawn disks' --longer-side 96"
    )
    assert len(after.metadata.figures) == len(before.metadata.figures) + len(fresh)
    assert "drawn disks" in (bundle / "model-card.md").read_text(encoding="utf-8")
    assert command(*arguments, "--name", "drawn disks", "--write-card", "-o", "out", "--overwrite").code == 0
    assert load_bundle(bundle).metadata.figures == after.metadata.figures


def test_commands_in_the_card_hold_no_absolute_path(command, labelled, bundle, tmp_path):
    ran = command("evaluate", labelled, "--model", bundle, "--longer-side", 96, "--write-card", "-o", tmp_path / "out")
    assert ran.code == 0, ran.said
    assert str(tmp_path) not in (bundle / "metadata.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--keep", "clinic"), "column=value"),
        (("--keep", "clinic=1"), "clinic"),
        (("--split", "test"), "split=test"),
        (("--write-card",), "--model"),
        (("--longer-side", "5"), "longer-side"),
        (("--model", "nowhere"), "nowhere"),
        (("--compare", "nowhere"), "nowhere"),
    ],
)
def test_wrong_options_are_told_and_nothing_is_written(command, labelled, tmp_path, wrong, said):
    ran = command("evaluate", labelled, "-o", tmp_path / "out", *wrong)
    assert ran.code in {1, 2}
    assert said in ran.err
    assert not (tmp_path / "out").exists()


def test_a_folder_without_pictures_and_results_inside_the_pictures(command, labelled, tmp_path):
    (tmp_path / "empty").mkdir()
    ran = command("evaluate", tmp_path / "empty", "-o", tmp_path / "out")
    assert (ran.code, "no labelled pictures" in ran.err) == (1, True)
    ran = command("evaluate", labelled, "-o", labelled / "out")
    assert ran.code == 1
    assert not (labelled / "out").exists()
    (labelled / "masks" / "p0.png").write_bytes(b"none")
    ran = command("evaluate", labelled, "-o", tmp_path / "out")
    assert (ran.code, "p0.png" in ran.err) == (1, True)
    assert not (tmp_path / "out").exists()
