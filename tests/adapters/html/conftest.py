"""One small study with refusals and hostile names, rendered and scored once; one browser for all tests."""

import shutil

import browser as browsers
import numpy as np
import pytest
from browser import HOSTILE
from PIL import Image
from study_folders import render_study


@pytest.fixture(scope="session")
def browser():
    if browsers.WHY_NOT:
        pytest.skip(browsers.WHY_NOT)
    with browsers.open_browser() as opened:
        yield opened


def call(*arguments, expected=0):
    from oral_lesion.cli.app import app

    with pytest.raises(SystemExit) as stop:
        app([str(one) for one in arguments])
    assert (stop.value.code or 0) == expected


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """Two sites of one subject at three visits; one photo without a card."""
    photos = render_study(tmp_path_factory.mktemp("report") / "photos")
    blank = np.random.default_rng(0).integers(90, 130, (600, 800, 3), dtype=np.uint8)
    Image.fromarray(blank).save(photos / "phantom-01" / "week-04" / "tongue-ventral.jpg", quality=95)
    return photos


@pytest.fixture(scope="session")
def hostile_visit(photos, tmp_path_factory):
    """A visit whose subject and photo are named like HTML and a formula; a mirrored photo."""
    base = tmp_path_factory.mktemp("hostile")
    place = base / "photos" / "患者 O'Hara & Söhne" / HOSTILE
    truth = base / "photos" / "truth" / place.parent.name / place.name
    place.mkdir(parents=True)
    truth.mkdir(parents=True)
    source = photos / "phantom-01" / "week-00"
    masks = photos / "truth" / "phantom-01" / "week-00"
    shutil.copy(source / "buccal-left.jpg", place / "buccal-left.jpg")
    shutil.copy(masks / "buccal-left_mask.png", truth / "buccal-left_mask.png")
    for folder, file, suffix in ((source, place, ".jpg"), (masks, truth, "_mask.png")):
        with Image.open(folder / f"tongue-ventral{suffix}") as picture:
            picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(file / f"{HOSTILE}{suffix}", quality=95)
    (place / "=cmd()|calc.jpg").write_bytes(b"")
    out = base / "out"
    call("score", place, "-o", out, "--segmenter", "truth", expected=3)
    return out


@pytest.fixture(scope="session")
def visit(photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("visit") / "scores"
    call("score", photos / "phantom-01" / "week-04", "-o", out, "--segmenter", "truth", expected=3)
    return out


@pytest.fixture(scope="session")
def study(photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("study") / "results"
    call("study", photos, "-o", out, "--segmenter", "truth", expected=3)
    return out


@pytest.fixture(scope="session")
def change(study, tmp_path_factory):
    out = tmp_path_factory.mktemp("change") / "out"
    visits = [study / "scores" / "phantom-01" / f"week-0{week}" for week in (0, 8)]
    call("compare", *visits, "-o", out)
    return out
