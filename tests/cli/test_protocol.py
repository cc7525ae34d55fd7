"""`oral-lesion protocol`: a file to begin one's own with."""

from oral_lesion.io.settings import load_study_protocol


def test_the_packaged_protocol_is_written_and_loads_as_itself(command, tmp_path):
    out = tmp_path / "protocol.toml"
    ran = command("protocol", "-o", out)
    assert ran.code == 0
    assert "examples" in ran.out
    assert load_study_protocol(out, card=None).sha256 == load_study_protocol(None, card=None).sha256


def test_what_is_there_stays(command, tmp_path):
    out = tmp_path / "protocol.toml"
    out.write_text("mine")
    ran = command("protocol", "-o", out)
    assert ran.code == 1
    assert "--overwrite" in ran.err
    assert out.read_text() == "mine"
    assert command("protocol", "-o", out, "--overwrite").code == 0
    assert out.read_text() != "mine"
