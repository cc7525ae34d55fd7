"""Measured colours as spectrophotometer software writes them: CGATS.17 text, CxF3 XML, CSV."""

from __future__ import annotations

import csv
import math
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from oral_lesion.errors import FormatError
from oral_lesion.io.naming import printable

__all__ = ["Lab", "MeasuredColors", "read_measured_colors"]

Lab = tuple[float, float, float]

_MAX_BYTES = 5_000_000
_MAX_SAMPLES = 10_000
_ENCODINGS = ("utf-8-sig", "latin-1")
_LAB_RANGE = ((0.0, 110.0), (-150.0, 150.0), (-150.0, 150.0))
_NAME_FIELDS = ("SAMPLE_NAME", "SAMPLE_ID", "SAMPLEID", "SAMPLE_LOC")
_NEXT_STEP = "export CIELAB for D50 and 2 degrees as CGATS.17, CxF3 or CSV (name,L,a,b)"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredColors:
    """
    The readings of a file.

    Parameters
    ----------
    readings : tuple
        Names of each sample, the first of which counts where several name it, and its CIELAB; in the file's order.
        A sample may be there more than once.
    illuminant : str or None
        As the file states it, such as ``"D50"``; None where it does not.
    observer_deg : int or None
        2 or 10; None where the file does not state it.
    instrument : str
        As the file states it; may be empty.
    """

    readings: tuple[tuple[tuple[str, ...], Lab], ...]
    illuminant: str | None
    observer_deg: int | None
    instrument: str


def read_measured_colors(path: Path) -> MeasuredColors:
    """
    Read a file of measured colours; its form is told by its content.

    Parameters
    ----------
    path : Path
        CGATS.17 text with fields LAB_L LAB_A LAB_B, CxF3 XML with ColorCIELab, or CSV with the columns name, L, a, b.

    Returns
    -------
    MeasuredColors

    Raises
    ------
    FormatError
        Where the file cannot be read, is of another form, holds a number that is none, or no colour.
    """
    text = _text_of(path)
    head = text.lstrip()
    if head.startswith("<"):
        found = _from_cxf(text, path)
    elif "BEGIN_DATA_FORMAT" in text:
        found = _from_cgats(text, path)
    else:
        found = _from_csv(text, path)
    if not found.readings:
        raise FormatError(f"{path}: expected measured colours, got none; {_NEXT_STEP}.")
    if len(found.readings) > _MAX_SAMPLES:
        raise FormatError(f"{path}: expected at most {_MAX_SAMPLES} samples, got {len(found.readings)}.")
    return found


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise FormatError(f"{path}: expected a file of measured colours, got more than {_MAX_BYTES // 10**6} MB.")
        content = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}).") from error
    if b"\x00" in content:
        raise FormatError(f"{path}: expected text, got binary content or UTF-16; save it as UTF-8.")
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FormatError(f"{path}: expected text in UTF-8.")


def _lab(values: tuple[str, str, str], path: Path, where: str) -> Lab:
    try:
        lab = tuple(float(value.strip().replace(",", ".")) for value in values)
    except ValueError as error:
        raise FormatError(f"{path}: {where}: expected three numbers, got {printable(' '.join(values))!r}.") from error
    for value, (low, high) in zip(lab, _LAB_RANGE, strict=True):
        if not (math.isfinite(value) and low <= value <= high):
            raise FormatError(f"{path}: {where}: expected CIELAB, got {printable(' '.join(values))!r}; {_NEXT_STEP}.")
    return lab[0], lab[1], lab[2]


def _observer(text: str | None) -> int | None:
    number = re.search(r"\d+", text or "")
    return int(number.group()) if number else None


def _illuminant(text: str | None) -> str | None:
    name = printable(text or "").upper().removeprefix("CIE").strip()
    return None if name in {"", "UNKNOWN"} else name


def _from_cgats(text: str, path: Path) -> MeasuredColors:
    head, _, rest = text.partition("BEGIN_DATA_FORMAT")
    fields_text, _, rest = rest.partition("END_DATA_FORMAT")
    between, _, rest = rest.partition("BEGIN_DATA")
    fields = [field.upper() for field in fields_text.split()]
    lab_at = [fields.index(name) for name in ("LAB_L", "LAB_A", "LAB_B") if name in fields]
    if len(lab_at) != 3:
        raise FormatError(f"{path}: expected the fields LAB_L LAB_A LAB_B, got {printable(fields_text)}; {_NEXT_STEP}.")
    names_at = [fields.index(name) for name in _NAME_FIELDS if name in fields]
    readings = []
    for number, line in enumerate(rest.partition("END_DATA")[0].splitlines()):
        values = _words(line)
        if not values:
            continue
        if len(values) != len(fields):
            raise FormatError(f"{path}: data line {number}: expected {len(fields)} values, got {len(values)}.")
        names = tuple(printable(values[at]) for at in names_at)
        labs = (values[lab_at[0]], values[lab_at[1]], values[lab_at[2]])
        readings.append((names, _lab(labs, path, f"data line {number}")))
    illuminant, observer, instrument = _cgats_conditions(head + between)
    return MeasuredColors(readings=tuple(readings), illuminant=illuminant, observer_deg=observer, instrument=instrument)


