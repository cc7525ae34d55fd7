"""
The embedded store of a study: one SQLite file in RESULTS that everything else is exported from.

``results.sqlite`` holds, each in a table of its own (`schema`):

- ``runs``: each time that results were written: software, protocol, model, lock, settings;
- ``photos``: a photo is SUBJECT/VISIT (its `place`) and its photo_id, with the SHA-256 of the file; `listed` where the
  last run found it, `position` its row in the tables;
- ``outcomes``: one row a photo and result, as in scores.csv, with what was declared of the photo at that time; a second
  result names the first as superseded, and the first stays;
- ``lesions``, ``quality``, ``colours``: of an outcome, as in lesions.csv, quality.csv, colour.csv;
- ``reads``: what a reader measured: one current read a photo, reader and round (``read``, ``repeat``,
  ``adjudication``);
- ``events``: entries of the audit log.

Use::

    with open_store(results / STORE_NAME) as store:                        # to write; read_only=True to read
        for outcome in iter_outcomes(store):                               # streams, in the order of the tables
            outcome.place, outcome.identity, outcome.rows.score["erosion_area_mm2"]
        add_read(store, Read(place="S-001/week-00", photo_id=..., reader="A", round=Round.READ, ...))
        for read in iter_reads(store):
            ...

Numbers are kept unrounded, text as it came; what is missing is NULL. Errors of SQLite become FormatError (no store,
damaged, newer) and OutputError (locked, read-only, disk full), which name the file and what to do.
"""

from oral_lesion.io.results_store.checks import compare_reads_with_log, compare_with_tables
from oral_lesion.io.results_store.database import ResultsStore, check_store, open_store
from oral_lesion.io.results_store.events import add_events, iter_events
from oral_lesion.io.results_store.exports import EXPORTS, export_csv, export_parquet
from oral_lesion.io.results_store.outcomes import (
    ListedPhoto,
    StoredOutcome,
    add_outcome,
    iter_outcomes,
    list_photos,
    stored_place,
    unlisted_photos,
)
from oral_lesion.io.results_store.reads import Read, Round, add_read, iter_reads, reads_sha256
from oral_lesion.io.results_store.runs import RunRecord, begin_run, finish_run, iter_runs
from oral_lesion.io.store import STORE_NAME

__all__ = [
    "EXPORTS",
    "STORE_NAME",
    "ListedPhoto",
    "Read",
    "ResultsStore",
    "Round",
    "RunRecord",
    "StoredOutcome",
    "add_events",
    "add_outcome",
    "add_read",
    "begin_run",
    "check_store",
    "compare_reads_with_log",
    "compare_with_tables",
    "export_csv",
    "export_parquet",
    "finish_run",
    "iter_events",
    "iter_outcomes",
    "iter_reads",
    "iter_runs",
    "list_photos",
    "open_store",
    "reads_sha256",
    "stored_place",
    "unlisted_photos",
]
