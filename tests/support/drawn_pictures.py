"""Labelled pictures drawn for evaluation: red disks on pink, with masks, in the layouts that a folder may have."""

import csv

import cv2
import numpy as np

SIZE = (96, 120)


def disk(row, column, radius, size=SIZE):
    rows, columns = np.mgrid[: size[0], : size[1]]
    return np.hypot(rows - row, columns - column) <= radius


def srgb_of(mask, seed=0):
    """Red where the mask is, pink elsewhere, a little noise."""
    noise = np.random.default_rng(seed).normal(0, 3, (*mask.shape, 3))
    return np.clip(np.where(mask[..., None], (190, 30, 30), (225, 160, 160)) + noise, 0, 255).astype(np.uint8)


def write_labelled(folder, masks):
    """Write images/ and masks/; a mask of None leaves its file out."""
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    for number, (name, mask) in enumerate(masks.items()):
        seen = np.zeros(SIZE, bool) if mask is None else mask == 255
        cv2.imwrite(str(folder / "images" / f"{name}.png"), srgb_of(seen, number)[..., ::-1])
        if mask is not None:
            cv2.imwrite(str(folder / "masks" / f"{name}.png"), mask)


def write_table(folder, rows, **columns):
    """Write photos.csv; further columns by keyword, each a mapping from id."""
    with (folder / "photos.csv").open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["id", "file", "mask", "group", "split", *columns])
        for name, group, split in rows:
            mask = f"masks/{name}.png" if (folder / "masks" / f"{name}.png").is_file() else ""
            extra = [cells.get(name, "") for cells in columns.values()]
            writer.writerow([name, f"images/{name}.png", mask, group, split, *extra])


class RedModel:
    """Takes for erosion what is red enough; says at which sizes it was asked."""

    def __init__(self, offset=0.0, working_mm_per_px=0.1, name="red"):
        from oral_lesion.records import ModelIdentity

        self.identity = ModelIdentity(name=name, version="1", sha256=("a" if name == "red" else "b") * 64)
        self.threshold = 0.5
        self.working_mm_per_px = working_mm_per_px
        self.offset = offset
        self.sizes = []

    def probability_of_srgb(self, srgb):
        self.sizes.append(srgb.shape[:2])
        redness = (srgb[..., 0].astype(np.float32) - srgb[..., 1]) / 160.0
        return np.clip(redness * 1.2 - 0.2 + self.offset, 0, 1).astype(np.float32)
