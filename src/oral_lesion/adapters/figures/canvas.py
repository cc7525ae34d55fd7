"""One look for all figures, and PNG files without dates or versions in them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from oral_lesion.io.one_by_one import write_bytes

__all__ = ["ACCENT", "INK", "MUTED", "SECOND", "styled", "write_figure"]

INK, MUTED, ACCENT, SECOND = "#1f2328", "#8a9099", "#1f6feb", "#b35900"

_DPI = 130
_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlesize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": "white",
}


@contextmanager
def styled() -> Iterator[None]:
    """
    Draw in this package's style, whatever the user's own matplotlib settings are.

    Yields
    ------
    None
    """
    with mpl.rc_context():
        mpl.rcdefaults()
        for name, value in _STYLE.items():
            mpl.rcParams[name] = value  # type: ignore[index]
        yield


def write_figure(path: Path, figure: Figure) -> None:
    """
    Write a figure as PNG, whole or not at all.

    Parameters
    ----------
    path : Path
        Of the file; its folder is made where it is missing.
    figure : Figure
        Drawn within `styled`.
    """
    target = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(target, format="png", dpi=_DPI, metadata={"Software": None})
    write_bytes(path, target.getvalue())
