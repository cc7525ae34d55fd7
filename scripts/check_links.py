"""Find dead links, without a network: `python scripts/check_links.py`, part of `make check`.

Looked through are all Markdown pages, the text cells of notebooks, and the pages that code and settings point to. Of
addresses of other sites only the form is looked at.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[1]
POINTER = re.compile(r"(?<![\w/.-])docs/[\w/.-]+\.(?:md|json)\b")
DOI = re.compile(r"doi:(10\.\S*)")
GOOD_DOI = re.compile(r"10\.\d{4,9}/\S+")
WHITE = re.compile(r"\s")
MARKDOWN = MarkdownIt("commonmark").enable("table")


def main(root: Path = ROOT) -> int:
    """Print each dead link with its place; return how many there are."""
    faults = sorted(set(faults_below(root)))
    for fault in faults:
        print(fault)
    print(f"{len(faults)} dead links" if faults else "No dead link.")
    return len(faults)


def faults_below(root: Path) -> Iterator[str]:
    """Yield what is wrong, as `file: what`."""
    for path in tracked(root):
        name = path.relative_to(root).as_posix()
        for text in texts_of(path):
            yield from (f"{name}: {fault}" for fault in faults_of_text(text, path, root))
        if path.suffix in {".py", ".toml", ".md"} and "tests" not in path.relative_to(root).parts:
            pointers = POINTER.findall(path.read_text(encoding="utf-8"))
            yield from (f"{name}: there is no {pointer}" for pointer in pointers if not (root / pointer).exists())


def tracked(root: Path) -> list[Path]:
    """Return the files that git knows, or would take, or all files where there is no git."""
    ran = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    names = ran.stdout.split("\0") if ran.returncode == 0 else (str(path) for path in root.rglob("*"))
    return [root / name for name in names if name and (root / name).is_file()]


def texts_of(path: Path) -> Iterator[str]:
    """Yield the Markdown in a file."""
    if path.suffix == ".md":
        yield path.read_text(encoding="utf-8")
    elif path.suffix == ".ipynb":
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        yield from ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def faults_of_text(text: str, path: Path, root: Path) -> Iterator[str]:
    """Yield the dead links of a text that stands in a file."""
    for target in targets_in(text):
        yield from fault_of_link(target, path, root)
    for doi in DOI.findall(text):
        if not GOOD_DOI.fullmatch(doi.rstrip(".,;:)]`\"'")):
            yield f"doi:{doi} is no DOI"


def targets_in(text: str) -> Iterator[str]:
    """Yield where links and pictures lead."""
    for token in walk(MARKDOWN.parse(text)):
        target = token.attrs.get("href") or token.attrs.get("src")
        if target:
            yield str(target)


def walk(tokens: list[Token]) -> Iterator[Token]:
    """Yield tokens and those inside of them."""
    for token in tokens:
        yield token
        yield from walk(token.children or [])


def fault_of_link(target: str, path: Path, root: Path) -> Iterator[str]:
    """Yield what is wrong with a link."""
    try:
        parts = urlsplit(target)
    except ValueError:
        yield f"{target} is no address"
        return
    if parts.scheme:
        if parts.scheme not in {"http", "https", "mailto"} or WHITE.search(unquote(target)):
            yield f"{target} is no address"
        elif parts.scheme != "mailto" and "." not in parts.netloc:
            yield f"{target} names no site"
        return
    place = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not place.is_relative_to(root) or not place.exists():
        yield f"{target} leads nowhere"
    elif parts.fragment and place.suffix == ".md" and unquote(parts.fragment) not in anchors_of(place):
        yield f"{target}: there is no such heading"


@cache
def anchors_of(page: Path) -> frozenset[str]:
    """Return the anchors of a page's headings, as the hosting page and the site form them."""
    anchors: dict[str, int] = {}
    tokens = MARKDOWN.parse(page.read_text(encoding="utf-8"))
    for opened, inside in itertools.pairwise(tokens):
        if opened.type == "heading_open":
            words = "".join(child.content for child in inside.children or [] if child.type in {"text", "code_inline"})
            anchor = re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")
            anchors[anchor] = anchors.get(anchor, -1) + 1
    return frozenset(
        anchor if number == 0 else f"{anchor}-{number}"
        for anchor, last in anchors.items()
        for number in range(last + 1)
    )


if __name__ == "__main__":
    sys.exit(min(1, main()))
