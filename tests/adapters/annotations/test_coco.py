"""COCO: polygons, both kinds of RLE, crowds, and files that are none."""

import json

import numpy as np
import pytest
from label_masks import mask_of

from oral_lesion.adapters.annotations.coco import read_coco
from oral_lesion.errors import FormatError

IMAGE = {"id": 7, "file_name": "p1/a.jpg", "width": 12, "height": 10, "patient": "P1", "flag": True}
CATEGORIES = [{"id": 1, "name": "erosion"}, {"id": 2, "name": "glare"}]
SQUARE = [2, 1, 8, 1, 8, 5, 2, 5]


def read(tmp_path, *annotations, images=(IMAGE,), categories=CATEGORIES):
    path = tmp_path / "labels.json"
    entries = [{"id": n, "image_id": 7, "category_id": 1, **entry} for n, entry in enumerate(annotations)]
    content = {"images": list(images), "annotations": entries, "categories": categories}
    path.write_text(json.dumps(content), encoding="utf-8")
    return read_coco(path)


def test_polygons_of_one_annotation_are_a_union(tmp_path):
    other = [4, 3, 10, 3, 10, 8, 4, 8]
    (picture,) = read(tmp_path, {"segmentation": [SQUARE, other]}).pictures
    expected = np.zeros((10, 12), bool)
    expected[1:5, 2:8] = True
    expected[3:8, 4:10] = True
    assert np.array_equal(mask_of(picture), expected)
    assert picture.file == "p1/a.jpg"
    assert picture.attributes == {"patient": "P1", "flag": "true"}


# the text: pycocotools 2.0.11, mask.encode of the mask below
@pytest.mark.parametrize("counts", [";46000000000a1", [11, 4, 6, 4, 6, 4, 6, 4, 6, 4, 6, 4, 55]])
def test_rle_goes_by_column_compressed_or_not(tmp_path, counts):
    mask = np.zeros((10, 12), bool)
    mask[1:5, 1:7] = True
    (picture,) = read(tmp_path, {"segmentation": {"size": [10, 12], "counts": counts}, "iscrowd": 0}).pictures
    assert np.array_equal(mask_of(picture), mask)


def test_a_crowd_is_marked_and_a_box_alone_has_no_outline(tmp_path):
    crowd = {"segmentation": {"size": [10, 12], "counts": [0, 120]}, "iscrowd": 1}
    (picture,) = read(tmp_path, crowd, {"segmentation": [], "bbox": [1, 1, 3, 3], "category_id": 2}).pictures
    assert [region.crowd for region in picture.regions] == [True]
    assert picture.without_area == (("glare", "an annotation without outline"),)


def test_a_picture_without_annotations_is_one_without_lesion(tmp_path):
    (picture,) = read(tmp_path).pictures
    assert picture.regions == ()


@pytest.mark.parametrize(
    "segmentation",
    [
        [[1, 2, 3]],
        [[1, 1, 2, 2]],
        [[1, 1, 2, float("nan"), 3, 3]],
        [[1, 1, 2, 10**400, 3, 3]],
        ["text"],
        "text",
        [[None] * 6],
        {"size": [10, 12], "counts": [10**15]},
        {"size": [10, 12], "counts": [60, 61]},
        {"size": [10, 12], "counts": [-1, 121]},
        {"size": [12, 10], "counts": [120]},
        {"size": [10**9, 10**9], "counts": [10**18]},
        {"size": "10x12", "counts": [120]},
        {"size": [10, 12], "counts": "o" * 1000},
        {"size": [10, 12]},
    ],
)
def test_one_bad_outline_leaves_its_picture_out_and_no_other(tmp_path, segmentation):
    second = {"id": 8, "file_name": "b.jpg", "width": 12, "height": 10}
    annotations = read(tmp_path, {"segmentation": segmentation}, images=(IMAGE, second))
    assert [picture.file for picture in annotations.pictures] == ["b.jpg"]
    assert [lost.file for lost in annotations.left_out] == ["p1/a.jpg"]


@pytest.mark.parametrize(
    "change", [{"file_name": "../a.jpg"}, {"file_name": "/a.jpg"}, {"file_name": 3}, {"width": -12}, {"height": 0},
               {"width": None}, {"width": 1.5}, {"id": None}]
)  # fmt: skip
def test_pictures_that_cannot_be_are_left_out(tmp_path, change):
    annotations = read(tmp_path, images=({**IMAGE, **change},))
    assert annotations.pictures == ()
    assert len(annotations.left_out) == 1


def test_the_same_image_twice_and_labels_of_no_image_are_reported(tmp_path):
    annotations = read(tmp_path, {"segmentation": [SQUARE], "image_id": 99}, images=(IMAGE, IMAGE))
    assert len(annotations.pictures) == 1
    assert [lost.why[:40] for lost in annotations.left_out] == [
        "expected an image with an id of its own;",
        "1 annotations belong to no image of the ",
    ]


@pytest.mark.parametrize(
    "text", ["", "[1]", "{}", '{"images": 3}', "[" * 100_000, '{"a": 1e999', "\xff", '{"a":' + "9" * 5000]
)
def test_files_that_are_no_coco_are_refused(tmp_path, text):
    path = tmp_path / "labels.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(FormatError, match=r"labels\.json: expected"):
        read_coco(path)
