"""Photographs of mouths: known copies are found, and tongues before one device's frame are no copies."""

import csv
from pathlib import Path

import cv2
import pytest

from oral_lesion.io.datasets.near_copies import fingerprint_of, near_copies

ORAL = Path(__file__).parents[4] / ".." / "shared" / "data" / "oral"


def copies_of_source(source):
    with (ORAL / "photos.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["source"] == source]
    prints = [fingerprint_of(cv2.imread(str(ORAL / row["file"]), cv2.IMREAD_COLOR_RGB)) for row in rows]
    return [(rows[one], rows[other]) for one, other, _ in near_copies(prints)]


@pytest.mark.realdata
@pytest.mark.skipif(not ORAL.is_dir(), reason="../shared/data/oral is not here")
def test_copies_of_the_source_with_copies_are_all_of_known_groups():
    pairs = copies_of_source("Q")
    assert len(pairs) >= 20
    assert all(one["group"] == other["group"] for one, other in pairs)


@pytest.mark.realdata
@pytest.mark.skipif(not ORAL.is_dir(), reason="../shared/data/oral is not here")
def test_tongues_before_one_frame_are_no_copies():
    assert copies_of_source("T") == []
