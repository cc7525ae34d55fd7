"""What an installation consists of: packages, extras, models, settings of one's own, places to write to."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from oral_lesion.errors import OralLesionError
from oral_lesion.io.bundle import load_bundle
from oral_lesion.io.resources import default_bundle_path, home_folder, packaged_models

__all__ = ["EXTRAS", "Extra", "FoundModel", "Place", "extras", "models", "places"]

EXTRAS = {
    "train": "training, calibration and export of networks",
    "raw": "photos in camera RAW (DNG, CR2, CR3, NEF, ARW)",
    "parquet": "the study's tables as Parquet",
    "provenance": "a study's provenance as an RO-Crate and a bill of materials",
    "scale": "studies on a cluster (dask), photos in object stores (fsspec)",
    "notebooks": "the notebooks",
    "docs": "building the documentation",
    "dev": "tests and checks of the source code",
}
"""What each optional part brings."""

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*).*?;.*\bextra\s*==\s*['\"](?P<extra>[^'\"]+)['\"]")
_LITTLE_SPACE_MB = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """
    An optional part.

    Parameters
    ----------
    name : str
        In ``oral-lesion[NAME]``.
    brings : str
        What for.
    missing : tuple of str
        Packages of it that are not installed.
    """

    name: str
    brings: str
    missing: tuple[str, ...]

    @property
    def install(self) -> str:
        """The command that brings it."""
        return f"pip install 'oral-lesion[{self.name}]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundModel:
    """
    A model that a bare name finds.

    Parameters
    ----------
    name : str
        Of its folder.
    version : str
        Empty where it cannot be read.
    sha256 : str
        Of the model; empty where it cannot be read.
    own : bool
        Whether it is in ORAL_LESION_HOME.
    default : bool
        Whether it is used where no model is named.
    problem : str
        What is wrong with it; else empty: all its hashes are right.
    """

    name: str
    version: str
    sha256: str
    own: bool
    default: bool
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """
    A place that is written to.

    Parameters
    ----------
    role : str
        What for.
    path : Path
        Where.
    writable : bool
        Whether a file could be made there.
    free_mb : int or None
        Free space in MB; None where it is not known.
    """

    role: str
    path: Path
    writable: bool
    free_mb: int | None

    @property
    def low(self) -> bool:
        """Whether little space is left."""
        return self.free_mb is not None and self.free_mb < _LITTLE_SPACE_MB


def extras() -> tuple[Extra, ...]:
    """
    Return the optional parts, each with its packages that are missing.

    Returns
    -------
    tuple of Extra
        As the installed package states them; empty where it runs from its source without being installed.
    """
    try:
        requirements = importlib.metadata.requires("oral-lesion") or []
    except importlib.metadata.PackageNotFoundError:
        return ()
    wanted: dict[str, list[str]] = {}
    for requirement in requirements:
        if found := _REQUIREMENT.match(requirement):
            wanted.setdefault(found["extra"], []).append(found["name"])
    return tuple(
        Extra(name=name, brings=EXTRAS.get(name, ""), missing=tuple(filter(_is_missing, packages)))
        for name, packages in sorted(wanted.items())
    )


def models() -> tuple[FoundModel, ...]:
    """
    Return the models that bare names find, with their hashes checked.

    Returns
    -------
    tuple of FoundModel
        The default first, then packaged ones, then those of ORAL_LESION_HOME.

    Raises
    ------
    SettingsError
        Where ORAL_LESION_HOME names no folder.
    """
    home = home_folder()
    own = () if home is None else home.models
    packaged = dict.fromkeys((default_bundle_path(), *packaged_models()))
    return (*(_found_model(path, own=False) for path in packaged), *(_found_model(path, own=True) for path in own))


def places() -> tuple[Place, ...]:
    """
    Return the places that commands write to.

    Returns
    -------
    tuple of Place
        The working folder and the folder for temporary files.
    """
    return (_place("working folder", Path()), _place("temporary files", Path(tempfile.gettempdir())))


def _found_model(path: Path, *, own: bool) -> FoundModel:
    version = sha256 = problem = ""
    try:
        bundle = load_bundle(path)
        version, sha256 = bundle.metadata.version, bundle.model_sha256
    except OralLesionError as error:
        problem = str(error).replace(str(path), path.name)
    return FoundModel(
        name=path.name,
        version=version,
        sha256=sha256,
        own=own,
        default=path == default_bundle_path(),
        problem=problem,
    )


def _place(role: str, path: Path) -> Place:
    try:
        with tempfile.TemporaryFile(dir=path):
            writable = os.access(path, os.W_OK)
    except OSError:
        writable = False
    try:
        free_mb = shutil.disk_usage(path).free // 10**6
    except OSError:
        free_mb = None
    return Place(role=role, path=path.absolute(), writable=writable, free_mb=free_mb)


def _is_missing(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return True
    return False
