"""Endpoint rows of small studies: each rule by itself."""

import math

import pytest
from endpoint_records import find_row, photo_of, settings_of, site_history, site_visit_of

from oral_lesion.endpoint import study_endpoints
from oral_lesion.endpoint.regions import REGIONS_OF_SITE
from oral_lesion.errors import InputError, Reason
from oral_lesion.records import (
    ALL,
    EndpointNote,
    LesionLink,
    LesionState,
    LesionTrack,
    Mirror,
    NotDone,
    UncertaintyGap,
)

LEFT, SOFT = "buccal-left", "palate-soft"


def study(*visits, strata=None, tracks=None, **changes):
    return study_endpoints(visits, settings_of(**changes), strata=strata or {}, tracks=tracks or {})


def outcome_of(row):
    return row.value if row.not_done_reason is None else row.not_done_reason


def test_one_site_over_three_visits():
    rows = study(*site_history(LEFT, (60.0, 20.0), 40.0, 0.0), *site_history(SOFT, 20.0, 20.0, 0.0))
    assert find_row(rows, "area", visit="week-00").value == 80.0
    assert find_row(rows, "lesion-count", visit="week-00").value == 2
    assert find_row(rows, "largest-diameter", visit="week-00").value == pytest.approx(2 * math.sqrt(60 / math.pi))
    assert find_row(rows, "change").value == -40.0
    assert find_row(rows, "change-percent").value == -50.0
    assert find_row(rows, "responder").value == 1
    assert find_row(rows, "log-area-rate").value == pytest.approx(math.log(2.0) / 14)
    perimeters = sum(2 * math.sqrt(math.pi * area) for area in (60.0, 20.0, 40.0))
    assert find_row(rows, "margin-advance").value == pytest.approx(80.0 / perimeters)
    assert find_row(rows, "margin-advance-rate").value == pytest.approx(80.0 / perimeters / 14)
    assert find_row(rows, "healed", visit="week-04").value == 1
    assert outcome_of(find_row(rows, "log-area-rate", visit="week-04")) is NotDone.FOLLOW_UP_ZERO
    assert find_row(rows, "time-to-healing", visit=ALL).value == 28
    # (14·(80 + 40)/2 + 14·(40 + 0)/2) / (28·80) = 1120/2240
    assert find_row(rows, "normalized-auc", visit=ALL).value == pytest.approx(0.5)
    assert find_row(rows, "change", site=ALL).value == -40.0
    # (14·(100 + 60)/2 + 14·60/2) / (28·100)
    assert find_row(rows, "normalized-auc", site=ALL, visit=ALL).value == pytest.approx(1540 / 2800)


def test_the_baseline_is_compared_with_nothing():
    rows = study(*site_history(LEFT, 80.0, 40.0, 0.0))
    assert not [row for row in rows if row.visit == "week-00" and row.parameter == "change"]


def test_a_refused_baseline_is_no_baseline_and_never_the_next_visit():
    rows = study(*site_history(LEFT, Reason.BLURRED, 40.0, 20.0), *site_history(SOFT, 10.0, 10.0, 10.0))
    for visit in ("week-02", "week-04"):
        row = find_row(rows, "change", visit=visit)
        assert (row.not_done_reason, row.detail) == (NotDone.NO_BASELINE, "refused blurred")
    assert outcome_of(find_row(rows, "time-to-healing", visit=ALL)) is NotDone.NO_BASELINE
    assert outcome_of(find_row(rows, "normalized-auc", visit=ALL)) is NotDone.NO_BASELINE
    assert find_row(rows, "area").value == 40.0
    assert outcome_of(find_row(rows, "area", visit="week-00")) is NotDone.REFUSED


def test_what_was_not_photographed_is_missing_and_never_zero():
    rows = study(*site_history(LEFT, 80.0, 40.0, None))
    assert outcome_of(find_row(rows, "area", site=SOFT)) is NotDone.NOT_PHOTOGRAPHED
    assert outcome_of(find_row(rows, "area", visit="week-04")) is NotDone.VISIT_MISSING
    assert outcome_of(find_row(rows, "area", site=ALL)) is NotDone.SITES_INCOMPLETE
    assert find_row(rows, "area", site=ALL).detail == SOFT
    assert outcome_of(find_row(rows, "area", site=ALL, visit="week-04")) is NotDone.VISIT_MISSING
    assert find_row(rows, "sites-scored", site=ALL).value == 1
    assert outcome_of(find_row(rows, "normalized-auc", visit=ALL)) is NotDone.LAST_VISIT_MISSING


