"""study.lock: what a study was frozen with, in clear and hashed, and the refusal of anything else."""

from __future__ import annotations

import copy
import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oral_lesion._version import __version__
from oral_lesion.errors import Fault, FormatError, OutputError, SettingsError
from oral_lesion.io.bundle import load_bundle
from oral_lesion.io.provenance import package_versions
from oral_lesion.io.study_protocol import StudyProtocol

if TYPE_CHECKING:
    from oral_lesion.io.batch import SegmenterSource

__all__ = [
    "LockDifference",
    "StudyLock",
    "current_environment",
    "hashes_for_audit",
    "lock_study",
    "read_lock",
    "require_locked",
    "verify_lock",
    "write_lock",
]

KIND, SCHEMA_VERSION = "oral-lesion study lock", 1

_NOTHING = "nothing"
_LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyLock:
    """
    What is frozen.

    Parameters
    ----------
    contents : mapping
        JSON values: protocol with all settings (card and limits included), model with the hash of each of its files,
        environment.
    """

    contents: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        """SHA-256 of the contents as canonical JSON."""
        return _canonical_sha256(self.contents)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockDifference:
    """
    One thing that is not as it was locked.

    Parameters
    ----------
    key : str
        Dotted.
    expected, got : str
        As locked, and as it is.
    """

    key: str
    expected: str
    got: str


def current_environment() -> dict[str, Any]:
    """
    Return what the numbers depend on beside protocol and model.

    Returns
    -------
    dict
        Versions of this package, of Python and of the packages that compute, and the kind of machine.
    """
    return {
        "oral-lesion": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": package_versions(),
    }


def lock_study(
    protocol: StudyProtocol, bundle: Path | None, *, environment: Mapping[str, Any] | None = None
) -> StudyLock:
    """
    Freeze a study.

    Parameters
    ----------
    protocol : StudyProtocol
        All settings.
    bundle : Path or None
        Model bundle folder; None for no model.
    environment : mapping or None
        As from `current_environment`, which None takes.

    Returns
    -------
    StudyLock

    Raises
    ------
    BundleError
        Where the bundle is incomplete or altered.
    """
    settings = protocol.settings
    return StudyLock(
        contents={
            "kind": KIND,
            "schema_version": SCHEMA_VERSION,
            "protocol": {
                "sha256": protocol.sha256,
                "scoring_sha256": protocol.scoring.sha256,
                "card_sha256": _canonical_sha256(settings["card"]),
                "settings": settings,
            },
            "model": {} if bundle is None else _model_of(bundle),
            "environment": current_environment() if environment is None else copy.deepcopy(dict(environment)),
        }
    )


def _model_of(path: Path) -> dict[str, Any]:
    bundle = load_bundle(path)
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    return {
        "name": bundle.metadata.name,
        "version": bundle.metadata.version,
        "sha256": bundle.model_sha256,
        "files": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files},
    }


def write_lock(path: Path, lock: StudyLock) -> None:
    """
    Write a lock; one that is there is never replaced.

    Parameters
    ----------
    path : Path
        Of the file.
    lock : StudyLock
        To be written.

    Raises
    ------
    OutputError
        Where something is there already, or it cannot be written.
    """
    from oral_lesion.io.one_by_one import write_bytes

    if path.exists() or path.is_symlink():
        raise OutputError(f"{path}: is there already, and a lock is never replaced. Give another name with --out.")
    text = json.dumps({**lock.contents, "sha256": lock.sha256}, indent=2, sort_keys=True, ensure_ascii=False)
    write_bytes(path, (text + "\n").encode("utf-8"))


def read_lock(path: Path) -> StudyLock:
    """
    Read a lock.

    Parameters
    ----------
    path : Path
        Of the file.

    Returns
    -------
    StudyLock
        Whose own hash is right.

    Raises
    ------
    FormatError
        Where the file is none, or was edited.
    """
    try:
        contents = json.loads(path.read_bytes())
    except OSError as error:
        raise FormatError(f"{path}: the lock cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: expected the JSON of `oral-lesion lock`, got something else.") from error
    if not isinstance(contents, dict) or contents.get("kind") != KIND:
        raise FormatError(f"{path}: expected a lock of `oral-lesion lock`, got something else.")
    if contents.get("schema_version") != SCHEMA_VERSION:
        raise FormatError(
            f"{path}: expected schema_version {SCHEMA_VERSION}, got {contents.get('schema_version')}. Use the version "
            "of this package that wrote it."
        )
    stated = contents.pop("sha256", None)
    lock = StudyLock(contents=contents)
    if lock.sha256 != stated:
        raise FormatError(
            f"{path}: was edited: its content has the hash {lock.sha256[:12]}…, it states {str(stated)[:12]}…. "
            "Use the file as `oral-lesion lock` wrote it."
        )
    return lock


