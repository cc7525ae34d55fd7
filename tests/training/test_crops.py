import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="torch comes with oral-lesion[train]")
pytest.importorskip("albumentations", reason="albumentations comes with oral-lesion[train]")

from oral_lesion.errors import FormatError, InputError
from oral_lesion.training.augment import SIMULATIONS, Augmenter, CropPlan
from oral_lesion.training.data import draw_batch, find_pictures, open_sources, positions_of_step, read_picture
from oral_lesion.training.decoys import paint_decoy
from oral_lesion.training.drawn import draw_lesion
from oral_lesion.training.instruments import lay_instrument
from oral_lesion.training.settings import SourceSettings

PLAN = CropPlan(
    crop_px=96, longer_side_px=(64, 256), lesion_centred=1.0, tooth_centred=0.0, drawn_share=0.5, decoy_share=0.5
)


@pytest.fixture(scope="module")
def augmenter():
    return Augmenter()


def picture():
    labels = np.zeros((120, 160), np.uint8)
    labels[40:70, 50:90] = 255
    labels[80:90, 100:130] = 128
    return np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8), labels


def table_source(root, **changes):
    content = {
        "name": "t",
        "layout": "table",
        "path": "t",
        "longer_side_px": (64, 96),
        "licence": "-",
        "source": "-",
    }
    return SourceSettings.model_validate(content | changes), root


def test_crops_have_the_planned_size_and_known_labels(augmenter):
    for seed in range(20):
        srgb, labels = augmenter.crop(*picture(), PLAN, np.random.default_rng(seed))
        assert (srgb.shape, srgb.dtype) == ((96, 96, 3), np.uint8)
        assert (labels.shape, labels.dtype) == ((96, 96), np.uint8)
        assert set(np.unique(labels)) <= {0, 128, 255}


def test_a_crop_depends_on_its_generator_alone(augmenter):
    first = augmenter.crop(*picture(), PLAN, np.random.default_rng(5))
    augmenter.crop(*picture(), PLAN, np.random.default_rng(6))
    again = Augmenter().crop(*picture(), PLAN, np.random.default_rng(5))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_crops_round_a_lesion_mostly_show_it(augmenter):
    plan = CropPlan(
        crop_px=96, longer_side_px=(160, 160), lesion_centred=1.0, tooth_centred=0.0, drawn_share=0.0, decoy_share=0.0
    )
    shown = [(augmenter.crop(*picture(), plan, np.random.default_rng(seed))[1] == 255).any() for seed in range(30)]
    assert np.mean(shown) > 0.9


def test_crops_round_a_tooth_mostly_show_it(augmenter):
    srgb, labels = np.full((400, 400, 3), (190, 100, 100), np.uint8), np.zeros((400, 400), np.uint8)
    srgb[20:60, 330:370] = (225, 205, 170)

    def share(tooth_centred):
        plan = CropPlan(
            crop_px=96,
            longer_side_px=(400, 400),
            lesion_centred=0.0,
            tooth_centred=tooth_centred,
            drawn_share=0.0,
            decoy_share=0.0,
        )
        crops = [augmenter.crop(srgb, labels, plan, np.random.default_rng(seed))[0] for seed in range(30)]
        return np.mean([(crop[..., 1].astype(int) > crop[..., 0].astype(int) - 40).sum() > 50 for crop in crops])

    assert share(1.0) > share(0.0) + 0.3


def test_a_foreign_surface_is_no_lesion():
    covered = 0
    for seed in range(30):
        srgb, labels = np.full((96, 96, 3), 100, np.uint8), np.full((96, 96), 255, np.uint8)
        painted, changed = paint_decoy(srgb, labels, np.random.default_rng(seed))
        untouched = (painted == srgb).all(axis=2)
        assert (changed[untouched] == 255).mean() > 0.99
        covered += (changed == 0).any()
    assert covered > 25


def test_an_instrument_hides_the_lesion_and_little_else_changes():
    hidden = []
    for seed in range(40):
        srgb, labels = np.full((96, 96, 3), (190, 100, 100), np.uint8), np.full((96, 96), 255, np.uint8)
        painted, changed = lay_instrument(srgb, labels, np.random.default_rng(seed))
        assert set(np.unique(changed)) <= {0, 255}
        untouched = (painted == srgb).all(axis=2)
        assert (changed[untouched] == 255).all()
        assert (labels == 255).all()
        hidden.append((changed == 0).mean())
    assert np.mean(np.array(hidden) > 0) > 0.8
    assert 0.05 < np.mean(hidden) < 0.6


def test_a_crop_says_what_was_simulated(augmenter):
    plan = CropPlan(
        crop_px=64, longer_side_px=(64, 128), lesion_centred=1.0, tooth_centred=0.0,
        drawn_share=1.0, decoy_share=1.0, instrument_share=1.0,
    )  # fmt: skip
    seen = set()
    for seed in range(80):
        crop = augmenter.make(*picture(), plan, np.random.default_rng(seed))
        assert crop.simulations[:4] == ("position", "drawn lesion", "foreign surface", "instrument")
        seen.update(crop.simulations)
    assert seen == set(SIMULATIONS)


