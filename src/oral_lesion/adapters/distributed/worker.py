"""What runs on a worker: one item at a time, with the versions, the model and the threads of any other place."""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from distributed import Status, Worker, WorkerPlugin, get_worker

from oral_lesion.adapters.distributed.parcels import Parcel
from oral_lesion.errors import BundleError
from oral_lesion.io.bundle import load_bundle
from oral_lesion.io.processes import WorkFailure, failure_of
from oral_lesion.io.study_lock import current_environment
from oral_lesion.segment import Segmenter

__all__ = [
    "Answer",
    "ModelPlugin",
    "Terms",
    "bundle_sha256",
    "differences",
    "differences_here",
    "environment_here",
    "perform",
    "segmenter_here",
]

_DELIVERY_S = 1.0
"""Seconds that a message needs to leave a worker that is about to end."""

_SETTLE_S = 0.5

_segmenters: dict[str, Segmenter] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """
    What an item is worked on under.

    Parameters
    ----------
    environment : tuple of (str, str)
        Versions and hashes where the run was started, as `environment_here` gives them.
    bundles : tuple of str
        Hashes of the model bundles that are needed.
    time_limit_s : float or None
        Seconds by the clock that an item may take.
    topic : str
        What is told of items that took longer is told under this name.
    """

    environment: tuple[tuple[str, str], ...]
    bundles: tuple[str, ...] = ()
    time_limit_s: float | None = None
    topic: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    What a worker gives back.

    Parameters
    ----------
    result : object
        Of the function, or the failure that it ended in.
    differences : tuple of str
        Where they are not empty, nothing was done, for the worker is not as the run demands.
    """

    result: Any = None
    differences: tuple[str, ...] = ()


class ModelPlugin(WorkerPlugin):
    """
    Brings a model to each worker, once, and opens it there.

    Parameters
    ----------
    files : mapping of str to bytes
        The bundle's files by name.
    """

    idempotent = True

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = dict(files)
        self.sha256 = bundle_sha256(files)
        self.name = f"oral-lesion-model-{self.sha256}"

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 - the same in each
        """
        Check the bundle and open its model, with one thread.

        Parameters
        ----------
        worker : Worker
            Where it runs.

        Raises
        ------
        BundleError
            Where it did not arrive as it was sent.
        """
        if self.sha256 in _segmenters:
            return
        with tempfile.TemporaryDirectory(prefix="oral-lesion-") as scratch:
            for name, content in self._files.items():
                (Path(scratch) / name).write_bytes(content)
            _segmenters[self.sha256] = load_bundle(Path(scratch)).open_segmenter(threads=1)


def bundle_sha256(files: Mapping[str, bytes]) -> str:
    """
    Return the hash of all of a bundle's files.

    Parameters
    ----------
    files : mapping of str to bytes
        By name.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    sums = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    return hashlib.sha256("".join(sums).encode()).hexdigest()


def segmenter_here(sha256: str) -> Segmenter:
    """
    Return the model that was brought to this worker.

    Parameters
    ----------
    sha256 : str
        Of its bundle.

    Returns
    -------
    Segmenter

    Raises
    ------
    BundleError
        Where it was not.
    """
    try:
        return _segmenters[sha256]
    except KeyError:
        raise BundleError(f"The model bundle {sha256[:12]}… is not on this worker. Run again with --resume.") from None


@functools.lru_cache(maxsize=4)
def _function_in(parcel: Parcel) -> Any:
    return parcel.opened()


@functools.lru_cache(maxsize=4)
def environment_here(function: Parcel) -> tuple[tuple[str, str], ...]:
    """
    Return what the numbers depend on, as it is in this process.

    Parameters
    ----------
    function : Parcel
        The work, packed; of a partial function with a protocol, its hash is computed here.

    Returns
    -------
    tuple of (str, str)
        Name and version or hash, by name.
    """
    environment = current_environment()
    found: dict[str, str] = environment.pop("packages")
    found = {**found, **environment, "distributed": metadata.version("distributed")}
    protocol = getattr(_function_in(function), "keywords", {}).get("protocol")
    if protocol is not None:
        found["protocol"] = protocol.sha256
    return tuple(sorted(found.items()))


def differences_here(function: Parcel, terms: Terms) -> tuple[str, ...]:
    """
    Return in words in what this process differs from where the run was started.

    Parameters
    ----------
    function : Parcel
        The work, packed.
    terms : Terms
        What the worker must be like.

    Returns
    -------
    tuple of str
        Empty where the same numbers will come out.
    """
    try:
        here = environment_here(function)
    except Exception as error:  # noqa: BLE001 - a module that is missing, or is another one, fails in any way
        return (f"cannot open the work ({type(error).__name__}: {error})",)
    missing = tuple(f"has not received the model bundle {one[:12]}…" for one in terms.bundles if one not in _segmenters)
    return (*differences(terms.environment, here), *missing)


def perform(function: Parcel, item: Parcel, ticket: int, terms: Terms) -> Answer:
    """
    Work on one item.

    Parameters
    ----------
    function, item : Parcel
        What is called, and what with.
    ticket : int
        Names the item in what is told of it.
    terms : Terms
        What the worker must be like.

    Returns
    -------
    Answer
        Result, failure, or why this worker did nothing.
    """
    import cv2

    found = differences_here(function, terms)
    if found:
        return Answer(differences=found)
    cv2.setNumThreads(1)
    _settle()
    try:
        with _time_limit(terms, ticket):
            return Answer(result=_function_in(function)(item.opened()))
    except Exception as error:  # noqa: BLE001 - whatever the function raised is the failure of this item
        return Answer(result=_sendable(failure_of(error)))


@functools.cache
def _settle() -> None:
    """Wait, once: a process that ends before its nanny has heard that it is up is not started again."""
    time.sleep(_SETTLE_S)


def differences(wanted: tuple[tuple[str, str], ...], got: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """
    Return in words what differs between two environments.

    Parameters
    ----------
    wanted, got : tuple of (str, str)
        Where the run was started, and on the worker.

    Returns
    -------
    tuple of str
        One each, by name.
    """
    here, there = dict(wanted), dict(got)
    return tuple(
        f"{name} is {there.get(name, 'missing')}, expected {here.get(name, 'none')}"
        for name in sorted(here.keys() | there.keys())
        if here.get(name) != there.get(name)
    )


def _sendable(failure: WorkFailure) -> WorkFailure:
    try:
        pickle.loads(pickle.dumps(failure))  # noqa: S301 - made here
    except Exception:  # noqa: BLE001 - an exception of any library may refuse to be pickled, in its own way
        return replace(failure, error=RuntimeError(failure.detail))
    return failure


@contextmanager
def _time_limit(terms: Terms, ticket: int) -> Iterator[None]:
    """End this process, after telling, where an item takes longer: nothing less stops a thread that hangs."""
    if terms.time_limit_s is None:
        yield
        return
    timer = threading.Timer(terms.time_limit_s, _tell_and_end, (get_worker(), terms.topic, ticket))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _tell_and_end(worker: Worker, topic: str, ticket: int) -> None:
    """Take no more work before telling, so that what is sent next does not end with this process."""
    worker.loop.add_callback(setattr, worker, "status", Status.closing_gracefully)
    worker.log_event(topic, ticket)
    time.sleep(_DELIVERY_S)
    os._exit(1)
