"""The quality of a JPEG, back from its quantisation table."""

import io

import numpy as np
import pytest
from PIL import Image

from oral_lesion.io.jpeg_quality import jpeg_quality_of
from oral_lesion.io.photo_formats import decode

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (72, 80, 3), dtype=np.uint8))


def saved(kind, **options):
    target = io.BytesIO()
    PICTURE.save(target, kind, **options)
    return target.getvalue()


def test_every_quality_that_libjpeg_writes():
    found = {}
    for quality in range(1, 101):
        found[quality] = jpeg_quality_of(Image.open(io.BytesIO(saved("JPEG", quality=quality))).quantization)
    assert decode(saved("JPEG", quality=77)).jpeg_quality == 77
    assert all(abs(value - quality) <= (1 if quality > 2 else 2) for quality, value in found.items()), found
    assert sum(value == quality for quality, value in found.items()) >= 95


def test_a_table_of_another_shape_is_taken_by_its_sum():
    flat = [10] * 64
    assert jpeg_quality_of({0: flat}) == pytest.approx(91, abs=2)


@pytest.mark.parametrize("tables", [None, {}, {1: [1] * 64}, {0: [1] * 63}])
def test_no_luminance_table(tables):
    assert jpeg_quality_of(tables) is None


def test_other_formats_have_none():
    assert decode(saved("PNG")).jpeg_quality is None
    assert decode(saved("WEBP")).jpeg_quality is None
