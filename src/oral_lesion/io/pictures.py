"""The pictures of a scored photo: standardized, probability, mask and overlay, without any metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import InputError, OutputError
from oral_lesion.measure.boundary import contours_rc_px
from oral_lesion.measure.lesions import Component, connected_components
from oral_lesion.numerics.color import srgb_uint8_from_linear
from oral_lesion.numerics.geometry import (
    apply_homography_xy,
    homography_weight,
    map_points_rc,
    warp_to_photo,
)
from oral_lesion.records import Lesion, Measurement, Photo, PhotoScore, Segmentation, StandardizedPhoto

__all__ = ["PICTURE_NAMES", "encode_pictures", "lesion_mask", "overlay", "write_contents", "write_pictures"]

PICTURE_NAMES = (
    "standardized.png", "valid.png", "probability.png", "lesions.png", "mask.png", "overlay.jpg", "photo.jpg",
    "geometry.json",
)  # fmt: skip

_OVERLAY_SIDE_PX = 1600
_OVERLAY_QUALITY = 88
_OUTLINE, _HALO, _WHITE, _BLACK = (0, 255, 0), (0, 64, 0), (255, 255, 255), (0, 0, 0)
_SCALE_BARS_MM = (10, 5, 2, 1)
_SUBPIXEL_BITS = 4
# run lengths and the row above: a third of the time of zlib's default for pictures with noise, and no larger
_PNG = [
    cv2.IMWRITE_PNG_COMPRESSION, 1,
    cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE,
    cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP,
]  # fmt: skip
_PNG_OF_MASK = [
    cv2.IMWRITE_PNG_COMPRESSION, 1,
    cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE,
    cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE,
]  # fmt: skip


def write_pictures(folder: Path, photo: Photo, score: PhotoScore) -> tuple[Path, ...]:
    """
    Write the pictures of a scored photo; of a refused photo nothing is written, and no folder made.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    photo : Photo
        That was scored.
    score : PhotoScore
        With its standardized photo and segmentation.

    Returns
    -------
    tuple of Path
        What was written.

    Raises
    ------
    InputError
        Where a scored photo comes without its pictures.
    OutputError
        Where a file cannot be written.
    """
    contents = encode_pictures(photo, score)
    if contents:
        write_contents(folder, contents)
    return tuple(folder / name for name in contents)


def write_contents(folder: Path, contents: Mapping[str, bytes]) -> None:
    """
    Write files into a folder.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    contents : mapping of str to bytes
        By file name.

    Raises
    ------
    OutputError
        Where a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror}). Check space and rights.") from error


def encode_pictures(photo: Photo, score: PhotoScore) -> dict[str, bytes]:
    """
    Return the pictures of a scored photo as the files that they become; none of a refused photo.

    - ``standardized.png``: 8-bit sRGB at the working resolution, black where the photo does not reach;
    - ``valid.png``: 8-bit grey in the same geometry, 255 where the photo shows tissue;
    - ``probability.png``: 16-bit grey in the same geometry, probability × 65535;
    - ``lesions.png``: 16-bit grey in the same geometry, the number of the measured lesion, 0 elsewhere;
    - ``mask.png``: 8-bit grey, in the geometry of the upright photo, 255 in the lesions that were measured;
    - ``overlay.jpg``: the photo at up to 1600 px, with outlines, numbers of lesions and a scale bar;
    - ``photo.jpg``: the same without anything drawn into it;
    - ``geometry.json``: scale, and where the standardized picture and the card lie in the photo.

    The same photo and score give the same bytes.

    Parameters
    ----------
    photo : Photo
        That was scored.
    score : PhotoScore
        With its standardized photo and segmentation.

    Returns
    -------
    dict of str to bytes
        By file name.

    Raises
    ------
    InputError
        Where a scored photo comes without its pictures.
    """
    if not isinstance(score.outcome, Measurement):
        return {}
    standardized, segmentation = _stations_of(score)
    kept = list(_measured_components(segmentation, score.outcome))
    reduced, factor = _reduced(photo)
    return {
        "standardized.png": _png(srgb_uint8_from_linear(standardized.linear_rgb)[..., ::-1], _PNG),
        "valid.png": _png(standardized.valid.astype(np.uint8) * np.uint8(255), _PNG_OF_MASK),
        "probability.png": _png(np.rint(segmentation.probability * np.float32(65535)).astype(np.uint16), _PNG),
        "lesions.png": _png(_labels_of(kept, standardized), _PNG_OF_MASK),
        "mask.png": _png(_mask_of(kept, segmentation.threshold, standardized), _PNG_OF_MASK),
        "overlay.jpg": _jpeg(_overlay_of(kept, (reduced, factor), score, standardized, segmentation.threshold)),
        "photo.jpg": _jpeg(reduced),
        "geometry.json": _geometry_of(score, standardized),
    }


