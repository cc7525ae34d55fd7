"""The crops of an epoch, step by step: each process draws its own parts, beside others or in workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from oral_lesion.training.augment import Augmenter
from oral_lesion.training.data import Source, draw_batch, positions_of_step
from oral_lesion.training.run import Part
from oral_lesion.training.settings import StageSettings

__all__ = ["CropDrawer", "EpochPlan", "parts_of_step"]

_Batch = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochPlan:
    """
    Which crops of an epoch a process draws.

    Parameters
    ----------
    stage : StageSettings
        Stage of the epoch.
    seed, epoch : int
        Seed and epoch of the run.
    rank, processes : int
        Number of this process, from 0, and how many there are.
    accumulate : int
        Parts of a step in each process.
    """

    stage: StageSettings
    seed: int
    epoch: int
    rank: int = 0
    processes: int = 1
    accumulate: int = 1


def parts_of_step(plan: EpochPlan, step: int) -> list[tuple[list[int], float]]:
    """
    Return the parts of a step that belong to a process.

    The crops of a step are dealt out in order: first all parts of the first process.

    Parameters
    ----------
    plan : EpochPlan
        Stage, process and number of parts.
    step : int
        Step of the epoch, from 0.

    Returns
    -------
    list of tuple of (list of int, float)
        Positions of the crops, and their share of the step. Never empty: a process for which the last step has no
        crop gets one of weight 0, for all processes must take every step together.
    """
    positions = positions_of_step(plan.stage, step)
    dealt = np.array_split(np.asarray(positions), plan.processes * plan.accumulate)
    own = dealt[plan.rank * plan.accumulate : (plan.rank + 1) * plan.accumulate]
    parts = [([int(position) for position in part], len(part) / len(positions)) for part in own if len(part)]
    return parts or [([positions[0]], 0.0)]


class CropDrawer:
    """
    Draws the crops of a run, in this process or in workers that live as long as it does.

    Parameters
    ----------
    sources : mapping of str to Source
        Sources by name.
    workers : int
        Processes that draw; 0 draws here. They start afresh, for a fork beside OpenCV's and torch's threads may hang.
    """

    def __init__(self, sources: Mapping[str, Source], workers: int) -> None:
        self._sources, self._workers, self._augmenter = sources, workers, Augmenter()
        self._pool: ProcessPoolExecutor | None = None
        if workers:
            self._pool = ProcessPoolExecutor(
                workers, mp_context=get_context("spawn"), initializer=_start_worker, initargs=(sources,)
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def stream_steps(self, plan: EpochPlan) -> Iterator[list[Part]]:
        """
        Draw the crops of an epoch; they do not depend on the number of processes or workers.

        Parameters
        ----------
        plan : EpochPlan
            What to draw.

        Yields
        ------
        list of Part
            The parts of the next step that belong to this process.
        """
        steps = [parts_of_step(plan, step) for step in range(plan.stage.steps_per_epoch)]
        drawn = self._drawn(plan, [positions for parts in steps for positions, _ in parts])
        for parts in steps:
            step = []
            for _, weight in parts:
                srgb, labels = next(drawn)
                step.append(Part(srgb=torch.from_numpy(srgb), labels=torch.from_numpy(labels), weight=weight))
            yield step

    def _drawn(self, plan: EpochPlan, parts: list[list[int]]) -> Iterator[_Batch]:
        if self._pool is None:
            for positions in parts:
                yield _draw(self._sources, self._augmenter, plan, positions)
            return
        # Two parts a worker are under way: enough to keep all busy, and little memory.
        under_way: deque[Future[_Batch]] = deque()
        for positions in parts:
            under_way.append(self._pool.submit(_draw_in_worker, plan, positions))
            if len(under_way) > 2 * self._workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


def _draw(sources: Mapping[str, Source], augmenter: Augmenter, plan: EpochPlan, positions: list[int]) -> _Batch:
    return draw_batch(sources, plan.stage, augmenter, seed=plan.seed, epoch=plan.epoch, positions=positions)


_of_worker: dict[str, Any] = {}


def _start_worker(sources: Mapping[str, Source]) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    _of_worker.update(sources=sources, augmenter=Augmenter())


def _draw_in_worker(plan: EpochPlan, positions: list[int]) -> _Batch:
    return _draw(_of_worker["sources"], _of_worker["augmenter"], plan, positions)
