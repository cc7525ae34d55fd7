"""`oral-lesion doctor`: whether this installation is whole and measures a known area."""

from __future__ import annotations

import importlib
import json as json_text
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from oral_lesion.io.environment import Place

__all__ = ["doctor"]

_CORE = ("numpy", "scipy", "cv2", "skimage", "onnxruntime", "pydantic", "pydicom", "PIL", "pillow_heif", "tifffile")
_FIELDS_OF_MODEL = ("name", "version", "sha256", "own", "default", "problem")


def doctor(
    json: Annotated[bool, typer.Option("--json", help="One JSON object, to send to whoever helps.")] = False,
    paths: Annotated[bool, typer.Option("--paths", help="Show folders in full; they may hold a user's name.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Leave the self test out.")] = False,
) -> None:
    """
    Tell whether this installation is whole: packages, models, optional parts, places to write, a self test.

    Exit code 1 where something is wrong, with what to do about it. No user name and no folder is shown
    unless --paths is given.

    Example: oral-lesion doctor --json > doctor.json
    """
    found = _examination(quick=quick)
    if not paths:
        found = _without_folders(found)
    typer.echo(json_text.dumps(found, indent=2, ensure_ascii=False) if json else "\n".join(_lines(found)))
    raise typer.Exit(0 if found["ok"] else 1)


def _examination(*, quick: bool) -> dict[str, Any]:
    from oral_lesion._version import __version__

    found: dict[str, Any] = {
        "schema_version": 1,
        "ok": False,
        "software": {"name": "oral-lesion", "version": __version__},
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "file_name_encoding": sys.getfilesystemencoding(),
    }
    broken = _broken_packages()
    if broken:
        return {**found, "problems": broken}
    found |= _installed()
    problems = [*found.pop("problems")]
    if not quick:
        found["self_test"] = _self_test()
        if not found["self_test"]["passed"]:
            problems.append(
                "The self test did not give the known area: do not score with this installation. Install it afresh."
            )
    return {**found, "problems": problems, "ok": not problems}


def _broken_packages() -> list[str]:
    """Return a line for each package that scoring needs and that cannot be loaded, as where a system library lacks."""
    broken = []
    for name in _CORE:
        try:
            importlib.import_module(name)
        except (ImportError, OSError) as error:
            broken.append(
                f"{name} cannot be loaded ({error}). Install again: pip install --force-reinstall oral-lesion"
            )
    return broken


def _installed() -> dict[str, Any]:
    from oral_lesion.io.environment import extras, places
    from oral_lesion.io.provenance import package_versions

    settings, problems = _settings()
    written = places()
    problems += [
        f"{place.role}: nothing can be written there. Check your rights." for place in written if not place.writable
    ]
    problems += [f"{place.role}: only {place.free_mb} MB are free." for place in written if place.low]
    audit, broken_log = _audit_log()
    return {
        "packages": package_versions(),
        **settings,
        "extras": [
            {"name": one.name, "brings": one.brings, "missing": list(one.missing), "install": one.install}
            for one in extras()
        ],
        "places": [_place(place) for place in written],
        "audit_log": audit,
        "problems": [*problems, *broken_log],
    }


def _settings() -> tuple[dict[str, Any], list[str]]:
    """Return which protocol, cards and models are used, and what is wrong with them."""
    from oral_lesion.errors import OralLesionError
    from oral_lesion.io.environment import models
    from oral_lesion.io.resources import HOME_VARIABLE, home_folder
    from oral_lesion.io.settings import load_study_protocol

    try:
        home = home_folder()
    except OralLesionError as error:
        return {"home": {"set": True, "folder": os.environ[HOME_VARIABLE]}}, [str(error)]
    found: dict[str, Any] = {"home": {"set": home is not None}}
    if home is not None:
        found["home"] |= {
            "folder": str(home.path),
            "protocol": home.protocol is not None,
            "cards": [path.stem for path in home.cards],
            "models": [path.name for path in home.models],
        }
    found["models"] = [{field: getattr(model, field) for field in _FIELDS_OF_MODEL} for model in models()]
    problems = [f"{model['name']}: {model['problem']}" for model in found["models"] if model["problem"]]
    try:
        protocol = load_study_protocol(None).scoring
        found["protocol"] = {
            "own": home is not None and home.protocol is not None,
            "sha256": protocol.sha256,
            "card": protocol.card.name,
        }
    except OralLesionError as error:
        problems.append(str(error))
    return found, problems


def _audit_log() -> tuple[dict[str, Any], list[str]]:
    from oral_lesion.errors import OralLesionError
    from oral_lesion.io.audit import find_log, verify_log

    given = os.environ.get("ORAL_LESION_AUDIT")
    path = find_log(Path("results"), Path(given) if given else None)
    if not path.is_file():
        return {"present": False, "named_by_variable": bool(given)}, []
    try:
        verdict = verify_log(path)
    except OralLesionError as error:
        return {"present": True, "named_by_variable": bool(given), "intact": False}, [str(error)]
    found = {
        "present": True,
        "named_by_variable": bool(given),
        "intact": verdict.intact,
        "entries": len(verdict.entries),
    }
    return found, [] if verdict.intact else ["The audit log is broken: see `oral-lesion audit verify`."]


