"""A site's photos through the visits, aligned to the first one, cut to its lesions, with outlines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from oral_lesion.adapters.figures.canvas import INK, MUTED, styled, write_figure
from oral_lesion.compare import identity_registration, label_lesions, warp_to_baseline
from oral_lesion.io.site_histories import SiteHistory
from oral_lesion.numerics.color import srgb_uint8_from_linear
from oral_lesion.records import Measurement, PhotoScore, Registration, StandardizedPhoto

__all__ = ["draw_strip"]

_PANEL_INCHES = 2.5
_MARGIN_MM = 7.0
_SMALLEST_MM = 24.0
_BEYOND_MM = 10.0
_BAR_MM = 10.0
_OUTLINE = "#00ff5f"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Panel:
    title: str
    note: str = ""
    srgb: NDArray[np.uint8] | None = None
    labels: NDArray[np.int32] | None = None
    mm_per_px: float = 1.0
    names: tuple[tuple[int, str], ...] = ()


def draw_strip(path: Path, history: SiteHistory, scores: Sequence[PhotoScore | None]) -> None:
    """
    Draw one panel a visit: the aligned photo, the outlines of its lesions as measured, their numbers and a scale bar.

    A photo that is not registered is shown as it is, and says so; a visit without a photo has an empty panel.

    Parameters
    ----------
    path : Path
        Of the PNG file.
    history : SiteHistory
        Registrations and lesions.
    scores : sequence of PhotoScore or None
        One a visit. Nothing is written where there is none at all.
    """
    reference = _reference_of(scores)
    if reference is None:
        return
    panels = [_panel_of(index, history, score, reference) for index, score in enumerate(scores)]
    shared = _window([panel for panel in panels if panel.labels is not None and panel.note == ""])
    height_px, width_px = (shared[1] - shared[0], shared[3] - shared[2]) if shared is not None else (1, 1)
    aspect = min(1.6, max(0.5, height_px / width_px))
    with styled():
        figure = Figure(figsize=(_PANEL_INCHES * len(panels), _PANEL_INCHES * aspect + 0.8), layout="constrained")
        for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            own = panel.labels is not None and panel.note != ""
            _draw(axes, panel, _around_lesions(panel, (height_px, width_px)) if own else shared, aspect)
        figure.suptitle(f"{history.subject_id}, {history.site}: aligned to {_first_visit(history, scores)}", color=INK)
        write_figure(path, figure)


def _around_lesions(panel: _Panel, size_px: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return a window of the shared one's size in the middle of a picture's own lesions; it may reach beyond it."""
    if panel.labels is None:
        return None
    rows, columns = np.nonzero(panel.labels) if panel.labels.any() else np.indices(panel.labels.shape).reshape(2, -1)
    middles = (float(rows.mean()), float(columns.mean()))
    ends = []
    for middle, length in zip(middles, size_px, strict=True):
        start = round(middle - length / 2)
        ends += [start, start + length]
    return ends[0], ends[1], ends[2], ends[3]


def _reference_of(scores: Sequence[PhotoScore | None]) -> StandardizedPhoto | None:
    for score in scores:
        if score is not None and score.standardized is not None:
            return score.standardized
    return None


def _first_visit(history: SiteHistory, scores: Sequence[PhotoScore | None]) -> str:
    return next(visit for visit, score in zip(history.visits, scores, strict=True) if score is not None)


def _panel_of(index: int, history: SiteHistory, score: PhotoScore | None, reference: StandardizedPhoto) -> _Panel:
    visit = history.visits[index]
    if score is None or score.standardized is None or score.segmentation is None:
        return _Panel(title=f"{visit}\n–", note="no photo that counts")
    if not isinstance(score.outcome, Measurement):
        return _Panel(title=f"{visit}\n–", note="refused")
    u_mm2 = score.outcome.u_area_mm2
    area = f"{score.outcome.area_mm2:.1f} ± {'?' if u_mm2 is None else f'{2.0 * u_mm2:.1f}'} mm²"
    same = history.same_photo_as(visit)
    if same is not None:
        return _Panel(title=f"{visit}\n{area}", note=f"the file of {same}")
    found = history.registration(visit)
    registered = found is not None and found.registered
    registration: Registration = found if found is not None and registered else identity_registration()
    frame = reference if registered else score.standardized
    mm_per_px = frame.scale.mm_per_px
    margin_px = round(_BEYOND_MM / mm_per_px) if registered else 0
    srgb = srgb_uint8_from_linear(score.standardized.linear_rgb).astype(np.float32)
    labels = label_lesions(score.segmentation, score.outcome)
    shape = frame.valid.shape
    return _Panel(
        title=f"{visit}{'' if registered else ', not aligned'}\n{area}",
        note="" if registered else "not aligned",
        srgb=np.rint(warp_to_baseline(srgb, registration, shape, margin_px=margin_px)).clip(0, 255).astype(np.uint8),
        labels=warp_to_baseline(labels, registration, shape, margin_px=margin_px),
        mm_per_px=mm_per_px,
        names=_names_at(index, history),
    )


def _names_at(index: int, history: SiteHistory) -> tuple[tuple[int, str], ...]:
    return tuple(
        (label, track.lesion_id.rpartition("-")[2])
        for track in history.tracks or ()
        for label in track.links[index].labels
    )


def _window(panels: Sequence[_Panel]) -> tuple[int, int, int, int] | None:
    """Return (top, bottom, left, right) that holds all lesions of the panels and a margin; all where there is none."""
    held = [(panel.labels, panel.mm_per_px) for panel in panels if panel.labels is not None]
    if not held:
        return None
    mm_per_px = held[0][1]
    height, width = held[0][0].shape
    anywhere = np.any([labels > 0 for labels, _ in held], axis=0)
    if not anywhere.any():
        return 0, height, 0, width
    ends = []
    for axis, length in ((1, height), (0, width)):
        places = np.nonzero(anywhere.any(axis=axis))[0]
        half = max((places[-1] - places[0]) / 2 + _MARGIN_MM / mm_per_px, _SMALLEST_MM / 2 / mm_per_px)
        middle = (places[-1] + places[0]) / 2
        ends += [max(0, round(middle - half)), min(length, round(middle + half))]
    return ends[0], ends[1], ends[2], ends[3]


def _draw(axes: Any, panel: _Panel, window: tuple[int, int, int, int] | None, aspect: float) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(panel.title)
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
