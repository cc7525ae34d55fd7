"""
Choose the constants of the colour correction on simulated cameras, so that no photograph judges its own choice.

    python scripts/choose_color_constants.py                   # prints the choice, and what it gives on other cameras
    python scripts/choose_color_constants.py --cameras 20      # quicker

Nothing here is fitted to a photograph. A camera sees the smoothest reflectances of the chart's patches, with a share of
metamerism, through three bell-shaped sensitivities, under daylight, tungsten or an LED; balances, mixes by a matrix
fitted to other reflectances, and then either stores linear data, or codes sRGB, or first applies a look (hue-dependent
turns and chroma, darker strong colours, moves around a few remembered colours, an S-shaped tone curve) with JPEG's
errors. Light falls unevenly on the chart.

The criterion, fixed beforehand, adds two means over the cameras: CIEDE2000 of left-out patches, and of all patches at a
quarter of the intensity. The second is itself the mean of two readings of "a quarter": of the light, through the
camera's curve (a darker place under the same rendering), and of the linearised values (a rendering that adapts).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from oral_lesion.io.settings import load_card
from oral_lesion.numerics.color import (
    XYZ_FROM_LINEAR_RGB,
    delta_e_2000,
    lab_from_linear_rgb,
    linear_rgb_from_lab,
    srgb_from_linear,
)
from oral_lesion.standardize.correction import FINER, CorrectionSettings, correct_colors, fit_correction
from oral_lesion.standardize.orders import reference_linear_rgb
from oral_lesion.standardize.spline import SplineSettings

QUARTER = 0.25
WAVELENGTHS_NM = np.arange(400.0, 701.0, 10.0)
GRID: dict[str, tuple[float, ...]] = {
    "noise": (0.15, 0.2, 0.3, 0.45, 0.65),
    "share_of_hue": (0.0, 0.15, 0.3, 0.5),
    "reach_hue": (8.0, 11.0, 15.0, 20.0, 30.0),
    "reach_chroma": (25.0, 35.0, 50.0, 70.0),
    "reach_lightness": (30.0, 45.0, 70.0, 100.0),
    "prior_sd_gamma": (0.06, 0.09, 0.13, 0.2),
    "prior_sd_shading": (0.1, 0.2, 0.3),
}
"""Bounded by what 24 patches can show: a reach well below their distances joins none of them, and L* ends at 100."""
START = {name: values[len(values) // 2] for name, values in GRID.items()}
ROUNDS = 3
KINDS = ("telephone", "telephone", "telephone", "developed", "linear data")
ORAL_COLORS = 60


@dataclass(frozen=True, kw_only=True)
class Shot:
    """What one simulated camera makes of the chart and of oral colours."""

    kind: str
    measured: np.ndarray
    quarter: np.ndarray
    quarter_scaled: np.ndarray
    oral: np.ndarray
    oral_quarter: np.ndarray
    reference: np.ndarray
    oral_reference: np.ndarray
    place: np.ndarray


def main() -> int:
    """Print the choice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--cameras", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    # Linear data in eight bits leave a quarter of the light to one or two codes: they are reported, but do not choose.
    shots = [shot for shot in shots_of(arguments.cameras, arguments.seed) if shot.kind != "linear data"]
    chosen = dict(START)
    best = criterion(shots, chosen)
    for round_ in range(ROUNDS):
        before = dict(chosen)
        for name, values in GRID.items():
            costs = {value: criterion(shots, chosen | {name: value}) for value in values}
            value = min(costs, key=costs.__getitem__)
            line = "  ".join(f"{key:g}: {cost:.3f}" for key, cost in costs.items())
            print(f"round {round_ + 1} {name:17}{line}", flush=True)
            if costs[value] < best:
                best, chosen[name] = costs[value], value
        if chosen == before:
            break
    print("\nchosen:", "  ".join(f"{name} {value:g}" for name, value in chosen.items()))
    report("the cameras it was chosen on", shots, chosen)
    report("other cameras", shots_of(arguments.cameras, arguments.seed + 1000), chosen)
    return 0


