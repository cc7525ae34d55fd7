"""Read protocol and card files: all faults of both at once, each with its key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from oral_lesion.errors import Fault, SettingsError
from oral_lesion.io.resources import cards_folder, default_protocol_path, home_folder
from oral_lesion.io.study_protocol import StudyProtocol, StudySections, faults_of_version, read_study_sections
from oral_lesion.protocol import CardDefinition, ScoringProtocol, faults_of

__all__ = ["known_cards", "load_card", "load_protocol", "load_study_protocol"]

_MAX_BYTES = 1_000_000
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_WHOLE_FILE = "(whole file)"


def load_protocol(path: Path | None = None, *, card: str | None = None) -> ScoringProtocol:
    """
    Read a protocol and the card that it names; return what the scoring of a photo depends on.

    Parameters
    ----------
    path : Path or None
        Protocol file (TOML); None takes that of ORAL_LESION_HOME, or else the packaged one.
    card : str or None
        Card to use in place of the protocol's: a name of configs/cards, or a file relative to the working
        folder.

    Returns
    -------
    ScoringProtocol
        With the card's definition in place of its name.

    Raises
    ------
    SettingsError
        With all faults of protocol and card, the card's keys starting with ``card``; the sections that scoring does not
        need have to be right too.
    """
    return load_study_protocol(path, card=card).scoring


def load_study_protocol(path: Path | None = None, *, card: str | None = None) -> StudyProtocol:
    """
    Read all of a protocol and the card that it names.

    Parameters
    ----------
    path : Path or None
        Protocol file (TOML); None takes that of ORAL_LESION_HOME, or else the packaged one.
    card : str or None
        As for `load_protocol`.

    Returns
    -------
    StudyProtocol

    Raises
    ------
    SettingsError
        With all faults at once; a file of version 1 with the sections that it lacks; before that, the faults of `card`.
    """
    asked_for = None if card is None else load_card(card)
    path = default_protocol_path() if path is None else Path(path)
    settings = _read_toml(path)
    if outdated := faults_of_version(settings):
        raise SettingsError(str(path), outdated)
    faults: list[Fault] = []
    sections = read_study_sections(settings)
    if not isinstance(sections, StudySections):
        faults.extend(sections)
    try:
        definition = asked_for or _card_of(settings.get("card"), path.parent, absent="card" not in settings)
        settings["card"] = definition.model_dump()
    except SettingsError as error:
        faults.extend(Fault(_below_card(fault.key), f"{fault.message}{_of(error, path)}") for fault in error.faults)
        settings.pop("card", None)
    try:
        of_scoring = {key: value for key, value in settings.items() if key not in {"comparison", "endpoint", "review"}}
        scoring = ScoringProtocol.from_settings(of_scoring, source=str(path))
    except SettingsError as error:
        own = [fault for fault in error.faults if not (fault.key == "card" and "card" not in settings)]
        raise SettingsError(str(path), [*own, *faults]) from error
    if faults or not isinstance(sections, StudySections):
        raise SettingsError(str(path), faults)
    return StudyProtocol(
        scoring=scoring, comparison=sections.comparison, endpoint=sections.endpoint, review=sections.review
    )


def load_card(card: str, *, base: Path | None = None) -> CardDefinition:
    """
    Read the definition of a card.

    Parameters
    ----------
    card : str
        A name: looked for in ``cards`` below `base`, below ORAL_LESION_HOME, then among the packaged cards. Or a
        file, relative to `base`: anything with a slash or that ends in ``.toml``. The file may be that of a measured
        batch, which names its card.
    base : Path or None
        Folder of the protocol file; None takes the working folder.

    Returns
    -------
    CardDefinition
        With its reference colours.

    Raises
    ------
    SettingsError
        With all faults; an unknown name comes with the list of known ones.
    """
    path = _card_path(card, base if base is not None else Path())
    settings = _read_toml(path)
    if isinstance(settings.get("card"), str):
        settings = _batch_card(settings, path)
    if "patches" not in settings and isinstance(settings.get("reference"), str):
        settings["patches"] = _reference_patches(settings["reference"], path)
    try:
        return CardDefinition.model_validate(settings)
    except ValidationError as error:
        raise SettingsError(str(path), faults_of(error)) from error


def known_cards() -> list[str]:
    """Return the names of the packaged cards and of those in ORAL_LESION_HOME, sorted."""
    home = home_folder()
    own = () if home is None else home.cards
    return sorted({path.stem for path in (*cards_folder().glob("*.toml"), *own)})


def _card_of(card: object, base: Path, *, absent: bool) -> CardDefinition:
    if not isinstance(card, str):
        problem = "is missing" if absent else f"expected a card's name in quotes, got {type(card).__name__}"
        raise SettingsError("", [Fault("card", f"{problem}; known: {', '.join(known_cards())}")])
    return load_card(card, base=base)


def _card_path(card: str, base: Path) -> Path:
    if "/" in card or "\\" in card or card.endswith(".toml"):
        path = base / card
        if path.is_file():
            return path
        raise SettingsError(card, [Fault("card", f"no such file: {path}")])
    if _NAME.fullmatch(card):
        for folder in _card_folders(base):
            path = folder / f"{card}.toml"
            if path.is_file():
                return path
    raise SettingsError(card, [Fault("card", f"no card is called {card!r}; known: {', '.join(known_cards())}")])


def _card_folders(base: Path) -> tuple[Path, ...]:
    home, packaged, beside = home_folder(), cards_folder(), base / "cards"
    own = () if home is None else (home.path / "cards",)
    return (*own, packaged) if beside.resolve() == packaged.resolve() else (beside, *own, packaged)


def _batch_card(batch: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the card that a measured batch is of, with the batch's colours in place of its own."""
    card_path = _card_path(batch["card"], path.parent) if _NAME.fullmatch(batch["card"]) else None
    card = {} if card_path is None else _read_toml(card_path)
    names = [patch.get("name") if isinstance(patch, dict) else None for patch in card.get("patches", [])]
    faults = []
    if not names:
        faults.append(Fault("card", f"expected a card with patches of its own, got {batch['card']!r}"))
    measured = [patch.get("name") if isinstance(patch, dict) else None for patch in batch.get("patches", [])]
    if names and measured != names:
        faults.append(Fault("patches", f"expected {', '.join(map(str, names))} in this order, got {measured}"))
    faults += [
        Fault(key, f"expected {wanted!r}, got {batch.get(key)!r}: references are CIELAB for D50 and 2 degrees")
        for key, wanted in (("illuminant", "D50"), ("observer_deg", 2))
        if batch.get(key) != wanted
    ]
    if not isinstance(batch.get("batch"), str):
        faults.append(Fault("batch", "expected the batch's name in quotes"))
    if faults:
        raise SettingsError(str(path), faults)
    colors = {"patches": _patches_of(batch), "reference": path.stem, "batch": batch["batch"], "nominal_colors": False}
    return {**card, **colors}


