"""Measured colours: three forms of file, checked before they may correct a photo."""

import tomllib

import numpy as np
import pytest

from oral_lesion.errors import FormatError, InputError, OutputError, SettingsError
from oral_lesion.io.batch_colors import measure_batch, write_batch
from oral_lesion.io.measured_colors import read_measured_colors
from oral_lesion.io.settings import load_card, load_protocol

CARD, STRIP = load_card("open-card-54x86"), load_card("open-strip-15x60")
NAMES = [patch.name for patch in CARD.patches]
LABS = [tuple(np.round(np.array(patch.lab_d50) * 0.95 + (2.0, 0.5, -0.3), 2).tolist()) for patch in CARD.patches]

CONDITIONS = {
    "i1": 'MEASUREMENT_SOURCE "Illumination=D50\tObserverAngle=2degree\tWhiteBase=Abs\tFilter=No"',
    "keywords": 'ILLUMINANT\t"D50"\nOBSERVER\t"2"',
    "names": 'ILLUMINATION_NAME "D50"\nOBSERVER_ANGLE "2"',
    "weighting": 'WEIGHTING_FUNCTION "ILLUMINANT, D50"\nWEIGHTING_FUNCTION "OBSERVER, 2 degree"',
}


def cgats(rows, condition=CONDITIONS["i1"], fields="SAMPLE_ID SAMPLE_NAME LAB_L LAB_A LAB_B"):
    lines = [f"{index}\t{name}\t{lab[0]}\t{lab[1]}\t{lab[2]}" for index, (name, lab) in enumerate(rows, start=1)]
    head = ["CGATS.17", 'ORIGINATOR "a program"', 'INSTRUMENTATION "i1Pro 3 ; Serial number 1234"', condition]
    form = [f"NUMBER_OF_FIELDS {len(fields.split())}", "BEGIN_DATA_FORMAT", fields, "END_DATA_FORMAT"]
    return "\n".join([*head, *form, f"NUMBER_OF_SETS {len(rows)}", "BEGIN_DATA", *lines, "END_DATA", ""])


def cxf(rows, illuminant="D50", observer="2_Degree"):
    objects = "".join(
        f'<cc:Object ObjectType="Standard" Name="{name}" Id="c{index}"><cc:ColorValues>'
        f'<cc:ColorCIELab ColorSpecification="CS1"><cc:L>{lab[0]}</cc:L><cc:A>{lab[1]}</cc:A><cc:B>{lab[2]}</cc:B>'
        "</cc:ColorCIELab></cc:ColorValues></cc:Object>"
        for index, (name, lab) in enumerate(rows)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<cc:CxF xmlns:cc="http://colorexchangeformat.com/CxF3-core">'
        f"<cc:Resources><cc:ObjectCollection>{objects}</cc:ObjectCollection><cc:ColorSpecificationCollection>"
        '<cc:ColorSpecification Id="CS1"><cc:TristimulusSpec>'
        f"<cc:Illuminant>{illuminant}</cc:Illuminant><cc:Observer>{observer}</cc:Observer></cc:TristimulusSpec>"
        "<cc:MeasurementSpec><cc:Device><cc:Manufacturer>Maker</cc:Manufacturer><cc:Model>Spectro</cc:Model>"
        "<cc:SerialNumber>7</cc:SerialNumber></cc:Device></cc:MeasurementSpec></cc:ColorSpecification>"
        '<cc:ColorSpecification Id="unused"><cc:TristimulusSpec><cc:Illuminant>D65</cc:Illuminant>'
        "</cc:TristimulusSpec></cc:ColorSpecification></cc:ColorSpecificationCollection></cc:Resources></cc:CxF>"
    )


def table(rows, header="name,L,a,b", join=","):
    return "\n".join([header, *(join.join([name, *map(str, lab)]) for name, lab in rows), ""])


ROWS = list(zip(NAMES, LABS, strict=True))


