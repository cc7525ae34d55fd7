from pathlib import Path

import pytest

from oral_lesion.errors import SettingsError
from oral_lesion.training.settings import TrainingSettings, load_training_settings, parse_overrides

CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "train").glob("*.toml"))


def test_there_are_training_files():
    assert CONFIGS


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_training_files_are_right(path):
    settings = load_training_settings(path)
    assert settings.working_mm_per_px == 0.1
    assert not Path(settings.data_root).is_absolute()


def test_all_faults_are_named_at_once(tmp_path):
    path = tmp_path / "wrong.toml"
    text = CONFIGS[0].read_text(encoding="utf-8")
    text = text.replace("seed = ", "sed = ").replace("weight_decay = 1e-4", "weight_decay = -1")
    path.write_text(text.replace("batch_size = 12", "batch_size = 0", 1), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_training_settings(path)
    keys = {fault.key for fault in caught.value.faults}
    assert keys == {"seed", "sed", "optimizer.weight_decay", "stages.0.batch_size"}
    assert str(path) in str(caught.value)


def test_overrides_replace_values_of_the_file():
    overrides = parse_overrides(
        ["seed=7", "stages.0.epochs=2", "data_root=elsewhere", "sources.0.longer_side_px=[64, 65]"]
    )
    settings = load_training_settings(CONFIGS[0], overrides)
    assert (settings.seed, settings.stages[0].epochs, settings.data_root) == (7, 2, "elsewhere")
    assert settings.sources[0].longer_side_px == (64, 65)


def test_faults_of_overrides_are_named_with_those_of_the_file():
    overrides = parse_overrides(["seed=-1", "stages.99.epochs=2", "seed.deeper=1"])
    with pytest.raises(SettingsError) as caught:
        load_training_settings(CONFIGS[0], overrides)
    assert {"seed", "stages.99.epochs", "seed.deeper"} <= {fault.key for fault in caught.value.faults}


def test_overrides_without_value_are_all_named():
    with pytest.raises(SettingsError, match=r"(?s)first.*second"):
        parse_overrides(["first", "seed=1", "second"])


def test_a_file_that_is_not_there_is_a_fault(tmp_path):
    with pytest.raises(SettingsError, match="no such file; name a training file"):
        load_training_settings(tmp_path / "file.toml")


@pytest.mark.parametrize("content", [b"seed = [", b"\xff\xfe"], ids=["no TOML", "no text"])
def test_a_file_that_cannot_be_read_is_a_fault(tmp_path, content):
    path = tmp_path / "file.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="not a readable TOML file"):
        load_training_settings(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shares": {"disks": 0.5}}, "sum to 1"),
        ({"shares": {"unknown": 1.0}}, "unknown sources: unknown"),
        ({"crop_px": 100}, "multiple of 32"),
    ],
)
def test_stages_are_checked(tiny_content, change, message):
    tiny_content["stages"][0] |= change
    with pytest.raises(ValueError, match=message):
        TrainingSettings.model_validate(tiny_content)


def test_the_hash_depends_on_settings_but_not_on_the_place_of_the_data(tiny_content):
    first = TrainingSettings.model_validate(tiny_content)
    moved = TrainingSettings.model_validate(tiny_content | {"data_root": "elsewhere"})
    other = TrainingSettings.model_validate(tiny_content | {"seed": 4})
    assert first.sha256 == moved.sha256 != other.sha256


def test_epochs_are_located_in_their_stage(tiny_settings):
    assert [tiny_settings.locate(epoch)[1].name for epoch in range(4)] == ["one", "one", "two", "two"]
    with pytest.raises(IndexError):
        tiny_settings.locate(4)


def test_keys_that_came_later_leave_earlier_hashes_as_they_were(tiny_content):
    # Hash of these settings before the later keys were there: earlier runs can be resumed.
    first = TrainingSettings.model_validate(tiny_content)
    assert first.sha256 == "6edce1a992ea8b338874f482f22cdf9952381059711e13a5f86491baa9220185"
    for change in (
        {"deterministic": True},
        {"validation": {"fraction": 0.2}},
        {"optimizer": {"loss": "focal-tversky"}},
        {"network": {"initial_weights": "none", "members": 2}},
    ):
        assert TrainingSettings.model_validate(tiny_content | change).sha256 != first.sha256
