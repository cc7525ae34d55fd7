"""Drawn pictures and small data sets of them."""

import csv
import io

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, zoom

COLUMNS = ("id", "file", "mask", "group", "split")
SETTINGS = """name = "drawn"
licence = "CC0-1.0"
source = "drawn by the tests"
classes = ["erosion"]
split_rule = "group"
"""


def drawn_picture(seed, width=96, height=80):
    """A smooth coloured pattern: another seed gives a picture that looks different."""
    rng = np.random.default_rng(seed)
    coarse = gaussian_filter(rng.normal(size=(16, 16, 3)), (1.2, 1.2, 0))
    fine = zoom(coarse, (height / 16, width / 16, 1), order=1)
    return np.clip(128 + 300 * fine, 0, 255).astype(np.uint8)


def encoded(picture, kind="PNG", **options):
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, kind, **options)
    return stream.getvalue()


def disc_mask(width=96, height=80, center_rc=(40, 48), radius=12, value=255):
    rows, columns = np.ogrid[:height, :width]
    inside = (rows - center_rc[0]) ** 2 + (columns - center_rc[1]) ** 2 <= radius**2
    return np.where(inside, value, 0).astype(np.uint8)


def write_dataset(folder, rows, *, settings=SETTINGS, files=None, columns=COLUMNS):
    """Write dataset.toml, photos.csv and files by name (arrays become PNG)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.toml").write_text(settings, encoding="utf-8")
    with (folder / "photos.csv").open("w", encoding="utf-8", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(columns)
        writer.writerows(rows)
    for name, content in (files or {}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else encoded(content))
    return folder