@pytest.fixture
def file_of(tmp_path):
    def write(text, name="measured.txt"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
def test_cgats_is_read(file_of, condition):
    colors = measure_batch(file_of(cgats(ROWS, condition)), CARD, batch="2026-11")
    assert colors.names == tuple(NAMES)
    np.testing.assert_allclose(colors.lab_d50, LABS)
    assert (colors.stated_by, colors.instrument) == ("file", "i1Pro 3 ; Serial number 1234")
    assert (colors.readings, colors.repeat_delta_e00) == (1, 0.0)


def test_cxf_is_read(file_of):
    colors = measure_batch(file_of(cxf(ROWS)), CARD, batch="2026-11")
    np.testing.assert_allclose(colors.lab_d50, LABS)
    assert (colors.stated_by, colors.instrument) == ("file", "Maker Spectro 7")


@pytest.mark.parametrize(
    "text",
    [
        table(ROWS),
        table(ROWS, header="Name,L*,a*,b*"),
        table([(n, [str(v).replace(".", ",") for v in lab]) for n, lab in ROWS], header="name;L;a;b", join=";"),
        "# from a table\n" + table([(n, lab) for n, lab in ROWS], header="name\tL\ta\tb", join="\t"),
    ],
    ids=["plain", "stars", "semicolons and decimal commas", "tabs"],
)
def test_csv_is_read_where_the_user_states_the_condition(file_of, text):
    path = file_of(text)
    with pytest.raises(FormatError, match=r"does not state its illuminant.*--d50-2deg"):
        measure_batch(path, CARD, batch="2026-11")
    colors = measure_batch(path, CARD, batch="2026-11", stated_d50_2deg=True)
    np.testing.assert_allclose(colors.lab_d50, LABS)
    assert colors.stated_by == "user"


@pytest.mark.parametrize(
    ("text", "got"),
    [
        (cgats(ROWS, CONDITIONS["i1"].replace("D50", "D65")), "D65, 2 degrees"),
        (cgats(ROWS, CONDITIONS["i1"].replace("2degree", "10degree")), "D50, 10 degrees"),
        (cgats(ROWS, 'ILLUMINANT "A"'), "A, unstated degrees"),
        (cxf(ROWS, illuminant="D65"), "D65, 2 degrees"),
        (cxf(ROWS, observer="10_Degree"), "D50, 10 degrees"),
    ],
)
def test_another_illuminant_or_observer_is_refused_whatever_the_user_says(file_of, text, got):
    with pytest.raises(FormatError, match=f"expected CIELAB for D50 and 2 degrees, got {got}"):
        measure_batch(file_of(text), CARD, batch="B", stated_d50_2deg=True)


@pytest.mark.parametrize("condition", ['ILLUMINANT "D50"', "", 'MEASUREMENT_SOURCE "Illumination=Unknown"'])
def test_half_a_condition_is_not_enough(file_of, condition):
    with pytest.raises(FormatError, match="does not state"):
        measure_batch(file_of(cgats(ROWS, condition)), CARD, batch="B")
    assert measure_batch(file_of(cgats(ROWS, condition)), CARD, batch="B", stated_d50_2deg=True).stated_by == "user"


def test_repeats_are_averaged_and_their_spread_is_kept(file_of):
    lighter = [(name, (lab[0] + 0.6, lab[1], lab[2])) for name, lab in ROWS]
    colors = measure_batch(file_of(cgats(ROWS + lighter[::-1])), CARD, batch="B")
    np.testing.assert_allclose(np.array(colors.lab_d50)[:, 0], np.array(LABS)[:, 0] + 0.3)
    assert colors.readings == 2
    assert 0.15 < colors.repeat_delta_e00 < 0.5
    far = [(name, (lab[0] + 9.0, lab[1], lab[2])) for name, lab in ROWS]
    with pytest.raises(FormatError, match="measure again"):
        measure_batch(file_of(cgats(ROWS + far)), CARD, batch="B")


def test_missing_and_misnamed_patches_are_named(file_of):
    with pytest.raises(FormatError, match="no sample is called B2, C6"):
        measure_batch(file_of(cgats([row for row in ROWS if row[0] not in {"B2", "C6"}])), CARD, batch="B")
    unnamed = [(f"patch {index}", lab) for index, (_, lab) in enumerate(ROWS)]
    path = file_of(cgats([(f'"{name}"', lab) for name, lab in unnamed]))
    with pytest.raises(FormatError, match="--in-order"):
        measure_batch(path, CARD, batch="B")
    np.testing.assert_allclose(measure_batch(path, CARD, batch="B", in_order=True).lab_d50, LABS)
    with pytest.raises(FormatError, match="expected 6 samples"):
        measure_batch(path, STRIP, batch="B", in_order=True)


def test_samples_in_the_wrong_order_are_refused(file_of):
    mixed = list(zip(NAMES, LABS[5::-1] + LABS[6:], strict=True))
    with pytest.raises(FormatError, match=r"A1 .* and A2 .* wrong order"):
        measure_batch(file_of(cgats(mixed)), CARD, batch="B")


BOMB = '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]><CxF>&lol2;</CxF>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><CxF>&x;</CxF>'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BOMB, "document type"),
        (OUTSIDE, "document type"),
        ("<CxF><Object>", "no valid XML"),
        ("<CxF>&unknown;</CxF>", "no valid XML"),
        ("<CxF/>", "got none"),
        ("", "expected columns"),
        ("name,L,a,b\n", "got none"),
        ("name,L,a\nA1,1,2\n", "expected columns"),
        ("name,L,a,b\nA1,1,2\n", "line 2: expected 4 values"),
        ("name,L,a,b\nA1,nan,2,3\n", "expected CIELAB"),
        ("name,L,a,b\nA1,1e400,2,3\n", "expected CIELAB"),
        ("name,L,a,b\nA1,five,2,3\n", "expected three numbers"),
        (cgats(ROWS, fields="SAMPLE_ID SAMPLE_NAME XYZ_X XYZ_Y XYZ_Z"), "LAB_L LAB_A LAB_B"),
        (cgats(ROWS, fields="SAMPLE_ID LAB_L LAB_A LAB_B"), "expected 4 values, got 5"),
        (b"\xff\xfen\x00a\x00m\x00e\x00", "UTF-16"),
        (b"\xff\xd8\xff\xe0 picture", "expected columns"),
    ],
)
def test_what_is_no_measurement_is_named(file_of, content, message):
    with pytest.raises(FormatError, match=message):
        read_measured_colors(file_of(content))


