"""RO-Crate and bill of materials: read back by the libraries of their formats, and nothing of patients in them."""

import hashlib
import json
from importlib import metadata

import pytest

from oral_lesion.adapters import provenance
from oral_lesion.adapters.provenance import CRATE_FILE, SBOM_FILE, write_provenance
from oral_lesion.errors import MissingExtraError

RUN = {
    "command": "study",
    "finished": True,
    "counts": {"subjects": 2, "visits": 3, "photos": 4, "scored": 3, "refused": 1},
    "models": [{"name": "oral-erosion", "version": "1.0", "sha256": "ab" * 32}],
    "protocol_sha256": "cd" * 32,
}


@pytest.fixture
def results(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(RUN), encoding="utf-8")
    (tmp_path / "scores.csv").write_text("photo_id,subject\r\na-00000000,S-PATIENT\r\n", encoding="utf-8")
    (tmp_path / "results.sqlite").write_bytes(b"store")
    return tmp_path


def test_the_crate_is_read_back_with_what_made_the_tables(results):
    rocrate = pytest.importorskip("rocrate.rocrate")
    write_provenance(results)
    crate = rocrate.ROCrate(results)
    names = {entity.id for entity in crate.data_entities}
    assert names == {"scores.csv", "results.sqlite", "run.json", SBOM_FILE}
    scores = crate.dereference("scores.csv")
    assert scores["sha256"] == hashlib.sha256((results / "scores.csv").read_bytes()).hexdigest()
    action = crate.dereference("#scoring")
    assert action.type == "CreateAction"
    assert action["instrument"]["name"] == "oral-lesion"
    assert {one.id for one in action["result"]} == names
    assert {one.get("sha256") for one in action["object"]} == {"ab" * 32, "cd" * 32, None}
    assert "S-PATIENT" not in (results / CRATE_FILE).read_text(encoding="utf-8")


def test_the_bill_of_materials_is_valid_and_names_every_package_installed(results):
    validation = pytest.importorskip("cyclonedx.model.bom")
    write_provenance(results)
    contents = json.loads((results / SBOM_FILE).read_bytes())
    bom = validation.Bom.from_json(contents)
    assert bom.metadata.component.name == "oral-lesion"
    versions = {one.name: one.version for one in bom.components}
    assert versions["numpy"] == metadata.version("numpy")
    assert versions["pydantic"] == metadata.version("pydantic")
    first = contents["serialNumber"]
    write_provenance(results)
    assert json.loads((results / SBOM_FILE).read_bytes())["serialNumber"] == first


def test_a_missing_extra_is_one_line(results, monkeypatch):
    monkeypatch.setattr(provenance, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'oral-lesion\[provenance\]'"):
        write_provenance(results)
    assert not (results / CRATE_FILE).exists()
