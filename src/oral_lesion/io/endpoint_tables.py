"""endpoints.csv: one number a row, long."""

from __future__ import annotations

from collections.abc import Sequence

from oral_lesion.io.csv_tables import TEXT, Columns, Row
from oral_lesion.records import EndpointRow

__all__ = ["endpoint_columns", "endpoint_row"]

_DECIMALS = 6


def endpoint_columns(strata: Sequence[str]) -> Columns:
    """
    Return the columns of endpoints.csv.

    Parameters
    ----------
    strata : sequence of str
        The protocol's.

    Returns
    -------
    mapping
        Names and kinds, in order.
    """
    before: Columns = {
        "subject": TEXT, "site": TEXT, "visit": TEXT, "parameter": TEXT, "value": _DECIMALS, "unit": TEXT,
        "not_done_reason": TEXT, "u": _DECIMALS, "u_reason": TEXT, "detail": TEXT, "notes": TEXT,
    }  # fmt: skip
    return {**before, **dict.fromkeys(strata, TEXT), "lesion": TEXT}


def endpoint_row(row: EndpointRow) -> Row:
    """
    Return a row of endpoints.csv.

    Parameters
    ----------
    row : EndpointRow
        One number, or the reason why there is none.

    Returns
    -------
    mapping
        Value of each column.
    """
    return {
        "subject": row.subject_id,
        "site": row.site,
        "visit": row.visit,
        "parameter": row.parameter.value,
        "value": row.value,
        "unit": row.unit,
        "not_done_reason": None if row.not_done_reason is None else row.not_done_reason.value,
        "u": row.u,
        "u_reason": None if row.u_reason is None else row.u_reason.value,
        "detail": row.detail,
        "notes": " ".join(row.notes),
        **dict(row.strata),
        "lesion": row.lesion_id,
    }