def test_a_total_change_is_over_the_sites_of_both_visits():
    visits = [*site_history(LEFT, 80.0, 40.0, 0.0), *site_history(SOFT, 30.0, Reason.NO_CARD, 10.0)]
    row = find_row(study(*visits), "change", site=ALL)
    assert (row.value, row.notes) == (-40.0, (EndpointNote.SITES_INCOMPLETE,))
    assert find_row(study(*visits), "sites-compared", site=ALL).value == 1
    assert find_row(study(*visits), "sites-compared", site=ALL).detail == "of 2"
    strict = find_row(study(*visits, min_compared_sites_ratio=1.0), "change", site=ALL)
    assert (strict.not_done_reason, strict.detail) == (NotDone.SITES_INCOMPLETE, SOFT)
    assert find_row(study(*visits), "change", site=ALL, visit="week-04").value == -100.0


def test_a_baseline_of_zero_gives_a_change_but_no_percentage():
    rows = study(*site_history(LEFT, 0.0, 12.0, 0.0))
    assert find_row(rows, "change").value == 12.0
    for parameter in ("change-percent", "responder", "log-area-rate"):
        assert outcome_of(find_row(rows, parameter)) is NotDone.BASELINE_ZERO
    assert outcome_of(find_row(rows, "time-to-healing", visit=ALL)) is NotDone.HEALED_AT_BASELINE
    assert outcome_of(find_row(rows, "normalized-auc", visit=ALL)) is NotDone.BASELINE_ZERO
    assert outcome_of(find_row(rows, "margin-advance", visit="week-04")) is NotDone.NO_EROSION
    assert find_row(rows, "area", visit="week-00").u_reason is UncertaintyGap.ZERO_AREA


def test_the_same_file_at_both_visits_says_nothing_of_change():
    same = "5" * 64
    rows = study(
        site_visit_of("week-00", photo_of("a", 30.0, sha256=same)),
        site_visit_of("week-02", photo_of("b", 30.0, sha256=same)),
    )
    assert outcome_of(find_row(rows, "change")) is NotDone.SAME_PHOTO
    assert outcome_of(find_row(rows, "change", site=ALL)) is NotDone.SITES_INCOMPLETE
    alone = study(
        site_visit_of("week-00", photo_of("a", 30.0, sha256=same)),
        site_visit_of("week-02", photo_of("b", 30.0, sha256=same)),
        sites=[LEFT],
    )
    assert outcome_of(find_row(alone, "change", site=ALL)) is NotDone.SAME_PHOTO


def test_unscheduled_visits_have_rows_but_no_part_in_what_spans_visits():
    visits = site_history(LEFT, 80.0, 40.0, 20.0)
    extra = site_visit_of("extra", photo_of("x", 0.0001), day=20)
    rows = study(*visits, extra)
    row = find_row(rows, "change", visit="extra")
    assert row.value == pytest.approx(-80.0, abs=1e-3)
    assert EndpointNote.UNSCHEDULED in row.notes
    assert find_row(rows, "healing-observed", visit=ALL).value == 0
    whole = find_row(study(*visits), "normalized-auc", visit=ALL)
    assert find_row(rows, "normalized-auc", visit=ALL) == whole
    early = study(*visits, site_visit_of("extra", photo_of("x", 1.0), day=-2))
    assert outcome_of(find_row(early, "change", visit="extra")) is NotDone.VISITS_OUT_OF_ORDER
    undated = study(*visits, site_visit_of("extra", photo_of("x", 1.0), day=None))
    assert outcome_of(find_row(undated, "change", visit="extra")) is NotDone.DAY_UNKNOWN


