"""From pictures to files, with a model that is a formula."""

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from drawn_pictures import SIZE, RedModel, disk, write_labelled, write_table

from oral_lesion.errors import FormatError, InputError
from oral_lesion.evaluation import EvaluationSettings, evaluate_pictures, find_pictures
from oral_lesion.evaluation.cases import draw_cases, pick_cases
from oral_lesion.evaluation.figures import card_figures, merged_figures
from oral_lesion.evaluation.output import write_evaluation
from oral_lesion.evaluation.page import number_text, render_page
from oral_lesion.io.bundle import Figure

SETTINGS = EvaluationSettings(longer_side_px=(120,), resamples=200, cases=2)
HOSTILE = "<script>alert(1)</script>"


def labelled(*disks):
    mask = np.zeros(SIZE, np.uint8)
    for spot in disks:
        mask[disk(*spot)] = 255
    return mask


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluation") / "drawn"
    masks = {f"p{n}": labelled((30 + 3 * n, 50, 6 + 2 * n)) for n in range(9)} | {"free": labelled()}
    masks["partly"] = np.where(disk(40, 60, 20), np.uint8(128), np.uint8(0))
    write_labelled(folder, masks)
    write_table(folder, [(name, name, "val") for name in masks])
    return find_pictures(folder)


@pytest.fixture(scope="module")
def evaluation(pictures):
    return evaluate_pictures(RedModel(), pictures.pictures, SETTINGS)


def figure(evaluation, key, place=0):
    return next(each for each in evaluation.rounds[place].estimates if each.measure.key == key)


def test_a_right_model_is_found_right(evaluation):
    assert figure(evaluation, "dice_image_lesion").value > 0.99
    assert figure(evaluation, "nsd_image_lesion").value == 1.0
    assert figure(evaluation, "lesion_f1").value == 1.0
    assert figure(evaluation, "area_icc").value > 0.99
    assert figure(evaluation, "negatives_fired").value == 0.0
    assert figure(evaluation, "negatives_fired").n == 1  # "partly" is not known to be lesion-free


def test_a_model_that_sees_red_everywhere_is_found_wrong(pictures):
    evaluation = evaluate_pictures(RedModel(offset=0.5), pictures.pictures, SETTINGS)
    assert figure(evaluation, "dice_image_lesion").value < 0.3
    assert figure(evaluation, "negatives_fired").value == 1.0
    assert figure(evaluation, "recall_pooled").value == 1.0
    assert figure(evaluation, "area_bias").value > 50


def test_each_size_is_a_round_and_pictures_with_a_scale_have_their_own(pictures):
    model = RedModel(working_mm_per_px=0.1)
    settings = replace(SETTINGS, longer_side_px=(60, 240))
    mixed = [replace(pictures.pictures[0], mm_per_px=0.2), *pictures.pictures[1:3]]
    evaluation = evaluate_pictures(model, mixed, settings)
    assert [one.longer_side_px for one in evaluation.rounds] == [60, 240]
    assert model.sizes == [(192, 240)] * 2 + [(48, 60), (192, 240)] * 2
    assert [count.longer_side_px for count in evaluation.rounds[0].counts] == [None, 60, 60]
    scaled = evaluate_pictures(model, [replace(each, mm_per_px=0.2) for each in mixed], settings)
    assert [(one.longer_side_px, one.seen_at) for one in scaled.rounds] == [(None, "working resolution")]


def test_comparison_evaluates_both(pictures):
    evaluation = evaluate_pictures(RedModel(), pictures.pictures, SETTINGS, other=RedModel(offset=0.5, name="redder"))
    difference = next(each for each in evaluation.differences[0] if each.measure.key == "dice_image_lesion")
    ours, theirs = (
        next(each for each in rounds[0].estimates if each.measure.key == "dice_image_lesion")
        for rounds in (evaluation.rounds, evaluation.compared)
    )
    assert difference.value == pytest.approx(ours.value - theirs.value)
    assert difference.low > 0
    page = render_page("drawn", evaluation, {})
    assert "Compared with redder" in page


def test_progress_and_wrong_pictures(pictures, tmp_path):
    steps = []
    evaluate_pictures(RedModel(), pictures.pictures[:2], SETTINGS, on_picture=lambda *step: steps.append(step))
    assert steps == [(1, 2), (2, 2)]
    with pytest.raises(InputError, match="different names"):
        evaluate_pictures(RedModel(), [pictures.pictures[0]] * 2, SETTINGS)
    with pytest.raises(InputError, match="got none"):
        evaluate_pictures(RedModel(), [], SETTINGS)
    (tmp_path / "broken.png").write_bytes(b"none")
    with pytest.raises(FormatError, match=r"broken\.png"):
        evaluate_pictures(RedModel(), [replace(pictures.pictures[0], image=tmp_path / "broken.png")], SETTINGS)


