"""The folder of a run's results: it appears whole, or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from oral_lesion.errors import OutputError

__all__ = ["READS_FOLDER", "RUN_FILE", "STORE_NAME", "OutputFolder", "write_run_json"]

RUN_FILE = "run.json"
READS_FOLDER = "reads"  # of what readers drew, in a study's results
STORE_NAME = "results.sqlite"
"""Of the embedded store in a study's results."""

_ELSEWHERE = "Choose another folder with --out."


class OutputFolder:
    """
    A results folder under construction: a context manager that gives the folder to write to.

    Writing goes to a hidden folder beside the results. It takes the results' name when the block ends well,
    and is removed when the block raises; earlier results stay until then.

    Parameters
    ----------
    results : Path
        Where the results are to appear.
    inputs : Path or None
        Folder that must not be touched, such as the visit's.
    overwrite : bool
        Replace earlier results. Only a folder that holds a run.json is ever replaced.

    Raises
    ------
    OutputError
        On entering: where `results` holds something already, touches the inputs or cannot be written. On
        leaving: where it cannot be put in place.
    """

    def __init__(self, results: Path, *, inputs: Path | None = None, overwrite: bool = False) -> None:
        self._results = Path(os.path.abspath(results))  # noqa: PTH100 - resolves "..", keeps symbolic links
        self._inputs = inputs
        self._overwrite = overwrite
        self._partial = self._beside("partial")

    def __enter__(self) -> Path:
        self._require_apart_from_inputs()
        self._require_free()
        try:
            self._results.parent.mkdir(parents=True, exist_ok=True)
            if self._partial.exists():  # left by a process that was killed, and had the same number
                shutil.rmtree(self._partial)
            self._partial.mkdir()
        except OSError as error:
            raise OutputError(f"{self._results.parent}: cannot be written ({error.strerror}). {_ELSEWHERE}") from error
        return self._partial

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._put_in_place()
        finally:
            shutil.rmtree(self._partial, ignore_errors=True)

    def _beside(self, role: str) -> Path:
        return self._results.parent / f".{self._results.name}.{role}-{os.getpid()}"

    def _require_apart_from_inputs(self) -> None:
        if self._inputs is None:
            return
        inputs, results = self._inputs.resolve(), self._results.resolve()
        if results.is_relative_to(inputs) or inputs.is_relative_to(results):
            raise OutputError(
                f"{self._results}: results must lie apart from the photos in {self._inputs}. {_ELSEWHERE}"
            )

    def _require_free(self) -> None:
        results = self._results
        try:
            if not (results.exists() or results.is_symlink()):
                return
            if results.is_symlink() or not results.is_dir():
                raise OutputError(f"{results}: expected a folder or nothing. {_ELSEWHERE}")
            if not any(results.iterdir()):
                return
            ours = (results / RUN_FILE).is_file()
        except OSError as error:
            raise OutputError(f"{results}: cannot be read ({error.strerror}). {_ELSEWHERE}") from error
        if not ours:
            raise OutputError(
                f"{results}: holds files that are no results of ours (no {RUN_FILE}). They are left alone. {_ELSEWHERE}"
            )
        if not self._overwrite:
            raise OutputError(f"{results}: holds earlier results. Replace them with --overwrite. {_ELSEWHERE}")

    def _put_in_place(self) -> None:
        self._require_free()  # what came there meanwhile is not to be lost
        aside = self._beside("replaced")
        try:
            if self._results.exists():
                self._results.rename(aside)
            try:
                self._partial.rename(self._results)
            except OSError:
                if aside.exists():
                    aside.rename(self._results)
                raise
        except OSError as error:
            raise OutputError(
                f"{self._results}: cannot be put in place ({error.strerror}). Close what uses it and retry."
            ) from error
        shutil.rmtree(aside, ignore_errors=True)


def write_run_json(path: Path, contents: Mapping[str, Any]) -> None:
    """
    Write what a run was: sorted and indented JSON, UTF-8, with a line break at the end.

    Parameters
    ----------
    path : Path
        Of run.json.
    contents : mapping
        Text, numbers, lists and mappings; no NaN.

    Raises
    ------
    OutputError
        Where it cannot be written, or holds something that JSON has no form for.
    """
    try:
        text = json.dumps(contents, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        path.write_bytes((text + "\n").encode("utf-8", "backslashreplace"))
    except (TypeError, ValueError) as error:
        raise OutputError(f"{path.name}: cannot be written as JSON ({error}).") from error
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}). Check space and rights.") from error