def test_visits_out_of_order_keep_their_names_and_lose_their_rates():
    rows = study(
        site_visit_of("week-00", photo_of("a", 80.0), day=0),
        site_visit_of("week-02", photo_of("b", 40.0), day=30),
        site_visit_of("week-04", photo_of("c", 20.0), day=27),
    )
    assert find_row(rows, "change", visit="week-04").value == -60.0
    assert EndpointNote.OUT_OF_ORDER in find_row(rows, "change", visit="week-04").notes
    assert EndpointNote.OUTSIDE_WINDOW in find_row(rows, "change").notes
    assert outcome_of(find_row(rows, "normalized-auc", visit=ALL)) is NotDone.VISITS_OUT_OF_ORDER
    for day, words in ((-1, "1 days before the baseline"), (0, "on the day of the baseline")):
        before = study(
            site_visit_of("week-00", photo_of("a", 80.0), day=0), site_visit_of("week-02", photo_of("b", 40.0), day=day)
        )
        assert outcome_of(find_row(before, "log-area-rate")) is NotDone.VISITS_OUT_OF_ORDER
        assert find_row(before, "log-area-rate").detail == words
        assert find_row(before, "change").value == -40.0


def test_the_note_of_missing_sites_stands_where_sites_are_missing():
    days = {"week-00": 0, "week-02": -14, "week-04": 28}
    every = [
        site_visit_of(visit, photo_of(f"{site}{visit}", 50.0), site=site, day=day)
        for visit, day in days.items()
        for site in (LEFT, SOFT)
    ]
    assert find_row(study(*every), "time-to-healing", site=ALL, visit=ALL).notes == ()
    partly = find_row(study(*every[:-1]), "time-to-healing", site=ALL, visit=ALL)
    assert partly.notes == (EndpointNote.SITES_INCOMPLETE,)


def test_one_file_for_two_sites_is_an_area_of_neither():
    twice = photo_of("a", 50.0, sha256="ab" * 32)
    visits = [
        site_visit_of("week-00", twice),
        site_visit_of("week-00", twice, site=SOFT),
        site_visit_of("week-02", photo_of("b", 40.0)),
        site_visit_of("week-02", photo_of("c", 30.0), site=SOFT),
    ]
    rows = study(*visits)
    for site, other in ((LEFT, SOFT), (SOFT, LEFT)):
        area = find_row(rows, "area", site=site, visit="week-00")
        assert (outcome_of(area), area.detail) == (NotDone.SAME_PHOTO, other)
        assert outcome_of(find_row(rows, "change", site=site)) is NotDone.NO_BASELINE
    assert outcome_of(find_row(rows, "area", site=ALL, visit="week-00")) is NotDone.SITES_INCOMPLETE
    assert find_row(rows, "area", site=ALL).value == 70.0
    # Another photo of the site stands for it.
    visits[0] = site_visit_of("week-00", twice, photo_of("d", 20.0))
    assert find_row(study(*visits), "area", visit="week-00").value == 20.0


def test_two_follow_ups_on_one_day_make_no_curve():
    rows = study(
        site_visit_of("week-00", photo_of("a", 80.0), day=0),
        site_visit_of("week-02", photo_of("b", 40.0), day=28),
        site_visit_of("week-04", photo_of("c", 20.0), day=28),
    )
    assert outcome_of(find_row(rows, "normalized-auc", visit=ALL)) is NotDone.VISITS_OUT_OF_ORDER
    assert outcome_of(find_row(rows, "time-to-healing", visit=ALL)) is NotDone.VISITS_OUT_OF_ORDER


def test_days_are_actual_or_scheduled_as_the_protocol_says():
    visits = [
        site_visit_of("week-00", photo_of("a", 80.0), day=None),
        site_visit_of("week-02", photo_of("b", 40.0), day=None),
    ]
    assert outcome_of(find_row(study(*visits), "log-area-rate")) is NotDone.DAY_UNKNOWN
    assert find_row(study(*visits, days="scheduled"), "log-area-rate").value == pytest.approx(math.log(2) / 14)


def test_sites_that_were_photographed_on_different_days():
    rows = study(
        site_visit_of("week-00", photo_of("a", 80.0)),
        site_visit_of("week-00", photo_of("b", 20.0), site=SOFT),
        site_visit_of("week-02", photo_of("c", 40.0)),
        site_visit_of("week-02", photo_of("d", 10.0), site=SOFT, day=15),
    )
    assert find_row(rows, "change", site=ALL).value == -50.0
    assert outcome_of(find_row(rows, "log-area-rate", site=ALL)) is NotDone.DAYS_DIFFER
    assert find_row(rows, "log-area-rate", site=SOFT).value == pytest.approx(math.log(2) / 15)


