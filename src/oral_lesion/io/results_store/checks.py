"""Whether a study's store, its tables and the readers' masks say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from oral_lesion.errors import FormatError
from oral_lesion.io.audit.written import file_sha256
from oral_lesion.io.naming import leads_out, printable
from oral_lesion.io.results_store.database import check_store, open_store
from oral_lesion.io.results_store.exports import export_csv
from oral_lesion.io.results_store.reads import Read, iter_reads
from oral_lesion.io.store import STORE_NAME

__all__ = ["compare_with_tables"]


def compare_with_tables(results: Path) -> tuple[str, ...]:
    """
    Compare a study's store with the tables that were exported from it, and with the readers' masks that it names.

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
            found += _faults_of_masks(results, iter_reads(store, superseded=True))
    except FormatError as error:
        return (str(error),)
    return tuple(found)


def _faults_of_masks(results: Path, reads: Iterable[Read]) -> Iterator[str]:
    for name, sha256 in sorted({(read.mask_file, read.mask_sha256) for read in reads if read.mask_file}):
        if leads_out(name) or not (results / name).is_file():
            yield f"names the mask {printable(name)}, which is missing"
        elif file_sha256(results / name) != sha256:
            yield f"names the mask {printable(name)} with another hash: the mask was changed"
