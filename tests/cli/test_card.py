"""`oral-lesion card` and `oral-lesion card measure`, as a person calls them."""

import pytest
import typer
from typer.testing import CliRunner

from oral_lesion.cli import card
from oral_lesion.errors import FormatError, OutputError
from oral_lesion.io.settings import load_card

runner = CliRunner()
app = typer.Typer()
app.add_typer(card.app, name="card")
app.command("other")(lambda: None)


def call(*arguments):
    return runner.invoke(app, ["card", *map(str, arguments)])


@pytest.mark.parametrize(("size", "paper"), [("card", "a4"), ("strip", "letter")])
def test_a_card_is_written(tmp_path, size, paper):
    out = tmp_path / "card.pdf"
    done = call("-o", out, "--size", size, "--paper", paper, "--batch", "2026-11")
    assert done.exit_code == 0, done.output
    assert "100 %" in done.output
    assert out.read_bytes().startswith(b"%PDF-")
    again = call("-o", out, "--size", size)
    assert isinstance(again.exception, OutputError)
    assert call("-o", out, "--overwrite", "--language", "zh").exit_code == 0


@pytest.mark.parametrize("wrong", [[], ["-o", "x.pdf", "--size", "poster"], ["-o", "x.pdf", "--paper", "a3"]])
def test_wrong_usage_has_its_exit_code(wrong):
    assert call(*wrong).exit_code == 2


def test_a_measured_batch_becomes_a_card(tmp_path):
    patches = load_card("open-strip-15x60").patches
    measured = tmp_path / "measured.csv"
    measured.write_text("name,L,a,b\n" + "".join(f"{p.name},{p.lab_d50[0] * 0.9},0.4,-0.2\n" for p in patches))
    out = tmp_path / "batch.toml"
    options = ("measure", measured, "-o", out, "--batch", "2026-11", "--card", "open-strip-15x60")
    unstated = call(*options)
    assert isinstance(unstated.exception, FormatError)
    assert not out.exists()
    done = call(*options, "--d50-2deg")
    assert done.exit_code == 0, done.output
    assert "6 patches of open-strip-15x60, batch 2026-11" in done.output
    loaded = load_card(str(out))
    assert (loaded.name, loaded.batch) == ("open-strip-15x60", "2026-11")


def test_help_shows_both():
    done = call("--help")
    assert done.exit_code == 0
    assert "measure" in done.output
    assert "--size" in done.output
