"""What goes wrong with a photograph, done to a rendered one."""

import cv2
import numpy as np

from oral_lesion.numerics.color import linear_from_srgb, srgb_uint8_from_linear


def with_streak(srgb, length_px, direction_deg, noise=0.004):
    """Move the picture evenly by a length along a direction (0 right, 90 down) while it is exposed."""
    size = 2 * (int(length_px) // 2) + 9
    kernel = np.zeros((size, size), np.float32)
    along = np.deg2rad(direction_deg)
    for place in np.linspace(-0.5, 0.5, 400):
        x, y = size // 2 + place * length_px * np.cos(along), size // 2 + place * length_px * np.sin(along)
        column, row = int(np.floor(x)), int(np.floor(y))
        right, down = x - column, y - row
        kernel[row, column] += (1 - down) * (1 - right)
        kernel[row, column + 1] += (1 - down) * right
        kernel[row + 1, column] += down * (1 - right)
        kernel[row + 1, column + 1] += down * right
    moved = cv2.filter2D(linear_from_srgb(srgb), -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
    moved += np.random.default_rng(0).normal(0.0, noise, moved.shape).astype(np.float32)
    return srgb_uint8_from_linear(np.clip(moved, 0, 1).astype(np.float32))


def card_region(scene, card, margin_mm=2.0):
    """Return where the card lies in a rendered photo, with a margin."""
    from oral_lesion.phantom.chart import CardPose, card_outside_mm

    truth = scene.truth
    centre = np.linalg.inv(scene.photo_xy_from_plane_mm) @ np.array([truth.card_x_px, truth.card_y_px, 1.0])
    size = card_outside_mm(card)
    pose = CardPose(size_mm=size, centre_xy_mm=tuple(centre[:2] / centre[2]), turn_deg=truth.card_turn_deg)
    half = np.array(size) / 2 + margin_mm
    corners = pose.to_plane(half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=float))
    seen = np.column_stack([corners, np.ones(4)]) @ scene.photo_xy_from_plane_mm.T
    region = np.zeros(scene.srgb.shape[:2], np.uint8)
    cv2.fillPoly(region, [np.rint(seen[:, :2] / seen[:, 2:]).astype(np.int32)], 1)
    return region.astype(bool)


def outside(region, srgb, other):
    """Return `srgb` in the region, `other` outside of it."""
    return np.where(region[..., None], srgb, other)
