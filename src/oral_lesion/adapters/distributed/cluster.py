"""The work queue over a dask cluster: the same outcomes as on this machine, whatever becomes of single workers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import dask
from distributed import Client

from oral_lesion.adapters.distributed.fitness import require_fit
from oral_lesion.adapters.distributed.parcels import Parcel
from oral_lesion.adapters.distributed.queue import ClusterQueue
from oral_lesion.adapters.distributed.worker import ModelPlugin, Terms, environment_here
from oral_lesion.errors import OutputError
from oral_lesion.io.processes import WorkFailure
from oral_lesion.io.study_urls import without_secrets

__all__ = ["AsTheyAre", "ClusterWork", "Shipping"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_CONNECT_S = 10.0
_FIRST_WORKER_S = 60.0
_QUIET = {"distributed.admin.large-graph-warning-threshold": "2GB"}
"""dask takes an argument of 10 MB for a mistake; here it is a photo."""


class Shipping(Protocol):
    """Makes items independent of this machine."""

    def plugins(self, items: Sequence[Any]) -> Sequence[ModelPlugin]:
        """
        Return what is to be brought to each worker before any item is.

        Parameters
        ----------
        items : sequence
            All.

        Returns
        -------
        sequence of ModelPlugin
        """
        ...

    def packed(self, item: Any) -> Any:
        """
        Return an item that needs nothing of this machine; called when its turn comes.

        Parameters
        ----------
        item : object
            To be sent.

        Returns
        -------
        object
        """
        ...


class AsTheyAre:
    """Sends items as they are."""

    def plugins(self, items: Sequence[Any]) -> Sequence[ModelPlugin]:  # noqa: ARG002 - none needs any
        """
        Return nothing.

        Parameters
        ----------
        items : sequence
            All.

        Returns
        -------
        sequence of ModelPlugin
        """
        return ()

    def packed(self, item: Any) -> Any:
        """
        Return the item.

        Parameters
        ----------
        item : object
            To be sent.

        Returns
        -------
        object
        """
        return item


@dataclass(frozen=True, slots=True)
class ClusterWork:
    """
    Workers of a dask cluster.

    Parameters
    ----------
    scheduler : str
        Its address; TLS is set up in dask's own configuration.
    time_limit_s : float or None
        Seconds by the clock that an item may take on a worker; None for no limit.
    shipping : Shipping
        Makes items independent of this machine.
    """

    scheduler: str
    time_limit_s: float | None = 600.0
    shipping: Shipping = field(default_factory=AsTheyAre)

    @property
    def shares_disk(self) -> bool:
        """Never assumed."""
        return False

    def __call__(
        self, function: Callable[[Item], Result], items: Sequence[Item]
    ) -> Generator[tuple[int, Result | WorkFailure], None, None]:
        """
        Yield (index, result) as they come; closing the generator ends the work.

        No more than a few items a worker are under way at any time, so memory does not grow with their number.

        Parameters
        ----------
        function : callable
            Pickled, as items and results are; workers must be able to import it.
        items : sequence
            What it is called with.

        Yields
        ------
        tuple of (int, result or WorkFailure)
            Each index once.

        Raises
        ------
        OutputError
            Where the scheduler or all workers are lost; what was yielded stays right.
        SettingsError
            Where workers differ from this machine in what the numbers depend on; each difference is listed.
        """
        if not items:
            return
        work = Parcel.of(function)
        with dask.config.set(_QUIET), self._connected() as client:
            plugins = self.shipping.plugins(items)
            queue = ClusterQueue(client, self.shown)
            terms = Terms(
                environment=environment_here(work),
                bundles=tuple(plugin.sha256 for plugin in plugins),
                time_limit_s=self.time_limit_s,
                topic=queue.topic,
            )
            require_fit(client, self.shown, work, terms, plugins)
            yield from queue.results(work, terms, lambda index: self.shipping.packed(items[index]), len(items))

    @property
    def shown(self) -> str:
        """The address for people."""
        return without_secrets(self.scheduler)

    @contextmanager
    def _connected(self) -> Iterator[Client]:
        try:
            client = Client(self.scheduler, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            raise OutputError(
                f"{self.shown}: no scheduler answers there ({type(error).__name__}). Start one with `dask scheduler`, "
                "and check address, port and TLS settings."
            ) from error
        try:
            self._require_a_worker(client)
            yield client
        finally:
            client.close(timeout=_CONNECT_S)

    def _require_a_worker(self, client: Client) -> None:
        try:
            client.wait_for_workers(1, timeout=_FIRST_WORKER_S)
        except TimeoutError as error:
            raise OutputError(
                f"{self.shown}: the scheduler has had no worker for {_FIRST_WORKER_S:g} s. "
                f"Start some with `dask worker {self.shown} --nthreads 1`."
            ) from error
