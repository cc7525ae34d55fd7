"""What the pages say of commands, options and Python is so."""

import pytest
from doc_blocks import blocks_of, commands_in, run_python
from doc_tables import DOCS, codes_in, tables_by_heading

import oral_lesion

PAGES = sorted(path for path in DOCS.rglob("*.md") if "adr" not in path.parts)


def examples(language):
    return [
        pytest.param(text, id=f"{path.relative_to(DOCS).as_posix()}-{number}")
        for path in PAGES
        for number, (found, text) in enumerate(blocks_of(path))
        if found in language
    ]


@pytest.mark.parametrize("text", [one for one in examples({"", "sh"}) if "oral-lesion" in one.values[0]])
def test_commands_and_options_on_the_pages_exist(text, oral_lesion_main):
    for words in commands_in(text):
        if words[0] != "oral-lesion":
            continue
        # Options are read before the help is shown: one that does not exist, or lacks its value, is an error.
        code, said = oral_lesion_main([*words[1:], "--help"])
        assert (code, "Usage" in said) == (0, True), f"{' '.join(words)}\n{said}"


def test_python_examples_run(places):
    for example in examples({"python"}):
        run_python(example.values[0])
    assert (places / "visit-scores" / "scores.csv").is_file()


def test_every_public_name_is_in_the_reference():
    page = (DOCS / "api" / "index.md").read_text(encoding="utf-8")
    missing = [name for name in oral_lesion.__all__ if f":: {name}\n" not in page]
    assert not missing


def test_every_model_card_is_a_page():
    models = {card.parent.name for card in (DOCS.parent / "models").glob("*/model-card.md")}
    assert models
    for name in models:
        assert f"models/{name}/model-card.md" in (DOCS / "models" / f"{name}.md").read_text(encoding="utf-8")


def test_every_command_has_its_line():
    from oral_lesion.cli.app import COMMANDS

    _, _, *rows = tables_by_heading(DOCS / "commands.md")["Commands"]
    listed = [name for _, commands, _ in rows for name in codes_in(commands)]
    assert sorted(listed) == sorted(name for commands in COMMANDS.values() for name in commands)
