"""Protocol and card files: every fault at once, each with its key."""

import pytest

from oral_lesion.errors import SettingsError
from oral_lesion.io.resources import cards_folder, default_bundle_path, default_protocol_path
from oral_lesion.io.settings import known_cards, load_card, load_protocol


@pytest.fixture
def protocol_text():
    return default_protocol_path().read_text(encoding="utf-8")


@pytest.fixture
def card_text():
    return (cards_folder() / "colorchecker-classic.toml").read_text(encoding="utf-8")


@pytest.fixture
def load(tmp_path):
    def load_text(text, **options):
        path = tmp_path / "protocol.toml"
        path.write_text(text, encoding="utf-8")
        return load_protocol(path, **options)

    return load_text


@pytest.fixture
def faults_of(load):
    def faults(text, **options):
        with pytest.raises(SettingsError) as caught:
            load(text, **options)
        return {fault.key: fault.message for fault in caught.value.faults}

    return faults


def test_the_packaged_protocol_loads():
    protocol = load_protocol()
    assert protocol.card.name == "colorchecker-classic-nano"
    assert len(protocol.card.patches) == 24
    assert protocol.sha256 == load_protocol(default_protocol_path()).sha256


@pytest.mark.parametrize("name", known_cards())
def test_each_packaged_card_loads_under_its_own_name(name):
    assert load_card(name).name == name
    assert load_protocol(card=name).card == load_card(name)


def test_the_default_model_is_looked_for_among_the_models():
    assert default_bundle_path().parts[-2:] == ("models", "oral-erosion")


def test_three_mistakes_are_named_at_once(faults_of, protocol_text):
    text = (
        protocol_text.replace("max_tilt_deg = 35.0", 'max_tilt_deg = "steep"')
        .replace("min_pitch_px = 12.0", "")
        .replace("[segmentation]", "[segmentation]\nmode = 3")
    )
    assert set(faults_of(text)) == {"limits.max_tilt_deg", "limits.min_pitch_px", "segmentation.mode"}


def test_faults_of_protocol_and_card_come_together(faults_of, protocol_text, card_text, tmp_path):
    (tmp_path / "cards").mkdir()
    card = card_text.replace("rows = 4", "rows = 0").replace('title = "ColorChecker Classic"', "colour = 1")
    (tmp_path / "cards" / "mine.toml").write_text(card, encoding="utf-8")
    text = protocol_text.replace('card = "colorchecker-classic-nano"', 'card = "mine"').replace("35.0", "-1")
    faults = faults_of(text)
    assert set(faults) == {"limits.max_tilt_deg", "card.rows", "card.title", "card.colour"}
    assert "mine.toml" in faults["card.rows"]


def test_an_unknown_card_comes_with_the_known_ones(faults_of, protocol_text):
    faults = faults_of(protocol_text.replace("colorchecker-classic-nano", "colourchecker"))
    assert set(faults) == {"card"}
    for name in known_cards():
        assert name in faults["card"]


@pytest.mark.parametrize("line", ["", "card = 3", "[card]\nname = 'x'"])
def test_a_card_that_is_missing_or_no_name(faults_of, protocol_text, line):
    text = protocol_text.replace('card = "colorchecker-classic-nano"', "")
    text = text + "\n" + line if line.startswith("[") else line + "\n" + text
    assert set(faults_of(text)) == {"card"}


@pytest.mark.parametrize("name", ["../../secret", "a/../../b", "COLORCHECKER", "", "a\0b"])
def test_names_that_are_none(faults_of, protocol_text, name):
    import json

    text = protocol_text.replace('"colorchecker-classic-nano"', json.dumps(name))
    assert set(faults_of(text)) == {"card"}


def test_a_card_beside_the_protocol_goes_before_the_packaged_one(load, protocol_text, card_text, tmp_path):
    (tmp_path / "cards").mkdir()
    mine = card_text.replace("pitch_mm = 46.2", "pitch_mm = 45.5")
    (tmp_path / "cards" / "colorchecker-classic.toml").write_text(mine, encoding="utf-8")
    protocol = load(protocol_text.replace("colorchecker-classic-nano", "colorchecker-classic"))
    assert protocol.card.pitch_mm == 45.5
    assert protocol.sha256 != load_protocol(card="colorchecker-classic").sha256


def test_a_card_by_its_path_relative_to_the_protocol(load, protocol_text, card_text, tmp_path):
    (tmp_path / "mine.toml").write_text(card_text, encoding="utf-8")
    assert load(protocol_text.replace("colorchecker-classic-nano", "./mine.toml")).card.rows == 4


def test_the_card_can_be_replaced_from_outside(load, protocol_text, card_text, tmp_path):
    assert load(protocol_text, card="colorchecker-classic").card.name == "colorchecker-classic"
    (tmp_path / "mine.toml").write_text(card_text.replace("46.2", "45.0"), encoding="utf-8")
    assert load(protocol_text, card=str(tmp_path / "mine.toml")).card.pitch_mm == 45.0


def test_a_reference_of_ones_own(load, protocol_text, card_text, tmp_path):
    (tmp_path / "reference").mkdir()
    patches = "\n".join(f'[[patches]]\nname = "p{n}"\nlab_d50 = [{n}, 0, 0]\nnote = "x"' for n in range(24))
    (tmp_path / "reference" / "measured.toml").write_text(patches, encoding="utf-8")
    text = card_text.replace("colorchecker24-after-2014", "measured")
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    protocol = load(protocol_text.replace("colorchecker-classic-nano", "./mine.toml"))
    assert protocol.card.patches[3].lab_d50 == (3.0, 0.0, 0.0)


def test_an_unknown_reference_comes_with_the_known_ones(faults_of, protocol_text, card_text, tmp_path):
    (tmp_path / "mine.toml").write_text(card_text.replace("after-2014", "after-2099"), encoding="utf-8")
    faults = faults_of(protocol_text.replace("colorchecker-classic-nano", "./mine.toml"))
    assert "colorchecker24-after-2014" in faults["card.reference"]


def test_broken_toml_names_the_line(faults_of):
    assert "line 2" in faults_of("schema_version = 1\nname = \n")["(whole file)"]


def test_a_protocol_that_is_missing(tmp_path):
    with pytest.raises(SettingsError, match="no such file"):
        load_protocol(tmp_path / "protocol.toml")


def test_a_folder_in_place_of_the_protocol(tmp_path):
    with pytest.raises(SettingsError, match="regular file"):
        load_protocol(tmp_path)


def test_a_protocol_that_is_no_text(tmp_path):
    (tmp_path / "p.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="UTF-8"):
        load_protocol(tmp_path / "p.toml")


def test_a_protocol_that_is_too_large(tmp_path):
    (tmp_path / "p.toml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(SettingsError, match="larger than 1 MB"):
        load_protocol(tmp_path / "p.toml")


def test_a_protocol_that_is_nested_too_deeply(faults_of):
    assert "(whole file)" in faults_of("a = " + "[" * 50_000)


def test_a_mark_and_line_ends_of_windows_are_no_fault(tmp_path, protocol_text):
    path = tmp_path / "protocol.toml"
    path.write_bytes(b"\xef\xbb\xbf" + protocol_text.replace("\n", "\r\n").encode())
    assert load_protocol(path).sha256 == load_protocol().sha256


def test_a_card_asked_for_by_a_wrong_name_says_so():
    with pytest.raises(SettingsError, match="no card is called 'nano'"):
        load_card("nano")
