"""Markdown tables of the documentation, as tests read them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_HEADING = re.compile(r"^#+ +(.+?) *$")
_CODE = re.compile(r"`([^`]+)`")
_CELLS = re.compile(r"(?<!\\)\|")


def tables_by_heading(page):
    """Return the first table below each heading that has one, as rows of cells."""
    tables, heading, reading = {}, "", False
    for line in page.read_text(encoding="utf-8").splitlines():
        found = _HEADING.match(line)
        if found:
            heading, reading = found.group(1), False
        elif line.startswith("|") and heading not in tables:
            tables[heading], reading = [cells_of(line)], True
        elif line.startswith("|") and reading:
            tables[heading].append(cells_of(line))
        else:
            reading = False
    return tables


def cells_of(line):
    return [cell.strip() for cell in _CELLS.split(line.strip().strip("|"))]


def codes_in(cell):
    return _CODE.findall(cell)


def tables_in(page):
    """Return all tables of a page, each as rows of cells."""
    tables, before = [], ""
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("|"):
            if not before.startswith("|"):
                tables.append([])
            tables[-1].append(cells_of(line))
        before = line
    return tables
