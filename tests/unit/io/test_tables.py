"""The tables: exact columns, no formulas, numbers that stay numbers, nothing invented."""

import csv
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oral_lesion.errors import Flag, FormatError, OutputError, Reason, Refusal
from oral_lesion.io.tables import (
    LESION_COLUMNS,
    SCORE_COLUMNS,
    PhotoRows,
    defused,
    read_lesions,
    read_scores,
    rows_of,
    write_tables,
)
from oral_lesion.records import Lesion, Measurement, PhotoScore

COLUMNS = (
    "photo_id,file,sha256,subject,visit,site,replicate,status,reason,observed,limit,unit,erosion_area_mm2,u_area_mm2,"
    "u_scale_mm2,u_boundary_mm2,u_reason,smallest_counted_mm2,lesion_count,largest_lesion_mm2,mm_per_px,u_mm_per_px,tilt_deg,card,delta_e00_mean,"
    "delta_e00_median,delta_e00_max,flags,"
    "model,model_sha256,protocol_sha256"
)


@pytest.fixture
def row_of(protocol, model):
    return lambda score: rows_of(score, protocol=protocol, model=model)


@pytest.fixture
def written(tmp_path, row_of):
    def write(*scores):
        write_tables(tmp_path, [row_of(score) for score in scores])
        return tmp_path

    return write


def test_the_columns_are_pinned():
    assert ",".join(SCORE_COLUMNS) == COLUMNS
    assert ",".join(LESION_COLUMNS) == (
        "photo_id,lesion,area_mm2,perimeter_mm,centroid_row_px,centroid_column_px,equivalent_diameter_mm,flags"
    )


def test_a_scored_photo(written, scored, protocol):
    (row,) = read_scores(written(scored) / "scores.csv")
    assert row == {
        "photo_id": "photo-12345678", "file": "photo.jpg", "sha256": "cd" * 32, "subject": "S-001",
        "visit": "week-04", "site": "tongue-dorsal", "replicate": 2, "status": "scored", "reason": None,
        "observed": None, "limit": None, "unit": None, "erosion_area_mm2": 12.566, "u_area_mm2": 0.5,
        "u_scale_mm2": 0.3, "u_boundary_mm2": 0.4, "u_reason": None, "smallest_counted_mm2": 1.0,
        "lesion_count": 1, "largest_lesion_mm2": 12.566, "mm_per_px": 0.05,
        "u_mm_per_px": 0.0005, "tilt_deg": 3.25,
        "card": "colorchecker-classic-nano", "delta_e00_mean": 2.083, "delta_e00_median": 1.25, "delta_e00_max": 4.5,
        "flags": "blur-marginal shading", "model": "oral-erosion 1.0", "model_sha256": "ab" * 32,
        "protocol_sha256": protocol.sha256,
    }  # fmt: skip


def test_the_bytes_are_rfc_4180_with_fixed_decimals(written, scored):
    lines = (written(scored) / "scores.csv").read_bytes().split(b"\r\n")
    assert lines[0].decode() == COLUMNS
    assert b",12.566,0.500,0.300,0.400,,1.000,1,12.566,0.05000,0.000500,3.25," in lines[1]
    assert lines[2:] == [b""]


def test_lesions_in_the_upright_photos_pixels(written, scored):
    (row,) = read_lesions(written(scored) / "lesions.csv")
    # the fixture's homography: photo = 2 × standard + (11, 7) in x and y
    assert (row["centroid_row_px"], row["centroid_column_px"]) == (2 * 60 + 7, 2 * 70 + 11)
    assert (row["lesion"], row["area_mm2"], row["perimeter_mm"]) == (1, 12.566, 12.566)
    assert row["equivalent_diameter_mm"] == pytest.approx(4.0, abs=1e-3)
    assert row["flags"] is None


def test_a_photo_without_lesions_has_an_area_of_zero_whose_error_is_not_known(written, scored):
    nothing = Measurement(lesions=(), area_mm2=0.0, u_scale_mm2=None, u_boundary_mm2=None)
    folder = written(dataclasses.replace(scored, outcome=nothing))
    (row,) = read_scores(folder / "scores.csv")
    assert (row["erosion_area_mm2"], row["lesion_count"], row["largest_lesion_mm2"]) == (0, 0, 0)
    assert (row["u_area_mm2"], row["u_scale_mm2"], row["u_boundary_mm2"]) == (None, None, None)
    assert (row["u_reason"], row["smallest_counted_mm2"]) == ("zero-area", 1.0)
    assert read_lesions(folder / "lesions.csv") == []


def test_a_refused_photo_has_no_area_and_keeps_what_was_read(written, scored):
    refusal = Refusal(reason=Reason.TOO_TILTED, observed=41.23456, limit=35.0, unit="°")
    refused = PhotoScore(identity=scored.identity, outcome=refusal, card=scored.card)
    folder = written(refused)
    (row,) = read_scores(folder / "scores.csv")
    assert (row["status"], row["reason"], row["observed"], row["limit"], row["unit"]) == (
        "refused", "too-tilted", 41.23456, 35.0, "°",
    )  # fmt: skip
    for column in (
        "erosion_area_mm2",
        "u_area_mm2",
        "u_reason",
        "smallest_counted_mm2",
        "lesion_count",
        "largest_lesion_mm2",
        "delta_e00_median",
    ):
        assert row[column] is None
    assert (row["mm_per_px"], row["tilt_deg"], row["card"]) == (0.05, 3.25, "colorchecker-classic-nano")
    assert read_lesions(folder / "lesions.csv") == []


