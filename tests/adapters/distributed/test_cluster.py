"""The work queue over a cluster: a result or a reason for each item, whatever an item does to its worker."""

import logging
from pathlib import Path

import distributed
import pytest
from failing_work import work

from oral_lesion.adapters.distributed import cluster as cluster_module
from oral_lesion.adapters.distributed.cluster import AsTheyAre, ClusterWork
from oral_lesion.adapters.distributed.parcels import Parcel
from oral_lesion.adapters.distributed.worker import Terms, environment_here, perform
from oral_lesion.errors import OutputError, Reason, SettingsError
from oral_lesion.io.processes import WorkFailure


def own_cluster(threads_per_worker=1):
    """A cluster in this process, which a test may end."""
    return distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=threads_per_worker,
        processes=False,
        host="127.0.0.1",
        protocol="tcp://",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    )


@pytest.fixture(scope="module")
def outcomes(started_cluster, tmp_path_factory):
    """All that can happen, among items that are well."""
    once = tmp_path_factory.mktemp("once") / "mark"
    items = [("well", number) for number in range(12)]
    bad = ["crash", "crash once", "hang", "memory", "raise"]
    for place, what in enumerate(bad):
        items.insert(2 * place + 1, (what, str(once)))
    results = dict(ClusterWork(started_cluster.scheduler_address, time_limit_s=2.0)(work, items))
    assert sorted(results) == list(range(len(items)))
    return {what: results[2 * place + 1] for place, what in enumerate(bad)}, results, items


def test_the_others_go_on(outcomes):
    _, results, items = outcomes
    assert [results[at] for at, (what, _) in enumerate(items) if what == "well"] == list(range(12))


@pytest.mark.parametrize(
    ("what", "reason", "said"),
    [
        ("crash", Reason.WORKER_CRASHED, "ended without an answer"),
        ("hang", Reason.TIME_LIMIT, "longer than 2.0 s"),
        ("memory", Reason.OUT_OF_MEMORY, "MemoryError: no room"),
        ("raise", Reason.SCORING_FAILED, "ValueError: bad value"),
    ],
)
def test_each_failure_has_its_reason(outcomes, what, reason, said):
    failure = outcomes[0][what]
    assert isinstance(failure, WorkFailure)
    assert (failure.reason, said in failure.detail) == (reason, True), failure
    assert failure.refusal.limit == (2.0 if reason is Reason.TIME_LIMIT else None)


def test_what_ended_its_worker_by_chance_is_done_the_second_time(outcomes):
    mark = outcomes[0]["crash once"]
    assert isinstance(mark, str)
    assert Path(mark).exists()


def test_closing_ends_the_work_and_a_second_run_is_whole(cluster):
    queue = ClusterWork(cluster.scheduler_address)
    running = queue(work, [("well", number) for number in range(50)])
    next(running)
    running.close()
    assert sorted(value for _, value in queue(work, [("well", number) for number in range(5)])) == list(range(5))
    assert set(cluster.scheduler.clients) == {"fire-and-forget"}


def test_few_items_are_under_way_at_any_time(cluster):
    """So memory stays flat: items are made when their turn comes, not before."""
    packed = []

    class Counting(AsTheyAre):
        def packed(self, item):
            packed.append(item)
            return item

    most_ahead = 0
    items = [("well", number) for number in range(60)]
    for done, _ in enumerate(ClusterWork(cluster.scheduler_address, shipping=Counting())(work, items)):
        most_ahead = max(most_ahead, len(packed) - done)
    assert len(packed) == 60
    assert most_ahead <= 2 * 2 + 1
    assert not cluster.scheduler.tasks


def test_nobody_at_the_address_says_so():
    with pytest.raises(OutputError, match="no scheduler answers there") as caught:
        list(ClusterWork("tcp://user:word@127.0.0.1:1")(work, [("well", 1)]))
    assert "word" not in str(caught.value)


def test_a_lost_scheduler_is_an_error_that_names_the_remedy():
    with own_cluster() as cluster:
        running = ClusterWork(cluster.scheduler_address)(work, [("well", number) for number in range(50)])
        next(running)
        cluster.close()
        with pytest.raises(OutputError, match=r"scheduler is lost .* --resume"):
            list(running)


def test_workers_with_several_threads_are_refused():
    with own_cluster(threads_per_worker=2) as cluster, pytest.raises(SettingsError, match="2 threads; start it with"):
        list(ClusterWork(cluster.scheduler_address)(work, [("well", 1)]))


def test_other_versions_are_listed_and_refused_before_any_item(cluster, monkeypatch, tmp_path):
    here = dict(cluster_module.environment_here(Parcel.of(work)))
    wanted = {**here, "numpy": "1.0", "onnxruntime": "9.9", "protocol": "abc"}
    monkeypatch.setattr(cluster_module, "environment_here", lambda _work: tuple(sorted(wanted.items())))
    mark = tmp_path / "mark"
    with pytest.raises(SettingsError) as caught:
        list(ClusterWork(cluster.scheduler_address)(work, [("crash once", str(mark))]))
    said = str(caught.value)
    assert len(caught.value.faults) == 2 * 3
    for one in (f"numpy is {here['numpy']}, expected 1.0", "onnxruntime is", "protocol is missing, expected abc"):
        assert one in said
    assert not mark.exists()


def test_a_worker_that_joins_later_with_other_versions_does_nothing(monkeypatch):
    answer = perform(Parcel.of(work), Parcel.of(("raise", 0)), 1, Terms(environment=(("numpy", "1.0"),)))
    assert answer.result is None
    assert any("expected 1.0" in one for one in answer.differences)
    missing = Terms(environment=environment_here(Parcel.of(work)), bundles=("0" * 64,))
    assert "has not received the model" in perform(Parcel.of(work), Parcel.of(("raise", 0)), 1, missing).differences[0]


def test_no_log_shows_what_travels():
    assert "S-001" not in repr(Parcel.of("S-001"))
