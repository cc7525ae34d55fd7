"""Change on phantoms of known area: bias of the percentage, coverage of ± 2u, and no change where there is none."""

import numpy as np
import pytest
from study_folders import render_study, rows_in

from oral_lesion.io.settings import load_study_protocol
from oral_lesion.io.study import StudyRun, run_study
from oral_lesion.phantom.truth_segmenters import TruthSegmenters

LEFT = {"week-04": 0.55, "week-08": 0.55**2}


@pytest.fixture(scope="module")
def changes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("change")
    photos = render_study(folder / "photos", subjects=2, sites=("palate-hard",), seed=11)
    run_study(
        photos,
        folder / "out",
        protocol=load_study_protocol(),
        segmenters_for=lambda visit: TruthSegmenters.of_visit(visit, 0.1),
        run=StudyRun(),
    )
    truth = {(row["subject"], row["visit"]): float(row["erosion_area_mm2"]) for row in rows_in(photos / "truth.csv")}
    rows = [row for row in rows_in(folder / "out" / "changes.csv") if row["site"] == "palate-hard"]
    assert len(rows) == 4
    return truth, rows


def test_the_percentage_is_not_biased(changes):
    _, rows = changes
    errors = [float(row["change_percent"]) - 100 * (LEFT[row["visit"]] - 1) for row in rows]
    assert abs(np.mean(errors)) < 0.5
    assert np.max(np.abs(errors)) < 1.5


def test_twice_the_uncertainty_covers_the_true_change(changes):
    truth, rows = changes
    for row in rows:
        true_change = truth[row["subject"], row["visit"]] - truth[row["subject"], "week-00"]
        assert np.sign(float(row["change_mm2"])) == np.sign(true_change) == -1
        assert abs(float(row["change_mm2"]) - true_change) <= 2 * float(row["u_change_mm2"])


def test_all_visits_are_aligned(changes):
    _, rows = changes
    assert {row["registration"] for row in rows} <= {"good", "fair"}
