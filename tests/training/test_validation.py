from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch comes with oral-lesion[train]")
pytest.importorskip("lightning_fabric", reason="lightning-fabric comes with oral-lesion[train]")
pytest.importorskip("albumentations", reason="albumentations comes with oral-lesion[train]")

from oral_lesion.errors import InputError  # noqa: E402 - after the skips
from oral_lesion.io.csv_tables import WHOLE, read_table  # noqa: E402
from oral_lesion.training.checkpoint import EpochRecord, read_checkpoint  # noqa: E402
from oral_lesion.training.data import LabelledPicture, Source, open_sources  # noqa: E402
from oral_lesion.training.fit import FitOptions, fit, has_stalled  # noqa: E402
from oral_lesion.training.folds import cross_validate, settings_of_fold  # noqa: E402
from oral_lesion.training.settings import TrainingSettings, ValidationSettings  # noqa: E402
from oral_lesion.training.validation import JUDGED_COLUMNS, HeldOut, hold_out, judge, mean_dice  # noqa: E402


class RedIsLesion(torch.nn.Module):
    """Sees a lesion wherever the normalized red is above 0."""

    def forward(self, pictures):
        return pictures[:, :1] * 100.0


def held_picture(tiny_settings, labels, *, mm_per_px=None):
    """Hold out a picture that is red where its labels say lesion, and in one column more."""
    srgb = np.zeros((*labels.shape, 3), np.uint8)
    srgb[labels == 255] = 255
    srgb[:, 0] = 255
    picture = LabelledPicture(picture_id="p", image=Path("p"), mask=Path("p"), group="g", mm_per_px=mm_per_px)
    source = Source(settings=tiny_settings.sources[0], pictures=(picture,), read=lambda _: (srgb, labels))
    return HeldOut(source=source, picture=picture)


def judged_once(tiny_settings, labels, **options):
    rules = ValidationSettings(longer_side_px=40)
    return judge(RedIsLesion(), [held_picture(tiny_settings, labels, **options)], rules, torch.device("cpu"))[0]


def test_a_picture_is_judged_without_what_is_to_be_ignored(tiny_settings):
    labels = np.zeros((20, 40), np.uint8)
    labels[:, 10:20] = 255
    found = judged_once(tiny_settings, labels)
    assert (found.true_px, found.predicted_px, found.overlap_px) == (200, 220, 200)
    assert found.dice == pytest.approx(400 / 420)
    labels[:, 0] = 128
    assert judged_once(tiny_settings, labels).dice == 1.0


def test_a_picture_of_known_scale_is_judged_at_the_working_resolution(tiny_settings):
    labels = np.zeros((20, 40), np.uint8)
    labels[:, 10:20] = 255
    assert judged_once(tiny_settings, labels, mm_per_px=0.2).true_px == 4 * 200


def test_pictures_without_lesion_have_no_dice_of_their_own(tiny_settings):
    found = judged_once(tiny_settings, np.full((20, 40), 128, np.uint8))
    assert found.dice is None
    assert np.isnan(mean_dice([found]))


def test_held_out_pictures_without_any_lesion_are_refused(tiny_content, tmp_path, monkeypatch):
    settings = TrainingSettings.model_validate(tiny_content | {"validation": {"fraction": 0.34}})
    monkeypatch.setattr("oral_lesion.training.fit.mean_dice", lambda _: float("nan"))
    with pytest.raises(InputError, match="no held-out picture has a lesion"):
        fit(settings, tmp_path)


def test_held_out_groups_are_not_trained_on(tiny_content):
    tiny_content["sources"].append(tiny_content["sources"][0] | {"name": "again", "longer_side_px": [90, 100]})
    tiny_content["stages"][0]["shares"] = {"disks": 0.5, "again": 0.5}
    folds = []
    for fold in (1, 2, 3):
        rules = {"folds": 3, "fold": fold, "sources": ["disks"]}
        settings = TrainingSettings.model_validate(tiny_content | {"validation": rules})
        training, held = hold_out(open_sources(settings), settings)
        groups = {one.picture.group for one in held}
        assert {one.source.settings.name for one in held} == {"disks"}
        for source in training.values():
            # The other source shows the same folder: its pictures of these groups are no training pictures either.
            assert {picture.group for picture in source.pictures} == {str(n) for n in range(6)} - groups
        folds.append(groups)
    assert sorted(group for groups in folds for group in groups) == [str(n) for n in range(6)]


