"""Repeatability: differences of replicates against their mean, and the precision profile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from oral_lesion.adapters.figures.canvas import ACCENT, INK, MUTED, SECOND, styled, write_figure
from oral_lesion.endpoint.precision import Repeatability, precision_profile
from oral_lesion.numerics.agreement import LimitsOfAgreement, repeatability_coefficient
from oral_lesion.numerics.areas import coefficient_at

__all__ = ["draw_bland_altman", "plot_differences"]

_SIZE_INCHES = (7.6, 3.4)


def draw_bland_altman(path: Path, found: Repeatability) -> None:
    """
    Draw second minus first replicate against their mean with limits of agreement, and beside it the profile.

    Parameters
    ----------
    path : Path
        Of the PNG file.
    found : Repeatability
        Of all sets.
    """
    with styled():
        figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
        differences, profile = figure.subplots(1, 2)
        _draw_differences(differences, found)
        _draw_profile(profile, found)
        write_figure(path, figure)


def plot_differences(axes: Any, pairs: Sequence[tuple[float, float]], limits: LimitsOfAgreement | None) -> None:
    """
    Plot differences of paired areas against their mean, with bias and limits of agreement.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        To plot into.
    pairs : sequence of tuple of float
        Areas, mm²; the second is taken from the first.
    limits : LimitsOfAgreement or None
        Of the differences; intervals that are not known are not drawn.
    """
    axes.axhline(0.0, color=MUTED, linewidth=0.6)
    means = [(first + second) / 2.0 for first, second in pairs]
    axes.scatter(means, [first - second for first, second in pairs], s=16, color=ACCENT, alpha=0.8, linewidths=0)
    if limits is not None:
        for value, interval, dashes in (
            (limits.bias, limits.bias_interval, "-"),
            (limits.lower, limits.lower_interval, "--"),
            (limits.upper, limits.upper_interval, "--"),
        ):
            axes.axhline(value, color=SECOND, linewidth=1.2, linestyle=dashes)
            if all(map(math.isfinite, interval)):
                axes.axhspan(*interval, color=SECOND, alpha=0.12, linewidth=0)
    axes.set_xlabel("mean of both, mm²")


def _draw_differences(axes: Any, found: Repeatability) -> None:
    pairs = [(one.areas_mm2[1], one.areas_mm2[0]) for one in found.sets]
    plot_differences(axes, pairs, found.limits)
    axes.set_ylabel("second − first photo, mm²")
    axes.set_title(f"{len(pairs)} sets; bias, 95 % limits, their 95 % intervals", loc="left", color=INK)


def _draw_profile(axes: Any, found: Repeatability) -> None:
    for one in found.sets:
        spread = math.sqrt(math.fsum((area - one.mean_mm2) ** 2 for area in one.areas_mm2) / (len(one.areas_mm2) - 1))
        axes.plot(one.mean_mm2, repeatability_coefficient(spread), ".", ms=4.0, color=ACCENT, alpha=0.6)
    for one_bin in found.bins:
        low, high = (repeatability_coefficient(value) for value in one_bin.spread.interval)
        axes.errorbar(
            one_bin.area_mm2,
            one_bin.rc_mm2,
            [[one_bin.rc_mm2 - low], [high - one_bin.rc_mm2]],
            fmt="o", ms=5.0, color=SECOND, capsize=3, lw=1.2,
        )  # fmt: skip
    # What the protocol will apply, between the points as well.
    points = [(point.area_mm2, point.rc_mm2) for point in precision_profile(found.bins)]
    areas = np.linspace(0.0, points[-1][0], 300)
    axes.plot(areas, [coefficient_at(points, float(area)) for area in areas], color=SECOND, linewidth=1.0)
    axes.set_xlim(left=0.0)
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("mean area, mm²")
    axes.set_ylabel("repeatability coefficient, mm²")
    axes.set_title("precision profile, 95 % intervals", loc="left", color=INK)
