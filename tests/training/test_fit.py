import csv
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch comes with oral-lesion[train]")
pytest.importorskip("albumentations", reason="albumentations comes with oral-lesion[train]")

from oral_lesion.errors import FormatError, InputError  # noqa: E402 - after the skips
from oral_lesion.training.checkpoint import read_checkpoint  # noqa: E402
from oral_lesion.training.fit import FitOptions, fit, learning_rate_at  # noqa: E402
from oral_lesion.training.schedule import scheduled_rate  # noqa: E402
from oral_lesion.training.settings import (  # noqa: E402
    OptimizerSettings,
    StageSettings,
    load_training_settings,
)

CONFIGS = Path(__file__).parents[2] / "configs" / "train"


def tensors(run_folder):
    checkpoint = read_checkpoint(run_folder)
    return [*checkpoint["network"].values(), *checkpoint["average"].values()]


def test_two_and_two_epochs_equal_four(tiny_settings, tmp_path):
    seen = []
    fit(tiny_settings, tmp_path / "whole", on_progress=seen.append)
    fit(tiny_settings, tmp_path / "halves", options=FitOptions(stop_after_epochs=1))
    fit(tiny_settings, tmp_path / "halves", options=FitOptions(stop_after_epochs=3, resume=True))
    history = fit(tiny_settings, tmp_path / "halves", options=FitOptions(resume=True))
    for whole, halves in zip(tensors(tmp_path / "whole"), tensors(tmp_path / "halves"), strict=True):
        assert torch.equal(whole, halves)
    assert [progress.steps_done for progress in seen] == list(range(1, 13))
    assert {progress.steps_total for progress in seen} == {12}
    with (tmp_path / "whole" / "history.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["stage"] for row in rows] == ["one", "one", "two", "two"]
    assert [float(row["loss"]) for row in rows] == [record.loss for record in history]
    assert sorted(path.name for path in (tmp_path / "whole").iterdir()) == [
        "checkpoint.pt",
        "history.csv",
        "settings.json",
    ]


def test_a_run_is_not_overwritten_nor_resumed_with_other_settings(tiny_settings, tmp_path):
    fit(tiny_settings, tmp_path, options=FitOptions(stop_after_epochs=1))
    with pytest.raises(InputError, match="--resume"):
        fit(tiny_settings, tmp_path)
    with pytest.raises(FormatError, match=r"other settings.*settings\.json"):
        fit(tiny_settings.model_copy(update={"seed": 99}), tmp_path, options=FitOptions(resume=True))


def test_stages_may_be_added_to_a_run(tiny_settings, tmp_path):
    first = tiny_settings.model_copy(update={"stages": tiny_settings.stages[:1]})
    fit(first, tmp_path / "grown")
    fit(tiny_settings, tmp_path / "grown", options=FitOptions(resume=True))
    fit(tiny_settings, tmp_path / "whole")
    for grown, whole in zip(tensors(tmp_path / "grown"), tensors(tmp_path / "whole"), strict=True):
        assert torch.equal(grown, whole)


def test_a_folder_without_run_cannot_be_resumed(tiny_settings, tmp_path):
    with pytest.raises(FormatError, match="no checkpoint there"):
        fit(tiny_settings, tmp_path / "none", options=FitOptions(resume=True))


def test_a_checkpoint_that_is_none_is_refused(tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"no checkpoint")
    with pytest.raises(FormatError, match="not a readable checkpoint"):
        read_checkpoint(tmp_path)


def test_a_deterministic_run_leaves_torch_as_it_was(tiny_settings, tmp_path):
    strict = tiny_settings.model_copy(update={"deterministic": True, "stages": tiny_settings.stages[:1]})
    for name in ("first", "second"):
        fit(strict, tmp_path / name, options=FitOptions(stop_after_epochs=1))
    assert not torch.are_deterministic_algorithms_enabled()
    for first, second in zip(tensors(tmp_path / "first"), tensors(tmp_path / "second"), strict=True):
        assert torch.equal(first, second)


@pytest.mark.parametrize("device", ["tpu", "cuda:x", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(tiny_settings, tmp_path, device):
    with pytest.raises(InputError, match="device"):
        fit(tiny_settings, tmp_path, options=FitOptions(device=device))


def test_three_epochs_on_phantoms_halve_the_loss(tmp_path):
    seen = []
    history = fit(load_training_settings(CONFIGS / "phantoms.toml"), tmp_path, on_progress=seen.append)
    assert len(history) == 3
    assert history[-1].loss < 0.5 * seen[0].loss


STAGE = StageSettings(
    name="s",
    epochs=5,
    pictures_per_epoch=20,
    batch_size=2,
    crop_px=32,
    learning_rate=1e-3,
    shares={"a": 1.0},
)


def test_the_learning_rate_is_torchs_cosine():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50)
    for step in range(50):
        rate = scheduled_rate(STAGE, step, OptimizerSettings(schedule="cosine"))
        assert rate == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
        optimizer.step()
        schedule.step()


def test_a_cycle_that_is_too_short_to_rise_begins_at_its_highest():
    short = STAGE.model_copy(update={"pictures_per_epoch": 2})
    assert learning_rate_at(short, 0, 0.2) == pytest.approx(1e-3)


def test_the_learning_rate_is_torchs_one_cycle():
    stage = STAGE
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1e-3, total_steps=50, pct_start=0.3, cycle_momentum=False
    )
    for step in range(50):
        assert learning_rate_at(stage, step, 0.3) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
        optimizer.step()
        if step < 49:
            schedule.step()
