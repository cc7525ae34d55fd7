"""The pages of a study: one of all its photos and changes, and one a subject."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oral_lesion.adapters.html.group_plots import groupings_of, reader_plots
from oral_lesion.adapters.html.page import REPORT_FILE, link_to, remove_unfinished, render, write_page
from oral_lesion.adapters.html.printed import Cells, Facts, Table, read_printed, read_run_file
from oral_lesion.adapters.html.study_scores import ScoredPhotoRow, read_study_photos, visit_folders
from oral_lesion.adapters.html.subject import change_sentence, subject_page
from oral_lesion.adapters.html.svg import Bar, waterfall
from oral_lesion.adapters.html.visit import visit_page_is_current, write_visit_page
from oral_lesion.errors import Reason
from oral_lesion.io.processes import map_in_processes, one_opencv_thread
from oral_lesion.io.texts import Language, reason_text

__all__ = ["SUBJECTS_FOLDER", "study_page", "write_study_pages"]

SUBJECTS_FOLDER = "subjects"

_TABLES = ("changes.csv", "lesions_over_time.csv", "endpoints.csv")
_MOST_THUMBNAILS = 1000
_MOST_ROWS = 5000
_MOST_BARS = 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarCell:
    """
    One visit of one subject.

    Parameters
    ----------
    scored, photos : int
        How many there are.
    href : str
        Of the visit's report; empty where there are no photos.
    """

    scored: int
    photos: int
    href: str

    @property
    def kind(self) -> str:
        """How it is coloured."""
        if not self.photos:
            return "empty"
        return "full" if self.scored == self.photos else "part" if self.scored else "none"


def write_study_pages(
    results: Path, language: Language = Language.ENGLISH, *, again: bool = False, jobs: int = 1
) -> None:
    """
    Write ``report.html``, a page a subject below ``subjects``, and the pages of visits.

    Parameters
    ----------
    results : Path
        Of a study.
    language : Language
        Of reasons and caveats.
    again : bool
        Write also the pages of visits whose page is that of the tables there.
    jobs : int
        Pages of visits made at the same time.

    Raises
    ------
    FormatError
        Where a table cannot be read.
    OutputError
        Where a page cannot be written.
    """
    folders = visit_folders(results)
    for folder in (results, *folders):
        remove_unfinished(folder)
    due = [folder for folder in folders if again or not visit_page_is_current(folder, language)]
    write = functools.partial(write_visit_page, language=language)
    with one_opencv_thread():
        for _ in map_in_processes(write, due, jobs, write):
            pass
    _write_subject_pages(results, read_study_photos(folders))
    write_page(results / REPORT_FILE, study_page(results, language))


def _write_subject_pages(results: Path, photos: Sequence[ScoredPhotoRow]) -> None:
    run, tables = read_run_file(results), _tables_of(results)
    grouped = {name: table.grouped("subject") for name, table in tables.items()}
    by_subject: dict[str, list[ScoredPhotoRow]] = {subject: [] for subject in grouped["changes.csv"]}
    for photo in photos:
        by_subject.setdefault(photo.place[0], []).append(photo)
    for subject, own in by_subject.items():
        of_subject = {
            name: parts.get(subject, Table(name, tables[name].columns, ())) for name, parts in grouped.items()
        }
        page = subject_page(subject, results=results, run=run, tables=of_subject, photos=own)
        write_page(results / SUBJECTS_FOLDER / f"{subject}.html", page)


def study_page(results: Path, language: Language = Language.ENGLISH) -> str:
    """
    Return the page of a study.

    Parameters
    ----------
    results : Path
        Folder that `oral-lesion study` wrote.
    language : Language
        Of reasons.

    Returns
    -------
    str
        HTML. The same results give the same bytes.

    Raises
    ------
    FormatError
        Where a table or run.json cannot be read.
    """
    run, tables = read_run_file(results), _tables_of(results)
    photos = read_study_photos(visit_folders(results))
    changes = tables["changes.csv"].rows
    protocol = run["protocol"] or Facts()
    visits = _visit_names(protocol, photos)
    listed = _listed(photos)
    return render(
        "study.html.j2",
        run=run,
        protocol=protocol,
        photos=photos,
        listed=listed,
        with_thumbnails=len(listed) <= _MOST_THUMBNAILS,
        refused=sum(not photo.scored for photo in photos),
        headline=change_sentence(changes),
        visits=visits,
        calendar=_calendar(photos, changes, visits),
        subject_links={name: link_to(SUBJECTS_FOLDER, f"{name}.html") for name in _subjects(photos, changes)},
        refusals=_refusals(photos, language),
        groupings=groupings_of(photos, _strata(protocol, changes), protocol.get("limits") or {}),
        readers=reader_plots(results, photos),
        waterfalls=_waterfalls(changes),
        changes=tables["changes.csv"],
        language=language.value,
        remarks=_remarks(run),
    )


def _tables_of(results: Path) -> dict[str, Table]:
    return {name: read_printed(results / name) for name in _TABLES}


def _subjects(photos: Sequence[ScoredPhotoRow], changes: Sequence[Cells]) -> list[str]:
    return list(dict.fromkeys([*(row["subject"] for row in changes), *(photo.place[0] for photo in photos)]))


def _strata(protocol: Mapping[str, Any], changes: Sequence[Cells]) -> dict[str, dict[str, str]]:
    """Return each subject's value of each stratum."""
    names = (protocol.get("endpoint") or {}).get("strata") or []
    return {str(name): {row["subject"]: row[str(name)] for row in changes} for name in names}


