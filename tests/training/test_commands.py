import json
import tomllib

import pytest
import typer
from typer.testing import CliRunner

pytest.importorskip("torch", reason="torch comes with oral-lesion[train]")
pytest.importorskip("albumentations", reason="albumentations comes with oral-lesion[train]")

from oral_lesion.cli import train as train_command
from oral_lesion.errors import OralLesionError, SettingsError

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
