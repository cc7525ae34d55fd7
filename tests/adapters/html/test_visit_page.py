"""The visit's report as a browser shows it: verdicts, pictures, numbers of the tables, and nothing from elsewhere."""

import base64
import csv
import io
import json
import re
import shutil
import tomllib
from importlib import resources
from types import SimpleNamespace

import pytest
from browser import HOSTILE
from PIL import Image
from study_folders import row_of, rows_in

from oral_lesion.adapters.html import write_visit_page
from oral_lesion.adapters.html.photo import FACTS
from oral_lesion.adapters.html.visit import headline
from oral_lesion.adapters.html.words import say_in
from oral_lesion.errors import Reason
from oral_lesion.io.sites import SITES
from oral_lesion.io.texts import Language, reason_text

VIEWS = {"Standard colour", "Original", "Wipe", "Probability"}
HEADLINES = ("+", "++", "-", "--", "+-", "+--")
SAME_IN_BOTH = {"Original", "Standard", "U (k = 2), mm²", "Oropharynx"}


@pytest.fixture
def page(browser, visit):
    return browser.open(visit / "report.html")


def test_it_opens_without_network_errors_or_complaints(page, visit):
    assert page.complaints() == []
    addresses = page.addresses()
    assert addresses[0] == (visit / "report.html").as_uri()
    assert all(address.startswith("data:") for address in addresses[1:])


def test_its_policy_forbids_all_that_is_not_inside(page):
    page.run("fetch('https://example.org/').catch(() => {})")
    page.run("const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)")
    assert page.run("return window.ran") is None
    assert any("Content Security Policy" in complaint for complaint in page.complaints())


def test_each_number_is_the_tables(page, visit):
    rows = rows_in(visit / "scores.csv")
    scored = [row for row in rows if row["status"] == "scored"]
    assert scored
    for row in scored:
        area, expanded = page.all(f"#{row['photo_id']} .result data")
        assert area.get_attribute("value") == row["erosion_area_mm2"]
        assert area.text == f"{float(row['erosion_area_mm2']):.1f}"
        assert expanded.text == f"{2 * float(row['u_area_mm2']):.1f}"
        budget = [one.get_attribute("value") for one in page.all(f"#{row['photo_id']} .budget data")]
        assert budget == [row["u_scale_mm2"], row["u_boundary_mm2"], row["u_area_mm2"]]
        lesions = [row_["area_mm2"] for row_ in rows_in(visit / "lesions.csv") if row_["photo_id"] == row["photo_id"]]
        shown = [cell.text for cell in page.all(f"#{row['photo_id']} .lesions tbody td:nth-child(2)")]
        assert shown == lesions
        patches = [one for one in rows_in(visit / "colour.csv") if one["photo_id"] == row["photo_id"]]
        texts = [one.get_attribute("textContent") for one in page.all(f"#{row['photo_id']} .card text")]
        assert texts == [f"{float(one['held_out_delta_e00']):.1f}" for one in patches]


@pytest.mark.parametrize("table", ["scores.csv", "quality.csv", "lesions.csv"])
def test_the_tables_stand_on_it_as_printed(page, visit, table):
    script = """
    const table = [...document.querySelectorAll('table.printed')].find(t => t.caption.textContent === arguments[0]);
    return [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.textContent));
    """
    assert page.run(script, table) == [list(row.values()) for row in rows_in(visit / table)]


def test_a_refused_photo_says_how_to_take_it_again(page, visit):
    row = row_of(rows_in(visit / "scores.csv"), status="refused")
    text = page.one(f"#{row['photo_id']}").text
    words = reason_text(Reason.NO_CARD)
    assert words.meaning in text
    assert words.retake in text
    assert "1 of 2 photos were scored; 1 has to be taken again." in page.one(".headline").text
    assert not page.all(f"#{row['photo_id']} img")


def test_outlines_probability_and_wipe_are_shown_when_asked_for(page):
    outlines, heat, original = (page.all(f".stage {name}")[0] for name in (".outlines", ".heat", ".original"))
    assert page.style(outlines, "visibility") == "visible"
    assert page.style(heat, "visibility") == page.style(original, "visibility") == "hidden"
    page.all(".show-outlines + label")[0].click()
    assert page.style(outlines, "visibility") == "hidden"
    page.all(".show-heat + label")[0].click()
    assert page.style(heat, "visibility") == "visible"
    page.all(".show-wipe + label")[0].click()
    assert page.style(heat, "visibility") == "hidden"
    assert page.style(original, "visibility") == "visible"
    slider = page.all(".slider input")[0]
    page.run("arguments[0].value = 20; arguments[0].dispatchEvent(new Event('input'))", slider)
    assert "20%" in page.style(original, "clip-path").replace("80%", "20%")
    assert page.style(page.all(".stage .edge")[0], "visibility") == "visible"


