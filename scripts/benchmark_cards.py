"""
Colour cards, ours beside OpenCV's chart detector and colour correction, on the same photographs in one run.

    python scripts/benchmark_cards.py                          # everything
    python scripts/benchmark_cards.py --only found             # found, perturbed, color, cpu
    python scripts/benchmark_cards.py --photos FOLDER          # photos.csv, patch_centres.json, images/

A card counts as right where all 24 patch centres, in the card's own order, lie within 0.35 pitch of the truth. Charts
of unknown size are read with open limits, so that finding and reading alone are judged; what the protocol's limits make
of the same pictures is listed beside it.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmark_cards_peers import ccm_held_out, mcc_centres
from benchmark_cards_perturb import KINDS, perturbed
from oral_lesion.errors import Refused
from oral_lesion.io.settings import load_protocol
from oral_lesion.numerics.color import delta_e_2000, lab_from_linear_rgb, srgb_from_linear
from oral_lesion.numerics.geometry import apply_homography_xy, fit_homography
from oral_lesion.protocol import CardDefinition, Limits, ScoringProtocol
from oral_lesion.records import CardReading, Photo, PhotoIdentity, Visit
from oral_lesion.standardize import read_card, require_acceptable, standardize
from oral_lesion.standardize.correction import correct_colors, fit_correction
from oral_lesion.standardize.orders import reference_linear_rgb

PHOTOS = Path(__file__).parents[2] / "shared" / "data" / "colorcards"
WITHIN_PITCHES = 0.35
CARDS = {
    "classic": "colorchecker-classic",
    "mini": "colorchecker-classic-mini",
    "passport": "colorchecker-passport",
    "nano": "colorchecker-classic-nano",
    "cameratrax": "cameratrax-24",
}
LABELLED_OTHERWISE = {"macduff": "passport", "karnehen": "passport"}
"""Listed as Classic, but their wide gaps are those of the Passport."""
LINEAR_DATA = "linear data"
"""Files whose stored values are proportional to light, without the curve of sRGB: on these two photographs a straight
line through the six greys leaves at most 0.01 of full scale in the stored values. A quarter of the intensity is a
quarter of the stored value there, and not of what the sRGB curve makes of it. Neither correction is told."""
GROUPS = {"jtvd": "phone JPEG", "ccd_": "render", "luimoli": LINEAR_DATA}
OTHER_GROUP = "other JPEG, PNG"
OPEN_LIMITS = {
    "min_pitch_px": 0.1,
    "max_mm_per_px": 1e3,
    "max_tilt_deg": 89.0,
    "max_blur_mm": 1e3,
    "max_blur_pitch_ratio": 1e3,
    "min_accepted_patches": 6,
    "max_clipped_patches": 24,
    "min_white_linear": 0.0,
    "max_u_scale_percent": 1e3,
    "max_delta_e00_median": 1e3,
    "max_delta_e00_max": 1e3,
}
DEMANDED = {"tilt 60": "too-tilted", "tilt 40": "too-tilted", "blur .25 pitch": "blurred", "pitch 9 px": "too-far"}
"""Kinds that the protocol's limits demand to refuse, and with which reason."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One photograph of photos.csv."""

    name: str
    holds: str
    card: str
    srgb: np.ndarray
    centres: np.ndarray | None
    pitch_px: float

    @property
    def group(self) -> str:
        """Kind of the picture."""
        return next((group for start, group in GROUPS.items() if self.name.startswith(start)), OTHER_GROUP)


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--only", choices=["found", "perturbed", "color", "cpu"], action="append")
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--kind", action="append", choices=list(KINDS), help="of perturbed copies")
    parser.add_argument("--list", action="store_true", help="name each copy that is not right")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    if arguments.child:
        return measure_cost(arguments.child)
    parts: dict[str, Callable[[], None]] = {
        "found": lambda: report_found(arguments.photos),
        "perturbed": lambda: report_perturbed(arguments.photos, arguments.kind or list(KINDS), listed=arguments.list),
        "color": lambda: report_color(arguments.photos),
        "cpu": report_cpu,
    }
    for name in arguments.only or list(parts):
        parts[name]()
    return 0


