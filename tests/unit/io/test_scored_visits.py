"""What scoring wrote is read back as it was."""

import dataclasses
import datetime as dt
import json

import numpy as np
import pytest

from oral_lesion.errors import FormatError, Reason, Refusal
from oral_lesion.io.pictures import write_pictures
from oral_lesion.io.provenance import run_manifest, scored_input
from oral_lesion.io.scored_visits import load_photo_score, read_scored_visit
from oral_lesion.io.store import write_run_json
from oral_lesion.io.tables import rows_of, write_tables
from oral_lesion.io.visits import VisitPhotos
from oral_lesion.measure import measure
from oral_lesion.records import Mirror, Visit


@pytest.fixture
def measured(scored):
    outcome = measure(scored.segmentation, scored.standardized.scale, smallest_lesion_mm2=1.0)
    identity = dataclasses.replace(
        scored.identity, mirror=Mirror.MIRROR, visit=Visit(name="week-04", date=dt.date(2026, 3, 1))
    )
    return dataclasses.replace(scored, outcome=outcome, identity=identity)


@pytest.fixture
def write(tmp_path, protocol, model, scored_photo):
    def write_visit(*scores):
        write_tables(tmp_path, [rows_of(score, protocol=protocol, model=model) for score in scores])
        for score in scores:
            write_pictures(tmp_path / "photos" / score.identity.photo_id, scored_photo, score)
        manifest = run_manifest(
            protocol=protocol, model=model, threshold=0.5, inputs=map(scored_input, scores), jobs=1, wall_s=0.0,
            cpu_s=0.0, found=VisitPhotos(folder=tmp_path, entries=()),
        )  # fmt: skip
        write_run_json(tmp_path / "run.json", manifest)
        return tmp_path

    return write_visit


def test_tables_and_pictures_come_back(write, measured, protocol, model):
    visit = read_scored_visit(write(measured))
    assert (visit.protocol_sha256, visit.model) == (protocol.sha256, model)
    (stored,) = visit.scores
    assert stored.complete
    assert stored.identity == measured.identity
    assert stored.photo.area_mm2 == pytest.approx(measured.outcome.area_mm2, abs=5e-4)
    assert stored.photo.u_scale_mm2 == pytest.approx(measured.outcome.u_scale_mm2, abs=5e-4)
    assert stored.photo.u_boundary_mm2 == pytest.approx(measured.outcome.u_boundary_mm2, abs=5e-4)
    score = load_photo_score(stored)
    np.testing.assert_array_equal(score.standardized.valid, measured.standardized.valid)
    np.testing.assert_allclose(score.standardized.linear_rgb, measured.standardized.linear_rgb, atol=0.01)
    np.testing.assert_allclose(score.segmentation.probability, measured.segmentation.probability, atol=1e-5)
    assert score.standardized.scale == measured.standardized.scale
    (lesion,), (original,) = score.outcome.lesions, measured.outcome.lesions
    assert lesion.centroid_rc_px == pytest.approx(original.centroid_rc_px)
    kept = score.segmentation.mask
    assert kept[60, 70]
    assert not kept[20, 140]  # below the smallest lesion: not measured, so not stored
    assert score.identity.mirror is Mirror.MIRROR


def test_a_card_that_was_mirrored_too_makes_the_picture_direct(write, measured):
    mirrored = dataclasses.replace(measured, card=dataclasses.replace(measured.card, mirrored=True))
    (stored,) = read_scored_visit(write(mirrored)).scores
    assert stored.identity.mirror is Mirror.MIRROR
    assert load_photo_score(stored).identity.mirror is Mirror.DIRECT


def test_a_refused_photo_has_its_reason_and_no_area(write, measured):
    refused = dataclasses.replace(measured, outcome=Refusal(reason=Reason.BLURRED))
    (stored,) = read_scored_visit(write(refused)).scores
    assert (stored.photo.refusal, stored.photo.area_mm2, stored.photo.lesions) == (Reason.BLURRED, None, ())
    assert stored.complete


@pytest.mark.parametrize("name", ["scores.csv", "lesions.csv", "quality.csv", "run.json"])
def test_a_table_that_is_missing_or_damaged(write, measured, name):
    folder = write(measured)
    (folder / name).write_text("{}", encoding="utf-8")
    with pytest.raises(FormatError, match="Score again"):
        read_scored_visit(folder)
    (folder / name).unlink()
    with pytest.raises(FormatError):
        read_scored_visit(folder)


@pytest.mark.parametrize("name", ["standardized.png", "valid.png", "lesions.png", "probability.png", "geometry.json"])
def test_a_picture_that_is_missing_or_damaged(write, measured, name):
    (stored,) = read_scored_visit(write(measured)).scores
    (stored.pictures / name).write_bytes(b"not a picture")
    with pytest.raises(FormatError, match="Score again"):
        load_photo_score(stored)
    (stored.pictures / name).unlink()
    assert not stored.complete
    with pytest.raises(FormatError):
        load_photo_score(stored)


def test_pictures_that_do_not_fit_together(write, measured):
    (stored,) = read_scored_visit(write(measured)).scores
    geometry = json.loads((stored.pictures / "geometry.json").read_text(encoding="utf-8"))
    del geometry["mm_per_px"]
    (stored.pictures / "geometry.json").write_text(json.dumps(geometry), encoding="utf-8")
    with pytest.raises(FormatError, match="mm_per_px"):
        load_photo_score(stored)
