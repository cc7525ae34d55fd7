"""Each fault of a data set is found, and a sound one is clean."""

import json

import numpy as np
import pytest
from dataset_folders import COLUMNS, SETTINGS, disc_mask, drawn_picture, encoded, write_dataset
from PIL import Image

from oral_lesion.io.datasets.check import check_dataset
from oral_lesion.io.datasets.check_report import SIZE_BINS_PX, check_summary, size_histogram, write_check
from oral_lesion.io.datasets.findings import FindingCode, Severity

ROWS = [
    ("a", "images/a.png", "masks/a.png", "P1", "train"),
    ("b", "images/b.png", "masks/b.png", "P2", "train"),
    ("c", "images/c.png", "", "P3", "val"),
]


def files():
    return {
        "images/a.png": drawn_picture(1),
        "images/b.png": drawn_picture(2),
        "images/c.png": drawn_picture(3),
        "masks/a.png": disc_mask(),
        "masks/b.png": disc_mask(radius=20),
    }


def found(folder):
    return {
        (str(finding.severity), str(finding.code), finding.picture_id, finding.other_id)
        for finding in check_dataset(folder).findings
    }


def test_a_sound_data_set_is_clean(tmp_path):
    checked = check_dataset(write_dataset(tmp_path, ROWS, files=files()))
    assert checked.findings == ()
    assert checked.clean
    assert checked.lesion_pictures == 2


FAULTS = {
    "picture-missing": ({"images/a.png": None}, ("error", "picture-missing", "a", "")),
    "mask-missing": ({"masks/a.png": None}, ("error", "mask-missing", "a", "")),
    "picture-unreadable": ({"images/a.png": b"no picture"}, ("error", "picture-unreadable", "a", "")),
    "mask-unreadable": ({"masks/a.png": b"no picture"}, ("error", "mask-unreadable", "a", "")),
    "size-mismatch": ({"masks/a.png": disc_mask(90, 80)}, ("error", "size-mismatch", "a", "")),
    "odd-mask-values": ({"masks/a.png": disc_mask(value=32)}, ("warning", "odd-mask-values", "a", "")),
    "empty-mask": ({"masks/a.png": disc_mask(value=0)}, ("note", "empty-mask", "a", "")),
    "no-lesion-left": ({"masks/a.png": disc_mask(value=128)}, ("note", "no-lesion-left", "a", "")),
    "tiny-lesion": ({"masks/a.png": disc_mask(radius=1)}, ("note", "tiny-lesion", "a", "")),
    "exact-copy": ({"images/b.png": drawn_picture(1)}, ("warning", "exact-copy", "a", "b")),
    "copy-labelled-otherwise": ({"images/b.png": drawn_picture(1)}, ("warning", "copy-labelled-otherwise", "a", "b")),
    "exact-copy across": ({"images/c.png": drawn_picture(1)}, ("error", "exact-copy", "a", "c")),
    "near-copy": ({"images/c.png": np.ascontiguousarray(drawn_picture(1)[::-1])}, ("error", "near-copy", "a", "c")),
    "file-not-listed": ({"images/z.png": drawn_picture(9)}, ("note", "file-not-listed", "", "")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(tmp_path, fault):
    changes, wanted = FAULTS[fault]
    contents = {name: content for name, content in {**files(), **changes}.items() if content is not None}
    findings = found(write_dataset(tmp_path, ROWS, files=contents))
    assert wanted in findings


def test_metadata_in_a_picture_is_a_warning(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    folder = write_dataset(tmp_path, ROWS, files={**files(), "images/a.png": encoded(drawn_picture(1), exif=exif)})
    assert found(folder) == {("warning", "metadata", "a", "")}


def test_a_group_on_both_sides_and_a_missing_split_are_errors(tmp_path):
    rows = [ROWS[0], ("b", "images/b.png", "masks/b.png", "P1", "val"), ("c", "images/c.png", "", "P3", "")]
    folder = write_dataset(tmp_path, rows, files=files())
    assert found(folder) == {("error", "group-in-two-splits", "", ""), ("error", "no-split", "c", "")}
    (folder / "dataset.toml").write_text(SETTINGS.replace('"group"', '"none"'), encoding="utf-8")
    assert found(folder) == {("error", "group-in-two-splits", "", "")}


def test_copies_within_a_group_and_split_are_expected_when_only_near(tmp_path):
    rows = [ROWS[0], ("b", "images/b.png", "masks/b.png", "P1", "train"), ROWS[2]]
    mirrored = np.ascontiguousarray(drawn_picture(1)[:, ::-1])
    folder = write_dataset(tmp_path, rows, files={**files(), "images/b.png": mirrored})
    assert found(folder) == {("note", "near-copy", "a", "b")}


def test_sizes_are_those_of_the_circle_of_the_same_area(tmp_path):
    rows = [(*ROWS[0], "0.1"), (*ROWS[1], ""), (*ROWS[2], "0.2")]
    checked = check_dataset(write_dataset(tmp_path, rows, files=files(), columns=(*COLUMNS, "mm_per_px")))
    area = int(np.count_nonzero(disc_mask()))
    assert sorted(checked.lesion_areas_px) == [area, int(np.count_nonzero(disc_mask(radius=20)))]
    assert checked.diameters_mm == pytest.approx([0.1 * 2 * (area / np.pi) ** 0.5])
    summary = check_summary(checked)
    assert summary["lesion_diameter_px"]["16-32"] == 1
    assert summary["lesion_diameter_px"]["32-64"] == 1
    assert summary["lesion_diameter_mm"]["2-4"] == 1
    assert summary["with_scale"] == 2


def test_a_histogram_counts_each_lesion_once():
    counts = size_histogram([0.0, 4.0, 7.99, 8.0, 511.9, 512.0, 9000.0], SIZE_BINS_PX)
    assert counts["0-4"] == 1
    assert (counts["4-8"], counts["8-16"], counts["256-512"], counts["512+"]) == (2, 1, 1, 2)
    assert sum(counts.values()) == 7


def test_the_report_holds_every_finding(tmp_path):
    contents = {**files(), "images/c.png": drawn_picture(1), "masks/b.png": disc_mask(value=77)}
    checked = check_dataset(write_dataset(tmp_path / "set", ROWS, files=contents))
    write_check(checked, tmp_path / "report")
    lines = (tmp_path / "report" / "findings.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "severity,code,picture_id,other_id,detail"
    assert len(lines) == 1 + len(checked.findings)
    assert lines[1].startswith("error,exact-copy,a,c,")
    run = json.loads((tmp_path / "report" / "run.json").read_text(encoding="utf-8"))
    assert run["findings"]["error"] == checked.count(Severity.ERROR) == 1
    assert run["findings_by_code"]["odd-mask-values"] == 1


def test_codes_are_pinned():
    assert sorted(FindingCode) == [
        "copy-labelled-otherwise", "empty-mask", "exact-copy", "file-not-listed", "group-in-two-splits",
        "mask-missing", "mask-unreadable", "metadata", "near-copy", "no-lesion-left", "no-split", "odd-mask-values",
        "picture-missing", "picture-unreadable", "size-mismatch", "tiny-lesion",
    ]  # fmt: skip
