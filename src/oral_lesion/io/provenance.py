"""run.json: what was scored with what, so that anyone can tell how a number came about."""

from __future__ import annotations

import functools
import platform
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import metadata
from importlib.util import find_spec
from typing import Any

from oral_lesion._version import __version__
from oral_lesion.errors import Refusal
from oral_lesion.io.naming import printable
from oral_lesion.io.visits import VisitPhotos
from oral_lesion.protocol import ScoringProtocol
from oral_lesion.records import ModelIdentity, PhotoIdentity, PhotoScore

__all__ = ["described_input", "package_versions", "run_manifest", "scored_input"]

SCHEMA_VERSION = 1

_PACKAGES = (
    "numpy", "scipy", "opencv-python-headless", "scikit-image", "onnxruntime", "Pillow", "pillow-heif", "tifffile",
    "pydicom", "pydantic",
)  # fmt: skip

_PACKAGES_OF_EXTRAS = ("rawpy",)


def run_manifest(
    *,
    protocol: ScoringProtocol,
    model: ModelIdentity,
    threshold: float | None,
    inputs: Iterable[Mapping[str, Any]],
    found: VisitPhotos,
    jobs: int,
    wall_s: float | None,
    cpu_s: float,
) -> dict[str, Any]:
    """
    Return the contents of run.json.

    Parameters
    ----------
    protocol : ScoringProtocol
        That was applied.
    model : ModelIdentity
        That was used.
    threshold : float or None
        Probability that a pixel needed; None where no photo got so far.
    inputs : iterable of mapping
        What `described_input` gives for each photo.
    found : VisitPhotos
        What was in the visit's folder.
    jobs : int
        Processes.
    wall_s : float or None
        Seconds by the clock; None where its photos were scored among others.
    cpu_s : float
        Seconds of all processes.

    Returns
    -------
    dict
        Of JSON values; without machine names, paths or times of day.
    """
    listed = list(inputs)
    refusals = Counter(one["reason"] for one in listed if "reason" in one)
    return {
        "schema_version": SCHEMA_VERSION,
        "software": {"name": "oral-lesion", "version": __version__},
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": package_versions(),
        "model": {"name": model.name, "version": model.version, "sha256": model.sha256, "threshold": threshold},
        "protocol_sha256": protocol.sha256,
        "protocol": protocol.model_dump(mode="json"),
        "jobs": jobs,
        "counts": {
            "photos": len(listed),
            "scored": len(listed) - refusals.total(),
            "refused": sum(refusals.values()),
            "refused_by_reason": dict(sorted(refusals.items())),
        },
        "inputs": listed,
        "ignored_files": list(found.ignored),
        "photos_not_in_manifest": list(found.unlisted),
        "wall_s": None if wall_s is None else round(wall_s, 3),
        "cpu_s": round(cpu_s, 3),
    }


def package_versions() -> dict[str, str]:
    """
    Return the versions of the packages that numbers depend on.

    Returns
    -------
    dict of str to str
        Version by name.
    """
    return dict(_versions())


@functools.cache
def _versions() -> tuple[tuple[str, str], ...]:
    extras = (name for name in _PACKAGES_OF_EXTRAS if find_spec(name) is not None)
    return tuple((name, metadata.version(name)) for name in (*_PACKAGES, *extras))


def scored_input(score: PhotoScore) -> dict[str, Any]:
    """
    Return what run.json says of a photo.

    Parameters
    ----------
    score : PhotoScore
        Of any outcome.

    Returns
    -------
    dict
        Of JSON values.
    """
    refusal = score.outcome if isinstance(score.outcome, Refusal) else None
    reason, detail = (None, "") if refusal is None else (refusal.reason.value, refusal.detail)
    return described_input(score.identity, reason=reason, detail=detail)


def described_input(identity: PhotoIdentity, *, reason: str | None, detail: str) -> dict[str, Any]:
    """
    Return what run.json says of a photo.

    Parameters
    ----------
    identity : PhotoIdentity
        Which photo.
    reason : str or None
        Why it was refused; None where it was scored.
    detail : str
        Of the refusal.

    Returns
    -------
    dict
        Of JSON values.
    """
    described: dict[str, Any] = {
        "photo_id": identity.photo_id,
        "file": printable(identity.file),
        "sha256": identity.sha256,
        "mirror": identity.mirror.value,
    }
    if identity.visit.date is not None:
        described["visit_date"] = identity.visit.date.isoformat()
    if reason is not None:
        described |= {"reason": reason, "detail": printable(detail)}
    return described
