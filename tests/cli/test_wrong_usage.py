"""What a person types wrongly is answered in a line that names it and says what to do, with the right exit code."""

import os
import stat

import pytest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder that one is in: an empty folder, a study without photos, a text called photo, a broken TOML."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "S-001" / "week-00").mkdir(parents=True)
    (tmp_path / "text.jpg").write_text("hello\n")
    (tmp_path / "broken.toml").write_text("card = \n")
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    return tmp_path


WRONG = {
    "score": (2, "visit"),
    "score nowhere": (1, "no such folder. Give the folder of one visit"),
    "score text.jpg": (1, "expected the folder of one visit, got a file"),
    "score empty": (1, "the folder is empty. Copy photos"),
    "score S-001": (1, "Give the folder of one visit"),
    "score empty --protocol nowhere.toml": (1, "nowhere.toml", "no such file"),
    "score empty --protocol broken.toml": (1, "broken.toml", "no valid TOML"),
    "score empty --protocol empty": (1, "expected a regular file"),
    "score empty --model nothing": (1, "no such model directory", "oral-erosion"),
    "score empty --model empty": (1, "empty: is no model directory"),
    "score empty --card none": (1, "Error: none: 1 fault", "no card is called 'none'", "colorchecker-classic-nano"),
    "score empty -j 0": (2, "--jobs"),
    "study nowhere": (1, "no such folder. Give the study's folder"),
    "study empty": (1, "Give the folder that holds the subjects' folders"),
    "compare nowhere elsewhere": (2, "there is no nowhere"),
    "compare S-001 text.jpg": (2, "two scored visits or two photos"),
    "compare empty S-001": (1, "empty: holds no run.json", "Score the visit first"),
    "check": (2, "name photos, or a folder with --watch"),
    "check nowhere.jpg": (2, "there is no file nowhere.jpg"),
    "check S-001": (2, "S-001 is a folder; name the photos in it"),
    "check text.jpg": (3, "RETAKE", "cannot be read as a photograph"),
    "check text.jpg --language fr": (2, "--language"),
    "check --watch nowhere": (1, "Name the folder that photos arrive in"),
    "standardize nowhere.jpg -o out": (2, "there is no file nowhere.jpg"),
    "standardize S-001 -o out": (2, "is a folder"),
    "segment S-001 -o out": (2, "is a folder"),
    "segment text.jpg": (2, "--out"),
    "card": (2, "--out"),
    "card -o empty": (1, "empty is a folder; name the PDF", "card.pdf"),
    "card measure table.csv -o b.toml --batch x": (1, "table.csv", "expected columns name, L, a, b"),
    "audit verify nowhere": (1, "there is no audit log"),
    "audit show empty": (0,),
    "replay empty --photos S-001": (1, "empty"),
    "lock nowhere.toml": (1, "nowhere.toml", "no such file"),
    "repeatability empty -o out": (1, "empty"),
    "phantom text.jpg": (1, "expected a folder, got a file"),
    "phantom out --light blue": (1, "expected one of neutral, daylight"),
    "phantom out --areas abc": (1, "expected numbers with commas between"),
    "data check nowhere": (1, "expected a data set's folder"),
    "evaluate empty": (1, "no labelled pictures"),
    "export empty -o out": (1, "name the folder of a run of `oral-lesion train`"),
    "train nowhere.toml": (1, "no such file; name a training file"),
    "scroe empty": (2, "Did you mean 'score'?"),
    "score empty --protcol x": (2, "--protcol"),
}


@pytest.mark.parametrize("line", WRONG)
def test_it_is_answered_with_what_to_do(command, folder, line):
    if line.split()[0] in {"train", "export"}:
        pytest.importorskip("torch", reason="torch comes with oral-lesion[train]")
    code, *fragments = WRONG[line]
    before = sorted(folder.rglob("*"))
    ran = command(*line.split())
    assert ran.code == code, ran.said
    for fragment in fragments:
        assert fragment in " ".join(ran.said.split()), ran.said
    assert "Errno" not in ran.said
    assert "Traceback" not in ran.said
    assert len(ran.err.strip().splitlines()) <= 5
    assert [path for path in sorted(folder.rglob("*")) if path not in before] == []


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="rights are not refused to root, nor so on Windows")
def test_a_folder_that_may_not_be_opened(command, folder):
    closed = folder / "S-001" / "week-00"
    closed.chmod(0)
    try:
        ran = command("score", closed)
    finally:
        closed.chmod(stat.S_IRWXU)
    assert ran.code == 1
    assert "Check that you may open it" in ran.err


def test_an_error_of_the_system_is_one_line(command, folder, monkeypatch):
    from oral_lesion.io import visits

    def refuse(_):
        raise PermissionError(13, "Permission denied", str(folder / "secret"))

    monkeypatch.setattr(visits, "find_photos", refuse)
    ran = command("score", "empty")
    assert ran.code == 1
    assert "secret: Permission denied. Check name, disk and rights." in ran.err


def test_a_name_with_control_characters_does_not_reach_the_terminal(command, folder):
    ran = command("score", "week\x1b[2J\x07")
    assert ran.code == 1
    assert "week[2J: no such folder" in ran.err
    assert "\x1b" not in ran.said
    assert "\x07" not in ran.said