def test_a_picture_of_known_scale_is_drawn_at_the_working_resolution(augmenter):
    srgb, labels = np.full((200, 200, 3), 120, np.uint8), np.zeros((200, 200), np.uint8)
    labels[80:120, 80:120] = 255
    for seed in range(20):
        plan = CropPlan(
            crop_px=224, longer_side_px=None, magnification=(1.8, 2.2), lesion_centred=1.0, tooth_centred=0.0,
            drawn_share=0.0, decoy_share=0.0,
        )  # fmt: skip
        area = (augmenter.crop(srgb, labels, plan, np.random.default_rng(seed))[1] == 255).sum()
        assert area < 1600 * 2.2**2 * 1.1
        # Near a corner of the crop some of it is cut off.
        assert area > 400 * 1.8**2


def test_a_picture_without_any_scale_is_refused(augmenter):
    plan = CropPlan(
        crop_px=64, longer_side_px=None, lesion_centred=0.0, tooth_centred=0.0, drawn_share=0.0, decoy_share=0.0
    )
    with pytest.raises(InputError, match="no scale"):
        augmenter.crop(*picture(), plan, np.random.default_rng(0))


def test_a_drawn_erosion_is_labelled_where_it_lies_and_other_spots_are_not():
    tissue = np.random.default_rng(0).normal((200, 110, 110), 6, (96, 96, 3)).clip(0, 255).astype(np.uint8)
    empty, labelled = np.zeros((96, 96), np.uint8), 0
    for seed in range(40):
        drawn, labels = draw_lesion(tissue, empty, np.random.default_rng(seed))
        changed = (drawn != tissue).any(axis=2)
        assert changed.any()
        assert set(np.unique(labels)) <= {0, 255}
        if (labels == 255).any():
            labelled += 1
            assert changed[labels == 255].mean() > 0.9
    assert 18 <= labelled <= 36
    assert not empty.any()


def test_nothing_is_drawn_where_there_is_no_tissue():
    grey = np.random.default_rng(0).integers(90, 110, (96, 96, 3), dtype=np.uint8)
    empty = np.zeros((96, 96), np.uint8)
    drawn, labels = draw_lesion(grey, empty, np.random.default_rng(0))
    np.testing.assert_array_equal(drawn, grey)
    assert not labels.any()


def test_a_batch_depends_on_its_arguments_alone(tiny_settings, augmenter):
    sources, stage = open_sources(tiny_settings), tiny_settings.stages[0]
    first = draw_batch(sources, stage, augmenter, seed=1, epoch=2, positions=[2, 3])
    again = draw_batch(sources, stage, augmenter, seed=1, epoch=2, positions=[2, 3])
    other = draw_batch(sources, stage, augmenter, seed=1, epoch=3, positions=[2, 3])
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(first[0], other[0])


def test_the_last_step_of_an_epoch_holds_the_rest(tiny_settings):
    stage = tiny_settings.stages[0]
    steps = [list(positions_of_step(stage, step)) for step in range(stage.steps_per_epoch)]
    assert steps == [[0, 1], [2, 3], [4]]


def test_a_table_is_read_with_filter_and_weights(tmp_path):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "photos.csv").write_text(
        "id,file,mask,group,split,confidence\n"
        "b,b.png,bm.png,g2,train,low\na,a.png,am.png,g1,train,high\nc,c.png,cm.png,g3,val,high\n"
    )
    source, root = table_source(tmp_path, keep={"split": "train"}, confidence_weights={"low": 0.25})
    found = find_pictures(source, root)
    assert [(picture.picture_id, picture.group, picture.weight) for picture in found] == [
        ("a", "g1", 1.0),
        ("b", "g2", 0.25),
    ]


def test_a_folder_without_pictures_is_named(tmp_path):
    source, root = table_source(tmp_path)
    with pytest.raises(InputError, match=r"source t: no pictures.*data_root"):
        find_pictures(source, root)


def test_pictures_without_lesion_need_no_masks(picture_root):
    source = SourceSettings(
        name="d", layout="lesion-free", path="disks", longer_side_px=(64, 96), licence="-", source="-"
    )
    found = find_pictures(source, picture_root)
    assert len(found) == 6
    assert not read_picture(found[0])[1].any()


def test_grey_values_of_masks_become_labels(tmp_path, picture_root):
    source = SourceSettings(name="d", layout="pairs", path="disks", longer_side_px=(64, 96), licence="-", source="-")
    sample = find_pictures(source, picture_root)[0]
    image, mask = tmp_path / "i.png", tmp_path / "m.png"
    cv2.imwrite(str(image), np.zeros((1, 4, 3), np.uint8))
    cv2.imwrite(str(mask), np.array([[0, 32, 128, 250]], np.uint8))
    changed = type(sample)(picture_id="x", image=image, mask=mask, group="x")
    assert read_picture(changed)[1].tolist() == [[0, 0, 128, 255]]


def test_pictures_that_cannot_be_used_are_named(tmp_path, picture_root):
    source = SourceSettings(name="d", layout="pairs", path="disks", longer_side_px=(64, 96), licence="-", source="-")
    sample = find_pictures(source, picture_root)[0]
    broken, small = tmp_path / "broken.png", tmp_path / "small.png"
    broken.write_bytes(b"no picture")
    cv2.imwrite(str(small), np.zeros((2, 2), np.uint8))
    with pytest.raises(FormatError, match=r"broken\.png: not a readable picture"):
        read_picture(type(sample)(picture_id="x", image=broken, mask=small, group="x"))
    with pytest.raises(FormatError, match=r"small\.png: is 2×2 px, its picture 96×80 px"):
        read_picture(type(sample)(picture_id="x", image=sample.image, mask=small, group="x"))
