"""Plots of many photos stay small, keep what stands out, and hold no markup of names."""

import re
from xml.etree import ElementTree as ET

import pytest
from browser import HOSTILE

from oral_lesion.adapters.html.group_plots import groupings_of
from oral_lesion.adapters.html.page import link_to
from oral_lesion.adapters.html.printed import Cells, number_of
from oral_lesion.adapters.html.study_scores import ScoredPhotoRow
from oral_lesion.adapters.html.svg import Bar, Dot, Group, SeriesPoint, series_plot, strip_plot, waterfall


def photo(number, tilt):
    row = Cells(
        photo_id=f"photo-{number}", file="a.jpg", visit="week-00", site="buccal-left", status="scored",
        tilt_deg=f"{tilt:.2f}",
    )  # fmt: skip
    return ScoredPhotoRow(place=(f"S-{number % 50}", "week-00"), row=row, quality=Cells(), folder=None)


def parsed(svg):
    return ET.fromstring(str(svg))  # noqa: S314 - our own


def test_of_very_many_photos_those_that_stand_out_stay():
    photos = [photo(number, 5.0 + (number * 7919 % 9000) / 1000) for number in range(9000)]
    photos += [photo(9001, 33.3), photo(9002, 0.1)]
    (by_site, *_) = groupings_of(photos, {}, {})
    titles = [one.text for one in parsed(by_site.plots[0][1]).iter("title")]
    assert 2000 < len(titles) < 4500
    for kept in ("33.30", "0.10"):
        assert any(kept in title for title in titles)
    assert by_site.rates[0].photos == 9002


def test_too_many_groups_to_read_are_left_out():
    photos = [photo(number, 5.0) for number in range(120)]
    assert [grouping.title for grouping in groupings_of(photos, {}, {})] == ["Site of the mouth", "Visit"]


def test_a_stratum_groups_by_its_value():
    photos = [photo(number, 5.0) for number in range(4)]
    centres = {"S-0": "Basel", "S-1": "Basel", "S-2": "Wuhan"}
    found = {grouping.title: grouping for grouping in groupings_of(photos, {"centre": centres}, {})}
    assert [(rate.label, rate.photos) for rate in found["centre"].rates] == [("Basel", 2), ("Wuhan", 1), ("unknown", 1)]


def test_of_many_bars_both_ends_stay():
    bars = [Bar(label=str(number), value=-100 + number / 20, expanded=1.0, href="") for number in range(3000)]
    titles = [one.text for one in parsed(waterfall(bars, title="t", most=100)).iter("title")]
    assert len(titles) == 100
    assert titles[0].startswith("2999: +49.9")
    assert titles[-1].startswith("0: \N{MINUS SIGN}100.0")


def test_an_area_of_zero_is_hollow_and_a_missing_one_is_a_cross():
    points = [
        SeriesPoint(day=day, day_text="", visit=str(day), area=area, expanded=None, note="refused")
        for day, area in ((0, 4.0), (1, None), (2, 0.0))
    ]
    svg = parsed(series_plot(points, title="site", days=(0, 2), most=4.0))
    kinds = [one.get("class") for one in svg.iter() if one.get("class", "").split(" ")[0] in {"point", "missing"}]
    assert kinds == ["point", "missing", "point hollow"]
    assert "1 refused" in svg.get("aria-label")


def test_a_missing_area_is_crossed_below_the_axis_where_no_area_can_be():
    points = [
        SeriesPoint(day=day, day_text="", visit=str(day), area=area, expanded=None, note="refused")
        for day, area in ((0, 4.0), (1, None))
    ]
    svg = parsed(series_plot(points, title="site", days=(0, 1), most=4.0))
    axis = max(float(one.get("y1")) for one in svg.iter() if one.get("class") == "grid")
    (cross,) = (one.get("d") for one in svg.iter() if one.get("class") == "missing")
    assert float(cross.split()[1].split("l")[0]) > axis + 2


def test_names_in_plots_are_text():
    dot = Dot(value=1.0, key=HOSTILE, title=HOSTILE, href=f'"{HOSTILE}')
    svg = strip_plot([Group(label=HOSTILE, dots=(dot,))], title=HOSTILE, unit="mm")
    assert not list(parsed(svg).iter("img"))
    assert "<img" not in svg
    assert {one.text for one in parsed(svg).iter("title")} == {HOSTILE}


@pytest.mark.parametrize("value", [0.0, 1e-7, 3.2e5])
def test_any_value_has_an_axis(value):
    svg = strip_plot([Group(label="g", dots=(Dot(value=value, key="k", title="t", href=""),))], title="t", unit="")
    assert not re.search(r"nan|inf", str(svg))


def test_links_are_quoted():
    assert link_to("..", "scores", "S 1#?", "Besuch ü", anchor="a b") == "../scores/S%201%23%3F/Besuch%20%C3%BC#a%20b"


def test_numbers_are_rounded_for_reading_and_kept_as_printed():
    assert (number_of("12.345", 1).cell, number_of("12.345", 1).shown) == ("12.345", "12.3")
    assert (number_of("0.312", 1, times=2.0).cell, number_of("0.312", 1, times=2.0).shown) == ("0.624", "0.6")
    assert number_of("-0.04", 1, signed=True).shown == "0.0"
    assert number_of("-7.55", 1, signed=True).shown == "\N{MINUS SIGN}7.5"
    assert number_of("", 1) is None
