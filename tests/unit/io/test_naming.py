"""Names that are safe in tables and as folders."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oral_lesion.io.naming import identifier, leads_out, names_a_folder, printable, sorting_key

SHA256 = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("stem", "slug"),
    [
        ("Tongue ventral_2", "tongue-ventral-2"),
        ("Zunge (rechts) ä", "zunge-rechts-a"),
        ("../../etc/passwd", "etc-passwd"),
        ("口腔", "photo"),
        ("", "photo"),
        ("x" * 300, "x" * 40),
        ("x" * 39 + "--y", "x" * 39),
    ],
)
def test_identifier(stem, slug):
    assert identifier(stem, SHA256) == f"{slug}-01234567"


def test_identifier_without_a_hash():
    assert identifier("a", "") == "a-00000000"


@given(st.text())
def test_identifier_is_safe_for_any_name(stem):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*-[0-9a-f]{8}", identifier(stem, SHA256))
    assert len(identifier(stem, SHA256)) <= 49


@given(st.text())
def test_printable_text_has_no_control_characters_and_is_stable(text):
    clean = printable(text)
    assert not any(unicodedata.category(letter) in {"Cc", "Cf", "Cs"} for letter in clean)
    assert printable(clean) == clean
    clean.encode("utf-8")


def test_sorting_is_by_bytes_of_the_normal_form():
    names = ["b.jpg", "a.jpg", "B.jpg", "a10.jpg", "a2.jpg", "\u00e9.jpg"]
    assert sorted(names, key=sorting_key) == ["B.jpg", "a.jpg", "a10.jpg", "a2.jpg", "b.jpg", "\u00e9.jpg"]
    assert sorting_key("e\u0301.jpg") == sorting_key("\u00e9.jpg")


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("a.jpg", False), ("sub/a.jpg", False), ("sub\\a.jpg", False), ("a..b.jpg", False), ("./a.jpg", False),
        ("../a.jpg", True), ("sub/../../a.jpg", True), ("..\\a.jpg", True), ("/a.jpg", True), ("\\a.jpg", True),
        ("C:a.jpg", True), ("C:\\a.jpg", True), ("\\\\server\\share\\a.jpg", True),
    ],
)  # fmt: skip
def test_names_that_lead_out_on_any_system(file, expected):
    assert leads_out(file) is expected


@pytest.mark.parametrize("name", ["S-001", "Müller 2", "受试者 7", "week 04", "console", "com10x", "a.b", "x" * 120])
def test_names_of_folders_for_every_system(name):
    assert names_a_folder(name)


@pytest.mark.parametrize(
    "name",
    ["", ".hidden", "..", "a/b", "a\\b", "C:", "a:b", "wh?t", "CON", "aux.1", "Lpt1", "ends.", "ends ", "é" * 61],
)
def test_names_that_some_system_cannot_hold(name):
    assert not names_a_folder(name)