def test_files(evaluation, pictures, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_evaluation(tmp_path / name, evaluation, pictures, RedModel())
    files = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert set(files) == {"metrics.csv", "summary.json", "evaluation.html", "run.json"}
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()}
    assert not any(str(tmp_path).encode() in content for content in files.values())

    rows = list(csv.DictReader(files["metrics.csv"].decode().splitlines()))
    assert [row["picture"] for row in rows] == sorted(picture.picture_id for picture in pictures.pictures)
    free = next(row for row in rows if row["picture"] == "free")
    assert (free["dice"], free["precision"], free["recall"], free["hd95_px"]) == ("1.000000", "", "", "")
    assert (free["mm_per_px"], free["true_mm2"], free["longer_side_px"]) == ("", "", "120")
    big = next(row for row in rows if row["picture"] == "p8")
    assert int(big["true_px"]) == int(disk(54, 50, 22).sum())

    summary = json.loads(files["summary.json"])
    assert (summary["data_set"], summary["pictures"], summary["groups"]) == ("drawn", 11, 11)
    (result,) = summary["results"]
    assert result["figures"]["dice_image_lesion"]["value"] == pytest.approx(
        np.mean([float(row["dice"]) for row in rows if int(row["true_px"])]), abs=1e-5
    )
    assert [each["class"] for each in result["by_lesion_size"]] == ["small", "medium", "large"]


def test_names_are_escaped_and_the_page_needs_no_network(evaluation, pictures):
    one = evaluation.rounds[0]
    counts = tuple(replace(count, picture_id=HOSTILE + count.picture_id) for count in one.counts)
    by_name = {HOSTILE + picture.picture_id: picture for picture in pictures.pictures}
    hostile = replace(one, counts=counts)
    cases = draw_cases(hostile, by_name, RedModel(), number=2)
    page = render_page(HOSTILE, replace(evaluation, rounds=(hostile,)), {one.longer_side_px: cases})
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<img ") == 4
    assert page.count("<svg ") == 3
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert "prefers-color-scheme: dark" in page
    identities = re.findall(r' id="([^"]+)"', page)
    assert len(identities) == len(set(identities))


def test_worst_and_best_share_no_picture(counted):
    counts = [counted(str(n), 400, 400, 40 * n) for n in range(5)]
    counts += [counted("alarm", 0, 50, 0), counted("louder", 0, 90, 0), counted("quiet", 0, 0, 0)]
    picked = {title: [count.picture_id for count in some] for title, some in pick_cases(counts, 4).items()}
    assert picked == {
        "Worst with a lesion": ["0", "1", "2"],
        "Best with a lesion": ["4", "3"],
        "Without lesion, most predicted": ["louder", "alarm"],
    }
    assert pick_cases(counts, 0) == {}


def test_outlines_are_drawn_in_their_colours(evaluation, pictures):
    import base64

    import cv2

    by_name = {picture.picture_id: picture for picture in pictures.pictures}
    (worst, best) = draw_cases(evaluation.rounds[0], by_name, RedModel(), number=1)
    case = best.cases[0]
    pixels = cv2.imdecode(np.frombuffer(base64.b64decode(case.jpeg_base64), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert pixels.shape == (case.height_px, case.width_px, 3) == (272, 340, 3)
    blue = (pixels[..., 2].astype(int) - pixels[..., 0]) > 60
    assert blue.sum() > 100  # no picture holds blue but by the label's outline
    assert worst.cases[0].count.picture_id != case.count.picture_id


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.12345, "0.123"), (-0.0001, "0.000"), (-12.34, "−12.3"), (1234.5, "1234")]
)
def test_numbers_for_people(value, text):
    assert number_text(value) == text


def test_figures_of_the_card(evaluation):
    figures = card_figures(evaluation, name="drawn", command="c")
    assert {each.data_set for each in figures} == {"drawn, longer side 120 px"}
    dice = next(each for each in figures if each.name.startswith("Dice, image-based mean over pictures with a lesion"))
    assert dice.n == 9
    assert dice.value == pytest.approx(figure(evaluation, "dice_image_lesion").value, abs=1e-4)
    assert "95 % interval" in dice.name


def test_lesion_free_pictures_put_no_overlap_into_the_card(pictures):
    free = [picture for picture in pictures.pictures if picture.picture_id == "free"]
    figures = card_figures(evaluate_pictures(RedModel(), free, SETTINGS), name="free", command="c")
    assert [(each.name.split(" with ")[0], each.value) for each in figures] == [("share of lesion-free pictures", 0.0)]


def test_fresh_figures_replace_those_that_they_renew(evaluation):
    fresh = card_figures(evaluation, name="drawn", command="c")

    def old(data_set, command):
        return Figure(name="Dice", value=0.1, data_set=data_set, n=3, command=command)

    present = [old("drawn, longer side 120 px", "older"), old("drawn, longer side 60 px", "c"), old("other", "older")]
    assert merged_figures(present, fresh) == (*fresh, present[2])
