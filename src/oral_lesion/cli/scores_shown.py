"""What a person sees of scores: a progress bar while it works, then a table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from oral_lesion.errors import Flag
from oral_lesion.io.naming import printable
from oral_lesion.io.refusal_words import refusal_words
from oral_lesion.io.texts import Language, flag_text
from oral_lesion.records import Measurement, PhotoScore

if TYPE_CHECKING:
    from oral_lesion.io.batch import VisitScores

__all__ = ["photo_progress", "print_scores"]

_PLAIN_WIDTH = 160


@contextmanager
def photo_progress(*, shown: bool, title: str = "Scoring") -> Iterator[Callable[[int, int], None]]:
    """
    Show a progress bar on standard error while photos are scored; nothing where that is not a terminal.

    Parameters
    ----------
    shown : bool
        False for silence.
    title : str
        What is done.

    Yields
    ------
    callable
        Takes the number of photos done and of all photos.
    """
    console = Console(stderr=True)
    if not (shown and console.is_terminal):
        yield lambda _done, _total: None
        return
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("photos", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def print_scores(scores: VisitScores, results: Path, language: Language = Language.ENGLISH) -> None:
    """
    Print a visit's outcomes as a table for people, then where the files are.

    Parameters
    ----------
    scores : VisitScores
        All outcomes.
    results : Path
        Folder that was written.
    language : Language
        Of the notes.
    """
    console = Console() if sys.stdout.isatty() else Console(width=_PLAIN_WIDTH, no_color=True)
    table = Table()
    for heading in ("Photo", "Site", "Verdict"):
        table.add_column(heading, overflow="fold")
    table.add_column("Area ± U (k = 2), mm²", justify="right", no_wrap=True)
    table.add_column("Lesions", justify="right")
    table.add_column("Notes", overflow="fold", ratio=1)
    for outcome in scores.outcomes:
        table.add_row(*(escape(cell) for cell in _cells(outcome, language)))
    console.print(table)
    refused = sum(not outcome.scored for outcome in scores.outcomes)
    console.print(
        f"{len(scores.outcomes) - refused} scored, {refused} refused. Results: {escape(str(results))}",
        soft_wrap=True,
        highlight=False,
    )
    for name in scores.unlisted:
        console.print(f"Not named in photos.csv, scored all the same: {escape(name)}", soft_wrap=True, highlight=False)
    for name in scores.ignored:
        console.print(f"Not a photo, left alone: {escape(name)}", soft_wrap=True, highlight=False)


def _cells(score: PhotoScore, language: Language) -> tuple[str, str, str, str, str, str]:
    name, site = printable(score.identity.file), score.identity.site or "unknown"
    if isinstance(score.outcome, Measurement):
        u_mm2 = score.outcome.u_area_mm2
        area = f"{score.outcome.area_mm2:.1f}" + (" ± ?" if u_mm2 is None else f" ± {2 * u_mm2:.1f}")
        notes = " ".join(flag_text(flag, language) for flag in score.flags if flag is not Flag.MIRROR_UNDECLARED)
        return name, site, "scored", area, str(len(score.outcome.lesions)), notes
    return name, site, f"RETAKE ({score.outcome.reason})", "–", "–", refusal_words(score.outcome, language)
