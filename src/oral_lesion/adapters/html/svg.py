"""Plots as SVG: small, the same bytes for the same numbers, coloured by the page's own style."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

__all__ = ["Bar", "Dot", "Group", "SeriesPoint", "series_plot", "strip_plot", "waterfall"]

_ROW_PX = 36
_LABEL_PX = 198
_WIDE_PX = 560
_SPREAD_PX = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """
    One photo in a plot.

    Parameters
    ----------
    value : float
        Where it stands.
    key : str
        That its place across the axis is drawn from.
    title : str
        What it is, for the pointer.
    href : str
        Where it leads; empty for nowhere.
    """

    value: float
    key: str
    title: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """
    One row of a strip plot.

    Parameters
    ----------
    label : str
        Of the row.
    dots : tuple of Dot
        Its photos.
    """

    label: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPoint:
    """
    One visit of a series.

    Parameters
    ----------
    day : float
        Where it stands.
    day_text : str
        Its study day; empty where it stands in its order alone.
    visit : str
        Its name.
    area : float or None
        mm²; None where it is not known.
    expanded : float or None
        U (k = 2); None where there is none.
    note : str
        Why there is no area.
    """

    day: float
    day_text: str
    visit: str
    area: float | None
    expanded: float | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """
    One bar of a waterfall.

    Parameters
    ----------
    label : str
        Whose.
    value : float
        In percent.
    expanded : float or None
        U (k = 2).
    href : str
        Where it leads.
    """

    label: str
    value: float
    expanded: float | None
    href: str


def element(name: str, *inside: Markup | str, **attributes: object) -> Markup:
    """
    Return an SVG element with all text escaped.

    Parameters
    ----------
    name : str
        Of the element.
    *inside : Markup or str
        Content.
    **attributes : object
        Underscores become hyphens, a last one is dropped; numbers get two decimals at most.

    Returns
    -------
    Markup
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _text(value))
        for key, value in attributes.items()
        if value is not None
    )
    content = Markup("").join(inside)
    tag = Markup(name)  # noqa: S704 - names are literals of this module
    return Markup("<{0}{1}>{2}</{0}>").format(tag, written, content)


def strip_plot(groups: Sequence[Group], *, title: str, unit: str, limit: float | None = None) -> Markup:
    """
    Draw one row of dots a group, the median marked, and a limit.

    Parameters
    ----------
    groups : sequence of Group
        From above.
    title, unit : str
        Of the axis.
    limit : float or None
        Of the protocol.

    Returns
    -------
    Markup
        ``<svg>``.
    """
    values = [dot.value for group in groups for dot in group.dots]
    most = max([*values, limit if limit is not None and values and limit <= 3 * max(values) else 0.0, 0.0])
    ticks = _ticks(min([*values, 0.0]), most if most > 0 else 1.0)
    height = _ROW_PX * len(groups) + 44
    axis = _Axis(ticks[0], ticks[-1], _LABEL_PX, _WIDE_PX - 24)
    bottom = _ROW_PX * len(groups) + 6
    parts = [element("line", class_="grid", x1=axis.at(tick), x2=axis.at(tick), y1=4, y2=bottom) for tick in ticks]
    parts += [
        element("text", _tick_text(tick), class_="tick", x=axis.at(tick), y=bottom + 15, text_anchor="middle")
        for tick in ticks
    ]
    if limit is not None and limit <= ticks[-1]:
        parts.append(element("line", class_="limit", x1=axis.at(limit), x2=axis.at(limit), y1=4, y2=bottom))
    for row, group in enumerate(groups):
        parts += _strip_row(group, axis, row * _ROW_PX + _ROW_PX / 2 + 4)
    name = f"{title}, {unit}" if unit else title
    parts.append(
        element("text", name, class_="axis", x=(axis.left + axis.right) / 2, y=bottom + 33, text_anchor="middle")
    )
    summary = "; ".join(f"{group.label}: {len(group.dots)} photos" for group in groups)
    return _svg(parts, _WIDE_PX, height, f"{name} by group. {summary}. The same numbers are in the table of photos.")


