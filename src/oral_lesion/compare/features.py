"""Features of tissue: what a photo shows of vessels, papillae and creases, without card, teeth and reflections."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.compare.settings import RegistrationSettings
from oral_lesion.numerics.geometry import shrink
from oral_lesion.records import StandardizedPhoto

__all__ = ["TissueFeatures", "TissuePicture", "find_features", "match_mutually", "match_nearby", "tissue_picture"]

_RED_SHARE, _LEAST_RED, _MOST_RED = 0.3, 1.12, 1.4
_DARK_SHARE = 0.06
_GLARE_CONTRAST = 1.6
_WINDOW_MM = 3.0
_CLEARANCE_MM = 0.6
_CONTRAST_FLOOR = 0.012
_SPAN = 40.0
_CONTRAST_THRESHOLD = 0.012
_RATIO = 0.92
_ALIKE_NEARBY = 0.75
_COVERED = 0.99


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TissuePicture:
    """
    Fine structure of the tissue at the resolution of registration.

    Parameters
    ----------
    structure : ndarray of float32, shape (height, width)
        Logarithm of green light against its surroundings of 3 mm, over their contrast; 0 off the tissue.
    tissue : ndarray of bool, shape (height, width)
        Where tissue is seen: no card, teeth, reflections, instruments or dark.
    mm_per_px : float
        Of this picture.
    offset_mm : float
        Place of the middle of pixel (0, 0), right of and below that of the standardized photo.
    """

    structure: NDArray[np.float32]
    tissue: NDArray[np.bool_]
    mm_per_px: float
    offset_mm: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TissueFeatures:
    """
    Features of one photo.

    Parameters
    ----------
    xy_mm : ndarray of float64, shape (n, 2)
        Right and down of the middle of the standardized photo's pixel (0, 0).
    angle_rad : ndarray of float64, shape (n,)
        Orientation, clockwise from the right.
    descriptor : ndarray of float32, shape (n, 128)
        RootSIFT, of length 1.
    """

    xy_mm: NDArray[np.float64]
    angle_rad: NDArray[np.float64]
    descriptor: NDArray[np.float32]


def tissue_picture(
    photo: StandardizedPhoto, settings: RegistrationSettings, *, mirrored: bool = False
) -> TissuePicture:
    """
    Reduce a standardized photo to the fine structure of its tissue.

    Parameters
    ----------
    photo : StandardizedPhoto
        At the protocol's working resolution.
    settings : RegistrationSettings
        Resolution of the result; the photo is shrunk by a whole factor.
    mirrored : bool
        Swaps left and right of the photo first.

    Returns
    -------
    TissuePicture
    """
    factor = max(1, min(round(settings.working_mm_per_px / photo.scale.mm_per_px), *photo.valid.shape))
    turned = (slice(None), slice(None, None, -1 if mirrored else 1))
    linear = shrink(np.ascontiguousarray(photo.linear_rgb[turned]), factor)
    covered = shrink(photo.valid[turned].astype(np.float32), factor) > _COVERED
    mm_per_px = photo.scale.mm_per_px * factor
    tissue = _tissue_mask(linear, covered, mm_per_px)
    return TissuePicture(
        structure=_structure(linear[..., 1], tissue, mm_per_px),
        tissue=tissue,
        mm_per_px=mm_per_px,
        offset_mm=(factor - 1) / 2.0 * photo.scale.mm_per_px,
    )


def find_features(picture: TissuePicture, settings: RegistrationSettings) -> TissueFeatures:
    """
    Find the features of a tissue picture.

    Parameters
    ----------
    picture : TissuePicture
        From `tissue_picture`.
    settings : RegistrationSettings
        Largest number of features.

    Returns
    -------
    TissueFeatures
        The strongest first.

    References
    ----------
    .. [1] Lowe 2004, doi:10.1023/B:VISI.0000029664.99615.94 (SIFT).
    .. [2] Arandjelović, Zisserman 2012, doi:10.1109/CVPR.2012.6248018 (RootSIFT).
    """
    grey = np.clip(np.rint(128.0 + _SPAN * picture.structure), 0, 255).astype(np.uint8)
    sift = cv2.SIFT_create(  # type: ignore[attr-defined]
        nfeatures=settings.most_features, contrastThreshold=_CONTRAST_THRESHOLD, edgeThreshold=12
    )
    points, descriptor = sift.detectAndCompute(grey, picture.tissue.astype(np.uint8))
    if not points:
        return TissueFeatures(xy_mm=np.empty((0, 2)), angle_rad=np.empty(0), descriptor=np.empty((0, 128), np.float32))
    order = np.lexsort([[-point.pt[1] for point in points], [point.pt[0] for point in points],
                        [-point.response for point in points]])[: settings.most_features]  # fmt: skip
    places = np.array([points[index].pt for index in order], dtype=np.float64)
    root = np.sqrt(descriptor[order] / np.maximum(descriptor[order].sum(axis=1, keepdims=True), 1e-9))
    return TissueFeatures(
        xy_mm=places * picture.mm_per_px + picture.offset_mm,
        angle_rad=np.radians(np.array([points[index].angle for index in order], dtype=np.float64)),
        descriptor=root.astype(np.float32),
    )


def match_mutually(first: TissueFeatures, second: TissueFeatures) -> NDArray[np.intp]:
    """
    Pair features that are each other's nearest, and clearly nearer than the next.

    Parameters
    ----------
    first, second : TissueFeatures
        Of two photos.

    Returns
    -------
    ndarray of intp, shape (matches, 2)
        Indices into `first` and `second`, the clearest match first.
    """
    if len(first.descriptor) < 2 or len(second.descriptor) < 2:
        return np.empty((0, 2), dtype=np.intp)
    alike = first.descriptor @ second.descriptor.T
    best, best_back = alike.argmax(axis=1), alike.argmax(axis=0)
    here = np.flatnonzero(best_back[best] == np.arange(len(best)))
    top = np.partition(alike[here], -2, axis=1)[:, -2:]
    # Vectors of length 1: their squared distance is 2 - 2 cos.
    ratio = np.sqrt(np.maximum(2.0 - 2.0 * top[:, 1], 0.0) / np.maximum(2.0 - 2.0 * top[:, 0], 1e-9))
    kept = np.flatnonzero(ratio < _RATIO)
    kept = kept[np.argsort(ratio[kept], kind="stable")]
    return np.stack([here[kept], best[here[kept]]], axis=1)


def match_nearby(
    first: TissueFeatures, second: TissueFeatures, arrived_xy_mm: NDArray[np.float64], radius_mm: float
) -> NDArray[np.intp]:
    """
    Pair features that are each other's nearest among those near where they are expected.

    Parameters
    ----------
    first, second : TissueFeatures
        Of two photos.
    arrived_xy_mm : ndarray of float64, shape (n, 2)
        Where each feature of `second` is expected in the first photo.
    radius_mm : float
        How far from there it may lie.

    Returns
    -------
    ndarray of intp, shape (matches, 2)
        Indices into `first` and `second`.
    """
    if not len(first.xy_mm) or not len(second.xy_mm):
        return np.empty((0, 2), dtype=np.intp)
    alike = first.descriptor @ second.descriptor.T
    here, there = first.xy_mm.astype(np.float32), arrived_xy_mm.astype(np.float32)
    squared = np.square(here[:, None, 0] - there[None, :, 0]) + np.square(here[:, None, 1] - there[None, :, 1])
    alike[squared > radius_mm**2] = -1.0
    best, best_back = alike.argmax(axis=1), alike.argmax(axis=0)
    rows = np.arange(len(best))
    kept = np.flatnonzero((best_back[best] == rows) & (alike[rows, best] > _ALIKE_NEARBY))
    return np.stack([kept, best[kept]], axis=1)


def _tissue_mask(linear: NDArray[np.float32], covered: NDArray[np.bool_], mm_per_px: float) -> NDArray[np.bool_]:
    """
    Return where the picture is red, as tissue is, neither dark nor a reflection, and clear of what is not.

    Teeth, retractors, mirrors' rims, gauze and reflections are paler than tissue, whatever light was left uncorrected.
    """
    if not covered.any():
        return covered
    red, green = linear[..., 0] + np.float32(1e-3), linear[..., 1] + np.float32(1e-3)
    redness = red / green
    usual = float(np.quantile(redness[covered], 0.75))
    limit = float(np.clip(1.0 + _RED_SHARE * (usual - 1.0), _LEAST_RED, _MOST_RED))
    lit = red > _DARK_SHARE * float(np.quantile(red[covered], 0.9))
    around = _mean_around(green, covered, _WINDOW_MM / mm_per_px)
    glare = (green > _GLARE_CONTRAST * around) & (redness < 0.5 * (1.0 + usual))
    bad = ~covered | (redness < limit) | ~lit | glare
    # Single pixels of noise are no instruments: what is smaller than 3 pixels either way is closed first.
    opened = cv2.morphologyEx(bad.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    size = 2 * max(1, round(_CLEARANCE_MM / mm_per_px)) + 1
    grown = cv2.dilate(opened, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), borderValue=1)
    return np.asarray(grown == 0)


def _structure(green: NDArray[np.float32], tissue: NDArray[np.bool_], mm_per_px: float) -> NDArray[np.float32]:
    """Return log light against its surroundings, over their contrast: free of exposure, white balance and shading."""
    sigma_px = _WINDOW_MM / mm_per_px
    light = np.log(np.maximum(green, 1e-3)).astype(np.float32)
    detail = np.where(tissue, light - _mean_around(light, tissue, sigma_px), np.float32(0))
    contrast = np.sqrt(_mean_around(detail * detail, tissue, sigma_px)) + np.float32(_CONTRAST_FLOOR)
    return np.clip(detail / contrast, -3.0, 3.0).astype(np.float32)


def _mean_around(values: NDArray[np.float32], inside: NDArray[np.bool_], sigma_px: float) -> NDArray[np.float32]:
    weight = inside.astype(np.float32)
    total = cv2.GaussianBlur(values * weight, (0, 0), sigma_px)
    return np.asarray(total / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma_px), 1e-4), dtype=np.float32)
