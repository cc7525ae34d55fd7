"""A reader's mask measured: untouched lesions keep their area, moved boundaries run half-way between pixels."""

import json
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from oral_lesion.errors import FormatError, InputError
from oral_lesion.io.review.corrected import measure_corrected, read_study_settings, smallest_lesion_mm2
from oral_lesion.io.review.photos import ReviewPhoto
from oral_lesion.io.scored_visits import StoredScore
from oral_lesion.measure import measure
from oral_lesion.records import LesionSize, ModelIdentity, PhotoIdentity, Scale, ScoredPhoto, Segmentation, Visit

SHAPE = (200, 260)
MM = 0.1
ROWS, COLUMNS = np.indices(SHAPE)
MODEL = ModelIdentity(name="m", version="1", sha256="")


def disc(row, column, radius):
    return (ROWS - row) ** 2 + (COLUMNS - column) ** 2 < radius**2


def soft_disc(row, column, radius):
    """A probability that falls from 1 to 0 over some pixels around the disc's rim, at 1/2 on it."""
    distance = np.hypot(ROWS - row, COLUMNS - column)
    return 1 / (1 + np.exp((distance - radius) / 1.5))


@pytest.fixture
def photo_of(tmp_path):
    """Write a scored photo with two lesions, measured as scoring measures."""

    def write(threshold=0.5):
        probability = np.maximum(soft_disc(60, 60, 30), soft_disc(120, 190, 22)).astype(np.float32)
        probability = np.rint(probability * 65535).astype(np.uint16)
        as_read = (probability / np.float32(65535)).astype(np.float32)
        valid = np.ones(SHAPE, dtype=bool)
        valid[:, 250:] = False
        scale = Scale(mm_per_px=MM, u_mm_per_px=0.003, source="card")
        segmentation = Segmentation(
            probability=as_read, mask=as_read >= threshold, valid=valid, threshold=threshold, model=MODEL
        )
        measured = measure(segmentation, scale, smallest_lesion_mm2=1.0)
        labels = np.zeros(SHAPE, dtype=np.uint16)
        _, components = cv2.connectedComponents(segmentation.mask.astype(np.uint8))
        for lesion in measured.lesions:
            row, column = (round(value) for value in lesion.centroid_rc_px)
            labels[components == components[row, column]] = lesion.label
        for name, picture in {
            "standardized": np.zeros((*SHAPE, 3), np.uint8),
            "valid": valid.astype(np.uint8) * 255,
            "probability": probability,
            "lesions": labels,
        }.items():
            cv2.imwrite(str(tmp_path / f"{name}.png"), picture)
        geometry = {
            "mm_per_px": MM, "u_mm_per_px": 0.003, "scale_source": "card", "card_mirrored": False,
            "photo_xy_from_standard_xy": np.eye(3).tolist(), "photo_shape": list(SHAPE),
        }  # fmt: skip
        (tmp_path / "geometry.json").write_text(json.dumps(geometry))
        identity = PhotoIdentity(photo_id="p", file="p.jpg", sha256="f" * 64, subject_id="S", visit=Visit(name="V"))
        scored = ScoredPhoto(
            photo_id="p", sha256="f" * 64, refusal=None, area_mm2=round(measured.area_mm2, 3),
            u_scale_mm2=round(measured.u_scale_mm2, 3), u_boundary_mm2=round(2 * measured.u_boundary_mm2, 3),
            lesions=tuple(
                LesionSize(label=one.label, area_mm2=one.area_mm2, perimeter_mm=one.perimeter_mm, at_edge=False)
                for one in measured.lesions
            ),
        )  # fmt: skip
        stored = StoredScore(identity=identity, photo=scored, pictures=tmp_path, threshold=threshold, model=MODEL)
        return ReviewPhoto(stored=stored, visit_place="S-001/week-00"), segmentation.mask, measured

    return write


@pytest.mark.parametrize("threshold", [0.35, 0.5, 0.7])
def test_a_mask_that_was_not_touched_is_the_automatic_measurement(photo_of, threshold):
    photo, mask, _ = photo_of(threshold)
    area = measure_corrected(photo, mask, smallest_mm2=1.0)
    assert area.corrected == area.automatic
    assert area.corrected.area_mm2 == photo.stored.photo.area_mm2


