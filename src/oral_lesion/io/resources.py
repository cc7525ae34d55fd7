"""
Files that settle results: those that come with the package, and a folder of one's own that goes before them.

The folder of one's own is the one that the variable ORAL_LESION_HOME names. In it, ``protocol.toml`` is the protocol
where none is named, ``cards/NAME.toml`` goes before the packaged card of that name, and ``models/NAME`` before the
packaged model of that name. A file that is named on the command line goes before all of them.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from oral_lesion.errors import BundleError, Fault, SettingsError

__all__ = [
    "HOME_VARIABLE",
    "HomeFolder",
    "bundle_path",
    "cards_folder",
    "default_bundle_path",
    "default_protocol_path",
    "home_folder",
    "known_models",
    "packaged_models",
    "packaged_protocol_path",
]

HOME_VARIABLE = "ORAL_LESION_HOME"

_PACKAGE = Path(__file__).resolve().parents[1]
_DEFAULT_MODEL = "oral-erosion"
_PROTOCOL = "protocol.toml"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HomeFolder:
    """
    A folder of one's own.

    Parameters
    ----------
    path : Path
        As ORAL_LESION_HOME names it.
    """

    path: Path

    @property
    def protocol(self) -> Path | None:
        """Its protocol, if it has one."""
        path = self.path / _PROTOCOL
        return path if path.is_file() else None

    @property
    def cards(self) -> tuple[Path, ...]:
        """Its cards, by name."""
        return tuple(sorted((self.path / "cards").glob("*.toml")))

    @property
    def models(self) -> tuple[Path, ...]:
        """Folders of its models, by name."""
        return _models_in(self.path / "models")

    def summary(self) -> str:
        """
        Say what of it goes before the packaged files.

        Returns
        -------
        str
            One line.
        """
        held = ["its protocol.toml where no protocol is named"] if self.protocol else []
        for kind, paths in (("card", self.cards), ("model", self.models)):
            held += [f"its {kind} {path.stem if kind == 'card' else path.name}" for path in paths]
        return (
            f"{HOME_VARIABLE}: {', '.join(held) or 'holds no protocol, card or model, so the packaged ones are used'}"
        )


def home_folder() -> HomeFolder | None:
    """
    Return the folder that ORAL_LESION_HOME names; None where the variable is not set.

    Returns
    -------
    HomeFolder or None

    Raises
    ------
    SettingsError
        Where it names no folder: what was meant to be used would silently not be.
    """
    named = os.environ.get(HOME_VARIABLE, "").strip()
    if not named:
        return None
    path = Path(named).expanduser()
    if not path.is_dir():
        raise SettingsError(HOME_VARIABLE, [Fault("(folder)", f"no such folder: {named}; make it, or unset it")])
    return HomeFolder(path)


def default_protocol_path() -> Path:
    """
    Return the protocol that is used where none is named: that of ORAL_LESION_HOME, or else the packaged one.

    Returns
    -------
    Path
    """
    home = home_folder()
    own = None if home is None else home.protocol
    return own or packaged_protocol_path()


def packaged_protocol_path() -> Path:
    """Return the path of the packaged protocol."""
    return _configs() / _PROTOCOL


def cards_folder() -> Path:
    """Return the folder of the packaged cards."""
    return _configs() / "cards"


def default_bundle_path() -> Path:
    """Return the folder of the packaged model bundle."""
    return _packaged_models() / _DEFAULT_MODEL


def bundle_path(model: Path | None) -> Path:
    """
    Return the folder of a model.

    Parameters
    ----------
    model : Path or None
        A folder, or a bare name: looked for in the working folder, below ``models`` in ORAL_LESION_HOME, then among the
        packaged ones. None takes the packaged default.

    Returns
    -------
    Path

    Raises
    ------
    BundleError
        Where a bare name is none of them; known names come with it.
    """
    if model is None:
        return default_bundle_path()
    if model.exists() or len(model.parts) != 1 or not _NAME.fullmatch(model.name):
        return model
    known = known_models()
    if model.name not in known:
        raise BundleError(
            f"{model}: no such model directory, and no model of that name; known: {', '.join(known)}. "
            "Name one of these, or a directory that `oral-lesion export` wrote."
        )
    return known[model.name]


def known_models() -> dict[str, Path]:
    """
    Return the models that a bare name finds.

    Returns
    -------
    dict of str to Path
        Folder by name, sorted; those of ORAL_LESION_HOME go before packaged ones.
    """
    home = home_folder()
    own = () if home is None else home.models
    return dict(sorted({path.name: path for path in (*packaged_models(), *own)}.items()))


def packaged_models() -> tuple[Path, ...]:
    """Return the folders of the packaged models, by name."""
    return _models_in(_packaged_models())


def _models_in(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(path for path in folder.glob("*") if path.is_dir() and not path.name.startswith(".")))


def _packaged_models() -> Path:
    installed = _PACKAGE / "resources" / "models"
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "models"


def _configs() -> Path:
    """Return the folder of the settings: inside an installed wheel, else the repository's own."""
    installed = _PACKAGE / "resources"
    return installed if (installed / _PROTOCOL).is_file() else _PACKAGE.parents[1] / "configs"
