"""
Cost of scoring, as ratios within one run on one machine: CPU time, peak memory, start-up.

    python scripts/benchmark.py              # everything
    python scripts/benchmark.py --only model # model, cpu, compare, memory, startup or batch

Every figure comes from a child process of its own; CPU seconds are user plus system time of the whole process, and each
is the median of several repeats.
"""

from __future__ import annotations

import argparse
import importlib.util
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
MODEL_RATIO_LIMIT = 0.15
MODEL_LIMIT_MS = 115
BATCH_OVERHEAD_LIMIT = 1.10
BATCH_SPEED_UP_LEAST = 1.7
BATCH_PHOTOS = 48
BATCH_ROUNDS = 2
COMPARE_LIMIT_S = 2.0
MODEL_SIDE_PX = 512
PLAIN_UNET_WIDTHS = (32, 64, 128, 256, 512)
TWELVE_MEGAPIXELS = 4032
TWENTY_FOUR_MEGAPIXELS = 5664


def main() -> int:
    """Print the figures; exit code 1 where one is beyond its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--only", choices=["model", "cpu", "compare", "memory", "startup", "batch"])
    parser.add_argument(
        "--child", choices=["model", "cpu", "compare", "memory", "loop", "study"], help=argparse.SUPPRESS
    )
    parser.add_argument("--visit", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--jobs", type=int, default=1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child == "model":
        return measure_model()
    if arguments.child == "cpu":
        return measure_cpu(arguments.visit)
    if arguments.child == "compare":
        return measure_compare(arguments.visit)
    if arguments.child == "memory":
        return measure_memory(arguments.visit)
    if arguments.child == "loop":
        return loop_over(arguments.visit)
    if arguments.child == "study":
        return run_batch(arguments.visit.parents[1], arguments.jobs)
    reports = {
        "model": report_model,
        "cpu": report_cpu,
        "compare": report_compare,
        "memory": report_memory,
        "startup": report_startup,
        "batch": report_batch,
    }
    chosen = [arguments.only] if arguments.only else list(reports)
    within_limits = [reports[name]() for name in chosen]
    return int(not all(within_limits))


def report_model() -> bool:
    """Compare one pass of the packaged model with a plain U-Net that is exported in the same run."""
    if any(importlib.util.find_spec(name) is None for name in ("torch", "onnxscript")):
        print("model: skipped, the plain U-Net beside it needs oral-lesion[train]\n")
        return True
    cost = in_child("model", None)
    print(f"model, {MODEL_SIDE_PX} × {MODEL_SIDE_PX} px, one pass: {cost['model']:.1f} CPU ms")
    print(f"  as the bundle says it runs ({cost['passes']}): {cost['segmenter']:.1f} CPU ms")
    print(f"  plain U-Net, base 32, {cost['plain_parameters'] / 1e6:.1f} M parameters: {cost['plain']:.1f} CPU ms")
    fast_enough = verdict("model, CPU ms", cost["model"], MODEL_LIMIT_MS)
    return verdict("ratio model / plain U-Net", cost["model"] / cost["plain"], MODEL_RATIO_LIMIT) and fast_enough


def report_cpu() -> bool:
    """Compare scoring a 12-megapixel JPEG with the faster of two decoders plus the model as its bundle says it runs."""
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


def report_compare() -> bool:
    """State the cost of comparing two scored visits of one 12-megapixel photo each, from files to files."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = in_child("compare", rendered_visit(Path(folder), TWELVE_MEGAPIXELS, visits=2))
    print(f"compare two visits, {seconds['megapixels']:.1f} Mpx each: {seconds['tables']:.2f} CPU s without figures")
    print(f"  over scoring both (true masks, no model): {seconds['figures'] / seconds['score']:.2f}")
    return verdict("compare with tables and figures, CPU s", seconds["figures"], COMPARE_LIMIT_S)


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


