"""Which limits between readers a study goes by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oral_lesion.io.review.settings import ReviewSettings

__all__ = ["limits_of_study"]


def limits_of_study(results: Path, protocol: Path | None) -> ReviewSettings:
    """
    Return the limits that the reads of a study go by.

    Parameters
    ----------
    results : Path
        Results folder of `oral-lesion study`.
    protocol : Path or None
        Protocol file that fills what the study's lacks.

    Returns
    -------
    ReviewSettings
    """
    from oral_lesion.io.review.agreement import review_settings
    from oral_lesion.io.review.corrected import read_study_settings
    from oral_lesion.io.settings import load_study_protocol

    given = None if protocol is None else load_study_protocol(protocol).review
    return review_settings(read_study_settings(results), given)
