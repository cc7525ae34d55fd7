"""Exceptions, reasons, refusals and flags: everything that can go other than well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "BundleError",
    "Fault",
    "Flag",
    "FormatError",
    "InputError",
    "MissingExtraError",
    "OralLesionError",
    "OutputError",
    "Reason",
    "Refusal",
    "Refused",
    "SettingsError",
]


class Reason(StrEnum):
    """
    Why a photo has no measurement.

    The codes are written to tables and audit trails: never rename, renumber or reuse one.
    """

    UNREADABLE = "unreadable"
    TOO_LARGE = "too-large"
    TOO_SMALL = "too-small"
    NOT_COLOR = "not-color"
    NO_CARD = "no-card"
    CARD_CUT = "card-cut"
    SEVERAL_CARDS = "several-cards"
    WRONG_CARD = "wrong-card"
    CARD_CLIPPED = "card-clipped"
    CARD_DARK = "card-dark"
    CARD_GLARE = "card-glare"
    BLURRED = "blurred"
    TOO_TILTED = "too-tilted"
    TOO_FAR = "too-far"
    SCALE_UNCERTAIN = "scale-uncertain"
    COLOR_ERROR = "color-error"
    SCALE_CONFLICT = "scale-conflict"
    TOO_WIDE = "too-wide"
    MOTION_BLUR = "motion-blur"
    TISSUE_BLURRED = "tissue-blurred"
    TISSUE_CLIPPED = "tissue-clipped"
    TISSUE_GLARE = "tissue-glare"
    CARD_SMALL = "card-small"
    TOO_NEAR = "too-near"
    JPEG_POOR = "jpeg-poor"
    SCORING_FAILED = "scoring-failed"
    WORKER_CRASHED = "worker-crashed"
    TIME_LIMIT = "time-limit"
    OUT_OF_MEMORY = "out-of-memory"


class Flag(StrEnum):
    """
    A caveat on a photo that was measured all the same.

    The codes are written to tables: never rename, renumber or reuse one.
    """

    SITE_UNKNOWN = "site-unknown"
    MIRROR_UNDECLARED = "mirror-undeclared"
    MIRRORED = "mirrored"
    COLOR_MARGINAL = "color-marginal"
    COLOR_UNCORRECTED = "color-uncorrected"
    WHITE_BALANCE_ONLY = "white-balance-only"
    BLUR_MARGINAL = "blur-marginal"
    SHADING = "shading"
    PATCHES_REJECTED = "patches-rejected"
    LESION_AT_EDGE = "lesion-at-edge"
    DUPLICATE_PHOTO = "duplicate-photo"
    NO_COLOR_PROFILE = "no-color-profile"
    SEVERAL_FRAMES = "several-frames"
    BOUNDARY_VAGUE = "boundary-vague"
    MOTION_MARGINAL = "motion-marginal"
    TISSUE_BLUR_MARGINAL = "tissue-blur-marginal"
    TISSUE_CLIPPING_MARGINAL = "tissue-clipping-marginal"
    TISSUE_GLARE_MARGINAL = "tissue-glare-marginal"
    CARD_SMALL_MARGINAL = "card-small-marginal"
    DISTANCE_MARGINAL = "distance-marginal"
    JPEG_MARGINAL = "jpeg-marginal"
    OUT_OF_DOMAIN = "out-of-domain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """
    The reason why a photo has no measurement.

    Parameters
    ----------
    reason : Reason
        Code, explained in docs/reason-codes.md.
    observed : float or None
        What was measured on the photo, in `unit`; None where nothing could be measured.
    limit : float or None
        What the protocol demands, in `unit`.
    unit : str
        Unit of both numbers, empty where there is none.
    detail : str
        One sentence for the log, without personal data.
    """

    reason: Reason
    observed: float | None = None
    limit: float | None = None
    unit: str = ""
    detail: str = ""


class OralLesionError(Exception):
    """Base of all errors of this package; its text says what, expected, got and the next step."""


class InputError(OralLesionError, ValueError):
    """An argument has the wrong shape, dtype or range."""


class FormatError(OralLesionError):
    """A file is not what it claims to be."""


class MissingExtraError(OralLesionError):
    """A feature needs packages of an extra that is not installed; its text names both."""


class OutputError(OralLesionError):
    """Results cannot be written where they were asked for."""


class BundleError(OralLesionError):
    """A model directory is incomplete, or its content differs from its hashes."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in a settings file: the key and what is wrong with it."""

    key: str
    message: str


class SettingsError(OralLesionError):
    """
    A protocol, card or training file has faults; all are listed at once.

    Parameters
    ----------
    source : str
        File or text that holds the settings.
    faults : sequence of Fault
        Each fault with its key; never empty.
    """

    def __init__(self, source: str, faults: Sequence[Fault]) -> None:
        self.source = source
        self.faults = tuple(faults)
        lines = [f"  {fault.key}: {fault.message}" for fault in self.faults]
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__("\n".join([f"{source}: {count}. Correct and run again:", *lines]))


class Refused(Exception):  # noqa: N818 - not an error: it carries a Refusal to score.py, and is caught there alone
    """
    Internal: carries a `Refusal` from a stage to ``score_photo``.

    Parameters
    ----------
    refusal : Refusal
        Why the photo cannot be measured.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason.value)
        self.refusal = refusal

    def __reduce__(self) -> tuple[type[Refused], tuple[Refusal]]:
        return (Refused, (self.refusal,))
