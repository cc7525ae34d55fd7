"""From labels to a data set: pixels, masks, groups, splits, and what is left out."""

import base64
import csv
import json

import cv2
import numpy as np
import pytest
from dataset_folders import disc_mask, drawn_picture, encoded
from PIL import Image

from oral_lesion.adapters.annotations.import_dataset import REPORT_FILE, import_dataset
from oral_lesion.adapters.annotations.import_settings import (
    AnnotationFormat,
    ClassPlan,
    GroupRule,
    ImportSettings,
    SplitPlan,
)
from oral_lesion.errors import InputError, OutputError
from oral_lesion.io.datasets import open_dataset, read_picture
from oral_lesion.io.datasets.check import check_dataset

SQUARE = [10, 10, 40, 10, 40, 30, 10, 30]
CATEGORIES = [{"id": 1, "name": "erosion"}, {"id": 2, "name": "glare"}, {"id": 3, "name": "tooth"}]
CLASSES = ClassPlan(lesion=("erosion",), ignored=("glare",), other=("tooth",))


def write_coco_source(folder, count=6, **changes):
    """Pictures of three patients, each with a lesion, glare and a tooth; the last one without lesion."""
    folder.mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for number in range(count):
        name = f"p{number % 3}_{number}.png"
        (folder / name).write_bytes(encoded(drawn_picture(number)))
        images.append({"id": number, "file_name": name, "width": 96, "height": 80, "patient": f"P{number % 3}"})
        if number == count - 1:
            continue
        for category, shift in ((1, 0), (2, 20), (3, 40)):
            polygon = [value + (shift if at % 2 == 0 else 0) for at, value in enumerate(SQUARE)]
            annotations.append({"image_id": number, "category_id": category, "segmentation": [polygon]})
    content = {"images": images, "annotations": annotations, "categories": CATEGORIES, **changes}
    (folder / "labels.json").write_text(json.dumps(content), encoding="utf-8")
    return folder / "labels.json"


def settings_for(source, **changes):
    given = {"format": AnnotationFormat.COCO, "source": source, "name": "n", "licence": "l", "origin": "o"}
    return ImportSettings(**{**given, "classes": CLASSES, **changes})


def report_of(out):
    with (out / REPORT_FILE).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_masks_hold_lesions_above_what_is_ignored(tmp_path):
    source = write_coco_source(tmp_path / "in")
    outcome = import_dataset(settings_for(source), tmp_path / "out")
    assert len(outcome.pictures) == 6
    assert outcome.rows == ()
    opened = open_dataset(tmp_path / "out")
    srgb, labels = read_picture(opened.pictures[0])
    expected = np.zeros((80, 96), np.uint8)
    expected[10:30, 30:60] = 128
    expected[10:30, 10:40] = 255
    assert np.array_equal(labels, expected)
    assert np.array_equal(srgb, drawn_picture(0))
    assert [picture.mask is None for picture in opened.pictures] == [False] * 3 + [False, False, True]
    assert (opened.classes, opened.ignored_classes, opened.split_rule) == (("erosion",), ("glare",), "group")
    assert {finding.code for finding in check_dataset(tmp_path / "out").findings} == set()


@pytest.mark.parametrize("rule", ["attribute:patient", r"regex:^(p\d)_"])
def test_pictures_of_a_group_stay_together(tmp_path, rule):
    source = write_coco_source(tmp_path / "in", count=12)
    split = SplitPlan(validation_fraction=0.3, seed=1)
    import_dataset(settings_for(source, group=GroupRule(rule), split=split), tmp_path / "out")
    pictures = open_dataset(tmp_path / "out").pictures
    assert {picture.group.lower() for picture in pictures} == {"p0", "p1", "p2"}
    splits = {(picture.group, picture.split) for picture in pictures}
    assert len(splits) == 3
    assert {split for _, split in splits} == {"train", "val"}


def test_equal_imports_give_equal_files(tmp_path):
    source = write_coco_source(tmp_path / "in")
    for out in ("one", "two"):
        import_dataset(settings_for(source), tmp_path / out)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert len(files) == 6 + 5 + 4
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
        assert str(tmp_path).encode() not in (tmp_path / "one" / file).read_bytes()


