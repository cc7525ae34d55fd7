"""Tables that people make: comma, semicolon or tab separated, UTF-8 or UTF-16 with its mark."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from oral_lesion.errors import Fault, SettingsError

__all__ = ["lines_of"]

_MAX_BYTES = 10_000_000
_WHOLE_FILE = "(whole file)"


def lines_of(path: Path, *, expected: str, wanted_for: str = "it is wanted") -> list[tuple[int, list[str]]]:
    """
    Return the lines of a table that are not blank.

    Parameters
    ----------
    path : Path
        Of the file.
    expected : str
        What its header should have, for the message.
    wanted_for : str
        Why it cannot be missing, for the message.

    Returns
    -------
    list of (int, list of str)
        Number of the line and its cells; the header first.

    Raises
    ------
    SettingsError
        Where the file is missing, too large, empty or no table.
    """
    try:
        content = path.read_bytes()
        if len(content) > _MAX_BYTES:
            raise SettingsError(path.name, [Fault(_WHOLE_FILE, f"larger than {_MAX_BYTES // 10**6} MB")])
        text = content.decode("utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
        separator = max(",;\t", key=text.split("\n", 1)[0].count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except OSError as error:
        message = f"cannot be read ({error.strerror}), but {wanted_for}"
        raise SettingsError(str(path), [Fault(_WHOLE_FILE, message)]) from error
    except (UnicodeDecodeError, csv.Error) as error:
        message = "expected CSV in UTF-8; in Excel choose 'CSV UTF-8 (comma delimited)'"
        raise SettingsError(path.name, [Fault(_WHOLE_FILE, message)]) from error
    if not lines:
        raise SettingsError(path.name, [Fault(_WHOLE_FILE, f"is empty; expected {expected}")])
    return lines
