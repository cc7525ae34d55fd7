"""The page of one subject of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from oral_lesion.adapters.html.page import render
from oral_lesion.adapters.html.printed import Cells, Table, number_of
from oral_lesion.adapters.html.site_part import VisitDays, site_parts
from oral_lesion.adapters.html.study_scores import ScoredPhotoRow

__all__ = ["change_sentence", "subject_page", "visit_days"]


def subject_page(
    subject: str,
    *,
    results: Path,
    run: Mapping[str, Any],
    tables: Mapping[str, Table],
    photos: Sequence[ScoredPhotoRow],
) -> str:
    """
    Return the page of a subject.

    Parameters
    ----------
    subject : str
        Its number.
    results : Path
        Of the study.
    run : mapping
        run.json of the study.
    tables : mapping of str to Table
        changes.csv, lesions_over_time.csv and endpoints.csv, by name: rows of this subject alone.
    photos : sequence of ScoredPhotoRow
        Of this subject.

    Returns
    -------
    str
        HTML.
    """
    changes, endpoints = tables["changes.csv"].rows, tables["endpoints.csv"].rows
    days = visit_days(run, changes)
    failures = {
        str(one.get("site")): str(one.get("detail"))
        for one in run.get("not_followed") or []
        if isinstance(one, dict) and one.get("subject") == subject
    }
    parts = site_parts(
        changes,
        tables["lesions_over_time.csv"],
        days=days,
        figures=results / "figures" / subject,
        failures=failures,
    )
    shown = {part.code for part in parts}
    strata = ((run.get("protocol") or {}).get("endpoint") or {}).get("strata") or []
    return render(
        "subject.html.j2",
        subject=subject,
        strata=[(name, changes[0][name]) for name in strata if changes and changes[0][name]],
        headline=change_sentence(changes),
        totals=_totals(endpoints),
        parts=parts,
        visits=list(days.days),
        timed=days.timed,
        photos=photos,
        not_shown=sorted({row["site"] for row in changes} - shown),
        figures_drawn=(results / "figures" / subject).is_dir(),
    )


def visit_days(run: Mapping[str, Any], changes: Sequence[Cells]) -> VisitDays:
    """
    Return where visits stand on an axis of time.

    Parameters
    ----------
    run : mapping
        run.json, whose protocol holds the schedule.
    changes : sequence of Cells
        Rows of changes.csv: what they count for visits that are not scheduled.

    Returns
    -------
    VisitDays
        Unscheduled visits without a known day are left out. Where there is no schedule for these visits, they stand in
        their order.
    """
    endpoint = (run.get("protocol") or {}).get("endpoint") or {}
    scheduled = {str(one["name"]): float(one["study_day"]) for one in endpoint.get("visits") or []}
    named = dict.fromkeys(name for row in changes for name in (row["baseline_visit"], row["visit"]))
    if not changes or any(name not in scheduled for name in {row["baseline_visit"] for row in changes}):
        return VisitDays(days={name: float(place) for place, name in enumerate(named)}, timed=False)
    first = scheduled[changes[0]["baseline_visit"]]
    days = {name: scheduled[name] for name in scheduled if name in named}
    for row in changes:
        if row["visit"] not in scheduled and row["days"]:
            days.setdefault(row["visit"], first + float(row["days"]))
    return VisitDays(days=dict(sorted(days.items(), key=lambda one: one[1])), timed=True)


def change_sentence(changes: Sequence[Cells]) -> str:
    """
    Return in one sentence what became of the sites at the last follow-up that has a change.

    Parameters
    ----------
    changes : sequence of Cells
        Rows of changes.csv.

    Returns
    -------
    str
    """
    done = [row for row in changes if row["change_mm2"]]
    if not done:
        return "No site could be compared with the baseline."
    order = list(dict.fromkeys(row["visit"] for row in changes))
    visit = max((row["visit"] for row in done), key=order.index)
    here = [row for row in done if row["visit"] == visit]
    smaller, larger = (
        sum(sign * float(row["change_mm2"]) > 2 * float(row["u_change_mm2"] or 0) for row in here) for sign in (-1, 1)
    )
    within = len(here) - smaller - larger
    sites = "site" if len(here) == 1 else "sites"
    return (
        f"{visit} against {here[0]['baseline_visit']}, {len(here)} {sites} compared: smaller at {smaller}, larger at "
        f"{larger}, within the uncertainty at {within}."
    )


def _totals(endpoints: Sequence[Cells]) -> list[dict[str, Any]]:
    """Return area and change over all sites by visit, or why there is none."""
    rows: dict[str, dict[str, Cells]] = {}
    for row in endpoints:
        if row["site"] == "all" and row["parameter"] in {"area", "change", "change-percent"} and not row["lesion"]:
            rows.setdefault(row["visit"], {})[row["parameter"]] = row
    found = []
    for visit, by_parameter in rows.items():
        if "area" not in by_parameter:
            continue
        area, change, percent = (by_parameter.get(name, Cells()) for name in ("area", "change", "change-percent"))
        found.append(
            {
                "visit": visit,
                "area": number_of(area["value"], 1),
                "u_area": number_of(area["u"], 1, times=2.0),
                "change": number_of(change["value"], 1, signed=True),
                "u_change": number_of(change["u"], 1, times=2.0),
                "percent": number_of(percent["value"], 1, signed=True),
                "u_percent": number_of(percent["u"], 1, times=2.0),
                "why": area["not_done_reason"] or change["not_done_reason"],
                "detail": area["detail"] or change["detail"],
            }
        )
    return found