def test_a_keyboard_reaches_and_moves_all_of_it(page):
    from selenium.webdriver.common.keys import Keys

    reached = []
    for _ in range(40):
        page.press(Keys.TAB)
        reached.append(page.focused.get_attribute("class") or page.focused.tag_name)
    assert "skip" in reached[0]
    assert {"sr show-standard", "sr show-outlines", "button"} <= set(reached)
    page.run("arguments[0].focus()", page.all(".show-standard")[0])
    page.press(Keys.ARROW_RIGHT)
    assert page.all(".show-original")[0].is_selected()
    page.run("arguments[0].focus()", page.all(".show-outlines")[0])
    page.press(Keys.SPACE)
    assert not page.all(".show-outlines")[0].is_selected()


def test_tables_sort_by_number_and_keep_what_is_missing_last(page):
    def areas():
        return [cell.text for cell in page.all(".summary td.area")]

    (button,) = [one for one in page.all(".summary th button") if one.text.startswith("Area")]
    for order in (1, -1):
        button.click()
        known = [float(text) for text in areas() if text != "–"]
        assert known == sorted(known, reverse=order < 0)
        assert areas()[-1] == "–"
    assert button.find_element("xpath", "..").get_attribute("aria-sort") == "descending"


def test_all_pictures_have_words_and_no_metadata(page, visit):
    for picture in page.all("img"):
        assert picture.get_attribute("alt")
        assert page.run("return arguments[0].naturalWidth", picture) > 0
    for figure in page.all("svg"):
        assert figure.get_attribute("aria-hidden") == "true" or figure.get_attribute("aria-label")
    text = (visit / "report.html").read_text(encoding="utf-8")
    embedded = re.findall(r"data:image/[a-z]+;base64,([A-Za-z0-9+/=]+)", text)
    assert len(embedded) > 3
    for content in embedded:
        with Image.open(io.BytesIO(base64.b64decode(content))) as picture:
            assert not picture.getexif()
            assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_names_that_look_like_html_stay_text(browser, hostile_visit):
    page = browser.open(hostile_visit / "report.html")
    assert page.complaints() == []
    assert not page.all("img[src=x]")
    assert HOSTILE in page.one("h1").text
    assert f"{HOSTILE}.jpg" in [cell.text for cell in page.all(".summary .file")]
    assert "=cmd()|calc.jpg" in [cell.text for cell in page.all(".summary .file")]


def test_it_fits_a_phone(browser, hostile_visit):
    browser.driver.set_window_size(500, 900)
    try:
        page = browser.open(hostile_visit / "report.html")
        width = page.run("return document.documentElement.clientWidth")
        assert page.run("return document.documentElement.scrollWidth") <= width
    finally:
        browser.driver.set_window_size(1400, 1000)


def test_the_same_results_give_the_same_bytes(visit, tmp_path):
    again = shutil.copytree(visit, tmp_path / "elsewhere")
    (again / "report.html").unlink()
    write_visit_page(again)
    assert (again / "report.html").read_bytes() == (visit / "report.html").read_bytes()


@pytest.mark.parametrize("language", [Language.GERMAN, Language.CHINESE])
def test_a_page_speaks_the_readers_language(browser, visit, tmp_path, language):
    again = shutil.copytree(visit, tmp_path / "elsewhere")
    write_visit_page(again, language)
    page = browser.open(again / "report.html")
    assert page.complaints() == []
    say = say_in(language)
    assert page.run("return document.documentElement.lang") == language.value
    assert page.one(".headline").text == say(
        "{scored} of {photos} photos were scored; 1 has to be taken again.", scored=1, photos=2
    )
    assert reason_text(Reason.NO_CARD, language).retake in page.one("#main").text
    assert {say("Left buccal mucosa"), say("Ventral tongue, both sides")} == {one.text for one in page.all("h3")}


