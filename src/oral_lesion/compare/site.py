"""All visits of a site in one frame: each photo aligned to the reference, each visit's lesions laid over it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.compare.mapping import compose, identity_registration, map_to_baseline, warp_to_baseline
from oral_lesion.compare.register import register
from oral_lesion.compare.settings import LinkSettings, RegistrationSettings
from oral_lesion.errors import InputError
from oral_lesion.records import (
    CardReading,
    Measurement,
    Mirror,
    PhotoIdentity,
    Registration,
    Segmentation,
    StandardizedPhoto,
    VisitLesions,
)

_CENTROID_PX = 0.51

__all__ = ["label_lesions", "lay_over_reference", "may_be_mirrored", "not_assessed", "register_visits"]


def not_assessed(visit: str) -> VisitLesions:
    """
    Return a visit that says nothing of the site's lesions.

    Parameters
    ----------
    visit : str
        Name of a visit without a photo, with a refused one, or with one that is not registered.

    Returns
    -------
    VisitLesions
    """
    return VisitLesions(visit=visit, labels=None, in_view=None, areas_mm2=(), mm_per_px=0.0)


def may_be_mirrored(identity: PhotoIdentity, card: CardReading | None) -> bool:
    """
    Tell whether a standardized photo may show its tissue mirrored.

    A card that appears mirrored was seen in the mirror as the tissue was, and standardization has turned both back.
    Beside a card that is not, a mirror picture may or may not have been turned back by whoever stored it.

    Parameters
    ----------
    identity : PhotoIdentity
        With what was declared.
    card : CardReading or None
        As read, where it is at hand.

    Returns
    -------
    bool
        False where neither is possible: declared as direct, or the card was mirrored too.
    """
    if card is not None and card.mirrored:
        return False
    return identity.mirror is not Mirror.DIRECT


def register_visits(
    photos: Sequence[StandardizedPhoto | None],
    *,
    settings: RegistrationSettings,
    mirrored: Sequence[bool | None] | None = None,
) -> tuple[Registration | None, ...]:
    """
    Align all photos of a site to the first one, by way of another where that alone succeeds.

    Parameters
    ----------
    photos : sequence of StandardizedPhoto or None
        One a visit, in the visits' order; None where there is none or it was refused. The first photo is the reference.
    settings : RegistrationSettings
        Resolution and limits.
    mirrored : sequence of bool or None, or None
        Whether each photo is mirrored in comparison with the reference; None where that is not declared.

    Returns
    -------
    tuple of Registration or None
        One a visit; None where there is no photo. A chained registration takes the fewest steps, over the earliest
        visits.
    """
    present = {index: photo for index, photo in enumerate(photos) if photo is not None}
    found: dict[int, Registration] = {}
    for index, photo in present.items():
        if not found:
            reference, found[index] = photo, identity_registration()
        else:
            declared = None if mirrored is None else mirrored[index]
            found[index] = register(reference, photo, settings=settings, mirrored=declared)
    _chain(present, found, settings)
    return tuple(found.get(index) for index in range(len(photos)))


def lay_over_reference(
    visit: str,
    segmentation: Segmentation,
    measurement: Measurement,
    registration: Registration,
    reference: StandardizedPhoto,
    settings: LinkSettings,
) -> VisitLesions:
    """
    Lay a visit's measured lesions over the reference photo's frame.

    Parameters
    ----------
    visit : str
        Name of the visit.
    segmentation : Segmentation
        Of the visit's photo.
    measurement : Measurement
        Of the same; lesions that it left out are left out.
    registration : Registration
        From the visit's photo to the reference; `identity_registration` for the reference itself.
    reference : StandardizedPhoto
        Its frame, with a margin, is that of all visits.
    settings : LinkSettings
        Resolution and margin.

    Returns
    -------
    VisitLesions
        Not assessed where the visit is not registered.
    """
    areas = tuple((lesion.label, lesion.area_mm2) for lesion in measurement.lesions)
    if not registration.registered:
        return not_assessed(visit)
    mm_per_px = reference.scale.mm_per_px
    step_px = max(1, round(settings.working_mm_per_px / mm_per_px))
    margin_px = step_px * round(settings.margin_mm / mm_per_px / step_px)
    shape = reference.valid.shape
    own = label_lesions(segmentation, measurement)
    labels = warp_to_baseline(own, registration, shape, step_px=step_px, margin_px=margin_px)
    in_view = warp_to_baseline(segmentation.valid, registration, shape, step_px=step_px, margin_px=margin_px)
    _keep_the_smallest(labels, measurement, registration, step_px, margin_px)
    return VisitLesions(
        visit=visit, labels=labels, in_view=in_view | (labels > 0), areas_mm2=areas, mm_per_px=step_px * mm_per_px
    )


def label_lesions(segmentation: Segmentation, measurement: Measurement) -> NDArray[np.int32]:
    """
    Return a picture of the labels of the measured lesions.

    Parameters
    ----------
    segmentation : Segmentation
        That was measured.
    measurement : Measurement
        Its lesions are found by their centroids.

    Returns
    -------
    ndarray of int32, shape (height, width)
        0 outside of lesions.

    Raises
    ------
    InputError
        Where a lesion is not in the mask: the two do not belong together.
    """
    count, components, _, centroids = cv2.connectedComponentsWithStats(
        segmentation.mask.astype(np.uint8), connectivity=8, ltype=cv2.CV_32S
    )
    label_of = np.zeros(count, dtype=np.int32)
    for lesion in measurement.lesions:
        away = np.hypot(*(centroids[1:, ::-1] - np.array(lesion.centroid_rc_px)).T)
        if not len(away) or away.min() > _CENTROID_PX:
            raise InputError(
                f"measurement: expected the lesions of this segmentation, but its mask has none at "
                f"{lesion.centroid_rc_px}; give the measurement of the same photo."
            )
        label_of[1 + int(away.argmin())] = lesion.label
    return np.asarray(label_of[components])


def _keep_the_smallest(
    labels: NDArray[np.int32], measurement: Measurement, registration: Registration, step_px: int, margin_px: int
) -> None:
    """Give a lesion that fell between the pixels of the shared frame the pixel at its centroid."""
    height, width = labels.shape
    there = set(np.unique(labels).tolist())
    for lesion in measurement.lesions:
        row, column = lesion.centroid_rc_px
        x, y = np.rint((map_to_baseline(registration, [(column, row)])[0] + margin_px) / step_px).astype(int)
        if lesion.label not in there and 0 <= y < height and 0 <= x < width and labels[y, x] == 0:
            labels[y, x] = lesion.label


def _chain(
    present: dict[int, StandardizedPhoto], found: dict[int, Registration], settings: RegistrationSettings
) -> None:
    """Try photos that do not meet the reference against those that do, then against those found so."""
    tried: set[tuple[int, int]] = set()
    shape = next(iter(present.values())).valid.shape if present else (0, 0)
    news = True
    while news:
        news = False
        bridges = [index for index in list(present)[1:] if found[index].registered]
        for index, bridge in itertools.product([i for i in present if not found[i].registered], bridges):
            if found[index].registered or (index, bridge) in tried:
                continue
            tried.add((index, bridge))
            inner = register(present[bridge], present[index], settings=settings)
            if inner.registered:
                found[index], news = compose(found[bridge], inner, shape), True
