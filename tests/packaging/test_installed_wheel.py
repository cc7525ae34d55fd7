"""The wheel and the source distribution: built, installed where no repository is near, and used."""

import csv
import email
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
LARGEST_WHEEL_MB = 25
NOT_PACKED = (".ci/", ".github/", ".gitignore", ".gitattributes")


def run(*command, cwd, **more):
    """Run a command that knows nothing of this checkout."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHONPATH", "ORAL_LESION", "COV"))
    }
    ran = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, encoding="utf-8", check=False,
        **more,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    return ran.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The source distribution, and the wheel that was built from it."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, REPOSITORY, cwd=out)
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return wheel, sdist


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """An environment with the wheel in it, that sees the other packages of this one but not this checkout."""
    folder = tmp_path_factory.mktemp("elsewhere")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / Path(sys.executable).name
    purelib = "import sysconfig; print(sysconfig.get_path('purelib'))"
    ours, theirs = (run(one, "-I", "-c", purelib, cwd=folder).strip() for one in (sys.executable, python))
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--no-deps", "--no-index", built[0], cwd=folder)
    (Path(theirs) / "packages-of-the-tests.pth").write_text(ours + "\n", encoding="utf-8")
    return folder, scripts


def test_the_wheel_holds_the_model_and_is_small(built):
    with zipfile.ZipFile(built[0]) as wheel:
        names = set(wheel.namelist())
        metadata = email.message_from_bytes(wheel.read(next(n for n in names if n.endswith(".dist-info/METADATA"))))
        for line in wheel.read("oral_lesion/resources/models/oral-erosion/SHA256SUMS").decode().splitlines():
            assert f"oral_lesion/resources/models/oral-erosion/{line.split()[1]}" in names
    assert built[0].stat().st_size <= LARGEST_WHEEL_MB * 10**6
    assert {"oral_lesion/py.typed", "oral_lesion/resources/protocol.toml"} <= names
    tops = {name.split("/")[0] for name in names}
    assert tops == {"oral_lesion", next(top for top in tops if top.endswith(".dist-info"))}
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(metadata.get_all("Provides-Extra")) == set(project["optional-dependencies"])
    assert metadata["License-Expression"].startswith("Apache-2.0 AND ")
    assert {"LICENSE", "models/oral-erosion/LICENSE"} <= set(metadata.get_all("License-File"))


def test_the_source_distribution_holds_every_file_of_the_repository(built):
    if not (REPOSITORY / ".git").exists() or shutil.which("git") is None:
        pytest.skip("no checkout of git: nothing says which files belong to the repository")
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    with tarfile.open(built[1]) as sdist:
        packed = {name.split("/", 1)[1] for name in sdist.getnames() if "/" in name}
    lacking = {name for name in listed.splitlines() if (REPOSITORY / name).is_file()} - packed
    assert {name for name in lacking if not name.startswith(NOT_PACKED)} == set()


def test_an_installed_wheel_scores_a_folder_with_no_repository_near(installed):
    folder, scripts = installed
    command = scripts / "oral-lesion"
    where = run(scripts / "python", "-c", "import oral_lesion; print(oral_lesion.__file__)", cwd=folder).strip()
    assert Path(where).is_relative_to(folder)
    photos = ("phantom", "photos", "--subjects", "1", "--visits", "1", "--sites", "buccal-left", "--width", "1000")
    run(command, *photos, cwd=folder)
    run(command, "score", "photos/phantom-01/week-00", "-o", "scores", cwd=folder)
    with (folder / "scores" / "scores.csv").open(encoding="utf-8", newline="") as table:
        (row,) = csv.DictReader(table)
    assert row["status"] == "scored"
    assert float(row["erosion_area_mm2"]) >= 0
    model = json.loads((folder / "scores" / "run.json").read_text(encoding="utf-8"))["model"]
    own = folder / "venv"
    bundled = next(own.rglob("resources/models/oral-erosion/metadata.json"))
    assert model["version"] == json.loads(bundled.read_text(encoding="utf-8"))["version"]


def test_the_doctor_finds_an_installed_wheel_whole(installed):
    folder, scripts = installed
    found = json.loads(run(scripts / "oral-lesion", "doctor", "--json", cwd=folder))
    assert found["ok"]
    assert found["self_test"]["passed"]
    assert [model["name"] for model in found["models"]] == ["oral-erosion"]
