"""Pictures for a page: reduced, as data URIs without metadata; outlines as paths."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.measure.boundary import contours_rc_px
from oral_lesion.measure.lesions import connected_components

__all__ = [
    "Outline",
    "Picture",
    "StandardPhoto",
    "StandardView",
    "encoded_jpeg",
    "outlines_of",
    "picture_in",
    "standard_photo",
    "standard_view",
]

_QUALITY = 80
_HEAT_SIDE_PX = 440
_HEAT_LEVELS = 24
_HEAT_OPACITY = 0.9
_OUTLINE_TOLERANCE_PX = 0.35
_HALF_SIDE_PX = 640


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """
    A picture inside the page.

    Parameters
    ----------
    uri : str
        ``data:`` with all of it.
    width_px, height_px : int
        Its size.
    """

    uri: str
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """
    The outline of one lesion.

    Parameters
    ----------
    label : int
        Its number in lesions.csv.
    path : str
        SVG path in the picture's pixels.
    at_xy : tuple of float
        Where its number stands.
    """

    label: int
    path: str
    at_xy: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StandardPhoto:
    """
    The standardized picture of a scored photo.

    Parameters
    ----------
    folder : Path
        ``photos/PHOTO_ID``.
    bgr : ndarray of uint8, shape (height, width, 3)
        As OpenCV holds it.
    geometry : mapping
        geometry.json.
    """

    folder: Path
    bgr: NDArray[Any]
    geometry: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardView:
    """
    All pictures of a scored photo in one geometry.

    Parameters
    ----------
    standardized : Picture
        In standard colour.
    original : Picture or None
        The photo's own colour, laid over it; None where it is not there.
    original_has_outlines : bool
        Whether outlines are drawn into it, as older versions left nothing else.
    heat : Picture or None
        Probability of erosion, the more opaque the higher.
    outlines : tuple of Outline
        By label.
    px_per_mm : float
        Of these pictures.
    """

    standardized: Picture
    original: Picture | None
    original_has_outlines: bool
    heat: Picture | None
    outlines: tuple[Outline, ...]
    px_per_mm: float


def standard_photo(folder: Path) -> StandardPhoto | None:
    """
    Read the standardized picture of a scored photo.

    Parameters
    ----------
    folder : Path
        ``photos/PHOTO_ID``.

    Returns
    -------
    StandardPhoto or None
        None where it is missing or damaged, as of a refused photo.
    """
    geometry = _geometry_in(folder)
    bgr = None if geometry is None else read_picture(folder / "standardized.png")
    return None if bgr is None or geometry is None else StandardPhoto(folder=folder, bgr=bgr, geometry=geometry)


def standard_view(photo: StandardPhoto, *, threshold: float, side_px: int) -> StandardView:
    """
    Return the pictures of a scored photo.

    Parameters
    ----------
    photo : StandardPhoto
        From `standard_photo`.
    threshold : float
        That the mask was cut at.
    side_px : int
        Of the longer side, at most.

    Returns
    -------
    StandardView
        Without what is missing or damaged.
    """
    folder, bgr, geometry = photo.folder, photo.bgr, photo.geometry
    factor = min(1.0, side_px / max(bgr.shape[:2]))
    size = (max(1, round(bgr.shape[1] * factor)), max(1, round(bgr.shape[0] * factor)))
    reduced = bgr if factor == 1.0 else cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)
    reading = cv2.IMREAD_COLOR if side_px > _HALF_SIDE_PX else cv2.IMREAD_REDUCED_COLOR_2
    original, drawn = read_picture(folder / "photo.jpg", reading), False
    if original is None:
        original, drawn = read_picture(folder / "overlay.jpg", reading), True
    probability, labels = (
        read_picture(folder / name, cv2.IMREAD_UNCHANGED) for name in ("probability.png", "lesions.png")
    )
    fits = probability is not None and probability.shape == bgr.shape[:2]
    return StandardView(
        standardized=encoded_jpeg(reduced),
        original=None if original is None else encoded_jpeg(_laid_over(original, geometry, factor, size)),
        original_has_outlines=drawn,
        heat=_heat(probability, size) if probability is not None and fits else None,
        outlines=outlines_of(probability, labels, threshold, factor)
        if probability is not None and labels is not None and fits and labels.shape == probability.shape
        else (),
        px_per_mm=factor / float(geometry["mm_per_px"]),
    )


def picture_in(path: Path, side_px: int) -> Picture | None:
    """
    Return a picture of the results, reduced.

    Parameters
    ----------
    path : Path
        JPEG or PNG.
    side_px : int
        Of the longer side, at most.

    Returns
    -------
    Picture or None
        None where it is missing or damaged.
    """
    reading = cv2.IMREAD_REDUCED_COLOR_4 if path.suffix == ".jpg" and side_px <= 400 else cv2.IMREAD_COLOR
    bgr = read_picture(path, reading)
    if bgr is None:
        return None
    factor = min(1.0, side_px / max(bgr.shape[:2]))
    size = (max(1, round(bgr.shape[1] * factor)), max(1, round(bgr.shape[0] * factor)))
    return encoded_jpeg(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA))


def encoded_jpeg(bgr: NDArray[Any], quality: int = _QUALITY) -> Picture:
    """
    Return a picture as JPEG, which holds nothing but pixels.

    Parameters
    ----------
    bgr : ndarray of uint8, shape (height, width, 3)
        As OpenCV holds it.
    quality : int
        1 to 100.

    Returns
    -------
    Picture
    """
    return _picture(bgr, ".jpg", "image/jpeg", [cv2.IMWRITE_JPEG_QUALITY, quality])


def outlines_of(
    probability: NDArray[Any], labels: NDArray[Any], threshold: float, factor: float = 1.0
) -> tuple[Outline, ...]:
    """
    Return the outlines of the measured lesions: the contours whose areas were measured.

    Parameters
    ----------
    probability : ndarray of uint16, shape (height, width)
        × 65535.
    labels : ndarray of uint16, shape (height, width)
        Numbers of lesions.
    threshold : float
        That the mask was cut at.
    factor : float
        From these pictures to the one that is shown.

    Returns
    -------
    tuple of Outline
        By label.
    """
    left_px, top_px, width, height = cv2.boundingRect((labels > 0).astype(np.uint8))
    if not width:
        return ()
    rows_in, columns_in = (
        slice(max(0, start - 1), start + length + 1) for start, length in ((top_px, height), (left_px, width))
    )
    probability, labels = probability[rows_in, columns_in], labels[rows_in, columns_in]
    inside = labels > 0
    known = np.where(inside, np.maximum(probability / np.float32(65535), threshold), np.float32(0))
    near = cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~inside
    below = probability[near] / np.float32(65535)
    known[near] = np.where(below < threshold, below, np.float32(0))
    found = []
    for component in connected_components(known.astype(np.float32), inside, np.ones_like(inside)):
        top, left = component.offset_rc_px
        rows, columns = np.nonzero(component.inside)
        contours = [
            ((contour[:, ::-1] + (left + columns_in.start, top + rows_in.start) + 0.5) * factor).astype(np.float32)
            for contour in contours_rc_px(component.probability, threshold)
        ]
        if not contours:
            continue
        rightmost = max((tuple(point) for contour in contours for point in contour), default=(0.0, 0.0))
        found.append(
            Outline(
                label=int(labels[rows[0] + top, columns[0] + left]),
                path="".join(_path_of(contour) for contour in contours),
                at_xy=(round(float(rightmost[0]), 1), round(float(rightmost[1]), 1)),
            )
        )
    return tuple(sorted(found, key=lambda outline: outline.label))


def _path_of(contour_xy: NDArray[np.float32]) -> str:
    points = cv2.approxPolyDP(contour_xy.reshape(-1, 1, 2), _OUTLINE_TOLERANCE_PX, True).reshape(-1, 2)
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z"


def _laid_over(
    photo: NDArray[Any], geometry: Mapping[str, Any], factor: float, size: Sequence[int]
) -> NDArray[np.uint8]:
    """Return the photo in the geometry of the reduced standardized picture."""
    reduction = photo.shape[1] / int(geometry["photo_shape"][1])
    photo_from_standard = np.array(geometry["photo_xy_from_standard_xy"], dtype=np.float64)
    reduced_from_shown = scaling(reduction) @ photo_from_standard @ np.linalg.inv(scaling(factor))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpPerspective(photo, reduced_from_shown, tuple(size), flags=flags), dtype=np.uint8)


def scaling(factor: float) -> NDArray[np.float64]:
    """
    Return the homography to a picture whose sides are multiplied; integers are pixel centres.

    Parameters
    ----------
    factor : float
        Above 0.

    Returns
    -------
    ndarray of float64, shape (3, 3)
    """
    shift = (factor - 1.0) / 2.0
    return np.array([[factor, 0.0, shift], [0.0, factor, shift], [0.0, 0.0, 1.0]])


def _heat(probability: NDArray[Any], size: Sequence[int]) -> Picture:
    factor = min(1.0, _HEAT_SIDE_PX / max(size))
    small = (max(1, round(size[0] * factor)), max(1, round(size[1] * factor)))
    reduced = cv2.resize(probability, small, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(65535)
    stepped = np.rint(reduced * _HEAT_LEVELS) / np.float32(_HEAT_LEVELS)
    bgra = cv2.cvtColor(
        cv2.applyColorMap(np.rint(stepped * 255).astype(np.uint8), cv2.COLORMAP_CIVIDIS), cv2.COLOR_BGR2BGRA
    )
    bgra[..., 3] = np.rint(255 * _HEAT_OPACITY * np.minimum(1.0, 1.6 * stepped))
    bgra[stepped == 0] = 0
    return _picture(bgra, ".png", "image/png", [cv2.IMWRITE_PNG_COMPRESSION, 6])


def _picture(picture: NDArray[Any], suffix: str, kind: str, settings: list[int]) -> Picture:
    _, content = cv2.imencode(suffix, np.ascontiguousarray(picture), settings)
    text = base64.b64encode(content.tobytes()).decode("ascii")
    height, width = picture.shape[:2]
    return Picture(uri=f"data:{kind};base64,{text}", width_px=width, height_px=height)


def read_picture(path: Path, reading: int = cv2.IMREAD_COLOR) -> NDArray[Any] | None:
    """
    Return a picture of the results.

    Parameters
    ----------
    path : Path
        JPEG or PNG.
    reading : int
        Of ``cv2.imread``.

    Returns
    -------
    ndarray or None
        BGR or grey; None where it is missing or damaged.
    """
    try:
        encoded = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError:
        return None
    picture = cv2.imdecode(encoded, reading) if len(encoded) else None
    return None if picture is None else np.asarray(picture)


def _geometry_in(folder: Path) -> dict[str, Any] | None:
    try:
        geometry = json.loads((folder / "geometry.json").read_text(encoding="utf-8"))
        float(geometry["mm_per_px"])
        np.linalg.inv(np.array(geometry["photo_xy_from_standard_xy"], dtype=np.float64).reshape(3, 3))
        int(geometry["photo_shape"][1])
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError, np.linalg.LinAlgError):
        return None
    return dict(geometry)
