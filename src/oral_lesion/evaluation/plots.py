"""Plots as SVG that takes its colours from the page, so that it suits light and dark."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from numpy.typing import NDArray

from oral_lesion.evaluation.counts import PictureCounts
from oral_lesion.evaluation.measures import Columns
from oral_lesion.numerics.agreement import limits_of_agreement_resampled
from oral_lesion.numerics.overlap import ratio

__all__ = ["plot_bland_altman", "plot_dice_by_size", "plot_reliability"]

# Colours that stand for the page's own; each is replaced by a CSS variable.
_INK, _MUTED, _ACCENT, _SECOND = "#010203", "#040506", "#070809", "#0a0b0c"
_VARIABLES = {_INK: "var(--ink)", _MUTED: "var(--muted)", _ACCENT: "var(--accent)", _SECOND: "var(--second)"}

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "text.color": _INK,
    "axes.edgecolor": _MUTED,
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
}
_SIZE_INCHES = (4.4, 3.3)
_LOG_FROM_RATIO = 20.0


def plot_bland_altman(counts: Sequence[PictureCounts]) -> str:
    """
    Plot the difference of predicted and labelled area against their mean, with bias and limits of agreement.

    Parameters
    ----------
    counts : sequence of PictureCounts
        Pictures with a lesion count.

    Returns
    -------
    str
        SVG element; empty where fewer than two pictures have a lesion.
    """
    columns = _with_lesion(counts)
    if len(columns.counts) < 2:
        return ""
    true, predicted = columns.area("true_px"), columns.area("predicted_px")
    difference = predicted - true
    lines = limits_of_agreement_resampled(difference, np.ones((1, len(difference))))
    with _styled("bland-altman"):
        figure, axes = _figure()
        axes.scatter((true + predicted) / 2, difference, s=16, color=_ACCENT, alpha=0.75, linewidths=0)
        for value, dashes in zip(lines, ("-", "--", "--"), strict=True):
            axes.axhline(float(value[0]), color=_SECOND, linewidth=1.2, linestyle=dashes)
        axes.axhline(0.0, color=_MUTED, linewidth=0.6)
        _log_where_wide(axes, (true + predicted) / 2)
        axes.set_xlabel(f"mean of label and prediction, {columns.area_unit}")
        axes.set_ylabel(f"prediction − label, {columns.area_unit}")
        return _svg(figure)


def plot_reliability(counts: Sequence[PictureCounts]) -> str:
    """
    Plot how often pixels of a probability are lesion; below, how many pixels there are.

    Parameters
    ----------
    counts : sequence of PictureCounts
        All pictures.

    Returns
    -------
    str
        SVG element.
    """
    number, probability, true = Columns.of(counts).calibration.sum(axis=0)
    bins = len(number)
    there = number > 0
    with _styled("reliability"):
        figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        upper.plot([0, 1], [0, 1], color=_MUTED, linewidth=0.8)
        upper.plot(
            ratio(probability, number)[there], ratio(true, number)[there], marker="o", markersize=4, color=_ACCENT
        )
        upper.set_ylabel("share that is lesion")
        upper.set_ylim(-0.02, 1.02)
        lower.bar((np.arange(bins) + 0.5)[there] / bins, number[there], width=0.9 / bins, color=_SECOND)
        lower.set_yscale("log")
        lower.set_ylabel("pixels")
        lower.set_xlabel("predicted probability")
        lower.set_xlim(-0.02, 1.02)
        return _svg(figure)


def plot_dice_by_size(counts: Sequence[PictureCounts]) -> str:
    """
    Plot Dice against the labelled area.

    Parameters
    ----------
    counts : sequence of PictureCounts
        Pictures with a lesion count.

    Returns
    -------
    str
        SVG element; empty where no picture has a lesion.
    """
    columns = _with_lesion(counts)
    if not columns.counts:
        return ""
    with _styled("dice-by-size"):
        figure, axes = _figure()
        area = columns.area("true_px")
        axes.scatter(area, columns["dice"], s=16, color=_ACCENT, alpha=0.75, linewidths=0)
        _log_where_wide(axes, area)
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlabel(f"labelled area, {columns.area_unit}")
        axes.set_ylabel("Dice of the picture")
        return _svg(figure)


def _with_lesion(counts: Sequence[PictureCounts]) -> Columns:
    columns = Columns.of(counts)
    return columns.where(columns.members("lesion"))


def _styled(salt: str) -> Any:
    """Return the context of a plot's style; the salt makes its names its own, and the same every time."""
    style: Any = {**_STYLE, "svg.hashsalt": salt}
    return mpl.rc_context(style)


def _figure() -> tuple[Figure, Any]:
    figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
    return figure, figure.subplots()


def _log_where_wide(axes: Any, values: NDArray[np.float64]) -> None:
    if float(values.max()) / float(values.min()) > _LOG_FROM_RATIO:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _position: f"{value:g}")


def _svg(figure: Figure) -> str:
    """Return the figure as an element to put into a page: no background, no date, no names that clash."""
    figure.patch.set_visible(False)
    for axes in figure.axes:
        axes.patch.set_visible(False)
    FigureCanvasSVG(figure)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", svg)
    for placeholder, variable in _VARIABLES.items():
        svg = svg.replace(placeholder, variable)
    return svg
