"""A blinded page: nothing in text, attributes, links, ids or pictures tells whose a photo is, or when it was taken."""

import base64
import re
import shutil

import pytest
from study_folders import SITES, rows_in

from oral_lesion.adapters.html import blinded_page, write_page
from oral_lesion.errors import InputError
from oral_lesion.io.sites import SITES as VOCABULARY

SUBJECT, OLD_SUBJECT = "Zurich-4711", "phantom-01"
NAMES = {"week-00": "Screening", "week-04": "Endofdose", "week-08": "Followupvisit"}
DATES = {"week-00": "2031-01-17", "week-04": "2031-02-14", "week-08": "2031-03-21"}


@pytest.fixture(scope="session")
def named_study(photos, tmp_path_factory):
    """The same photos under a subject, visits, dates and files whose names could not stand on a page by chance."""
    from oral_lesion.cli.app import app

    base = tmp_path_factory.mktemp("named")
    for week, visit in NAMES.items():
        for kind, suffix in ((photos, ".jpg"), (photos / "truth", "_mask.png")):
            target = base / "photos" / kind.relative_to(photos) / SUBJECT / visit
            target.mkdir(parents=True)
            for site in SITES:
                source = kind / OLD_SUBJECT / week / f"{site}{suffix}"
                shutil.copy(source, target / f"IMGX{site}{suffix}")
        lines = [f"IMGX{site}.jpg,{site},{DATES[week]},mirror" for site in SITES]
        table = "file,site,visit_date,mirror\n" + "\n".join(lines) + "\n"
        (base / "photos" / SUBJECT / visit / "photos.csv").write_text(table, encoding="utf-8")
        out = base / "out" / "scores" / SUBJECT / visit
        with pytest.raises(SystemExit):
            app(["score", str(base / "photos" / SUBJECT / visit), "-o", str(out), "--segmenter", "truth"])
    (base / "out" / "run.json").write_text('{"command": "study", "finished": true}', encoding="utf-8")
    return base / "out"


@pytest.fixture(scope="session")
def page_text(named_study):
    return blinded_page(named_study)


def rows_of(named_study):
    return [row for path in sorted(named_study.glob("scores/*/*/scores.csv")) for row in rows_in(path)]


def secrets_of(named_study):
    rows = rows_of(named_study)
    assert len(rows) == 6
    yield from (SUBJECT, *NAMES.values(), *DATES.values(), "IMGX", ".jpg", "scores/", named_study.name + "/")
    yield from (site.code for site in VOCABULARY)
    yield from (site.title for site in VOCABULARY)
    for row in rows:
        yield from (row["photo_id"], row["sha256"], row["sha256"][:8])
    yield from ("mirror", "Mirror", "replicate")


def test_nothing_on_it_unblinds(page_text, named_study):
    without_pictures = re.sub(r"base64,[A-Za-z0-9+/=]+", "base64,", page_text)
    for secret in secrets_of(named_study):
        assert secret not in without_pictures, secret
        assert secret.lower() not in without_pictures.lower(), secret


def test_nothing_in_its_pictures_unblinds(page_text, named_study):
    pictures = [base64.b64decode(one) for one in re.findall(r"base64,([A-Za-z0-9+/=]+)", page_text)]
    assert len(pictures) > 10
    for picture in pictures:
        assert b"Exif" not in picture
        for secret in (SUBJECT, *NAMES.values(), *DATES.values(), "IMGX", *(site.code for site in VOCABULARY)):
            assert secret.encode() not in picture


def test_its_order_is_not_that_of_visits_or_tables(page_text, named_study):
    shown = re.findall(r'<td class="number area">(?:<data value="([0-9.]+)">|–)', page_text)
    by_table = [row["erosion_area_mm2"] for row in rows_of(named_study)]
    assert sorted(shown) == sorted(by_table)
    assert shown != by_table
    assert shown != by_table[::-1]


def test_it_opens_with_all_photos(browser, page_text, named_study, tmp_path):
    write_page(tmp_path / "blinded.html", page_text)
    page = browser.open(tmp_path / "blinded.html")
    assert page.complaints() == []
    assert page.one("h1").text == "6 photos"
    assert len(page.all("article.photo")) == 6
    assert [one.get_attribute("id") for one in page.all("article.photo")] == [f"photo-{n:03d}" for n in range(1, 7)]
    assert page.run("return [...document.querySelectorAll('a')].every(a => a.getAttribute('href')[0] === '#')")


def test_a_visit_gives_one_too(named_study):
    page = blinded_page(named_study / "scores" / SUBJECT / NAMES["week-00"])
    assert page.count('<article class="photo"') == len(SITES)
    assert SUBJECT not in page


def test_too_many_photos_are_refused(named_study, monkeypatch):
    monkeypatch.setattr("oral_lesion.adapters.html.blinded.MOST_BLINDED", 5)
    with pytest.raises(InputError, match="worklist"):
        blinded_page(named_study)
