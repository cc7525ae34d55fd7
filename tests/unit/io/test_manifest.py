"""photos.csv: every fault is named at once, with its line."""

import datetime as dt

import pytest

from oral_lesion.errors import SettingsError
from oral_lesion.io.manifest import read_manifest
from oral_lesion.records import Mirror


@pytest.fixture
def manifest(tmp_path):
    def read(text, encoding="utf-8"):
        path = tmp_path / "photos.csv"
        path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
        return read_manifest(path)

    return read


@pytest.fixture
def faults_of(manifest):
    def faults(text):
        with pytest.raises(SettingsError) as caught:
            manifest(text)
        return {fault.key: fault.message for fault in caught.value.faults}

    return faults


FULL = (
    "file,subject,visit,visit_date,site,replicate,mirror\na.jpg,S-9,week-12,2026-03-01,left cheek,2,yes\nb.jpg,,,,,,\n"
)


def test_all_columns(manifest):
    first, second = manifest(FULL)
    assert (first.line, first.file, first.subject, first.visit) == (2, "a.jpg", "S-9", "week-12")
    assert first.visit_date == dt.date(2026, 3, 1)
    assert (first.site, first.replicate, first.mirror) == ("left cheek", 2, Mirror.MIRROR)
    assert (second.subject, second.visit, second.visit_date, second.site) == (None, None, None, None)
    assert (second.replicate, second.mirror) == (None, Mirror.UNDECLARED)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_what_spreadsheets_write(manifest, separator, encoding, line_end):
    text = FULL.replace(",", separator).replace("\n", line_end)
    assert len(manifest(text, encoding)) == 2


def test_excels_separator_line_is_skipped_and_counted(manifest):
    (row,) = manifest("sep=;\nfile;site\na.jpg;hard palate\n")
    assert (row.line, row.site) == (3, "hard palate")


def test_quotes_blank_lines_and_case_of_the_header(manifest):
    rows = manifest('\ufeffFile , Visit Date\n"a, b.jpg",2026-01-02\n\n,\nc.jpg,\n')
    assert [row.file for row in rows] == ["a, b.jpg", "c.jpg"]
    assert rows[1].line == 5


def test_empty_columns_at_the_end_are_no_fault(manifest):
    assert len(manifest("file;site;;\na.jpg;;;\n")) == 1


@pytest.mark.parametrize(
    ("text", "mirror"),
    [("yes", Mirror.MIRROR), ("Mirror", Mirror.MIRROR), ("no", Mirror.DIRECT), ("direct", Mirror.DIRECT),
     ("", Mirror.UNDECLARED)],
)  # fmt: skip
def test_mirror(manifest, text, mirror):
    assert manifest(f"file,mirror\na.jpg,{text}\n")[0].mirror is mirror


def test_all_faults_at_once_with_their_lines(faults_of):
    faults = faults_of(
        "file,visit_date,replicate,mirror\n"
        "a.jpg,01.03.2026,1,yes\n"
        "b.jpg,2026-02-30,two,perhaps\n"
        ",,,\n"
        ",2026-01-01,0,\n"
        "./a.jpg,,,\n"
    )
    assert set(faults) == {
        "line 2, visit_date", "line 3, visit_date", "line 3, replicate", "line 3, mirror", "line 5, file",
        "line 5, replicate", "line 6, file",
    }  # fmt: skip
    assert "01.03.2026" in faults["line 2, visit_date"]
    assert "line 2" in faults["line 6, file"]


def test_unknown_doubled_and_missing_columns(manifest):
    with pytest.raises(SettingsError) as caught:
        manifest("photo,site,site\na.jpg,,\n")
    messages = [fault.message for fault in caught.value.faults]
    assert any("'photo' is unknown" in message for message in messages)
    assert any("'site' comes 2 times" in message for message in messages)
    assert any("'file' is missing" in message for message in messages)


@pytest.mark.parametrize(
    "column", ["arm", "ARM", "Treatment", "treatment_arm", "group", "Randomisation", "randomization_no", "allocation",
               "TRT01P", "actarm", "dose", "kit number", "placebo"],
)  # fmt: skip
def test_columns_that_tell_the_treatment_are_refused_with_the_reason(faults_of, column):
    faults = faults_of(f"file,{column}\na.jpg,1\n")
    assert "blinded" in faults["line 1"]


def test_a_row_that_is_longer_than_the_header(faults_of):
    assert "line 2" in faults_of("file,site\na.jpg,hard palate,extra\n")


def test_a_cell_without_heading(faults_of):
    assert "line 2" in faults_of("file,,site\na.jpg,what,\n")


@pytest.mark.parametrize("content", ["", "\n\n", b"file\n\xff\xfe\xfa.jpg\n", 'file\n"a.jpg\n'])
def test_files_that_are_no_manifest(manifest, content):
    with pytest.raises(SettingsError) as caught:
        manifest(content)
    assert caught.value.faults[0].key == "(whole file)"


def test_a_file_outside_of_the_folder_is_no_fault_of_the_manifest(manifest):
    assert [row.file for row in manifest("file\n../../etc/passwd\n/etc/passwd\n")] == [
        "../../etc/passwd",
        "/etc/passwd",
    ]
