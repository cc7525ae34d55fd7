"""A worklist as a reader who wants to know more would look at it: nothing tells subject, visit, site or order."""

import csv
import inspect
import json
import shutil
import stat

import cv2
import numpy as np
import pytest
from visit_folders import tree_bytes

READERS = ("reader-1", "reader-2")


@pytest.fixture(scope="module")
def made(read_study, tmp_path_factory):
    """A worklist with repeats, exported for all tools. Not to be changed."""
    from oral_lesion.cli.app import app

    out = tmp_path_factory.mktemp("worklist") / "worklist"
    arguments = ["worklist", "make", str(read_study), "--seed", "7", "--repeat-percent", "25", "-o", str(out)]
    for words in (arguments, *(["review", "export", str(out), "--to", to] for to in ("labelme", "coco", "cvat"))):
        with pytest.raises(SystemExit) as stop:
            app(words)
        assert not stop.value.code
    return out


@pytest.fixture(scope="module")
def key(made):
    return json.loads(made.with_name("worklist-key.json").read_text())


@pytest.fixture
def make(command, read_study, tmp_path):
    def run(*options, results=read_study, out="worklist"):
        return command("worklist", "make", results, "-o", tmp_path / out, *options), tmp_path / out

    return run


def files_in(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def pictures_in(made, reader):
    return sorted((made / reader / "pictures").glob("*.png"))


def chunks_of(content):
    place, names = 8, []
    while place < len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        names.append(content[place + 4 : place + 8])
        place += 12 + length
    return names


def words_of_identity(results):
    """Return all that scoring knows of a photo and a reader must not."""
    words = {"phantom", "week", "buccal", "photo_id", "subject", "visit", "site", "EXIF", "results"}
    for table in results.glob("scores/*/*/scores.csv"):
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                words |= {row["photo_id"], row["sha256"], row["sha256"][:8], row["file"]}
    return words


def test_names_and_contents_hold_nothing_of_a_photos_identity(made, read_study):
    words = words_of_identity(read_study)
    for reader in READERS:
        for path in files_in(made / reader):
            content = path.relative_to(made).as_posix().encode() + (b"" if path.suffix == ".png" else path.read_bytes())
            assert not [word for word in words if word.lower().encode() in content.lower()], path


def test_pictures_have_no_metadata(made):
    for reader in READERS:
        for path in (made / reader).rglob("*.png"):
            assert set(chunks_of(path.read_bytes())) == {b"IHDR", b"IDAT", b"IEND"}


def test_pictures_have_one_size_in_pixels_and_in_bytes(made):
    for folder in ("pictures", "outlines"):
        paths = [path for reader in READERS for path in sorted((made / reader / folder).glob("*.png"))]
        assert len({path.stat().st_size for path in paths}) == 1
        assert len({cv2.imread(str(path), cv2.IMREAD_UNCHANGED).shape for path in paths}) == 1


def test_files_and_folders_have_one_time(made):
    times = {path.stat().st_mtime_ns for reader in READERS for path in ((made / reader), *(made / reader).rglob("*"))}
    assert len(times) == 1


def test_files_are_written_in_the_order_of_presentation(read_study, tmp_path, monkeypatch):
    """Times of creation, inodes and the order in the folder then follow the ids, which are random."""
    from oral_lesion.io.review import worklist
    from oral_lesion.io.review.photos import find_review_photos

    written = []
    monkeypatch.setattr(worklist, "_write", lambda path, _content: written.append(path))
    monkeypatch.setattr(worklist, "age_files", lambda _folder: None)
    plan = worklist.plan_worklist(find_review_photos(read_study), parts=READERS, seed=7, outlines=False)
    worklist.make_worklist(plan, tmp_path / "out", key=tmp_path / "key.json")
    for reader in READERS:
        names = [path.name for path in written if path.parts[-3] == reader]
        assert len(names) == 4
        assert names == sorted(names)


def test_readers_share_no_id_and_no_file(made):
    names, contents = ([], [])
    for reader in READERS:
        names += [path.name for path in pictures_in(made, reader)]
        contents += [path.read_bytes() for path in pictures_in(made, reader)]
    assert len(set(names)) == len(names) == 10
    assert len(set(contents)) == len(contents)  # of the photos that come twice too
    outlines = [path.read_bytes() for reader in READERS for path in sorted((made / reader / "outlines").glob("*.png"))]
    assert len(set(outlines)) == len(outlines)


def test_readers_see_the_photos_in_orders_of_their_own(made, key):
    orders = []
    for reader in READERS:
        of_reader = [one for one in key["readings"] if one["part"] == reader]
        assert [one["reading_id"] for one in of_reader] == sorted(one["reading_id"] for one in of_reader)
        orders.append([(one["subject"], one["visit"]) for one in of_reader if one["occurrence"] == 1])
    assert orders[0] != orders[1]
    assert sorted(orders[0]) not in orders


def test_the_list_says_no_more_than_the_folder(made):
    for reader in READERS:
        with (made / reader / "worklist.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert list(rows[0]) == ["order", "reading_id", "picture"]
        assert [row["picture"] for row in rows] == [f"pictures/{path.name}" for path in pictures_in(made, reader)]


def test_exported_files_differ_in_ids_and_outlines_alone(made):
    for reader in READERS:
        shapes = set()
        for path in sorted((made / reader / "pictures").glob("*.json")):
            content = json.loads(path.read_text())
            assert content.pop("imagePath") == f"{path.stem}.png"
            shapes.add(
                tuple((key, str(value)) for key, value in content.items() if key not in {"shapes", "pixels_sha256"})
            )
            assert {tuple(shape) for shape in content["shapes"]} <= {
                ("label", "group_id", "description", "flags", "points", "shape_type", "mask")
            }
        assert len(shapes) == 1  # keys in one order, and the same values
        coco = json.loads((made / reader / "coco.json").read_text())
        assert [image["file_name"] for image in coco["images"]] == [path.name for path in pictures_in(made, reader)]


def test_where_the_card_was_is_black(made, key, read_study):
    """A written label on the card is not to be read."""
    for one in key["readings"][:3]:
        picture = cv2.imread(str(made / one["part"] / "pictures" / f"{one['reading_id']}.png"))
        folder = read_study / "scores" / one["subject"] / one["visit"] / "photos" / one["photo_id"]
        valid = cv2.imread(str(folder / "valid.png"), cv2.IMREAD_UNCHANGED) > 0
        shown = cv2.imread(str(folder / "standardized.png"))
        expected = np.zeros((picture.shape[0] + 3000, picture.shape[1] + 3000, 3), np.uint8)
        top, left = one["corner_row_px"] + 1500, one["corner_column_px"] + 1500
        expected[top : top + valid.shape[0], left : left + valid.shape[1]] = np.where(valid[..., None], shown, 0)
        assert np.array_equal(picture, expected[1500:-1500, 1500:-1500])
        assert (~valid).mean() > 0.05


def test_the_key_lies_apart_and_others_cannot_read_it(made, key):
    path = made.with_name("worklist-key.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secrets = {one["photo_sha256"] for one in key["readings"]} | {str(key["seed"])}
    assert json.loads((made / "run.json").read_text()).keys().isdisjoint({"seed", "readings_by_photo", "protocol"})
    assert not [secret for secret in secrets if len(secret) > 8 and secret in (made / "run.json").read_text()]
    assert len(key["readings"]) == 10


def test_the_audit_log_tells_of_the_worklist_but_not_its_key(made, key, read_study):
    log = (read_study.parent / "oral-lesion-audit.jsonl").read_text()
    begun, *_ = [
        entry
        for entry in map(json.loads, log.splitlines())
        if entry["action"] == "worklist-make-started" and entry["details"].get("worklist_id") == key["worklist_id"]
    ]
    assert begun["details"]["photos"] == 4
    assert not [one["reading_id"] for one in key["readings"] if one["reading_id"] in log]
    assert "seed" not in begun["details"]


@pytest.mark.parametrize("place", ["worklist/key.json", "worklist/reader-1/key.json"])
def test_a_key_within_the_worklist_is_refused(make, tmp_path, place):
    ran, out = make("--key", tmp_path / place)
    assert (ran.code, out.exists()) == (1, False)
    assert "must not lie in the worklist" in ran.err


def test_a_key_is_never_replaced(make, tmp_path):
    (tmp_path / "worklist-key.json").write_text("another worklist's")
    ran, out = make()
    assert (ran.code, out.exists()) == (1, False)
    assert (tmp_path / "worklist-key.json").read_text() == "another worklist's"


def test_the_same_seed_gives_the_same_bytes_and_none_gives_others(make):
    trees = []
    for name, options in (("a", ("--seed", 3)), ("b", ("--seed", 3)), ("c", ()), ("d", ())):
        ran, out = make("--readers", 1, "--no-outlines", *options, out=name)
        assert ran.code == 0
        trees.append(tree_bytes(out / "reader-1"))
    assert trees[0] == trees[1]
    assert trees[2].keys() != trees[3].keys()


def test_without_outlines_there_are_none(make, command):
    ran, out = make("--readers", 1, "--no-outlines", "--seed", 1)
    assert ran.code == 0
    assert command("review", "export", out, "--to", "labelme").code == 0
    assert not list(out.rglob("outlines"))
    for path in (out / "reader-1" / "pictures").glob("*.json"):
        assert json.loads(path.read_text())["shapes"] == []


def test_a_table_of_the_results_that_tells_the_treatment_is_refused(make, read_study, tmp_path):
    results = shutil.copytree(read_study, tmp_path / "results")
    (results / "unblinded.csv").write_text("subject,ARMCD\nphantom-01,A\n")
    ran, out = make(results=results)
    assert (ran.code, out.exists()) == (1, False)
    assert "ARMCD" in ran.err
    assert "remove the column" in ran.err


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("subject,treatment\nphantom-01,verum\n", "seems to tell the treatment"),
        ("subject,colour\nphantom-01,red\n", "'colour'"),
        ("subject,subject\nphantom-01,phantom-01\n", "comes twice"),
        ("subject\nnobody\n", "line 2"),
        ("", "is empty"),
    ],
)
def test_a_table_of_photos_is_checked(make, tmp_path, table, said):
    (tmp_path / "select.csv").write_text(table)
    ran, out = make("--select", tmp_path / "select.csv")
    assert (ran.code, out.exists()) == (1, False)
    assert said in ran.err


def test_a_table_of_photos_selects(make, tmp_path):
    (tmp_path / "select.csv").write_text("Subject;visit\nphantom-01;week-00\nphantom-02;\n")
    ran, _ = make("--select", tmp_path / "select.csv", "--readers", 1)
    assert ran.code == 0
    readings = json.loads((tmp_path / "worklist-key.json").read_text())["readings"]
    assert sorted((one["subject"], one["visit"]) for one in readings) == [
        ("phantom-01", "week-00"), ("phantom-02", "week-00"), ("phantom-02", "week-04"),
    ]  # fmt: skip


def test_no_option_takes_the_treatment():
    from oral_lesion.cli.worklist import make as command_make
    from oral_lesion.endpoint.strata import tells_treatment

    assert not [name for name in inspect.signature(command_make).parameters if tells_treatment(name)]


def test_what_a_reader_did_is_not_exported_over(made, command, tmp_path):
    own = shutil.copytree(made, tmp_path / "own")
    edited = next((own / "reader-1" / "pictures").glob("*.json"))
    edited.write_text("edited")
    ran = command("review", "export", own / "reader-1", "--to", "labelme")
    assert ran.code == 1
    assert "may have worked on it" in ran.err
    assert edited.read_text() == "edited"
    assert command("review", "export", own / "reader-1", "--to", "labelme", "--overwrite").code == 0
    assert edited.read_text() != "edited"


def test_results_without_scores_are_refused(make, tmp_path):
    ran, _ = make(results=tmp_path)
    assert ran.code == 1
    assert "expected the results of `oral-lesion study`" in ran.err
