"""Lesions followed over visits: what heals, appears, merges and splits, and what nobody saw."""

import numpy as np
import pytest
from lesion_histories import events_right, history

from oral_lesion.compare import LinkSettings, link_lesions, not_assessed
from oral_lesion.errors import InputError
from oral_lesion.records import VisitLesions

SETTINGS = LinkSettings()
SHAPE = (200, 260)


def visit_of(name, *discs, in_view=None):
    """Lesions as discs (row, column, radius), labelled by falling area; overlapping discs are one lesion."""
    rows, columns = np.indices(SHAPE)
    labels = np.zeros(SHAPE, np.int32)
    for label, group in enumerate(discs, start=1):
        for row, column, radius in group if isinstance(group, list) else [group]:
            labels[np.hypot(rows - row, columns - column) <= radius] = label
    areas = tuple((label, float((labels == label).sum()) * 0.04) for label in range(1, len(discs) + 1))
    view = np.ones(SHAPE, bool) if in_view is None else in_view
    return VisitLesions(visit=name, labels=labels, in_view=view, areas_mm2=areas, mm_per_px=0.2)


def states_of(tracks):
    return {track.lesion_id: [link.state.value for link in track.links] for track in tracks}


def linked(*visits):
    return link_lesions(visits, site="buccal-left", settings=SETTINGS)


def test_persistent_healed_and_new():
    tracks = linked(
        visit_of("a", (60, 60, 20), (120, 180, 10)),
        visit_of("b", (62, 61, 14), (150, 60, 8)),
        visit_of("c", (61, 60, 6)),
    )
    assert states_of(tracks) == {
        "buccal-left-01": ["first-seen", "persistent", "persistent"],
        "buccal-left-02": ["first-seen", "healed", "healed"],
        "buccal-left-03": ["absent", "new", "healed"],
    }
    assert [link.labels for link in tracks[0].links] == [(1,), (1,), (1,)]
    assert [link.area_mm2 for link in tracks[1].links][1:] == [0.0, 0.0]


def test_merged_lesions_keep_the_larger_ones_id_and_get_theirs_back():
    tracks = linked(
        visit_of("a", (80, 80, 22), (80, 130, 14)),
        visit_of("b", [(80, 80, 24), (80, 105, 14), (80, 130, 16)]),
        visit_of("c", (80, 80, 20), (80, 130, 12)),
    )
    assert states_of(tracks) == {
        "buccal-left-01": ["first-seen", "persistent", "persistent"],
        "buccal-left-02": ["first-seen", "merged", "split"],
    }
    assert [link.into for link in tracks[1].links] == [None, "buccal-left-01", "buccal-left-01"]
    assert [link.area_mm2 is None for link in tracks[1].links] == [False, True, False]


def test_what_merged_heals_with_what_it_merged_into():
    tracks = linked(
        visit_of("a", (80, 80, 22), (80, 130, 14)),
        visit_of("b", [(80, 80, 24), (80, 105, 14), (80, 130, 16)]),
        visit_of("c"),
    )
    assert [states[-1] for states in states_of(tracks).values()] == ["healed", "healed"]


def test_the_largest_part_of_a_split_lesion_keeps_its_id():
    tracks = linked(
        visit_of("a", [(80, 80, 24), (80, 105, 14), (80, 130, 16)]),
        visit_of("b", (80, 82, 20), (80, 130, 9)),
    )
    assert states_of(tracks) == {"buccal-left-01": ["first-seen", "persistent"], "buccal-left-02": ["absent", "split"]}
    assert tracks[1].links[1].into == "buccal-left-01"


def test_ids_and_states_hold_across_a_visit_without_a_photo():
    first, last = visit_of("a", (60, 60, 20), (120, 180, 10)), visit_of("c", (61, 60, 15), (150, 60, 8))
    with_gap = linked(first, not_assessed("b"), last)
    without = linked(first, last)
    assert [[one[0], one[2]] for one in states_of(with_gap).values()] == list(states_of(without).values())
    assert {one[1] for one in states_of(with_gap).values()} == {"not-assessed"}