def _visit_names(protocol: Mapping[str, Any], photos: Sequence[ScoredPhotoRow]) -> list[str]:
    scheduled = [str(visit["name"]) for visit in (protocol.get("endpoint") or {}).get("visits") or []]
    others = sorted({photo.row["visit"] for photo in photos} - set(scheduled))
    return [*scheduled, *others]


def _calendar(
    photos: Sequence[ScoredPhotoRow], changes: Sequence[Cells], visits: Sequence[str]
) -> list[tuple[str, list[CalendarCell]]]:
    here: dict[tuple[str, str], list[ScoredPhotoRow]] = {}
    for photo in photos:
        here.setdefault((photo.place[0], photo.row["visit"]), []).append(photo)
    rows = []
    for subject in _subjects(photos, changes):
        cells = []
        for visit in visits:
            own = here.get((subject, visit), [])
            href = link_to("scores", *own[0].place, REPORT_FILE) if own else ""
            cells.append(CalendarCell(scored=sum(photo.scored for photo in own), photos=len(own), href=href))
        rows.append((subject, cells))
    return rows


def _refusals(photos: Sequence[ScoredPhotoRow], language: Language) -> list[dict[str, Any]]:
    by_reason: dict[str, list[ScoredPhotoRow]] = {}
    for photo in photos:
        if not photo.scored:
            by_reason.setdefault(photo.row["reason"], []).append(photo)
    most = max(map(len, by_reason.values()), default=1)
    return [
        {
            "reason": reason,
            "meaning": _meaning(reason, language),
            "count": len(own),
            "bar": round(100 * len(own) / most, 1),
            "photos": own[:12],
            "more": max(0, len(own) - 12),
        }
        for reason, own in sorted(by_reason.items(), key=lambda one: (-len(one[1]), one[0]))
    ]


def _meaning(reason: str, language: Language) -> str:
    known = {one.value for one in Reason}
    return reason_text(Reason(reason), language).meaning if reason in known else ""


def _waterfalls(changes: Sequence[Cells]) -> list[dict[str, Any]]:
    """Return one waterfall a follow-up, the last one first."""
    by_visit: dict[str, list[Bar]] = {}
    for row in changes:
        if row["change_percent"]:
            by_visit.setdefault(row["visit"], []).append(
                Bar(
                    label=f"{row['subject']}, {row['site']}, {row['visit']}",
                    value=float(row["change_percent"]),
                    expanded=2 * float(row["u_change_percent"]) if row["u_change_percent"] else None,
                    href=link_to(SUBJECTS_FOLDER, f"{row['subject']}.html", anchor=row["site"]),
                )
            )
    order = list(dict.fromkeys(row["visit"] for row in changes))
    return [
        {
            "visit": visit,
            "bars": len(by_visit[visit]),
            "drawn": min(_MOST_BARS, len(by_visit[visit])),
            "plot": waterfall(by_visit[visit], title=f"Change of area at {visit}, percent, by site", most=_MOST_BARS),
        }
        for visit in sorted(by_visit, key=order.index, reverse=True)
    ]


def _listed(photos: Sequence[ScoredPhotoRow]) -> Sequence[ScoredPhotoRow]:
    """Return the photos of the table: all, or where there are too many, the refused and flagged ones first."""
    if len(photos) <= _MOST_ROWS:
        return photos
    first = [photo for photo in photos if not photo.scored or photo.row["flags"] not in {"", "mirror-undeclared"}]
    chosen = {id(photo) for photo in [*first, *photos][:_MOST_ROWS]}
    return [photo for photo in photos if id(photo) in chosen]


def _remarks(run: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Return what a run left alone or found odd, as run.json names it."""
    remarks = [
        (words, [str(one) for one in run.get(key) or []])
        for key, words in (
            ("without_photos", "Holds no photo, counts as missing"),
            ("left_alone", "Not a photo of a visit, left alone"),
            ("ignored_files", "Not a photo, left alone"),
            ("photos_not_in_manifest", "Not named in photos.csv, scored all the same"),
            ("no_longer_there", "No longer among the photos; its result is in the store alone"),
        )
    ]
    remarks.append(("The same file in several visits", [", ".join(group) for group in run.get("same_photos") or []]))
    followed = [
        f"{one.get('subject')} {one.get('site')} ({one.get('detail')})"
        for one in run.get("not_followed") or []
        if isinstance(one, dict)
    ]
    remarks.append(("Lesions not followed", followed))
    return [(words, found) for words, found in remarks if found]
