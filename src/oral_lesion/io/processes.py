"""
The work queue: one function for many items, in processes of their own; an item that ends its process harms no other.

`MapWork` is the port through which a study is scored. `LocalProcesses` is this machine; a cluster is just another one.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from typing import Any, Protocol, TypeVar

from pebble import ProcessExpired, ProcessPool

from oral_lesion.errors import OutputError, Reason, Refusal

__all__ = ["LocalProcesses", "MapWork", "WorkFailure", "failure_of", "map_in_processes", "one_opencv_thread"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD_PER_JOB = 2  # a worker finds its next item waiting; more would only take memory
_GRACE_S = 120.0
_MOST_BROKEN_IN_A_ROW = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkFailure:
    """
    What came of an item in place of a result.

    Parameters
    ----------
    reason : Reason
        ``worker-crashed``, ``time-limit``, ``out-of-memory``, or ``scoring-failed`` where the function raised.
    detail : str
        For the log.
    limit_s : float or None
        That was passed, of ``time-limit``.
    error : Exception or None
        What the function raised; None where its process ended or was stopped.
    """

    reason: Reason
    detail: str
    limit_s: float | None = None
    error: Exception | None = None

    @property
    def refusal(self) -> Refusal:
        """As the outcome of a photo; how long it took is not stated, for it is another time every time."""
        unit = "" if self.limit_s is None else "s"
        return Refusal(reason=self.reason, limit=self.limit_s, unit=unit, detail=self.detail)


class MapWork(Protocol):
    """Calls a function with each item somewhere: the port of the work queue."""

    @property
    def shares_disk(self) -> bool:
        """Whether what the function writes to a path of this machine is found there."""
        ...

    def __call__(
        self, function: Callable[[Item], Result], items: Sequence[Item]
    ) -> Generator[tuple[int, Result | WorkFailure], None, None]:
        """
        Yield (index, result) as they come, each index once; closing the generator ends the work.

        Parameters
        ----------
        function : callable
            Pickled, as items and results are.
        items : sequence
            What it is called with.

        Yields
        ------
        tuple of (int, result or WorkFailure)
            A failure is that of its item alone, and of no chance: an item that ended its process or passed the time
            limit was tried a second time, alone.
        """
        ...


@dataclass(frozen=True, slots=True)
class LocalProcesses:
    """
    Processes of this machine.

    Parameters
    ----------
    jobs : int
        How many work at the same time; also one works apart from this process.
    time_limit_s : float or None
        Seconds by the clock that an item may take; None for no limit. It is there for what hangs, and is to be so long
        that no item comes near it on any machine.
    """

    jobs: int = 1
    time_limit_s: float | None = 600.0

    @property
    def shares_disk(self) -> bool:
        """It is this machine's."""
        return True

    def __call__(
        self, function: Callable[[Item], Result], items: Sequence[Item]
    ) -> Generator[tuple[int, Result | WorkFailure], None, None]:
        """
        Yield (index, result) as they come.

        Parameters
        ----------
        function : callable
            Pickled, as items and results are.
        items : sequence
            What it is called with.

        Yields
        ------
        tuple of (int, result or WorkFailure)
            Each index once.

        Raises
        ------
        OutputError
            Where no processes can be started.
        """
        suspects: list[int] = []
        jobs = min(self.jobs, len(items))
        for index, outcome in self._in_pools(function, items, list(range(len(items)))[::-1], jobs):
            if isinstance(outcome, WorkFailure) and outcome.error is None:
                suspects.append(index)
            else:
                yield index, outcome
        for suspect in sorted(suspects):
            yield from self._in_pools(function, items, [suspect], 1)

    def _in_pools(
        self, function: Callable[[Item], Result], items: Sequence[Item], waiting: list[int], jobs: int
    ) -> Iterator[tuple[int, Result | WorkFailure]]:
        """Work through the waiting indices, the last first; a pool that breaks is replaced."""
        broken_in_a_row = 0
        while waiting:
            done = 0
            for index, outcome in self._in_one_pool(function, items, waiting, jobs):
                done += not (isinstance(outcome, WorkFailure) and outcome.error is None)
                yield index, outcome
            broken_in_a_row = 0 if done else broken_in_a_row + 1
            if waiting and broken_in_a_row == _MOST_BROKEN_IN_A_ROW:
                raise OutputError("Processes end before they do any work. Free memory, or try fewer with --jobs.")

    def _in_one_pool(
        self, function: Callable[[Item], Result], items: Sequence[Item], waiting: list[int], jobs: int
    ) -> Iterator[tuple[int, Result | WorkFailure]]:
        pool = ProcessPool(max_workers=jobs, initializer=_begin_worker, context=get_context("spawn"))
        running: dict[Future[Result], int] = {}
        patience_s = None if self.time_limit_s is None else self.time_limit_s + _GRACE_S
        try:
            while running or waiting:
                while waiting and len(running) < _AHEAD_PER_JOB * jobs and pool.active:
                    index = waiting.pop()
                    running[pool.schedule(function, args=(items[index],), timeout=self.time_limit_s)] = index
                if not running:
                    return  # the pool broke; the next one takes what is waiting
                ended, _ = wait(running, timeout=patience_s, return_when=FIRST_COMPLETED)
                for future in ended or list(running):  # none for so long: what was sent back is lost
                    yield running.pop(future), self._outcome_of(future)
                if not ended:
                    return
        finally:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()

    def _outcome_of(self, future: Future[Any]) -> Any:
        try:
            return future.result(timeout=0)
        except TimeoutError:
            detail = f"It took longer than {self.time_limit_s} s."
            return WorkFailure(reason=Reason.TIME_LIMIT, limit_s=self.time_limit_s, detail=detail)
        except ProcessExpired as error:
            return WorkFailure(reason=Reason.WORKER_CRASHED, detail=_how_it_ended(error.exitcode))
        except BrokenProcessPool:
            return WorkFailure(reason=Reason.WORKER_CRASHED, detail="Its process ended without an answer.")
        except Exception as error:  # noqa: BLE001 - whatever the function raised is the failure of this item
            return failure_of(error)


