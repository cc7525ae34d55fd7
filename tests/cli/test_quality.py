"""Each reason of quality has a photo that triggers it; quality.csv and colour.csv tell the figures of all photos."""

import csv
import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from spoilt_photos import card_region, outside, with_streak

from oral_lesion.io.quality_tables import COLOR_COLUMNS, QUALITY_COLUMNS
from oral_lesion.io.settings import load_protocol
from oral_lesion.numerics.color import linear_from_srgb, srgb_uint8_from_linear
from oral_lesion.phantom import SceneSettings, render_scene
from oral_lesion.phantom.tree import encode_jpeg

CONFIG = Path(__file__).parents[2] / "configs" / "protocol.toml"
SPOILT = {
    "moved": ("motion-blur", "mm", 1.0),
    "tissue-soft": ("tissue-blurred", "mm", 0.7),
    "tissue-bright": ("tissue-clipped", "percent of the tissue", 15.0),
    "tissue-wet": ("tissue-glare", "percent of the tissue", 15.0),
    "far": ("card-small", "percent of the width", 20.0),
    "near": ("too-near", "mm", 80.0),
    "messenger": ("jpeg-poor", "quality", 25.0),
}


def jpeg_with(scene, srgb, quality):
    """Return the scene's own JPEG (its EXIF tells the focal length), with other pixels or another quality."""
    original = Image.open(io.BytesIO(encode_jpeg(scene)))
    target = io.BytesIO()
    Image.fromarray(srgb).save(target, "JPEG", quality=quality, subsampling=0, exif=original.getexif())
    return target.getvalue()


def wet(srgb):
    spots = srgb.copy()
    rng = np.random.default_rng(3)
    for y, x in rng.uniform((0, 0), srgb.shape[:2], (1600, 2)):
        cv2.circle(spots, (int(x), int(y)), 11, (250, 250, 250), -1)
    return spots


@pytest.fixture(scope="module")
def spoilt():
    card = load_protocol(None).card
    usual = SceneSettings(seed=2, tilt_deg=4.0, card_share=0.35)
    scene = render_scene(usual, card)
    region, mm_per_px = card_region(scene, card), scene.truth.mm_per_px
    bright = srgb_uint8_from_linear(np.clip(2.4 * linear_from_srgb(scene.srgb), 0, 1))
    far = render_scene(SceneSettings(seed=2, tilt_deg=4.0, card_share=0.18), card)
    near = render_scene(SceneSettings(seed=2, tilt_deg=0.0, card_share=0.35, focal_length_35mm_mm=20), card)
    soft = cv2.GaussianBlur(scene.srgb, (0, 0), 2.0 / mm_per_px)
    return {
        "good": jpeg_with(scene, scene.srgb, 92),
        "moved": jpeg_with(scene, with_streak(scene.srgb, 1.5 / mm_per_px, 40), 92),
        "tissue-soft": jpeg_with(scene, outside(region, scene.srgb, soft), 92),
        "tissue-bright": jpeg_with(scene, outside(region, scene.srgb, bright), 92),
        "tissue-wet": jpeg_with(scene, outside(region, scene.srgb, wet(scene.srgb)), 92),
        "far": jpeg_with(far, far.srgb, 92),
        "near": jpeg_with(near, near.srgb, 92),
        "messenger": jpeg_with(scene, scene.srgb, 22),
        "blurred": jpeg_with(scene, cv2.GaussianBlur(scene.srgb, (0, 0), 0.6 / mm_per_px), 92),
    }


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """The default protocol with a card that must be larger, and lies as near to the lesion's plane as a bite block."""
    text = CONFIG.read_text(encoding="utf-8")
    text = text.replace("min_card_share_percent = 8.0", "min_card_share_percent = 20.0")
    text = text.replace("card_plane_offset_mm = 5.0", "card_plane_offset_mm = 1.0")
    path = tmp_path_factory.mktemp("protocol") / "strict.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def results(spoilt, strict, tmp_path_factory):
    from oral_lesion.io.batch import BundleSegmenters, score_visit
    from oral_lesion.io.resources import default_bundle_path

    visit = tmp_path_factory.mktemp("study") / "S-001" / "week-00"
    visit.mkdir(parents=True)
    for name, content in spoilt.items():
        (visit / f"{name}.jpg").write_bytes(content)
    (visit / "empty.jpg").write_bytes(b"")
    out = tmp_path_factory.mktemp("scores") / "out"
    score_visit(
        visit, out, protocol=load_protocol(strict), segmenters=BundleSegmenters.of(default_bundle_path()), jobs=1
    )
    return out


def rows_of(path, key="file"):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def scores(results):
    return {Path(row["file"]).stem: row for row in rows_of(results / "scores.csv")}


@pytest.fixture
def quality(results, scores):
    by_id = {row["photo_id"]: row for row in rows_of(results / "quality.csv")}
    return {name: by_id[row["photo_id"]] for name, row in scores.items()}


@pytest.mark.parametrize("name", SPOILT)
def test_each_reason_has_its_photo(scores, name):
    reason, unit, limit = SPOILT[name]
    row = scores[name]
    assert (row["status"], row["reason"], row["unit"]) == ("refused", reason, unit), row
    assert float(row["limit"]) == limit
    beyond = float(row["observed"]) - limit
    assert beyond < 0 if reason in {"card-small", "too-near", "jpeg-poor"} else beyond > 0