def lesion_mask(score: PhotoScore) -> NDArray[np.uint8]:
    """
    Return the mask of the measured lesions in the upright photo's geometry.

    Each lesion's probability is warped bilinearly and cut at the threshold, so that its outline is the one
    whose area was measured. Components that were too small to count are left out.

    Parameters
    ----------
    score : PhotoScore
        Scored, with its standardized photo and segmentation.

    Returns
    -------
    ndarray of uint8, shape (height, width)
        255 in lesions, 0 elsewhere.

    Raises
    ------
    InputError
        Where the photo was refused, or comes without its pictures.
    """
    standardized, segmentation = _stations_of(score)
    if not isinstance(score.outcome, Measurement):
        raise InputError("score: expected a scored photo, got a refused one.")
    kept = list(_measured_components(segmentation, score.outcome))
    return _mask_of(kept, segmentation.threshold, standardized)


def overlay(photo: Photo, score: PhotoScore) -> NDArray[np.uint8]:
    """
    Return the photo, reduced, with the outlines and numbers of its lesions and a scale bar.

    Parameters
    ----------
    photo : Photo
        That was scored.
    score : PhotoScore
        Scored, with its standardized photo and segmentation.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        sRGB, long side at most 1600 pixels.

    Raises
    ------
    InputError
        Where the photo was refused, or comes without its pictures.
    """
    standardized, segmentation = _stations_of(score)
    if not isinstance(score.outcome, Measurement):
        raise InputError("score: expected a scored photo, got a refused one.")
    kept = list(_measured_components(segmentation, score.outcome))
    return _overlay_of(kept, _reduced(photo), score, standardized, segmentation.threshold)


def _stations_of(score: PhotoScore) -> tuple[StandardizedPhoto, Segmentation]:
    if score.standardized is None or score.segmentation is None:
        raise InputError("score: expected a scored photo with its standardized photo and segmentation.")
    return score.standardized, score.segmentation


def _measured_components(segmentation: Segmentation, measurement: Measurement) -> Iterator[tuple[Lesion, Component]]:
    """Yield the components that were measured: those whose centroid is that of a lesion."""
    lesions = {_rounded(lesion.centroid_rc_px): lesion for lesion in measurement.lesions}
    for component in connected_components(segmentation.probability, segmentation.mask, segmentation.valid):
        rows, columns = np.nonzero(component.inside)
        top, left = component.offset_rc_px
        lesion = lesions.get(_rounded((float(rows.mean()) + top, float(columns.mean()) + left)))
        if lesion is not None:
            yield lesion, component


def _rounded(point: tuple[float, float]) -> tuple[float, float]:
    return round(point[0], 6), round(point[1], 6)


def _labels_of(kept: Sequence[tuple[Lesion, Component]], standardized: StandardizedPhoto) -> NDArray[np.uint16]:
    labels = np.zeros(standardized.valid.shape, dtype=np.uint16)
    for lesion, component in kept:
        rows, columns = np.nonzero(component.inside)
        top, left = component.offset_rc_px
        labels[rows + top, columns + left] = lesion.label
    return labels


