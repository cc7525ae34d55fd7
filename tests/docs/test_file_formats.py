"""docs/file-formats.md says every column of every table: name, unit and meaning, in the table's order."""

import ast
import importlib
import json
import re
from dataclasses import fields

import pytest
from doc_tables import DOCS, ROOT, codes_in, tables_by_heading

from oral_lesion.io.check_photos import check_file, verdict_json
from oral_lesion.io.csv_tables import TEXT
from oral_lesion.io.quality_tables import QUALITY_COLUMNS
from oral_lesion.io.settings import load_protocol

PAGE = DOCS / "file-formats.md"
HEADER = ["column", "unit", "meaning"]

READ_FROM_PEOPLE = {"photos.csv": "oral_lesion.io.manifest:COLUMNS"}
WRITTEN = {
    "scores.csv": "oral_lesion.io.tables:SCORE_COLUMNS",
    "lesions.csv": "oral_lesion.io.tables:LESION_COLUMNS",
    "quality.csv": "oral_lesion.io.quality_tables:QUALITY_COLUMNS",
    "colour.csv": "oral_lesion.io.quality_tables:COLOR_COLUMNS",
    "endpoints.csv": "oral_lesion.io.endpoint_tables:endpoint_columns",
    "changes.csv": "oral_lesion.io.change_tables:change_columns",
    "lesions_over_time.csv": "oral_lesion.io.change_tables:lesion_columns",
    "repeatability.csv": "oral_lesion.io.repeatability:_MEASURES",
    "replicates.csv": "oral_lesion.io.repeatability:_SETS",
    "worklist.csv": "oral_lesion.io.review.worklist:WORKLIST_COLUMNS",
    "review-import.csv": "oral_lesion.io.review.reads:IMPORT_COLUMNS",
    "agreement.csv": "oral_lesion.io.review.agreement:AGREEMENT_COLUMNS",
    "pairs.csv": "oral_lesion.io.review.pairs:PAIR_COLUMNS",
    "adjudication.csv": "oral_lesion.io.review.final:ADJUDICATION_COLUMNS",
    "reviewed.csv": "oral_lesion.io.review.final:REVIEWED_COLUMNS",
    "replay.csv": "oral_lesion.io.replay:REPLAY_COLUMNS",
    "standardized.csv": "oral_lesion.io.standardize_pictures:STANDARDIZED_COLUMNS",
    "metrics.csv": "oral_lesion.evaluation.tables:METRICS_COLUMNS",
    "findings.csv": "oral_lesion.io.datasets.check_report:_COLUMNS",
    "import-report.csv": "oral_lesion.adapters.annotations.import_dataset:_REPORT_COLUMNS",
    "truth.csv": "oral_lesion.phantom.truth:TRUTH_COLUMNS",
    "validation.csv": "oral_lesion.training.validation:JUDGED_COLUMNS",
    "cross_validation.csv": "oral_lesion.training.validation:JUDGED_COLUMNS",
    "history.csv": "oral_lesion.training.checkpoint:EpochRecord",
}
IN_TRAINING = ("validation.csv", "cross_validation.csv", "history.csv")
OF_THE_TRIAL = {"subjects.csv"}  # one fixed column, and the protocol's strata

UNITS = (
    ("mm_per_px", "mm/px"),
    ("px_per_mm", "px/mm"),
    ("_mm2", "mm²"),
    ("_mm", "mm"),
    ("_px", "px"),
    ("_deg", "°"),
    ("_percent", "%"),
    ("_ratio", "1"),
    ("_ev", "EV"),
)


@pytest.fixture(scope="module")
def documented():
    return tables_by_heading(PAGE)


def columns_in_code(name):
    module, attribute = {**WRITTEN, **READ_FROM_PEOPLE}[name].split(":")
    if name in IN_TRAINING:
        pytest.importorskip("torch", reason="the extra [train] is not installed")
    found = getattr(importlib.import_module(module), attribute)
    if name == "cross_validation.csv":
        return {"fold": "whole", **found}
    if isinstance(found, type):
        return [field.name for field in fields(found)]
    return found(()) if callable(found) else found


def rows_of(documented, name):
    header, _, *rows = documented[name]
    assert header == HEADER
    return [(codes_in(column), unit, meaning) for column, unit, meaning in rows]


@pytest.mark.parametrize("name", [*WRITTEN, *READ_FROM_PEOPLE])
def test_every_column_has_its_line_and_no_other_has(documented, name):
    listed = [column for columns, _, _ in rows_of(documented, name) for column in columns]
    assert listed == list(columns_in_code(name))


@pytest.mark.parametrize("name", [*WRITTEN, *READ_FROM_PEOPLE])
def test_every_column_has_a_meaning_and_the_unit_of_its_name(documented, name):
    kinds = columns_in_code(name)
    for columns, unit, meaning in rows_of(documented, name):
        assert meaning, columns
        for column in columns:
            named = next((of_name for suffix, of_name in UNITS if column.endswith(suffix)), None)
            if named is not None:
                assert unit == named, column
            elif isinstance(kinds, dict) and kinds[column] != TEXT:
                assert unit or "row's `unit`" in meaning or "unit of that limit" in meaning or column == "u", column


def test_every_table_that_the_code_names_is_on_the_page(documented):
    named = {
        node.value.removeprefix("/")
        for path in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"/?[\w-]+\.csv", node.value)
    }
    assert {"scores.csv", "replay.csv", "truth.csv"} <= named
    assert named == {*WRITTEN, *READ_FROM_PEOPLE, *OF_THE_TRIAL}
    assert named <= set(documented)


def test_the_answer_of_check_for_programs_is_on_the_page(documented):
    photo = DOCS / "pictures" / "photography" / "too-tilted.jpg"
    said = json.loads(verdict_json(photo, check_file(photo, protocol=load_protocol(None))))
    header, _, *rows = documented["oral-lesion check --json"]
    assert header == ["key", "meaning"]
    assert [key for keys, _ in rows for key in codes_in(keys)] == list(said)
    (nearest,) = [meaning for keys, meaning in rows if keys == "`nearest_limit`"]
    assert codes_in(nearest) == list(said["nearest_limit"])
    assert list(said["quality"]) == list(QUALITY_COLUMNS)[list(QUALITY_COLUMNS).index("card_blur_mm") :]