def failure_of(error: Exception) -> WorkFailure:
    """
    Return the failure that an exception is.

    Parameters
    ----------
    error : Exception
        That the function raised.

    Returns
    -------
    WorkFailure
        ``out-of-memory`` where memory was wanting, ``scoring-failed`` otherwise.
    """
    wanting = isinstance(error, MemoryError) or getattr(error, "code", None) == _OPENCV_NO_MEMORY
    reason = Reason.OUT_OF_MEMORY if wanting else Reason.SCORING_FAILED
    return WorkFailure(reason=reason, detail=f"{type(error).__name__}: {error}", error=error)


_OPENCV_NO_MEMORY = -4  # cv::Error::StsNoMem


def _how_it_ended(exit_code: int | None) -> str:
    if exit_code is None or exit_code >= 0:
        return f"Its process ended with code {exit_code}."
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = str(-exit_code)
    hint = ", as a system does that runs out of memory" if name == "SIGKILL" else ""
    return f"Its process was ended by {name}{hint}."


def map_in_processes(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    jobs: int,
    after_crash: Callable[[Item], Result],
) -> Iterator[tuple[int, Result]]:
    """
    Yield (index, result) as they come, without a time limit; what the function raises is raised here.

    Parameters
    ----------
    function : callable
        Travels to the processes, as items and results do.
    items : sequence
        What it is called with.
    jobs : int
        Processes; 1 calls it in this one.
    after_crash : callable
        Gives the result of an item that ended its process, twice: the second time alone.

    Yields
    ------
    tuple of (int, result)
        Each index once.
    """
    if jobs == 1 or len(items) < 2:
        yield from enumerate(map(function, items))
        return
    for index, outcome in LocalProcesses(jobs, time_limit_s=None)(function, items):
        if not isinstance(outcome, WorkFailure):
            yield index, outcome
        elif outcome.error is not None:
            raise outcome.error
        else:
            yield index, after_crash(items[index])


def _begin_worker() -> None:
    import cv2

    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    """End this process when its parent does: an orphan must not work on beside the run that takes over."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """
    Keep OpenCV to one thread, as in the other processes.

    Yields
    ------
    None
    """
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
