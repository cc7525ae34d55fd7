"""The measuring stage: a segmentation and a scale in, a measurement out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import Flag, InputError
from oral_lesion.measure.boundary import contour_area_and_perimeter_px
from oral_lesion.measure.lesions import Component, connected_components
from oral_lesion.measure.uncertainty import calibrated_u_mm2, u_boundary_px2, u_scale_mm2, u_spread_px2
from oral_lesion.records import Lesion, Measurement, Scale, Segmentation

__all__ = ["measure"]

_VAGUE_BOUNDARY_RATIO = 0.25


def measure(segmentation: Segmentation, scale: Scale, *, smallest_lesion_mm2: float) -> Measurement:
    """
    Measure the erosions of a segmentation.

    A lesion is an 8-connected component of the mask. Its area is that inside the sub-pixel contour of the probability
    map at the threshold; components below `smallest_lesion_mm2` are left out of everything.

    Parameters
    ----------
    segmentation : Segmentation
        Probability, mask and threshold at the working resolution.
    scale : Scale
        Of the same picture.
    smallest_lesion_mm2 : float
        From the protocol; 0 keeps every component.

    Returns
    -------
    Measurement
        Lesions by falling area. Flags: ``lesion-at-edge`` where a lesion reaches the border of what was in view, so
        that its area is a lower limit; ``boundary-vague`` where the model's own uncertainty of this photo's boundary
        exceeds a quarter of the area; the model's calibration, which is the same for all photos, does not count there.

    Raises
    ------
    InputError
        Where the scale is not a positive number.
    """
    if not (np.isfinite(scale.mm_per_px) and scale.mm_per_px > 0):
        raise InputError(f"scale.mm_per_px: expected a positive number, got {scale.mm_per_px}.")
    found = [
        (lesion, component)
        for component in connected_components(segmentation.probability, segmentation.mask, segmentation.valid)
        if (lesion := _measured(component, segmentation.threshold, scale)).area_mm2 >= smallest_lesion_mm2
    ]
    found.sort(key=lambda pair: (-pair[0].area_mm2, pair[0].centroid_rc_px))
    lesions = tuple(_numbered(lesion, label) for label, (lesion, _) in enumerate(found, start=1))
    area_mm2 = float(sum(lesion.area_mm2 for lesion in lesions))
    perimeter_px = sum(lesion.perimeter_mm for lesion in lesions) / scale.mm_per_px
    kept = _pixels_of([component for _, component in found], segmentation.mask.shape)
    own_u_mm2 = _own_u_px2(segmentation, kept, perimeter_px) * scale.mm_per_px**2
    return Measurement(
        lesions=lesions,
        area_mm2=area_mm2,
        u_scale_mm2=u_scale_mm2(area_mm2, scale) if area_mm2 > 0 else None,
        u_boundary_mm2=calibrated_u_mm2(own_u_mm2, area_mm2, segmentation.boundary) if area_mm2 > 0 else None,
        flags=_flags_of(lesions, area_mm2, own_u_mm2),
    )


def _own_u_px2(segmentation: Segmentation, kept: NDArray[np.bool_], perimeter_px: float) -> float:
    """Return what the model itself says of the boundary: how steep its probability is, and how its passes differ."""
    slope = u_boundary_px2(segmentation.probability, kept, segmentation.threshold, perimeter_px)
    if segmentation.probability_sd is None:
        return slope
    spread = u_spread_px2(segmentation.probability, segmentation.probability_sd, kept, segmentation.threshold)
    return float(np.hypot(slope, spread))


def _measured(component: Component, threshold: float, scale: Scale) -> Lesion:
    area_px2, perimeter_px = contour_area_and_perimeter_px(component.probability, threshold)
    rows, columns = np.nonzero(component.inside)
    top, left = component.offset_rc_px
    return Lesion(
        label=0,
        area_mm2=area_px2 * scale.mm_per_px**2,
        perimeter_mm=perimeter_px * scale.mm_per_px,
        centroid_rc_px=(float(rows.mean()) + top, float(columns.mean()) + left),
        flags=(Flag.LESION_AT_EDGE,) if component.touches_border else (),
    )


def _numbered(lesion: Lesion, label: int) -> Lesion:
    return Lesion(
        label=label,
        area_mm2=lesion.area_mm2,
        perimeter_mm=lesion.perimeter_mm,
        centroid_rc_px=lesion.centroid_rc_px,
        flags=lesion.flags,
    )


def _pixels_of(components: list[Component], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    pixels = np.zeros(shape, dtype=np.bool_)
    for component in components:
        rows, columns = np.nonzero(component.inside)
        top, left = component.offset_rc_px
        pixels[rows + top, columns + left] = True
    return pixels


def _flags_of(lesions: tuple[Lesion, ...], area_mm2: float, own_u_mm2: float) -> tuple[Flag, ...]:
    flags = {flag for lesion in lesions for flag in lesion.flags}
    if area_mm2 > 0 and own_u_mm2 > _VAGUE_BOUNDARY_RATIO * area_mm2:
        flags.add(Flag.BOUNDARY_VAGUE)
    return tuple(sorted(flags))
