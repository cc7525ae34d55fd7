"""Reports of a study, a subject and a comparison: each number is its table's, each dot leads to its photo."""

import shutil
from collections import Counter
from urllib.parse import unquote, urlsplit

import pytest
from browser import HOSTILE
from study_folders import SITES, row_of, rows_in
from visit_folders import tree_bytes

from oral_lesion.adapters.html import write_report, write_study_pages
from oral_lesion.errors import FormatError
from oral_lesion.io.results_store import STORE_NAME, Read, Round, add_read, open_store

SUBJECT = "phantom-01"


@pytest.fixture(params=["report.html", f"subjects/{SUBJECT}.html"])
def any_page(request, study):
    return study / request.param


@pytest.fixture
def page(browser, study):
    return browser.open(study / "report.html")


@pytest.fixture
def subject(browser, study):
    return browser.open(study / "subjects" / f"{SUBJECT}.html")


def scores(study):
    return [row for path in sorted(study.glob("scores/*/*/scores.csv")) for row in rows_in(path)]


def text_of(page, selector):
    return [one.get_attribute("textContent").strip() for one in page.all(selector)]


def require_target(page_path, href):
    """A link of a page leads to a file that is there, and to an element of it."""
    parts = urlsplit(href)
    target = (page_path.parent / unquote(parts.path)).resolve()
    assert target.is_file(), href
    if parts.fragment:
        assert f'id="{unquote(parts.fragment)}"' in target.read_text(encoding="utf-8"), href


def test_pages_open_without_network_errors_or_complaints(browser, any_page, change):
    for path in (any_page, change / "report.html"):
        page = browser.open(path)
        assert page.complaints() == []
        assert all(address.startswith(("file:", "data:")) for address in page.addresses())


def test_all_links_lead_somewhere(browser, any_page):
    page = browser.open(any_page)
    links = page.run(
        "return [...document.querySelectorAll('a')].map(a => a.getAttribute('href')).filter(h => h && h[0] !== '#')"
    )
    assert links
    for href in set(links):
        require_target(any_page, href)