def settings_of(constants: dict[str, float]) -> CorrectionSettings:
    """Return the correction's settings with these constants."""
    settings = CorrectionSettings()
    priors = {name: constants[name] for name in ("prior_sd_gamma", "prior_sd_shading")}
    spline = SplineSettings(**{field.name: constants[field.name] for field in fields(SplineSettings)})
    shading = {"prior_sd_shading": constants["prior_sd_shading"]}
    return replace(
        settings,
        shared_gamma=replace(settings.shared_gamma, **priors),
        fallbacks=tuple(replace(model, **(priors if model.shared else shading)) for model in settings.fallbacks),
        splines=(spline, spline.scaled(FINER)),
    )


def criterion(shots: Sequence[Shot], constants: dict[str, float]) -> float:
    """Return the held-out figure plus that at a quarter, in CIEDE2000."""
    figures = np.mean([figures_of(shot, settings_of(constants)) for shot in shots], axis=0)
    return float(figures[0] + (figures[1] + figures[2]) / 2.0)


def figures_of(shot: Shot, settings: CorrectionSettings) -> list[float]:
    """Return mean CIEDE2000: held out, a quarter of the light, of the values, oral colours, these at a quarter."""
    correction = fit_correction(shot.measured, shot.reference, shot.place, settings)
    middle = np.zeros((len(shot.oral), 2))

    def away(values: np.ndarray, truth: np.ndarray, place: np.ndarray) -> float:
        corrected = np.clip(correct_colors(correction, values, place), 0.0, None)
        return float(delta_e_2000(lab_from_linear_rgb(corrected), lab_from_linear_rgb(truth)).mean())

    return [
        correction.agreement.held_out_mean,
        away(shot.quarter, QUARTER * shot.reference, shot.place),
        away(shot.quarter_scaled, QUARTER * shot.reference, shot.place),
        away(shot.oral, shot.oral_reference, middle),
        away(shot.oral_quarter, QUARTER * shot.oral_reference, middle),
    ]


def report(title: str, shots: Sequence[Shot], constants: dict[str, float]) -> None:
    """Print the figures by kind of camera."""
    print(f"\n{title:30}{'held out':>10}{'x0.25 light':>13}{'x0.25 values':>14}{'oral':>7}{'oral x0.25':>12}")
    for kind in dict.fromkeys(KINDS):
        rows = [figures_of(shot, settings_of(constants)) for shot in shots if shot.kind == kind]
        if not rows:
            continue
        means = np.mean(rows, axis=0)
        line = "".join(f"{value:{width}.2f}" for value, width in zip(means, (10, 13, 14, 7, 12), strict=True))
        print(f"{f'{kind} ({len(rows)})':30}{line}")


def shots_of(count: int, seed: int) -> list[Shot]:
    """Simulate cameras, each with its own chart, light and rendering."""
    seeds = np.random.SeedSequence(seed).spawn(count)
    return [shot_of(KINDS[index % len(KINDS)], np.random.default_rng(one)) for index, one in enumerate(seeds)]


def shot_of(kind: str, rng: np.random.Generator) -> Shot:
    """Photograph the chart and oral colours, at full and at a quarter of the light."""
    nominal = reference_linear_rgb(load_card("colorchecker-classic"))
    chart = reflectances(nominal, rng)
    oral_lab = rng.normal((48.0, 26.0, 14.0), (12.0, 7.0, 5.0), (ORAL_COLORS, 3)).clip(
        (15.0, 5.0, 0.0), (85.0, 50.0, 35.0)
    )
    oral = reflectances(np.clip(linear_rgb_from_lab(oral_lab), 0.003, 0.9), rng)
    rows, columns = np.divmod(np.arange(24), 6)
    place = np.stack([columns / 2.5 - 1.0, rows / 1.5 - 1.0], axis=1)
    light = 1.0 + place @ rng.normal(0.0, 0.08, 2) + (place**2) @ rng.normal(0.0, 0.02, 2)
    seen_by = camera(kind, rng)
    measured = seen_by(chart * light[:, None])
    stored = kind == "linear data"
    scaled = linear_of(QUARTER * srgb_from_linear(measured)) if stored else QUARTER * measured
    # Charts differ from their nominal colours by their batch, about 1 CIEDE2000.
    batch = np.exp(rng.normal(0.0, 0.02, (24, 3)))
    return Shot(
        kind=kind,
        measured=measured,
        quarter=seen_by(QUARTER * chart * light[:, None]),
        quarter_scaled=scaled,
        oral=seen_by(oral),
        oral_quarter=seen_by(QUARTER * oral),
        reference=np.clip(rgb_of(chart) * batch, 1e-3, None),
        oral_reference=np.clip(rgb_of(oral), 1e-3, None),
        place=place,
    )