def test_a_lesion_out_of_view_is_not_healed_and_is_known_when_it_is_back():
    view = np.ones(SHAPE, bool)
    view[:, 150:] = False
    tracks = linked(
        visit_of("a", (60, 60, 20), (120, 180, 10)),
        visit_of("b", (60, 60, 18), in_view=view),
        visit_of("c", (60, 60, 18), (121, 181, 9)),
    )
    assert states_of(tracks)["buccal-left-02"] == ["first-seen", "not-in-view", "persistent"]
    assert tracks[1].links[1].area_mm2 is None


def test_a_lesion_in_a_place_that_was_never_seen_is_not_new():
    view = np.ones(SHAPE, bool)
    view[:, 150:] = False
    tracks = linked(visit_of("a", (60, 60, 20), in_view=view), visit_of("b", (60, 60, 20), (120, 180, 10)))
    assert states_of(tracks)["buccal-left-02"] == ["not-in-view", "first-seen"]


def test_a_lesion_that_comes_back_is_new_under_its_id():
    tracks = linked(visit_of("a", (60, 60, 20)), visit_of("b"), visit_of("c", (60, 62, 12)))
    assert states_of(tracks) == {"buccal-left-01": ["first-seen", "healed", "new"]}


def test_small_lesions_that_miss_each_other_by_the_residual_are_one():
    tracks = linked(visit_of("a", (60, 60, 2)), visit_of("b", (60, 66, 2)))
    assert states_of(tracks) == {"buccal-left-01": ["first-seen", "persistent"]}
    tracks = linked(visit_of("a", (60, 60, 2)), visit_of("b", (60, 90, 2)))
    assert states_of(tracks) == {"buccal-left-01": ["first-seen", "healed"], "buccal-left-02": ["absent", "new"]}


def test_two_near_lesions_are_told_apart_by_the_best_total():
    tracks = linked(visit_of("a", (60, 60, 6), (60, 75, 6)), visit_of("b", (60, 67, 6), (60, 82, 6)))
    assert [track.links[1].labels for track in tracks] == [(1,), (2,)]


def test_a_lesion_beyond_the_frame_is_not_lost():
    outside = VisitLesions(
        visit="b",
        labels=np.zeros(SHAPE, np.int32),
        in_view=np.ones(SHAPE, bool),
        areas_mm2=((1, 5.0),),
        mm_per_px=0.2,
    )
    tracks = linked(visit_of("a", (60, 60, 20)), outside)
    assert states_of(tracks) == {
        "buccal-left-01": ["first-seen", "healed"],
        "buccal-left-02": ["not-in-view", "first-seen"],
    }
    assert tracks[1].links[1].area_mm2 == 5.0


def test_each_measured_lesion_is_in_exactly_one_track():
    for seed in range(20):
        told = history(seed)
        tracks = linked(*(visit.lesions for visit in told))
        for index, visit in enumerate(told):
            given = sorted(label for track in tracks for label in track.links[index].labels)
            assert given == sorted(label for label, _ in visit.lesions.areas_mm2)


@pytest.mark.parametrize("missing", [None, 1, 2])
def test_events_of_random_histories(missing):
    right = total = 0
    wrong: list[str] = []
    for seed in range(60):
        told = history(1000 + seed, missing=missing)
        tracks = linked(*(visit.lesions for visit in told))
        counted = events_right(told, tracks)
        right, total = right + counted[0], total + counted[1]
        wrong += counted[2]
    assert total > 800
    assert right >= 0.95 * total, wrong


def test_no_visit_no_lesion_no_track():
    assert linked() == ()
    assert linked(not_assessed("a"), not_assessed("b")) == ()
    assert linked(visit_of("a"), visit_of("b")) == ()


def test_visits_of_different_frames_or_equal_names_are_input_errors():
    small = VisitLesions(
        visit="b", labels=np.zeros((9, 9), np.int32), in_view=np.ones((9, 9), bool), areas_mm2=(), mm_per_px=0.2
    )
    with pytest.raises(InputError, match="frame"):
        linked(visit_of("a"), small)
    with pytest.raises(InputError, match="once"):
        linked(visit_of("a"), visit_of("a"))
