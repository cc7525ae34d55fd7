"""Agreement of readers: differences of areas against their mean, a panel a comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from oral_lesion.adapters.figures.bland_altman import plot_differences
from oral_lesion.adapters.figures.canvas import INK, styled, write_figure
from oral_lesion.io.review.agreement import Comparison

__all__ = ["draw_reader_agreement"]

_COLUMNS = 2
_PANEL_INCHES = (3.8, 3.2)
_LONGEST_NAME = 24


def draw_reader_agreement(path: Path, comparisons: Sequence[Comparison]) -> None:
    """
    Draw differences of areas against their mean, with bias, limits of agreement and their bootstrap intervals.

    Parameters
    ----------
    path : Path
        Of the PNG file.
    comparisons : sequence of Comparison
        Never empty.
    """
    columns = min(_COLUMNS, len(comparisons))
    rows = math.ceil(len(comparisons) / columns)
    with styled():
        figure = Figure(figsize=(_PANEL_INCHES[0] * columns, _PANEL_INCHES[1] * rows), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, comparison in zip(panels, comparisons, strict=False):
            areas = [(pair.first_mm2, pair.second_mm2) for pair in comparison.pairs]
            plot_differences(axes, areas, comparison.limits)
            first, second = (name[:_LONGEST_NAME] for name in (comparison.first, comparison.second))
            again = first == second
            axes.set_ylabel("second − first look, mm²" if again else f"{first} − {second}, mm²")
            title = f"{first}, twice" if again else f"{first} and {second}"
            axes.set_title(f"{title}: {len(areas)} photos", loc="left", color=INK)
        for axes in panels[len(comparisons) :]:
            axes.set_visible(False)
        write_figure(path, figure)