def series_plot(points: Sequence[SeriesPoint], *, title: str, days: tuple[float, float], most: float) -> Markup:
    """
    Draw areas over time with ± U; a visit without an area has a cross below the axis, where no area can be.

    Parameters
    ----------
    points : sequence of SeriesPoint
        In the order of days.
    title : str
        Of the site.
    days : tuple of float
        First and last of the axis.
    most : float
        Highest end of an interval, shared by the plots beside it.

    Returns
    -------
    Markup
        ``<svg>``.
    """
    width, height, top, bottom = 340, 224, 12, 172
    ticks = _ticks(0.0, most if most > 0 else 1.0, wanted=4)
    across = _Axis(days[0], max(days[1], days[0] + 1), 72, width - 40)
    up = _Axis(ticks[0], ticks[-1], bottom, top)
    parts = [element("line", class_="grid", x1=44, x2=width - 8, y1=up.at(tick), y2=up.at(tick)) for tick in ticks]
    parts += [
        element("text", _tick_text(tick), class_="tick", x=40, y=up.at(tick) + 4, text_anchor="end") for tick in ticks
    ]
    parts += _joined(points, across, up)
    for point in points:
        parts += _series_point(point, across, up, bottom)
        short = point.visit if len(point.visit) <= 12 else f"{point.visit[:11]}…"
        parts.append(element("text", short, class_="tick", x=across.at(point.day), y=bottom + 25, text_anchor="middle"))
        parts.append(
            element(
                "text",
                point.day_text,
                class_="tick faint",
                x=across.at(point.day),
                y=bottom + 40,
                text_anchor="middle",
            )
        )
    parts.append(element("text", "mm²", class_="tick", x=40, y=height - 12, text_anchor="end"))
    known = [
        f"{point.visit} {point.area:.1f} mm²" if point.area is not None else f"{point.visit} {point.note or 'no area'}"
        for point in points
    ]
    return _svg(parts, width, height, f"{title}, area over time: {'; '.join(known)}.")


def waterfall(bars: Sequence[Bar], *, title: str, most: int) -> Markup:
    """
    Draw changes from the greatest increase to the greatest decrease; filled where |change| exceeds U.

    Parameters
    ----------
    bars : sequence of Bar
        In any order.
    title : str
        Of the plot.
    most : int
        Bars that are drawn; of more, evenly chosen ones, and both ends.

    Returns
    -------
    Markup
        ``<svg>``.
    """
    ordered = sorted(bars, key=lambda bar: (-bar.value, bar.label))
    if len(ordered) > most:
        ordered = [ordered[round(place * (len(ordered) - 1) / (most - 1))] for place in range(most)]
    step = max(1.0, min(26.0, 1200 / max(1, len(ordered))))
    left, top, bottom = 52, 10, 210
    width = max(360.0, left + step * len(ordered) + 12)
    low, high = min([*(bar.value for bar in ordered), -100.0]), max([*(bar.value for bar in ordered), 0.0])
    ticks = _ticks(low, high)
    up = _Axis(ticks[0], ticks[-1], bottom, top)
    parts = [
        element("line", class_="grid" if tick else "zero", x1=left, x2=width - 8, y1=up.at(tick), y2=up.at(tick))
        for tick in ticks
    ]
    parts += [
        element("text", _tick_text(tick), class_="tick", x=left - 6, y=up.at(tick) + 4, text_anchor="end")
        for tick in ticks
    ]
    for index, bar in enumerate(ordered):
        x = left + index * step + step * 0.12
        ends = sorted((up.at(0.0), up.at(bar.value)))
        sure = bar.expanded is not None and abs(bar.value) > bar.expanded
        kind = f"{'up' if bar.value > 0 else 'down'}{' sure' if sure else ''}"
        spread = "" if bar.expanded is None else f" ± {bar.expanded:.1f}"
        shape = element(
            "rect",
            element("title", f"{bar.label}: {bar.value:+.1f}{spread} %".replace("-", "\N{MINUS SIGN}")),
            class_=f"change {kind}", x=x, y=ends[0], width=step * 0.76, height=max(1.0, ends[1] - ends[0]),
        )  # fmt: skip
        parts.append(element("a", shape, href=bar.href or None, tabindex="-1"))
    return _svg(parts, width, bottom + 12, f"{title}, {len(ordered)} bars; the same numbers are in changes.csv below.")


