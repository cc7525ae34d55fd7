"""A subject's areas over time, a panel a site, with ± 2u."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from oral_lesion.adapters.figures.canvas import ACCENT, INK, MUTED, SECOND, styled, write_figure
from oral_lesion.endpoint.estimates import Missing
from oral_lesion.endpoint.replicates import SiteValue
from oral_lesion.endpoint.subject_values import UNKNOWN_SITE, SubjectValues
from oral_lesion.records import NotDone

__all__ = ["draw_areas"]

_COLUMNS = 3
_PANEL_INCHES = (3.1, 2.4)
_SILENT = frozenset({NotDone.VISIT_MISSING, NotDone.NOT_PHOTOGRAPHED})


def draw_areas(path: Path, subject: SubjectValues) -> None:
    """
    Draw area over time by site, with ± 2u; visits without an area are named on the axis, never drawn at 0.

    Parameters
    ----------
    path : Path
        Of the PNG file.
    subject : SubjectValues
        Areas by site and visit. Nothing is written where no site was photographed.
    """
    sites = [site for site in subject.sites if site != UNKNOWN_SITE and _was_photographed(subject, site)]
    if not sites:
        return
    columns = min(_COLUMNS, len(sites))
    rows = math.ceil(len(sites) / columns)
    with styled():
        figure = Figure(figsize=(_PANEL_INCHES[0] * columns, _PANEL_INCHES[1] * rows + 0.5), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, site in zip(panels, sites, strict=False):
            _draw_site(axes, subject, site)
        for axes in panels[len(sites) :]:
            axes.set_visible(False)
        figure.suptitle(f"{subject.subject_id}: erosion area ± U (k = 2)", color=INK)
        figure.supxlabel(_axis_name(subject))
        write_figure(path, figure)


def _was_photographed(subject: SubjectValues, site: str) -> bool:
    values = [subject.values[site, visit] for visit in subject.visits]
    return any(isinstance(value, SiteValue) or value.reason not in _SILENT for value in values)


def _places(subject: SubjectValues, site: str) -> dict[str, float]:
    """Return where each visit stands: its planned day; an unscheduled one its actual day since the baseline."""
    settings = subject.settings
    baseline = settings.scheduled(settings.baseline_visit)
    places: dict[str, float] = {}
    for visit in subject.visits:
        planned = settings.scheduled(visit)
        if planned is not None:
            places[visit] = float(planned.study_day)
            continue
        first = subject.actual_days.get((site, settings.baseline_visit))
        day = subject.actual_days.get((site, visit))
        if first is not None and day is not None and baseline is not None:
            places[visit] = float(baseline.study_day + day - first)
    return places


def _axis_name(subject: SubjectValues) -> str:
    beyond = [visit for visit in subject.visits if subject.settings.scheduled(visit) is None]
    return "planned study day" + ("; unscheduled visits without a date are left out" if beyond else "")


def _join(axes: Any, values: Sequence[tuple[float, SiteValue | Missing]]) -> None:
    """Join areas by lines; dotted over a visit without an area, for nothing is known there."""
    last: tuple[float, float] | None = None
    style = "-"
    for day, value in values:
        if isinstance(value, Missing):
            style = ":"
            continue
        here = (day, value.area.value_mm2)
        if last is not None:
            axes.plot([last[0], day], [last[1], here[1]], color=ACCENT, linewidth=1.0, linestyle=style, zorder=1)
        last, style = here, "-"


def _draw_site(axes: Any, subject: SubjectValues, site: str) -> None:
    places = _places(subject, site)
    values = {visit: subject.values[site, visit] for visit in sorted(places, key=lambda visit: (places[visit], visit))}
    known = [(places[visit], value.area) for visit, value in values.items() if isinstance(value, SiteValue)]
    _join(axes, [(places[visit], value) for visit, value in values.items()])
    for day, area in known:
        if area.value_mm2 > 0:
            axes.errorbar(day, area.value_mm2, 2.0 * area.u_mm2, fmt="o", ms=4.5, color=ACCENT, capsize=3, lw=1.2)
        else:  # an area of 0 has no uncertainty: hollow
            axes.plot(day, 0.0, "o", ms=5.0, markerfacecolor="white", markeredgecolor=ACCENT)
    top = max((area.value_mm2 + 2.0 * area.u_mm2 for _, area in known), default=1.0)
    axes.set_ylim(-0.02 * top, 1.08 * max(top, 1e-6))
    days = list(places.values())
    margin = 0.08 * max(1.0, max(days) - min(days))
    axes.set_xlim(min(days) - margin, max(days) + margin)
    for visit, value in values.items():
        if isinstance(value, Missing):
            words = f"{value.reason} {value.detail}".strip()
            axes.plot(places[visit], 0.0, marker="x", ms=5.0, color=SECOND, clip_on=False, zorder=3)
            axes.text(
                places[visit], 0.04 * top, words, rotation=90, ha="center", va="bottom", fontsize=6.5, color=SECOND
            )
    axes.set_title(site, loc="left")
    axes.set_ylabel("mm²")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.grid(axis="y", color=MUTED, alpha=0.25, linewidth=0.6)