def test_the_good_photo_is_scored_and_keeps_its_limits(scores, quality):
    assert scores["good"]["status"] == "scored"
    row = quality["good"]
    assert float(row["nearest_limit_used_percent"]) < 100
    assert all(row[column] for column in QUALITY_COLUMNS if column != "reason")
    assert row["jpeg_quality"] == "92"
    assert float(row["tissue_blur_mm"]) < 0.35
    assert float(row["tilt_deg"]) == pytest.approx(4.0, abs=0.5)


def test_quality_tells_every_photo_and_leaves_out_what_is_not_known(scores, quality):
    assert set(quality) == set(scores)
    unread = {column for column, cell in quality["empty"].items() if cell}
    assert unread == {"photo_id", "status", "reason"}
    assert quality["blurred"]["reason"] == "blurred"
    assert quality["blurred"]["jpeg_quality"] == "92"
    assert float(quality["moved"]["motion_blur_mm"]) == pytest.approx(1.5, rel=0.2)
    assert float(quality["moved"]["motion_direction_deg"]) == pytest.approx(40, abs=6)
    assert float(quality["near"]["working_distance_mm"]) == float(f"{float(scores['near']['observed']):.1f}")


def test_the_columns_are_pinned():
    assert ",".join(QUALITY_COLUMNS) == (
        "photo_id,status,reason,nearest_limit,nearest_limit_used_percent,card_blur_mm,card_blur_pitch_percent,"
        "motion_blur_mm,motion_direction_deg,blur_anisotropy_ratio,tissue_blur_mm,tissue_clipped_red_percent,"
        "tissue_clipped_green_percent,tissue_clipped_blue_percent,tissue_glare_percent,card_share_percent,tilt_deg,"
        "tilt_azimuth_deg,px_per_mm,working_distance_mm,u_scale_percent,jpeg_quality,accepted_patches,"
        "held_out_delta_e00_mean,held_out_delta_e00_median,held_out_delta_e00_max"
    )
    assert ",".join(COLOR_COLUMNS) == (
        "photo_id,patch,held_out_delta_e00,accepted,clipped_percent,linear_red,linear_green,linear_blue"
    )


def test_colours_by_patch(results, scores, quality):
    rows = [row for row in rows_of(results / "colour.csv") if row["photo_id"] == scores["good"]["photo_id"]]
    assert [row["patch"] for row in rows] == [patch.name for patch in load_protocol(None).card.patches]
    accepted = [row for row in rows if row["accepted"] == "1"]
    assert len(accepted) == int(quality["good"]["accepted_patches"])
    differences = [float(row["held_out_delta_e00"]) for row in accepted]
    assert np.mean(differences) == pytest.approx(float(quality["good"]["held_out_delta_e00_mean"]), abs=0.002)
    assert np.median(differences) == pytest.approx(float(scores["good"]["delta_e00_median"]), abs=0.002)
    assert max(differences) == pytest.approx(float(scores["good"]["delta_e00_max"]), abs=0.002)
    assert all(0 < float(row["linear_green"]) < 1 for row in accepted)
    assert not any(row["photo_id"] == scores["empty"]["photo_id"] for row in rows_of(results / "colour.csv"))


def test_check_says_which_limit_is_near_and_in_json_everything(command, spoilt, tmp_path):
    (tmp_path / "moved.jpg").write_bytes(spoilt["moved"])
    (tmp_path / "good.jpg").write_bytes(spoilt["good"])
    said = command("check", tmp_path / "moved.jpg", tmp_path / "good.jpg", "--json")
    assert said.code == 3
    moved, good = (json.loads(line) for line in said.out.splitlines())
    assert (moved["usable"], moved["reason"], moved["unit"]) == (False, "motion-blur", "mm")
    assert moved["retake"].startswith("Rest your hand")
    assert good["usable"] is True
    assert good["retake"] is None
    assert set(good["quality"]) == set(QUALITY_COLUMNS) - {
        "photo_id", "status", "reason", "nearest_limit", "nearest_limit_used_percent",
    }  # fmt: skip
    line = command("check", tmp_path / "good.jpg").out
    near = good["nearest_limit"]
    assert ("Nearest to its limit" in line) == (near["used_percent"] > 75)


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Nearest to its limit: jpeg-poor, 30 quality, limit 25 quality."),
                            ("de", "Am nächsten an der Grenze: jpeg-poor"), ("zh", "最接近限值：jpeg-poor")]
)  # fmt: skip
def test_the_nearest_limit_in_words(language, words):
    from oral_lesion.errors import Reason
    from oral_lesion.io.check_photos import verdict_line
    from oral_lesion.io.texts import Language
    from oral_lesion.records import LimitCheck, PhotoCheck, PhotoIdentity, PhotoQuality, Visit

    identity = PhotoIdentity(photo_id="p", file="p.jpg", sha256="0" * 64, subject_id="S", visit=Visit(name="V"))
    near = LimitCheck(reason=Reason.JPEG_POOR, observed=30.0, limit=25.0, unit="quality", at_least=True)
    far = LimitCheck(reason=Reason.BLURRED, observed=0.1, limit=0.5, unit="mm")
    checked = PhotoCheck(identity=identity, refusal=None, quality=PhotoQuality(checks=(near, far)))
    assert words in verdict_line(Path("p.jpg"), checked, Language(language))
    relaxed = PhotoCheck(identity=identity, refusal=None, quality=PhotoQuality(checks=(far,)))
    assert "limit" not in verdict_line(Path("p.jpg"), relaxed)