def test_one_open_site_is_enough_to_say_not_healed_but_all_are_needed_to_say_healed():
    rows = study(*site_history(LEFT, 80.0, 0.0, 0.0), *site_history(SOFT, 30.0, 10.0, None))
    assert find_row(rows, "healed", site=ALL).value == 0
    assert outcome_of(find_row(rows, "healed", site=ALL, visit="week-04")) is NotDone.SITES_INCOMPLETE
    assert find_row(rows, "time-to-healing", site=ALL, visit=ALL).value == 14
    assert find_row(rows, "healing-observed", site=ALL, visit=ALL).value == 0
    assert find_row(rows, "time-to-healing", visit=ALL).value == 14


def test_a_missing_visit_is_bridged_only_as_often_as_the_protocol_allows():
    visits = site_history(LEFT, 80.0, None, 40.0)
    row = find_row(study(*visits), "normalized-auc", visit=ALL)
    assert row.value == pytest.approx(0.75)
    assert row.notes == (EndpointNote.VISITS_MISSING,)
    assert outcome_of(find_row(study(*visits, max_missing_visits=0), "normalized-auc", visit=ALL)) is (
        NotDone.TOO_MANY_MISSING
    )


def test_caveats_are_carried_from_the_photos():
    rows = study(
        site_visit_of("week-00", photo_of("a", 80.0, at_edge=True)),
        site_visit_of("week-02", photo_of("b", 40.0, mirror=Mirror.MIRROR)),
        site_visit_of("week-02", photo_of("c", 4.0), site="tongue-tip"),
    )
    assert find_row(rows, "change").notes == (EndpointNote.LESION_AT_EDGE, EndpointNote.MIRROR_DIFFERS)
    assert find_row(rows, "change", site=ALL).notes == (
        EndpointNote.LESION_AT_EDGE,
        EndpointNote.MIRROR_DIFFERS,
        EndpointNote.SITES_INCOMPLETE,
    )
    assert find_row(rows, "area").notes == ()
    assert find_row(rows, "area", site="tongue-tip").notes == (EndpointNote.SITE_NOT_EXPECTED,)
    assert find_row(rows, "change", site=ALL).value == -40.0


def test_photos_of_an_unknown_site_have_a_row_and_no_number():
    rows = study(*site_history(LEFT, 80.0, 40.0, 0.0), site_visit_of("week-02", photo_of("x", 9.0), site=None))
    row = find_row(rows, "area", site="unknown")
    assert (row.not_done_reason, row.detail) == (NotDone.SITE_UNKNOWN, "1 photo")


def test_strata_are_carried_into_every_row():
    strata = {"S01": {"pemphigus_type": "mucosal-dominant", "other": "x"}}
    visits = [*site_history(LEFT, 80.0, 40.0, 0.0), *site_history(LEFT, 8.0, 4.0, 0.0, subject="S02")]
    rows = study(*visits, strata=strata)
    assert {row.strata for row in rows if row.subject_id == "S01"} == {(("pemphigus_type", "mucosal-dominant"),)}
    assert {row.strata for row in rows if row.subject_id == "S02"} == {(("pemphigus_type", None),)}


def test_a_subject_without_photos_does_not_vanish():
    rows = study(*site_history(LEFT, 80.0, 40.0, 0.0), strata={"S00": {"pemphigus_type": "mucocutaneous"}})
    own = [row for row in rows if row.subject_id == "S00"]
    assert {row.value for row in own} == {None}
    assert {row.not_done_reason for row in own} == {NotDone.VISIT_MISSING, NotDone.NO_BASELINE}
    assert len({(row.site, row.visit, row.parameter) for row in own}) == len(own)
    assert rows[0].subject_id == "S00"


def test_a_day_that_is_unknown_for_one_site_is_unknown_for_all():
    rows = study(
        site_visit_of("week-00", photo_of("a", 80.0)),
        site_visit_of("week-00", photo_of("b", 20.0), site=SOFT, day=None),
        site_visit_of("week-02", photo_of("c", 40.0)),
        site_visit_of("week-02", photo_of("d", 10.0), site=SOFT),
    )
    assert outcome_of(find_row(rows, "log-area-rate", site=ALL)) is NotDone.DAY_UNKNOWN
    assert find_row(rows, "log-area-rate").value == pytest.approx(math.log(2) / 14)


