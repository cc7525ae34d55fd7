"""What the audit log says of a run that reads scores: their hashes, and that they are of what was locked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from oral_lesion.errors import Fault, FormatError, SettingsError
from oral_lesion.io.batch import SegmenterSource
from oral_lesion.io.scored_visits import no_results_message
from oral_lesion.io.store import RUN_FILE
from oral_lesion.io.study_lock import hashes_for_audit
from oral_lesion.io.study_protocol import StudyProtocol

__all__ = ["hashes_of_scores"]


def hashes_of_scores(
    protocol: StudyProtocol,
    read: Mapping[str, Path],
    scores: Iterable[Path],
    *,
    segmenters: SegmenterSource | None = None,
    lock: Path | None = None,
) -> dict[str, str]:
    """
    Return what the audit log says of a run that computes from scores, once they are of what was locked.

    Parameters
    ----------
    protocol : StudyProtocol
        To be used.
    read : mapping of str to Path
        Results folders that are read, by their names in the log, such as ``baseline``.
    scores : iterable of Path
        Folders of scored visits among or below them, which a lock is held against.
    segmenters : SegmenterSource or None
        Of the locked model; needed with a lock.
    lock : Path or None
        Lock of the study.

    Returns
    -------
    dict of str to str
        Hashes by name: that of each run.json that is read, and those of the settings.

    Raises
    ------
    FormatError
        Where a run.json is missing or no JSON, or the lock is none or was edited.
    SettingsError
        With each difference from the lock: of protocol, model and software now, and of those that scored.
    """
    named = {f"{name}_run_sha256": hashlib.sha256(_run_bytes(folder)).hexdigest() for name, folder in read.items()}
    if lock is None or segmenters is None:
        return {"study_protocol_sha256": protocol.sha256, **named}
    settings = hashes_for_audit(protocol, segmenters, lock=lock)
    faults = [fault for folder in scores for fault in _differences(folder, settings)]
    if faults:
        raise SettingsError(str(lock), faults)
    return {**settings, **named}


def _differences(folder: Path, settings: Mapping[str, str]) -> Iterable[Fault]:
    run = json.loads(_run_bytes(folder))
    model = run.get("model")
    scored = {
        "protocol_sha256": run.get("protocol_sha256"),
        "model_sha256": model.get("sha256") if isinstance(model, dict) else None,
    }
    for key, got in scored.items():
        if got != settings[key]:
            yield Fault(f"{folder.name}: {key}", f"locked as {settings[key]}, the visit was scored with {got}")


def _run_bytes(folder: Path) -> bytes:
    path = folder / RUN_FILE
    try:
        content = path.read_bytes()
        if not isinstance(json.loads(content), dict):
            raise FormatError(f"{path}: expected a JSON object. Score again.")
    except FileNotFoundError as error:
        raise FormatError(no_results_message(path)) from error
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(f"{path}: expected what `oral-lesion score` writes ({error}). Score again.") from error
    return content
