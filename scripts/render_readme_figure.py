"""Render the figure of README.md from a phantom: `python scripts/render_readme_figure.py`.

The outline is the rendering's own, in place of a model's: the figure shows what is measured, not how well it is found.
"""

from __future__ import annotations

import io
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from oral_lesion import Measurement, PhotoScore, load_protocol, score_photo
from oral_lesion.adapters.figures.canvas import INK, MUTED, styled
from oral_lesion.io.photos import read_photo
from oral_lesion.io.settings import load_card
from oral_lesion.io.visits import find_photos
from oral_lesion.numerics.color import srgb_uint8_from_linear
from oral_lesion.numerics.geometry import apply_homography_xy
from oral_lesion.phantom import SceneSettings, write_phantoms
from oral_lesion.phantom.truth_segmenters import TruthSegmenters
from oral_lesion.records import StandardizedPhoto

OUT = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "measured.jpg"
CARD = "colorchecker-classic-nano"
SCENE = SceneSettings(
    seed=12, width_px=1600, height_px=1200, card_share=0.3, tilt_deg=24, azimuth_deg=60, light="warm-led",
    white_balance=0.35, focal_length_35mm_mm=85, glare=0.25,
)  # fmt: skip
OUTLINE = "#16e0ff"
WIDTH_PX, HEIGHT_PX, DPI = 1680, 500, 155


def scored() -> tuple[np.ndarray, PhotoScore]:
    """Return the photo, and its score with the true mask."""
    protocol = load_protocol()
    with TemporaryDirectory() as folder:
        write_phantoms(Path(folder) / "p", [SCENE], load_card(CARD))
        visit = Path(folder) / "p" / SCENE.subject / SCENE.visit
        (entry,) = find_photos(visit).entries
        truth = TruthSegmenters.of_visit(visit, protocol.standardization.working_mm_per_px)
        photo = read_photo(entry.path, entry.identity)
        score = score_photo(photo, protocol=protocol, segmenter=truth.segmenter_for(entry.identity))
    return photo.srgb, score


def draw(photo: np.ndarray, score: PhotoScore) -> Figure:
    """Draw photo, standardized photo and outline side by side."""
    standard, measured = score.standardized, score.outcome
    if standard is None or not isinstance(measured, Measurement):
        raise SystemExit(f"the scene was refused: {measured}")
    picture = srgb_uint8_from_linear(standard.linear_rgb)
    picture[~covered(standard)] = 255
    figure = Figure(figsize=(WIDTH_PX / DPI, HEIGHT_PX / DPI), dpi=DPI)
    height, width = photo.shape[:2]
    tall, wide = picture.shape[:2]
    first, second, third = figure.subplots(1, 3, width_ratios=[width / height, wide / tall, 1.0])
    first.imshow(photo)
    titled(
        first, "1  A photograph", f"with a colour card in the plane of the lesion; tilted {score.card.tilt_deg:.0f}°"
    )
    second.imshow(picture)
    scale_bar(second, standard.scale.mm_per_px, (0.05 * wide, 0.95 * tall), 20)
    titled(second, "2  Standardized", "square to the card, in its colours, 0.1 mm per pixel")
    outlined(third, picture, score, measured)
    figure.subplots_adjust(left=0.008, right=0.992, top=0.85, bottom=0.015, wspace=0.03)
    return figure


def covered(standard: StandardizedPhoto) -> np.ndarray:
    """Return where the photo reaches, the card included."""
    tall, wide = standard.valid.shape
    rows, columns = np.mgrid[:tall, :wide]
    x, y = np.moveaxis(apply_homography_xy(standard.photo_xy_from_standard_xy, np.stack([columns, rows], -1)), -1, 0)
    height, width = standard.photo_shape
    return (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)


def outlined(axes: Axes, picture: np.ndarray, score: PhotoScore, measured: Measurement) -> None:
    """Draw the lesions' outlines with their areas."""
    mask = score.segmentation.mask
    rows, columns = np.nonzero(mask)
    middle = np.array([rows.min() + rows.max(), columns.min() + columns.max()]) / 2
    half = 0.7 * max(np.ptp(rows), np.ptp(columns))
    axes.imshow(picture)
    axes.contour(mask, levels=[0.5], colors=[OUTLINE], linewidths=1.8)
    axes.set_xlim(middle[1] - half, middle[1] + half)
    axes.set_ylim(middle[0] + half, middle[0] - half)
    mm_per_px = score.standardized.scale.mm_per_px
    for lesion in measured.lesions:
        row, column = lesion.centroid_rc_px
        axes.text(
            column, row + 0.56 * lesion.equivalent_diameter_mm / mm_per_px,
            f"{lesion.label}:  {lesion.area_mm2:.0f} mm²",
            ha="center", va="top", color="white", fontsize=9.5,
            bbox={"boxstyle": "round,pad=0.3", "facecolor": "#00000099", "edgecolor": "none"},
        )  # fmt: skip
    scale_bar(axes, mm_per_px, (middle[1] - 0.92 * half, middle[0] - 0.72 * half), 10)
    area = f"Erosion {measured.area_mm2:.0f} ± {2 * measured.u_area_mm2:.0f} mm²"
    titled(axes, "3  " + area, "total area ± U (k = 2), and that of each lesion")


def scale_bar(axes: Axes, mm_per_px: float, start_xy: tuple[float, float], length_mm: float) -> None:
    """Draw a bar of so many millimetres."""
    x, y = start_xy
    end = x + length_mm / mm_per_px
    axes.plot([x, end], [y, y], color="white", linewidth=4, solid_capstyle="butt")
    axes.text((x + end) / 2, y, f"{length_mm:g} mm\n", color="white", ha="center", va="center", fontsize=9)


def titled(axes: Axes, title: str, below: str) -> None:
    """Put a heading and a line over a picture."""
    axes.set_axis_off()
    axes.text(0, 1.095, title, transform=axes.transAxes, fontsize=12, fontweight="bold", color=INK, va="baseline")
    axes.text(0, 1.03, below, transform=axes.transAxes, fontsize=8, color=MUTED, va="baseline")


def main() -> None:
    """Write docs/pictures/measured.jpg."""
    photo, score = scored()
    with styled():
        figure = draw(photo, score)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    target = io.BytesIO()
    Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]).save(target, "JPEG", quality=88, subsampling=0)
    OUT.write_bytes(target.getvalue())
    print(OUT, len(target.getvalue()), score.outcome.area_mm2, score.flags)


if __name__ == "__main__":
    main()
