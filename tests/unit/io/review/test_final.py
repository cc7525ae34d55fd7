"""Which value counts: the adjudicated one, the mean of two that agree, one where one is asked for; else none yet."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from oral_lesion.errors import FormatError, InputError
from oral_lesion.io.results_store import Read, Round
from oral_lesion.io.review.agreement import review_settings
from oral_lesion.io.review.final import Source, adjudication_rows, review, reviewed_row
from oral_lesion.io.review.pairs import READERS, Pair, difference_beyond
from oral_lesion.io.review.photo_reads import PhotoReads
from oral_lesion.io.review.settings import ReviewSettings

LIMITS = ReviewSettings(readers=2, max_area_difference_mm2=5, max_area_difference_percent=20, min_dice=0.75)


@dataclass(frozen=True)
class Photo:
    place: str = "S/V/p"
    stored: object = field(
        default_factory=lambda: SimpleNamespace(
            identity=SimpleNamespace(
                subject_id="S",
                visit=SimpleNamespace(name="V"),
                site="buccal-left",
                photo_id="p",
                replicate=1,
                sha256="f",
            ),
            photo=SimpleNamespace(area_mm2=50.0, u_scale_mm2=2.0, u_boundary_mm2=1.5),
        )
    )


PHOTO = Photo()


def read(area, reader="A", round_=Round.READ):
    nothing = not area
    return Read(
        place="S/V", photo_id="p", reading_id="r", reader=reader, round=round_, read_utc="2026-03-01T00:00:00.000Z",
        automatic_area_mm2=50.0, corrected_area_mm2=area, corrected_u_scale_mm2=None if nothing else 0.04 * area,
        corrected_u_boundary_mm2=None if nothing else 1.0, reason="" if area is not None else "unreadable",
    )  # fmt: skip


def reviewed(areas, *, adjudicated=(), dice=0.9, limits=LIMITS):
    reads = PhotoReads(
        photo=PHOTO,
        reads=tuple(read(area, reader) for area, reader in zip(areas, "AB", strict=False)),
        adjudication=read(adjudicated[0], "C", Round.ADJUDICATION) if adjudicated else None,
    )
    pairs = []
    if len(areas) == 2 and None not in areas:
        pairs.append(pair(*areas, dice=dice, reads=reads))
    (one,) = review([reads], pairs, limits)
    return one


def pair(first, second, *, dice=0.9, reads=None):
    return Pair(kind=READERS, reads=reads, first="A", second="B", first_mm2=first, second_mm2=second, dice=dice)


@pytest.mark.parametrize(
    ("first", "second", "dice", "why"),
    [
        (50, 50, 1, ""),
        (50, 54.9, 0.9, ""),  # 9 %, within both
        (10, 14, 0.9, ""),  # 33 %, but 4 mm²
        (100, 110, 0.9, ""),  # 10 mm², but 10 %
        (20, 26, 0.9, "area"),  # 6 mm² and 26 %
        (26, 20, 0.9, "area"),
        (50, 50, 0.74, "dice"),
        (20, 40, 0.5, "area dice"),
        (0, 0, 1, ""),
        (0, 1, 0, "dice"),
        (0, 6, 0, "area dice"),
    ],
)
def test_reads_differ_too_much_by_both_limits_of_the_area_or_by_dice(first, second, dice, why):
    assert difference_beyond(pair(first, second, dice=dice), LIMITS) == why


def test_nobody_read_it():
    one = reviewed([])
    assert (one.source, one.area_mm2, one.u_area_mm2) == (Source.AUTOMATIC, 50.0, 2.5)


def test_two_that_agree_give_their_mean():
    one = reviewed([48.0, 52.0])
    assert (one.source, one.area_mm2, one.u_scale_mm2) == (Source.READERS, 50.0, 2.0)
    assert one.u_boundary_mm2 == 2.0  # half the difference, which is more than their own 1.0
    assert reviewed([50.0, 50.0]).u_boundary_mm2 == 1.0


def test_two_that_differ_give_nothing_until_a_third_decides():
    one = reviewed([20.0, 40.0])
    assert (one.source, one.area_mm2, one.differs) == (Source.TO_BE_ADJUDICATED, None, "area")
    one = reviewed([20.0, 40.0], adjudicated=[38.0])
    assert (one.source, one.area_mm2, one.differs) == (Source.ADJUDICATED, 38.0, "area")
    row = reviewed_row(one)
    assert (row["automatic_area_mm2"], row["reader_1_area_mm2"], row["reader_2_area_mm2"]) == (50.0, 20.0, 40.0)
    assert (row["adjudicator"], row["adjudicated_area_mm2"], row["final_area_mm2"]) == ("C", 38.0, 38.0)
    (listed,) = adjudication_rows([one])
    assert (listed["why"], listed["adjudicated"]) == ("area", 1)


def test_one_read_is_enough_only_where_the_protocol_says_so():
    assert (reviewed([30.0]).source, reviewed([30.0]).area_mm2) == (Source.TO_BE_READ, None)
    alone = LIMITS.model_copy(update={"readers": 1})
    assert (reviewed([30.0], limits=alone).source, reviewed([30.0], limits=alone).area_mm2) == (Source.READER, 30.0)


def test_what_one_of_two_could_not_read_is_adjudicated():
    one = reviewed([30.0, None])
    assert (one.source, one.area_mm2, one.differs) == (Source.TO_BE_ADJUDICATED, None, "unreadable-by-one")
    assert adjudication_rows([one])[0]["difference_mm2"] is None
    assert reviewed([None, None]).source is Source.UNREADABLE
    one = reviewed([30.0, None], adjudicated=[None])
    assert (one.source, one.area_mm2) == (Source.UNREADABLE, None)


def test_no_erosion_has_an_area_but_no_uncertainty():
    row = reviewed_row(reviewed([0.0, 0.0], dice=1.0))
    assert (row["final_area_mm2"], row["u_final_area_mm2"], row["source"]) == (0.0, None, "readers")
    assert row["u_reason"] == "zero-area"


def test_one_who_saw_nothing_counts_half():
    one = reviewed([0.0, 2.0], limits=LIMITS.model_copy(update={"min_dice": 0.0}))
    assert (one.area_mm2, one.u_scale_mm2, one.u_boundary_mm2) == (1.0, 0.04, 1.0)


def test_reads_of_an_earlier_score_do_not_count():
    (one,) = review([PhotoReads(photo=PHOTO, scored_anew=True)], [], LIMITS)
    assert (one.source, one.area_mm2, one.differs) == (Source.TO_BE_READ, None, "scored-anew")
    assert adjudication_rows([one]) == []


def test_the_limits_are_those_of_the_study():
    stated = {"review": LIMITS.model_dump(mode="json")}
    assert review_settings(stated, None) == review_settings({}, LIMITS) == review_settings(stated, LIMITS) == LIMITS
    with pytest.raises(InputError, match="limits are fixed"):
        review_settings(stated, LIMITS.model_copy(update={"min_dice": 0.5}))
    with pytest.raises(InputError, match=r"\[review\]"):
        review_settings({}, None)
    with pytest.raises(FormatError, match="cannot be read"):
        review_settings({"review": {"readers": 3}}, None)
