"""What a check of a data set finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "FindingCode", "Severity"]


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class FindingCode(StrEnum):
    """What was found; codes are written to tables: never rename or reuse one."""

    PICTURE_MISSING = "picture-missing"
    PICTURE_UNREADABLE = "picture-unreadable"
    MASK_MISSING = "mask-missing"
    MASK_UNREADABLE = "mask-unreadable"
    SIZE_MISMATCH = "size-mismatch"
    ODD_MASK_VALUES = "odd-mask-values"
    EMPTY_MASK = "empty-mask"
    NO_LESION_LEFT = "no-lesion-left"
    TINY_LESION = "tiny-lesion"
    EXACT_COPY = "exact-copy"
    COPY_LABELLED_OTHERWISE = "copy-labelled-otherwise"
    NEAR_COPY = "near-copy"
    GROUP_IN_TWO_SPLITS = "group-in-two-splits"
    NO_SPLIT = "no-split"
    METADATA = "metadata"
    FILE_NOT_LISTED = "file-not-listed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    One finding.

    Parameters
    ----------
    severity : Severity
        An error spoils figures or stops training; a warning needs a look; a note is to know.
    code : FindingCode
        What.
    picture_id : str
        Of the picture; empty where it is about more than one.
    other_id : str
        Of the other picture of a pair.
    detail : str
        In words, with numbers.
    """

    severity: Severity
    code: FindingCode
    picture_id: str = ""
    other_id: str = ""
    detail: str = ""