@pytest.mark.parametrize(("ratio", "enough"), [(0.55, True), (0.5500001, False)])
def test_just_enough_sites_are_enough(ratio, enough):
    sites = [code for code in REGIONS_OF_SITE if len(REGIONS_OF_SITE[code]) == 1][:20]
    visits = [one for site in sites[:11] for one in site_history(site, 8.0, 4.0, 2.0)]
    row = find_row(study(*visits, sites=sites, min_compared_sites_ratio=ratio), "change", site=ALL)
    assert (row.value == -44.0) == enough
    assert (row.not_done_reason is NotDone.SITES_INCOMPLETE) == (not enough)


def track(lesion_id, *links):
    visits = ("week-00", "week-02", "week-04")
    return LesionTrack(
        lesion_id=lesion_id,
        site=LEFT,
        links=tuple(
            LesionLink(visit=visit, state=LesionState(state), labels=labels, area_mm2=area)
            for visit, (state, labels, area) in zip(visits, links, strict=True)
        ),
    )


def test_lesions_that_were_followed():
    tracks = (
        track("buccal-left-01", ("first-seen", (1,), 60.0), ("persistent", (1,), 30.0), ("healed", (), 0.0)),
        track("buccal-left-02", ("absent", (), None), ("new", (2,), 5.0), ("not-in-view", (), None)),
        track("buccal-left-03", ("absent", (), None), ("new", (3,), 4.0), ("healed", (), 0.0)),
    )
    visits = site_history(LEFT, 60.0, (30.0, 5.0, 4.0), 0.0)
    rows = study(*visits, tracks={("S01", LEFT): tracks})
    one, two = "buccal-left-01", "buccal-left-02"
    assert find_row(rows, "change", lesion_id=one).value == -30.0
    assert find_row(rows, "change-percent", lesion_id=one).value == -50.0
    before, after = (math.sqrt(area / math.pi) for area in (60.0, 30.0))
    assert find_row(rows, "margin-advance", lesion_id=one).value == pytest.approx(before - after)
    assert find_row(rows, "area", visit="week-04", lesion_id=one).value == 0.0
    assert outcome_of(find_row(rows, "change", lesion_id=two)) is NotDone.LESION_NEW
    assert outcome_of(find_row(rows, "area", visit="week-04", lesion_id=two)) is NotDone.LESION_NOT_IN_VIEW
    assert outcome_of(find_row(rows, "area", visit="week-00", lesion_id=two)) is NotDone.LESION_ABSENT
    assert find_row(rows, "new-lesion-count").value == 2
    assert find_row(rows, "new-lesion-count", visit="week-04").value == 0
    assert outcome_of(find_row(rows, "new-lesion-count", site=ALL)) is NotDone.SITES_INCOMPLETE
    assert (
        find_row(study(*visits, tracks={("S01", LEFT): tracks}, sites=[LEFT]), "new-lesion-count", site=ALL).value == 2
    )


def test_lesions_that_were_not_followed_are_not_counted_as_new():
    visits = site_history(LEFT, 60.0, 30.0, 0.0)
    lost = track("buccal-left-01", ("first-seen", (1,), 60.0), ("not-assessed", (), None), ("not-assessed", (), None))
    assert outcome_of(find_row(study(*visits), "new-lesion-count")) is NotDone.NOT_TRACKED
    for tracks, expected in (((lost,), NotDone.NOT_TRACKED), ((), 0.0)):
        rows = study(*visits, tracks={("S01", LEFT): tracks})
        assert outcome_of(find_row(rows, "new-lesion-count")) == expected


def test_a_lesion_that_merged_names_the_one_it_is_now_part_of():
    merged = LesionTrack(
        lesion_id="buccal-left-02",
        site=LEFT,
        links=(
            LesionLink(visit="week-00", state=LesionState.FIRST_SEEN, labels=(2,), area_mm2=5.0),
            LesionLink(visit="week-02", state=LesionState.MERGED, into="buccal-left-01"),
        ),
    )
    rows = study(*site_history(LEFT, (60.0, 5.0), 70.0, None), tracks={("S01", LEFT): (merged,)})
    row = find_row(rows, "change", lesion_id="buccal-left-02")
    assert (row.not_done_reason, row.detail) == (NotDone.LESION_MERGED, "buccal-left-01")


