"""What a person sees of changes: a table of sites and follow-ups."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from oral_lesion.io.csv_tables import Row

__all__ = ["print_changes"]

_PLAIN_WIDTH = 160


def print_changes(rows: Sequence[Row]) -> None:
    """
    Print the rows of changes.csv that have an area; the others are counted.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of changes.csv.
    """
    console = Console() if sys.stdout.isatty() else Console(width=_PLAIN_WIDTH, no_color=True)
    table = Table()
    for heading in ("Subject", "Site", "Visit"):
        table.add_column(heading, overflow="fold")
    for heading in ("Baseline, mm²", "Area, mm²", "Change ± U (k = 2), mm²", "Change, %"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("Notes", overflow="fold", ratio=1)
    shown = [row for row in rows if row["baseline_area_mm2"] is not None or row["area_mm2"] is not None]
    for row in shown:
        table.add_row(*(escape(cell) for cell in _cells(row)))
    console.print(table)
    if len(shown) < len(rows):
        console.print(f"{len(rows) - len(shown)} further rows in changes.csv, without any area.")


def _cells(row: Row) -> tuple[str, ...]:
    reason, registration = row["not_done_reason"], row["registration_failure"]
    detail = f": {row['detail']}" if reason and row["detail"] else ""
    notes = [
        f"not done ({reason}{detail})" if reason else "",
        "beyond repeatability" if row["exceeds_repeatability"] == 1 else "",
        f"not registered ({registration})" if registration else "",
        f"same photo as {row['same_photo_as']}" if row["same_photo_as"] else "",
        str(row["notes"] or ""),
    ]
    change = _number(row["change_mm2"], "+.1f")
    if row["u_change_mm2"] is not None:
        change = f"{change} ± {2.0 * float(row['u_change_mm2']):.1f}"
    return (
        str(row["subject"]),
        str(row["site"]),
        str(row["visit"]),
        _number(row["baseline_area_mm2"], ".1f"),
        _number(row["area_mm2"], ".1f"),
        change,
        _number(row["change_percent"], "+.1f"),
        ", ".join(note for note in notes if note),
    )


def _number(value: object, form: str) -> str:
    return format(value, form) if isinstance(value, int | float) else "–"
