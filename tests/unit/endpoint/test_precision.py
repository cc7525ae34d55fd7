"""Repeatability of replicate sets: on published data, and what is no replicate."""

import numpy as np
import pytest
from endpoint_records import photo_of, settings_of, site_visit_of

from oral_lesion.endpoint.precision import precision_profile, repeatability_of, replicate_sets
from oral_lesion.errors import InputError, Reason
from oral_lesion.numerics.agreement import repeatability_coefficient
from oral_lesion.records import Mirror

# Bland, Altman 1986, doi:10.1016/S0140-6736(86)90837-8, table 1: peak flow by a Wright meter, read twice.
WRIGHT = (494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427)
WRIGHT_AGAIN = (490, 397, 512, 401, 470, 611, 415, 431, 638, 429, 420, 633, 275, 492, 165, 372, 421)


def pair_of(number, *areas, **others):
    photos = [
        photo_of(f"{number}-{replicate}", *([area] if area else []), replicate=replicate, **others)
        for replicate, area in enumerate(areas, start=1)
    ]
    return site_visit_of("week-00", *photos, subject=f"S{number:02d}")


def sets_of(*site_visits):
    return replicate_sets(site_visits, settings_of())


def peak_flow():
    pairs = zip(map(float, WRIGHT), map(float, WRIGHT_AGAIN), strict=True)
    return sets_of(*(pair_of(number, *pair) for number, pair in enumerate(pairs)))


def test_peak_flow_of_bland_and_altman():
    found = repeatability_of(peak_flow())
    assert found.sd.value == pytest.approx(
        15.3, abs=0.05
    )  # their 1996 note on these data, doi:10.1136/bmj.313.7059.744
    assert repeatability_coefficient(found.sd.value) == pytest.approx(42.4, abs=0.15)
    assert (found.replicates, found.empty_sets, len(found.sets)) == (2, 0, 17)
    difference = np.subtract(WRIGHT_AGAIN, WRIGHT)
    assert found.limits.bias == pytest.approx(difference.mean())
    assert found.limits.sd == pytest.approx(difference.std(ddof=1))


@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")  # of pandas, within pingouin
def test_icc_as_pingouin_has_it():
    pandas = pytest.importorskip("pandas", reason="pandas comes with oral-lesion[dev]")
    pingouin = pytest.importorskip("pingouin", reason="pingouin comes with oral-lesion[dev]")
    rows = [(n, r, v) for r, values in enumerate((WRIGHT, WRIGHT_AGAIN)) for n, v in enumerate(values)]
    table = pandas.DataFrame(rows, columns=["target", "rater", "rating"]).astype({"rating": float})
    theirs = pingouin.intraclass_corr(table, targets="target", raters="rater", ratings="rating").set_index("Type")
    row = theirs.loc["ICC(A,1)" if "ICC(A,1)" in theirs.index else "ICC2"]
    assert repeatability_of(peak_flow()).correlation.value == pytest.approx(row["ICC"], abs=1e-9)


def test_the_profile_has_a_point_a_bin_and_ends_at_the_largest_area():
    found = repeatability_of(peak_flow())
    assert len(found.bins) == 2  # 17 degrees of freedom, at least 8 each
    assert sum(one.spread.subjects for one in found.bins) == 17
    profile = precision_profile(found.bins)
    assert [point.area_mm2 for point in profile] == sorted({point.area_mm2 for point in profile})
    assert profile[-1].area_mm2 == pytest.approx((656 + 633) / 2)
    assert profile[-2].rc_mm2 == pytest.approx(found.bins[-1].rc_mm2, abs=5e-4)
    # From the last bin's mean on, the coefficient keeps its share of the area.
    assert profile[-1].rc_mm2 / profile[-1].area_mm2 == pytest.approx(
        profile[-2].rc_mm2 / profile[-2].area_mm2, rel=1e-4
    )


def test_an_error_that_grows_with_the_area_shows_in_the_profile():
    rng = np.random.default_rng(4)
    areas = np.geomspace(5.0, 500.0, 64)
    pairs = [area * (1 + 0.05 * rng.standard_normal(2)) for area in areas]
    found = repeatability_of(sets_of(*(pair_of(n, *map(float, pair)) for n, pair in enumerate(pairs))))
    profile = precision_profile(found.bins)
    assert len(profile) == 7
    assert profile[-1].rc_mm2 > 10 * profile[0].rc_mm2
    # The error is 5 % of the area, so that the coefficient is 2.77 times as much.
    assert found.cv.value == pytest.approx(0.05, rel=0.25)


def test_what_is_no_replicate():
    same = "ab" * 32
    no_sets = (
        pair_of(1, 10.0),
        site_visit_of("week-00", photo_of("a", 10.0), photo_of("b", refusal=Reason.BLURRED), subject="S02"),
        site_visit_of("week-00", photo_of("a", 10.0, sha256=same), photo_of("b", 10.0, sha256=same), subject="S03"),
        site_visit_of("week-00", photo_of("a", 9.0), photo_of("b", 9.5, mirror=Mirror.MIRROR), subject="S04"),
        site_visit_of("week-00", photo_of("a", 9.0), photo_of("b", 9.5), site=None, subject="S05"),
    )
    assert sets_of(*no_sets) == ()
    with pytest.raises(InputError, match="Photograph sites twice"):
        repeatability_of(())


def test_sets_without_any_erosion_do_not_make_the_spread_smaller():
    alone = repeatability_of(sets_of(pair_of(1, 10.0, 12.0), pair_of(2, 30.0, 27.0)))
    beside = repeatability_of(sets_of(pair_of(1, 10.0, 12.0), pair_of(2, 30.0, 27.0), pair_of(3, 0.0, 0.0)))
    assert beside.sd == alone.sd
    assert beside.empty_sets == 1
    one_sided = repeatability_of(sets_of(pair_of(1, 10.0, 0.0), pair_of(2, 30.0, 27.0)))
    assert len(one_sided.sets) == 2


def test_the_order_of_sets_and_photos_changes_nothing():
    visits = [pair_of(n, 10.0 * n, 11.0 * n, 10.5 * n) for n in range(1, 6)]
    backwards = [site_visit_of("week-00", *one.photos[::-1], subject=one.subject_id) for one in visits[::-1]]
    assert repeatability_of(sets_of(*visits)) == repeatability_of(sets_of(*backwards))


def test_one_set_has_no_correlation_and_no_limits():
    found = repeatability_of(sets_of(pair_of(1, 10.0, 12.0)))
    assert (found.correlation, found.limits, len(found.bins)) == (None, None, 1)