def verify_lock(
    lock: StudyLock,
    *,
    protocol: StudyProtocol,
    bundle: Path | None,
    environment: Mapping[str, Any] | None = None,
) -> tuple[LockDifference, ...]:
    """
    Compare what is at hand with what was locked.

    Parameters
    ----------
    lock : StudyLock
        As read.
    protocol : StudyProtocol
        To be used.
    bundle : Path or None
        Model bundle folder to be used; None for no model.
    environment : mapping or None
        As from `current_environment`, which None takes.

    Returns
    -------
    tuple of LockDifference
        Each difference, by key; empty where there is none. Hashes of settings that are listed are left out.
    """
    expected = dict(_leaves(lock.contents))
    got = dict(_leaves(lock_study(protocol, bundle, environment=environment).contents))
    keys = [key for key in sorted(expected.keys() | got.keys()) if expected.get(key) != got.get(key)]
    if any(key.startswith("protocol.settings.") for key in keys):
        keys = [key for key in keys if not key.startswith("protocol.") or key.startswith("protocol.settings.")]
    return tuple(
        LockDifference(key=key, expected=expected.get(key, _NOTHING), got=got.get(key, _NOTHING)) for key in keys
    )


def require_locked(path: Path, *, protocol: StudyProtocol, bundle: Path | None) -> StudyLock:
    """
    Refuse everything but what was locked.

    Parameters
    ----------
    path : Path
        Of the lock.
    protocol : StudyProtocol
        To be used.
    bundle : Path or None
        Model bundle folder to be used; None for no model, such as a phantom's true masks.

    Returns
    -------
    StudyLock
        For the record.

    Raises
    ------
    FormatError
        Where the file is no lock, or was edited.
    SettingsError
        With each difference.
    """
    lock = read_lock(path)
    differences = verify_lock(lock, protocol=protocol, bundle=bundle)
    if differences:
        faults = [Fault(one.key, f"locked as {_short(one.expected)}, got {_short(one.got)}") for one in differences]
        raise SettingsError(str(path), faults)
    return lock


def hashes_for_audit(
    protocol: StudyProtocol, segmenters: SegmenterSource, *, lock: Path | None = None
) -> dict[str, str]:
    """
    Return what the audit log says of the settings of a run, once they are those of the lock, where there is one.

    Parameters
    ----------
    protocol : StudyProtocol
        To be used.
    segmenters : SegmenterSource
        To be used.
    lock : Path or None
        Of the lock.

    Returns
    -------
    dict of str to str
        Hashes by name.

    Raises
    ------
    FormatError
        Where the file is no lock, or was edited.
    SettingsError
        With each difference.
    """
    from oral_lesion.io.batch import BundleSegmenters

    model_sha256 = segmenters.model.sha256
    hashes = {
        "study_protocol_sha256": protocol.sha256,
        "protocol_sha256": protocol.scoring.sha256,
        "model_sha256": model_sha256,
    }
    if lock is None:
        return hashes
    bundle = segmenters.bundle if isinstance(segmenters, BundleSegmenters) else None
    frozen = require_locked(lock, protocol=protocol, bundle=bundle)
    if model_sha256 != frozen.contents["model"]["sha256"]:  # such as the bundle's other model
        expected = frozen.contents["model"]["sha256"]
        raise SettingsError(str(lock), [Fault("model.sha256", f"locked as {expected}, got {model_sha256 or _NOTHING}")])
    return {**hashes, "lock_sha256": frozen.sha256}


def _leaves(contents: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in contents.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", json.dumps(value, ensure_ascii=False, sort_keys=True)


def _short(text: str) -> str:
    if len(text) <= _LONGEST_SHOWN:
        return text
    return f"{text[: _LONGEST_SHOWN // 2]}… (SHA-256 {hashlib.sha256(text.encode()).hexdigest()[:12]}…)"


def _canonical_sha256(contents: Mapping[str, Any]) -> str:
    text = json.dumps(contents, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
