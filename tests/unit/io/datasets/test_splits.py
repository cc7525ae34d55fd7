"""Splits and folds: groups whole, repeatable, balanced."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oral_lesion.errors import InputError
from oral_lesion.io.datasets import LabelledPicture, assign_splits_by_group, folds_by_group


def pictures_of(groups_and_lesions):
    return [
        LabelledPicture(
            picture_id=f"{number:03d}",
            image=Path(f"{number}.png"),
            mask=Path(f"{number}-mask.png") if lesion else None,
            group=group,
        )
        for number, (group, lesion) in enumerate(groups_and_lesions)
    ]


def test_a_fifth_of_equal_groups_validates():
    groups = [f"P{number}" for number in range(50) for _ in range(2)]
    splits = assign_splits_by_group(groups, validation_fraction=0.2, seed=3)
    assert sum(splits[group] == "val" for group in groups) == 20
    assert list(splits) == sorted(set(groups))


@given(
    groups=st.lists(st.sampled_from("abcdefghij"), min_size=2, max_size=60),
    fraction=st.floats(0.01, 0.9),
    seed=st.integers(0, 2**31),
)
def test_both_sides_hold_a_group_and_the_order_of_pictures_does_not_matter(groups, fraction, seed):
    splits = assign_splits_by_group(groups, validation_fraction=fraction, seed=seed)
    assert splits == assign_splits_by_group(groups[::-1], validation_fraction=fraction, seed=seed)
    assert set(splits) == set(groups)
    if len(set(groups)) > 1:
        assert set(splits.values()) == {"train", "val"}


def test_seeds_draw_other_groups_and_nothing_validates_at_zero():
    groups = [f"P{number}" for number in range(40)]
    drawn = [assign_splits_by_group(groups, validation_fraction=0.25, seed=seed) for seed in (0, 1)]
    assert drawn[0] != drawn[1]
    assert set(assign_splits_by_group(groups, validation_fraction=0, seed=0).values()) == {"train"}


@pytest.mark.parametrize("fraction", [-0.1, 1.0, float("nan")])
def test_a_fraction_out_of_range_is_refused(fraction):
    with pytest.raises(InputError, match="validation_fraction"):
        assign_splits_by_group(["a", "b"], validation_fraction=fraction, seed=0)


def test_folds_hold_whole_groups_and_as_many_lesion_pictures_each():
    members = [(f"P{number % 17}", number % 3 != 0) for number in range(120)]
    folds = folds_by_group(pictures_of(members), folds=5, seed=0)
    assert sorted(picture.picture_id for fold in folds for picture in fold) == [f"{n:03d}" for n in range(120)]
    homes = Counter(group for fold in folds for group in {picture.group for picture in fold})
    assert set(homes.values()) == {1}
    lesions = [sum(picture.mask is not None for picture in fold) for fold in folds]
    assert max(lesions) - min(lesions) <= 5  # the largest group holds five


def test_pictures_without_lesion_fill_the_small_folds():
    members = [(f"L{number}", True) for number in range(10)] + [(f"N{number}", False) for number in range(30)]
    folds = folds_by_group(pictures_of(members), folds=5, seed=1)
    assert [len(fold) for fold in folds] == [8] * 5
    assert [sum(picture.mask is not None for picture in fold) for fold in folds] == [2] * 5


def test_folds_depend_on_the_seed_alone():
    pictures = pictures_of([(f"P{number}", True) for number in range(30)])
    assert folds_by_group(pictures, folds=3, seed=0) == folds_by_group(pictures[::-1], folds=3, seed=0)
    assert folds_by_group(pictures, folds=3, seed=0) != folds_by_group(pictures, folds=3, seed=1)


@pytest.mark.parametrize("folds", [1, 4])
def test_more_folds_than_groups_are_refused(folds):
    with pytest.raises(InputError, match="expected 2 to 3, the number of groups"):
        folds_by_group(pictures_of([("a", True), ("b", True), ("c", False)]), folds=folds, seed=0)
