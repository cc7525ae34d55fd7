"""The results folder of a study: scores stay from run to run, tables and figures appear when a run has finished."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oral_lesion.errors import OutputError
from oral_lesion.io.one_by_one import write_bytes
from oral_lesion.io.store import RUN_FILE

__all__ = ["StudyResults"]

_COMMAND = "study"
_OURS = ("changes.csv", "endpoints.csv", "lesions_over_time.csv")


class StudyResults:
    """
    A study's results folder.

    ``scores/SUBJECT/VISIT`` are the folders of scored visits. What else is in it is removed when a run begins and put
    in place when it has ended well, run.json last.

    Parameters
    ----------
    folder : Path
        Where the results are to appear.
    study : Path
        Folder with the photos, which must not be touched.
    """

    def __init__(self, folder: Path, study: Path) -> None:
        self._folder = Path(os.path.abspath(folder))  # noqa: PTH100 - resolves "..", keeps symbolic links
        self._study = study

    def scores_of(self, place: str) -> Path:
        """
        Return the folder of one visit's scores.

        Parameters
        ----------
        place : str
            SUBJECT/VISIT.

        Returns
        -------
        Path
        """
        return self._folder / "scores" / place

    def begin(self, *, resume: bool, overwrite: bool) -> None:
        """
        Make the folder ready.

        Parameters
        ----------
        resume : bool
            Keep the scores of an earlier run.
        overwrite : bool
            Remove the results of an earlier run.

        Raises
        ------
        OutputError
            Where it touches the photos, holds what is not ours, holds results and neither is given, or cannot be
            written.
        """
        inputs, results = self._study.resolve(), self._folder.resolve()
        if results.is_relative_to(inputs) or inputs.is_relative_to(results):
            raise OutputError(f"{self._folder}: results must lie apart from the photos in {self._study}. Use --out.")
        try:
            if self._folder.exists() and not self._folder.is_dir():
                raise OutputError(f"{self._folder}: expected a folder or nothing. Choose another one with --out.")
            if self._folder.is_dir() and any(self._folder.iterdir()):
                self._require_ours(resume=resume or overwrite)
                self._remove(keep_scores=not overwrite)
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self._folder}: cannot be written ({error.strerror}). Choose another one.") from error
        self._write_run({"command": _COMMAND, "finished": False})

    @contextmanager
    def tables(self) -> Iterator[Path]:
        """
        Give a folder to write tables and figures to; they are put in place when the block ends well.

        Yields
        ------
        Path
            Hidden folder.

        Raises
        ------
        OutputError
            Where they cannot be put in place.
        """
        partial = self._folder / f".partial-{os.getpid()}"
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            yield partial
            for path in sorted(partial.iterdir()):
                path.rename(self._folder / path.name)
        except OSError as error:
            raise OutputError(
                f"{self._folder}: cannot be written ({error.strerror}). Check space and rights."
            ) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def finish(self, run: Mapping[str, Any], places: Iterable[str]) -> None:
        """
        Remove the scores of visits that are no longer there, and write run.json.

        Parameters
        ----------
        run : mapping
            What the run was.
        places : iterable of str
            SUBJECT/VISIT of all visits.
        """
        kept = {self.scores_of(place) for place in places}
        for folder in sorted((self._folder / "scores").glob("*/*")):
            if folder not in kept and (folder / RUN_FILE).is_file():
                shutil.rmtree(folder)
        for folder in sorted((self._folder / "scores").glob("*")):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        self._write_run({**run, "command": _COMMAND, "finished": True})

    def _require_ours(self, *, resume: bool) -> None:
        try:
            run = json.loads((self._folder / RUN_FILE).read_text(encoding="utf-8"))
            ours = isinstance(run, dict) and run.get("command") == _COMMAND
        except (OSError, ValueError):
            ours = False
        if not ours:
            raise OutputError(
                f"{self._folder}: holds files that are no results of a study. They are left alone. Use --out."
            )
        if not resume:
            state = "the results of a study" if run.get("finished") else "a run that did not finish"
            raise OutputError(
                f"{self._folder}: holds {state}. Go on with --resume, replace it with --overwrite, or use --out."
            )

    def _remove(self, *, keep_scores: bool) -> None:
        for path in sorted(self._folder.iterdir()):
            if (
                path.name == "figures"
                or path.name.startswith(".partial-")
                or (path.name == "scores" and not keep_scores)
            ):
                shutil.rmtree(path)
            elif path.name in _OURS and path.is_file():
                path.unlink()

    def _write_run(self, contents: Mapping[str, Any]) -> None:
        text = json.dumps(contents, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        write_bytes(self._folder / RUN_FILE, (text + "\n").encode("utf-8", "backslashreplace"))
