"""The page for people: tables, plots and the worst and best pictures, in one file that needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from oral_lesion._version import __version__
from oral_lesion.evaluation.cases import LABEL_COLOR, PREDICTION_COLOR, CaseSet
from oral_lesion.evaluation.counts import TOLERANCE_MM, TOLERANCE_PX
from oral_lesion.evaluation.estimates import Estimate
from oral_lesion.evaluation.plots import plot_bland_altman, plot_dice_by_size, plot_reliability
from oral_lesion.evaluation.run import Evaluation, Round

__all__ = ["PAGE_FILE", "number_text", "render_page"]

PAGE_FILE = "evaluation.html"

_BY_SIZE_KEYS = (
    "dice_image_lesion",
    "dice_pooled",
    "nsd_image_lesion",
    "lesion_recall",
    "area_error_median",
    "area_error_absolute_median",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """What the page shows of one size."""

    one: Round
    plots: Sequence[tuple[str, Markup]]
    differences: Sequence[Estimate]
    other: Round | None
    cases: Sequence[CaseSet]


def render_page(name: str, evaluation: Evaluation, cases: Mapping[int | None, Sequence[CaseSet]]) -> str:
    """
    Return the page.

    Parameters
    ----------
    name : str
        Of the data set.
    evaluation : Evaluation
        Results.
    cases : mapping of int or None to sequence of CaseSet
        Pictures to show, by the longer side at which the model saw them.

    Returns
    -------
    str
        HTML. All text is escaped; the plots are SVG, the pictures JPEG within the page.
    """
    environment = Environment(
        loader=PackageLoader("oral_lesion.evaluation"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(number=number_text, interval=_interval_text, rgb=_rgb)
    style, _, _ = environment.loader.get_source(environment, "style.css")  # type: ignore[union-attr]
    sections = [
        _Section(
            one=one,
            plots=_plots(one),
            differences=evaluation.differences[place] if evaluation.differences else (),
            other=evaluation.compared[place] if evaluation.compared else None,
            cases=cases.get(one.longer_side_px, ()),
        )
        for place, one in enumerate(evaluation.rounds)
    ]
    return environment.get_template("evaluation.html.j2").render(
        style=Markup(style),  # noqa: S704 - a file of this package
        name=name,
        sections=sections,
        settings=evaluation.settings,
        by_size_keys=_BY_SIZE_KEYS,
        label_color=LABEL_COLOR,
        prediction_color=PREDICTION_COLOR,
        tolerance=(TOLERANCE_PX, TOLERANCE_MM),
        version=__version__,
    )


def number_text(value: float | None) -> str:
    """
    Return a number with three digits that matter, three decimals at most; a dash where it is missing.

    Parameters
    ----------
    value : float or None
        Any.

    Returns
    -------
    str
    """
    if value is None:
        return "–"
    decimals = next((places for limit, places in ((1, 3), (10, 2), (100, 1)) if abs(value) <= limit), 0)
    text = f"{value:.{decimals}f}"
    return (text.removeprefix("-") if float(text) == 0 else text).replace("-", "−")


def _interval_text(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return "–"
    return f"{number_text(estimate.low)} to {number_text(estimate.high)}"


def _rgb(color: tuple[int, int, int]) -> str:
    return f"rgb({color[0]} {color[1]} {color[2]})"


def _plots(one: Round) -> list[tuple[str, Markup]]:
    drawn = {
        "Agreement of areas (Bland–Altman): bias and 95 % limits of agreement": plot_bland_altman(one.counts),
        "Dice by labelled area": plot_dice_by_size(one.counts),
        "Reliability of the probabilities": plot_reliability(one.counts),
    }
    return [(title, Markup(svg)) for title, svg in drawn.items() if svg]  # noqa: S704 - SVG that plots.py made
