"""Whether a cluster would give the same numbers as this machine; asked before any photo is scored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from distributed import Client

from oral_lesion.adapters.distributed.parcels import Parcel
from oral_lesion.adapters.distributed.worker import ModelPlugin, Terms, differences_here
from oral_lesion.errors import Fault, OralLesionError, SettingsError

__all__ = ["require_fit"]


def require_fit(client: Client, shown: str, function: Parcel, terms: Terms, plugins: Sequence[ModelPlugin]) -> None:
    """
    Bring the models to the workers, and refuse a cluster that differs from this machine.

    Parameters
    ----------
    client : Client
        Connected.
    shown : str
        Address of the scheduler, for people.
    function : Parcel
        The work, packed.
    terms : Terms
        What workers must be like.
    plugins : sequence of ModelPlugin
        Models.

    Raises
    ------
    SettingsError
        With each difference of each worker, and of the scheduler.
    """
    faults = [*_faults_of_scheduler(client), *_faults_of_threads(client)]
    if not faults:
        faults += _faults_of_models(client, plugins)
    if not faults:
        answers: dict[str, Any] = client.run(differences_here, function, terms, on_error="return")
        for worker, answer in sorted(answers.items()):
            words = (f"cannot be asked ({answer})",) if isinstance(answer, Exception) else answer
            faults += [Fault(f"worker {worker}", one) for one in words]
    if faults:
        raise SettingsError(f"{shown} (install the same versions on scheduler, workers and here)", faults)


def _faults_of_scheduler(client: Client) -> Iterator[Fault]:
    """Yield what keeps the scheduler from passing the work on: it opens it far enough to need the package."""
    try:
        client.run_on_scheduler(Parcel.of, None)
    except Exception as error:  # noqa: BLE001 - a package that is missing there comes as whatever unpickling raises
        yield Fault("scheduler", f"cannot import oral-lesion ({type(error).__name__}: {error})")


def _faults_of_threads(client: Client) -> Iterator[Fault]:
    for worker, threads in sorted(client.nthreads().items()):
        if threads != 1:
            yield Fault(f"worker {worker}", f"has {threads} threads; start it with --nthreads 1")


def _faults_of_models(client: Client, plugins: Sequence[ModelPlugin]) -> Iterator[Fault]:
    for plugin in plugins:
        try:
            client.register_plugin(plugin)
        except OralLesionError as error:
            yield Fault("model", str(error))
        except Exception as error:  # noqa: BLE001 - a package that is missing there comes as whatever unpickling raises
            yield Fault("model", f"a worker cannot take it ({type(error).__name__}: {error})")
