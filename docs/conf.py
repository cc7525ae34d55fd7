"""Sphinx: `make docs` builds these pages into build/site, without any network; a warning is a fault."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

ROOT = Path(__file__).resolve().parents[1]

project = "oral-lesion"
author = "The oral-lesion authors"
release = import_module("oral_lesion._version").__version__
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc", "sphinx_copybutton"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}

myst_heading_anchors = 4  # links to headings, as on the hosting page; a dead one is a warning
myst_enable_extensions = ["colon_fence", "attrs_block", "attrs_inline"]

autodoc_typehints = "none"  # docstrings say more: shape, unit, range
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
add_module_names = False
numpydoc_show_class_members = False
toc_object_entries_show_parents = "hide"

smartquotes = False  # `--json` stays what it is

html_theme = "furo"
html_title = f"oral-lesion {release}"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_favicon = "_static/logo.svg"
html_logo = "_static/logo.svg"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_extra_path = ["model-bundle.schema.json"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0f4c5c", "color-brand-content": "#a3303f"},
    "dark_css_variables": {"color-brand-primary": "#7cc4d8", "color-brand-content": "#f2a1a9"},
}
copybutton_exclude = ".linenos, .gp, .go"

SOURCE_URL = "https://github.com/oral-lesion/oral-lesion/blob/main"
INCLUDED = {"CHANGELOG.md": "project/changelog.md", "CONTRIBUTING.md": "project/contributing.md",
            "SECURITY.md": "project/security.md"}  # fmt: skip
"""Pages that only include a file from elsewhere in the repository; model cards go by their model's name."""

HELP_GOES_HERE, HELP_WIDTH = "<!-- the help of every command -->", 92

_LINK = re.compile(r"(\]\()(?!<|[a-z]+:|#)([^)\s#]+)((?:#[^)\s]*)?\))")


def lead_links_out_of_docs(_app: object, docname: str, source: list[str]) -> None:
    """Lead links that leave docs/ to the page that includes their target, or else to the source's own page."""
    here = posixpath.dirname(f"docs/{docname}")

    def led(match: re.Match[str]) -> str:
        before, target, after = match.groups()
        wanted = posixpath.normpath(posixpath.join(here, target))
        if wanted.startswith("docs/") or not (ROOT / wanted).exists():
            return match.group()  # within docs/, or dead: Sphinx finds out
        place = INCLUDED.get(wanted)
        if wanted.startswith("models/") and wanted.endswith("/model-card.md"):
            place = f"models/{wanted.split('/')[1]}.md"
        return f"{before}{f'/{place}' if place else f'{SOURCE_URL}/{wanted}'}{after}"

    source[0] = _LINK.sub(led, source[0])


def fill_in_commands(_app: object, docname: str, source: list[str]) -> None:
    """Put the help of every command into the page of commands, so that it cannot be out of date."""
    if docname == "commands":
        source[0] = source[0].replace(HELP_GOES_HERE, "\n".join(help_of_all_commands()))


def help_of_all_commands() -> Iterator[str]:
    """Yield a heading and the help of each command, in the order of `oral-lesion --help`."""
    cli = import_module("oral_lesion.cli.app")
    group = typer.main.get_command(cli.app)
    context = group.make_context("oral-lesion", [], resilient_parsing=True)
    for part, commands in cli.COMMANDS.items():
        yield f"## {part}\n"
        for name in commands:
            yield from help_of(group.get_command(context, name), f"oral-lesion {name}")


def help_of(command: Any, words: str) -> Iterator[str]:
    """Yield heading and help of a command, and of those below it."""
    context = command.make_context(words, [], resilient_parsing=True, terminal_width=HELP_WIDTH)
    yield f"### {words.removeprefix('oral-lesion ')}\n\n```text\n{command.get_help(context)}\n```\n"
    for name in getattr(command, "commands", ()):
        yield from help_of(command.get_command(context, name), f"{words} {name}")


def setup(app: object) -> None:
    """Register what is above."""
    app.connect("source-read", fill_in_commands)  # type: ignore[attr-defined]
    app.connect("source-read", lead_links_out_of_docs)  # type: ignore[attr-defined]
