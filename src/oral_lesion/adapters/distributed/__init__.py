"""A study's photos scored on a dask cluster; needs the extra ``scale``."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from oral_lesion.errors import MissingExtraError

if TYPE_CHECKING:
    from oral_lesion.adapters.distributed.cluster import ClusterWork

__all__ = ["work_on_cluster"]


def work_on_cluster(scheduler: str, *, time_limit_s: float | None = 600.0) -> ClusterWork:
    """
    Return a work queue for photos over the workers of a dask cluster.

    Parameters
    ----------
    scheduler : str
        Address, such as ``tcp://10.0.0.5:8786``.
    time_limit_s : float or None
        Seconds by the clock that a photo may take on a worker; None for no limit.

    Returns
    -------
    ClusterWork
        Which sends photos' bytes and the model along, so that workers need no disk in common.

    Raises
    ------
    MissingExtraError
        Where dask is not installed.
    """
    if find_spec("distributed") is None:
        raise MissingExtraError("--scheduler needs dask; install it with: pip install 'oral-lesion[scale]'")
    from oral_lesion.adapters.distributed.cluster import ClusterWork
    from oral_lesion.adapters.distributed.photos import PhotoShipping

    return ClusterWork(scheduler, time_limit_s=time_limit_s, shipping=PhotoShipping())