def _reference_patches(reference: str, card_path: Path) -> object:
    """Return the patches of a reference: beside the card's file first, then among the packaged ones."""
    if _NAME.fullmatch(reference):
        for folder in (card_path.parent / "reference", cards_folder() / "reference"):
            path = folder / f"{reference}.toml"
            if path.is_file():
                return _patches_of(_read_toml(path))
    known = ", ".join(sorted(path.stem for path in (cards_folder() / "reference").glob("*.toml")))
    raise SettingsError(str(card_path), [Fault("reference", f"no reference {reference!r}; known: {known}")])


def _patches_of(settings: Mapping[str, Any]) -> object:
    """Return name and colour of each patch; a reference may say more of a patch than the protocol needs."""
    patches = settings.get("patches")
    if not isinstance(patches, list):
        return patches
    wanted = ("name", "lab_d50")
    return [
        {key: patch[key] for key in wanted if key in patch} if isinstance(patch, dict) else patch for patch in patches
    ]


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file():
            missing = "no such file; check the name, and the folder that you are in"
            message = "expected a regular file" if path.exists() else missing
            raise SettingsError(str(path), [Fault(_WHOLE_FILE, message)])
        if path.stat().st_size > _MAX_BYTES:
            raise SettingsError(str(path), [Fault(_WHOLE_FILE, f"larger than {_MAX_BYTES // 10**6} MB")])
        return tomllib.loads(path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n"))
    except OSError as error:
        raise SettingsError(str(path), [Fault(_WHOLE_FILE, f"cannot be read ({error.strerror})")]) from error
    except UnicodeDecodeError as error:
        raise SettingsError(str(path), [Fault(_WHOLE_FILE, "expected TOML in UTF-8")]) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(str(path), [Fault(_WHOLE_FILE, f"no valid TOML: {error}")]) from error
    except RecursionError as error:
        raise SettingsError(str(path), [Fault(_WHOLE_FILE, "no valid TOML: nested too deeply")]) from error


def _below_card(key: str) -> str:
    return "card" if key in {"card", _WHOLE_FILE} else f"card.{key}"


def _of(error: SettingsError, path: Path) -> str:
    return f" (in {error.source})" if error.source.endswith(".toml") and error.source != str(path) else ""
