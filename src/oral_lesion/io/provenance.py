"""run.json: what was scored with what, so that anyone can tell how a number came about."""

from __future__ import annotations

import functools
import platform
from collections import Counter
from collections.abc import Sequence
from importlib import metadata
from importlib.util import find_spec
from typing import Any

from oral_lesion._version import __version__
from oral_lesion.errors import Refusal
from oral_lesion.io.naming import printable
from oral_lesion.io.visits import VisitPhotos
from oral_lesion.protocol import ScoringProtocol
from oral_lesion.records import ModelIdentity, PhotoScore

__all__ = ["package_versions", "run_manifest"]

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
    scores: Sequence[PhotoScore],
    found: VisitPhotos,
    jobs: int,
    wall_s: float,
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
    scores : sequence of PhotoScore
        One a photo.
    found : VisitPhotos
        What was in the visit's folder.
    jobs : int
        Processes.
    wall_s, cpu_s : float
        Seconds by the clock, and of all processes.

    Returns
    -------
    dict
        Of JSON values; without machine names, paths or times of day.
    """
    refusals = Counter(score.outcome.reason.value for score in scores if isinstance(score.outcome, Refusal))
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
            "photos": len(scores),
            "scored": sum(score.scored for score in scores),
            "refused": sum(refusals.values()),
            "refused_by_reason": dict(sorted(refusals.items())),
        },
        "inputs": [_input_of(score) for score in scores],
        "ignored_files": list(found.ignored),
        "photos_not_in_manifest": list(found.unlisted),
        "wall_s": round(wall_s, 3),
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


def _input_of(score: PhotoScore) -> dict[str, Any]:
    described: dict[str, Any] = {
        "photo_id": score.identity.photo_id,
        "file": printable(score.identity.file),
        "sha256": score.identity.sha256,
        "mirror": score.identity.mirror.value,
    }
    if score.identity.visit.date is not None:
        described["visit_date"] = score.identity.visit.date.isoformat()
    if isinstance(score.outcome, Refusal):
        described |= {"reason": score.outcome.reason.value, "detail": printable(score.outcome.detail)}
    return described