def test_an_unreadable_photo_has_empty_cells(written, identity):
    (row,) = read_scores(
        written(PhotoScore(identity=identity(), outcome=Refusal(reason=Reason.UNREADABLE))) / "scores.csv"
    )
    filled = {column for column, value in row.items() if value is not None}
    assert filled == {
        "photo_id", "file", "subject", "visit", "replicate", "status", "reason", "model", "model_sha256",
        "protocol_sha256",
    }  # fmt: skip


def test_lesions_by_falling_area_with_flags(written, scored):
    lesions = tuple(
        Lesion(label=n, area_mm2=10.0 / n, perimeter_mm=5.0, centroid_rc_px=(n, n), flags=(Flag.LESION_AT_EDGE,))
        for n in (1, 2)
    )
    outcome = Measurement(lesions=lesions, area_mm2=15.0, u_scale_mm2=0.1, u_boundary_mm2=0.1)
    folder = written(dataclasses.replace(scored, outcome=outcome))
    assert [row["area_mm2"] for row in read_lesions(folder / "lesions.csv")] == [10.0, 5.0]
    assert read_lesions(folder / "lesions.csv")[0]["flags"] == "lesion-at-edge"
    assert read_scores(folder / "scores.csv")[0]["largest_lesion_mm2"] == 10.0


def test_not_a_number_is_an_empty_cell(written, scored):
    folder = written(dataclasses.replace(scored, outcome=Refusal(reason=Reason.BLURRED, observed=float("nan"))))
    assert read_scores(folder / "scores.csv")[0]["observed"] is None


def test_negative_numbers_stay_numbers_and_zero_has_no_sign(written, scored):
    folder = written(dataclasses.replace(scored, outcome=Refusal(reason=Reason.CARD_DARK, observed=-1.5, limit=-1e-9)))
    assert b",-1.50000,0.00000," in (folder / "scores.csv").read_bytes()


@pytest.mark.parametrize(
    "name", ["=1+1.jpg", "+1.jpg", "-1.jpg", "@sum(a1).jpg", " =1.jpg", "\t=1.jpg", "\r=1.jpg", "＝1.jpg", "'=1.jpg"]
)
def test_text_that_starts_like_a_formula_is_defused(written, scored, identity, name):
    folder = written(dataclasses.replace(scored, identity=identity(name, subject_id=name)))
    with (folder / "scores.csv").open(encoding="utf-8", newline="") as file:
        raw = next(iter(csv.DictReader(file)))
    assert raw["file"].startswith("'")
    assert raw["subject"].startswith("'")
    assert read_scores(folder / "scores.csv")[0]["file"] == name.strip()


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_cell_starts_like_a_formula(text):
    assert not defused(text).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_quotes_commas_and_line_breaks(written, scored, identity):
    name = 'a "quoted", näme;\n口.jpg'
    folder = written(dataclasses.replace(scored, identity=identity(name)))
    assert read_scores(folder / "scores.csv")[0]["file"] == name.replace("\n", "")


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1), min_size=3, max_size=3),
    area=st.floats(0, 1e6),
    replicate=st.integers(1, 99),
)
def test_round_trip(tmp_path_factory, texts, area, replicate):
    import unicodedata

    texts = [unicodedata.normalize("NFC", text) for text in texts]
    row = dict.fromkeys(SCORE_COLUMNS)
    row |= {"file": texts[0], "subject": texts[1], "visit": texts[2], "erosion_area_mm2": area, "replicate": replicate}
    folder = tmp_path_factory.mktemp("tables")
    write_tables(folder, [PhotoRows(score=row, lesions=())])
    (back,) = read_scores(folder / "scores.csv")
    assert {column: value for column, value in back.items() if value is not None} == {
        "file": texts[0],
        "subject": texts[1],
        "visit": texts[2],
        "erosion_area_mm2": pytest.approx(area, abs=5.1e-4),
        "replicate": replicate,
    }


@pytest.mark.parametrize("content", [b"", b"a,b\r\n1,2\r\n", COLUMNS.encode() + b"\r\n1,2\r\n", b"\xff\xfe\x00"])
def test_other_tables_are_not_read(tmp_path, content):
    (tmp_path / "scores.csv").write_bytes(content)
    with pytest.raises(FormatError):
        read_scores(tmp_path / "scores.csv")


def test_a_table_that_is_missing(tmp_path):
    with pytest.raises(FormatError):
        read_scores(tmp_path / "scores.csv")


def test_a_folder_that_is_missing(tmp_path):
    with pytest.raises(OutputError):
        write_tables(tmp_path / "nowhere", [])


def test_rows_travel_between_processes(row_of, scored):
    import pickle

    rows = row_of(scored)
    assert pickle.loads(pickle.dumps(rows)) == rows  # noqa: S301 - our own bytes