def camera(kind: str, rng: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    """Return what makes linearised values (sRGB curve undone) of reflectances times relative light."""
    peaks = np.array([600.0, 535.0, 455.0]) + rng.normal(0.0, 8.0, 3)
    widths = np.array([35.0, 38.0, 28.0]) + rng.normal(0.0, 4.0, 3)
    bells = np.exp(-0.5 * ((WAVELENGTHS_NM - peaks[:, None]) / widths[:, None]) ** 2)
    sensed = bells * some_light(rng)
    raw_white = sensed.sum(axis=1)
    gain = rng.uniform(0.55, 0.9)
    if kind == "linear data":
        cast = np.array([rng.uniform(0.35, 0.8), 1.0, rng.uniform(0.3, 0.7)])
        return lambda spectra: linear_of(with_errors(gain * cast * (spectra @ sensed.T) / raw_white, rng, jpeg=True))
    learnt = reflectances(rng.uniform(0.02, 0.9, (60, 3)), rng)
    matrix, *_ = np.linalg.lstsq(learnt @ sensed.T / raw_white, rgb_of(learnt), rcond=None)
    mix = matrix + rng.normal(0.0, 0.02, (3, 3))
    balance = np.exp(rng.normal(0.0, 0.07, 3)) * gain
    flare = rng.uniform(0.0, 0.008)
    look = some_look(rng) if kind == "telephone" else lambda rgb: rgb

    def see(spectra: np.ndarray) -> np.ndarray:
        rgb = np.clip((spectra @ sensed.T / raw_white + flare) @ mix * balance, 1e-4, None)
        return linear_of(with_errors(srgb_from_linear(look(rgb)), rng, jpeg=kind == "telephone"))

    return see


def some_look(rng: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    """Return a maker's look: turned hues, more chroma, darker strong colours, then an S-curve of each channel."""
    turn, turn_phase = rng.normal(0.0, np.radians(5.0), 3) / (1, 2, 3), rng.uniform(0.0, 2.0 * np.pi, 3)
    boost, boost_phase = rng.normal(0.0, 0.08, 3) / (1, 2, 3), rng.uniform(0.0, 2.0 * np.pi, 3)
    chroma_gain, darker = rng.uniform(1.0, 1.25), rng.uniform(0.0, 0.08)
    exponent, contrast = np.exp(rng.normal(0.0, 0.1)), rng.uniform(0.0, 0.35)
    cycles = np.arange(1, 4)
    remembered = rng.normal((55.0, 5.0, 10.0), (18.0, 25.0, 25.0), (4, 3))
    reach, moves = rng.uniform(12.0, 35.0, 4), rng.normal(0.0, (2.0, 4.0, 4.0), (4, 3))

    def waves(hue: np.ndarray, size: np.ndarray, phase: np.ndarray) -> np.ndarray:
        return np.cos(hue[:, None] * cycles + phase) @ size

    def look(rgb: np.ndarray) -> np.ndarray:
        lab = lab_from_linear_rgb(rgb)
        chroma, hue = np.hypot(lab[:, 1], lab[:, 2]), np.arctan2(lab[:, 2], lab[:, 1])
        turned = hue + waves(hue, turn, turn_phase) * np.minimum(chroma / 40.0, 1.0)
        stronger = chroma * (chroma_gain + waves(hue, boost, boost_phase))
        lightness = lab[:, 0] - darker * chroma * lab[:, 0] / 50.0
        moved = np.stack([lightness, stronger * np.cos(turned), stronger * np.sin(turned)], axis=1)
        away = np.sum((lab[:, None] - remembered) ** 2, axis=2)
        moved += np.exp(-0.5 * away / reach**2) @ moves
        coded = srgb_from_linear(np.clip(linear_rgb_from_lab(moved), 1e-4, 1.0) ** exponent)
        return linear_of((1.0 - contrast) * coded + contrast * coded**2 * (3.0 - 2.0 * coded))

    return look


def with_errors(coded: np.ndarray, rng: np.random.Generator, *, jpeg: bool) -> np.ndarray:
    """Return 8-bit code values in [0, 1] with the noise of a patch's mean and JPEG's errors of colour."""
    noise = rng.normal(0.0, 0.3, coded.shape)
    if jpeg:
        blue, red = rng.normal(0.0, 0.4, (2, len(coded), 1))
        noise = noise + blue * (0.0, -0.344, 1.772) + red * (1.402, -0.714, 0.0)
    return np.clip(coded + noise / 255.0, 0.0, 1.0)


def linear_of(coded: np.ndarray) -> np.ndarray:
    """Undo the sRGB curve."""
    return np.where(coded <= 0.04045, coded / 12.92, ((np.maximum(coded, 0.0) + 0.055) / 1.055) ** 2.4)


def reflectances(linear_rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the smoothest reflectances [1]_ of colours, with random metamerism.

    References
    ----------
    .. [1] Burns 2020, Numerical methods for smoothest reflectance reconstruction, doi:10.1002/col.22437 (method "LSS").
    """
    count = len(WAVELENGTHS_NM)
    rough = np.diff(np.eye(count), axis=0)
    to_rgb = rgb_of(np.eye(count)).T
    system = np.block([[2.0 * rough.T @ rough, to_rgb.T], [to_rgb, np.zeros((3, 3))]])
    smooth = np.linalg.solve(system, np.vstack([np.zeros((count, len(linear_rgb))), linear_rgb.T]))[:count].T
    unseen = np.eye(count) - np.linalg.pinv(to_rgb) @ to_rgb
    bells = np.exp(-0.5 * ((WAVELENGTHS_NM[:, None] - WAVELENGTHS_NM) / 30.0) ** 2)
    wiggle = rng.normal(0.0, 0.04, smooth.shape) @ bells @ unseen
    return np.clip(smooth * (1.0 + wiggle), 0.004, 1.0)


def rgb_of(spectra: np.ndarray) -> np.ndarray:
    """Return linear RGB of reflectances under daylight."""
    responses = observer() * black_body(6504.0)
    xyz = spectra @ (responses / responses[1].sum()).T
    white = (responses / responses[1].sum()).sum(axis=1)
    return np.asarray(xyz / white * XYZ_FROM_LINEAR_RGB.sum(axis=1) @ np.linalg.inv(XYZ_FROM_LINEAR_RGB).T)


def observer() -> np.ndarray:
    """Return the colour matching functions (3, wavelengths) by Wyman's multi-lobe fit [1]_.

    References
    ----------
    .. [1] Wyman, Sloan, Shirley 2013, Simple analytic approximations to the CIE XYZ color matching functions,
       JCGT 2(2).
    """

    def lobe(height: float, peak: float, below: float, above: float) -> np.ndarray:
        slope = np.where(peak > WAVELENGTHS_NM, 1.0 / below, 1.0 / above)
        return height * np.exp(-0.5 * ((WAVELENGTHS_NM - peak) * slope) ** 2)

    x = lobe(1.056, 599.8, 37.9, 31.0) + lobe(0.362, 442.0, 16.0, 26.7) + lobe(-0.065, 501.1, 20.4, 26.2)
    y = lobe(0.821, 568.8, 46.9, 40.5) + lobe(0.286, 530.9, 16.3, 31.1)
    z = lobe(1.217, 437.0, 11.8, 36.0) + lobe(0.681, 459.0, 26.0, 13.8)
    return np.stack([x, y, z])


def some_light(rng: np.random.Generator) -> np.ndarray:
    """Return the power (wavelengths,) of daylight, tungsten or a white LED."""
    which = rng.integers(3)
    if which == 2:
        pump = np.exp(-0.5 * ((WAVELENGTHS_NM - rng.normal(452.0, 4.0)) / 10.0) ** 2)
        phosphor = np.exp(-0.5 * ((WAVELENGTHS_NM - rng.normal(570.0, 15.0)) / 55.0) ** 2)
        return np.asarray(rng.uniform(0.5, 1.1) * pump + phosphor)
    return black_body(rng.uniform(4800.0, 7500.0) if which == 0 else rng.uniform(2700.0, 3400.0))


def black_body(kelvin: float) -> np.ndarray:
    """Return Planck's law, relative to 560 nm."""

    def power(nm: np.ndarray | float) -> np.ndarray:
        return np.asarray((np.asarray(nm) / 560.0) ** -5.0 / np.expm1(1.4388e7 / (np.asarray(nm) * kelvin)))

    return np.asarray(power(WAVELENGTHS_NM) / power(560.0))


if __name__ == "__main__":
    sys.exit(main())
