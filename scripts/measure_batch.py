"""
What `oral-lesion study` does with photos that fail and runs that are ended: the figures of docs/core-lab.md.

    python scripts/measure_batch.py                          # 300 photos, 13 of which fail, 20 ends
    python scripts/measure_batch.py --photos 60 --ends 5

Renders a study with twelve broken files and one photo that ends the process which works on it, runs it undisturbed,
then once more with SIGKILL at random moments and --resume each time, and compares all tables and pictures byte by byte.
Exit code 1 where anything is not as it must be.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

SUPPORT = Path(__file__).parents[1] / "tests" / "support"
SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
TELL_THE_TIME = ("run.json", "results.sqlite", ".lock")


def main() -> int:
    """Print the figures; exit code 1 where one is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--ends", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    sys.path.insert(0, str(SUPPORT))
    from batch_study import build_batch_study

    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        expected = build_batch_study(work / "photos", photos=arguments.photos)
        first, wall_s = run(work, "undisturbed", arguments.jobs)
        rows = outcomes_of(work / "undisturbed")
        refused = {file: reason for file, reason in rows if reason}
        print(f"photos: {arguments.photos}, outcomes: {len(rows)}, scored: {len(rows) - len(refused)}")
        print(f"refused: {dict(sorted(Counter(refused.values()).items()))}")
        print(f"exit code {first}, {wall_s:.0f} s, {arguments.photos / wall_s:.2f} photos/s with {arguments.jobs} jobs")
        checks = {
            "an outcome for each photo": len(rows) == arguments.photos,
            "the right reason for each": refused == expected,
            "exit code 3": first == 3,
        }
        moments = ended_runs(work, arguments)
        print(f"ended {len(moments)} times, when this many photos were done: {moments}")
        last, _ = run(work, "ended", arguments.jobs, "--resume")
        verdict = subprocess.run(
            [*command(), "audit", "verify", str(work), "--results", str(work / "ended")], check=False
        )
        checks |= {
            f"{arguments.ends} ends": len(moments) == arguments.ends,
            "exit code 3 at the end": last == 3,
            "identical tables and pictures": same(work / "undisturbed", work / "ended"),
            "no finished photo done again": stored(work / "ended") == arguments.photos,
            "audit chain intact": verdict.returncode == 0,
        }
    for name, holds in checks.items():
        print(f"{name}: {'yes' if holds else 'NO'}")
    return int(not all(checks.values()))


def command() -> list[str]:
    """Return how `oral-lesion` is called so that one photo ends its process."""
    return [sys.executable, str(SUPPORT / "batch_study.py")]


def study(work: Path, out: str, jobs: int, *options: str) -> list[str]:
    """Return the command of one run."""
    places = [str(work / "photos"), "-o", str(work / out)]
    return [*command(), "study", *places, "--segmenter", "truth", "--no-figures", "-j", str(jobs), *options]


def run(work: Path, out: str, jobs: int, *options: str) -> tuple[int, float]:
    """Run a study to its end, and return its exit code and seconds."""
    began = time.perf_counter()
    done = subprocess.run(study(work, out, jobs, *options), check=False, **SILENT)
    return done.returncode, time.perf_counter() - began


def ended_runs(work: Path, arguments: argparse.Namespace) -> list[int]:
    """End a study at random moments, and return how many photos were done at each."""
    draw = random.Random(arguments.seed)  # noqa: S311 - repeatable, no secret
    moments = []
    for target in sorted(draw.sample(range(arguments.photos), arguments.ends)):
        options = ["--resume"] if (work / "ended" / "run.json").is_file() else []
        started = subprocess.Popen(study(work, "ended", arguments.jobs, *options), **SILENT)
        while stored(work / "ended") < target and started.poll() is None:
            time.sleep(0.02)
        time.sleep(draw.uniform(0.0, 1.0))
        started.kill()
        if started.wait() == -signal.SIGKILL:
            moments.append(stored(work / "ended"))
    return moments


def outcomes_of(out: Path) -> list[tuple[str, str]]:
    """Return file and reason of each row of scores.csv."""
    import csv

    with (out / "scores.csv").open(encoding="utf-8", newline="") as file:
        return [(row["file"], row["reason"]) for row in csv.DictReader(file)]


def stored(out: Path) -> int:
    """Return how many outcomes the store holds, those that were superseded included."""
    try:
        connection = sqlite3.connect(f"{(out / 'results.sqlite').absolute().as_uri()}?mode=ro", uri=True)
        try:
            return int(connection.execute("SELECT count(*) FROM outcomes").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.OperationalError:
        return 0


def same(one: Path, other: Path) -> bool:
    """Return whether two results folders hold the same files with the same bytes."""
    trees = [
        {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and not path.name.endswith(TELL_THE_TIME)
        }
        for folder in (one, other)
    ]
    return trees[0] == trees[1]


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