def report_batch() -> bool:
    """Compare a study with a plain loop over its photos, by CPU time, and two jobs with one, by the clock."""
    with tempfile.TemporaryDirectory() as folder:
        visit = rendered_visit(Path(folder), TWELVE_MEGAPIXELS)
        (photo,) = visit.glob("*.jpg")
        for number in range(BATCH_PHOTOS):
            (visit / f"photo-{number:02d}.jpg").write_bytes(photo.read_bytes() + b"%d" % number)
        photo.unlink()  # a photo of a known site would be followed, too
        runs = {"loop": ["loop"], "one": ["study", "--jobs", "1"], "two": ["study", "--jobs", "2"]}
        cpu_s, wall_s = {name: [] for name in runs}, {name: [] for name in runs}
        for _ in range(BATCH_ROUNDS):
            for name, task in runs.items():
                began = time.perf_counter()
                cpu_s[name].append(child_cpu([sys.executable, __file__, "--child", *task, "--visit", str(visit)]))
                wall_s[name].append(time.perf_counter() - began)
    cpu = {name: min(values) for name, values in cpu_s.items()}
    wall = {name: min(values) for name, values in wall_s.items()}
    for name, told in {"loop": "plain loop", "one": "study, 1 job", "two": "study, 2 jobs"}.items():
        rate = BATCH_PHOTOS / wall[name]
        print(f"{told}, {BATCH_PHOTOS} photos: {cpu[name]:.1f} CPU s, {wall[name]:.1f} s, {rate:.2f} photos/s")
    speed_up = wall["one"] / wall["two"]
    holds = speed_up >= BATCH_SPEED_UP_LEAST
    print(
        f"photos/s, 2 jobs / 1 job: {speed_up:.2f} (at least {BATCH_SPEED_UP_LEAST:g}) {'ok' if holds else 'TOO FEW'}"
    )
    return verdict("ratio CPU study / plain loop", cpu["one"] / cpu["loop"], BATCH_OVERHEAD_LIMIT) and holds


def verdict(name: str, value: float, limit: float) -> bool:
    """Print one figure beside its limit."""
    holds = value <= limit
    print(f"{name}: {value:.2f} (limit {limit:g}) {'ok' if holds else 'BEYOND THE LIMIT'}\n")
    return holds