def photographs(folder: Path) -> Iterator[Listed]:
    """Read the listed photographs one by one."""
    truth = json.loads((folder / "patch_centres.json").read_text())
    for row in csv.DictReader((folder / "photos.csv").read_text().splitlines()):
        name = row["file"]
        kind = next((card for start, card in LABELLED_OTHERWISE.items() if name.startswith(start)), row["card"])
        known = truth.get(name) if row["holds"] == "card" else None
        yield Listed(
            name=name,
            holds=row["holds"],
            card=CARDS.get(kind, CARDS["classic"]),
            srgb=np.ascontiguousarray(cv2.imread(str(folder / "images" / name))[..., ::-1]),
            centres=np.array(known["patch_centres_xy"]) if known else None,
            pitch_px=float(known["pitch_px"]) if known else 0.0,
        )


def protocol_for(card: str) -> ScoringProtocol:
    """Return the default protocol with another card."""
    return load_protocol(None, card=card)


def photo_of(srgb: np.ndarray) -> Photo:
    """Wrap an array as a photo."""
    identity = PhotoIdentity(
        photo_id="photo", file="photo.png", sha256="0" * 64, subject_id="S1", visit=Visit(name="baseline")
    )
    return Photo(identity=identity, srgb=np.ascontiguousarray(srgb))


def read_open(srgb: np.ndarray, protocol: ScoringProtocol) -> CardReading | str:
    """Read the card with open limits; a refusal's reason where there is no reading."""
    limits = protocol.limits.model_copy(update=OPEN_LIMITS)
    try:
        return read_card(photo_of(srgb), protocol.card, limits=limits, uncertainty=protocol.uncertainty)
    except Refused as refused:
        return refused.refusal.reason.value


def outcome_under(srgb: np.ndarray, protocol: ScoringProtocol, limits: Limits) -> str:
    """Return ``accepted``, or the reason of the refusal, of reading and standardizing under the limits."""
    photo = photo_of(srgb)
    coarse = protocol.standardization.model_copy(update={"working_mm_per_px": 1.0, "max_working_megapixels": 50.0})
    try:
        reading = read_card(photo, protocol.card, limits=limits, uncertainty=protocol.uncertainty)
        standardized = standardize(photo, reading, protocol.card, coarse, protocol.uncertainty)
        require_acceptable(reading, standardized, limits)
    except Refused as refused:
        return refused.refusal.reason.value
    return "accepted"


def centres_of(reading: CardReading, card: CardDefinition) -> np.ndarray:
    """Return the 24 patch centres, row by row, between the corners of the patch area."""
    (patch_x, patch_y), (pitch_x, pitch_y) = card.patch_xy_mm, card.pitch_xy_mm
    right, bottom = card.columns - 1 + patch_x / pitch_x / 2, card.rows - 1 + patch_y / pitch_y / 2
    left, top = -patch_x / pitch_x / 2, -patch_y / pitch_y / 2
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    grid = [(column, row) for row in range(card.rows) for column in range(card.columns)]
    return apply_homography_xy(fit_homography(corners, reading.corners_rc_px[:, ::-1]), grid)


def is_right(found: np.ndarray, true: np.ndarray) -> bool:
    """Return whether all centres lie within 0.35 of the local pitch."""
    laid = true.reshape(4, 6, 2)
    along = np.linalg.norm(np.gradient(laid, axis=1), axis=-1)
    across = np.linalg.norm(np.gradient(laid, axis=0), axis=-1)
    pitch = np.sqrt(along * across).ravel()
    return bool((np.linalg.norm(found - true, axis=1) < WITHIN_PITCHES * pitch).all())


