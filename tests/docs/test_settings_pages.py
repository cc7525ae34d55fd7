"""Every key of a protocol and of a training file, and every option of a few commands, is explained on its page."""

import inspect
import re
import tomllib
from fractions import Fraction

import pytest
from doc_tables import DOCS, ROOT, codes_in, tables_in

PROTOCOL = tomllib.loads((ROOT / "configs" / "protocol.toml").read_text(encoding="utf-8"))


def leaves_of(section, name):
    """Yield the keys of a section and of those below, without the section's name."""
    for key, value in section.items():
        if isinstance(value, dict):
            yield from leaves_of(value, key)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield from leaves_of(value[0], key)
        else:
            yield key


def keys_explained(*pages):
    text = "\n".join((DOCS / page).read_text(encoding="utf-8") for page in pages)
    blocks = re.findall(r"^```toml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return set(re.findall(r"[a-z0-9_]+", "\n".join([*codes_in(prose), *blocks])))


@pytest.mark.parametrize(
    ("section", "pages"),
    [
        ("limits", ["protocol.md"]),
        ("standardization", ["protocol.md"]),
        ("segmentation", ["protocol.md", "uncertainty.md"]),
        ("uncertainty", ["uncertainty.md"]),
        ("endpoint", ["endpoints.md"]),
    ],
)
def test_each_key_of_the_protocol_is_explained(section, pages):
    keys = set(leaves_of(PROTOCOL[section], section))
    assert keys
    assert keys <= keys_explained(*pages)


def training_sections():
    pytest.importorskip("torch", reason="the extra [train] is not installed")
    from oral_lesion.training import sections
    from oral_lesion.training.settings import TrainingSettings

    found = [kind for _, kind in inspect.getmembers(sections, inspect.isclass) if kind.__name__.endswith("Settings")]
    return [TrainingSettings, *found]


def default_of(cell):
    """Return the number or text that a cell states; None where it says it in words."""
    try:
        return [float(Fraction(part.strip("`"))) for part in cell.split(", ")]
    except ValueError:
        return None


def test_each_key_of_a_training_file_is_explained_with_its_default():
    stated = {}
    for header, _, *rows in tables_in(DOCS / "training.md"):
        if header == ["Key", "Default", "Meaning"]:
            for keys, default, meaning in rows:
                assert meaning, keys
                for number, key in enumerate(codes_in(keys)):
                    stated.setdefault(key, []).append((default_of(default), number))
    explained = keys_explained("training.md")
    for section in training_sections():
        for key, field in section.model_fields.items():
            assert key in explained, f"{section.__name__}.{key}"
            if key in stated and isinstance(field.default, (int, float)) and not isinstance(field.default, bool):
                wanted = pytest.approx(float(field.default), rel=1e-4)
                found = [numbers[min(place, len(numbers) - 1)] for numbers, place in stated[key] if numbers]
                assert wanted in found, f"{section.__name__}.{key}: {field.default} in the code, {found} on the page"


@pytest.mark.parametrize(
    ("command", "page"), [("phantom", "phantom.md"), ("evaluate", "evaluation.md"), ("export", "model-bundle.md")]
)
def test_each_option_of_a_command_is_on_its_page(oral_lesion_main, command, page):
    _, said = oral_lesion_main([command, "--help"])
    options = set(re.findall(r"^ +(?:-\w, )?(--[a-z0-9-]+)", said, re.MULTILINE)) - {"--help", "--out", "--overwrite"}
    assert len(options) > 5
    text = (DOCS / page).read_text(encoding="utf-8")
    assert sorted(option for option in options if not re.search(rf"{option}\b(?!-)", text)) == []
