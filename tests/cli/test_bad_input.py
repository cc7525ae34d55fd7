"""Hostile, broken and hopeless input: an outcome or one line that names file and remedy, never a traceback."""

import csv
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFilter
from visit_folders import tree_bytes


def rows_in(out):
    with (out / "scores.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def png_header(width, height):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.fixture(scope="session")
def scenes():
    """Pictures that a camera could have taken and that cannot be measured, by the file name that they get."""
    from oral_lesion.io.settings import load_card
    from oral_lesion.phantom import SceneSettings, render_scene

    card = load_card("colorchecker-classic-nano")
    scene = render_scene(SceneSettings(seed=1), card)
    good = scene.srgb
    x, y = scene.truth.card_x_px, scene.truth.card_y_px
    half_width, half_height = 300, 190
    box = np.s_[int(y - half_height) : int(y + half_height), int(x - half_width) : int(x + half_width)]
    two = good.copy()
    patch = good[box]
    two[20 : 20 + patch.shape[0], 20 : 20 + patch.shape[1]] = patch
    return {
        "two-cards.png": (two, {"several-cards"}),
        "card-cut.png": (good[:, : int(x)] if x > 800 else good[:, int(x) :], {"card-cut", "no-card"}),
        "no-card.png": (render_scene(SceneSettings(seed=1, with_card=False), card).srgb, {"no-card"}),
        "blurred.png": (
            np.asarray(Image.fromarray(good).filter(ImageFilter.GaussianBlur(14))),
            {"blurred", "no-card"},
        ),
        "overexposed.png": (
            render_scene(SceneSettings(seed=1, exposure_ev=2.5), card).srgb,
            {"card-clipped", "no-card"},
        ),
        "dark.png": (render_scene(SceneSettings(seed=1, exposure_ev=-5.0), card).srgb, {"card-dark", "no-card"}),
        "grey.png": (np.asarray(Image.fromarray(good).convert("L")), {"not-color"}),
        "uniform.png": (np.full((900, 1200, 3), 128, np.uint8) + np.array([0, 9, 30], np.uint8), {"no-card"}),
    }


def test_each_bad_photo_gets_its_row_and_the_good_one_its_area(command, visit, tmp_path, scenes):
    reasons = {}
    for name, (picture, expected) in scenes.items():
        Image.fromarray(picture).save(visit / name)
        reasons[name] = expected
    jpeg = (visit / "buccal-left.jpg").read_bytes()
    files = {
        "empty.jpg": (b"", {"unreadable"}),
        "truncated.jpg": (jpeg[: len(jpeg) // 2], {"unreadable"}),
        "text.jpg": (b"this is no picture\n" * 50, {"unreadable"}),
        "bomb.png": (png_header(40_000, 40_000), {"too-large"}),
        "=cmd()|'x'!A1.jpg": (b"", {"unreadable"}),
        "<script>alert(1)<script>.jpg".replace("/", ""): (b"", {"unreadable"}),
    }
    for name, (content, expected) in files.items():
        (visit / name).write_bytes(content)
        reasons[name] = expected
    Image.new("RGB", (1, 1), "red").save(visit / "one-pixel.png")
    reasons["one-pixel.png"] = {"too-small"}

    ran = command("score", visit, "-o", tmp_path / "out")

    assert ran.code == 3, ran.said
    rows = rows_in(tmp_path / "out")
    rows = {name.removeprefix("'"): row for name, row in rows.items()}
    assert rows.keys() == reasons.keys() | {"buccal-left.jpg"}
    assert rows["buccal-left.jpg"]["status"] == "scored"
    for name, expected in reasons.items():
        assert rows[name]["status"] == "refused", name
        assert rows[name]["reason"] in expected, (name, rows[name])
        assert rows[name]["erosion_area_mm2"] == rows[name]["u_area_mm2"] == rows[name]["lesion_count"] == ""
    assert len(list((tmp_path / "out" / "photos").iterdir())) == 1


def test_a_formula_in_a_file_name_is_defused_in_every_table(command, visit, tmp_path):
    name = "=HYPERLINK(1).jpg"
    (visit / "buccal-left.jpg").rename(visit / name)
    assert command("score", visit, "-o", tmp_path / "out").code == 0
    for table in ("scores.csv", "lesions.csv"):
        with (tmp_path / "out" / table).open(encoding="utf-8", newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        for cell in cells:
            assert not cell.startswith(("=", "+", "@", "\t", "\r")), cell
            assert not cell.startswith("-") or cell[1:].replace(".", "").isdigit(), cell
    assert "'" + name in rows_in(tmp_path / "out")


def test_an_empty_folder_is_one_line(command, tmp_path):
    (tmp_path / "S" / "V").mkdir(parents=True)
    ran = command("score", tmp_path / "S" / "V", "-o", tmp_path / "out")
    assert ran.code == 1
    assert "no photo" in ran.err
    assert str(tmp_path / "S" / "V") in ran.err
    assert len(ran.err.strip().splitlines()) <= 2
    assert not (tmp_path / "out").exists()


def test_a_folder_of_other_files_is_one_line_that_names_them(command, tmp_path):
    (tmp_path / "V").mkdir()
    (tmp_path / "V" / "notes.docx").write_bytes(b"x")
    ran = command("score", tmp_path / "V", "-o", tmp_path / "out")
    assert ran.code == 1
    assert "notes.docx" in ran.err


def test_a_folder_that_is_not_there(command, tmp_path):
    ran = command("score", tmp_path / "nowhere", "-o", tmp_path / "out")
    assert ran.code == 1
    assert "nowhere" in ran.err


def test_a_missing_model(command, visit, tmp_path):
    ran = command("score", visit, "-o", tmp_path / "out", "--model", tmp_path / "nothing")
    assert ran.code == 1
    assert "nothing" in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"not an onnx model", b"\x08\x07" + bytes(range(256)) * 40])
def test_a_wrong_onnx(command, visit, tmp_path, content):
    import hashlib
    import shutil

    from oral_lesion.io.resources import default_bundle_path

    bundle = tmp_path / "bundle"
    shutil.copytree(default_bundle_path(), bundle)
    (bundle / "model.onnx").write_bytes(content)
    sums = [line for line in (bundle / "SHA256SUMS").read_text().splitlines() if "model.onnx" not in line]
    sums.append(f"{hashlib.sha256(content).hexdigest()}  model.onnx")
    (bundle / "SHA256SUMS").write_text("\n".join(sums) + "\n")
    ran = command("score", visit, "-o", tmp_path / "out", "--model", bundle)
    assert ran.code == 1
    assert "model.onnx" in ran.err
    assert not (tmp_path / "out").exists()


def test_a_model_that_differs_from_its_hash(command, visit, tmp_path):
    import shutil

    from oral_lesion.io.resources import default_bundle_path

    bundle = tmp_path / "bundle"
    shutil.copytree(default_bundle_path(), bundle)
    with (bundle / "model.onnx").open("ab") as file:
        file.write(b"\0")
    ran = command("score", visit, "-o", tmp_path / "out", "--model", bundle)
    assert ran.code == 1
    assert "model.onnx" in ran.err


def test_a_protocol_with_three_mistakes_names_all_three(command, visit, tmp_path):
    from oral_lesion.io.resources import default_protocol_path

    text = default_protocol_path().read_text(encoding="utf-8")
    text = text.replace("max_tilt_deg = 35.0", 'max_tilt_deg = "steep"')
    text = text.replace("working_mm_per_px = 0.1", "working_mm_per_px = -0.1")
    text = text.replace("smallest_lesion_mm2", "smalest_lesion_mm2")
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    ran = command("score", visit, "-o", tmp_path / "out", "--protocol", tmp_path / "mine.toml")
    assert ran.code == 1
    for key in ("limits.max_tilt_deg", "standardization.working_mm_per_px", "segmentation.smalest_lesion_mm2"):
        assert key in ran.err
    assert "mine.toml" in ran.err


def test_a_protocol_at_another_resolution_than_the_models(command, visit, tmp_path):
    from oral_lesion.io.resources import default_protocol_path

    text = default_protocol_path().read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(text.replace("working_mm_per_px = 0.1", "working_mm_per_px = 0.2"))
    ran = command("score", visit, "-o", tmp_path / "out", "--protocol", tmp_path / "mine.toml")
    assert ran.code == 1
    assert "made for 0.1 mm/px" in ran.err
    assert not (tmp_path / "out").exists()


def test_an_out_that_cannot_be_written(command, visit, tmp_path):
    (tmp_path / "file").write_text("x")
    ran = command("score", visit, "-o", tmp_path / "file" / "out")
    assert ran.code == 1
    assert str(tmp_path / "file") in ran.err


def test_an_out_that_holds_results_is_kept_unless_overwrite_is_given(command, visit, tmp_path):
    out = tmp_path / "out"
    assert command("score", visit, "-o", out).code == 0
    before = tree_bytes(out)
    ran = command("score", visit, "-o", out)
    assert ran.code == 1
    assert "--overwrite" in ran.err
    assert tree_bytes(out) == before
    assert command("score", visit, "-o", out, "--overwrite").code == 0


def test_an_out_of_other_files_is_never_replaced(command, visit, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    ran = command("score", visit, "-o", tmp_path / "thesis", "--overwrite")
    assert ran.code == 1
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"


def test_the_visit_folder_cannot_be_the_results_folder(command, visit):
    before = tree_bytes(visit)
    assert command("score", visit, "-o", visit, "--overwrite").code == 1
    assert tree_bytes(visit) == before


def test_a_manifest_that_leads_out_of_the_folder(command, visit, tmp_path):
    (visit / "photos.csv").write_text("file,site\n../../etc/passwd,lip\nbuccal-left.jpg,buccal-left\n")
    ran = command("score", visit, "-o", tmp_path / "out")
    rows = rows_in(tmp_path / "out")
    assert ran.code == 3
    assert rows["buccal-left.jpg"]["status"] == "scored"
    assert rows["../../etc/passwd"]["reason"] == "unreadable"
    assert rows["../../etc/passwd"]["sha256"] == ""


def test_a_manifest_with_the_treatment_arm_is_refused(command, visit, tmp_path):
    (visit / "photos.csv").write_text("file,arm\nbuccal-left.jpg,active\n")
    ran = command("score", visit, "-o", tmp_path / "out")
    assert ran.code == 1
    assert "arm" in ran.err
    assert not (tmp_path / "out").exists()


def test_one_photo_that_breaks_the_model_does_not_stop_the_others(visit, tmp_path):
    import shutil

    from oral_lesion.io.batch import score_visit
    from oral_lesion.io.settings import load_protocol
    from oral_lesion.records import ModelIdentity

    shutil.copy(visit / "buccal-left.jpg", visit / "buccal-right.jpg")

    class Fragile:
        identity = model = ModelIdentity(name="fragile", version="1", sha256="0" * 64)
        threshold = 0.5
        working_mm_per_px = 0.1

        def segmenter_for(self, photo):
            if photo.site == "buccal-right":
                raise RuntimeError("bad luck")
            return self

        def probability(self, standardized):
            return np.zeros(standardized.valid.shape, np.float32)

    scores = score_visit(visit, tmp_path / "out", protocol=load_protocol(None), segmenters=Fragile())
    rows = rows_in(tmp_path / "out")
    assert len(scores.outcomes) == 2
    assert rows["buccal-left.jpg"]["status"] == "scored"
    assert rows["buccal-left.jpg"]["erosion_area_mm2"] == "0.000"
    assert rows["buccal-right.jpg"]["reason"] == "scoring-failed"


def test_wrong_usage_is_exit_code_2(command, visit):
    assert command("score").code == 2
    assert command("score", visit, "--jobs", "0").code == 2
    assert command("score", visit, "--no-such-option").code == 2
