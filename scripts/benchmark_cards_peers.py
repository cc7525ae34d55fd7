"""OpenCV's chart detector and colour correction, called as documented: the peers of benchmark_cards.py."""

from __future__ import annotations

import cv2
import numpy as np

from oral_lesion.numerics.color import delta_e_2000, lab_from_linear_rgb
from oral_lesion.numerics.geometry import apply_homography_xy, fit_homography

_PITCH, _FIRST, _BOX = 2.75, 1.5, (16.75, 11.25)


def mcc_centres(srgb: np.ndarray) -> list[np.ndarray]:
    """Return the patch centres (24, 2) of the charts that one full-size detection gives; the first is its best."""
    detector = cv2.mcc.CCheckerDetector_create()
    detector.setColorChartType(cv2.mcc.MCC24)
    try:
        if not detector.process(np.ascontiguousarray(srgb[..., ::-1]), 1):
            return []
    except cv2.error:
        return []
    found = []
    grid = np.array([(column, row) for row in range(4) for column in range(6)], dtype=float)
    for checker in detector.getListColorChecker():
        box = np.asarray(checker.getBox(), dtype=float).reshape(-1, 2)
        corners = [(0.0, 0.0), (_BOX[0], 0.0), _BOX, (0.0, _BOX[1])]
        found.append(apply_homography_xy(fit_homography(corners, box), _FIRST + _PITCH * grid))
    return found


def ccm_matrix(measured: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return cv2.ccm's affine matrix (4, 3) with CIEDE2000 as loss, on linear RGB."""
    lab = lab_from_linear_rgb(reference)[:, None, :]
    model = cv2.ccm.ColorCorrectionModel(measured[:, None, :].copy(), lab.copy(), cv2.ccm.COLOR_SPACE_LAB_D65_2)
    model.setColorSpace(cv2.ccm.COLOR_SPACE_SRGB)
    model.setCcmType(cv2.ccm.CCM_AFFINE)
    model.setDistance(cv2.ccm.DISTANCE_CIE2000)
    model.setLinearization(cv2.ccm.LINEARIZATION_IDENTITY)
    model.setRGB(True)
    model.compute()
    return np.asarray(model.getColorCorrectionMatrix(), dtype=float).reshape(4, 3)


def ccm_held_out(measured: np.ndarray, reference: np.ndarray, quarter: np.ndarray) -> tuple[float, float]:
    """Return the mean CIEDE2000 over patches, each left out in turn, and of all as read at a quarter intensity."""
    held_out = []
    for index in range(len(measured)):
        kept = np.arange(len(measured)) != index
        matrix = ccm_matrix(measured[kept], reference[kept])
        held_out.append(_difference(matrix, measured[index : index + 1], reference[index : index + 1])[0])
    dim = _difference(ccm_matrix(measured, reference), quarter, 0.25 * reference)
    return float(np.mean(held_out)), float(np.mean(dim))


def _difference(matrix: np.ndarray, measured: np.ndarray, reference: np.ndarray) -> np.ndarray:
    corrected = np.clip(np.column_stack([measured, np.ones(len(measured))]) @ matrix, 0.0, None)
    return delta_e_2000(lab_from_linear_rgb(corrected), lab_from_linear_rgb(reference))
