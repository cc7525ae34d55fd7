"""Provenance for others: results as an RO-Crate, and what the software consists of as a CycloneDX bill of materials."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oral_lesion._version import __version__
from oral_lesion.errors import MissingExtraError
from oral_lesion.io.audit.entries import utc_now
from oral_lesion.io.audit.written import file_sha256
from oral_lesion.io.one_by_one import write_bytes
from oral_lesion.io.store import RUN_FILE, STORE_NAME

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

__all__ = ["CRATE_FILE", "SBOM_FILE", "require_provenance_support", "write_provenance"]

CRATE_FILE = "ro-crate-metadata.json"
SBOM_FILE = "sbom.cdx.json"

_NEEDED = ("rocrate", "cyclonedx")
_HOME = "https://github.com/oral-lesion/oral-lesion"
_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_TABLES = {
    "scores.csv": "One row a photo: area of erosions with its uncertainty, or the reason why there is none",
    "lesions.csv": "One row a lesion",
    "quality.csv": "One row a photo: what its quality was judged by",
    "colour.csv": "One row a patch of the colour card",
    "changes.csv": "Change of each site from the baseline",
    "lesions_over_time.csv": "What became of each lesion",
    "endpoints.csv": "All endpoints",
    STORE_NAME: "Store that the tables were exported from",
    RUN_FILE: "Protocol, model, versions and counts of the run",
    SBOM_FILE: "Software bill of materials (CycloneDX)",
}


def require_provenance_support() -> None:
    """
    Tell what is missing before anything is scored.

    Raises
    ------
    MissingExtraError
        Where a package of the extra is not installed.
    """
    if any(find_spec(name) is None for name in _NEEDED):
        raise MissingExtraError(
            "RO-Crate and the bill of materials need rocrate and cyclonedx-python-lib; install them with: "
            "pip install 'oral-lesion[provenance]'"
        )


def write_provenance(results: Path) -> tuple[Path, ...]:
    """
    Describe a study's results as a Process Run Crate, in place, and write the bill of materials that it names.

    Parameters
    ----------
    results : Path
        Results folder of `oral-lesion study`, finished.

    Returns
    -------
    tuple of Path
        What was written.

    Raises
    ------
    MissingExtraError
        Where a package of the extra is not installed.
    OutputError
        Where a file cannot be written.

    References
    ----------
    .. [1] RO-Crate, https://w3id.org/ro/crate; Process Run Crate 0.5, https://w3id.org/ro/wfrun/process/0.5;
       CycloneDX 1.5, https://cyclonedx.org/docs/1.5/json.
    """
    require_provenance_support()
    run = json.loads((results / RUN_FILE).read_bytes())
    write_bytes(results / SBOM_FILE, _bill_of_materials())
    crate = _crate_of(results, run)
    text = json.dumps(crate.metadata.generate(), indent=2, sort_keys=True, ensure_ascii=False)
    write_bytes(results / CRATE_FILE, (text + "\n").encode("utf-8"))
    return results / CRATE_FILE, results / SBOM_FILE


def _crate_of(results: Path, run: dict[str, Any]) -> ROCrate:
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

    now = utc_now().isoformat(timespec="seconds").replace("+00:00", "Z")
    crate = ROCrate()
    counts = run["counts"]
    crate.name = "Area of oral erosions from photographs"
    crate.description = (
        f"{counts['subjects']} subjects, {counts['visits']} visits, {counts['photos']} photographs: "
        f"{counts['scored']} scored, {counts['refused']} refused."
    )
    crate.root_dataset["datePublished"] = now
    crate.root_dataset["conformsTo"] = crate.add(
        ContextEntity(crate, _PROFILE, {"@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"})
    )
    software = crate.add(
        ContextEntity(
            crate,
            f"#oral-lesion-{__version__}",
            {"@type": "SoftwareApplication", "name": "oral-lesion", "version": __version__, "url": _HOME},
        )
    )
    used = [
        crate.add(
            ContextEntity(
                crate,
                f"#model-{number}",
                {"@type": "CreativeWork", "name": f"{one['name']} {one['version']}", "sha256": one["sha256"]},
            )
        )
        for number, one in enumerate(run["models"], start=1)
    ]
    protocol = {"@type": "CreativeWork", "name": "Scoring protocol, in run.json", "sha256": run["protocol_sha256"]}
    photos = {"@type": "Dataset", "name": "Photographs, not part of this crate; SHA-256 of each: scores.csv"}
    used += [
        crate.add(ContextEntity(crate, f"#{name}", said)) for name, said in (("protocol", protocol), ("photos", photos))
    ]
    made = [
        crate.add_file(
            results / name,
            dest_path=name,
            properties={"name": told, **_size_and_hash(results / name)},
        )
        for name, told in _TABLES.items()
        if (results / name).is_file()
    ]
    crate.add_action(
        software,
        identifier="#scoring",
        object=used,
        result=made,
        properties={"name": "Scoring of a study", "endTime": now},
    )
    return crate


def _size_and_hash(path: Path) -> dict[str, str]:
    """Return what is known of a file that stays as it is: run.json gets the log's entry, and the store goes on."""
    if path.name in {RUN_FILE, STORE_NAME}:
        return {}
    return {"contentSize": str(path.stat().st_size), "sha256": file_sha256(path)}


def _bill_of_materials() -> bytes:
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot5
    from packageurl import PackageURL

    def component(name: str, version: str, kind: ComponentType) -> Component:
        purl = PackageURL("pypi", name=name.lower().replace("_", "-"), version=version)
        return Component(name=name, version=version, type=kind, purl=purl, bom_ref=str(purl))

    installed = sorted(_installed(metadata.distributions()))
    bom = Bom(components=[component(*one, ComponentType.LIBRARY) for one in installed if one[0] != "oral-lesion"])
    described = component("oral-lesion", __version__, ComponentType.APPLICATION)
    bom.metadata.component = described
    bom.register_dependency(described, bom.components)
    bom.metadata.timestamp = utc_now()
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, f"{_HOME} {installed}")
    return (JsonV1Dot5(bom).output_as_string(indent=2) + "\n").encode("utf-8")


def _installed(distributions: Iterable[metadata.Distribution]) -> set[tuple[str, str]]:
    named = ((one.metadata["Name"], one.version) for one in distributions)
    return {(name, version) for name, version in named if name}
