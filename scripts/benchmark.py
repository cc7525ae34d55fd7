"""
Cost of scoring, as ratios within one run on one machine: CPU time, peak memory, start-up.

    python scripts/benchmark.py            # everything
    python scripts/benchmark.py --only cpu # cpu, memory or startup

Every figure comes from a child process of its own; CPU seconds are user plus system time of the whole process, and each
is the median of several repeats.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPEATS = 5
CPU_RATIO_LIMIT = 2.5
PEAK_LIMIT_MB = 700
STARTUP_RATIO_LIMIT = 2.0
TWELVE_MEGAPIXELS = 4032
TWENTY_FOUR_MEGAPIXELS = 5664


def main() -> int:
    """Print the figures; exit code 1 where one is beyond its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--only", choices=["cpu", "memory", "startup"])
    parser.add_argument("--child", choices=["cpu", "memory"], help=argparse.SUPPRESS)
    parser.add_argument("--visit", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child == "cpu":
        return measure_cpu(arguments.visit)
    if arguments.child == "memory":
        return measure_memory(arguments.visit)
    reports = {"cpu": report_cpu, "memory": report_memory, "startup": report_startup}
    chosen = [arguments.only] if arguments.only else list(reports)
    within_limits = [reports[name]() for name in chosen]
    return int(not all(within_limits))


def report_cpu() -> bool:
    """Compare scoring a 12-megapixel JPEG with the faster of two decoders plus the model once on the same tensor."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = in_child("cpu", rendered_visit(Path(folder), TWELVE_MEGAPIXELS))
    floor = seconds["decode"] + seconds["model"]
    ratio = seconds["score"] / floor
    print(f"score one photo, {seconds['megapixels']:.1f} Mpx JPEG: {seconds['score']:.3f} CPU s")
    for part in ("decode", "model"):
        print(f"  {part}: {seconds[part]:.3f} CPU s")
    print(f"  model input: {seconds['tensor']}")
    for step, value in seconds["steps"].items():
        print(f"  step {step}: {value:.3f} CPU s")
    return verdict("ratio score / (decode + model)", ratio, CPU_RATIO_LIMIT)


def report_memory() -> bool:
    """State the peak memory of scoring a 24-megapixel JPEG."""
    with tempfile.TemporaryDirectory() as folder:
        peak = in_child("memory", rendered_visit(Path(folder), TWENTY_FOUR_MEGAPIXELS))
    print(f"imports alone: {peak['imports_mb']:.0f} MB")
    return verdict(f"peak memory at {peak['megapixels']:.1f} Mpx, MB", peak["peak_mb"], PEAK_LIMIT_MB)


def report_startup() -> bool:
    """Compare ``oral-lesion --help`` with importing typer and rich."""
    base = [sys.executable, "-c", "import typer, rich"]
    ours = [sys.executable, "-m", "oral_lesion", "--help"]
    for command in (base, ours):
        child_cpu(command)
    pairs = [(child_cpu(base), child_cpu(ours)) for _ in range(2 * REPEATS + 1)]
    base_s, ours_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"import typer, rich: {base_s:.3f} CPU s; oral-lesion --help: {ours_s:.3f} CPU s")
    return verdict("ratio start-up", ours_s / base_s, STARTUP_RATIO_LIMIT)


def verdict(name: str, value: float, limit: float) -> bool:
    """Print one figure beside its limit."""
    holds = value <= limit
    print(f"{name}: {value:.2f} (limit {limit:g}) {'ok' if holds else 'BEYOND THE LIMIT'}\n")
    return holds


def rendered_visit(folder: Path, width: int) -> Path:
    """Render one phantom photo of that width and return its visit folder."""
    command = [sys.executable, "-m", "oral_lesion", "phantom", str(folder / "photos"), "--width", str(width)]
    command += ["--subjects", "1", "--visits", "1", "--sites", "buccal-left"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return next(path.parent for path in (folder / "photos").glob("*/*/*.jpg"))


def in_child(task: str, visit: Path) -> dict[str, object]:
    """Run one measurement in a fresh process and return what it printed."""
    command = [sys.executable, __file__, "--child", task, "--visit", str(visit)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def child_cpu(command: list[str]) -> float:
    """Return user plus system seconds of a child process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cpu_seconds(action) -> float:
    """Return the median CPU seconds of calling `action`, after one call to warm up."""
    action()
    seconds = []
    for _ in range(REPEATS):
        began = time.process_time()
        action()
        seconds.append(time.process_time() - began)
    return statistics.median(seconds)


def measure_cpu(visit: Path) -> int:
    """Measure scoring, decoding and the model in this process."""
    import io

    import cv2
    import numpy as np
    import onnxruntime
    from PIL import Image

    from oral_lesion.io.batch import BundleSegmenters, score_visit
    from oral_lesion.io.bundle import load_bundle
    from oral_lesion.io.photos import read_photo
    from oral_lesion.io.resources import default_bundle_path
    from oral_lesion.io.settings import load_protocol
    from oral_lesion.io.visits import find_photos
    from oral_lesion.measure import measure
    from oral_lesion.numerics.color import srgb_uint8_from_linear
    from oral_lesion.segment import segment
    from oral_lesion.segment.tiles import padded_to_multiple
    from oral_lesion.standardize import read_card, standardize

    protocol, source = load_protocol(None), BundleSegmenters.of(default_bundle_path())
    (entry,) = find_photos(visit).entries
    content = entry.path.read_bytes()
    photo = read_photo(entry.path, entry.identity)
    segmenter = source.segmenter_for(entry.identity)
    cv2.setNumThreads(1)
    card = read_card(photo, protocol.card, limits=protocol.limits, uncertainty=protocol.uncertainty)

    def standardized_photo():
        return standardize(photo, card, protocol.card, protocol.standardization, protocol.uncertainty)

    standardized = standardized_photo()
    tensor = srgb_uint8_from_linear(standardized.linear_rgb)
    padded = padded_to_multiple(tensor, 32)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    untiled = onnxruntime.InferenceSession(load_bundle(default_bundle_path()).model_bytes, options)
    segmentation = segment(standardized, segmenter, threshold="bundle")
    smallest = protocol.segmentation.smallest_lesion_mm2
    with tempfile.TemporaryDirectory() as out:
        scored = cpu_seconds(
            lambda: score_visit(visit, Path(out) / "out", protocol=protocol, segmenters=source, overwrite=True)
        )
    steps = {
        "read": cpu_seconds(lambda: read_photo(entry.path, entry.identity)),
        "read card": cpu_seconds(
            lambda: read_card(photo, protocol.card, limits=protocol.limits, uncertainty=protocol.uncertainty)
        ),
        "standardize": cpu_seconds(standardized_photo),
        "segment": cpu_seconds(lambda: segment(standardized, segmenter, threshold="bundle")),
        "measure": cpu_seconds(lambda: measure(segmentation, standardized.scale, smallest_lesion_mm2=smallest)),
    }
    height, width = photo.srgb.shape[:2]
    figures = {
        "score": scored,
        "decode": min(
            cpu_seconds(lambda: np.asarray(Image.open(io.BytesIO(content)))),
            cpu_seconds(lambda: cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)),
        ),
        "model": cpu_seconds(lambda: untiled.run(None, {"image_rgb": padded[None]})),
        "tensor": list(tensor.shape),
        "steps": steps,
        "megapixels": height * width / 1e6,
    }
    print(json.dumps(figures))
    return 0


def measure_memory(visit: Path) -> int:
    """Measure this process's peak memory over one scoring."""
    from oral_lesion.io.batch import BundleSegmenters, score_visit
    from oral_lesion.io.photos import read_photo
    from oral_lesion.io.resources import default_bundle_path
    from oral_lesion.io.settings import load_protocol
    from oral_lesion.io.visits import find_photos

    protocol, source = load_protocol(None), BundleSegmenters.of(default_bundle_path())
    imports_mb = peak_mb()
    with tempfile.TemporaryDirectory() as out:
        scores = score_visit(visit, Path(out) / "out", protocol=protocol, segmenters=source)
    peak = peak_mb()
    if not all(outcome.scored for outcome in scores.outcomes):
        raise SystemExit(f"the photo was refused: {scores.outcomes}")
    (entry,) = find_photos(visit).entries
    height, width = read_photo(entry.path, entry.identity).srgb.shape[:2]
    print(json.dumps({"imports_mb": imports_mb, "peak_mb": peak, "megapixels": height * width / 1e6}))
    return 0


def peak_mb() -> float:
    """Return the largest resident size of this process so far, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
