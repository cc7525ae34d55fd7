"""Files that come with the package: the default protocol, the cards, the default model."""

from __future__ import annotations

from pathlib import Path

__all__ = ["cards_folder", "default_bundle_path", "default_protocol_path"]

_PACKAGE = Path(__file__).resolve().parents[1]
_DEFAULT_MODEL = "oral-erosion"


def default_protocol_path() -> Path:
    """Return the path of the packaged protocol."""
    return _configs() / "protocol.toml"


def cards_folder() -> Path:
    """Return the folder of the packaged cards."""
    return _configs() / "cards"


def default_bundle_path() -> Path:
    """Return the folder of the packaged model bundle."""
    installed = _PACKAGE / "resources" / "models" / _DEFAULT_MODEL
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "models" / _DEFAULT_MODEL


def _configs() -> Path:
    """Return the folder of the settings: inside an installed wheel, else the repository's own."""
    installed = _PACKAGE / "resources"
    return installed if (installed / "protocol.toml").is_file() else _PACKAGE.parents[1] / "configs"