@dataclass(frozen=True, slots=True)
class _Axis:
    """A linear axis: from two values to two places."""

    low: float
    high: float
    left: float
    right: float

    def at(self, value: float) -> float:
        return self.left + (value - self.low) / ((self.high - self.low) or 1.0) * (self.right - self.left)


def _strip_row(group: Group, axis: _Axis, y: float) -> list[Markup]:
    label = group.label if len(group.label) <= 27 else f"{group.label[:26]}…"
    parts = [
        element(
            "text", label, element("title", group.label), class_="row", x=_LABEL_PX - 16, y=y + 4, text_anchor="end"
        ),
        element("line", class_="rule", x1=axis.left, x2=axis.right, y1=y, y2=y),
    ]
    for dot in group.dots:
        shift = (zlib.crc32(dot.key.encode("utf-8", "replace")) % 1000 / 999 - 0.5) * 2 * _SPREAD_PX
        circle = element("circle", element("title", dot.title), class_="dot", cx=axis.at(dot.value), cy=y + shift, r=4)
        parts.append(element("a", circle, href=dot.href, tabindex="-1") if dot.href else circle)
    if group.dots:
        middle = axis.at(_median([dot.value for dot in group.dots]))
        parts.append(element("line", class_="median", x1=middle, x2=middle, y1=y - 14, y2=y + 14))
    return parts


def _joined(points: Sequence[SeriesPoint], across: _Axis, up: _Axis) -> list[Markup]:
    """Join areas; dotted over a visit without one, for nothing is known there."""
    parts, last, dotted = [], None, False
    for point in points:
        if point.area is None:
            dotted = True
            continue
        here = across.at(point.day), up.at(point.area)
        if last is not None:
            kind = "joined dotted" if dotted else "joined"
            parts.append(element("line", class_=kind, x1=last[0], y1=last[1], x2=here[0], y2=here[1]))
        last, dotted = here, False
    return parts


def _series_point(point: SeriesPoint, across: _Axis, up: _Axis, bottom: float) -> list[Markup]:
    x = across.at(point.day)
    if point.area is None:
        cross = f"M{x - 4:.1f} {bottom + 5:.1f}l8 8m0 -8l-8 8"
        return [
            element("path", element("title", f"{point.visit}: {point.note or 'no area'}"), class_="missing", d=cross)
        ]
    y = up.at(point.area)
    parts = []
    if point.expanded:
        low, high = up.at(max(0.0, point.area - point.expanded)), up.at(point.area + point.expanded)
        parts.append(
            element(
                "path",
                class_="interval",
                d=f"M{x:.2f} {low:.2f}V{high:.2f}M{x - 4:.2f} {high:.2f}h8M{x - 4:.2f} {low:.2f}h8",
            )
        )
    spread = "" if point.expanded is None else f" ± {point.expanded:.1f}"
    title = element("title", f"{point.visit}: {point.area:.1f}{spread} mm²")
    parts.append(element("circle", title, class_="point" if point.area > 0 else "point hollow", cx=x, cy=y, r=4.5))
    return parts


def _svg(parts: Sequence[Markup], width: float, height: float, label: str) -> Markup:
    return element(
        "svg",
        *parts,
        class_="plot",
        viewBox=f"0 0 {_text(float(width))} {_text(float(height))}",
        width=round(width),
        role="img",
        aria_label=label,
    )


def _ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Return round numbers that hold both ends."""
    rough = (high - low) / wanted or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, max(last, first + 1) + 1)]


def _tick_text(value: float) -> str:
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".") or "0"
    return str(value)
