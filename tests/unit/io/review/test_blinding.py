"""What hides a photo is random, and nobody without the results' hashes can draw it again."""

import itertools

import numpy as np
import pytest

from oral_lesion.io.review.blinding import SHIFT_PX, Blinding

PLACES = [f"S-{subject:03d}/week-{visit:02d}/photo" for subject in range(3) for visit in (0, 4, 8)]
HASHES = [f"{place} {number:064x}" for number, place in enumerate(PLACES)]


def ids(blinding, reader="reader-1"):
    return [blinding.reading_id(reader, place, 1) for place in PLACES]


def test_the_same_seed_and_photos_give_the_same_draws():
    first, again = (Blinding(7, hashes, purpose="readers") for hashes in (HASHES, HASHES[::-1]))
    assert ids(first) == ids(again)
    assert first.worklist_id == again.worklist_id


@pytest.mark.parametrize("other", [(8, HASHES, "readers"), (7, HASHES[:-1], "readers"), (7, HASHES, "adjudicator")])
def test_another_seed_photo_or_purpose_gives_other_draws(other):
    seed, hashes, purpose = other
    assert not set(ids(Blinding(7, HASHES, purpose="readers"))) & set(ids(Blinding(seed, hashes, purpose=purpose)))


def test_a_guessed_seed_cannot_be_checked_without_the_hashes_of_the_photos():
    seen = set(ids(Blinding(7, HASHES, purpose="readers")))
    assert all(not seen & set(ids(Blinding(seed, PLACES, purpose="readers"))) for seed in range(50))


def test_readers_share_no_id():
    blinding = Blinding(7, HASHES, purpose="readers")
    drawn = [
        blinding.reading_id(reader, place, n) for reader in ("reader-1", "reader-2") for place in PLACES for n in (1, 2)
    ]
    assert len(set(drawn)) == len(drawn)


def test_every_place_in_the_order_is_equally_likely():
    """Over many seeds a photo's rank is uniform, and the visits of a subject come in each order equally often."""
    ranks, orders = [], []
    for seed in range(3000):
        order = np.argsort(np.argsort(ids(Blinding(seed, HASHES, purpose="readers"))))
        ranks.append(order[0])
        orders.append(tuple(np.argsort(order[:3])))
    counts = np.bincount(ranks, minlength=len(PLACES))
    expected = 3000 / len(PLACES)
    assert ((counts - expected) ** 2 / expected).sum() < 26.1  # chi-squared, 8 degrees of freedom, p = 0.001
    of_orders = np.array([orders.count(one) for one in itertools.permutations(range(3))])
    assert ((of_orders - 500) ** 2 / 500).sum() < 20.5  # 5 degrees of freedom, p = 0.001


def test_orders_of_two_readers_are_not_related():
    related = []
    for seed in range(300):
        blinding = Blinding(seed, HASHES, purpose="readers")
        first, second = (np.argsort(np.argsort(ids(blinding, reader))) for reader in ("reader-1", "reader-2"))
        related.append(np.corrcoef(first, second)[0, 1])
    assert abs(np.mean(related)) < 4 / np.sqrt(300 * (len(PLACES) - 1))


def test_shifts_stay_on_the_canvas_and_differ_between_two_looks():
    for seed in range(300):
        blinding = Blinding(seed, HASHES, purpose="readers")
        first, again = (blinding.shift_rc_px("reader-1", PLACES[0], occurrence) for occurrence in (1, 2))
        assert first != again
        assert max(map(abs, (*first, *again))) <= SHIFT_PX
