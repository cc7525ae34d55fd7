"""What a person sees of a study: how far it is while it works, what it would do, and what came of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from oral_lesion.io.naming import printable
from oral_lesion.io.study_plan import Action, PlannedPhoto

if TYPE_CHECKING:
    from oral_lesion.io.study import StudyOutcome
    from oral_lesion.io.study_scoring import QueueProgress

__all__ = ["StudyProgress", "print_plan", "print_study", "study_progress"]

_LINE_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class StudyProgress:
    """
    What is to be told how far a study is.

    Parameters
    ----------
    on_photo : callable
        Takes the progress of the queue.
    on_site : callable
        Takes the number of sites followed and of all sites.
    """

    on_photo: Callable[[QueueProgress], None]
    on_site: Callable[[int, int], None]


@contextmanager
def study_progress(*, shown: bool, clock: Callable[[], float] = time.monotonic) -> Iterator[StudyProgress]:
    """
    Show on standard error how far a study is: a bar on a terminal, elsewhere a line every half minute.

    Parameters
    ----------
    shown : bool
        False for silence.
    clock : callable
        Gives seconds.

    Yields
    ------
    StudyProgress
    """
    console = Console(stderr=True)
    if not shown:
        yield StudyProgress(lambda _progress: None, lambda _done, _total: None)
        return
    if not console.is_terminal:
        yield StudyProgress(_Lines(clock).photo, lambda _done, _total: None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        photos, sites = progress.add_task("Photos", total=None), progress.add_task("Sites", total=None)
        began = clock()

        def on_photo(now: QueueProgress) -> None:
            told = f"Photos, {_rate(now, clock() - began)}, {now.refused} refused"
            progress.update(photos, completed=now.done, total=now.total, description=told)

        yield StudyProgress(on_photo, lambda done, total: progress.update(sites, completed=done, total=total))


class _Lines:
    """One line at a time, where there is no terminal that a bar could move on."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = self._told = clock()

    def photo(self, now: QueueProgress) -> None:
        moment = self._clock()
        if moment - self._told < _LINE_EVERY_S and now.done < now.total:
            return
        self._told = moment
        elapsed_s = moment - self._began
        left_s = elapsed_s / now.done * (now.total - now.done)
        left = f", about {_duration(left_s)} left" if now.done < now.total else ""
        typer.echo(f"{now.done} of {now.total} photos, {_rate(now, elapsed_s)}, {now.refused} refused{left}", err=True)


def _rate(now: QueueProgress, elapsed_s: float) -> str:
    return f"{now.done / elapsed_s:.2f} photos/s" if elapsed_s > 0 else "– photos/s"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{round(seconds)} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def print_plan(planned: Sequence[PlannedPhoto]) -> None:
    """
    Print what a run would do with each photo.

    Parameters
    ----------
    planned : sequence of PlannedPhoto
        One a photo.
    """
    width = max(len(action.value) for action in Action)
    for one in planned:
        why = f" ({one.why})" if one.why else ""
        typer.echo(f"{one.action.value:<{width}}  {printable(one.place)}/{one.entry.identity.file}{why}")
    counts = Counter(one.action for one in planned)
    typer.echo(
        f"{len(planned)} photos: {counts[Action.SCORE]} to score, {counts[Action.AGAIN]} to score again, "
        f"{counts[Action.KEEP]} to keep. Nothing was written."
    )


def print_study(outcome: StudyOutcome, out: Path) -> None:
    """
    Print what came of a study.

    Parameters
    ----------
    outcome : StudyOutcome
        Of the run.
    out : Path
        Results folder.
    """
    from oral_lesion.cli.changes_shown import print_changes

    print_changes(outcome.changes)
    run: dict[str, Any] = dict(outcome.run)
    counts = run["counts"]
    kept = counts["photos"] - run["photos_scored_now"]
    typer.echo(
        f"{counts['subjects']} subjects, {counts['visits']} visits, {counts['photos']} photos: "
        f"{counts['scored']} scored, {counts['refused']} refused"
        f"{f', of which {kept} were kept as they were' if kept else ''}. Results: {out}"
    )
    if all(row["baseline_area_mm2"] is None for row in outcome.changes):
        baseline = run["protocol"]["endpoint"]["baseline_visit"]
        typer.echo(f"No site was scored at the baseline, which the protocol calls {baseline}: there is no change.")
    for name in run["without_photos"]:
        typer.echo(f"Holds no photo, counts as missing: {name}")
    for name in (*run["left_alone"], *run["ignored_files"]):
        typer.echo(f"Not a photo of a visit, left alone: {name}")
    for name in run["photos_not_in_manifest"]:
        typer.echo(f"Not named in photos.csv, scored all the same: {name}")
    for name in run["no_longer_there"]:
        typer.echo(f"No longer among the photos; its result is in the store alone: {name}")
    for group in run["same_photos"]:
        typer.echo(f"The same file in several visits: {', '.join(group)}")
    for one in run["not_followed"]:
        typer.echo(f"Lesions not followed: {one['subject']} {one['site']} ({one['detail']})")
