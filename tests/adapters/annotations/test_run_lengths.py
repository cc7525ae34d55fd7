"""Run lengths as pycocotools writes them; hostile ones are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oral_lesion.adapters.annotations.run_lengths import compress_counts, counts_of, decode_counts, expand_counts
from oral_lesion.errors import FormatError


def square():
    mask = np.zeros((5, 7), bool)
    mask[1:4, 2:5] = True
    return mask


def disc():
    rows, columns = np.mgrid[:40, :60]
    return (rows - 18) ** 2 + (columns - 33) ** 2 <= 13**2


# texts: pycocotools 2.0.11, mask.encode(numpy.asfortranarray(mask)) of these masks
PYCOCOTOOLS = [
    (square(), ";320009"),
    (disc(), "bi01R1:J2M4M2N2O0O2N2O0000000O20N100000001N2N101N2N3L3N6Fk?"),
    (np.ones((3, 2), bool), "06"),
    (np.zeros((3, 2), bool), "6"),
]


@pytest.mark.parametrize(("mask", "text"), PYCOCOTOOLS)
def test_texts_are_those_of_pycocotools(mask, text):
    assert compress_counts(counts_of(mask, by_column=True)) == text
    assert np.array_equal(decode_counts(expand_counts(text), mask.shape, by_column=True), mask)


def test_coco_goes_by_column_and_cvat_by_row():
    mask = np.array([[0, 1, 1], [0, 0, 0]], bool)
    assert counts_of(mask, by_column=True) == [2, 1, 1, 1, 1]
    assert counts_of(mask, by_column=False) == [1, 2, 3]
    assert counts_of(~mask, by_column=False) == [0, 1, 2, 3]


@given(arrays(bool, st.tuples(st.integers(1, 20), st.integers(1, 20))), st.booleans())
def test_reading_undoes_writing(mask, by_column):
    counts = counts_of(mask, by_column=by_column)
    assert np.array_equal(decode_counts(counts, mask.shape, by_column=by_column), mask)
    assert expand_counts(compress_counts(counts)) == counts


@pytest.mark.parametrize(
    "counts", [[5], [7], [10**30], [-1, 7], [3.0, 3], [True, 5], "6", None, [2, "4"], [[6]], [6, 10**8]]
)
def test_counts_that_do_not_fit_are_refused(counts):
    with pytest.raises(FormatError, match="expected counts of 0 or more that add up to 6"):
        decode_counts(counts, (2, 3), by_column=True)


@pytest.mark.parametrize("shape", [(0, 5), (-1, -5), (100_001, 100_001)])
def test_sizes_out_of_range_are_refused_before_anything_is_made(shape):
    with pytest.raises(FormatError, match="expected a size"):
        decode_counts([shape[0] * shape[1]], shape, by_column=True)


@pytest.mark.parametrize("text", ["P", "o" * 50, "/", "é", "0p", "  "])
def test_texts_out_of_range_are_refused(text):
    with pytest.raises(FormatError, match="compressed RLE"):
        expand_counts(text)
