"""CVAT's shapes and attributes; XML that is a weapon is not read."""

import math

import numpy as np
import pytest
from label_masks import mask_of

from oral_lesion.adapters.annotations.cvat import read_cvat
from oral_lesion.errors import FormatError


def read(tmp_path, inner, *, image='id="0" name="p1/a.jpg" width="200" height="200"', head=""):
    path = tmp_path / "annotations.xml"
    body = f"<annotations><version>1.1</version><image {image}>{inner}</image></annotations>"
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>{head}{body}', encoding="utf-8")
    return read_cvat(path)


AREAS = [
    ('<polygon label="erosion" points="10.0,10.0;110.0,10.0;10.0,110.0"/>', 5000),
    ('<box label="erosion" xtl="10" ytl="20" xbr="40" ybr="60"/>', 1200),
    ('<box label="erosion" xtl="60" ytl="80" xbr="140" ybr="120" rotation="30"/>', 3200),
    ('<ellipse label="erosion" cx="100" cy="100" rx="80" ry="30" rotation="20"/>', math.pi * 2400),
]


@pytest.mark.parametrize(("shape", "area"), AREAS)
def test_shapes_cover_their_area(tmp_path, shape, area):
    (picture,) = read(tmp_path, shape).pictures
    assert np.count_nonzero(mask_of(picture)) == pytest.approx(area, rel=0.012)
    assert (picture.file, picture.size_px) == ("p1/a.jpg", (200, 200))


def test_a_box_turns_clockwise_about_its_middle(tmp_path):
    (picture,) = read(tmp_path, '<box label="x" xtl="20" ytl="90" xbr="180" ybr="110" rotation="45"/>').pictures
    mask = mask_of(picture)
    assert mask[150, 150]
    assert mask[50, 50]
    assert not mask[50, 150]


@pytest.mark.parametrize("rle", ["1, 2, 3, 1, 2", "1,2,3,1,2", "1, 2, 3, 1"])
def test_a_mask_goes_row_by_row_through_its_box(tmp_path, rle):
    (picture,) = read(tmp_path, f'<mask label="x" rle="{rle}" left="5" top="7" width="3" height="3"/>').pictures
    expected = np.zeros((200, 200), bool)
    expected[7:10, 5:8] = [[0, 1, 1], [0, 0, 0], [1, 0, 0]]
    assert np.array_equal(mask_of(picture), expected)


def test_an_attribute_with_one_value_is_the_pictures(tmp_path):
    inner = (
        '<tag label="photo"><attribute name="patient">P1</attribute></tag>'
        '<polygon label="x" points="1,1;5,1;5,5"><attribute name="sure">yes</attribute></polygon>'
        '<polygon label="x" points="1,1;5,1;5,5"><attribute name="sure">no</attribute></polygon>'
        '<polyline label="edge" points="1,1;5,1"/>'
    )
    (picture,) = read(tmp_path, inner).pictures
    assert picture.attributes == {"patient": "P1"}
    assert picture.without_area == (("edge", "a polyline"),)


@pytest.mark.parametrize(
    "inner",
    [
        '<polygon label="x" points="1,1;2"/>',
        '<polygon label="x" points=""/>',
        '<polygon label="x" points="1,1;2,2;nan,3"/>',
        '<box label="x" xtl="9" ytl="1" xbr="3" ybr="5"/>',
        '<box label="x" xtl="9"/>',
        '<ellipse label="x" cx="1" cy="1" rx="-1" ry="1"/>',
        '<mask label="x" rle="99999999999999" left="0" top="0" width="3" height="3"/>',
        '<mask label="x" rle="1, -1, 9" left="0" top="0" width="3" height="3"/>',
        '<mask label="x" rle="9" left="0" top="0" width="-3" height="-3"/>',
        '<mask label="x" rle="a" left="0" top="0" width="3" height="3"/>',
        '<mask label="x" rle="9" left="0" top="0" width="1e9" height="1e9"/>',
        "<blob/>",
    ],
)
def test_a_bad_shape_leaves_its_picture_out(tmp_path, inner):
    annotations = read(tmp_path, inner)
    assert annotations.pictures == ()
    assert annotations.left_out[0].file == "p1/a.jpg"


@pytest.mark.parametrize("image", ['name="../a.jpg"', 'name="a.jpg" width="-3" height="5"', 'name=""', ""])
def test_pictures_that_cannot_be_are_left_out(tmp_path, image):
    assert len(read(tmp_path, "", image=image).left_out) == 1


BOMB = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("head", [BOMB, OUTSIDE, "<!DOCTYPE annotations>"])
def test_document_types_are_refused(tmp_path, head):
    with pytest.raises(FormatError, match="declares a document type"):
        read(tmp_path, "&b;", head=head)


def test_a_bomb_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "annotations.xml"
    path.write_bytes(f"<?xml version='1.0' encoding='utf-16'?>{BOMB}<annotations>&b;</annotations>".encode("utf-16"))
    with pytest.raises(FormatError, match="expected XML in UTF-8"):
        read_cvat(path)


@pytest.mark.parametrize(
    "text",
    ["", "<annotations>", "<a/>", "<annotations><track id='0'/></annotations>", "<annotations>&b;</annotations>"],
)
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / "annotations.xml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FormatError, match="expected"):
        read_cvat(path)
