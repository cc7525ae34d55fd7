"""The bit patterns of ArUco markers."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["MARKER_MODULES", "marker_cells"]

MARKER_MODULES = 6
"""Modules along a side of a 4×4 marker, its black border included."""


def marker_cells(marker_id: int) -> NDArray[np.bool_]:
    """
    Return which modules of a marker of OpenCV's DICT_4X4_50 are white.

    Parameters
    ----------
    marker_id : int
        In [0, 49].

    Returns
    -------
    ndarray of bool, shape (6, 6)
        True where white; the border is black. Row 0 is the upper side of the upright marker.

    References
    ----------
    .. [1] Garrido-Jurado et al. 2014, doi:10.1016/j.patcog.2014.01.005. Checked: tests/unit/standardize/test_markers.py
       (OpenCV's detector reads each pattern as its id).
    """
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    return np.asarray(cv2.aruco.generateImageMarker(dictionary, marker_id, MARKER_MODULES) > 127, dtype=np.bool_)