def _words(line: str) -> list[str]:
    """Split a line at white space, quoted words kept together."""
    reader = shlex.shlex(line, posix=True)
    reader.whitespace_split, reader.commenters, reader.escape, reader.quotes = True, "", "", '"'
    try:
        return list(reader)
    except ValueError:
        return line.split()


def _cgats_conditions(head: str) -> tuple[str | None, int | None, str]:
    """Return illuminant, observer and instrument from the keywords that programs use for them."""
    lines = [(*line.split(None, 1), "")[:2] for line in head.splitlines() if line.strip()]
    pairs = [(keyword.upper(), value.strip().strip('"')) for keyword, value in lines]
    stated = dict(reversed(pairs))
    source = " ".join(value for keyword, value in pairs if keyword in {"MEASUREMENT_SOURCE", "WEIGHTING_FUNCTION"})
    in_source = re.search(r"Illumin\w*\W+(\w+)", source, re.IGNORECASE)
    angle = re.search(r"Observer\w*\W+(\d+)", source, re.IGNORECASE)
    illuminant = stated.get("ILLUMINANT") or stated.get("ILLUMINATION_NAME") or (in_source and in_source.group(1))
    observer = stated.get("OBSERVER") or stated.get("OBSERVER_ANGLE") or (angle and angle.group(1))
    return _illuminant(illuminant), _observer(observer), printable(stated.get("INSTRUMENTATION", ""))


def _from_cxf(text: str, path: Path) -> MeasuredColors:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise FormatError(f"{path}: a document type declaration is not accepted in CxF; remove it.")
    try:
        root = ET.fromstring(text)  # noqa: S314 - a document type is refused above: no entities
    except (ET.ParseError, ValueError, RecursionError) as error:
        raise FormatError(f"{path}: no valid XML ({error}); {_NEXT_STEP}.") from error
    readings, used = [], set()
    for sample in _all(root, "Object"):
        for color in _all(sample, "ColorCIELab"):
            name = printable(sample.get("Name") or sample.get("Id") or "")
            labs = (_child(color, "L"), _child(color, "A"), _child(color, "B"))
            readings.append(((name,), _lab(labs, path, f"object {name}")))
            used.add(color.get("ColorSpecification"))
    specifications = [one for one in _all(root, "ColorSpecification") if one.get("Id") in used]
    if len(specifications) > 1:
        raise FormatError(f"{path}: expected one measuring condition, got {len(specifications)}; export one of them.")
    spec = specifications[0] if specifications else ET.Element("none")
    return MeasuredColors(
        readings=tuple(readings),
        illuminant=_illuminant(_child(spec, "Illuminant")),
        observer_deg=_observer(_child(spec, "Observer")),
        instrument=printable(" ".join(_child(spec, tag) for tag in ("Manufacturer", "Model", "SerialNumber"))),
    )


def _all(node: ET.Element, tag: str) -> list[ET.Element]:
    """Return all elements below of this name, whatever their name space."""
    return [one for one in node.iter() if one.tag.rpartition("}")[2] == tag]


def _child(node: ET.Element, tag: str) -> str:
    found = _all(node, tag)
    return (found[0].text or "").strip() if found else ""


def _from_csv(text: str, path: Path) -> MeasuredColors:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    delimiter = next((mark for mark in (";", "\t") if lines and mark in lines[0]), ",")
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
    except csv.Error as error:
        raise FormatError(f"{path}: no valid CSV ({error}); {_NEXT_STEP}.") from error
    header = [cell.casefold().rstrip("*") for cell in rows[0]] if rows else []
    columns = [header.index(name) for name in ("name", "l", "a", "b") if name in header]
    if len(columns) != 4:
        raise FormatError(f"{path}: expected columns name, L, a, b, got {printable(','.join(header))}; {_NEXT_STEP}.")
    readings = []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise FormatError(f"{path}: line {number}: expected {len(header)} values, got {len(row)}.")
        name, *labs = (row[at] for at in columns)
        readings.append(((printable(name),), _lab((labs[0], labs[1], labs[2]), path, f"line {number}")))
    return MeasuredColors(readings=tuple(readings), illuminant=None, observer_deg=None, instrument="")
