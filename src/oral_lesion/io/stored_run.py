"""What run.json says of stored results: with what they were scored, so that they can be scored again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oral_lesion.errors import FormatError, InputError
from oral_lesion.io.scored_visits import no_results_message
from oral_lesion.io.store import RUN_FILE
from oral_lesion.io.study_lock import current_environment
from oral_lesion.protocol import ScoringProtocol

if TYPE_CHECKING:
    from oral_lesion.io.batch import SegmenterSource

__all__ = ["StoredRun", "read_run", "require_same_model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """
    What run.json says of stored results.

    Parameters
    ----------
    folder : Path
        Of the results.
    protocol : ScoringProtocol
        That was applied.
    model_name, model_version, model_sha256 : str
        Of the model that was used.
    environment : mapping
        Versions at that time, as `current_environment` gives them.
    run_sha256 : str
        Hash of run.json, which names the entry of the audit log that began the run.
    """

    folder: Path
    protocol: ScoringProtocol
    model_name: str
    model_version: str
    model_sha256: str
    environment: Mapping[str, Any]
    run_sha256: str = ""

    @property
    def environment_changes(self) -> tuple[str, ...]:
        """What is of another version now, one line each."""
        stored, now = dict(_flat(self.environment)), dict(_flat(current_environment()))
        names = sorted(name for name in stored.keys() | now.keys() if stored.get(name) != now.get(name))
        return tuple(f"{name}: {stored.get(name, 'none')} then, {now.get(name, 'none')} now" for name in names)


def read_run(results: Path) -> StoredRun:
    """
    Read what a results folder was scored with.

    Parameters
    ----------
    results : Path
        Folder that `oral-lesion score` wrote.

    Returns
    -------
    StoredRun

    Raises
    ------
    FormatError
        Where it is no such folder, or its protocol is not the one that its hash names.
    SettingsError
        Where its protocol is of another version of this package.
    """
    path = results / RUN_FILE
    try:
        content = path.read_bytes()
        run = json.loads(content)
        protocol = ScoringProtocol.from_settings(run["protocol"], source=str(path))
        stated, model = run["protocol_sha256"], run["model"]
        stored = StoredRun(
            folder=results,
            protocol=protocol,
            model_name=str(model["name"]),
            model_version=str(model["version"]),
            model_sha256=str(model["sha256"]),
            environment={
                "oral-lesion": run["software"]["version"],
                "python": run["python"],
                "platform": run["platform"],
                "packages": dict(run["packages"]),
            },
            run_sha256=hashlib.sha256(content).hexdigest(),
        )
    except FileNotFoundError as error:
        raise FormatError(no_results_message(path)) from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(
            f"{path}: expected the run.json of `oral-lesion score` ({type(error).__name__}: {error}). Give the folder "
            "that it wrote."
        ) from error
    if protocol.sha256 != stated:
        raise FormatError(
            f"{path}: was edited: its protocol has the hash {protocol.sha256[:12]}…, it states {str(stated)[:12]}…."
        )
    return stored


def require_same_model(stored: StoredRun, segmenters: SegmenterSource) -> None:
    """
    Refuse another model than the one that was used.

    Parameters
    ----------
    stored : StoredRun
        Results.
    segmenters : SegmenterSource
        To be used.

    Raises
    ------
    InputError
        Where it is another one.
    """
    model = segmenters.model
    if (model.name, model.version, model.sha256) != (stored.model_name, stored.model_version, stored.model_sha256):
        raise InputError(
            f"{stored.folder}: was scored with {stored.model_name} {stored.model_version} "
            f"({stored.model_sha256[:12]}…), this model is {model.name} {model.version} ({model.sha256[:12]}…). "
            "Give the same one with --model."
        )


def _flat(environment: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in environment.items():
        if isinstance(value, Mapping):
            yield from ((str(package), str(version)) for package, version in value.items())
        else:
            yield name, str(value)
