"""A site's aligned photos, one picture each without anything drawn into it, and their outlines beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.adapters.figures.panels import Panel, Window, shared_window
from oral_lesion.io.one_by_one import write_bytes
from oral_lesion.measure.boundary import contours_rc_px

__all__ = ["write_aligned"]

_SIDE_PX = 560
_QUALITY = 84
_TOLERANCE_PX = 0.7


def write_aligned(folder: Path, site: str, panels: Sequence[Panel]) -> None:
    """
    Write ``aligned-SITE.json`` and ``aligned-SITE-N.jpg``, for pages that lay the visits over each other.

    Parameters
    ----------
    folder : Path
        Of the subject's figures.
    site : str
        Code.
    panels : sequence of Panel
        One a visit; only those that are aligned get a picture.
    """
    window = shared_window(panels)
    if window is None:
        return
    factor = min(1.0, _SIDE_PX / max(window[1] - window[0], window[3] - window[2]))
    visits = []
    for number, panel in enumerate(panels, start=1):
        described: dict[str, Any] = {"visit": panel.visit, "note": panel.note, "picture": None, "outlines": []}
        if panel.aligned and panel.srgb is not None and panel.labels is not None:
            described["picture"] = f"aligned-{site}-{number}.jpg"
            described["outlines"] = _outlines(panel, window, factor)
            write_bytes(folder / described["picture"], _jpeg(panel.srgb, window, factor))
        visits.append(described)
    mm_per_px = next(panel.mm_per_px for panel in panels if panel.aligned)
    contents = {"schema_version": 1, "site": site, "px_per_mm": factor / mm_per_px, "visits": visits}
    text = json.dumps(contents, indent=2, sort_keys=True, ensure_ascii=False)
    write_bytes(folder / f"aligned-{site}.json", (text + "\n").encode("utf-8", "backslashreplace"))


def _jpeg(srgb: NDArray[np.uint8], window: Window, factor: float) -> bytes:
    top, bottom, left, right = window
    cut = srgb[top:bottom, left:right, ::-1]
    size = max(1, round(cut.shape[1] * factor)), max(1, round(cut.shape[0] * factor))
    reduced = cv2.resize(cut, size, interpolation=cv2.INTER_AREA)
    _, content = cv2.imencode(".jpg", reduced, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return content.tobytes()


def _outlines(panel: Panel, window: Window, factor: float) -> list[dict[str, str]]:
    """Return an SVG path for each lesion, in the pixels of the picture."""
    top, bottom, left, right = window
    labels = np.asarray(panel.labels)[top:bottom, left:right]
    names = dict(panel.names)
    found = []
    for label in np.unique(labels[labels > 0]):
        inside = np.pad((labels == label).astype(np.float32), 1)
        path = "".join(_path(contour - 1.0, factor) for contour in contours_rc_px(inside, 0.5))
        found.append({"lesion": names.get(int(label), ""), "path": path})
    return found


def _path(contour_rc: NDArray[np.float64], factor: float) -> str:
    scaled = ((contour_rc[:, ::-1] + 0.5) * factor).astype(np.float32)
    points = cv2.approxPolyDP(scaled.reshape(-1, 1, 2), _TOLERANCE_PX, True).reshape(-1, 2)
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z"
