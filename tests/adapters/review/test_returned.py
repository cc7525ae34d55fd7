"""What a reader returns is doubted: each file that is not as it should be is left out, with what to do."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from oral_lesion.adapters.review.returned import find_returned, read_returned
from oral_lesion.errors import InputError
from oral_lesion.io.review.canvas import pixels_sha256
from oral_lesion.io.review.key import Reading, WorklistKey
from oral_lesion.io.review.study_reads import LeftOutRead

SHAPE = (60, 80)
PIXELS = np.random.default_rng(0).integers(0, 255, (*SHAPE, 3), dtype=np.uint8)
IDS = ("aaaaaaaaaa", "bbbbbbbbbb")


class Study:
    """Stands for the results: the model saw one square."""

    def start_of(self, _reading, shape):
        start = np.zeros(shape, dtype=bool)
        start[10:30, 10:30] = True
        return start


@pytest.fixture
def key():
    readings = [
        Reading(
            reading_id=name, part="reader-1", occurrence=1, subject="S", visit="V", photo_id=name, photo_sha256="",
            pixels_sha256=pixels_sha256(PIXELS), corner_row_px=0, corner_column_px=0,
        )
        for name in IDS
    ]  # fmt: skip
    return WorklistKey(worklist_id="w", seed=1, canvas_shape=SHAPE, outlines=True, readings=tuple(readings))


def labelme(**changes):
    content = {
        "version": "6.3.1",
        "flags": {"read": True},
        "shapes": [shape()],
        "imagePath": f"{IDS[0]}.png",
        "imageData": None,
        "imageHeight": SHAPE[0],
        "imageWidth": SHAPE[1],
        "pixels_sha256": pixels_sha256(PIXELS),
    }
    return json.dumps({**content, **changes})


def shape(**changes):
    square = {"label": "erosion", "points": [[10, 10], [30, 10], [30, 30], [10, 30]], "shape_type": "polygon"}
    return {**square, **changes}


def encoded(pixels, suffix="PNG"):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, suffix)
    return base64.b64encode(stream.getvalue()).decode()


@pytest.fixture
def returned(key, tmp_path):
    def read(*texts, name="a.json", **options):
        files = []
        for number, text in enumerate(texts):
            path = tmp_path / f"{number}-{name}"
            path.write_text(text) if isinstance(text, str) else path.write_bytes(text)
            files.append(path)
        return list(read_returned(files, key, Study(), **options))

    return read


def test_a_good_file_gives_its_pixels(returned):
    (one,) = returned(labelme())
    assert one.reading.reading_id == IDS[0]
    assert np.argwhere(one.erosion).min(axis=0).tolist() == [10, 10]
    assert one.erosion.sum() == 400


@pytest.mark.parametrize("name", [f"../pictures/{IDS[0]}.png", f"..\\pictures\\{IDS[0]}.png", f"/a/b/{IDS[0]}.png"])
def test_of_a_path_the_last_name_counts_and_nothing_is_opened_by_it(returned, name):
    (one,) = returned(labelme(imagePath=name))
    assert one.reading.reading_id == IDS[0]


@pytest.mark.parametrize("suffix", ["PNG", "TIFF"])
def test_an_embedded_picture_is_compared(returned, suffix):
    (one,) = returned(labelme(imageData=encoded(PIXELS, suffix)))
    assert isinstance(one, LeftOutRead) == (suffix != "PNG")


def test_a_bomb_as_embedded_picture_is_not_unpacked(returned, monkeypatch):
    monkeypatch.setattr(Image.Image, "convert", lambda *_: pytest.fail("was decoded"))
    (one,) = returned(labelme(imageData=encoded(np.zeros((4000, 5000), np.uint8))))
    assert "5000×4000 px, expected 80×60" in one.why


BAD = {
    "{": "expected JSON",
    "": "expected JSON",
    '{"shapes":' + "[" * 100_000: "expected JSON",
    "[]": "expected a JSON object",
    "{}": "list of shapes",
    labelme(shapes="none"): "list of shapes",
    labelme(shapes=["none"]): "a shape",
    labelme(imagePath=None): "file name",
    labelme(imagePath="../../etc/passwd"): "'passwd' is no picture of this worklist",
    labelme(imagePath="<script>.png"): "no picture of this worklist",
    labelme(imageWidth=81): "expected 80×60",
    labelme(imageWidth=0): "picture size above 0",
    labelme(pixels_sha256="0" * 64): "states another picture",
    labelme(imageData="aGVsbG8="): "cannot be read",
    labelme(imageData="?"): "base64",
    labelme(imageData=encoded(PIXELS[::-1])): "not the one that was given out",
    labelme(flags={}): "not marked as read",
    labelme(flags={"read": False}): "not marked as read",
    labelme(flags={"read": True, "unreadable": True}): "remove one of both",
    labelme(shapes=[shape(label="ulcer")]): "'ulcer'",
    labelme(shapes=[shape(label="Erosion")]): "'Erosion'",
    labelme(shapes=[shape(label=None)]): "(no class)",
    labelme(shapes=[shape(shape_type="line", points=[[1, 1], [9, 9]])]): "no area",
    labelme(shapes=[shape(shape_type="star")]): "'star'",
    labelme(shapes=[shape(points=[[1, 1], [2, 2]])]): "three pairs",
    labelme(shapes=[shape(points=[[1, 1, 1]] * 3)]): "pairs of numbers",
    labelme(shapes=[shape(points=[[float("nan"), 1], [2, 2], [3, 1]])]): "expected a number",
    labelme(shapes=[shape(points=[[float("inf"), 1], [2, 2], [3, 1]])]): "expected a number",
    labelme(shapes=[shape(points=[["9" * 400, 1], [2, 2], [3, 1]])]): "expected a number",
    labelme(shapes=[shape(points=[[9e9, 0], [9e9, 1], [0, 1]])]): "million pixels",
    labelme(shapes=[shape(points=[[-9, -9], [-5, -9], [-5, -5]])]): "outside of the picture",
    labelme(shapes=[shape(points=[[5, 5]] * 3)]): "around no pixel",
    labelme(shapes=[shape(shape_type="mask", points=[[0, 0], [9, 9]], mask="iVBORw0KGgo=")]): "no PNG",
    labelme(
        shapes=[shape(shape_type="mask", points=[[0, 0], [9, 9]], mask=encoded(PIXELS[..., 0]))]
    ): "80×60 px between",
    '{"images": [], "annotations": 3}': "COCO",
}


@pytest.mark.parametrize("text", BAD, ids=lambda text: BAD[text])
def test_a_bad_file_is_left_out_with_what_to_do(returned, text):
    bad, good = returned(text, labelme(imagePath=f"{IDS[1]}.png"))
    assert isinstance(bad, LeftOutRead)
    assert bad.file == "0-a.json"
    assert BAD[text] in bad.why
    assert good.erosion.any()


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a [<!ENTITY b "c">]><annotations/>',
        "<annotations><image id='0' name='aaaaaaaaaa.png' width='80' height='60'><mask label='erosion' left='0' "
        "top='0' width='99999' height='99999' rle='1'/></image></annotations>",
        "<html/>",
    ],
)
def test_a_bad_xml_file_is_left_out(returned, text):
    (bad,) = returned(text, name="a.xml", all_read=True)
    assert isinstance(bad, LeftOutRead)


def test_a_file_in_another_alphabet_is_left_out(returned):
    (bad,) = returned(b"\xff\xfe{\x00}\x00")
    assert "expected JSON in UTF-8" in bad.why


def test_coco_with_a_region_for_many_objects_is_left_out(returned):
    rle = {"size": list(SHAPE), "counts": [0, SHAPE[0] * SHAPE[1]]}
    content = {
        "images": [{"id": 1, "file_name": f"{IDS[0]}.png", "width": SHAPE[1], "height": SHAPE[0]}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": rle, "iscrowd": 1}],
        "categories": [{"id": 1, "name": "erosion"}],
    }
    (bad,) = returned(json.dumps(content), all_read=True)
    assert "iscrowd" in bad.why


def test_one_picture_in_two_files_is_taken_from_neither(returned):
    first, second = returned(labelme(), labelme())
    assert first.why == second.why
    assert "comes 2 times (0-a.json, 1-a.json)" in first.why


def test_what_lies_partly_outside_is_cut(returned):
    (one,) = returned(labelme(shapes=[shape(points=[[-10, -10], [5, -10], [5, 5], [-10, 5]])]))
    assert one.erosion.sum() == 25


def test_a_folder_without_annotations_is_said(tmp_path):
    with pytest.raises(InputError, match=r"no \.json or \.xml file"):
        find_returned([tmp_path])


def test_folders_are_searched_and_each_file_counts_once(tmp_path):
    for name in ("b/one.json", "a/two.XML", "a/three.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = find_returned([tmp_path, tmp_path / "b" / "one.json"])
    assert [path.name for path in found] == ["two.XML", "one.json"]
