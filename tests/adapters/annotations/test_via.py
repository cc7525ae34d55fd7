"""VIA's shapes and attributes."""

import json
import math

import numpy as np
import pytest
from label_masks import mask_of

from oral_lesion.adapters.annotations.via import read_via
from oral_lesion.errors import FormatError

SHAPE = (200, 200)


def read(tmp_path, *shapes, regions=None, attributes=None, project=False, **options):
    listed = [{"shape_attributes": shape, "region_attributes": attributes or {"type": "erosion"}} for shape in shapes]
    regions = listed if regions is None else regions
    entry = {"filename": "a.jpg", "size": 1234, "regions": regions, "file_attributes": {"patient": "P1"}}
    content = {"a.jpg1234": entry}
    if project:
        content = {"_via_settings": {}, "_via_img_metadata": content, "_via_attributes": {}}
    path = tmp_path / "via.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return read_via(path, **options)


AREAS = [
    ({"name": "rect", "x": 10, "y": 20, "width": 30, "height": 40}, 1200),
    ({"name": "circle", "cx": 100, "cy": 100, "r": 50}, math.pi * 2500),
    ({"name": "ellipse", "cx": 100, "cy": 100, "rx": 80, "ry": 30, "theta": 0.5}, math.pi * 2400),
    ({"name": "polygon", "all_points_x": [10, 110, 10], "all_points_y": [10, 10, 110]}, 5000),
]


@pytest.mark.parametrize("project", [False, True])
@pytest.mark.parametrize(("shape", "area"), AREAS)
def test_shapes_cover_their_area(tmp_path, shape, area, project):
    (picture,) = read(tmp_path, shape, project=project).pictures
    assert np.count_nonzero(mask_of(picture, SHAPE)) == pytest.approx(area, rel=0.012)
    assert picture.regions[0].class_name == "erosion"
    assert picture.attributes == {"patient": "P1"}


def test_version_1_numbers_its_regions_in_an_object(tmp_path):
    region = {"shape_attributes": AREAS[0][0], "region_attributes": {"type": "erosion"}}
    (picture,) = read(tmp_path, regions={"0": region, "1": region}).pictures
    assert len(picture.regions) == 2


def test_each_ticked_checkbox_is_a_class(tmp_path):
    (picture,) = read(
        tmp_path, AREAS[0][0], attributes={"type": {"erosion": True, "glare": True, "other": False}}
    ).pictures
    assert [region.class_name for region in picture.regions] == ["erosion", "glare"]


def test_several_attributes_need_a_name(tmp_path):
    with pytest.raises(FormatError, match="attributes certainty, type; name the class with --class-attribute"):
        read(tmp_path, AREAS[0][0], attributes={"type": "erosion", "certainty": "low"})
    attributes = {"type": "erosion", "certainty": "low"}
    (picture,) = read(tmp_path, AREAS[0][0], attributes=attributes, class_attribute="certainty").pictures
    assert picture.regions[0].class_name == "low"


@pytest.mark.parametrize(
    "shape",
    [
        {"name": "rect", "x": 10, "y": 20, "width": -30, "height": 40},
        {"name": "rect", "x": 10, "y": 20, "width": 30},
        {"name": "circle", "cx": 1, "cy": 1, "r": -4},
        {"name": "circle", "cx": 1, "cy": 1, "r": "large"},
        {"name": "polygon", "all_points_x": [1, 2, 3], "all_points_y": [1, 2]},
        {"name": "polygon", "all_points_x": [1, 2, "x"], "all_points_y": [1, 2, 3]},
        {"name": "blob"},
        {},
    ],
)
def test_a_bad_shape_leaves_its_picture_out(tmp_path, shape):
    annotations = read(tmp_path, shape)
    assert annotations.pictures == ()
    assert annotations.left_out[0].file == "a.jpg"


@pytest.mark.parametrize("content", [{"a": 1}, {"a": {"size": 1}}, {"project": {}, "view": {}}])
def test_other_json_is_refused(tmp_path, content):
    path = tmp_path / "via.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(FormatError, match="expected a"):
        read_via(path)
