"""Masks for pictures without a colour card: no scale, so no areas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import Refused
from oral_lesion.io.bundle import open_segmenter
from oral_lesion.io.one_by_one import FileOutcome, refused_line, require_folder, require_free_names, write_png
from oral_lesion.io.photos import read_photo
from oral_lesion.io.visits import identify_photo
from oral_lesion.numerics.scaling import scaled_srgb
from oral_lesion.segment.onnx import OnnxSegmenter

__all__ = ["DEFAULT_LONGER_SIDE_PX", "segment_pictures"]

DEFAULT_LONGER_SIDE_PX = 512
"""A mouth of 50 to 60 mm that fills the picture then appears as at the working resolution of 0.1 mm/px."""

_SUFFIXES = ("_mask.png", "_probability.png")


def segment_pictures(
    pictures: Sequence[Path],
    out: Path,
    *,
    bundle: Path,
    longer_side_px: int | None = None,
    overwrite: bool = False,
) -> list[FileOutcome]:
    """
    Write ``<stem>_mask.png`` (0 or 255) and ``<stem>_probability.png`` (0 to 65535) for each picture, in its own size.

    Parameters
    ----------
    pictures : sequence of Path
        Files of any format that `read_photo` takes.
    out : Path
        Folder for the masks; made where it is missing.
    bundle : Path
        Model bundle folder.
    longer_side_px : int or None
        The model sees each picture resampled to this length of its longer side; None takes 512.
    overwrite : bool
        Replace files that are there.

    Returns
    -------
    list of FileOutcome
        One a picture, in the order given.

    Raises
    ------
    InputError
        Where two pictures would write the same names.
    OutputError
        Where files are there already, or the folder cannot be written.
    BundleError
        Where the bundle is not one.
    """
    require_free_names(pictures, out, _SUFFIXES, overwrite=overwrite)
    segmenter = open_segmenter(bundle, threads=1)
    require_folder(out)
    return [_segment_one(path, out, segmenter, longer_side_px or DEFAULT_LONGER_SIDE_PX) for path in pictures]


def _segment_one(path: Path, out: Path, segmenter: OnnxSegmenter, longer_side_px: int) -> FileOutcome:
    try:
        photo = read_photo(path, identify_photo(path).identity)
    except Refused as refused:
        return FileOutcome(path=path, done=False, line=refused_line(path, refused.refusal))
    probability = probability_at(photo.srgb, segmenter, longer_side_px)
    mask = np.where(probability >= np.float32(segmenter.threshold), np.uint8(255), np.uint8(0))
    write_png(out / f"{path.stem}_mask.png", mask)
    write_png(out / f"{path.stem}_probability.png", np.round(probability * 65535).astype(np.uint16))
    share = 100.0 * float(np.count_nonzero(mask)) / mask.size
    return FileOutcome(path=path, done=True, line=f"{path.name}: erosion on {share:.2f} % of the picture")


def probability_at(srgb: NDArray[np.uint8], segmenter: OnnxSegmenter, longer_side_px: int) -> NDArray[np.float32]:
    """
    Return the probability of erosion of a picture that the model sees at another size.

    Parameters
    ----------
    srgb : ndarray of uint8, shape (height, width, 3)
        sRGB.
    segmenter : OnnxSegmenter
        The model.
    longer_side_px : int
        Length of the longer side that the model sees.

    Returns
    -------
    ndarray of float32, shape (height, width)
        In [0, 1], at the picture's own size.
    """
    height, width = srgb.shape[:2]
    probability = segmenter.probability_of_srgb(scaled_srgb(srgb, longer_side_px / max(height, width)))
    resized = cv2.resize(probability, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(resized, 0.0, 1.0), dtype=np.float32)
