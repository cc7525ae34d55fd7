"""The notebooks run from the first cell to the last, and are kept as text: no outputs, nothing of one machine."""

import csv
import importlib.util
import json
import re
from collections import Counter

import pytest
from notebook_runs import NOTEBOOKS, cells_of, execute, outputs_of, require_jupyter

from oral_lesion.io.bundle import load_bundle

NAMES = ("endpoint-analysis", "evaluate", "retrain")
MARK = "# CHANGE HERE"
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|Users|root|tmp|mnt|work|data|opt)/|[A-Za-z]:\\\\|~/")


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module", autouse=True)
def _jupyter():
    require_jupyter()


@pytest.mark.parametrize("name", sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")))
def test_notebooks_are_kept_as_text(name):
    import nbformat

    path = NOTEBOOKS / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info == {"name": "python"}
    for cell in notebook.cells:
        assert re.fullmatch(r"[a-z][a-z-]+", cell.id), f"{cell.id}: a name that says what the cell is"
        if cell.cell_type == "code":
            assert cell.execution_count is None
            assert cell.outputs == []
        assert set(cell.metadata) <= {"tags"}
    assert max(Counter(cell.id for cell in notebook.cells).values()) == 1
    assert not MACHINE_PATH.search(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_cells_to_change_are_marked(name):
    code = [cell for cell in cells_of(NOTEBOOKS / f"{name}.ipynb") if cell["cell_type"] == "code"]
    marked = [cell["id"] for cell in code if "".join(cell["source"]).startswith(MARK)]
    assert marked == [cell["id"] for cell in code if "change-here" in cell["metadata"].get("tags", ())]
    assert len(marked) >= 2
    assert MARK not in "".join(line for cell in code for line in cell["source"] if not line.startswith(MARK))


@pytest.mark.parametrize("text", ["/home/x/y", "'/work/z'", "C:\\\\Users", "~/set"])
def test_machine_paths_are_seen(text):
    assert MACHINE_PATH.search(text)
    assert not MACHINE_PATH.search('Path("work/retrain"), https://host/data/x, ../docs/training.md')


@pytest.mark.timeout(1800)
def test_retrain_makes_a_bundle_that_scores_a_visit(tmp_path):
    for package in ("torch", "segmentation_models_pytorch", "lightning_fabric", "albumentations"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is missing; pip install 'oral-lesion[train]'")
    cells = execute("retrain", tmp_path)
    assert outputs_of(cells, "stderr") == []
    assert len(outputs_of(cells, "image/png")) == 3
    work = tmp_path / "work" / "retrain"

    photos = rows_of(work / "set" / "photos.csv")
    splits = {row["split"]: {other["group"] for other in photos if other["split"] == row["split"]} for row in photos}
    assert {split: len(groups) for split, groups in splits.items()} == {"train": 6, "val": 2, "test": 3}
    assert not (splits["train"] & splits["val"] or splits["train"] & splits["test"] or splits["val"] & splits["test"])

    losses = [float(row["loss"]) for row in rows_of(work / "run" / "history.csv")]
    assert losses[-1] < 0.7 * losses[0]

    bundle = load_bundle(work / "models" / "retrained")
    assert bundle.metadata.probability_calibration.n == 4
    assert {figure.data_set for figure in bundle.metadata.figures} == {"labelled, test, working resolution"}
    assert str(tmp_path) not in (bundle.path / "metadata.json").read_text(encoding="utf-8")

    figures = json.loads((work / "evaluation" / "summary.json").read_text(encoding="utf-8"))["results"][0]["figures"]
    assert figures["dice_pooled"]["value"] > 0.5

    truth = {row["site"]: float(row["erosion_area_mm2"]) for row in rows_of(work / "phantoms" / "truth.csv")}
    scores = rows_of(work / "scores" / "scores.csv")
    assert {row["site"]: row["status"] for row in scores} == dict.fromkeys(truth, "scored")
    assert {row["model_sha256"] for row in scores} == {bundle.model_sha256}
    for row in scores:
        assert 0.1 < float(row["erosion_area_mm2"]) / truth[row["site"]] < 10  # a toy: an area, and no absurd one
        assert float(row["u_area_mm2"]) > 0


@pytest.mark.timeout(900)
def test_evaluate_reads_what_it_wrote(tmp_path):
    cells = execute("evaluate", tmp_path)
    assert outputs_of(cells, "stderr") == []
    assert len(outputs_of(cells, "image/png")) == 5
    work = tmp_path / "work" / "evaluate"

    rows = rows_of(work / "evaluation" / "metrics.csv")
    assert [row["picture"] for row in rows[:12]] == [row["picture"] for row in rows[12:]]
    truth = {row["subject"]: float(row["erosion_area_mm2"]) for row in rows_of(work / "pictures" / "truth.csv")}
    for row in rows:  # mm_per_px is the scale at the card; elsewhere in a tilted picture it differs
        assert float(row["true_mm2"]) == pytest.approx(truth[row["group"]], rel=0.15)
        assert float(row["predicted_mm2"]) >= 0

    summary = json.loads((work / "evaluation" / "summary.json").read_text(encoding="utf-8"))
    assert summary["results"][0]["figures"]["dice_image_lesion"]["value"] > 0.5
    assert summary["differences"][0]["figures"]["dice_image_lesion"]["value"] != 0
    assert (work / "gallery.png").stat().st_size > 50_000


@pytest.mark.timeout(900)
def test_endpoint_analysis_finds_the_effect_and_keeps_the_arm_to_itself(tmp_path):
    if importlib.util.find_spec("statsmodels") is None:
        pytest.skip("statsmodels is missing; pip install 'oral-lesion[notebooks]'")
    cells = execute("endpoint-analysis", tmp_path)
    assert outputs_of(cells, "stderr") == []
    assert len(outputs_of(cells, "image/png")) == 3
    work = tmp_path / "work" / "endpoint-analysis"

    endpoints = rows_of(work / "results" / "endpoints.csv")
    of_site = [row for row in endpoints if row["site"] == "buccal-left" and row["lesion"] == ""]
    places = {(row["subject"], row["visit"], row["parameter"]): row for row in of_site}
    assert places["subject-03", "week-04", "change"]["not_done_reason"] == "refused"
    assert places["subject-03", "week-04", "change"]["value"] == ""
    for row in endpoints:
        assert (row["value"] == "") == (row["not_done_reason"] != "")
        assert row["value"] == "" or (row["u"] == "") == (row["u_reason"] != "")
    written = b"".join(path.read_bytes() for path in (work / "results").rglob("*") if path.suffix in {".csv", ".json"})
    assert b"control" not in written
    assert b"active" not in written
    assert "tell the treatment" in "".join(outputs_of(cells, "stdout")[1]["text"])
    assert not (work / "unblinded").exists()

    found = json.loads((work / "results.json").read_text(encoding="utf-8"))
    truth = rows_of(work / "photos" / "truth.csv")
    assert found["error"]["photos"] + 1 == sum(float(row["erosion_area_mm2"]) > 0 for row in truth)
    assert len(found["effects"]) == 4
    for effect in found["effects"].values():
        assert effect["low"] < effect["with true areas"] < effect["high"]
        assert effect["low"] < effect["estimate"] < effect["high"]
    slopes = {(row["endpoint"], row["error"]): row["slope"] for row in found["power"]}
    for endpoint in {endpoint for endpoint, _ in slopes}:
        assert slopes[endpoint, "true areas"] > slopes[endpoint, "15 %"] > slopes[endpoint, "30 %"] > 0