def test_classes_must_all_be_named_and_the_error_lists_them(tmp_path):
    source = write_coco_source(tmp_path / "in")
    plan = ClassPlan(lesion=("erosion",), other=("thooth",))
    with pytest.raises(InputError) as caught:
        import_dataset(settings_for(source, classes=plan), tmp_path / "out")
    assert "not named: glare, tooth; named but not there: thooth" in str(caught.value)
    assert "erosion (5 regions), glare (5 regions), tooth (5 regions)" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_one_bad_picture_does_not_stop_the_rest(tmp_path):
    source = write_coco_source(tmp_path / "in", count=8)
    content = json.loads(source.read_text(encoding="utf-8"))
    (tmp_path / "in" / "p0_0.png").unlink()
    (tmp_path / "in" / "p1_1.png").write_bytes(b"no picture")
    content["images"][2]["width"] = 95
    content["images"][3]["file_name"] = "../p0_3.png"
    content["images"][4]["file_name"] = "p2_5.png"
    outside = {"image_id": 6, "category_id": 1, "segmentation": [[200, 200, 210, 200, 210, 210]]}
    content["annotations"].append(outside)
    source.write_text(json.dumps(content), encoding="utf-8")
    outcome = import_dataset(settings_for(source), tmp_path / "out")
    assert [picture.picture_id for picture in outcome.pictures] == ["p2_5", "p0_6", "p1_7"]
    rows = {(row["file"], row["outcome"]): row["what"] for row in report_of(tmp_path / "out")}
    assert "does not exist" in rows["p0_0.png", "left-out"]
    assert "is no JPEG, PNG" in rows["p1_1.png", "left-out"]
    assert "was labelled at 95×80 px, is 96×80 px" in rows["p2_2.png", "left-out"]
    assert "leads out of the folder" in rows["../p0_3.png", "left-out"]
    assert "is there twice" in rows["p2_5.png", "left-out"]
    assert rows["p0_6.png", "taken"] == "erosion: a region that covers no pixel of the picture"


def test_where_nothing_is_left_the_reasons_are_told_and_nothing_is_written(tmp_path):
    source = write_coco_source(tmp_path / "in", count=2)
    for path in (tmp_path / "in").glob("*.png"):
        path.unlink()
    with pytest.raises(InputError, match=r"no picture could be taken(.|\n)*p0_0\.png: the picture does not exist"):
        import_dataset(settings_for(source), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_labels_of_a_turned_photo_must_be_those_of_the_upright_one(tmp_path):
    source = write_coco_source(tmp_path / "in", count=2)
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "in" / "p0_0.png").write_bytes(encoded(drawn_picture(0), exif=exif))
    outcome = import_dataset(settings_for(source), tmp_path / "out")
    assert [row.what[:47] for row in outcome.rows] == ["was labelled at 96×80 px before its EXIF turn, "]


def test_a_lesion_without_outline_never_makes_a_picture_free_of_lesions(tmp_path):
    source = write_coco_source(tmp_path / "in", count=4)
    content = json.loads(source.read_text(encoding="utf-8"))
    content["annotations"].append({"image_id": 3, "category_id": 1, "segmentation": [], "bbox": [1, 1, 9, 9]})
    content["annotations"].append({"image_id": 2, "category_id": 2, "segmentation": [], "bbox": [1, 1, 9, 9]})
    content["annotations"][0]["segmentation"] = [[200, 200, 210, 200, 210, 210]]
    source.write_text(json.dumps(content), encoding="utf-8")
    outcome = import_dataset(settings_for(source), tmp_path / "out")
    rows = {row.file: (row.outcome, row.what) for row in outcome.rows}
    assert rows["p0_3.png"][0] == rows["p0_0.png"][0] == "left-out"
    assert "would count as free of it" in rows["p0_3.png"][1]
    assert "were they drawn on another one?" in rows["p0_0.png"][1]
    assert rows["p2_2.png"] == ("taken", "glare: an annotation without outline, which has no area")
    assert len(outcome.pictures) == 2


def test_labelmes_embedded_picture_stands_in_for_a_missing_file(tmp_path):
    shape = {"label": "erosion", "shape_type": "rectangle", "points": [[10, 10], [40, 30]]}
    embedded = base64.b64encode(encoded(drawn_picture(1))).decode()
    content = {"shapes": [shape], "imagePath": "n" * 300 + ".jpg", "imageData": embedded}
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_text(json.dumps(content), encoding="utf-8")
    settings = settings_for(tmp_path / "in", format=AnnotationFormat.LABELME, classes=ClassPlan(lesion=("erosion",)))
    import_dataset(settings, tmp_path / "out")
    srgb, labels = read_picture(open_dataset(tmp_path / "out").pictures[0])
    assert np.array_equal(srgb, drawn_picture(1))
    assert np.count_nonzero(labels) == 600


def test_a_crowd_of_lesions_is_ignored(tmp_path):
    crowd = {"image_id": 0, "category_id": 1, "iscrowd": 1}
    crowd["segmentation"] = {"size": [80, 96], "counts": [0, 80, 7600]}
    changes = {"annotations": [crowd], "categories": CATEGORIES}
    source = write_coco_source(tmp_path / "in", count=2, **changes)
    import_dataset(settings_for(source, classes=ClassPlan(lesion=("erosion",))), tmp_path / "out")
    _, labels = read_picture(open_dataset(tmp_path / "out").pictures[0])
    assert (labels[:, 0] == 128).all()
    assert not labels[:, 1:].any()


def write_folders(folder, masks):
    for name, mask in masks.items():
        for below, content in (("images", drawn_picture(len(name))), ("masks", mask)):
            path = folder / below / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encoded(content))
    return folder


