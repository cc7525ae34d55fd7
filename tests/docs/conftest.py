"""The places that the pages' commands speak of, drawn; and the command line, called in this process."""

import shutil
import sys

import numpy as np
import pytest
from doc_tables import ROOT

WIDTH_PX = 800


@pytest.fixture
def oral_lesion_main(capsys, monkeypatch):
    """Run `oral-lesion` with these words; return its exit code and what it said."""

    def call(words):
        from oral_lesion.cli.app import main

        monkeypatch.setattr(sys, "argv", ["oral-lesion", *words])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        return int(code), captured.out + captured.err

    return call


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A folder that looks like the repository, with photographs under the names that the pages use; one is in it."""
    for name in ("configs", "models"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("foot-ulcer"))
    shutil.copy(ROOT / "configs" / "protocol.toml", tmp_path / "protocol.toml")
    shutil.copytree(ROOT / "configs" / "cards", tmp_path / "cards")
    _draw_study(tmp_path / "study")
    good = tmp_path / "study" / "S-001" / "week-04" / "buccal-left.jpg"
    for name in ("buccal-left.jpg", "photo.jpg", "picture.jpg"):
        shutil.copy(good, tmp_path / name)
    _draw_labels(tmp_path / "my-labelme-folder")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _draw_study(study):
    """Two visits of a subject, one site, photographed twice with the card held otherwise."""
    from oral_lesion.io.settings import load_card
    from oral_lesion.phantom import SceneSettings, render_scene
    from oral_lesion.phantom.tree import encode_jpeg

    card = load_card("colorchecker-classic-nano")
    for visit, left in (("week-00", 1.0), ("week-04", 0.5)):
        for name, tilt in (("buccal-left", 4.0), ("buccal-left_2", 9.0)):
            scene = SceneSettings(
                seed=19, subject="S-001", visit=visit, site="buccal-left", area_factor=left, tilt_deg=tilt,
                width_px=WIDTH_PX, height_px=round(0.75 * WIDTH_PX), card_share=0.3,
            )  # fmt: skip
            path = study / "S-001" / visit / f"{name}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_jpeg(render_scene(scene, card)))


def _draw_labels(folder):
    """Red disks on pink, each with labelme's outline."""
    import cv2

    from oral_lesion.adapters.annotations.labelme import write_labelme
    from oral_lesion.adapters.annotations.raster import outlines_xy
    from oral_lesion.adapters.annotations.records import PictureLabels, Region

    folder.mkdir()
    pictures = []
    for number in range(10):
        rng = np.random.default_rng(number)
        mask = np.zeros((120, 160), np.uint8)
        cv2.circle(mask, tuple(int(value) for value in rng.integers(40, 80, 2)), int(rng.integers(14, 28)), 255, -1)
        smooth = cv2.GaussianBlur(rng.normal(0, 90, (*mask.shape, 3)), (0, 0), 6.0)
        srgb = np.where(mask[..., None] > 0, (170, 40, 40), (220, 150, 150)) + smooth
        cv2.imwrite(str(folder / f"{number}.png"), np.clip(srgb, 0, 255).astype(np.uint8)[..., ::-1])
        regions = tuple(Region(class_name="erosion", polygons_xy=(outline,)) for outline in outlines_xy(mask > 0))
        pictures.append(PictureLabels(file=f"{number}.png", size_px=mask.shape[::-1], regions=regions))
    write_labelme(folder, pictures)
