"""Splits by group: pictures of one scene or patient never stand on both sides."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

from oral_lesion.errors import InputError
from oral_lesion.io.datasets.pictures import LabelledPicture

__all__ = ["TRAINING", "VALIDATION", "assign_splits_by_group", "folds_by_group"]

TRAINING, VALIDATION = "train", "val"


def assign_splits_by_group(groups: Sequence[str], *, validation_fraction: float, seed: int) -> dict[str, str]:
    """
    Draw which groups validate.

    Groups are taken in the order of a hash of seed and name, each where it brings the number of validation pictures
    nearer to the fraction asked for. The order of the pictures does not matter.

    Parameters
    ----------
    groups : sequence of str
        The group of each picture: a group of several pictures is there as often.
    validation_fraction : float
        Of the pictures, in [0, 1).
    seed : int
        Another one draws other groups.

    Returns
    -------
    dict of str to str
        ``"train"`` or ``"val"`` by group, sorted by group. Above a fraction of 0 and from two groups on, both hold one.

    Raises
    ------
    InputError
        Where the fraction is out of range.
    """
    if not 0.0 <= validation_fraction < 1.0:
        raise InputError(f"validation_fraction: expected at least 0 and below 1, got {validation_fraction}")
    sizes = Counter(groups)
    ordered = sorted(sizes, key=lambda group: _rank(group, seed))
    target = validation_fraction * len(groups)
    chosen: set[str] = set()
    count = 0
    for group in ordered[: len(ordered) - 1]:
        if abs(count + sizes[group] - target) < abs(count - target):
            chosen.add(group)
            count += sizes[group]
    if not chosen and validation_fraction > 0 and len(ordered) > 1:
        chosen.add(min(ordered, key=lambda group: sizes[group]))
    return {group: VALIDATION if group in chosen else TRAINING for group in sorted(sizes)}


def folds_by_group(
    pictures: Sequence[LabelledPicture], *, folds: int, seed: int
) -> tuple[tuple[LabelledPicture, ...], ...]:
    """
    Divide pictures into folds for cross-validation: each group whole, with about as many lesion pictures in each fold.

    Groups go, those with most lesion pictures first, to the fold that holds the fewest of them, and of equal ones to
    that with the fewest pictures; a hash of seed and name orders equal groups.

    Parameters
    ----------
    pictures : sequence of LabelledPicture
        In any order. A picture with a mask counts as a lesion picture; masks are not read.
    folds : int
        Two or more.
    seed : int
        Another one gives other folds.

    Returns
    -------
    tuple of tuple of LabelledPicture
        Each fold's pictures, sorted by picture_id; every picture is in one of them.

    Raises
    ------
    InputError
        Where there are fewer groups than folds.
    """
    members: dict[str, list[LabelledPicture]] = defaultdict(list)
    for picture in pictures:
        members[picture.group].append(picture)
    if folds < 2 or len(members) < folds:
        raise InputError(f"folds: expected 2 to {len(members)}, the number of groups, got {folds}")
    lesions = {group: sum(picture.mask is not None for picture in own) for group, own in members.items()}
    ordered = sorted(members, key=lambda group: (-lesions[group], -len(members[group]), _rank(group, seed)))
    divided: list[list[LabelledPicture]] = [[] for _ in range(folds)]
    counts = [0] * folds
    for group in ordered:
        if lesions[group]:
            fold = min(range(folds), key=lambda number: (counts[number], len(divided[number]), number))
        else:
            fold = min(range(folds), key=lambda number: (len(divided[number]), number))
        divided[fold].extend(members[group])
        counts[fold] += lesions[group]
    return tuple(tuple(sorted(own, key=lambda picture: picture.picture_id)) for own in divided)


def _rank(group: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{group}".encode("utf-8", "surrogatepass")).digest()
