"""Extent scores: each line of the forms, and what pictures cannot tell."""

import math

import pytest
from endpoint_records import circles, find_row, photo_of, settings_of, site_visit_of

from oral_lesion.endpoint import study_endpoints
from oral_lesion.endpoint.extent import absis_extent, odss_ulceration, pdai_points
from oral_lesion.endpoint.regions import ABSIS_ORAL_SITES, ODSS_SITES, PDAI_ORAL_SITES, REGIONS_OF_SITE
from oral_lesion.io.sites import SITES
from oral_lesion.records import ALL, NotDone, UncertaintyGap

LARGE_MM2 = 314.16  # a circle of 20.00003 mm
BELOW_MM2 = 314.15  # of 19.9997 mm


@pytest.mark.parametrize(
    ("areas", "points"),
    [
        ((), 0),
        ((5.0,), 1),
        ((900.0,), 1),
        ((5.0, 5.0), 2),
        ((5.0, 5.0, 5.0), 2),
        ((LARGE_MM2, BELOW_MM2), 2),
        ((100 * math.pi, 100 * math.pi), 2),  # of exactly 20 mm, which is not above 2 cm
        ((LARGE_MM2, LARGE_MM2), 5),
        ((5.0, LARGE_MM2, LARGE_MM2), 5),
        ((5.0,) * 4, 5),
        ((5.0,) * 9, 5),
    ],
)
def test_pdai_points_of_a_site(areas, points):
    figure = pdai_points(circles(*areas))
    assert figure.value == points
    assert (figure.u_reason is UncertaintyGap.WHOLE_AREA_NOT_ASSESSED) == (points > 0)


def test_absis_and_odss_ask_whether_there_is_a_lesion():
    assert [absis_extent(circles(*areas)).value for areas in ((), (5.0,), (5.0, 9.0))] == [0, 1, 1]
    assert [odss_ulceration(circles(*areas)).value for areas in ((), (5.0,), (5.0, 9.0))] == [0, 3, 3]


def test_the_scores_have_their_sites():
    assert (len(PDAI_ORAL_SITES), len(ABSIS_ORAL_SITES), len(ODSS_SITES)) == (9, 11, 17)
    for score in (PDAI_ORAL_SITES, ABSIS_ORAL_SITES, ODSS_SITES):
        regions = [region for site in score for region in site.regions]
        assert len(regions) == len(set(regions))


def test_the_regions_agree_with_the_vocabulary():
    assert set(REGIONS_OF_SITE) == {site.code for site in SITES}
    pdai = {site.name: site.regions for site in PDAI_ORAL_SITES}
    odss = {site.name: site.regions for site in ODSS_SITES}
    for site in SITES:
        assert bool(site.pdai) == any(REGIONS_OF_SITE[site.code] <= regions for regions in pdai.values())
        assert not site.pdai or REGIONS_OF_SITE[site.code] <= pdai[site.pdai]
        assert bool(site.odss) == any(REGIONS_OF_SITE[site.code] <= regions for regions in odss.values())
        assert not site.odss or REGIONS_OF_SITE[site.code] <= odss[site.odss]


def rows_of(areas_by_site, sites):
    visits = [site_visit_of("week-00", photo_of(site, *areas), site=site) for site, areas in areas_by_site.items()]
    return study_endpoints(visits, settings_of(sites=sites), strata={}, tracks={})


def row(rows, parameter, site):
    return find_row(rows, parameter, site=site, visit="week-00")


def test_both_cheeks_are_one_site_of_pdai_and_two_of_the_others():
    rows = rows_of({"buccal-left": (5.0,), "buccal-right": (6.0, 7.0)}, ["buccal-left", "buccal-right"])
    assert row(rows, "pdai-points", "pdai:buccal mucosa").value == 2
    assert row(rows, "absis-extent", "absis:left buccal mucosa").value == 1
    assert row(rows, "odss-ulceration", "odss:right buccal").value == 3
    assert row(rows, "absis-extent-assessed", ALL).value == 2
    assert row(rows, "odss-ulceration-assessed", ALL).value == 6
    assert row(rows, "absis-sites-assessed", ALL).detail == "of 11"


def test_half_a_site_decides_presence_but_not_a_count():
    rows = rows_of({"tongue-dorsal": (5.0,)}, ["tongue-dorsal", "tongue-ventral"])
    pdai = row(rows, "pdai-points", "pdai:tongue")
    assert (pdai.not_done_reason, pdai.detail) == (
        NotDone.SITE_NOT_COVERED,
        "tongue-ventral-left tongue-ventral-right",
    )
    assert row(rows, "absis-extent", "absis:tongue").value == 1
    free = rows_of({"tongue-dorsal": ()}, ["tongue-dorsal", "tongue-ventral"])
    assert row(free, "absis-extent", "absis:tongue").not_done_reason is NotDone.SITE_NOT_COVERED


def test_a_picture_of_several_sites_is_ambiguous_only_where_it_shows_a_lesion():
    rows = rows_of({"gingiva-upper": (5.0,)}, ["gingiva-upper"])
    ambiguous = row(rows, "odss-ulceration", "odss:upper left gingival")
    assert (ambiguous.not_done_reason, ambiguous.detail) == (NotDone.SITE_AMBIGUOUS, "gingiva-upper")
    assert row(rows, "pdai-points", "pdai:upper gingiva").value == 1
    free = rows_of({"gingiva-upper": ()}, ["gingiva-upper"])
    assert row(free, "odss-ulceration", "odss:upper left gingival").value == 0


def test_a_total_needs_all_sites_and_a_missing_one_is_not_zero():
    codes = [
        "buccal-left", "buccal-right", "palate-hard", "palate-soft", "gingiva-upper", "gingiva-lower", "tongue-dorsal",
        "tongue-ventral", "floor-of-mouth", "lips-inner", "oropharynx",
    ]  # fmt: skip
    seen = dict.fromkeys(codes, (5.0,))
    assert (
        row(rows_of(seen, codes), "pdai-points", ALL).value == 11.0 - 2 + 2
    )  # cheeks and tongue have two lesions each
    del seen["oropharynx"]
    rows = rows_of(seen, codes)
    assert row(rows, "pdai-points", ALL).not_done_reason is NotDone.SITES_INCOMPLETE
    assert row(rows, "pdai-points", ALL).detail == "posterior pharynx"
    assert row(rows, "pdai-points-assessed", ALL).value == 10
    assert row(rows, "pdai-sites-assessed", ALL).value == 8
    missed = find_row(rows, "pdai-points", site="pdai:tongue", visit="week-04")
    assert missed.not_done_reason is NotDone.VISIT_MISSING
