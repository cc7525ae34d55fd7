"""The notebooks of the five stages: each runs as it stands, draws its figures, and finds what was drawn."""

import csv
import re

import pytest
from notebook_runs import NOTEBOOKS, cells_of, execute, outputs_of, require_jupyter

FIGURES = {"01-standardize": 4, "02-segment": 3, "03-measure": 3, "04-compare": 3, "05-study": 3}
MARK = "# CHANGE HERE"


@pytest.fixture(scope="module", autouse=True)
def _jupyter():
    require_jupyter()


@pytest.fixture(scope="module", params=FIGURES)
def ran(request, tmp_path_factory):
    """A notebook's name, its cells with their outputs, and the folder that it wrote to."""
    folder = tmp_path_factory.mktemp(request.param)
    return request.param, execute(request.param, folder), folder / "work"


def printed(cells):
    return "".join("".join(output["text"]) for output in outputs_of(cells, "stdout"))


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_it_runs_without_a_warning_and_draws_its_figures(ran):
    name, cells, _ = ran
    assert outputs_of(cells, "stderr") == []
    assert len(outputs_of(cells, "image/png")) == FIGURES[name]


def test_it_finds_what_was_drawn(ran):
    name, cells, work = ran
    said = printed(cells)
    if name == "01-standardize":
        before, after = map(float, re.search(r"pairs: ([\d.]+) before, ([\d.]+) after", said).groups())
        assert after < 0.25 * before
        table = "".join("".join(output["data"]["text/plain"]) for output in outputs_of(cells, "text/plain"))
        for reason in ("too-tilted", "blurred", "card-clipped", "no-card"):
            assert reason in table
    elif name == "02-segment":
        assert "the photo above: not flagged" in said
        assert "a lawn: flagged out-of-domain" in said
        assert float(re.search(r"area ([\d.]+) mm²", said)[1]) > 0
    elif name == "03-measure":
        inside, count = map(int, re.search(r"inside ± U: (\d+) of (\d+)", said).groups())
        assert inside == count >= 8
        assert abs(float(re.search(r"mean error ([-+][\d.]+)", said)[1])) < 0.6
        assert re.search(r"drawn 0\.5 mm²: measured 0\.00 mm², no u", said)
    elif name == "04-compare":
        states = {row["lesion"]: row["state"] for row in rows_of(work / "compare" / "change" / "lesions_over_time.csv")}
        assert list(states.values()) == ["persistent", "healed", "new"]
        change = float(re.search(r"change (-[\d.]+) mm²", said)[1])
        assert change == pytest.approx(41 + 15 - 90 - 24, abs=2)
    else:
        rows = rows_of(work / "study" / "results" / "changes.csv")
        last = {row["subject"]: row["change_percent"] for row in rows if row["visit"] == "week-08"}
        assert last["S-002"] == ""
        for subject, first, then in (("S-001", 120, 30), ("S-003", 95, 38), ("S-004", 60, 74)):
            assert float(last[subject]) == pytest.approx(100 * (then / first - 1), abs=2)
        assert "0 with both or neither" in said


@pytest.mark.parametrize("name", FIGURES)
def test_it_says_what_to_change_and_leads_on(name):
    cells = cells_of(NOTEBOOKS / f"{name}.ipynb")
    marked = [cell["id"] for cell in cells if "".join(cell["source"]).startswith(MARK)]
    assert marked == [cell["id"] for cell in cells if "change-here" in cell["metadata"].get("tags", ())] == ["places"]
    for cell in cells:
        for target in re.findall(r"\]\(([^)#]+)", "".join(cell["source"])) if cell["cell_type"] == "markdown" else ():
            assert (NOTEBOOKS / target).exists(), target