def _geometry_of(score: PhotoScore, standardized: StandardizedPhoto) -> bytes:
    geometry = {
        "mm_per_px": standardized.scale.mm_per_px,
        "u_mm_per_px": standardized.scale.u_mm_per_px,
        "scale_source": standardized.scale.source,
        "photo_xy_from_standard_xy": standardized.photo_xy_from_standard_xy.tolist(),
        "photo_shape": list(standardized.photo_shape),
        "photo_xy_from_card_mm": None if score.card is None else score.card.photo_xy_from_card_mm.tolist(),
        "card_mirrored": score.card is not None and score.card.mirrored,
    }
    return (json.dumps(geometry, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8")


def _mask_of(
    kept: Sequence[tuple[Lesion, Component]], threshold: float, standardized: StandardizedPhoto
) -> NDArray[np.uint8]:
    """Warp each component into its own window of the photo: the cost is that of the lesions alone."""
    height, width = standardized.photo_shape
    mask = np.zeros((height, width), dtype=np.uint8)
    for _, component in kept:
        top, left = component.offset_rc_px
        rows, columns = component.inside.shape
        shift = np.array([[1.0, 0.0, left], [0.0, 1.0, top], [0.0, 0.0, 1.0]])
        photo_xy_from_crop_xy = standardized.photo_xy_from_standard_xy @ shift
        x0, y0, x1, y1 = _window(photo_xy_from_crop_xy, (rows, columns), (height, width))
        if x1 <= x0 or y1 <= y0:
            continue
        window_from_photo = np.array([[1.0, 0.0, -x0], [0.0, 1.0, -y0], [0.0, 0.0, 1.0]])
        warped = warp_to_photo(component.probability, window_from_photo @ photo_xy_from_crop_xy, (y1 - y0, x1 - x0))
        mask[y0:y1, x0:x1][warped >= threshold] = 255
    return mask


def _window(
    photo_xy_from_crop_xy: NDArray[np.float64], crop_shape: tuple[int, int], photo_shape: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Return (x0, y0, x1, y1) of the photo's part that holds a crop: all of it where the horizon crosses."""
    (rows, columns), (height, width) = crop_shape, photo_shape
    corners = np.array([[0, 0], [columns - 1, 0], [columns - 1, rows - 1], [0, rows - 1]], dtype=np.float64)
    weights = homography_weight(photo_xy_from_crop_xy, corners)
    if not ((weights > 0).all() or (weights < 0).all()):
        return 0, 0, width, height
    mapped = apply_homography_xy(photo_xy_from_crop_xy, corners)
    x0, y0 = np.clip(np.floor(mapped.min(axis=0)), 0, (width, height))
    x1, y1 = np.clip(np.ceil(mapped.max(axis=0)) + 1, 0, (width, height))
    return int(x0), int(y0), int(x1), int(y1)


def _reduced(photo: Photo) -> tuple[NDArray[np.uint8], float]:
    """Return the photo at the overlay's size, and what its sides were multiplied by."""
    height, width, _ = photo.srgb.shape
    factor = min(1.0, _OVERLAY_SIDE_PX / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    reduced = photo.srgb if factor == 1 else cv2.resize(photo.srgb, size, interpolation=cv2.INTER_AREA)
    return np.asarray(reduced, dtype=np.uint8), factor


def _overlay_of(
    kept: Sequence[tuple[Lesion, Component]],
    reduced: tuple[NDArray[np.uint8], float],
    score: PhotoScore,
    standardized: StandardizedPhoto,
    threshold: float,
) -> NDArray[np.uint8]:
    picture, factor = reduced[0].copy(), reduced[1]
    for lesion, component in kept:
        outlines = [
            _to_overlay(
                map_points_rc(standardized.photo_xy_from_standard_xy, contour + np.asarray(component.offset_rc_px)),
                factor,
            )
            for contour in contours_rc_px(component.probability, threshold)
        ]
        for color, thickness in ((_HALO, 4), (_OUTLINE, 2)):
            cv2.polylines(picture, outlines, True, color, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)
        if outlines:
            right, top = max(map(tuple, outlines[0] >> _SUBPIXEL_BITS))
            _write_text(picture, str(lesion.label), (int(right) + 4, int(top)))
    mm_per_px = score.card.scale.mm_per_px if score.card is not None else None
    if mm_per_px:
        _draw_scale_bar(picture, factor / mm_per_px)
    return picture


def _to_overlay(points_rc: NDArray[np.float64], factor: float) -> NDArray[np.int32]:
    """Return (x, y) in the reduced picture, as OpenCV's fixed point numbers."""
    reduced = (points_rc[:, ::-1] + 0.5) * factor - 0.5
    return np.asarray(np.rint(reduced * 2**_SUBPIXEL_BITS), dtype=np.int32)


def _draw_scale_bar(picture: NDArray[np.uint8], px_per_mm: float) -> None:
    height, width, _ = picture.shape
    margin = max(8, width // 60)
    length_mm = next((mm for mm in _SCALE_BARS_MM if mm * px_per_mm <= width - 2 * margin), None)
    if length_mm is None or length_mm * px_per_mm < 4:
        return
    y, x1 = height - margin, margin + round(length_mm * px_per_mm)
    for color, rim in ((_BLACK, 2), (_WHITE, 0)):
        picture[y - 1 - rim : y + 2 + rim, margin - rim : x1 + rim] = color
    _write_text(picture, f"{length_mm} mm", (margin, y - 10))


def _write_text(picture: NDArray[np.uint8], text: str, at_xy: tuple[int, int]) -> None:
    for color, thickness in ((_BLACK, 4), (_WHITE, 1)):
        cv2.putText(picture, text, at_xy, cv2.FONT_HERSHEY_SIMPLEX, 1.0, color, thickness, cv2.LINE_AA)


def _jpeg(srgb: NDArray[np.uint8]) -> bytes:
    return _encoded(".jpg", srgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _OVERLAY_QUALITY])


def _png(picture: NDArray[Any], settings: list[int]) -> bytes:
    return _encoded(".png", picture, settings)


def _encoded(suffix: str, picture: NDArray[Any], settings: list[int]) -> bytes:
    done, content = cv2.imencode(suffix, np.ascontiguousarray(picture), settings)
    if not done:
        raise OutputError(f"A picture of {picture.shape} cannot be encoded as {suffix}.")
    return bytes(content)
