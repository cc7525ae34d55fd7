"""A site's photos through the visits, aligned to the first one, cut to its lesions, with outlines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from oral_lesion.adapters.figures.canvas import INK, MUTED, styled, write_figure
from oral_lesion.adapters.figures.panels import NOT_ALIGNED, Panel, Window, shared_window, window_around
from oral_lesion.io.site_histories import SiteHistory

__all__ = ["draw_strip"]

_PANEL_INCHES = 2.5
_BAR_MM = 10.0
_OUTLINE = "#00ff5f"


def draw_strip(path: Path, history: SiteHistory, panels: Sequence[Panel]) -> None:
    """
    Draw one panel a visit: the aligned photo, the outlines of its lesions as measured, their numbers and a scale bar.

    A photo that is not registered is shown as it is, and says so; a visit without a photo has an empty panel.

    Parameters
    ----------
    path : Path
        Of the PNG file.
    history : SiteHistory
        Registrations and lesions.
    panels : sequence of Panel
        One a visit.
    """
    shared = shared_window(panels)
    height_px, width_px = (shared[1] - shared[0], shared[3] - shared[2]) if shared is not None else (1, 1)
    aspect = min(1.6, max(0.5, height_px / width_px))
    with styled():
        figure = Figure(figsize=(_PANEL_INCHES * len(panels), _PANEL_INCHES * aspect + 0.8), layout="constrained")
        for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            _draw(axes, panel, shared if panel.aligned else window_around(panel, (height_px, width_px)), aspect)
        first = next(panel.visit for panel in panels if panel.area)
        figure.suptitle(f"{history.subject_id}, {history.site}: aligned to {first}", color=INK)
        write_figure(path, figure)


def _draw(axes: Any, panel: Panel, window: Window | None, aspect: float) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    beside = f", {NOT_ALIGNED}" if panel.note == NOT_ALIGNED else ""
    axes.set_title(f"{panel.visit}{beside}\n{panel.area or '–'}")
    axes.set_facecolor("#eceef0")
    for spine in axes.spines.values():
        spine.set_visible(False)
    if panel.srgb is None or panel.labels is None or window is None:
        axes.set_box_aspect(aspect)
        axes.text(0.5, 0.5, panel.note, transform=axes.transAxes, ha="center", va="center", color=MUTED)
        return
    axes.imshow(panel.srgb, interpolation="bilinear")
    names = dict(panel.names)
    grid = [np.arange(-1, length + 1) for length in panel.labels.shape]
    for label in np.unique(panel.labels[panel.labels > 0]):
        inside = panel.labels == label
        outline = np.pad(inside.astype(np.float64), 1)
        axes.contour(grid[1], grid[0], outline, levels=[0.5], colors=[_OUTLINE], linewidths=1.1)
        rows, columns = np.nonzero(inside)
        name = names.get(int(label), "")
        axes.text(
            columns.mean(), rows.mean(), name, color="white", fontsize=7.5, ha="center", va="center", clip_on=True
        )
    top, bottom, left, right = window
    axes.set_xlim(left - 0.5, right - 0.5)
    axes.set_ylim(bottom - 0.5, top - 0.5)
    start, row = left + 0.04 * (right - left), bottom - 0.05 * (bottom - top)
    length_px = _BAR_MM / panel.mm_per_px
    axes.plot([start, start + length_px], [row, row], color="white", linewidth=2.5, solid_capstyle="butt")
    axes.text(start, row - 0.02 * (bottom - top), f"{_BAR_MM:.0f} mm", color="white", fontsize=7.0, va="bottom")