def rendered_visit(folder: Path, width: int, visits: int = 1) -> Path:
    """Render a phantom photo of that width for each visit and return the first visit's folder."""
    command = [sys.executable, "-m", "oral_lesion", "phantom", str(folder / "photos"), "--width", str(width)]
    command += ["--subjects", "1", "--visits", str(visits), "--sites", "buccal-left"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return min(path.parent for path in (folder / "photos").glob("*/*/*.jpg"))


def in_child(task: str, visit: Path | None) -> dict[str, object]:
    """Run one measurement in a fresh process and return what it printed."""
    command = [sys.executable, __file__, "--child", task]
    if visit is not None:
        command += ["--visit", str(visit)]
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


def measure_model() -> int:
    """Measure the packaged model and a plain U-Net, turn by turn, on the same picture."""
    import numpy as np

    from oral_lesion.io.bundle import load_bundle
    from oral_lesion.io.resources import default_bundle_path

    bundle = load_bundle(default_bundle_path())
    plain_bytes, plain_parameters = plain_unet()
    ours, plain, segmenter = opened(bundle.model_bytes), opened(plain_bytes), bundle.open_segmenter(1)
    picture = np.random.default_rng(0).integers(0, 256, (MODEL_SIDE_PX, MODEL_SIDE_PX, 3), dtype=np.uint8)
    normalized = np.zeros((1, 3, MODEL_SIDE_PX, MODEL_SIDE_PX), np.float32)
    actions = {
        "model": lambda: ours.run(["probability"], {"image_rgb": picture[None]}),
        "plain": lambda: plain.run(None, {"pictures": normalized}),
        "segmenter": lambda: segmenter.probability_of_srgb(picture),
    }
    rounds = [{name: 1000.0 * cpu_seconds(action) for name, action in actions.items()} for _ in range(3)]
    figures = {name: statistics.median(one[name] for one in rounds) for name in actions}
    passes = {"none": "one pass", "mirror": "two passes"}[bundle.metadata.test_time_augmentation]
    print(json.dumps({**figures, "plain_parameters": plain_parameters, "passes": passes}))
    return 0


def opened(model_bytes: bytes):
    """Open an ONNX model on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model_bytes, options, providers=["CPUExecutionProvider"])


def plain_unet() -> tuple[bytes, int]:
    """Return a plain U-Net (two 3 × 3 convolutions a level, four halvings) as ONNX, and its number of parameters."""
    import torch
    from torch import nn

    def level(channels_in: int, channels_out: int) -> nn.Sequential:
        layers = []
        for channels in (channels_in, channels_out):
            layers += [nn.Conv2d(channels, channels_out, 3, padding=1, bias=False), nn.BatchNorm2d(channels_out)]
            layers.append(nn.ReLU())
        return nn.Sequential(*layers)

    class PlainUNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            widths = PLAIN_UNET_WIDTHS
            self.down = nn.ModuleList([level(a, b) for a, b in zip((3, *widths[:-1]), widths, strict=True)])
            pairs = list(zip(widths[::-1][:-1], widths[::-1][1:], strict=True))
            self.lift = nn.ModuleList([nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in pairs])
            self.up = nn.ModuleList([level(2 * b, b) for _, b in pairs])
            self.head = nn.Conv2d(widths[0], 1, 1)

        def forward(self, pictures):
            kept = []
            for number, block in enumerate(self.down):
                pictures = block(pictures if number == 0 else nn.functional.max_pool2d(pictures, 2))
                kept.append(pictures)
            for lift, block, skip in zip(self.lift, self.up, kept[-2::-1], strict=True):
                pictures = block(torch.cat([skip, lift(pictures)], dim=1))
            return torch.sigmoid(self.head(pictures))

    network = PlainUNet().eval()
    example = torch.zeros((1, 3, MODEL_SIDE_PX, MODEL_SIDE_PX))
    program = torch.onnx.export(
        network, (example,), dynamo=True, verbose=False, input_names=["pictures"], output_names=["probability"]
    )
    return program.model_proto.SerializeToString(), sum(parameter.numel() for parameter in network.parameters())


def measure_cpu(visit: Path) -> int:
    """Measure scoring, decoding and the model in this process."""
    import io

    import cv2
    import numpy as np
    from PIL import Image

    from oral_lesion.adapters.html import write_visit_page
    from oral_lesion.io.batch import BundleSegmenters, score_found
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
    bundle = load_bundle(default_bundle_path())
    untiled = opened(bundle.model_bytes)
    views = [padded, np.ascontiguousarray(padded[:, ::-1])][: 1 + (bundle.metadata.test_time_augmentation == "mirror")]
    segmentation = segment(standardized, segmenter, threshold="bundle")
    smallest = protocol.segmentation.smallest_lesion_mm2
    with tempfile.TemporaryDirectory() as out:
        scored = cpu_seconds(
            lambda: score_found(
                find_photos(visit),
                Path(out) / "out",
                protocol=protocol,
                segmenters=source,
                overwrite=True,
                write_page=write_visit_page,
            )
        )
        page = cpu_seconds(lambda: write_visit_page(Path(out) / "out"))
    steps = {
        "read": cpu_seconds(lambda: read_photo(entry.path, entry.identity)),
        "read card": cpu_seconds(
            lambda: read_card(photo, protocol.card, limits=protocol.limits, uncertainty=protocol.uncertainty)
        ),
        "standardize": cpu_seconds(standardized_photo),
        "segment": cpu_seconds(lambda: segment(standardized, segmenter, threshold="bundle")),
        "measure": cpu_seconds(lambda: measure(segmentation, standardized.scale, smallest_lesion_mm2=smallest)),
        "page": page,
    }
    height, width = photo.srgb.shape[:2]
    figures = {
        "score": scored,
        "decode": min(
            cpu_seconds(lambda: np.asarray(Image.open(io.BytesIO(content)))),
            cpu_seconds(lambda: cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)),
        ),
        "model": cpu_seconds(lambda: [untiled.run(["probability"], {"image_rgb": view[None]}) for view in views]),
        "tensor": list(tensor.shape),
        "steps": steps,
        "megapixels": height * width / 1e6,
    }
    print(json.dumps(figures))
    return 0


def measure_compare(visit: Path) -> int:
    """Measure comparing a phantom's first two visits, which are scored with their true masks."""
    from oral_lesion.adapters.figures import SubjectFigures
    from oral_lesion.io.batch import score_visit
    from oral_lesion.io.compare_visits import compare_scored_visits
    from oral_lesion.io.settings import load_study_protocol
    from oral_lesion.phantom.truth_segmenters import TruthSegmenters

    protocol = load_study_protocol(None)
    first, then = sorted(path for path in visit.parent.iterdir() if path.is_dir())
    with tempfile.TemporaryDirectory() as folder:
        places = {photos: Path(folder) / photos.name for photos in (first, then)}

        def score() -> None:
            for photos, scores in places.items():
                segmenters = TruthSegmenters.of_visit(photos, protocol.scoring.standardization.working_mm_per_px)
                score_visit(photos, scores, protocol=protocol.scoring, segmenters=segmenters, overwrite=True)

        def compare(figures) -> None:
            out = Path(folder) / "change"
            compare_scored_visits(*places.values(), out, protocol=protocol, overwrite=True, figures=figures)

        seconds = {
            "score": cpu_seconds(score),
            "tables": cpu_seconds(lambda: compare(None)),
            "figures": cpu_seconds(lambda: compare(SubjectFigures())),
        }
    print(json.dumps({**seconds, "megapixels": TWELVE_MEGAPIXELS**2 * 0.75 / 1e6}))
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


def loop_over(visit: Path) -> int:
    """Score the photos of a visit in a plain loop, and write what a study writes of them."""
    import cv2

    from oral_lesion.io.batch import BundleSegmenters
    from oral_lesion.io.pictures import write_pictures
    from oral_lesion.io.resources import default_bundle_path
    from oral_lesion.io.settings import load_protocol
    from oral_lesion.io.tables import rows_of, write_tables
    from oral_lesion.io.visits import find_photos, read_entry
    from oral_lesion.score import score_photo

    cv2.setNumThreads(1)
    protocol, source = load_protocol(None), BundleSegmenters.of(default_bundle_path())
    with tempfile.TemporaryDirectory() as out:
        rows = []
        for entry in find_photos(visit):
            photo = read_entry(entry)
            score = score_photo(photo, protocol=protocol, segmenter=source.segmenter_for(entry.identity))
            write_pictures(Path(out) / entry.identity.photo_id, photo, score)
            rows.append(rows_of(score, protocol=protocol, model=source.model))
        write_tables(Path(out), rows)
    return 0


def run_batch(study: Path, jobs: int) -> int:
    """Run a study without figures."""
    from oral_lesion.io.batch import BundleSegmenters
    from oral_lesion.io.resources import default_bundle_path
    from oral_lesion.io.settings import load_study_protocol
    from oral_lesion.io.study import StudyRun, run_study

    source = BundleSegmenters.of(default_bundle_path())
    with tempfile.TemporaryDirectory() as out:
        outcome = run_study(
            study,
            Path(out) / "out",
            protocol=load_study_protocol(None),
            segmenters_for=lambda _visit: source,
            run=StudyRun(jobs=jobs),
        )
    return int(outcome.run["counts"]["scored"] != BATCH_PHOTOS)


def peak_mb() -> float:
    """Return the largest resident size of this process so far, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
