"""The command makes what its options say."""

import csv

import typer
from typer.testing import CliRunner

from oral_lesion.cli.phantom import phantom
from oral_lesion.errors import InputError

runner = CliRunner()
app = typer.Typer()
app.command()(phantom)


def test_options_reach_the_truth(tmp_path):
    options = "--width 400 --height 300 --sites palate --visits 1 --tilt 12 --azimuth 30 --light tungsten --seed 9"
    done = runner.invoke(app, [str(tmp_path / "out"), *options.split(), "--areas", "60,20"])
    assert done.exit_code == 0, done.output
    assert "1 photos" in done.output
    with (tmp_path / "out" / "truth.csv").open(newline="", encoding="utf-8") as table:
        (row,) = csv.DictReader(table)
    assert row["file"] == "phantom-01/week-00/palate.jpg"
    assert (row["tilt_deg"], row["azimuth_deg"], row["light"], row["seed"]) == ("12.0", "30.0", "tungsten", "9")
    assert float(row["erosion_area_mm2"]) == 80.0
    assert row["lesion_count"] == "2"


def test_wrong_numbers_are_an_input_error(tmp_path):
    done = runner.invoke(app, [str(tmp_path / "out"), "--areas", "60;20"])
    assert isinstance(done.exception, InputError)
    assert "expected numbers" in str(done.exception)


def test_background_without_mask_is_an_input_error(tmp_path):
    done = runner.invoke(app, [str(tmp_path / "out"), "--background", "photo.jpg"])
    assert isinstance(done.exception, InputError)
    assert "background_mask" in str(done.exception)
