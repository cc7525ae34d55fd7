"""Help loads nothing heavy, and fits a screen."""

import subprocess
import sys

import pytest

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
