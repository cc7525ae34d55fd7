"""The work queue: a result or a reason for each item, whatever an item does to its process."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from failing_work import work

from oral_lesion.errors import Reason
from oral_lesion.io.processes import LocalProcesses, WorkFailure, map_in_processes
from oral_lesion.io.refusal_words import refusal_words
from oral_lesion.io.texts import Language


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """All that can happen, among items that are well."""
    once = tmp_path_factory.mktemp("once") / "mark"
    items = [("well", number) for number in range(12)]
    bad = ["crash", "crash once", "segfault", "hang", "leave", "memory", "raise"]
    for place, what in enumerate(bad):
        items.insert(2 * place + 1, (what, str(once)))
    results = dict(LocalProcesses(2, time_limit_s=2.0)(work, items))
    assert sorted(results) == list(range(len(items)))
    return {what: results[2 * place + 1] for place, what in enumerate(bad)}, results, items


def test_the_others_go_on(outcomes):
    _, results, items = outcomes
    assert [results[at] for at, (what, _) in enumerate(items) if what == "well"] == list(range(12))


@pytest.mark.parametrize(
    ("what", "reason", "said"),
    [
        ("crash", Reason.WORKER_CRASHED, "SIGKILL, as a system does that runs out of memory"),
        ("segfault", Reason.WORKER_CRASHED, "SIGSEGV"),
        ("hang", Reason.TIME_LIMIT, "longer than 2.0 s"),
        ("leave", Reason.TIME_LIMIT, "longer than 2.0 s"),
        ("memory", Reason.OUT_OF_MEMORY, "MemoryError: no room"),
        ("raise", Reason.SCORING_FAILED, "ValueError: bad value"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="ends of processes have other names there")
def test_each_failure_has_its_reason(outcomes, what, reason, said):
    failure = outcomes[0][what]
    assert isinstance(failure, WorkFailure)
    assert (failure.reason, said in failure.detail) == (reason, True), failure
    refusal = failure.refusal
    assert (refusal.observed, refusal.limit) == (None, 2.0 if reason is Reason.TIME_LIMIT else None)
    for language in Language:
        assert refusal_words(refusal, language)


def test_what_ended_its_process_by_chance_is_done_the_second_time(outcomes):
    mark = outcomes[0]["crash once"]
    assert isinstance(mark, str)
    assert Path(mark).exists()


def test_one_job_works_apart_from_this_process():
    ((index, failure),) = LocalProcesses(1)(work, [("crash", 0)])
    assert (index, failure.reason) == (0, Reason.WORKER_CRASHED)


def test_what_the_function_raises_is_raised_where_no_reason_is_wanted():
    with pytest.raises(ValueError, match="bad value"):
        list(map_in_processes(work, [("well", 1), ("raise", 2)], 2, lambda _item: None))


def test_closing_ends_the_work_and_a_second_run_is_whole():
    queue = LocalProcesses(2)
    running = queue(work, [("well", number) for number in range(50)])
    next(running)
    running.close()
    assert sorted(value for _, value in queue(work, [("well", number) for number in range(5)])) == list(range(5))


ORPHANS = """
import os, sys
sys.path.insert(0, sys.argv[1])
from oral_lesion.io.processes import LocalProcesses
from failing_work import work
if __name__ == "__main__":
    for index, result in LocalProcesses(2)(work, [("well", n) for n in range(4)] + [("hang", 0)] * 4):
        print(result, flush=True)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_no_worker_outlives_the_run(tmp_path):
    script = tmp_path / "orphans.py"
    script.write_text(ORPHANS)
    with subprocess.Popen(
        [sys.executable, script, Path(__file__).parents[2] / "support"], stdout=subprocess.PIPE
    ) as run:
        for _ in range(4):
            run.stdout.readline()
        workers = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        assert len(workers) >= 2
        run.kill()
    until = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < until, "workers are still there"
        time.sleep(0.05)
