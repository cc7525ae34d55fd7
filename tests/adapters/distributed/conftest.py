"""A cluster of two processes on this machine, shared by the tests of this folder."""

import logging

import dask
import distributed
import pytest

_SETTINGS = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.deploy.lost-worker-timeout": "1 hour",  # else it closes for good one that dies often, as ours do
}


@pytest.fixture
def cluster(started_cluster):
    """The cluster, whole again."""
    started_cluster.wait_for_workers(2, timeout=60)
    return started_cluster


@pytest.fixture(scope="session")
def started_cluster():
    """Two workers with one thread each, that are started again when they die; one death of its worker fails an item."""
    with (
        dask.config.set(_SETTINGS),
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
            memory_limit=0,
        ) as started,
    ):
        yield started
