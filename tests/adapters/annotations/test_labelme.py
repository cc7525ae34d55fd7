"""labelme's shapes, names and embedded pictures."""

import base64
import json
import math

import numpy as np
import pytest
from dataset_folders import encoded
from label_masks import mask_of

from oral_lesion.adapters.annotations.labelme import read_labelme
from oral_lesion.errors import FormatError

# keys as labelme 5.5 saves them (labelme/label_file.py)
FILE = {
    "version": "5.5.0",
    "flags": {"blurred": True},
    "imagePath": "a.jpg",
    "imageData": None,
    "imageHeight": 10,
    "imageWidth": 12,
    "patient": "P1",
}
TWO_BY_TWO = base64.b64encode(encoded(np.ones((2, 2), np.uint8))).decode()
SHAPE = {"label": "erosion", "group_id": None, "description": "", "flags": {}, "mask": None}


def read(tmp_path, *shapes, name="a.json", **changes):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {**FILE, "shapes": [{**SHAPE, **shape} for shape in shapes], **changes}
    path.write_text(json.dumps(content), encoding="utf-8")
    return read_labelme(tmp_path)


def test_polygon_and_rectangle_in_any_corner_order(tmp_path):
    polygon = {"shape_type": "polygon", "points": [[1, 1], [4, 1], [4, 3], [1, 3]]}
    rectangle = {"shape_type": "rectangle", "points": [[9, 8], [6, 5]]}
    (picture,) = read(tmp_path, polygon, rectangle).pictures
    expected = np.zeros((10, 12), bool)
    expected[1:3, 1:4] = True
    expected[5:8, 6:9] = True
    assert np.array_equal(mask_of(picture), expected)
    assert picture.attributes == {"blurred": "true", "patient": "P1"}


def test_a_circle_is_its_middle_and_a_point_of_its_rim(tmp_path):
    circle = {"shape_type": "circle", "points": [[100, 90], [130, 130]]}
    (picture,) = read(tmp_path, circle, imageHeight=200, imageWidth=200).pictures
    assert np.count_nonzero(mask_of(picture)) == pytest.approx(math.pi * 50**2, rel=5e-3)


def test_a_mask_lies_between_its_points_both_inside(tmp_path):
    inside = np.array([[1, 0, 1], [0, 1, 0]], np.uint8) * 255
    text = base64.b64encode(encoded(inside)).decode()
    (picture,) = read(tmp_path, {"shape_type": "mask", "points": [[4, 2], [6, 3]], "mask": text}).pictures
    expected = np.zeros((10, 12), bool)
    expected[2:4, 4:7] = inside > 0
    assert np.array_equal(mask_of(picture), expected)


def test_points_and_lines_have_no_area(tmp_path):
    (picture,) = read(tmp_path, {"shape_type": "linestrip", "points": [[1, 1], [2, 2]]}).pictures
    assert picture.regions == ()
    assert picture.without_area == (("erosion", "a linestrip"),)


def test_pictures_are_named_from_the_folder_of_all_files(tmp_path):
    (picture,) = read(tmp_path, name="labels/p1/a.json", imagePath="..\\..\\photos\\a.jpg").pictures
    assert picture.file == "photos/a.jpg"


@pytest.mark.parametrize("path", ["../../../a.jpg", "/etc/a.jpg", "C:\\a.jpg", "", None])
def test_names_that_lead_out_leave_the_picture_out(tmp_path, path):
    annotations = read(tmp_path, name="labels/a.json", imagePath=path)
    assert annotations.pictures == ()
    assert annotations.left_out[0].file == "labels/a.json"


def test_the_embedded_picture_is_kept_for_when_the_file_is_missing(tmp_path):
    (picture,) = read(tmp_path, imageData=base64.b64encode(b"bytes").decode()).pictures
    assert picture.embedded == b"bytes"


@pytest.mark.parametrize(
    "shape",
    [
        {"shape_type": "polygon", "points": [[1, 1], [2, 2]]},
        {"shape_type": "polygon", "points": [[1, 1], [2, 2], [3]]},
        {"shape_type": "polygon", "points": [[1, 1], [2, 2], [3, None]]},
        {"shape_type": "polygon"},
        {"shape_type": "rectangle", "points": [[1, 1]]},
        {"shape_type": "star", "points": [[1, 1], [2, 2]]},
        {"shape_type": "mask", "points": [[1, 1], [2, 2]], "mask": "no base64!"},
        {"shape_type": "mask", "points": [[1, 1], [2, 2]], "mask": base64.b64encode(b"no PNG").decode()},
        {"shape_type": "mask", "points": [[1, 1], [90, 2]], "mask": TWO_BY_TWO},
    ],
)  # fmt: skip
def test_a_bad_shape_leaves_its_picture_out(tmp_path, shape):
    annotations = read(tmp_path, shape)
    assert annotations.pictures == ()
    assert len(annotations.left_out) == 1


def test_a_broken_file_does_not_stop_the_others(tmp_path):
    (tmp_path / "b.json").write_text("{", encoding="utf-8")
    annotations = read(tmp_path)
    assert [picture.file for picture in annotations.pictures] == ["a.jpg"]
    assert [lost.file for lost in annotations.left_out] == ["b.json"]
    assert str(tmp_path) not in annotations.left_out[0].why


def test_a_folder_without_labels_is_refused(tmp_path):
    with pytest.raises(FormatError, match="found none"):
        read_labelme(tmp_path)
