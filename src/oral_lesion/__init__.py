"""
Area of oral erosions in mm², with its uncertainty, from photographs with a colour card.

The public names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from oral_lesion._version import __version__

if TYPE_CHECKING:
    from oral_lesion.errors import Flag, OralLesionError, Reason, Refusal
    from oral_lesion.io.batch import BundleSegmenters, score_visit
    from oral_lesion.io.bundle import open_segmenter
    from oral_lesion.io.by_path import compare_visits, score_study
    from oral_lesion.io.photos import read_photo
    from oral_lesion.io.settings import load_protocol
    from oral_lesion.protocol import ScoringProtocol
    from oral_lesion.records import Measurement, Photo, PhotoScore
    from oral_lesion.score import score_photo

_HOME_OF = {
    "BundleSegmenters": "oral_lesion.io.batch",
    "Flag": "oral_lesion.errors",
    "Measurement": "oral_lesion.records",
    "OralLesionError": "oral_lesion.errors",
    "Photo": "oral_lesion.records",
    "PhotoScore": "oral_lesion.records",
    "Reason": "oral_lesion.errors",
    "Refusal": "oral_lesion.errors",
    "ScoringProtocol": "oral_lesion.protocol",
    "compare_visits": "oral_lesion.io.by_path",
    "load_protocol": "oral_lesion.io.settings",
    "open_segmenter": "oral_lesion.io.bundle",
    "read_photo": "oral_lesion.io.photos",
    "score_photo": "oral_lesion.score",
    "score_study": "oral_lesion.io.by_path",
    "score_visit": "oral_lesion.io.batch",
}

__all__ = [
    "BundleSegmenters",
    "Flag",
    "Measurement",
    "OralLesionError",
    "Photo",
    "PhotoScore",
    "Reason",
    "Refusal",
    "ScoringProtocol",
    "__version__",
    "compare_visits",
    "load_protocol",
    "open_segmenter",
    "read_photo",
    "score_photo",
    "score_study",
    "score_visit",
]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(importlib.import_module(_HOME_OF[name]), name)
    raise AttributeError(f"module 'oral_lesion' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
