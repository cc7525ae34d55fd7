"""Copies are found, whatever was done to them; different pictures are not."""

import io

import cv2
import numpy as np
import pytest
from dataset_folders import drawn_picture, encoded
from PIL import Image

from oral_lesion.io.datasets.near_copies import fingerprint_of, near_copies, perceptual_hash

CHANGES = {
    "half the size": lambda picture: cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "twice the size": lambda picture: cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC),
    "JPEG 30": lambda picture: np.asarray(Image.open(io.BytesIO(encoded(picture, "JPEG", quality=30)))),
    "mirrored": lambda picture: picture[:, ::-1],
    "turned": lambda picture: np.rot90(picture),
    "turned and mirrored": lambda picture: np.rot90(picture, 3)[:, ::-1],
    "brighter": lambda picture: np.clip(1.1 * picture + 5, 0, 255).astype(np.uint8),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_among_others(change):
    pictures = [drawn_picture(seed, 128, 96) for seed in range(30)]
    pictures.append(np.ascontiguousarray(CHANGES[change](pictures[7])))
    found = list(near_copies([fingerprint_of(picture) for picture in pictures]))
    assert [(one, other) for one, other, _ in found] == [(7, 30)]
    assert found[0][2] >= 0.985


def test_different_pictures_are_no_copies():
    assert not list(near_copies([fingerprint_of(drawn_picture(seed)) for seed in range(300)]))


def test_blocks_meet_across_their_edges():
    prints = [fingerprint_of(drawn_picture(seed, 64, 64)) for seed in range(520)]
    prints[519] = prints[3]
    assert [(one, other) for one, other, _ in near_copies(prints)] == [(3, 519)]


def test_the_hash_of_a_copy_differs_in_few_bits_and_that_of_another_in_about_half():
    picture = drawn_picture(5, 256, 256)
    small = cv2.resize(picture, (97, 120), interpolation=cv2.INTER_AREA)
    other = drawn_picture(6, 256, 256)
    hashes = [perceptual_hash(fingerprint_of(each)) for each in (picture, small, other)]
    assert (hashes[0] ^ hashes[1]).bit_count() <= 4
    assert 16 <= (hashes[0] ^ hashes[2]).bit_count() <= 48
    assert hashes[0].bit_count() == 32  # as many above the median as below


def test_pictures_of_one_shade_are_copies_of_nothing():
    flat = fingerprint_of(np.full((64, 64, 3), 90, np.uint8))
    assert not flat.any()
    assert not list(near_copies([flat, flat]))
    assert not list(near_copies([]))
