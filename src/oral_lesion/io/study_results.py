"""The results folder of a study: scores stay from run to run, tables and figures appear when a run has finished."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from oral_lesion.errors import OutputError
from oral_lesion.io.audit.file_lock import file_locked
from oral_lesion.io.one_by_one import write_bytes
from oral_lesion.io.store import READS_FOLDER, RUN_FILE, STORE_NAME

__all__ = ["StudyResults"]

_COMMAND = "study"
_TABLES = ("scores", "lesions", "quality", "colour")
_OURS = (
    "changes.csv", "endpoints.csv", "lesions_over_time.csv", "report.html", "ro-crate-metadata.json", "sbom.cdx.json",
    *(f"{table}{suffix}" for table in _TABLES for suffix in (".csv", ".parquet")),
)  # fmt: skip
_OUR_FOLDERS = ("figures", "subjects")
_LOCK = ".lock"
_SCRATCH = ".partial-scratch"


class StudyResults:
    """
    A study's results folder.

    ``results.sqlite`` is the store, ``scores/SUBJECT/VISIT`` are the folders of scored visits; both stay from run to
    run. What else is in it is removed when a run begins and put in place when it has ended well, run.json last.

    Parameters
    ----------
    folder : Path
        Where the results are to appear.
    inputs : iterable of Path
        Folders with the photos, which must not be touched.
    """

    def __init__(self, folder: Path, inputs: Iterable[Path]) -> None:
        self._folder = Path(os.path.abspath(folder))  # noqa: PTH100 - resolves "..", keeps symbolic links
        self._inputs = tuple(inputs)

    @property
    def store(self) -> Path:
        """File of the store."""
        return self._folder / STORE_NAME

    @property
    def scratch(self) -> Path:
        """Folder for what is not finished; it is removed when a run begins and when one ends."""
        return self._folder / _SCRATCH

    def pictures_of(self, place: str, photo_id: str) -> Path:
        """
        Return the folder of a photo's pictures.

        Parameters
        ----------
        place : str
            SUBJECT/VISIT.
        photo_id : str
            Of the photo.

        Returns
        -------
        Path
        """
        return self.scores_of(place) / "photos" / photo_id

    def take_away(self, place: str, photo_id: str, *, keep: bool) -> None:
        """
        Take a photo's pictures out of the scores.

        Parameters
        ----------
        place : str
            SUBJECT/VISIT.
        photo_id : str
            Of the photo.
        keep : bool
            Keep them in ``superseded``, under a number of their own.
        """
        pictures = self.pictures_of(place, photo_id)
        if not keep:
            shutil.rmtree(pictures)
            return
        number = 1
        while (kept := self._folder / "superseded" / place / f"{photo_id}.{number}").exists():
            number += 1
        kept.parent.mkdir(parents=True, exist_ok=True)
        pictures.rename(kept)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """
        Keep other runs out; the system gives the lock back when the process ends, however it ends.

        Yields
        ------
        None

        Raises
        ------
        OutputError
            Where another run is at work there, or the folder touches the photos or cannot be written.
        """
        self._require_apart()
        with self._opened_lock() as file, file_locked(file.fileno(), self._folder, timeout_s=0):
            yield

    def _opened_lock(self) -> BinaryIO:
        try:
            if self._folder.exists() and not self._folder.is_dir():
                raise OutputError(f"{self._folder}: expected a folder or nothing. Choose another one with --out.")
            self._folder.mkdir(parents=True, exist_ok=True)
            self._require_ours()
            return (self._folder / _LOCK).open("ab")
        except OSError as error:
            raise OutputError(f"{self._folder}: cannot be written ({error.strerror}). Choose another one.") from error

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
            Where it touches the photos, holds what is not ours, holds results and neither is given, holds reads by
            people that would be lost, or cannot be written.
        """
        run = self.run_before()
        if run is not None and not (resume or overwrite):
            state = "the results of a study" if run.get("finished") else "a run that did not finish"
            raise OutputError(
                f"{self._folder}: holds {state}. "
                "Go on with --resume, replace it with --overwrite (never under a lock), or use --out."
            )
        if overwrite and any((self._folder / READS_FOLDER).glob("*")):
            raise OutputError(
                f"{self._folder}: holds what people read, which --overwrite would lose. Use --resume or --out."
            )
        self._write_run({"command": _COMMAND, "finished": False})  # before what it tells of is no longer whole
        try:
            self._remove(keep_scores=not overwrite)
        except OSError as error:
            raise OutputError(f"{self._folder}: cannot be written ({error.strerror}). Choose another one.") from error

    def run_before(self) -> Mapping[str, Any] | None:
        """
        Return the run.json of an earlier run.

        Returns
        -------
        mapping or None
            None where nothing of ours is there.
        """
        try:
            run = json.loads((self._folder / RUN_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return run if isinstance(run, dict) and run.get("command") == _COMMAND else None

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

    def finish(self, run: Mapping[str, Any], places: Iterable[str], *, keep_pictures: bool = False) -> None:
        """
        Remove the scores of visits that are no longer there, and write run.json.

        Parameters
        ----------
        run : mapping
            What the run was.
        places : iterable of str
            SUBJECT/VISIT of all visits.
        keep_pictures : bool
            Keep the pictures of those visits in ``superseded``.
        """
        kept = {self.scores_of(place) for place in places}
        for folder in sorted((self._folder / "scores").glob("*/*")):
            if folder not in kept and (folder / RUN_FILE).is_file():
                for pictures in sorted((folder / "photos").glob("*")):
                    self.take_away(f"{folder.parent.name}/{folder.name}", pictures.name, keep=keep_pictures)
                shutil.rmtree(folder)
        for folder in sorted((self._folder / "scores").glob("*")):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        self._write_run({**run, "command": _COMMAND, "finished": True})

    def _require_apart(self) -> None:
        results = self._folder.resolve()
        for folder in self._inputs:
            inputs = folder.resolve()
            if results.is_relative_to(inputs) or inputs.is_relative_to(results):
                raise OutputError(f"{self._folder}: results must lie apart from the photos in {folder}. Use --out.")

    def _require_ours(self) -> None:
        others = {path.name for path in self._folder.iterdir()} - {_LOCK}
        if others and self.run_before() is None:
            raise OutputError(
                f"{self._folder}: holds files that are no results of a study. They are left alone. Use --out."
            )

    def _remove(self, *, keep_scores: bool) -> None:
        for path in sorted(self._folder.iterdir()):
            if (
                path.name in _OUR_FOLDERS
                or path.name.startswith(".partial-")
                or (path.name in {"scores", "superseded"} and not keep_scores)
            ):
                shutil.rmtree(path)
            elif path.name in _OURS or (path.name.startswith(STORE_NAME) and not keep_scores):
                path.unlink()

    def _write_run(self, contents: Mapping[str, Any]) -> None:
        text = json.dumps(contents, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        write_bytes(self._folder / RUN_FILE, (text + "\n").encode("utf-8", "backslashreplace"))
