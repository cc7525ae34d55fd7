"""Completion: the script of each shell is produced, and completes commands, commands within commands, and options."""

import os
import shutil
import subprocess
import sys

import pytest


def ask(**variables):
    """Run the command as a shell's completion does."""
    code = "from oral_lesion.cli.app import main; main()"
    environment = {**os.environ, **variables, "PYTHONUTF8": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert ran.stderr == ""
    return ran.stdout


def completed(shell, words):
    """Return what a shell is offered after these words."""
    if shell == "bash":
        place = str(len(words.split()) - (not words.endswith(" ")))
        return ask(_ORAL_LESION_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=place).split()
    action = {"_TYPER_COMPLETE_FISH_ACTION": "get-args"} if shell == "fish" else {}
    said = ask(_ORAL_LESION_COMPLETE=f"complete_{shell}", _TYPER_COMPLETE_ARGS=words, **action)
    if shell == "fish":
        return [line.split("\t")[0] for line in said.splitlines()]
    return [part.split('"')[0] for part in said.split('(("', 1)[-1].split('"\n"')] if "((" in said else []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_names_the_command_and_completes_a_command(shell):
    script = ask(_ORAL_LESION_COMPLETE=f"source_{shell}")
    assert "oral-lesion" in script
    assert f"_ORAL_LESION_COMPLETE=complete_{shell}" in script
    assert completed(shell, "oral-lesion doc") == ["doctor"]
    assert completed(shell, "oral-lesion audit ver") == ["verify"]


def test_every_command_is_offered():
    from oral_lesion.cli.app import COMMANDS

    assert completed("bash", "oral-lesion ") == [name for commands in COMMANDS.values() for name in commands]
    assert "--language" in completed("bash", "oral-lesion check --lang")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_accepts_the_script(shell, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    script = tmp_path / "completion"
    script.write_text(ask(_ORAL_LESION_COMPLETE=f"source_{shell}"), encoding="utf-8")
    ran = subprocess.run([shell, "-n", script], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
