"""The measured colours of one batch of printed cards: matched with the card's patches, checked, written as TOML."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from oral_lesion.errors import FormatError, InputError
from oral_lesion.io.measured_colors import Lab, MeasuredColors, read_measured_colors
from oral_lesion.io.naming import printable
from oral_lesion.io.one_by_one import require_free_file, write_bytes
from oral_lesion.numerics.color import delta_e_2000
from oral_lesion.protocol import CardDefinition

__all__ = ["BatchColors", "measure_batch", "write_batch"]

_MAX_REPEAT_DELTA_E = 2.0
_GREY_CHROMA = 3.0
_MAX_BATCH_LETTERS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchColors:
    """
    The colours of one batch, in the card's order.

    Parameters
    ----------
    card : str
        Name of the card.
    batch : str
        Name of the batch, as printed on its cards.
    names : tuple of str
        The card's patches.
    lab_d50 : tuple
        CIELAB (D50, 2 degree observer) of each: the mean of its readings.
    readings : int
        How often each patch was read, at least.
    repeat_delta_e00 : float
        Largest CIEDE2000 of a reading from its patch's mean; 0 with one reading each.
    instrument : str
        As the file states it; may be empty.
    stated_by : str
        ``"file"``, or ``"user"`` where the file does not say which illuminant and observer it holds.
    source_sha256 : str
        SHA-256 of the file.
    """

    card: str
    batch: str
    names: tuple[str, ...]
    lab_d50: tuple[Lab, ...]
    readings: int
    repeat_delta_e00: float
    instrument: str
    stated_by: str
    source_sha256: str


def measure_batch(
    path: Path, card: CardDefinition, *, batch: str, stated_d50_2deg: bool = False, in_order: bool = False
) -> BatchColors:
    """
    Read the measured colours of a batch of printed cards.

    Parameters
    ----------
    path : Path
        CGATS.17, CxF3 or CSV.
    card : CardDefinition
        The card that was measured.
    batch : str
        Name of the batch.
    stated_d50_2deg : bool
        The user states that the values are CIELAB for D50 and 2 degrees; counts where the file does not say.
    in_order : bool
        Take the samples in the card's order, whatever their names.

    Returns
    -------
    BatchColors

    Raises
    ------
    FormatError
        Where the file cannot be read, holds another illuminant or observer or states none, lacks a patch, or its
        values cannot be this card's.
    InputError
        Where the batch has no name, or the card's colours are not for measuring.
    """
    name = printable(batch)
    if not name or len(name) > _MAX_BATCH_LETTERS:
        raise InputError(f"batch: expected a name of 1 to {_MAX_BATCH_LETTERS} letters, got {batch!r}.")
    if card.markers is None:
        raise InputError(f"card: expected one that is printed and measured, got {card.name}; take an open card.")
    measured = read_measured_colors(path)
    stated_by = _require_d50(measured, path, stated=stated_d50_2deg)
    by_patch = _in_card_order(measured, card, path) if in_order else _by_name(measured, card, path)
    lab = tuple(_mean(readings) for readings in by_patch)
    spread = max(_spread(readings) for readings in by_patch)
    if spread > _MAX_REPEAT_DELTA_E:
        raise FormatError(
            f"{path}: readings of one patch differ from their mean by up to {spread:.1f} ΔE00, expected at most "
            f"{_MAX_REPEAT_DELTA_E:g}; measure again."
        )
    _require_plausible(lab, card, path)
    return BatchColors(
        card=card.name,
        batch=name,
        names=tuple(patch.name for patch in card.patches),
        lab_d50=lab,
        readings=min(len(readings) for readings in by_patch),
        repeat_delta_e00=spread,
        instrument=measured.instrument,
        stated_by=stated_by,
        source_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def write_batch(path: Path, colors: BatchColors, *, overwrite: bool = False) -> None:
    """
    Write a batch as TOML: name the file as the card, in the protocol or with ``--card``.

    Parameters
    ----------
    path : Path
        File to write.
    colors : BatchColors
        From `measure_batch`.
    overwrite : bool
        Replace a file that is there.

    Raises
    ------
    OutputError
        Where the file is there already, or cannot be written.
    """
    require_free_file(path, overwrite=overwrite)
    lines = [
        '# Measured colours of one batch of printed cards. Name this file as the card: card = "batch.toml" in the',
        "# protocol, or --card batch.toml. Layout and size are the card's.",
        f"card = {_quoted(colors.card)}",
        f"batch = {_quoted(colors.batch)}",
        'illuminant = "D50"',
        "observer_deg = 2",
        f"condition_stated_by = {_quoted(colors.stated_by)}",
        f"instrument = {_quoted(colors.instrument)}",
        f"readings_per_patch = {colors.readings}",
        f"repeat_delta_e00_max = {colors.repeat_delta_e00:.3f}",
        f"source_sha256 = {_quoted(colors.source_sha256)}",
    ]
    for name, (lightness, a, b) in zip(colors.names, colors.lab_d50, strict=True):
        lines += ["", "[[patches]]", f"name = {_quoted(name)}", f"lab_d50 = [{lightness:.3f}, {a:.3f}, {b:.3f}]"]
    write_bytes(path, ("\n".join(lines) + "\n").encode("utf-8"))


def _quoted(text: str) -> str:
    """Return a TOML basic string; `printable` has taken out what JSON and TOML quote differently."""
    return json.dumps(printable(text), ensure_ascii=False)


def _require_d50(measured: MeasuredColors, path: Path, *, stated: bool) -> str:
    """Return who stated the condition; refuse another one, or none."""
    if measured.illuminant not in {None, "D50"} or measured.observer_deg not in {None, 2}:
        got = f"{measured.illuminant or 'an unstated illuminant'}, {measured.observer_deg or 'unstated'} degrees"
        raise FormatError(
            f"{path}: expected CIELAB for D50 and 2 degrees, got {got}; CIELAB cannot be converted between them: "
            "export again from the spectra."
        )
    if measured.illuminant is not None and measured.observer_deg is not None:
        return "file"
    if not stated:
        missing = "illuminant" if measured.illuminant is None else "observer"
        raise FormatError(
            f"{path}: the file does not state its {missing}; expected D50 and 2 degrees. If you know that it is so, "
            "add --d50-2deg."
        )
    return "user"


def _by_name(measured: MeasuredColors, card: CardDefinition, path: Path) -> list[list[Lab]]:
    wanted = {patch.name.casefold(): index for index, patch in enumerate(card.patches)}
    found: list[list[Lab]] = [[] for _ in card.patches]
    for names, lab in measured.readings:
        index = next((wanted[name.casefold()] for name in names if name.casefold() in wanted), None)
        if index is not None:
            found[index].append(lab)
    missing = [patch.name for patch, readings in zip(card.patches, found, strict=True) if not readings]
    if missing:
        raise FormatError(
            f"{path}: expected samples named as the card's patches, no sample is called {', '.join(missing)}; rename "
            f"them, or add --in-order where the file's {len(measured.readings)} samples are in the card's order."
        )
    return found


def _in_card_order(measured: MeasuredColors, card: CardDefinition, path: Path) -> list[list[Lab]]:
    if len(measured.readings) != len(card.patches):
        raise FormatError(
            f"{path}: expected {len(card.patches)} samples in the card's order, got {len(measured.readings)}."
        )
    return [[lab] for _, lab in measured.readings]


def _mean(readings: list[Lab]) -> Lab:
    lightness, a, b = (float(value) for value in np.mean(readings, axis=0))
    return lightness, a, b


def _spread(readings: list[Lab]) -> float:
    values = np.array(readings, dtype=np.float64)
    return float(delta_e_2000(values, np.broadcast_to(values.mean(axis=0), values.shape)).max())


def _require_plausible(lab: tuple[Lab, ...], card: CardDefinition, path: Path) -> None:
    """Refuse values in another order than the card's: its greys fall in lightness along their row."""
    greys = [
        (patch.name, patch.lab_d50[0], measured[0])
        for patch, measured in zip(card.patches, lab, strict=True)
        if float(np.hypot(*patch.lab_d50[1:])) < _GREY_CHROMA
    ]
    for (name, design, level), (next_name, next_design, next_level) in itertools.pairwise(greys):
        if (design > next_design) != (level > next_level):
            raise FormatError(
                f"{path}: {name} (L* {level:.1f}) and {next_name} (L* {next_level:.1f}) are in the wrong order for "
                f"{card.name}; check the samples' names or order, and which card was measured."
            )
