"""Photos with the open card and strip, as printed and never measured, from phantom to table."""

import csv
import json

import numpy as np
import pytest
from PIL import Image


def rows_in(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("card", ["open-card-54x86", "open-strip-15x60"])
def test_a_card_without_measured_colours_works_from_end_to_end(command, tmp_path, card):
    phantoms, chosen = tmp_path / "phantoms", ("--card", card)
    made = command("phantom", phantoms, *chosen, "--visits", 1, "--sites", "buccal-left", "--width", 1200)
    assert made.code == 0, made.said
    photo = phantoms / "phantom-01" / "week-00" / "buccal-left.jpg"
    (truth,) = rows_in(phantoms / "truth.csv")

    assert "keeps its own colours" in command("check", photo, *chosen).out
    said = json.loads(command("check", photo, *chosen, "--json").out)
    assert said["usable"] is True
    assert "color-uncorrected" in said["flags"]
    assert said["quality"]["held_out_delta_e00_median"] is None

    ran = command("standardize", photo, *chosen, "-o", tmp_path / "pictures")
    assert ran.code == 0, ran.said
    assert "nan" not in ran.out
    (row,) = rows_in(tmp_path / "pictures" / "standardized.csv")
    assert (row["correction"], row["delta_e00_median"], row["delta_e00_max"]) == ("none", "", "")
    with Image.open(photo) as seen, Image.open(tmp_path / "pictures" / "buccal-left_standardized.png") as standard:
        np.testing.assert_allclose(np.median(standard, axis=(0, 1)), np.median(seen, axis=(0, 1)), atol=12)

    out = tmp_path / "out"
    ran = command("score", photo.parent, *chosen, "-o", out, "--segmenter", "truth")
    assert ran.code == 0, ran.said
    (row,) = rows_in(out / "scores.csv")
    assert row["status"] == "scored"
    assert float(row["erosion_area_mm2"]) == pytest.approx(float(truth["erosion_area_mm2"]), rel=0.03)
    assert float(row["mm_per_px"]) == pytest.approx(float(truth["mm_per_px"]), rel=0.005)
    assert row["delta_e00_median"] == row["delta_e00_max"] == ""
    assert "color-uncorrected" in row["flags"].split()
    (quality,) = rows_in(out / "quality.csv")
    assert quality["held_out_delta_e00_mean"] == quality["held_out_delta_e00_max"] == ""
    for patch in rows_in(out / "colour.csv"):
        assert patch["held_out_delta_e00"] == patch["linear_red"] == patch["linear_blue"] == ""
        assert patch["accepted"] == "0"
    assert "NaN" not in (out / "run.json").read_text(encoding="utf-8")