def test_labels_that_the_best_photo_does_not_have_give_no_margin():
    other = track("buccal-left-01", ("first-seen", (3,), 60.0), ("persistent", (1,), 30.0), ("healed", (), 0.0))
    rows = study(*site_history(LEFT, 60.0, 30.0, 0.0), tracks={("S01", LEFT): (other,)})
    assert find_row(rows, "change", lesion_id="buccal-left-01").value == -30.0
    assert outcome_of(find_row(rows, "margin-advance", lesion_id="buccal-left-01")) is NotDone.NOT_TRACKED


def test_a_trial_of_one_visit_has_no_follow_up():
    schedule = settings_of().model_dump()["visits"][:1]
    rows = study(*site_history(LEFT, 60.0, None, None), visits=schedule)
    assert find_row(rows, "area", visit="week-00").value == 60.0
    for parameter in ("time-to-healing", "normalized-auc"):
        assert outcome_of(find_row(rows, parameter, visit=ALL)) is NotDone.NO_FOLLOW_UP


def test_a_visit_before_the_baseline_is_measured_and_compared_with_nothing():
    rows = study(*site_history(LEFT, 90.0, 60.0, 30.0), baseline_visit="week-02")
    assert find_row(rows, "area", visit="week-00").value == 90.0
    assert not [row for row in rows if row.visit == "week-00" and row.parameter == "change"]
    assert find_row(rows, "change", visit="week-04").value == -30.0
    assert find_row(rows, "log-area-rate", visit="week-04").value == pytest.approx(math.log(2) / 14)


def test_impossible_input_is_an_error():
    one = site_visit_of("week-00", photo_of("a", 1.0))
    with pytest.raises(InputError, match="twice"):
        study(one, one)
    with pytest.raises(InputError, match="no code"):
        study(site_visit_of("week-00", photo_of("a", 1.0), site="cheek"))
    with pytest.raises(InputError, match="stands for all visits"):
        study(site_visit_of("all", photo_of("a", 1.0), day=1))
    assert study() == ()


@pytest.mark.parametrize(("area", "healed"), [(0.0, 1.0), (0.999, 1.0), (1.0, 0.0), (1.5, 0.0)])
def test_healed_is_below_the_limit_and_not_at_it(area, healed):
    rows = study(*site_history(LEFT, 80.0, area, 0.0))
    assert find_row(rows, "healed").value == healed
    assert find_row(rows, "healed").u_reason is UncertaintyGap.DECISION


@pytest.mark.parametrize(("day", "outside"), [(12, True), (13, False), (17, False), (18, True)])
def test_the_window_includes_its_ends_and_counts_from_the_actual_baseline(day, outside):
    schedule = settings_of().model_dump()["visits"]
    schedule[1]["window_before_days"] = 1
    rows = study(
        site_visit_of("week-00", photo_of("a", 80.0), day=5),
        site_visit_of("week-02", photo_of("b", 40.0), day=day + 5),
        visits=schedule,
    )
    assert (EndpointNote.OUTSIDE_WINDOW in find_row(rows, "area").notes) == outside


def test_a_total_carries_the_shared_part_of_its_photos_uncertainty():
    def at(visit, site, area, u):
        return site_visit_of(visit, photo_of(f"{site}{visit}", area, u_boundary=u), site=site)

    visits = [at("week-00", LEFT, 80.0, 4.0), at("week-00", SOFT, 20.0, 3.0)]
    visits += [at("week-02", LEFT, 40.0, 2.0), at("week-02", SOFT, 10.0, 1.0)]
    one = study(*visits, boundary_correlation=1.0)
    none = study(*visits, boundary_correlation=0.0)
    # all errors in common: 4 + 3, and (2 + 1) - (4 + 3); none in common: √(16 + 9), and √(16 + 9 + 4 + 1)
    assert find_row(one, "area", site=ALL, visit="week-00").u == pytest.approx(7.0)
    assert find_row(one, "change", site=ALL).u == pytest.approx(4.0)
    assert find_row(none, "area", site=ALL, visit="week-00").u == pytest.approx(5.0)
    assert find_row(none, "change", site=ALL).u == pytest.approx(math.sqrt(30.0))
