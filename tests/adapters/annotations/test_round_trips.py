"""What is written is read again: the masks, the classes, the attributes."""

import numpy as np
import pytest
from label_masks import mask_of

from oral_lesion.adapters.annotations.coco import read_coco, write_coco
from oral_lesion.adapters.annotations.cvat import read_cvat, write_cvat
from oral_lesion.adapters.annotations.labelme import read_labelme, write_labelme
from oral_lesion.adapters.annotations.raster import cropped, outlines_xy
from oral_lesion.adapters.annotations.records import PictureLabels, Region
from oral_lesion.errors import InputError


def ring(height=50, width=70):
    rows, columns = np.ogrid[:height, :width]
    distance = np.hypot(rows - 25.3, columns - 30.7)
    mask = (distance < 18.2) & (distance > 6.1)
    mask[3:6, 60:66] = True
    mask[6, 66] = True  # touches by its corner alone
    return mask


def labels(as_pixels):
    mask = ring()
    glare = np.zeros_like(mask)
    glare[40:, 50:] = True
    regions = tuple(
        Region(class_name=name, patch=cropped(inside))
        if as_pixels
        else Region(class_name=name, polygons_xy=outlines_xy(inside))
        for name, inside in (("erosion", mask), ("glare & more", glare))
    )
    first = PictureLabels(file="p1/ä.jpg", size_px=(70, 50), regions=regions, attributes={"patient": "P <1>"})
    return [first, PictureLabels(file="p1/b.jpg", size_px=(70, 50))]


def by_coco(folder, pictures):
    write_coco(folder / "labels.json", pictures)
    return read_coco(folder / "labels.json")


def by_cvat(folder, pictures):
    write_cvat(folder / "annotations.xml", pictures)
    return read_cvat(folder / "annotations.xml")


def by_labelme(folder, pictures):
    write_labelme(folder, pictures)
    return read_labelme(folder)


@pytest.mark.parametrize("as_pixels", [False, True])
@pytest.mark.parametrize("way", [by_coco, by_cvat, by_labelme])
def test_masks_classes_and_attributes_come_back(tmp_path, way, as_pixels):
    pictures = labels(as_pixels)
    read = way(tmp_path, pictures)
    assert read.left_out == ()
    back = {picture.file: picture for picture in read.pictures}
    assert set(back) == {"p1/ä.jpg", "p1/b.jpg"}
    for picture in pictures:
        again = back[picture.file]
        assert again.size_px == picture.size_px
        assert dict(again.attributes) == dict(picture.attributes)
        for name in ("erosion", "glare & more"):
            assert np.array_equal(mask_of(again, classes={name}), mask_of(picture, classes={name}))
    assert np.array_equal(mask_of(back["p1/ä.jpg"], classes={"erosion"}), ring())


@pytest.mark.parametrize("way", [by_coco, by_cvat, by_labelme])
def test_polygons_come_back_to_the_last_digit(tmp_path, way):
    points = np.array([[0.1, 1 / 3], [20.7, 2.2], [11.123456789, 30.0]])
    picture = PictureLabels(file="a.jpg", size_px=(40, 40), regions=(Region(class_name="x", polygons_xy=(points,)),))
    (again,) = way(tmp_path, [picture]).pictures
    assert np.array_equal(again.regions[0].polygons_xy[0], points)


def test_a_crowd_comes_back_from_coco(tmp_path):
    region = Region(class_name="x", patch=cropped(ring()), crowd=True)
    (again,) = by_coco(tmp_path, [PictureLabels(file="a.jpg", size_px=(70, 50), regions=(region,))]).pictures
    assert again.regions[0].crowd
    assert np.array_equal(mask_of(again), ring())


@pytest.mark.parametrize("way", [by_coco, by_cvat, by_labelme])
def test_a_picture_of_unknown_size_is_refused(tmp_path, way):
    with pytest.raises(InputError, match="expected the picture's size"):
        way(tmp_path, [PictureLabels(file="a.jpg")])


def test_the_same_labels_give_the_same_bytes(tmp_path):
    for folder in ("one", "two"):
        by_coco(tmp_path / folder, labels(True))
        by_cvat(tmp_path / folder, labels(True))
    for name in ("labels.json", "annotations.xml"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_labelme_files_that_would_share_a_name_are_refused(tmp_path):
    pictures = [PictureLabels(file=name, size_px=(70, 50)) for name in ("a.jpg", "a.png")]
    with pytest.raises(InputError, match="differ in their suffix alone"):
        write_labelme(tmp_path, pictures)
