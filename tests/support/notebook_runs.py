"""Notebooks, run as `jupyter execute` runs them."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
CELL_TIMEOUT_S = 900


def require_jupyter():
    for package in ("nbclient", "ipykernel", "pandas"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is missing; pip install 'oral-lesion[notebooks]'")


def cells_of(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def execute(name, folder):
    """Run a notebook as `jupyter execute` does, in a folder of its own; return its cells with their outputs."""
    shutil.copy(NOTEBOOKS / f"{name}.ipynb", folder)
    places = {key: str(folder / ".jupyter") for key in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    # Without JUPYTER_PLATFORM_DIRS jupyter_core warns that its paths will change.
    environment = {
        **os.environ,
        **places,
        "JUPYTER_PLATFORM_DIRS": "1",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "PYTHONUTF8": "1",
    }
    environment.pop("MPLBACKEND", None)
    command = [sys.executable, "-c", "from nbclient.cli import main; main()", f"{name}.ipynb"]
    options = [f"--timeout={CELL_TIMEOUT_S}", "--startup_timeout=120", "--output=executed"]
    ran = subprocess.run([*command, *options], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-6000:]
    return cells_of(folder / "executed.ipynb")


def outputs_of(cells, kind):
    return [
        output
        for cell in cells
        for output in cell.get("outputs", ())
        if kind in {*output.get("data", ()), output.get("name")}
    ]
