"""The photos of a study in groups: by site of the mouth, stratum, visit and subject; areas by reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from oral_lesion.adapters.html.study_scores import ScoredPhotoRow
from oral_lesion.adapters.html.svg import Dot, Group, strip_plot
from oral_lesion.errors import OralLesionError
from oral_lesion.io.results_store import STORE_NAME, Read, iter_reads, open_store

__all__ = ["Grouping", "RefusalRate", "groupings_of", "reader_plots"]

_MOST_GROUPS = 40
_MOST_DOTS = 4000
_UNKNOWN = "unknown"
_METRICS: tuple[tuple[str, str, str, str, str | None], ...] = (
    ("Colour error of the card, median", "ΔE00", "scores", "delta_e00_median", "max_delta_e00_median"),
    ("Tilt of the camera", "°", "scores", "tilt_deg", "max_tilt_deg"),
    ("Blur at the card (focus)", "mm", "quality", "card_blur_mm", "max_blur_mm"),
    ("Erosion area", "mm²", "scores", "erosion_area_mm2", None),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalRate:
    """
    How many photos of a group were refused.

    Parameters
    ----------
    label : str
        Of the group.
    refused, photos : int
        Counts.
    """

    label: str
    refused: int
    photos: int

    @property
    def percent(self) -> float:
        """Share of the group's photos."""
        return round(100 * self.refused / self.photos, 1) if self.photos else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """
    One way to put photos into groups.

    Parameters
    ----------
    title : str
        Of the grouping.
    plots : tuple of (str, Markup)
        Title of each figure, and its strip plot.
    rates : tuple of RefusalRate
        One a group.
    """

    title: str
    plots: tuple[tuple[str, Markup], ...]
    rates: tuple[RefusalRate, ...]


def groupings_of(
    photos: Sequence[ScoredPhotoRow], strata: Mapping[str, Mapping[str, str]], limits: Mapping[str, Any]
) -> tuple[Grouping, ...]:
    """
    Return the photos by site of the mouth, by each stratum, by visit and by subject.

    Parameters
    ----------
    photos : sequence of ScoredPhotoRow
        Of the study.
    strata : mapping
        By name of the stratum: its value by subject.
    limits : mapping
        Of the protocol.

    Returns
    -------
    tuple of Grouping
        Those that have at least one group, and not too many to be read.
    """
    ways: list[tuple[str, Callable[[ScoredPhotoRow], str]]] = [("Site of the mouth", lambda photo: photo.title)]
    for name, values in strata.items():
        ways.append((name.replace("_", " "), _by_stratum(values)))
    ways += [("Visit", lambda photo: photo.row["visit"]), ("Subject", lambda photo: photo.place[0])]
    found = []
    for title, group_of in ways:
        groups: dict[str, list[ScoredPhotoRow]] = {}
        for photo in photos:
            groups.setdefault(group_of(photo) or _UNKNOWN, []).append(photo)
        if groups and len(groups) <= _MOST_GROUPS:
            found.append(_grouping(title, groups, limits))
    return tuple(found)


def reader_plots(results: Path, photos: Sequence[ScoredPhotoRow]) -> tuple[tuple[str, Markup], ...]:
    """
    Return the areas that readers measured, and how far they are from the automatic ones, by reader.

    Parameters
    ----------
    results : Path
        Of a study; reads are in its store, where there are any.
    photos : sequence of ScoredPhotoRow
        Of the study.

    Returns
    -------
    tuple of (str, Markup)
        Titles and plots; empty without reads.
    """
    hrefs = {("/".join(photo.place), photo.row["photo_id"]): photo.href() for photo in photos}
    reads = [read for read in _reads_of(results) if read.current and read.corrected_area_mm2 is not None]
    readers: dict[str, list[Read]] = {}
    for read in sorted(reads, key=lambda one: (one.reader, one.place, one.photo_id, one.round.value)):
        readers.setdefault(f"{read.reader}, {read.round.value}", []).append(read)
    if not readers:
        return ()
    plots = []
    for title, value_of in (
        ("Area by reader", lambda read: read.corrected_area_mm2),
        (
            "Reader minus model",
            lambda read: None if read.automatic_area_mm2 is None else read.corrected_area_mm2 - read.automatic_area_mm2,
        ),
    ):
        groups = [Group(label=reader, dots=tuple(_read_dots(own, value_of, hrefs))) for reader, own in readers.items()]
        plots.append((title, strip_plot(groups, title=title, unit="mm²")))
    return tuple(plots)


def _read_dots(
    reads: Sequence[Read], value_of: Callable[[Read], float | None], hrefs: Mapping[tuple[str, str], str]
) -> list[Dot]:
    dots = []
    for read in reads:
        value = value_of(read)
        if value is not None:
            href = hrefs.get((read.place, read.photo_id), "")
            title = f"{read.place} {read.photo_id}: {value:.1f} mm²"
            dots.append(Dot(value=value, key=f"{read.photo_id}{read.reader}", title=title, href=href))
    return dots


def _reads_of(results: Path) -> list[Read]:
    path = results / STORE_NAME
    if not path.is_file():
        return []
    try:
        with open_store(path, read_only=True) as store:
            return list(iter_reads(store))
    except OralLesionError:  # the page shows the tables; a store that cannot be opened is told by what needs it
        return []


def _by_stratum(values: Mapping[str, str]) -> Callable[[ScoredPhotoRow], str]:
    return lambda photo: values.get(photo.place[0], "")


def _grouping(title: str, groups: Mapping[str, Sequence[ScoredPhotoRow]], limits: Mapping[str, Any]) -> Grouping:
    ordered = dict(sorted(groups.items(), key=lambda one: (one[0] == _UNKNOWN, one[0])))
    plots = []
    for name, unit, table, column, limit_name in _METRICS:
        rows = [Group(label=label, dots=tuple(_dots(own, table, column, unit))) for label, own in ordered.items()]
        if any(row.dots for row in rows):
            limit = limits.get(limit_name) if limit_name else None
            drawn = strip_plot(_thinned(rows), title=name, unit=unit, limit=float(limit) if limit else None)
            plots.append((name, drawn))
    rates = tuple(
        RefusalRate(label=label, refused=sum(not photo.scored for photo in own), photos=len(own))
        for label, own in ordered.items()
    )
    return Grouping(title=title, plots=tuple(plots), rates=rates)


def _dots(photos: Sequence[ScoredPhotoRow], table: str, column: str, unit: str) -> list[Dot]:
    dots = []
    for photo in photos:
        cell = (photo.row if table == "scores" else photo.quality)[column]
        if cell:
            title = f"{'/'.join(photo.place)} {photo.row['file']}: {cell} {unit}"
            dots.append(Dot(value=float(cell), key=photo.row["photo_id"], title=title, href=photo.href()))
    return dots


def _thinned(groups: Sequence[Group]) -> list[Group]:
    """Leave out dots from the middle of groups where there are too many for a page; both tails stay."""
    total = sum(len(group.dots) for group in groups)
    if total <= _MOST_DOTS:
        return list(groups)
    step = -(-total // _MOST_DOTS)
    kept = []
    for group in groups:
        ordered = sorted(group.dots, key=lambda dot: (dot.value, dot.key))
        tail = max(5, len(ordered) // 100)
        dots = [*ordered[:tail], *ordered[tail:-tail:step], *ordered[-tail:]] if len(ordered) > 3 * tail else ordered
        kept.append(Group(label=group.label, dots=tuple(dots)))
    return kept
