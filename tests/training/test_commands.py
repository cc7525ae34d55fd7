import json
import tomllib

import cv2
import pytest
import typer
from typer.testing import CliRunner

pytest.importorskip("torch", reason="torch comes with oral-lesion[train]")
pytest.importorskip("albumentations", reason="albumentations comes with oral-lesion[train]")

from oral_lesion.cli import train as train_command
from oral_lesion.errors import InputError, OralLesionError, SettingsError

app = typer.Typer()
app.command("train")(train_command.train)
app.command("noop")(lambda: None)


def training_file(tmp_path, content):
    def inline(value):
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key} = {inline(item)}" for key, item in value.items()) + "}"
        if isinstance(value, list | tuple):
            return "[" + ", ".join(inline(item) for item in value) + "]"
        return json.dumps(value)

    path = tmp_path / "tiny.toml"
    path.write_text("".join(f"{key} = {inline(value)}\n" for key, value in content.items()), encoding="utf-8")
    assert tomllib.loads(path.read_text(encoding="utf-8"))
    return path


def test_train_writes_a_run_and_resumes_it(tiny_content, tmp_path):
    run = tmp_path / "run"
    config = training_file(tmp_path, tiny_content)
    call = ["train", str(config), "-o", str(run), "--override", "stages.0.epochs=1", "--override", "stages.1.epochs=1"]
    result = CliRunner().invoke(app, call, catch_exceptions=False)
    assert result.exit_code == 0
    assert "2 epochs" in result.stdout
    assert f"oral-lesion export {run}" in result.stdout
    assert (run / "history.csv").exists()
    assert CliRunner().invoke(app, [*call, "--resume"], catch_exceptions=False).exit_code == 0


def test_train_names_all_faults(tiny_content, tmp_path):
    config = training_file(tmp_path, tiny_content | {"seed": -1, "more": 1})
    with pytest.raises(SettingsError, match=r"(?s)(?=.*seed)(?=.*more)"):
        CliRunner().invoke(app, ["train", str(config)], catch_exceptions=False)


def test_a_missing_extra_is_one_line_with_the_remedy(monkeypatch):
    monkeypatch.setattr(train_command, "_EXTRA", ("torch", "no_such_package_here"))
    with pytest.raises(OralLesionError, match=r"^oral-lesion train needs no_such_package_here; install with: pip"):
        train_command.require_training_extra("train")


def call(*arguments):
    return CliRunner().invoke(app, ["train", *map(str, arguments)], catch_exceptions=False)


def test_a_preview_is_a_sheet_with_the_names_of_the_simulations(tiny_content, tmp_path):
    config = training_file(tmp_path, tiny_content)
    result = call(config, "--preview", tmp_path / "sheets" / "sheet.png")
    assert "48 crops" in result.stdout
    assert "saliva glare: Highlights of a flash on wet tissue." in result.stdout
    sheet = cv2.imread(str(tmp_path / "sheets" / "sheet.png"))
    assert sheet.shape[1] > 1500
    # Lesions are outlined in green.
    assert (sheet == (0, 255, 0)).all(axis=2).sum() > 100
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sheets", "tiny.toml"]


def test_folds_and_their_mean_weights(tiny_content, tmp_path):
    tiny_content["stages"] = [tiny_content["stages"][0] | {"epochs": 1, "pictures_per_epoch": 2}]
    config, run = training_file(tmp_path, tiny_content), tmp_path / "run"
    result = call(config, "-o", run, "--folds", 2, "--no-tensorboard", "--device", "cpu")
    assert str(run / "cross_validation.csv") in result.stdout
    assert (run / "fold-1" / "progress.png").exists()
    assert not (run / "fold-1" / "tensorboard").exists()
    checkpoints = ["--average", run / "fold-1", "--average", run / "fold-2" / "best.pt"]
    assert "mean weights of 2" in call(config, "-o", tmp_path / "soup", *checkpoints).stdout
    assert (tmp_path / "soup" / "checkpoint.pt").exists()
    with pytest.raises(InputError, match="2 to 16 checkpoints"):
        call(config, "-o", tmp_path / "one", "--ensemble", run / "fold-1")


def test_an_interrupted_run_says_how_to_go_on(tiny_content, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("oral_lesion.training.fit.fit", interrupt)
    result = call(training_file(tmp_path, tiny_content), "-o", tmp_path / "run", "--device", "cpu")
    assert result.exit_code == 1
    assert "with --resume" in result.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fold", "1"], "expected --folds with it"),
        (["--folds", "2", "--preview", "a.png"], "different tasks"),
        (["--average", "a", "--ensemble", "b"], "different tasks"),
        (["--folds", "2", "--fold", "3"], "got 3 of 2"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(tiny_content, tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        call(training_file(tmp_path, tiny_content), "-o", tmp_path / "run", "--device", "cpu", *options)
    assert not (tmp_path / "run").exists()
