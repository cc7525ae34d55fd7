"""Names: text that is safe in tables, identifiers that are safe as folders."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

__all__ = ["identifier", "leads_out", "names_a_folder", "printable", "slug", "sorting_key"]

_SLUG_LENGTH = 40
_HASH_LENGTH = 8
_LONGEST_FOLDER_BYTES = 120
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def printable(text: str) -> str:
    """
    Return `text` in Unicode normal form C without control, format and unpaired surrogate characters.

    Parameters
    ----------
    text : str
        Such as a file name as the operating system gives it.

    Returns
    -------
    str
        May be empty; white space is stripped at both ends and line breaks are gone.
    """
    kept = "".join(letter for letter in text if unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Zl", "Zp"})
    return unicodedata.normalize("NFC", kept).strip()


def identifier(stem: str, sha256: str) -> str:
    """
    Return a photo's identifier: the slug of its file's stem and the first eight digits of its hash.

    Parameters
    ----------
    stem : str
        File name without its last suffix.
    sha256 : str
        64 hexadecimal digits; empty where the file could not be read, which gives eight zeros.

    Returns
    -------
    str
        Of a-z, 0-9 and hyphens, at most 49 characters: safe as a folder name on every system.
    """
    return f"{slug(stem) or 'photo'}-{(sha256 or '0' * _HASH_LENGTH)[:_HASH_LENGTH]}"


def slug(text: str) -> str:
    """
    Return a text's letters and digits of ASCII, for a name of a file.

    Parameters
    ----------
    text : str
        Any.

    Returns
    -------
    str
        Of a-z, 0-9 and single hyphens, at most 40 characters; empty where the text has none of them.
    """
    ascii_letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_letters)[:_SLUG_LENGTH].strip("-")


def sorting_key(name: str) -> bytes:
    """
    Return the key that file names are sorted by: the UTF-8 bytes of their normal form C.

    Parameters
    ----------
    name : str
        File name or relative path.

    Returns
    -------
    bytes
        To compare.
    """
    return unicodedata.normalize("NFC", name.replace("\\", "/")).encode("utf-8", "surrogatepass")


def leads_out(file: str) -> bool:
    """
    Return whether a relative file name is none: absolute on any system, or climbing out of its folder.

    Parameters
    ----------
    file : str
        With slashes or backslashes.

    Returns
    -------
    bool
        Symbolic links are not looked at.
    """
    windows, posix = PureWindowsPath(file), PurePosixPath(file.replace("\\", "/"))
    return bool(windows.drive or windows.root or posix.is_absolute() or ".." in posix.parts)


def names_a_folder(name: str) -> bool:
    """
    Return whether a folder of that name can be made on every system, and copied from any to any.

    Parameters
    ----------
    name : str
        Printable text, such as a subject's identifier.

    Returns
    -------
    bool
        False for hidden and empty names, those with separators and wildcards, those that Windows reserves (``CON``,
        ``aux.1``), those that end with a dot or a space, and those of more than 120 bytes.
    """
    return not (
        not name
        or name.startswith(".")
        or name.endswith((".", " "))
        or set(name) & set('/\\:*?"<>|')
        or leads_out(name)
        or _RESERVED.fullmatch(name)
        or len(name.encode("utf-8", "surrogatepass")) > _LONGEST_FOLDER_BYTES
    )
