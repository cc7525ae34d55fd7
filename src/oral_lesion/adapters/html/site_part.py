"""What a page shows of one site of one subject: areas over time, aligned photos, lesions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from oral_lesion.adapters.html.photo import site_title
from oral_lesion.adapters.html.pictures import Picture, picture_in
from oral_lesion.adapters.html.printed import Cells, Number, Table, number_of
from oral_lesion.adapters.html.svg import SeriesPoint, series_plot

__all__ = ["AlignedPhoto", "SitePart", "VisitDays", "areas_by_visit", "site_parts", "was_photographed"]

_SIDE_PX = 560
_SILENT = frozenset({"not-photographed", "visit-missing"})


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitDays:
    """
    Where visits stand on an axis of time.

    Parameters
    ----------
    days : mapping
        By visit, in their order.
    timed : bool
        Whether these are study days; otherwise the places of visits in their order.
    """

    days: Mapping[str, float]
    timed: bool

    @property
    def ends(self) -> tuple[float, float]:
        """First and last of them."""
        return min(self.days.values(), default=0.0), max(self.days.values(), default=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignedPhoto:
    """
    One visit's photo in the geometry of the first one.

    Parameters
    ----------
    visit : str
        Its name.
    area, expanded : Number or None
        mm², U (k = 2).
    picture : Picture or None
        None where the photo is not among the aligned ones.
    note : str
        Why it is not.
    outlines : tuple of (str, str)
        Number of each lesion through all visits, and its path.
    """

    visit: str
    area: Number | None
    expanded: Number | None
    picture: Picture | None
    note: str
    outlines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePart:
    """
    What is shown of one site.

    Parameters
    ----------
    code, title : str
        Of the vocabulary, and in words.
    plot : Markup
        Areas over time.
    gaps : tuple of (str, str)
        Visit, and why it has no area.
    changes : tuple of Cells
        Rows of changes.csv.
    aligned : tuple of AlignedPhoto
        Empty where figures were not drawn, or nothing could be aligned.
    px_per_mm : float
        Of the aligned photos.
    lesions : tuple of (str, tuple of Cells)
        Id of each lesion, and its row of lesions_over_time.csv at each visit.
    failure : str
        Why lesions were not followed.
    """

    code: str
    title: str
    plot: Markup
    gaps: tuple[tuple[str, str], ...]
    changes: tuple[Cells, ...]
    aligned: tuple[AlignedPhoto, ...]
    px_per_mm: float
    lesions: tuple[tuple[str, tuple[Cells, ...]], ...]
    failure: str


def site_parts(
    changes: Sequence[Cells], lesions: Table, *, days: VisitDays, figures: Path, failures: Mapping[str, str]
) -> tuple[SitePart, ...]:
    """
    Return what is shown of a subject's sites that were photographed.

    Parameters
    ----------
    changes : sequence of Cells
        The subject's rows of changes.csv.
    lesions : Table
        lesions_over_time.csv, of this subject alone.
    days : VisitDays
        Of the visits that are drawn.
    figures : Path
        Folder of the subject's figures; it may be missing.
    failures : mapping
        By site: why lesions were not followed.

    Returns
    -------
    tuple of SitePart
        In the order of the table.
    """
    sites: dict[str, list[Cells]] = {}
    for row in changes:
        sites.setdefault(row["site"], []).append(row)
    shown = {site: rows for site, rows in sites.items() if was_photographed(rows)}
    areas = {site: areas_by_visit(rows) for site, rows in shown.items()}
    most = max((_end_of(value) for of_site in areas.values() for value in of_site.values()), default=1.0)
    return tuple(
        _site_part(site, rows, areas[site], lesions, (days, most), figures, failures.get(site, ""))
        for site, rows in shown.items()
    )


def was_photographed(rows: Sequence[Cells]) -> bool:
    """
    Return whether there is a photo of a site at any visit, refused ones included.

    Parameters
    ----------
    rows : sequence of Cells
        The site's rows of changes.csv.

    Returns
    -------
    bool
    """
    return any(
        row["photos"]
        or row["baseline_photos"]
        or (row["not_done_reason"] == "no-baseline" and row["detail"].split(" ")[0] not in _SILENT)
        or row["not_done_reason"] not in {"", "no-baseline", *_SILENT}
        for row in rows
    )


def areas_by_visit(rows: Sequence[Cells]) -> dict[str, tuple[str, str, str]]:
    """
    Return area, u and the reason why there is none, by visit.

    Parameters
    ----------
    rows : sequence of Cells
        One site's rows of changes.csv.

    Returns
    -------
    dict
        As printed, the baseline first.
    """
    found: dict[str, tuple[str, str, str]] = {}
    for row in rows:
        if row["baseline_visit"] not in found:
            missing = row["detail"] if row["not_done_reason"] == "no-baseline" else ""
            found[row["baseline_visit"]] = row["baseline_area_mm2"], row["u_baseline_area_mm2"], missing or "no area"
        # Without a baseline the visit's own reason is not told here.
        why = "" if row["not_done_reason"] == "no-baseline" else f"{row['not_done_reason']} {row['detail']}".strip()
        found[row["visit"]] = row["area_mm2"], row["u_area_mm2"], why or "no area"
    return found


def _end_of(value: tuple[str, str, str]) -> float:
    return float(value[0] or 0) + 2 * float(value[1] or 0)


def _site_part(
    site: str,
    rows: Sequence[Cells],
    areas: Mapping[str, tuple[str, str, str]],
    lesions: Table,
    scales: tuple[VisitDays, float],
    figures: Path,
    failure: str,
) -> SitePart:
    days, most = scales
    points = [
        SeriesPoint(
            day=day,
            day_text=f"{day:g}" if days.timed else "",
            visit=visit,
            area=float(areas[visit][0]) if areas[visit][0] else None,
            expanded=2 * float(areas[visit][1]) if areas[visit][1] else None,
            note="" if areas[visit][0] else areas[visit][2],
        )
        for visit, day in days.days.items()
        if visit in areas
    ]
    title = site_title(site)
    px_per_mm, aligned = _aligned(figures, site, areas)
    return SitePart(
        code=site,
        title=title,
        plot=series_plot(points, title=title, days=days.ends, most=most),
        gaps=tuple((point.visit, point.note) for point in points if point.area is None),
        changes=tuple(rows),
        aligned=aligned,
        px_per_mm=px_per_mm,
        lesions=_lesions(lesions.of("site", site)),
        failure=failure,
    )


def _lesions(rows: Sequence[Cells]) -> tuple[tuple[str, tuple[Cells, ...]], ...]:
    found: dict[str, list[Cells]] = {}
    for row in rows:
        found.setdefault(row["lesion"], []).append(row)
    return tuple((lesion, tuple(visits)) for lesion, visits in found.items())


def _aligned(
    figures: Path, site: str, areas: Mapping[str, tuple[str, str, str]]
) -> tuple[float, tuple[AlignedPhoto, ...]]:
    try:
        described: dict[str, Any] = json.loads((figures / f"aligned-{site}.json").read_text(encoding="utf-8"))
        px_per_mm = float(described["px_per_mm"])
        photos = tuple(_aligned_photo(figures, one, areas) for one in described["visits"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return 1.0, ()
    return px_per_mm, photos


def _aligned_photo(
    figures: Path, described: Mapping[str, Any], areas: Mapping[str, tuple[str, str, str]]
) -> AlignedPhoto:
    visit = str(described["visit"])
    area, u, _ = areas.get(visit, ("", "", ""))
    name = Path(str(described["picture"] or "")).name
    return AlignedPhoto(
        visit=visit,
        area=number_of(area, 1),
        expanded=number_of(u, 1, times=2.0),
        picture=picture_in(figures / name, _SIDE_PX) if name else None,
        note=str(described["note"]),
        outlines=tuple((str(one["lesion"]), _plain_path(str(one["path"]))) for one in described["outlines"]),
    )


def _plain_path(path: str) -> str:
    return "".join(letter for letter in path if letter in "MLZ. -0123456789")