def folder_settings(source, **changes):
    plan = ClassPlan(lesion=("255",), ignored=("128",))
    return settings_for(source, format=AnnotationFormat.FOLDERS, **{"classes": plan, **changes})


def test_folders_of_masks_with_a_table_of_groups_splits_and_scales(tmp_path):
    both = np.maximum(disc_mask(), disc_mask(center_rc=(10, 10), radius=5, value=128))
    source = write_folders(tmp_path / "in", {"a": both, "sub/bb": disc_mask(value=0), "ccc": disc_mask(value=32)})
    table = tmp_path / "table.csv"
    table.write_text(
        "id,file,mask,group,split,mm_per_px,device\nA1,images/a.png,m,P1,val,0.1,x\nB1,bb.png,m,P2,train,,y\n"
        "C1,ccc.png,m,P3,train,,z\n",
        encoding="utf-8",
    )
    settings = folder_settings(
        source,
        table=table,
        group=GroupRule("attribute:group"),
        split=SplitPlan(rule="attribute:split"),
        columns=("device",),
    )
    outcome = import_dataset(settings, tmp_path / "out")
    assert [(row.file, row.what) for row in outcome.rows] == [
        ("ccc.png", "its mask holds the values 32; name or threshold them")
    ]
    first, second = open_dataset(tmp_path / "out").pictures
    assert (first.picture_id, first.group, first.split, first.mm_per_px) == ("A1", "P1", "val", 0.1)
    assert (second.picture_id, second.mask, second.mm_per_px) == ("B1", None, None)
    assert np.array_equal(cv2.imread(str(first.mask), cv2.IMREAD_UNCHANGED), both)
    assert open_dataset(tmp_path / "out", keep={"device": "y"}).pictures == (second,)


def test_masks_that_are_none_are_left_out(tmp_path):
    source = write_folders(tmp_path / "in", {"a": disc_mask()})
    ramp = np.tile(np.arange(96, dtype=np.uint8), (80, 1))
    for name, mask in (("jpeg", ramp), ("colour", drawn_picture(50))):
        write_folders(source, {name: mask})
    (source / "masks" / "text.png").write_bytes(b"no picture")
    (source / "images" / "text.png").write_bytes(encoded(drawn_picture(1)))
    (source / "images" / "alone.png").write_bytes(encoded(drawn_picture(2)))
    (source / "masks" / "orphan.png").write_bytes(encoded(disc_mask()))
    rows = {row.file: row.what for row in import_dataset(folder_settings(source), tmp_path / "out").rows}
    assert set(rows) == {"jpeg.png", "colour.png", "text.png", "alone.png", "orphan.png"}
    assert "holds 95 values" in rows["jpeg.png"]
    assert "has no mask" in rows["alone.png"]
    assert "without picture" in rows["orphan.png"]


def test_names_become_safe_and_stay_apart(tmp_path):
    source = write_folders(tmp_path / "in", {"one/Ä 1": disc_mask(), "two/ä=1": disc_mask(radius=5)})
    outcome = import_dataset(folder_settings(source, group=GroupRule("folder")), tmp_path / "out")
    assert [picture.picture_id for picture in outcome.pictures] == ["A-1", "a-1-2"]
    assert [picture.group for picture in outcome.pictures] == ["one", "two"]


def test_a_missing_group_or_scale_that_is_none_leaves_the_picture_out(tmp_path):
    source = write_coco_source(tmp_path / "in", count=4)
    content = json.loads(source.read_text(encoding="utf-8"))
    del content["images"][0]["patient"]
    content["images"][1]["mm_per_px"] = "-0.1"
    source.write_text(json.dumps(content), encoding="utf-8")
    rows = import_dataset(settings_for(source, group=GroupRule("attribute:patient")), tmp_path / "out").rows
    assert [row.file for row in rows] == ["p0_0.png", "p1_1.png"]
    assert "no group by 'attribute:patient'" in rows[0].what
    assert "mm_per_px: expected a number above 0" in rows[1].what


@pytest.mark.parametrize("text", ["", "patient", "attribute:", "regex:(", "regex:abc"])
def test_group_rules_that_are_none_are_refused(text):
    with pytest.raises(InputError, match="group: "):
        GroupRule(text)


def test_plans_that_are_none_are_refused():
    with pytest.raises(InputError, match="expected group, none or attribute:NAME"):
        SplitPlan(rule="picture")
    with pytest.raises(InputError, match="erosion more than once"):
        ClassPlan(lesion=("erosion",), other=("erosion",))
    with pytest.raises(InputError, match="--lesion-class"):
        ClassPlan(lesion=())


def test_results_never_land_among_the_pictures_or_on_other_files(tmp_path):
    source = write_coco_source(tmp_path / "in", count=2)
    with pytest.raises(OutputError, match="apart from"):
        import_dataset(settings_for(source), tmp_path / "in" / "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="no results of ours"):
        import_dataset(settings_for(source), tmp_path / "full", overwrite=True)
