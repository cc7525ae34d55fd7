"""Commands that are imported when they are used, so that help costs the same however many there are."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import typer
from typer.core import TyperGroup

__all__ = ["CommandGroups", "LazyCommands", "group_of"]

CommandGroups = Mapping[str, Mapping[str, str]]


class LazyCommands(Mapping[str, Any]):
    """
    Commands by name, each imported when it is first asked for.

    Parameters
    ----------
    groups : mapping
        Heading to commands: name to its line in the help. The command NAME is ``oral_lesion.cli.NAME``: its ``app``, or
        else its function NAME.
    """

    def __init__(self, groups: CommandGroups) -> None:
        self.groups = groups
        self._lines = {name: line for commands in groups.values() for name, line in commands.items()}
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _load(name, self._lines[name])
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)


def group_of(groups: CommandGroups) -> type[TyperGroup]:
    """
    Return the class of a command group whose commands are imported at use, and listed under their headings.

    Parameters
    ----------
    groups : mapping
        As for `LazyCommands`.

    Returns
    -------
    type
        For the argument ``cls`` of `typer.Typer`.
    """

    class LazyGroup(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.commands: Any = LazyCommands(groups)

        def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is typer's
            return list(self.commands)

        def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - the signature is typer's
            width = max(map(len, self.commands))
            for heading, commands in groups.items():
                with formatter.section(heading):
                    formatter.write_dl([(name.ljust(width), line) for name, line in commands.items()])

    return LazyGroup


def _load(name: str, line: str) -> Any:
    module = importlib.import_module(f"oral_lesion.cli.{name}")
    app = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name, short_help=line)(getattr(module, name))
        return typer.main.get_command(app)
    group = typer.main.get_group(app)
    group.name, group.short_help = name, line
    return group
