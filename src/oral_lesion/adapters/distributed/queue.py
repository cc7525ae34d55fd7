"""Items under way on a cluster: few at a time, each until its outcome is certain."""

from __future__ import annotations

import functools
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from distributed import Client, Future
from distributed.scheduler import KilledWorker

from oral_lesion.adapters.distributed.parcels import Parcel
from oral_lesion.adapters.distributed.worker import Answer, Terms, perform
from oral_lesion.errors import Fault, OutputError, Reason, SettingsError
from oral_lesion.io.processes import WorkFailure, failure_of

__all__ = ["ClusterQueue"]

_AHEAD_PER_WORKER = 2  # a worker finds its next item waiting; more would only take memory
_COUNT_EVERY_S = 5.0
_DEATHS = 2
_GRACE_S = 300.0
"""Seconds beyond the time limit without any answer, after which the cluster counts as lost. Longer than the 5 minutes
after which a scheduler gives up a worker that is silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _UnderWay:
    index: int
    future: Future[Answer]


class ClusterQueue:
    """
    Sends items and takes in what comes of them.

    Parameters
    ----------
    client : Client
        Connected.
    shown : str
        Address of the scheduler, for people.
    """

    def __init__(self, client: Client, shown: str) -> None:
        self._client = client
        self._shown = shown
        self._run = uuid.uuid4().hex
        self._events: SimpleQueue[tuple[int, bool]] = SimpleQueue()
        self._under_way: dict[int, _UnderWay] = {}
        self._tickets = 0
        self._deaths = 0
        self._counted_at, self._workers = 0.0, 1

    @property
    def topic(self) -> str:
        """Under which workers tell of items that took too long."""
        return f"oral-lesion-late-{self._run}"

    def results(
        self, function: Parcel, terms: Terms, packed: Callable[[int], Any], count: int
    ) -> Iterator[tuple[int, Any]]:
        """
        Yield (index, result) as they come; an item that ended its worker or took too long is tried again alone.

        Parameters
        ----------
        function : Parcel
            The work.
        terms : Terms
            What workers must be like.
        packed : callable
            Gives an item by its index, ready to be sent.
        count : int
            Of items.

        Yields
        ------
        tuple of (int, result or WorkFailure)
            Each index once.

        Raises
        ------
        OutputError
            Where scheduler or workers are lost.
        SettingsError
            Where a worker that joined later differs from this machine.
        """
        self._client.subscribe_topic(self.topic, self._on_late)
        send = functools.partial(self._send, function, packed, terms)
        suspects: list[int] = []
        try:
            for index, outcome in self._stream(range(count), send, terms, alone=False):
                if isinstance(outcome, WorkFailure) and outcome.error is None:
                    suspects.append(index)
                else:
                    yield index, outcome
            for suspect in sorted(suspects):
                yield suspect, self._certain_outcome(suspect, send, terms)
        finally:
            self._let_go()

    def _certain_outcome(self, index: int, send: Callable[[int], None], terms: Terms) -> Any:
        """Work on one item with none beside it, whose fault it may have been, until it has ended two workers."""
        self._deaths = 0
        while True:
            ((_, outcome),) = self._stream([index], send, terms, alone=True)
            crashed = isinstance(outcome, WorkFailure) and outcome.reason is Reason.WORKER_CRASHED
            if not crashed or self._deaths >= _DEATHS:
                return outcome

    def _stream(
        self, indices: Iterable[int], send: Callable[[int], None], terms: Terms, *, alone: bool
    ) -> Iterator[tuple[int, Any]]:
        waiting = iter(indices)
        while True:
            while len(self._under_way) < (1 if alone else self._ahead()):
                index = next(waiting, None)
                if index is None:
                    break
                send(index)
            if not self._under_way:
                return
            ticket, late = self._next_event(terms)
            ended = self._under_way.pop(ticket, None)
            if ended is not None:
                yield ended.index, self._late(ended, terms) if late else self._outcome_of(ended)

    def _send(self, function: Parcel, packed: Callable[[int], Any], terms: Terms, index: int) -> None:
        item = Parcel.of(packed(index))
        self._tickets += 1
        ticket = self._tickets
        try:
            future = self._client.submit(
                perform, function, item, ticket, terms, key=("oral-lesion-" + self._run, ticket), pure=False
            )
        except Exception as error:
            raise self._lost(error) from error
        self._under_way[ticket] = _UnderWay(index=index, future=future)
        future.add_done_callback(lambda _future: self._events.put((ticket, False)))

    def _on_late(self, event: tuple[float, int]) -> None:
        self._events.put((event[1], True))

    def _next_event(self, terms: Terms) -> tuple[int, bool]:
        patience_s = None if terms.time_limit_s is None else terms.time_limit_s + _GRACE_S
        try:
            return self._events.get(timeout=patience_s)
        except Empty:
            message = (
                f"{self._shown}: no worker has answered for {patience_s:g} s. Look at the workers' logs. {_REMEDY}"
            )
            raise OutputError(message) from None

    def _ahead(self) -> int:
        """Return how many items may be under way; workers come and go."""
        now = time.monotonic()
        if now - self._counted_at > _COUNT_EVERY_S:
            try:
                self._workers = max(1, len(self._client.nthreads()))
            except Exception as error:
                raise self._lost(error) from error
            self._counted_at = now
        return _AHEAD_PER_WORKER * self._workers

    def _late(self, ended: _UnderWay, terms: Terms) -> WorkFailure:
        self._client.cancel([ended.future])
        detail = f"It took longer than {terms.time_limit_s} s."
        return WorkFailure(reason=Reason.TIME_LIMIT, limit_s=terms.time_limit_s, detail=detail)

    def _outcome_of(self, ended: _UnderWay) -> Any:
        future = ended.future
        try:
            answer: Answer = future.result(timeout=_GRACE_S)
        except KilledWorker as error:
            self._deaths += error.allowed_failures + 1
            return WorkFailure(reason=Reason.WORKER_CRASHED, detail="Its process ended without an answer.")
        except Exception as error:
            if future.status != "error":
                raise self._lost(error) from error
            return failure_of(error)
        if answer.differences:
            faults = [Fault("a worker that joined later", one) for one in answer.differences]
            raise SettingsError(f"{self._shown} (install the same versions everywhere, then use --resume)", faults)
        return answer.result

    def _lost(self, error: Exception) -> OutputError:
        return OutputError(f"{self._shown}: the scheduler is lost ({type(error).__name__}). {_REMEDY}")

    def _let_go(self) -> None:
        if self._client.status == "running":
            self._client.cancel([one.future for one in self._under_way.values()])
        self._under_way.clear()


_REMEDY = "What was scored is kept: start the cluster again, and the study with --resume."
