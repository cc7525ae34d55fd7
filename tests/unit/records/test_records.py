"""Records with arrays: checked, read-only, and still read-only after pickle and deepcopy."""

import copy
import pickle

import numpy as np
import pytest

from oral_lesion.errors import InputError, Reason, Refusal, Refused
from oral_lesion.records import ModelIdentity, Photo, PhotoIdentity, Scale, Segmentation, Visit

IDENTITY = PhotoIdentity(photo_id="a-00000000", file="a.jpg", sha256="0" * 64, subject_id="S", visit=Visit(name="V"))


def a_segmentation():
    probability = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    return Segmentation(
        probability=probability,
        mask=probability >= 0.5,
        valid=np.ones((3, 4), bool),
        threshold=0.5,
        model=ModelIdentity(name="m", version="1", sha256="0" * 64),
    )


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda record: pickle.loads(pickle.dumps(record))])  # noqa: S301
def test_arrays_stay_read_only(copied):
    record = copied(a_segmentation())
    np.testing.assert_array_equal(record.probability, a_segmentation().probability)
    for array in (record.probability, record.mask, record.valid):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 0


def test_the_callers_array_stays_writeable():
    srgb = np.zeros((4, 5, 3), np.uint8)
    photo = Photo(identity=IDENTITY, srgb=srgb)
    srgb[0, 0] = 7
    with pytest.raises(ValueError, match="read-only"):
        photo.srgb[0, 0] = 1


@pytest.mark.parametrize(
    ("srgb", "words"),
    [
        (np.zeros((4, 5), np.uint8), "shape"),
        (np.zeros((4, 5, 4), np.uint8), "shape"),
        (np.zeros((4, 5, 3), np.float32), "uint8"),
        ([[1, 2, 3]], "list"),
    ],
)
def test_wrong_arrays_are_input_errors(srgb, words):
    with pytest.raises(InputError, match=words):
        Photo(identity=IDENTITY, srgb=srgb)


def test_arrays_of_one_record_must_fit_each_other():
    with pytest.raises(InputError, match="mask"):
        Segmentation(
            probability=np.zeros((3, 4), np.float32),
            mask=np.zeros((4, 3), bool),
            valid=np.ones((3, 4), bool),
            threshold=0.5,
            model=ModelIdentity(name="m", version="1", sha256="0" * 64),
        )


def test_relative_uncertainty_of_a_scale():
    assert Scale(mm_per_px=0.05, u_mm_per_px=0.001, source="x").relative_u == pytest.approx(0.02)


def test_a_refusal_survives_the_way_between_processes():
    refused = Refused(Refusal(reason=Reason.BLURRED, observed=0.7, limit=0.5, unit="mm"))
    assert pickle.loads(pickle.dumps(refused)).refusal == refused.refusal  # noqa: S301
