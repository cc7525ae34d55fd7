"""What a run has written, as hashes: each file of the results folder, and each folder in it as one."""

from __future__ import annotations

import hashlib
from pathlib import Path

from oral_lesion.errors import OutputError
from oral_lesion.io.naming import sorting_key
from oral_lesion.io.store import READS_FOLDER, STORE_NAME

__all__ = ["file_sha256", "files_of", "is_kept_apart"]


def files_of(results: Path) -> dict[str, str]:
    """
    Return the hashes of what was written.

    Parameters
    ----------
    results : Path
        A folder, or a single file.

    Returns
    -------
    dict
        SHA-256 by name, without hidden files, and without a study's store and readers' masks, which go on growing (the
        store names each mask's hash). A folder's name ends in a slash; its hash is that of the names and hashes of all
        files below it, so that a study with thousands of pictures stays one line.

    Raises
    ------
    OutputError
        Where a file cannot be read.
    """
    if results.is_file():
        return {results.name: file_sha256(results)}
    return {
        f"{path.name}/" if path.is_dir() else path.name: _tree_sha256(path) if path.is_dir() else file_sha256(path)
        for path in sorted(results.iterdir(), key=lambda path: sorting_key(path.name))
        if not path.name.startswith((".", STORE_NAME)) and path.name != READS_FOLDER
    }


def is_kept_apart(name: str) -> bool:
    """
    Return whether a name of `files_of` is that of a folder.

    Parameters
    ----------
    name : str
        One of its keys.

    Returns
    -------
    bool
    """
    return name.endswith("/")


def file_sha256(path: Path) -> str:
    """
    Return the hash of a file.

    Parameters
    ----------
    path : Path
        Of the file.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    OutputError
        Where it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise OutputError(f"{path}: cannot be read again ({error.strerror}), so its hash is not known.") from error


def _tree_sha256(folder: Path) -> str:
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    listing = "".join(f"{file_sha256(files[name])}  {name}\n" for name in sorted(files, key=sorting_key))
    return hashlib.sha256(listing.encode("utf-8", "surrogatepass")).hexdigest()
