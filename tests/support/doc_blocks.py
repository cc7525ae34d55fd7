"""Fenced blocks of Markdown pages, and the commands in them."""

import re
import runpy
import shlex
import tempfile
from pathlib import Path

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[a-z]*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks_of(page):
    """Yield language and text of each fenced block, without its indentation."""
    for match in _FENCE.finditer(page.read_text(encoding="utf-8")):
        lines = match["text"].splitlines()
        yield match["language"], "\n".join(line.removeprefix(match["indent"]) for line in lines) + "\n"


def commands_in(text):
    """Return the commands of a shell block, each as a list of words; comments and line ends are undone."""
    lines = text.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def run_python(text):
    """Run an example as a script of its own, in the working folder."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "example.py"
        script.write_text(text, encoding="utf-8")
        runpy.run_path(str(script), run_name="__main__")
