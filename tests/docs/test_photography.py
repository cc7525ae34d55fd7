"""Each picture of the photography guide shows what the guide says: the software refuses or flags it so."""

import importlib.util
import io
import re

import numpy as np
import pytest
from doc_tables import DOCS, ROOT, codes_in, tables_by_heading
from PIL import Image

from oral_lesion.io.check_photos import check_file
from oral_lesion.io.settings import load_protocol

PAGE = DOCS / "photography.md"
PICTURES = DOCS / "pictures"
LARGEST_BYTES = 3_000_000


def stated():
    """Return what the page says of each picture: its name, the code, and whether it is a flag."""
    _, _, *rows = tables_by_heading(PAGE)["Common mistakes"]
    for picture, _, says, _ in rows:
        (name,) = re.findall(r"\(pictures/photography/([\w-]+)\.jpg\)", picture)
        (code,) = codes_in(says)
        yield name, code, says.startswith("flag")


def load_script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def script():
    return load_script("render_docs_pictures")


@pytest.mark.parametrize(("name", "code", "flagged"), list(stated()))
def test_the_software_says_of_each_picture_what_the_page_says(name, code, flagged):
    checked = check_file(PICTURES / "photography" / f"{name}.jpg", protocol=load_protocol(None))
    if flagged:
        assert checked.refusal is None
        assert code in checked.flags
    else:
        assert checked.refusal is not None
        assert checked.refusal.reason == code


def test_the_good_picture_is_usable_without_a_caveat_of_quality():
    checked = check_file(PICTURES / "photography" / "good.jpg", protocol=load_protocol(None))
    assert checked.refusal is None
    assert set(checked.flags) <= {"site-unknown", "mirror-undeclared"}


def test_every_picture_is_on_the_page_and_comes_from_the_script(script):
    shown = {name for name, _, _ in stated()} | {"good"}
    assert {path.stem for path in (PICTURES / "photography").iterdir()} == shown == set(script.MISTAKES)


@pytest.mark.parametrize("name", ["good", "card-glare"])
def test_the_script_renders_the_pictures_that_are_kept(script, name):
    kept = np.asarray(Image.open(PICTURES / "photography" / f"{name}.jpg"), dtype=float)
    rendered = np.asarray(Image.open(io.BytesIO(script.MISTAKES[name]())), dtype=float)
    assert np.abs(kept - rendered).mean() < 1.0  # other versions of the libraries round otherwise


def test_pictures_are_small():
    assert sum(path.stat().st_size for path in PICTURES.rglob("*") if path.is_file()) < LARGEST_BYTES


def test_depth_changes_the_area_by_what_the_page_says():
    header, _, *rows = tables_by_heading(PAGE)["The card in the plane of the lesion"]
    distances = [float(re.search(r"\d+", cell).group()) for cell in header[1:]]
    assert distances == [120, 250, 350]
    for first, *cells in rows:
        behind = float(first.removesuffix(" mm"))
        found = [100 * ((far / (far + behind)) ** 2 - 1) for far in distances]
        assert cells == [f"−{abs(percent):.1f} %" for percent in found]


@pytest.mark.parametrize("page", [ROOT / "README.md", DOCS / "index.md"], ids=lambda page: page.stem)
def test_the_figure_of_what_is_measured_is_described_with_its_own_numbers(measured, page):
    (described,) = re.findall(r"!\[[^\]]*?(\d+ ± \d+ mm²)\]\(\S*measured\.jpg\)", page.read_text(encoding="utf-8"))
    assert described == f"{measured.area_mm2:.0f} ± {2 * measured.u_area_mm2:.0f} mm²"


@pytest.fixture(scope="module")
def measured():
    _, score = load_script("render_readme_figure").scored()
    return score.outcome
