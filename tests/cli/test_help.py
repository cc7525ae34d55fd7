"""Help loads nothing heavy, and fits a screen."""

import subprocess
import sys

import pytest
import typer

from oral_lesion.cli.app import COMMANDS, app

SCREEN_LINES = 42
HEAVY = ("cv2", "onnxruntime", "numpy", "torch", "skimage", "scipy", "PIL", "pydicom", "pandas")


@pytest.mark.parametrize("arguments", [["--help"], ["score", "--help"], ["train", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments):
    code = (
        "import sys\n"
        f"sys.argv = ['oral-lesion', *{arguments!r}]\n"
        "from oral_lesion.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "assert not loaded, loaded\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()


def test_help_of_all_commands_imports_none_of_them():
    code = (
        "import sys\nsys.argv = ['oral-lesion', '--help']\nfrom oral_lesion.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "ours = {name for name in sys.modules if name.startswith('oral_lesion.')}\n"
        "allowed = {f'oral_lesion.{name}' for name in ('_version', 'errors', 'cli', 'cli.app', 'cli.lazy')}\n"
        "assert ours <= allowed, ours - allowed\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def every_command():
    """Return the words of every command and of every command within one."""
    group = typer.main.get_command(app)
    words = []
    for name in group.list_commands(None):
        words.append([name])
        within = getattr(group.get_command(None, name), "commands", {})
        words += [[name, inner] for inner in within]
    return words


@pytest.mark.parametrize("words", [[], *every_command()], ids=" ".join)
def test_help_fits_a_screen_and_shows_an_example(command, monkeypatch, words):
    monkeypatch.setenv("COLUMNS", "80")
    ran = command(*words, "--help")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert len(lines) <= SCREEN_LINES
    assert max(map(len, lines)) <= 80
    example = " ".join(" ".join(lines).split())
    assert f"Example: {' '.join(['oral-lesion', *words])}" in example


def test_the_help_lists_each_command_on_one_line_under_its_heading(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = command("--help").out.splitlines()
    for heading, commands in COMMANDS.items():
        first = lines.index(f"{heading}:") + 1
        shown = [line.split()[0] for line in lines[first : first + len(commands)]]
        assert shown == list(commands)


def test_a_misspelt_command_is_answered_with_the_one_that_was_meant(command):
    ran = command("stduy")
    assert ran.code == 2
    assert "Did you mean 'study'?" in ran.err


def test_importing_the_package_loads_nothing_heavy():
    code = f"import sys, oral_lesion\nloaded = [n for n in {HEAVY!r} if n in sys.modules]\nassert not loaded, loaded\n"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_scoring_needs_none_of_the_training_libraries(baseline, tmp_path):
    blocked = ["torch", "torchvision", "albumentations", "segmentation_models_pytorch", "timm", "onnx"]
    code = (
        "import sys\n"
        f"for name in {blocked!r}:\n    sys.modules[name] = None\n"
        f"sys.argv = ['oral-lesion', 'score', {str(baseline)!r}, '-o', {str(tmp_path / 'out')!r}]\n"
        "from oral_lesion.cli.app import main\nmain()\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "out" / "scores.csv").is_file()


def test_every_public_name_resolves():
    import oral_lesion

    for name in oral_lesion.__all__:
        assert getattr(oral_lesion, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        oral_lesion.no_such_name  # noqa: B018


def test_ctrl_c_says_how_to_go_on(command, monkeypatch, tmp_path):
    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    photo = tmp_path / "photo.jpg"
    photo.touch()
    monkeypatch.setattr("oral_lesion.io.check_photos.check_file", interrupted)
    ran = command("check", photo)
    assert ran.code == 130
    assert "Go on with --resume" in ran.err
