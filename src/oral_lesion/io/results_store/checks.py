"""Whether a study's store and its tables say the same."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from oral_lesion.errors import FormatError
from oral_lesion.io.results_store.database import check_store, open_store
from oral_lesion.io.results_store.exports import export_csv
from oral_lesion.io.store import STORE_NAME

__all__ = ["compare_with_tables"]


def compare_with_tables(results: Path) -> tuple[str, ...]:
    """
    Compare a study's store with the tables that were exported from it.

    Parameters
    ----------
    results : Path
        Results folder of `oral-lesion study`, finished.

    Returns
    -------
    tuple of str
        What is wrong; empty where all is well, or there is no store.
    """
    path = results / STORE_NAME
    if not path.is_file():
        return ()
    try:
        found = list(check_store(path))
        with TemporaryDirectory(prefix="oral-lesion-tables-") as folder, open_store(path, read_only=True) as store:
            for exported in export_csv(store, Path(folder)):
                table = results / exported.name
                if not table.is_file():
                    found.append(f"{table.name} is missing")
                elif table.read_bytes() != exported.read_bytes():
                    found.append(f"says otherwise than {table.name}: one of the two was changed after the run")
    except FormatError as error:
        return (str(error),)
    return tuple(found)