def _self_test() -> dict[str, Any]:
    from oral_lesion.errors import OralLesionError
    from oral_lesion.phantom.self_test import self_test

    try:
        result = self_test()
    except OralLesionError as error:
        return {"passed": False, "problem": str(error)}
    return {
        "passed": result.passed,
        "true_area_mm2": round(result.true_area_mm2, 3),
        "measured_area_mm2": _rounded(result.measured_area_mm2),
        "u_area_mm2": _rounded(result.u_area_mm2),
        "model_area_mm2": _rounded(result.model_area_mm2),
        "problem": result.problem,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _place(place: Place) -> dict[str, Any]:
    return {"role": place.role, "folder": str(place.path), "writable": place.writable, "free_mb": place.free_mb}


def _without_folders(found: Any) -> Any:
    """Return the same with folders of this machine replaced by what they are for."""
    if isinstance(found, dict):
        return {key: _without_folders(value) for key, value in found.items() if key != "folder"}
    if isinstance(found, list):
        return [_without_folders(one) for one in found]
    if not isinstance(found, str):
        return found
    for folder, word in _folders_by_length():
        found = found.replace(folder, word)
    return found


def _folders_by_length() -> list[tuple[str, str]]:
    package = Path(__file__).resolve().parents[1]
    folders = {
        os.environ.get("ORAL_LESION_HOME", "").strip(): "ORAL_LESION_HOME",
        os.environ.get("ORAL_LESION_AUDIT", "").strip(): "ORAL_LESION_AUDIT",
        str(package): "oral_lesion",
        str(package.parents[1]): "SOURCE",
        sys.prefix: "PYTHON",
        str(Path.cwd()): ".",
        tempfile.gettempdir(): "TEMPORARY",
        str(Path.home()): "~",
    }
    return sorted(
        ((folder, word) for folder, word in folders.items() if len(folder) > 1), key=lambda pair: -len(pair[0])
    )


def _lines(found: dict[str, Any]) -> list[str]:
    """Return the examination in words."""
    lines = [f"oral-lesion {found['software']['version']}, Python {found['python']}, {found['platform']}"]
    if "packages" in found:
        lines.append("Packages: " + ", ".join(f"{name} {version}" for name, version in found["packages"].items()))
    lines += [_model_line(model) for model in found.get("models", [])]
    if "protocol" in found:
        source = "of ORAL_LESION_HOME" if found["protocol"]["own"] else "packaged"
        lines.append(f"Protocol: {source}, {found['protocol']['sha256'][:12]}…, card {found['protocol']['card']}")
    if "home" in found:
        lines.append(_home_line(found["home"]))
    for one in found.get("extras", []):
        state = f"lacks {', '.join(one['missing'])}: {one['install']}" if one["missing"] else "installed"
        lines.append(f"Optional [{one['name']}], {one['brings']}: {state}")
    for place in found.get("places", []):
        space = "" if place["free_mb"] is None else f", {place['free_mb']} MB free"
        named = f" {place['folder']}" if "folder" in place else ""
        lines.append(f"Place: {place['role']}{named}, {'' if place['writable'] else 'NOT '}writable{space}")
    if "audit_log" in found:
        lines.append(_audit_line(found["audit_log"]))
    if "self_test" in found:
        lines.append(_self_test_line(found["self_test"]))
    return [
        *lines,
        *(f"PROBLEM: {problem}" for problem in found["problems"]),
        *(["All is well."] if found["ok"] else []),
    ]


def _model_line(model: dict[str, Any]) -> str:
    role = "the default" if model["default"] else "of ORAL_LESION_HOME" if model["own"] else "packaged"
    state = f"DAMAGED: {model['problem']}" if model["problem"] else f"hashes right, {model['sha256'][:12]}…"
    return f"Model {model['name']} {model['version']}, {role}: {state}"


def _home_line(home: dict[str, Any]) -> str:
    if not home["set"]:
        return "ORAL_LESION_HOME: not set; no protocol, card or model of your own goes before the packaged ones"
    if "cards" not in home:
        return "ORAL_LESION_HOME: names no folder"
    held = [f"protocol {'yes' if home.get('protocol') else 'no'}"]
    held += [f"{kind} {', '.join(home.get(kind, [])) or 'none'}" for kind in ("cards", "models")]
    return f"ORAL_LESION_HOME{': ' + home['folder'] if 'folder' in home else ''}: {'; '.join(held)}"


def _audit_line(log: dict[str, Any]) -> str:
    if not log["present"]:
        return "Audit log: none here yet; the first scoring begins one"
    return f"Audit log: {'intact' if log['intact'] else 'BROKEN'}, {log.get('entries', 'unknown')} entries"


def _self_test_line(test: dict[str, Any]) -> str:
    if "true_area_mm2" not in test:
        return f"Self test: FAILED ({test['problem']})"
    measured = "nothing" if test["measured_area_mm2"] is None else f"{test['measured_area_mm2']:.2f}"
    return (
        f"Self test: {'passed' if test['passed'] else 'FAILED'}; drawn {test['true_area_mm2']:.2f} mm², measured "
        f"{measured} mm² with the true mask" + (f" ({test['problem']})" if test["problem"] else "")
    )
