"""Which photos of a site and visit count."""

import itertools
import math

import pytest
from endpoint_records import photo_of, settings_of

from oral_lesion.endpoint import counted_photos
from oral_lesion.endpoint.replicates import site_value
from oral_lesion.errors import InputError, Reason
from oral_lesion.records import LesionSize, Mirror, NotDone, ScoredPhoto

BLURRED, CARDLESS = Reason.BLURRED, Reason.NO_CARD


def test_the_best_photo_is_farthest_from_its_limits_whatever_its_area():
    photos = [photo_of("a", 30.0, used=0.9), photo_of("b", 20.0, used=0.2), photo_of("c", 10.0, used=0.6)]
    for order in itertools.permutations(photos):
        (best,) = counted_photos(order, settings_of())
        assert best.photo_id == "b"


def test_ties_go_to_the_lower_replicate_then_to_the_photo_id_and_unknown_quality_is_last():
    tied = [photo_of("a", 3.0, replicate=2), photo_of("c", 4.0, replicate=1), photo_of("b", 5.0, replicate=1)]
    assert counted_photos(tied, settings_of())[0].photo_id == "b"
    unknown = [photo_of("a", 3.0, used=None), photo_of("z", 4.0, replicate=9, used=0.99)]
    assert counted_photos(unknown, settings_of())[0].photo_id == "z"


def test_the_mean_of_two_photos_and_its_uncertainty():
    photos = [photo_of("a", 30.0, u_scale=3.0, u_boundary=4.0), photo_of("b", 50.0, u_scale=4.0, u_boundary=4.0)]
    value = site_value(photos, settings_of(replicate_rule="mean", boundary_correlation=0.5))
    assert value.area.value_mm2 == 40.0
    # scale √(3² + 4²)/2 = 2.5; boundary √(4² + 4² + 2·0.5·16)/2 = √48/2
    assert value.area.u_mm2 == pytest.approx(math.hypot(2.5, math.sqrt(48.0) / 2.0))
    radii = [math.sqrt(a / math.pi) for a in (30.0, 50.0)]
    assert value.perimeter_mm == pytest.approx(math.pi * sum(radii))


def test_refused_replicates_are_passed_over_except_where_all_must_count():
    photos = [photo_of("a", 30.0), photo_of("b", refusal=BLURRED)]
    assert site_value(photos, settings_of(replicate_rule="mean")).area.value_mm2 == 30.0
    missing = site_value(photos, settings_of(replicate_rule="all"))
    assert (missing.reason, missing.detail) == (NotDone.REPLICATE_REFUSED, "blurred")
    both = [photo_of("a", 30.0), photo_of("b", 50.0)]
    assert site_value(both, settings_of(replicate_rule="all")).area.value_mm2 == 40.0


def test_refused_photos_name_their_reasons():
    missing = site_value([photo_of("a", refusal=CARDLESS), photo_of("b", refusal=BLURRED)], settings_of())
    assert (missing.reason, missing.detail) == (NotDone.REFUSED, "blurred no-card")
    assert site_value([], settings_of()).reason is NotDone.NOT_PHOTOGRAPHED


def test_the_same_file_counts_once():
    photos = [photo_of("a", 30.0, sha256="1" * 64), photo_of("b", 30.0, sha256="1" * 64), photo_of("c", 60.0)]
    assert site_value(photos, settings_of(replicate_rule="mean")).area.value_mm2 == pytest.approx(45.0)


def test_two_mirror_states_of_a_site():
    photos = [photo_of("a", 30.0, mirror=Mirror.MIRROR, used=0.1), photo_of("b", 50.0, used=0.9)]
    assert site_value(photos, settings_of()).area.value_mm2 == 50.0
    assert site_value(photos, settings_of(replicate_rule="mean")).area.value_mm2 == 50.0
    missing = site_value(photos, settings_of(mirror_rule="not-done"))
    assert (missing.reason, missing.detail) == (NotDone.MIRROR_MIXED, "direct mirror")


def test_a_photo_is_either_refused_or_has_all_its_numbers():
    with pytest.raises(InputError, match="either a refusal or an area"):
        ScoredPhoto(photo_id="a", sha256="", area_mm2=1.0)
    with pytest.raises(InputError, match="either a refusal or an area"):
        ScoredPhoto(photo_id="a", sha256="", refusal=BLURRED, area_mm2=0.0, u_scale_mm2=0.0, u_boundary_mm2=0.0)
    with pytest.raises(InputError, match="either a refusal or an area"):
        ScoredPhoto(photo_id="a", sha256="", area_mm2=0.0, u_scale_mm2=0.0, u_boundary_mm2=0.0)
    with pytest.raises(InputError, match="either a refusal or an area"):
        ScoredPhoto(photo_id="a", sha256="")
    with pytest.raises(InputError, match="add to its area"):
        ScoredPhoto(photo_id="a", sha256="", area_mm2=5.0, u_scale_mm2=0.0, u_boundary_mm2=0.0)
    with pytest.raises(InputError, match="0 or more"):
        LesionSize(label=1, area_mm2=math.nan, perimeter_mm=1.0)