@pytest.mark.parametrize("threshold", [0.35, 0.5, 0.7])
def test_a_lesion_that_was_not_touched_keeps_its_area_beside_one_that_was(photo_of, threshold):
    photo, mask, measured = photo_of(threshold)
    drawn = (mask & (COLUMNS < 130)) | disc(120, 190, 35)
    area = measure_corrected(photo, drawn, smallest_mm2=1.0)
    areas = [lesion.area_mm2 for lesion in area.corrected.lesions]
    assert measured.lesions[0].area_mm2 in areas
    assert max(areas) == pytest.approx(math.pi * (35 * MM) ** 2, rel=0.006)


@pytest.mark.parametrize("threshold", [0.35, 0.5, 0.7])
def test_what_was_drawn_anew_has_the_area_of_its_pixels_whatever_the_threshold(photo_of, threshold):
    """The contour cuts an eighth of a pixel off each corner of a staircase, no more."""
    photo, _, _ = photo_of(threshold)
    drawn = disc(100, 125, 50)
    area = measure_corrected(photo, drawn, smallest_mm2=1.0).corrected.area_mm2
    assert area == pytest.approx(drawn.sum() * MM**2, rel=0.003)
    assert area == pytest.approx(math.pi * (50 * MM) ** 2, rel=0.006)


def test_the_scale_is_the_photos_and_the_boundary_no_surer_than_before(photo_of):
    photo, _, _ = photo_of()
    area = measure_corrected(photo, disc(100, 125, 50), smallest_mm2=1.0)
    assert area.corrected.u_scale_mm2 == pytest.approx(2 * 0.03 * area.corrected.area_mm2)
    before = area.automatic.u_boundary_mm2 / area.automatic.area_mm2
    assert area.corrected.u_boundary_mm2 == pytest.approx(before * area.corrected.area_mm2)


def test_what_lies_beyond_the_tissue_or_is_too_small_does_not_count(photo_of):
    photo, _, _ = photo_of()
    drawn = np.zeros(SHAPE, dtype=bool)
    drawn[100:120, 240:260] = drawn[5:8, 5:8] = True
    area = measure_corrected(photo, drawn, smallest_mm2=1.0)
    assert area.corrected.area_mm2 == pytest.approx(2.0, rel=0.02)
    assert area.erosion.sum() == 200 + 9
    assert len(area.corrected.lesions) == 1


def test_nothing_drawn_is_zero_without_an_uncertainty(photo_of):
    photo, _, _ = photo_of()
    area = measure_corrected(photo, np.zeros(SHAPE, dtype=bool), smallest_mm2=1.0)
    assert (area.corrected.area_mm2, area.corrected.u_area_mm2, area.corrected.lesions) == (0.0, None, ())


def test_a_mask_of_another_size_is_refused(photo_of):
    photo, _, _ = photo_of()
    with pytest.raises(InputError, match="expected a mask of"):
        measure_corrected(photo, np.zeros((3, 3), dtype=bool), smallest_mm2=1.0)


def test_a_picture_that_is_missing_is_said(photo_of, tmp_path):
    photo, mask, _ = photo_of()
    lost = replace(photo, stored=replace(photo.stored, pictures=tmp_path / "elsewhere"))
    with pytest.raises(FormatError, match="Score again"):
        measure_corrected(lost, mask, smallest_mm2=1.0)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"protocol": 3}', "[" * 100_000])
def test_a_run_that_did_not_finish_is_refused(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(FormatError, match=r"run\.json"):
        read_study_settings(tmp_path)


@pytest.mark.parametrize("settings", [{}, {"segmentation": {"smallest_lesion_mm2": -1}}, {"segmentation": 3}])
def test_the_smallest_lesion_is_the_protocols(settings):
    assert smallest_lesion_mm2({"segmentation": {"smallest_lesion_mm2": 1.5}}) == 1.5
    with pytest.raises(FormatError):
        smallest_lesion_mm2(settings)