def test_more_folds_than_groups_are_refused(tiny_settings):
    settings = settings_of_fold(tiny_settings, folds=7, fold=1)
    with pytest.raises(InputError, match="number of groups"):
        hold_out(open_sources(settings), settings)
    with pytest.raises(InputError, match="got 4 of 3"):
        settings_of_fold(tiny_settings, folds=3, fold=4)
    with pytest.raises(InputError, match="got 1 of 0"):
        cross_validate(tiny_settings, Path("nowhere"))


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"fraction": 0.2, "folds": 5}, "either fraction or folds"),
        ({"folds": 5, "fold": 6}, "must lie in 1..5"),
        ({"patience": 3}, "needs held-out pictures"),
        ({"sources": ["unknown"]}, "unknown sources: unknown"),
    ],
)
def test_rules_are_checked(tiny_content, rules, message):
    with pytest.raises(ValueError, match=message):
        TrainingSettings.model_validate(tiny_content | {"validation": rules})


def history_of(*dices):
    return [
        EpochRecord(epoch=n, stage="s", learning_rate=1e-3, loss=1.0, seconds=1.0, validation_dice=dice)
        for n, dice in enumerate(dices, start=1)
    ]


def test_a_run_stops_once_its_last_stage_gets_no_better(tiny_content):
    tiny_content["stages"][1]["epochs"] = 9
    settings = TrainingSettings.model_validate(tiny_content | {"validation": {"fraction": 0.5, "patience": 2}})
    # The first stage has two epochs, which do not count.
    assert not has_stalled(history_of(0.9, 0.8, 0.7), settings)
    assert not has_stalled(history_of(0.9, 0.8, 0.7, 0.6), settings)
    assert has_stalled(history_of(0.9, 0.8, 0.7, 0.6, 0.7), settings)
    assert not has_stalled(history_of(0.9, 0.8, 0.7, 0.6, None, 0.8), settings)


def test_early_stopping_keeps_the_best_weights(tiny_content, tmp_path, monkeypatch):
    tiny_content["stages"] = [tiny_content["stages"][0] | {"epochs": 5, "pictures_per_epoch": 2}]
    rules = {"fraction": 0.34, "patience": 2, "longer_side_px": 64}
    settings = TrainingSettings.model_validate(tiny_content | {"validation": rules})
    dices = iter([0.3, 0.5, 0.4, 0.5, 0.9])
    monkeypatch.setattr("oral_lesion.training.fit.mean_dice", lambda _: next(dices))
    fit(settings, tmp_path, options=FitOptions(stop_after_epochs=3, progress_picture=True, tensorboard=True))
    assert (tmp_path / "progress.png").read_bytes().startswith(b"\x89PNG")
    assert list((tmp_path / "tensorboard").iterdir())
    history = fit(settings, tmp_path, options=FitOptions(resume=True))
    assert [record.validation_dice for record in history] == [0.3, 0.5, 0.4, 0.5]
    assert len(fit(settings, tmp_path, options=FitOptions(resume=True))) == 4
    assert len(read_checkpoint(tmp_path / "best.pt")["history"]) == 2
    assert len(read_table(tmp_path / "validation.csv", JUDGED_COLUMNS)) == 2


def test_cross_validation_judges_every_picture_once(tiny_content, tmp_path):
    tiny_content["stages"] = [tiny_content["stages"][0] | {"epochs": 1, "pictures_per_epoch": 2}]
    settings = TrainingSettings.model_validate(tiny_content | {"validation": {"longer_side_px": 64}})
    columns = {"fold": WHOLE, **JUDGED_COLUMNS}
    settings = settings_of_fold(settings, folds=2, fold=1)
    path = cross_validate(settings, tmp_path, fold=2)
    assert {row["fold"] for row in read_table(path, columns)} == {2}
    first = (tmp_path / "fold-2" / "checkpoint.pt").read_bytes()
    rows = read_table(cross_validate(settings, tmp_path, options=FitOptions(resume=True)), columns)
    assert sorted(row["picture_id"] for row in rows) == [str(n) for n in range(6)]
    assert {row["fold"] for row in rows} == {1, 2}
    assert (tmp_path / "fold-2" / "checkpoint.pt").read_bytes() == first
