"""Whether a study's store, its tables and the readers' masks say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from oral_lesion.errors import FormatError
from oral_lesion.io.audit.entries import AuditEntry
from oral_lesion.io.audit.written import file_sha256
from oral_lesion.io.naming import leads_out, printable
from oral_lesion.io.results_store.database import check_store, open_store
from oral_lesion.io.results_store.exports import export_csv
from oral_lesion.io.results_store.reads import Read, iter_reads, reads_sha256
from oral_lesion.io.store import STORE_NAME

__all__ = ["compare_reads_with_log", "compare_with_tables"]


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


def compare_reads_with_log(results: Path, entries: Iterable[AuditEntry]) -> tuple[str, ...]:
    """
    Compare what people read, as a study's store has it, with what the log says of it after each import.

    Parameters
    ----------
    results : Path
        Results folder of `oral-lesion study`.
    entries : iterable of AuditEntry
        Of the log.

    Returns
    -------
    tuple of str
        What is wrong; empty where all is well, there is no store, or `compare_with_tables` tells that it is none.
    """
    path = results / STORE_NAME
    if not path.is_file():
        return ()
    try:
        with open_store(path, read_only=True) as store:
            sha256 = reads_sha256(store)
    except FormatError:
        return ()
    if not sha256 or any(entry.details.get("reads_sha256") == sha256 for entry in entries):
        return ()
    return (
        "holds reads that no import in the log left so: they were changed, or an import did not end. Where it was "
        "stopped, import the same files again",
    )


def _faults_of_masks(results: Path, reads: Iterable[Read]) -> Iterator[str]:
    for name, sha256 in sorted({(read.mask_file, read.mask_sha256) for read in reads if read.mask_file}):
        if leads_out(name) or not (results / name).is_file():
            yield f"names the mask {printable(name)}, which is missing"
        elif file_sha256(results / name) != sha256:
            yield f"names the mask {printable(name)} with another hash: the mask was changed"
