"""subjects.csv: who is in the study, blind."""

import pytest
from endpoint_records import settings_of

from oral_lesion.errors import SettingsError
from oral_lesion.io.subjects import read_subjects

SETTINGS = settings_of(strata=["pemphigus_type", "centre"])


@pytest.fixture
def read(tmp_path):
    def read_text(text, photographed=(), settings=SETTINGS):
        content = text if isinstance(text, bytes) else text.encode("utf-8")
        (tmp_path / "subjects.csv").write_bytes(content)
        return read_subjects(tmp_path / "subjects.csv", photographed, settings)

    return read_text


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_subjects_and_strata_in_any_order_of_columns(read, separator):
    lines = [["Centre", "subject", "Pemphigus type"], ["A", "S-1", "mucosal"], ["", "S-2", "mucocutaneous"]]
    text = "\ufeff" + "\r\n".join(separator.join(line) for line in lines) + "\r\n\r\n"
    expected = {
        "S-1": {"pemphigus_type": "mucosal", "centre": "A"},
        "S-2": {"pemphigus_type": "mucocutaneous", "centre": None},
    }
    assert read(text, ["S-1"]) == expected
    assert read(text.encode("utf-16"), ["S-1"]) == expected


def test_without_strata_the_file_is_not_needed(tmp_path):
    settings = settings_of(strata=[])
    assert read_subjects(tmp_path / "subjects.csv", ["B", "A", "A"], settings) == {"A": {}, "B": {}}
    with pytest.raises(SettingsError, match="the protocol names the strata pemphigus_type"):
        read_subjects(tmp_path / "subjects.csv", ["A"], SETTINGS)


def test_all_faults_of_the_lines_at_once(read):
    text = "subject,pemphigus_type,centre\nS-1,a,b\nS-1,a,b\n,a,b\nS-2,a,b,c\n"
    with pytest.raises(SettingsError) as caught:
        read(text, ["S-1", "S-3"])
    message = str(caught.value)
    assert "4 faults" in message
    for words in ("'S-1' comes twice", "line 4, subject: is empty", "has 4 cells, the header 3", "S-3: has a folder"):
        assert words in message


@pytest.mark.parametrize("column", ["arm", "Treatment", "TRT01P", "ACTARMCD", "Behandlung", "组别"])
def test_the_treatment_is_refused(read, column):
    with pytest.raises(SettingsError, match="tell the treatment"):
        read(f"subject,pemphigus_type,centre,{column}\nS-1,a,b,1\n")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b'subject,"a\n', b"", b"\n\n"])
def test_what_is_no_table(read, content):
    with pytest.raises(SettingsError):
        read(content)


def test_a_folder_in_its_place(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        read_subjects(tmp_path, [], SETTINGS)
