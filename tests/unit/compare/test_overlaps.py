"""How lesions of two visits lie to each other."""

import numpy as np
import pytest

from oral_lesion.compare.overlaps import LesionOverlaps
from oral_lesion.records import VisitLesions


def visit_of(name, *boxes, in_view=None):
    labels = np.zeros((60, 80), np.int32)
    for label, (top, bottom, left, right) in enumerate(boxes, start=1):
        labels[top:bottom, left:right] = label
    view = np.ones(labels.shape, bool) if in_view is None else in_view
    areas = tuple((label, 1.0) for label in range(1, len(boxes) + 1))
    return VisitLesions(visit=name, labels=labels, in_view=view, areas_mm2=areas, mm_per_px=0.5)


@pytest.fixture
def overlaps():
    half = np.ones((60, 80), bool)
    half[:, 20:] = False
    return LesionOverlaps(
        [
            visit_of("a", (0, 20, 0, 20), (40, 50, 60, 70)),
            visit_of("b", (0, 20, 10, 30), (40, 44, 50, 56), in_view=half),
        ]
    )


def test_dice_share_and_view(overlaps):
    assert overlaps.alike((0, 1), (1, 1), 0.3) == 2 * 200 / 800
    assert overlaps.alike((0, 1), (1, 1), 0.6) == 0.0
    assert overlaps.covered((0, 1), (1, 1)) == 0.5
    assert overlaps.in_view((1, 1), 1) == 0.5
    assert overlaps.in_view((1, 1), 0) == 1.0


def test_gap_is_between_the_nearest_pixels(overlaps):
    # Columns 60 and 55: four pixels of 0.5 mm lie between.
    assert overlaps.gap_mm((0, 2), (1, 2)) == pytest.approx(2.0)
    assert overlaps.gap_mm((0, 1), (1, 1)) == 0.0


def test_a_lesion_beyond_the_frame_shares_nothing(overlaps):
    beyond = (1, 3)
    assert overlaps.alike((0, 1), beyond, 0.0) == 0.0
    assert overlaps.covered(beyond, (0, 1)) == 0.0
    assert overlaps.in_view(beyond, 0) == 0.0
    assert overlaps.gap_mm((0, 1), beyond) == float("inf")
    assert overlaps.gap_mm(beyond, (0, 1)) == float("inf")
