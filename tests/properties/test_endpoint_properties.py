"""What must hold for the endpoints of any study."""

import random

from endpoint_records import SCHEDULE, find_row, photo_of, settings_of, site_visit_of
from hypothesis import given, settings
from hypothesis import strategies as st

from oral_lesion.endpoint import study_endpoints
from oral_lesion.errors import Reason
from oral_lesion.records import ALL, NotDone

SITES = ("buccal-left", "palate-soft", "tongue-dorsal")
RULES = st.sampled_from(["best-quality", "mean", "all"])
AREAS = st.one_of(st.just(0.0), st.floats(0.01, 2000.0))


@st.composite
def photos(draw, name):
    """One to three photos, some refused, of none to four lesions each."""
    made = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        if draw(st.integers(0, 4)) == 0:
            made.append(photo_of(f"{name}-{number}", refusal=draw(st.sampled_from(list(Reason)))))
            continue
        lesions = draw(st.lists(st.floats(0.01, 800.0), max_size=4))
        made.append(
            photo_of(
                f"{name}-{number}",
                *lesions,
                u_scale=draw(st.floats(0.0, 20.0)),
                u_boundary=draw(st.floats(0.0, 20.0)),
                used=draw(st.floats(0.0, 1.0)),
                replicate=number,
            )
        )
    return tuple(made)


@st.composite
def studies(draw):
    visits = []
    for subject in ("S01", "S02"):
        for site in SITES:
            for visit, _ in SCHEDULE:
                if draw(st.booleans()):
                    taken = draw(photos(f"{subject}-{site}-{visit}"))
                    visits.append(site_visit_of(visit, *taken, site=site, subject=subject))
    return visits


def rows_of(site_visits, **changes):
    return study_endpoints(site_visits, settings_of(**{"sites": list(SITES)} | changes), strata={}, tracks={})


@given(studies(), RULES, st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_swapping_the_visits_negates_the_change_exactly(visits, rule, correlation):
    schedule = settings_of().model_dump()["visits"][:2]
    changes = {"replicate_rule": rule, "boundary_correlation": correlation, "visits": schedule}
    visits = [one for one in visits if one.visit.name != "week-04"]
    names = {"week-00": "week-02", "week-02": "week-00"}
    swapped = [
        site_visit_of(names[one.visit.name], *one.photos, site=one.site, subject=one.subject_id) for one in visits
    ]
    straight, back = rows_of(visits, **changes), rows_of(swapped, **changes)
    for site in (*SITES, ALL):
        for subject in sorted({one.subject_id for one in visits}):
            first, second = (find_row(rows, "change", site=site, subject=subject) for rows in (straight, back))
            if first.value is not None and second.value is not None:
                assert first.value == -second.value
                assert first.u == second.u
            else:
                assert first.value is None and second.value is None
            rates = [find_row(rows, "log-area-rate", site=site, subject=subject) for rows in (straight, back)]
            if all(row.value is not None for row in rates):
                assert rates[0].value == -rates[1].value


@given(studies(), RULES, st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_the_order_of_anything_does_not_matter(visits, rule, shuffler: random.Random):
    expected = rows_of(visits, replicate_rule=rule)
    mixed = []
    for one in visits:
        taken = list(one.photos)
        shuffler.shuffle(taken)
        mixed.append(site_visit_of(one.visit.name, *taken, site=one.site, subject=one.subject_id))
    shuffler.shuffle(mixed)
    assert rows_of(mixed, replicate_rule=rule) == expected


@given(studies(), RULES)
@settings(max_examples=20, deadline=None)
def test_a_number_has_a_photo_and_nothing_missing_is_zero(visits, rule):
    rows = rows_of(visits, replicate_rule=rule)
    scored = {
        (one.subject_id, one.site, one.visit.name)
        for one in visits
        if any(photo.refusal is None for photo in one.photos)
    }
    refused = {
        (one.subject_id, one.site, one.visit.name)
        for one in visits
        if any(photo.refusal is not None for photo in one.photos)
    }
    for row in rows:
        assert (row.value is None) == (row.not_done_reason is not None)
        assert (row.value is None) or (row.u is None) == (row.u_reason is not None)
        place = (row.subject_id, row.site, row.visit)
        if row.parameter == "area" and row.site in SITES:
            assert (row.value is not None) == (place in scored and (rule != "all" or place not in refused))
        if row.parameter == "change" and row.site in SITES and row.value is not None:
            assert place in scored
            assert (row.subject_id, row.site, "week-00") in scored
        if row.parameter == "area" and row.site == ALL and row.value is not None:
            assert all((row.subject_id, site, row.visit) in scored for site in SITES)


@given(AREAS, AREAS)
def test_there_is_a_percentage_exactly_where_the_baseline_is_not_zero(before, after):
    visits = [
        site_visit_of(visit, photo_of(visit, *([area] if area else [])))
        for visit, area in (("week-00", before), ("week-02", after))
    ]
    row = find_row(rows_of(visits), "change-percent")
    assert (row.not_done_reason is NotDone.BASELINE_ZERO) == (before == 0)
    assert (row.value is None) == (before == 0)
    assert row.value is None or row.value >= -100.0


@given(st.lists(st.floats(0.01, 800.0), min_size=1, max_size=5))
def test_halving_every_lesion_is_a_response_of_fifty_percent(lesions):
    visits = [
        site_visit_of("week-00", photo_of("a", *lesions)),
        site_visit_of("week-02", photo_of("b", *(lesion / 2.0 for lesion in lesions))),
    ]
    rows = rows_of(visits, sites=["buccal-left"])
    for site in ("buccal-left", ALL):
        assert find_row(rows, "change-percent", site=site).value == -50.0
        assert find_row(rows, "responder", site=site).value == 1.0