@pytest.mark.parametrize("language", [Language.GERMAN, Language.CHINESE])
def test_every_phrase_is_translated_with_its_fields(language):
    folder = resources.files("oral_lesion.adapters.html").joinpath("templates")
    known = tomllib.loads(folder.joinpath(f"words_{language}.toml").read_text(encoding="utf-8"))
    said = {site.title for site in SITES} | {"Site unknown"} | {title for title, *_ in FACTS} | VIEWS
    for name in ("base.html.j2", "_parts.html.j2", "visit.html.j2"):
        said |= set(re.findall(r'say\("([^"]+)"', folder.joinpath(name).read_text(encoding="utf-8")))
    headlines = {headline([SimpleNamespace(scored=one == "+") for one in parts]) for parts in HEADLINES}
    assert set(known) == said | headlines
    for phrase, words in known.items():
        assert words != phrase or phrase in SAME_IN_BOTH, phrase
        assert sorted(re.findall(r"\{\w+\}", words)) == sorted(re.findall(r"\{\w+\}", phrase)), phrase


def test_pictures_that_are_missing_are_said_to_be(visit, tmp_path):
    again = shutil.copytree(visit, tmp_path / "elsewhere")
    for name in ("photo.jpg", "probability.png"):
        for path in again.rglob(name):
            path.unlink()
    write_visit_page(again)
    text = (again / "report.html").read_text(encoding="utf-8")
    assert "with outlines drawn in" in text
    assert "Probability of erosion" not in text
    for path in again.rglob("standardized.png"):
        path.write_bytes(b"no picture")
    write_visit_page(again)
    assert "The pictures of this photo are missing" in (again / "report.html").read_text(encoding="utf-8")


def test_without_javascript_all_is_there_and_can_be_switched(browser, visit):
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page = browser.open(visit / "report.html")
        assert not page.all("th button")
        assert page.all("article.photo")
        heat, outlines = page.all(".stage .heat")[0], page.all(".stage .outlines")[0]
        assert heat.value_of_css_property("visibility") == "hidden"
        page.all(".show-heat + label")[0].click()
        page.all(".show-outlines + label")[0].click()
        assert heat.value_of_css_property("visibility") == "visible"
        assert outlines.value_of_css_property("visibility") == "hidden"
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(browser, visit, scheme):
    browser.driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    try:
        page = browser.open(visit / "report.html")
        paper = luminance(page.style(page.one("body"), "background-color"))
        assert (paper > 0.8) == (scheme == "light")
        for selector in ("body", ".muted", ".file", ".verdict.good", ".verdict.bad", "a[href]", ".lede", "thead th"):
            ink = luminance(page.style(page.all(selector)[0], "color"))
            brighter, darker = max(ink, paper), min(ink, paper)
            assert (brighter + 0.05) / (darker + 0.05) >= 4.5, selector  # WCAG 2.2, 1.4.3
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def luminance(color):
    """Relative luminance as WCAG defines it."""
    channels = [int(text) / 255 for text in re.findall(r"\d+", color)[:3]]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_visit_without_an_erosion_says_to_look(visit, tmp_path):
    again = shutil.copytree(visit, tmp_path / "none")
    (row,) = [row for row in rows_in(visit / "scores.csv") if row["status"] == "scored"]
    measured = {row[column] for column in ("erosion_area_mm2", "u_area_mm2", "u_scale_mm2", "u_boundary_mm2")}
    text = (again / "scores.csv").read_text(encoding="utf-8")
    for number in measured:
        text = text.replace(f",{number},", ",0.000,")
    (again / "scores.csv").write_text(text, encoding="utf-8")
    write_visit_page(again)
    page = (again / "report.html").read_text(encoding="utf-8")
    assert "No erosion was found. An area of 0 carries no ±" in page
    assert 'class="pm"' not in page


def test_a_visit_without_any_scored_photo_states_no_threshold(visit, tmp_path):
    again = shutil.copytree(visit, tmp_path / "refused")
    run = json.loads((again / "run.json").read_text(encoding="utf-8"))
    run["model"]["threshold"] = None
    (again / "run.json").write_text(json.dumps(run), encoding="utf-8")
    rows = [row for row in rows_in(visit / "scores.csv") if row["status"] == "refused"]
    with (again / "scores.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    write_visit_page(again)
    page = (again / "report.html").read_text(encoding="utf-8")
    assert "The photo could not be scored." in page
    assert "where the model’s probability is" not in page