def test_missing_and_large_files_are_named(tmp_path):
    with pytest.raises(FormatError, match="cannot be read"):
        read_measured_colors(tmp_path / "none.txt")
    large = tmp_path / "large.txt"
    large.write_bytes(b"x" * 5_000_001)
    with pytest.raises(FormatError, match="more than 5 MB"):
        read_measured_colors(large)


@pytest.mark.parametrize("batch", ["", "  ", "x" * 61])
def test_a_batch_has_a_name(file_of, batch):
    with pytest.raises(InputError, match="batch"):
        measure_batch(file_of(cgats(ROWS)), CARD, batch=batch)


def test_a_card_that_is_not_printed_is_not_measured(file_of):
    with pytest.raises(InputError, match="open card"):
        measure_batch(file_of(cgats(ROWS)), load_card("colorchecker-classic"), batch="B")


def test_the_batch_file_is_a_card(file_of, tmp_path):
    colors = measure_batch(file_of(cgats(ROWS)), CARD, batch='Nov "26"')
    path = tmp_path / "batch.toml"
    write_batch(path, colors)
    settings = tomllib.loads(path.read_text(encoding="utf-8"))
    assert (settings["illuminant"], settings["observer_deg"], settings["batch"]) == ("D50", 2, 'Nov "26"')
    card = load_card("batch.toml", base=tmp_path)
    assert (card.name, card.batch, card.nominal_colors) == (CARD.name, 'Nov "26"', False)
    assert card.markers == CARD.markers
    np.testing.assert_allclose([patch.lab_d50 for patch in card.patches], LABS)
    protocol = load_protocol(card=str(path))
    assert protocol.card == card
    assert protocol.sha256 != load_protocol(card="open-card-54x86").sha256


def test_a_file_is_not_replaced_unasked(file_of, tmp_path):
    colors = measure_batch(file_of(cgats(ROWS)), CARD, batch="B")
    path = file_of("mine", "batch.toml")
    with pytest.raises(OutputError, match="overwrite"):
        write_batch(path, colors)
    assert path.read_text() == "mine"
    write_batch(path, colors, overwrite=True)
    assert load_card(str(path)).batch == "B"


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('illuminant = "D50"', 'illuminant = "D65"', "illuminant"),
        ("observer_deg = 2", "observer_deg = 10", "observer_deg"),
        ('card = "open-card-54x86"', 'card = "batch.toml"', "card"),
        ('card = "open-card-54x86"', 'card = "no-such-card"', "card"),
        ('card = "open-card-54x86"', 'card = "colorchecker-classic"', "card"),
        ('name = "A2"', 'name = "A9"', "patches"),
        ("batch =", "named =", "batch"),
    ],
)
def test_a_changed_batch_file_is_refused_with_its_key(file_of, tmp_path, old, new, key):
    path = tmp_path / "batch.toml"
    write_batch(path, measure_batch(file_of(cgats(ROWS)), CARD, batch="B"))
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_card("batch.toml", base=tmp_path)
    assert key in {fault.key for fault in caught.value.faults}
