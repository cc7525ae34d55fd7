"""Folders of pictures and masks: images/ and masks/ with the same names."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.adapters.annotations.raster import cropped
from oral_lesion.adapters.annotations.records import Annotations, LeftOut, PictureLabels, Region
from oral_lesion.errors import FormatError

__all__ = ["BACKGROUND", "read_folders"]

BACKGROUND = 0

_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".tif", ".tiff", ".webp", ".heic", ".heif", ".bmp"})
_MOST_VALUES = 16


def read_folders(pictures: Path, masks: Path) -> Annotations:
    """
    Read masks beside pictures: a mask has its picture's name, whatever the suffix.

    Parameters
    ----------
    pictures : Path
        Folder of pictures, subfolders included.
    masks : Path
        Folder of masks in grey.

    Returns
    -------
    Annotations
        The class of a region is its grey value as text, such as ``"255"``; 0 is background.

    Raises
    ------
    FormatError
        Where a folder is missing, or two files of one folder differ in their suffix alone.
    """
    found, labelled = _by_stem(pictures), _by_stem(masks)
    taken: list[PictureLabels] = []
    left_out = [
        LeftOut(file=file, why="a mask without picture; add the picture or remove the mask")
        for stem, file in sorted(labelled.items())
        if stem not in found
    ]
    for stem, file in sorted(found.items()):
        try:
            taken.append(_picture(file, labelled.get(stem), masks))
        except FormatError as error:
            left_out.append(LeftOut(file=file, why=str(error)))
    return Annotations(pictures=tuple(taken), left_out=tuple(left_out))


def _by_stem(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise FormatError(f"{folder}: expected a folder; name a folder that holds images/ and masks/")
    by_stem: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in _SUFFIXES and path.is_file() and not path.name.startswith("."):
            file = path.relative_to(folder)
            other = by_stem.setdefault(file.with_suffix("").as_posix(), file.as_posix())
            if other != file.as_posix():
                raise FormatError(f"{folder}: {other} and {file.as_posix()} differ in their suffix alone; remove one")
    return by_stem


def _picture(file: str, mask: str | None, masks: Path) -> PictureLabels:
    if mask is None:
        raise FormatError("has no mask; add one, which is black where there is no lesion")
    values = _grey(masks / mask)
    present = [int(value) for value in np.unique(values) if value != BACKGROUND]
    if len(present) > _MOST_VALUES:
        raise FormatError(f"its mask holds {len(present)} values; threshold it, and save it as PNG")
    regions = tuple(Region(class_name=str(value), patch=cropped(values == value)) for value in present)
    return PictureLabels(file=file, size_px=(values.shape[1], values.shape[0]), regions=regions)


def _grey(mask: Path) -> NDArray[np.uint8]:
    values = cv2.imread(str(mask), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint8:
        raise FormatError("its mask is no picture of 8 bits; save it as PNG")
    if values.ndim == 3:
        color = values[..., :3]
        if (color != color[..., :1]).any():
            raise FormatError("its mask is in colour; save it in grey")
        values = np.ascontiguousarray(color[..., 0])
    return np.asarray(values, dtype=np.uint8)
