"""One HTML file from a template: text escaped, style and script inside and allowed by their hash, no network."""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from oral_lesion._version import __version__
from oral_lesion.adapters.html.printed import Number, number_of
from oral_lesion.adapters.html.words import say_in
from oral_lesion.io.one_by_one import write_bytes
from oral_lesion.io.texts import Language

__all__ = ["REPORT_FILE", "link_to", "remove_unfinished", "render", "write_page"]

REPORT_FILE = "report.html"


def render(template: str, *, page_language: Language = Language.ENGLISH, **values: Any) -> str:
    """
    Return a page.

    Parameters
    ----------
    template : str
        Name of a file in ``templates``.
    page_language : Language
        Of the page's own words.
    **values : object
        What it shows.

    Returns
    -------
    str
        HTML. Equal values give equal bytes.
    """
    environment = _environment()
    style, script = (_asset(environment, name) for name in ("style.css", "report.js"))
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash_of(style)}'; script-src '{_hash_of(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return environment.get_template(template).render(
        style=Markup(style),  # noqa: S704 - a file of this package
        script=Markup(script),  # noqa: S704 - a file of this package
        policy=policy,
        version=__version__,
        say=say_in(page_language),
        page_language=page_language.value,
        **values,
    )


def write_page(path: Path, page: str) -> None:
    """
    Write a page, whole or not at all.

    Parameters
    ----------
    path : Path
        Of the file.
    page : str
        HTML.
    """
    write_bytes(path, page.encode("utf-8", "replace"))


def remove_unfinished(folder: Path) -> None:
    """
    Remove what a process that was killed while it wrote a page has left.

    Parameters
    ----------
    folder : Path
        Of results.
    """
    for path in sorted(folder.glob(f".{REPORT_FILE}.partial-*")):
        path.unlink(missing_ok=True)


def link_to(*parts: str, anchor: str = "") -> str:
    """
    Return a relative link.

    Parameters
    ----------
    *parts : str
        Names of folders and the file, as they are on disk.
    anchor : str
        Id of an element there.

    Returns
    -------
    str
        With all that is not plain quoted.
    """
    path = "/".join(quote(part, safe="") for part in parts)
    return f"{path}#{quote(anchor, safe='')}" if anchor else path


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("oral_lesion.adapters.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number_of, data=_data)
    return environment


def _data(number: Number | None, missing: str = "–") -> Markup:
    if number is None:
        return Markup("{}").format(missing)
    return Markup('<data value="{}">{}</data>').format(number.cell, number.shown)


def _asset(environment: Environment, name: str) -> str:
    source, _, _ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
    return source


def _hash_of(content: str) -> str:
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