def test_each_dot_opens_its_photo(page, study):
    measured = [row for row in scores(study) if row["delta_e00_median"]]
    titles = text_of(page, ".grouping-0 figure:nth-of-type(1) .dot title")
    assert len(titles) == len(measured)
    hrefs = page.run("return [...document.querySelectorAll('.grouping-0 figure a')].map(a => a.getAttribute('href'))")
    anchors = Counter(urlsplit(href).fragment for href in hrefs)
    assert set(anchors) == {row["photo_id"] for row in measured}
    page.run("document.querySelector('.grouping-0 figure a').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    assert page.driver.current_url.endswith(hrefs[0])
    assert page.run("return document.querySelector(':target').classList.contains('photo')")


def test_counts_calendar_and_refusals_are_those_of_the_tables(page, study):
    rows = scores(study)
    refused = [row for row in rows if row["status"] == "refused"]
    assert f"{len(rows) - len(refused)} of {len(rows)} photos were scored; 1 was refused." in page.one(".headline").text
    cells = text_of(page, ".calendar tbody td")
    for visit, cell in zip(("week-00", "week-04", "week-08"), cells, strict=True):
        here = [row for row in rows if row["visit"] == visit]
        assert cell == f"{sum(row['status'] == 'scored' for row in here)} of {len(here)}"
    assert "part" in page.all(".calendar tbody td")[1].get_attribute("class")
    assert text_of(page, ".reasons tbody code") == [row["reason"] for row in refused]
    rates = {cells[0]: cells[1:4] for cells in (line.text.split("\n")[0].rsplit(" ", 3) for line in
             page.all(".grouping-0 .rates tbody tr"))}  # fmt: skip
    assert rates["Ventral tongue, both sides"] == ["1", "3", "33.3"]


def test_photos_and_changes_stand_on_it_as_in_their_tables(page, study):
    areas = page.run("return [...document.querySelectorAll('.photos-table td.area data')].map(d => d.value)")
    assert areas == [row["erosion_area_mm2"] for row in scores(study) if row["status"] == "scored"]
    printed = page.run(
        "return [...document.querySelector('table.printed').tBodies[0].rows]"
        ".map(row => [...row.cells].map(cell => cell.textContent))"
    )
    assert printed == [list(row.values()) for row in rows_in(study / "changes.csv")]


def test_the_waterfall_falls_and_tells_what_is_beyond_u(page, study):
    rows = [row for row in rows_in(study / "changes.csv") if row["change_percent"] and row["visit"] == "week-08"]
    values = sorted((float(row["change_percent"]) for row in rows), reverse=True)
    titles = text_of(page, ".falls figure:nth-of-type(1) .change title")
    shown = [float(title.split(": ")[1].split(" ")[0].replace("\N{MINUS SIGN}", "-")) for title in titles]
    assert shown == [round(value, 1) for value in values]
    sure = sum(abs(float(row["change_percent"])) > 2 * float(row["u_change_percent"]) for row in rows)
    assert len(page.all(".falls figure:nth-of-type(1) .sure")) == sure


def test_groups_are_chosen_by_a_click(page):
    assert page.one(".grouping-0").is_displayed()
    assert not page.one(".grouping-1").is_displayed()
    page.one(".pick-1 + label").click()
    assert page.one(".grouping-1").is_displayed()
    assert not page.one(".grouping-0").is_displayed()


def test_a_subjects_changes_and_lesions_are_those_of_the_tables(subject, study):
    changes, lesions = rows_in(study / "changes.csv"), rows_in(study / "lesions_over_time.csv")
    for site in SITES:
        rows = [row for row in changes if row["site"] == site]
        values = subject.run(
            f"return [...document.querySelectorAll('#{site} .changes td.area data')].map(data => data.value)"
        )
        assert values == [row["change_mm2"] for row in rows if row["change_mm2"]]
        ids = text_of(subject, f"#{site} .followed tbody th")
        assert ids == list(dict.fromkeys(row["lesion"] for row in lesions if row["site"] == site))
        areas = subject.run(f"return [...document.querySelectorAll('#{site} .followed data')].map(data => data.value)")
        assert areas == [row["area_mm2"] for row in lesions if row["site"] == site and row["area_mm2"]]
    refused = row_of(changes, site=SITES[1], visit="week-04")
    assert f"not done: refused ({refused['detail']})" in subject.one(f"#{SITES[1]} .changes").text
    assert "palate-hard" in subject.one("#main").text.split("Not photographed at any visit:")[1]


def test_a_missing_visit_is_crossed_never_drawn_at_zero(subject):
    assert len(subject.all(f"#{SITES[1]} .series .missing")) == 1
    assert len(subject.all(f"#{SITES[1]} .series .point")) == 2
    assert len(subject.all(f"#{SITES[1]} .series .dotted")) == 1


def test_before_and_after_are_laid_over_each_other(subject):
    part = subject.all(".before-after")[0]
    assert part.is_displayed()
    under, over = part.find_elements("css selector", "img")
    photos = [one.get_attribute("src") for one in subject.all(f"#{SITES[0]} .row img")]
    assert len(set(photos)) == 3
    assert [under.get_attribute("src"), over.get_attribute("src")] == [photos[0], photos[2]]
    subject.run(
        "arguments[0].value = '1'; arguments[0].dispatchEvent(new Event('change'))",
        part.find_element("css selector", ".right"),
    )
    assert over.get_attribute("src") == photos[1]
    slider = part.find_element("css selector", "input")
    subject.run("arguments[0].value = 25; arguments[0].dispatchEvent(new Event('input'))", slider)
    assert "25%" in subject.style(part.find_element("css selector", ".over"), "clip-path")


def test_a_comparison_shows_both_visits(browser, change):
    page = browser.open(change / "report.html")
    row = row_of(rows_in(change / "changes.csv"), site=SITES[0])
    assert page.one(f"#{SITES[0]} .changes td.area data").get_attribute("value") == row["change_mm2"]
    assert "week-08 against week-00, 2 sites compared" in page.one(".headline").text
    assert len(page.all(f"#{SITES[0]} .row img")) == 2


def test_pages_fit_a_phone(browser, any_page):
    browser.driver.set_window_size(500, 900)
    try:
        page = browser.open(any_page)
        width = page.run("return document.documentElement.clientWidth")
        assert page.run("return document.documentElement.scrollWidth") <= width
    finally:
        browser.driver.set_window_size(1400, 1000)


def test_pages_made_again_are_the_same(study, tmp_path):
    again = shutil.copytree(study, tmp_path / "again")
    for path in again.rglob("*.html"):
        path.unlink()
    assert write_report(again) == again / "report.html"
    expected, got = tree_bytes(study), tree_bytes(again)
    assert {name for name in got if name.endswith(".html")} == {name for name in expected if name.endswith(".html")}
    assert got == expected


def test_only_visits_whose_tables_changed_get_a_new_page(study, tmp_path):
    again = shutil.copytree(study, tmp_path / "again")
    first, second = (again / "scores" / SUBJECT / week / "report.html" for week in ("week-00", "week-08"))
    content = first.read_bytes()
    first.write_bytes(content + b"<!-- kept -->")
    table = second.parent / "scores.csv"
    table.write_bytes(table.read_bytes().replace(b"scored", b"refused"))
    before = second.read_bytes()
    left = [folder / ".report.html.partial-123" for folder in (again, first.parent)]
    for path in left:
        path.write_text("killed", encoding="utf-8")
    write_study_pages(again)
    assert not any(path.exists() for path in left)
    assert first.read_bytes().endswith(b"<!-- kept -->")
    assert second.read_bytes() != before


def test_old_results_without_figures_have_pages_too(browser, study, tmp_path):
    old = shutil.copytree(study, tmp_path / "old")
    shutil.rmtree(old / "figures")
    (old / "endpoints.csv").unlink()
    (old / STORE_NAME).unlink()
    for path in old.rglob("run.json"):
        path.write_text("{}" if path.parent != old else '{"command": "study", "finished": true}', encoding="utf-8")
    write_report(old)
    assert browser.open(old / "report.html").complaints() == []
    page = browser.open(old / "subjects" / f"{SUBJECT}.html")
    assert page.complaints() == []
    assert "Figures were not drawn" in page.one("#main").text
    assert not page.all(".before-after")


def test_what_is_no_result_is_refused(study, tmp_path):
    with pytest.raises(FormatError, match=r"run\.json"):
        write_report(tmp_path)
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")
    with pytest.raises(FormatError, match="no results of"):
        write_report(tmp_path)
    (tmp_path / "run.json").write_text('{"command": "study", "finished": false}', encoding="utf-8")
    with pytest.raises(FormatError, match="did not finish"):
        write_report(tmp_path)


def test_names_that_look_like_html_stay_text_in_a_study(browser, study, tmp_path):
    copy = shutil.copytree(study, tmp_path / "hostile")
    site = "tongue-ventral"
    for path in copy.rglob("*.csv"):
        content = path.read_text(encoding="utf-8")
        path.write_text(content.replace(site, HOSTILE).replace("week-08", f"{HOSTILE}8"), encoding="utf-8")
    run = (copy / "run.json").read_text(encoding="utf-8")
    run = run.replace('"left_alone": []', f'"left_alone": ["{HOSTILE}.txt"]').replace("week-08", f"{HOSTILE}8")
    assert f"{HOSTILE}.txt" in run
    (copy / "run.json").write_text(run, encoding="utf-8")
    write_study_pages(copy)
    for name in ("report.html", f"subjects/{SUBJECT}.html"):
        page = browser.open(copy / name)
        assert page.complaints() == []
        assert not page.all("img[src=x]")
        assert HOSTILE in page.one("#main").text


def test_readers_have_their_own_strips(browser, study, tmp_path):
    copy = shutil.copytree(study, tmp_path / "read")
    row = next(row for row in scores(study) if row["status"] == "scored")
    with open_store(copy / STORE_NAME) as store:
        for reader, area in (("reader-a", 50.0), ("reader-b", 61.5)):
            add_read(
                store,
                Read(
                    place=f"{row['subject']}/{row['visit']}",
                    photo_id=row["photo_id"],
                    reading_id="r1",
                    reader=reader,
                    round=Round.READ,
                    read_utc="2026-01-02T03:04:05.678Z",
                    automatic_area_mm2=55.0,
                    corrected_area_mm2=area,
                    reason="corrected",
                ),
            )
    write_study_pages(copy)
    page = browser.open(copy / "report.html")
    assert page.complaints() == []
    labels = text_of(page, "section[aria-labelledby=readers] text.row")
    assert any("reader-a" in label for label in labels)
    titles = text_of(page, "section[aria-labelledby=readers] .dot title")
    assert [title.split(": ")[1] for title in titles] == ["50.0 mm²", "61.5 mm²", "-5.0 mm²", "6.5 mm²"]
