"""Masks that labels stand for, drawn as an import would."""

import numpy as np

from oral_lesion.adapters.annotations.raster import paint_region


def mask_of(picture, shape=None, classes=None):
    """Union of a picture's regions (of the classes named)."""
    width, height = picture.size_px or (shape[1], shape[0])
    labels = np.zeros((height, width), np.uint8)
    for region in picture.regions:
        if classes is None or region.class_name in classes:
            paint_region(labels, region, 255)
    return labels > 0
