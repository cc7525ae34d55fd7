"""What a check found, as a table and as JSON."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from oral_lesion.io.csv_tables import TEXT, write_table
from oral_lesion.io.datasets.check import DataSetCheck
from oral_lesion.io.datasets.findings import Severity
from oral_lesion.io.store import RUN_FILE, OutputFolder, write_run_json

__all__ = ["FINDINGS_FILE", "SIZE_BINS_MM", "SIZE_BINS_PX", "check_summary", "size_histogram", "write_check"]

FINDINGS_FILE = "findings.csv"
SIZE_BINS_PX = (0.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)
SIZE_BINS_MM = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Lower edges of equivalent diameters; the last bin has no upper one."""

_COLUMNS = {"severity": TEXT, "code": TEXT, "picture_id": TEXT, "other_id": TEXT, "detail": TEXT}


def write_check(check: DataSetCheck, out: Path, *, overwrite: bool = False) -> None:
    """
    Write findings.csv and run.json.

    Parameters
    ----------
    check : DataSetCheck
        Of a data set.
    out : Path
        Folder, apart from the data set; it appears whole or not at all.
    overwrite : bool
        Replace an earlier check.

    Raises
    ------
    OutputError
        Where the folder cannot be written.
    """
    with OutputFolder(out, inputs=check.dataset.folder, overwrite=overwrite) as folder:
        write_table(folder / FINDINGS_FILE, _COLUMNS, [dataclasses.asdict(finding) for finding in check.findings])
        write_run_json(folder / RUN_FILE, {"command": "data check", **check_summary(check)})


def check_summary(check: DataSetCheck) -> dict[str, Any]:
    """
    Return the counts of a check.

    Parameters
    ----------
    check : DataSetCheck
        Of a data set.

    Returns
    -------
    dict
        For JSON.
    """
    pictures = check.dataset.pictures
    splits = sorted({picture.split for picture in pictures})
    diameters_px = [2.0 * float(np.sqrt(area / np.pi)) for area in check.lesion_areas_px]
    return {
        "data_set": check.dataset.name,
        "licence": check.dataset.licence,
        "split_rule": check.dataset.split_rule,
        "pictures": len(pictures),
        "lesion_pictures": check.lesion_pictures,
        "groups": len({picture.group for picture in pictures}),
        "with_scale": sum(picture.mm_per_px is not None for picture in pictures),
        "splits": {
            split or "(none)": {
                "pictures": sum(picture.split == split for picture in pictures),
                "groups": len({picture.group for picture in pictures if picture.split == split}),
            }
            for split in splits
        },
        "lesions": len(diameters_px),
        "lesion_diameter_px": size_histogram(diameters_px, SIZE_BINS_PX),
        "lesion_diameter_mm": size_histogram(check.diameters_mm, SIZE_BINS_MM),
        "findings": {severity.value: check.count(severity) for severity in Severity},
        "findings_by_code": dict(sorted(Counter(finding.code.value for finding in check.findings).items())),
    }


def size_histogram(diameters: Sequence[float], lower_edges: Sequence[float]) -> dict[str, int]:
    """
    Return how many lesions are of which size.

    Parameters
    ----------
    diameters : sequence of float
        Equivalent diameters: of the circle of the same area.
    lower_edges : sequence of float
        Of the bins, ascending; each holds its lower edge.

    Returns
    -------
    dict of str to int
        By bin, such as ``"4-8"`` and ``"512+"``.
    """
    upper = [f"{edge:g}-{above:g}" for edge, above in pairwise(lower_edges)]
    counts, _ = np.histogram(diameters, bins=[*lower_edges, np.inf])
    return dict(zip([*upper, f"{lower_edges[-1]:g}+"], map(int, counts), strict=True))