def judged(srgb: np.ndarray, true: np.ndarray | None, protocol: ScoringProtocol) -> tuple[str, str]:
    """Return ours and OpenCV's outcome: ``right``, ``wrong`` or why there is none."""
    reading = read_open(srgb, protocol)
    if isinstance(reading, str):
        ours = reading
    else:
        ours = "right" if true is not None and is_right(centres_of(reading, protocol.card), true) else "wrong"
    boxes = mcc_centres(srgb)
    peer = "none" if not boxes else "right" if true is not None and is_right(boxes[0], true) else "wrong"
    return ours, peer


def report_found(folder: Path) -> None:
    """State for each photograph whether ours and cv2.mcc find the card, and what the protocol's limits say."""
    print(f"found, within {WITHIN_PITCHES} pitch\n{'photo':44}{'holds':6}{'ours':14}{'cv2.mcc':9}under the limits")
    ours, peers = Counter(), Counter()
    for listed in photographs(folder):
        protocol = protocol_for(listed.card)
        our, peer = judged(listed.srgb, listed.centres, protocol)
        limited = outcome_under(listed.srgb, protocol, protocol.limits)
        print(f"{listed.name[:42]:44}{listed.holds:6}{our:14}{peer:9}{limited}")
        ours[listed.holds, our] += 1
        peers[listed.holds, peer] += 1
    print("ours   ", dict(ours), "\ncv2.mcc", dict(peers), "\n")


def report_perturbed(folder: Path, kinds: list[str], *, listed: bool) -> None:
    """State for each kind of perturbation how many copies are right, wrong, refused."""
    table = {kind: (Counter(), Counter(), Counter()) for kind in kinds}
    for one in photographs(folder):
        if one.centres is None:
            continue
        protocol = protocol_for(one.card)
        for kind in kinds:
            srgb, true = perturbed(kind, one.srgb, one.centres, one.pitch_px)
            ours, peer = judged(srgb, true, protocol)
            limited = outcome_under(srgb, protocol, protocol.limits)
            for counter, outcome in zip(table[kind], (ours, peer, limited), strict=True):
                counter[outcome] += 1
            if listed and ours != "right":
                print(f"  {kind}: {one.name}: {ours}")
    print(f"{'perturbed':18}{'ours right/wrong, refused':58}{'mcc right/wrong/none':22}under the limits")
    for kind, (ours, peer, limited) in table.items():
        refused = {name: count for name, count in ours.items() if name not in {"right", "wrong"}}
        our = f"{ours['right']:3}/{ours['wrong']} {refused or ''}"
        print(f"{kind:18}{our:58}{peer['right']:3}/{peer['wrong']}/{peer['none']:<15}{dict(limited)}")
    _totals("all kinds", list(table.values()))
    _totals("without those to be refused", [row for kind, row in table.items() if kind not in DEMANDED])


def _totals(name: str, rows: list[tuple[Counter[str], Counter[str], Counter[str]]]) -> None:
    for who, index in (("ours", 0), ("cv2.mcc", 1)):
        total = sum((row[index] for row in rows), Counter())
        count = max(1, sum(total.values()))
        right, wrong = (100.0 * total[outcome] / count for outcome in ("right", "wrong"))
        print(f"{name}, {who}: {count} copies, right {right:.1f} %, wrong accepted {wrong:.1f} %")
    print()


def report_color(folder: Path) -> None:
    """State the mean held-out CIEDE2000 by group, and what becomes of it at a quarter of the intensity."""
    rows: dict[str, list[list[float]]] = {}
    print(f"{'photo':44}{'none':>6}{'cv2.ccm':>9}{'ours':>7}{'x0.25 ccm':>11}{'x0.25 ours':>11}  model")
    for listed in photographs(folder):
        if listed.centres is None:
            continue
        protocol = protocol_for(listed.card)
        reading = read_open(listed.srgb, protocol)
        if isinstance(reading, str):
            print(f"{listed.name[:42]:44} {reading}")
            continue
        figures, model = color_figures(reading, protocol.card, stored=listed.group == LINEAR_DATA)
        rows.setdefault(listed.group, []).append(figures)
        print(f"{listed.name[:42]:44}{_line(figures)}  {model}")
    for group, figures in rows.items():
        print(f"{f'mean, {group} ({len(figures)})':44}{_line(np.mean(figures, axis=0).tolist())}")
    everything = [row for figures in rows.values() for row in figures]
    print(f"{f'mean, all ({len(everything)})':44}{_line(np.mean(everything, axis=0).tolist())}\n")


