"""The camera has the scale, the tilt and the view that it was asked for."""

import math

import numpy as np
import pytest

from oral_lesion.errors import InputError
from oral_lesion.phantom.camera import Camera, aim_camera, focal_length_px_from_35mm


def camera(**changed):
    settings = {
        "focal_length_px": 1000.0, "width_px": 801, "height_px": 601, "tilt_deg": 0.0, "azimuth_deg": 0.0,
        "roll_deg": 0.0, "origin_xy_px": (400.0, 300.0), "origin_depth_mm": 200.0,
    }  # fmt: skip
    return Camera(**(settings | changed))


def test_35_mm_equivalent_counts_the_diagonal():
    # 3600 × 2400 px has the proportions of film: 50 mm on 36 mm width are 50/36 of the picture's width.
    assert focal_length_px_from_35mm(50, 3600, 2400) == pytest.approx(5000.0)


def test_upright_camera_scales_by_depth_over_focal_length():
    assert camera().mm_per_px((10.0, 5.0)) == pytest.approx(0.2)
    assert camera().project(np.array([[10.0, -20.0]]))[0] == pytest.approx([450.0, 200.0])


def test_roll_turns_clockwise_as_seen():
    assert camera(roll_deg=90).project(np.array([[10.0, 0.0]]))[0] == pytest.approx([400.0, 350.0])


@pytest.mark.parametrize(("azimuth", "far"), [(0, (10.0, 0.0)), (90, (0.0, 10.0)), (180, (-10.0, 0.0))])
def test_azimuth_points_to_the_side_that_recedes(azimuth, far):
    tilted = camera(tilt_deg=30, azimuth_deg=azimuth)
    assert tilted.depth_mm(far) == pytest.approx(200 + 10 * math.sin(math.radians(30)))


def test_tilt_foreshortens_the_area_by_its_cosine():
    tilted = camera(tilt_deg=25, azimuth_deg=40, roll_deg=13)
    assert tilted.mm_per_px((0.0, 0.0)) == pytest.approx(0.2 / math.sqrt(math.cos(math.radians(25))))


def test_scale_is_that_of_finite_differences():
    tilted = camera(tilt_deg=20, azimuth_deg=70, origin_xy_px=(330.0, 350.0))
    step = 1e-4
    corner, right, down = tilted.project(np.array([[7.0, -9.0], [7.0 + step, -9.0], [7.0, -9.0 + step]]))
    area = abs(np.linalg.det(np.stack([right - corner, down - corner]))) / step**2
    assert tilted.mm_per_px((7.0, -9.0)) == pytest.approx(1 / math.sqrt(area), rel=1e-5)


@pytest.mark.parametrize("tilt", [0, 12, 45])
def test_aim_reaches_the_scale_exactly(tilt):
    aimed = aim_camera(
        camera(tilt_deg=tilt, azimuth_deg=200),
        scale_at_xy_mm=(20.0, 12.0),
        mm_per_px=0.15,
        in_view_xy_mm=np.empty((0, 2)),
    )
    assert aimed.mm_per_px((20.0, 12.0)) == pytest.approx(0.15, rel=1e-10)


def test_aim_brings_points_into_view():
    points = np.array([[55.0, 40.0], [80.0, 52.0]])
    aimed = aim_camera(camera(tilt_deg=15), scale_at_xy_mm=(0.0, 0.0), mm_per_px=0.15, in_view_xy_mm=points)
    seen = aimed.project(points)
    assert (seen > 0).all()
    assert (seen < (800, 600)).all()


def test_too_wide_a_scene_is_refused():
    points = np.array([[-80.0, 0.0], [80.0, 0.0]])
    with pytest.raises(InputError, match="do not fit into 801 × 601"):
        aim_camera(camera(), scale_at_xy_mm=(0.0, 0.0), mm_per_px=0.15, in_view_xy_mm=points)
