"""
Photos scored on this machine and on a dask cluster on this machine: CPU, photos/s, memory.

    python scripts/measure_scale_out.py                  # local --jobs 1 and 2, cluster of 1 and 2 workers
    python scripts/measure_scale_out.py --items 100000   # memory of client and scheduler with that many tiny items

Each way of scoring has a process of its own, once with few photos and once with all: CPU seconds of all its processes
grow from one to the other by what the further photos cost, and what is left is start-up. Photos/s are counted from the
first photo that is done to the last. Everything listens on 127.0.0.1 alone.
"""

from __future__ import annotations

import argparse
import functools
import json
import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FEW = 2
WAYS = ("local-1", "cluster-1", "local-2", "cluster-2")
SHOWN_AT = (100, 1_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--photos", type=int, default=12, help="photos scored each way")
    parser.add_argument("--width", type=int, default=1600, help="of a photo, in pixels")
    parser.add_argument("--items", type=int, help="measure memory with so many tiny items instead")
    parser.add_argument("--child", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return score(arguments.child, arguments.folder, arguments.photos)
    if arguments.items:
        return hold_memory(arguments.items)
    with tempfile.TemporaryDirectory() as scratch:
        render(Path(scratch) / "photos", arguments.photos, arguments.width)
        few = {way: measure(way, Path(scratch), FEW) for way in WAYS}
        found = {way: measure(way, Path(scratch), arguments.photos) for way in WAYS}
    print(f"{arguments.photos} photos of {arguments.width} px, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("| | CPU s a photo | × local-1 | start-up CPU s | photos/s | × local-1 |")
    costs = {way: (found[way]["cpu_s"] - few[way]["cpu_s"]) / (arguments.photos - FEW) for way in WAYS}
    for way, cost in costs.items():
        rate, start_up = found[way]["photos_per_s"], few[way]["cpu_s"] - FEW * cost
        ratios = cost / costs["local-1"], rate / found["local-1"]["photos_per_s"]
        print(f"| {way} | {cost:.2f} | {ratios[0]:.2f} | {start_up:.1f} | {rate:.3f} | {ratios[1]:.2f} |")
    return 0


def render(out: Path, photos: int, width: int) -> None:
    """Render one photo a subject, all different."""
    from oral_lesion.io.settings import load_card
    from oral_lesion.phantom import SceneSettings, StudyPlan, plan_scenes, write_phantoms

    base = SceneSettings(seed=7, width_px=width, height_px=round(0.75 * width))
    plan = StudyPlan(subjects=photos, visits=1, sites=("buccal-left",))
    write_phantoms(out, plan_scenes(plan, base), load_card("colorchecker-classic-nano"))


def measure(way: str, folder: Path, photos: int) -> dict[str, float]:
    """Score the first photos in a process of its own."""
    command = [sys.executable, __file__, "--child", way, "--folder", str(folder), "--photos", str(photos)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def score(way: str, folder: Path, photos: int) -> int:
    """Score the photos one way, their pictures written, and print what it took."""
    from oral_lesion.io.batch import BundleSegmenters
    from oral_lesion.io.batch_photo import PhotoTask, score_task
    from oral_lesion.io.pictures import write_contents
    from oral_lesion.io.resources import default_bundle_path
    from oral_lesion.io.settings import load_study_protocol
    from oral_lesion.io.study_folders import find_study

    protocol = load_study_protocol(None).scoring
    source = BundleSegmenters.of(default_bundle_path())
    entries = [entry for visit in find_study(folder / "photos", []).visits for entry in visit.found][:photos]
    with work_queue(way) as work:
        places = [folder / f"{way}-of-{photos}" / str(number) for number in range(len(entries))]
        tasks = [
            PhotoTask(entry=entry, segmenters=source, scratch=place if work.shares_disk else None)
            for entry, place in zip(entries, places, strict=True)
        ]
        at = []
        for index, result in work(functools.partial(score_task, protocol=protocol), tasks):
            if not result.score.scored:
                raise SystemExit(f"photo {index} was refused: {result}")
            if result.pictures:
                write_contents(places[index], result.pictures)
            at.append(time.perf_counter())
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu_s = sum(one.ru_utime + one.ru_stime for one in used)
    print(json.dumps({"cpu_s": cpu_s, "photos_per_s": (len(at) - 1) / (at[-1] - at[0])}))
    return 0


@contextmanager
def work_queue(way: str) -> Iterator:
    """Give the processes of this machine, or a cluster of as many workers."""
    from oral_lesion.adapters.distributed import work_on_cluster
    from oral_lesion.io.processes import LocalProcesses

    where, _, number = way.partition("-")
    if where == "local":
        yield LocalProcesses(int(number))
        return
    with cluster_of(int(number)) as cluster:
        yield work_on_cluster(cluster.scheduler_address)


def cluster_of(workers: int):
    """Start workers of one thread each."""
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
        memory_limit=0,
    )


def hold_memory(items: int) -> int:
    """Print the memory of client and scheduler, which are one process here, as tiny items pass."""
    from oral_lesion.adapters.distributed.cluster import ClusterWork

    with cluster_of(2) as cluster:
        began, cpu_began = time.perf_counter(), time.process_time()
        print("| items done | MB of client and scheduler | CPU ms an item there | items/s |")
        for done, _ in enumerate(ClusterWork(cluster.scheduler_address)(abs, range(items)), start=1):
            if done in SHOWN_AT or done == items:
                wall, cpu = time.perf_counter() - began, time.process_time() - cpu_began
                print(f"| {done} | {resident_mb():.0f} | {1e3 * cpu / done:.2f} | {done / wall:.0f} |", flush=True)
    return 0


def resident_mb() -> float:
    """Return the memory of this process in MB, as the system counts it now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


if __name__ == "__main__":
    sys.exit(main())
