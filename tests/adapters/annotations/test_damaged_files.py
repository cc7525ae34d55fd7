"""Good files with random damage: every reader reads them, reports a picture, or says why not."""

import json
import random

import numpy as np
import pytest

from oral_lesion.adapters.annotations.coco import read_coco, write_coco
from oral_lesion.adapters.annotations.cvat import read_cvat, write_cvat
from oral_lesion.adapters.annotations.labelme import read_labelme, write_labelme
from oral_lesion.adapters.annotations.raster import cropped, outlines_xy, paint_region
from oral_lesion.adapters.annotations.records import PictureLabels, Region
from oral_lesion.adapters.annotations.via import read_via
from oral_lesion.errors import OralLesionError

ROUNDS = 300
VALUES = [None, True, -1, 0, 1e308, 10**30, "x", "", [], {}, [[]], [{}], "nan", float("nan"), "../x", "\ud800"]
VIA = {
    "a": {
        "filename": "a.jpg",
        "size": 1,
        "regions": [
            {
                "shape_attributes": {"name": "ellipse", "cx": 20, "cy": 15, "rx": 5, "ry": 4, "theta": 0.1},
                "region_attributes": {"type": "erosion"},
            }
        ],
        "file_attributes": {"patient": "P1"},
    }
}


def labels():
    mask = np.zeros((40, 50), bool)
    mask[5:20, 7:30] = True
    mask[9:12, 10:14] = False
    regions = (
        Region(class_name="erosion", polygons_xy=outlines_xy(mask)),
        Region(class_name="glare", patch=cropped(mask)),
    )
    return [PictureLabels(file="a.jpg", size_px=(50, 40), regions=regions, attributes={"patient": "P1"})]


def with_one_node_changed(content, rng):
    places = []

    def walk(node):
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            places.append((node, key))
            if isinstance(value, dict | list):
                walk(value)

    walk(content)
    node, key = rng.choice(places)
    if isinstance(node, dict) and rng.random() < 0.2:
        del node[key]
    else:
        node[key] = rng.choice(VALUES)
    return content


def with_bytes_changed(content, rng):
    changed = bytearray(content)
    for _ in range(rng.choice([1, 2, 5])):
        changed[rng.randrange(len(changed))] = rng.randrange(32, 127)
    return bytes(changed)


@pytest.mark.parametrize("kind", ["coco", "labelme", "via", "cvat"])
def test_damage_never_ends_in_another_error_than_ours(tmp_path, kind):
    write_coco(tmp_path / "coco", labels())
    write_cvat(tmp_path / "cvat", labels())
    write_labelme(tmp_path, labels())
    (tmp_path / "a.json").rename(tmp_path / "labelme")
    (tmp_path / "via").write_text(json.dumps(VIA), encoding="utf-8")
    reader = {"coco": read_coco, "labelme": read_labelme, "via": read_via, "cvat": read_cvat}[kind]
    path, rng = tmp_path / kind, random.Random(0)  # noqa: S311 - damage, no secret
    good = path.read_bytes()
    read = refused = 0
    for number in range(ROUNDS):
        if kind == "cvat" or number % 3 == 0:
            path.write_bytes(with_bytes_changed(good, rng))
        else:
            path.write_text(json.dumps(with_one_node_changed(json.loads(good), rng)), encoding="utf-8")
        try:
            annotations = reader(path)
        except OralLesionError:
            refused += 1
            continue
        read += len(annotations.pictures)
        refused += len(annotations.left_out)
        for picture in annotations.pictures:
            for region in picture.regions:
                paint_region(np.zeros((40, 50), np.uint8), region, 255)
    assert read > ROUNDS / 20
    assert refused > ROUNDS / 10
