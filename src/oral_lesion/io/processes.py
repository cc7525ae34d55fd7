"""The same function for many items, in several processes; an item that ends its process harms no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

__all__ = ["map_in_processes", "one_opencv_thread"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_processes(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    jobs: int,
    after_crash: Callable[[Item], Result],
) -> Iterator[tuple[int, Result]]:
    """
    Yield (index, result) as they come.

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
    suspects: list[int] = []
    for index, crashed, result in _in_one_pool(function, items, range(len(items)), min(jobs, len(items))):
        if crashed or result is None:
            suspects.append(index)
        else:
            yield index, result
    for suspect in suspects:
        for index, crashed, result in _in_one_pool(function, items, [suspect], 1):
            yield index, after_crash(items[index]) if crashed or result is None else result


def _in_one_pool(
    function: Callable[[Item], Result], items: Sequence[Item], indices: Sequence[int], jobs: int
) -> Iterator[tuple[int, bool, Result | None]]:
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_use_one_opencv_thread) as pool:
        futures = {pool.submit(function, items[index]): index for index in indices}
        try:
            for future in as_completed(futures):
                try:
                    yield futures[future], False, future.result()
                except BrokenProcessPool:
                    yield futures[future], True, None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _use_one_opencv_thread() -> None:
    import cv2

    cv2.setNumThreads(1)


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
