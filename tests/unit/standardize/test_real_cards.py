"""Photographs of real cards, kept outside the repository."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from oral_lesion.errors import Reason, Refused
from oral_lesion.numerics.geometry import apply_homography_xy
from oral_lesion.standardize import read_card
from oral_lesion.standardize.find import find_candidates

PHOTOS = Path(__file__).parents[4] / "shared" / "data" / "colorcards"
INDEX = PHOTOS / "photos.csv"
LISTED = list(csv.DictReader(INDEX.read_text().splitlines())) if INDEX.exists() else []
pytestmark = [pytest.mark.realdata, pytest.mark.skipif(not LISTED, reason="no photographs of cards at hand")]

DEFINITIONS = {
    "classic": "colorchecker-classic",
    "mini": "colorchecker-classic-mini",
    "passport": "colorchecker-passport",
    "nano": "colorchecker-classic-nano",
}
# Listed as Classic, but their wide gaps are those of the Passport.
PASSPORTS = ("macduff", "karnehen")


def srgb_of(name):
    return np.ascontiguousarray(cv2.imread(str(PHOTOS / "images" / name))[..., ::-1])


@pytest.mark.parametrize("name", [row["file"] for row in LISTED if row["holds"] == "card"])
def test_every_card_is_found_once_direct_turned_and_mirrored(name, card):
    truth = json.loads((PHOTOS / "patch_centres.json").read_text())[name]
    centres, pitch_px = np.array(truth["patch_centres_xy"]), truth["pitch_px"]
    grid = np.array([(column, row) for row in range(4) for column in range(6)])
    picture = srgb_of(name)
    for view, mirrored in ((picture, False), (np.rot90(picture, 2), False), (picture[:, ::-1], True)):
        candidates = find_candidates(np.ascontiguousarray(view), card("colorchecker-classic"))
        assert len(candidates) == 1 and candidates[0].mirrored == mirrored
    found = apply_homography_xy(find_candidates(picture, card("colorchecker-classic"))[0].photo_xy_from_grid, grid)
    # Where the detector's own corners, checked by eye, are the truth, half a pitch still is the right patch.
    assert np.linalg.norm(found - centres, axis=1).max() < 0.45 * pitch_px


@pytest.mark.parametrize("row", [row for row in LISTED if row["card"] in DEFINITIONS], ids=lambda row: row["file"])
def test_every_card_is_read_in_place(row, card, limits, uncertainty, as_photo):
    name = row["file"]
    kind = "passport" if name.startswith(PASSPORTS) else row["card"]
    definition = card(DEFINITIONS[kind])
    reading = read_card(as_photo(srgb_of(name)), definition, limits=limits, uncertainty=uncertainty)
    truth = json.loads((PHOTOS / "patch_centres.json").read_text())[name]
    pitch = np.array(definition.pitch_xy_mm)
    places = [(column, row) * pitch for row in range(4) for column in range(6)]
    found = apply_homography_xy(reading.photo_xy_from_card_mm, places)
    away = np.linalg.norm(found - np.array(truth["patch_centres_xy"]), axis=1) / truth["pitch_px"]
    assert away.max() < 0.35
    assert reading.patch_accepted.sum() >= 20


@pytest.mark.parametrize("name", [row["file"] for row in LISTED if row["holds"] == "none"])
def test_photographs_without_a_card_give_none(name, card):
    picture = srgb_of(name)
    for view in (picture, picture[:, ::-1]):
        assert find_candidates(np.ascontiguousarray(view), card("colorchecker-classic")) == []


@pytest.mark.parametrize("start", ["macduff", "karnehen_seedcounter__CAMERA1_class1_class2_class3_class4_exp1_cc"])
def test_a_passport_is_not_taken_for_a_classic(start, card, limits, uncertainty, as_photo):
    name = next(row["file"] for row in LISTED if row["file"].startswith(start))
    with pytest.raises(Refused) as caught:
        read_card(as_photo(srgb_of(name)), card("colorchecker-classic"), limits=limits, uncertainty=uncertainty)
    assert caught.value.refusal.reason == Reason.WRONG_CARD


@pytest.mark.parametrize("start", ["ccd_notebook__classic_hand", "ccd_notebook__passport_chair", "macduff"])
def test_a_photograph_out_of_focus_is_told_so(start, card, limits, uncertainty, as_photo):
    name = next(row["file"] for row in LISTED if row["file"].startswith(start))
    pitch_px = json.loads((PHOTOS / "patch_centres.json").read_text())[name]["pitch_px"]
    srgb = cv2.GaussianBlur(srgb_of(name), (0, 0), 0.25 * pitch_px)
    with pytest.raises(Refused) as caught:
        read_card(as_photo(srgb), card("colorchecker-passport"), limits=limits, uncertainty=uncertainty)
    assert caught.value.refusal.reason == Reason.BLURRED
