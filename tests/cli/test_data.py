"""`oral-lesion data`: exit codes, reports, plain words."""

import json

import pytest
from dataset_folders import disc_mask, drawn_picture, encoded, write_dataset

ROWS = [
    ("a", "images/a.png", "masks/a.png", "P1", "train"),
    ("b", "images/b.png", "masks/b.png", "P2", "val"),
]
FILES = {
    "images/a.png": drawn_picture(1),
    "images/b.png": drawn_picture(2),
    "masks/a.png": disc_mask(),
    "masks/b.png": disc_mask(radius=20),
}


@pytest.fixture
def folders(tmp_path):
    for name, content in FILES.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(content))
    return tmp_path / "in"


def test_import_then_check(command, folders, tmp_path):
    ran = command("data", "import", "folders", folders, "-o", tmp_path / "set", "--validation", "0.5")
    assert ran.code == 0, ran.said
    assert "2 pictures (2 with lesion or ignored pixels) of 2 groups" in ran.out
    assert "name patients with --group-from" in ran.out
    ran = command("data", "check", tmp_path / "set", "-o", tmp_path / "report")
    assert ran.code == 0, ran.said
    assert "Clean: 0 errors, 0 warnings, 0 notes." in ran.out
    assert json.loads((tmp_path / "report" / "run.json").read_text(encoding="utf-8"))["pictures"] == 2


def test_a_picture_left_out_gives_3_and_a_row(command, folders, tmp_path):
    (folders / "masks" / "b.png").unlink()
    ran = command("data", "import", "folders", folders, "-o", tmp_path / "set")
    assert ran.code == 3
    assert "left-out: b.png: has no mask" in ran.err
    assert "b.png,left-out," in (tmp_path / "set" / "import-report.csv").read_text(encoding="utf-8")


def test_check_gives_3_for_errors_and_warnings(command, tmp_path):
    write_dataset(tmp_path / "set", ROWS, files={**FILES, "images/b.png": drawn_picture(1)})
    ran = command("data", "check", tmp_path / "set")
    assert ran.code == 3
    assert "exact-copy" in ran.out
    assert "a and b: in train and val" in ran.out
    assert "Not clean: 1 errors" in ran.out


def test_notes_alone_are_clean(command, tmp_path):
    write_dataset(tmp_path / "set", ROWS, files={**FILES, "masks/a.png": disc_mask(value=0)})
    assert command("data", "check", tmp_path / "set").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "{folder}/nothing"],
        ["import", "coco", "{folder}/nothing.json", "-o", "{folder}/out", "--lesion-class", "x"],
        ["import", "coco", "{folder}", "-o", "{folder}/out", "--lesion-class", "x"],
        ["import", "labelme", "{folder}/nothing", "-o", "{folder}/out", "--lesion-class", "x"],
        ["import", "folders", "{folder}/nothing", "-o", "{folder}/out"],
        ["import", "via", "{folder}/nothing.json", "-o", "{folder}/out"],
        ["import", "folders", "{folder}", "-o", "{folder}/out", "--group-from", "regex:("],
    ],
)
def test_what_cannot_be_read_gives_1_and_one_plain_message(command, tmp_path, arguments):
    ran = command("data", *[argument.format(folder=tmp_path) for argument in arguments])
    assert ran.code == 1
    assert ran.err.startswith("Error: ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [["import"], ["import", "paint", "x", "-o", "y"], ["check"], ["import", "coco", "x", "-o", "y", "--seed", "-1"]],
)
def test_wrong_usage_gives_2(command, arguments):
    assert command("data", *arguments).code == 2


@pytest.mark.parametrize("arguments", [["data"], ["data", "import"], ["data", "check"]])
def test_help_fits_a_screen_and_shows_an_example(command, arguments):
    ran = command(*arguments, "--help")
    assert ran.code == 0
    assert len(ran.out.splitlines()) <= 50
    assert len(arguments) == 1 or "Example: oral-lesion data" in ran.out


def test_help_loads_nothing_heavy():
    import subprocess
    import sys

    code = (
        "import sys\nsys.argv = ['oral-lesion', 'data', 'import', '--help']\n"
        "from oral_lesion.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "loaded = [name for name in ('cv2', 'numpy', 'scipy', 'PIL', 'torch', 'rich') if name in sys.modules]\n"
        "assert not loaded, loaded\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