def _line(figures: list[float]) -> str:
    return "".join(f"{value:{width}.2f}" for value, width in zip(figures, (6, 9, 7, 11, 11), strict=True))


def color_figures(reading: CardReading, card: CardDefinition, *, stored: bool) -> tuple[list[float], str]:
    """Return means of CIEDE2000: uncorrected, cv2.ccm held out, ours held out, both at a quarter of the intensity."""
    measured, reference = reading.patch_linear_rgb, reference_linear_rgb(card)
    rows, columns = np.divmod(np.arange(len(measured)), card.columns)
    place = np.stack([columns / (card.columns - 1) * 2.0 - 1.0, rows / (card.rows - 1) * 2.0 - 1.0], axis=1)
    used = reading.patch_accepted
    correction = fit_correction(measured, reference, place)
    quarter = linear_from_coded(0.25 * srgb_from_linear(measured[used])) if stored else 0.25 * measured[used]
    dim = correct_colors(correction, quarter, place[used])
    peer, peer_dim = ccm_held_out(measured[used], reference[used], quarter)
    ours = correction.agreement.held_out_mean
    none = difference(measured[used], reference[used])
    return [none, peer, ours, peer_dim, difference(dim, 0.25 * reference[used])], correction.name


def linear_from_coded(coded: np.ndarray) -> np.ndarray:
    """Undo the curve of sRGB on values in [0, 1] between those of eight bits."""
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def difference(linear_rgb: np.ndarray, reference: np.ndarray) -> float:
    """Return the mean CIEDE2000."""
    return float(delta_e_2000(lab_from_linear_rgb(np.clip(linear_rgb, 0, None)), lab_from_linear_rgb(reference)).mean())


def report_cpu() -> None:
    """State the CPU of finding, reading, fitting and standardizing beside one full-size detection by cv2.mcc."""
    for width, limit in ((4032, 0.6), (5664, 1.0)):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "oral_lesion", "phantom", folder, "--width", str(width)]
            command += ["--subjects", "1", "--visits", "1", "--sites", "buccal-left"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            for path in sorted(Path(folder).glob("*/*/*.jpg"))[:1]:
                done = subprocess.run(
                    [sys.executable, __file__, "--child", str(path)], check=True, stdout=subprocess.PIPE, text=True
                )
                print(f"limit {limit} CPU s; {done.stdout.strip()}")


def measure_cost(path: Path) -> int:
    """Measure in this process: CPU seconds (median of 5) and peak memory."""
    protocol = load_protocol(None)
    srgb = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
    photo = photo_of(srgb)

    def ours() -> None:
        reading = read_card(photo, protocol.card, limits=protocol.limits, uncertainty=protocol.uncertainty)
        standardize(photo, reading, protocol.card, protocol.standardization, protocol.uncertainty)

    mine = cpu_seconds(ours)
    # Unlike ru_maxrss this does not start at the parent's peak.
    status = Path("/proc/self/status").read_text()
    peak = float(status.split("VmHWM:")[1].split()[0]) / 1024.0
    peer = cpu_seconds(lambda: mcc_centres(srgb))
    megapixels = srgb.shape[0] * srgb.shape[1] / 1e6
    print(f"{megapixels:.1f} Mpx: ours {mine:.3f} s, cv2.mcc {peer:.3f} s, ratio {mine / peer:.2f}, peak {peak:.0f} MB")
    return 0


def cpu_seconds(action: Callable[[], object]) -> float:
    """Return the median CPU seconds of five calls, after one to warm up."""
    action()
    seconds = []
    for _ in range(5):
        began = time.process_time()
        action()
        seconds.append(time.process_time() - began)
    return statistics.median(seconds)


if __name__ == "__main__":
    sys.exit(main())
