"""What changed between visits: how photos were aligned, what became of each lesion, and by how much areas differ."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import InputError
from oral_lesion.records._arrays import ArrayRecord

__all__ = [
    "AreaChange",
    "ChangeFlag",
    "LesionLink",
    "LesionState",
    "LesionTrack",
    "Registration",
    "RegistrationFailure",
    "RegistrationQuality",
    "RepeatabilityProfile",
    "VisitLesions",
]


class RegistrationFailure(StrEnum):
    """
    Why a follow-up could not be aligned to its baseline.

    The codes are written to tables: never rename, renumber or reuse one.
    """

    FEW_FEATURES = "few-features"
    FEW_INLIERS = "few-inliers"
    INLIERS_CLUSTERED = "inliers-clustered"
    SCALE_IMPLAUSIBLE = "scale-implausible"
    SHEAR_IMPLAUSIBLE = "shear-implausible"
    RESIDUAL_LARGE = "residual-large"
    OVERLAP_SMALL = "overlap-small"
    PICTURES_DIFFER = "pictures-differ"


class RegistrationQuality(StrEnum):
    """How far a registration stays from its limits."""

    GOOD = "good"
    FAIR = "fair"
    FAILED = "failed"


class ChangeFlag(StrEnum):
    """
    A caveat on the change between two visits.

    The codes are written to tables: never rename, renumber or reuse one.
    """

    SAME_PHOTO = "same-photo"
    NOT_REGISTERED = "not-registered"
    BASELINE_ZERO = "baseline-zero"
    MIRRORED_PAIR = "mirrored-pair"


class LesionState(StrEnum):
    """
    What a lesion is at one visit.

    The codes are written to tables: never rename, renumber or reuse one.
    """

    FIRST_SEEN = "first-seen"
    NEW = "new"
    PERSISTENT = "persistent"
    HEALED = "healed"
    MERGED = "merged"
    SPLIT = "split"
    ABSENT = "absent"
    NOT_IN_VIEW = "not-in-view"
    NOT_ASSESSED = "not-assessed"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Registration(ArrayRecord):
    """
    Alignment of a follow-up's standardized photo to the baseline's.

    A point goes through the matrix first; the displacement at the place where it arrives is then added. What was
    found of a pair that is not registered is kept for the report, but its matrix is not.

    Parameters
    ----------
    registered : bool
        Whether all limits are kept.
    failure : RegistrationFailure or None
        The first limit that was missed; None where registered.
    observed, limit : float or None
        What was found and what is demanded, for the limit that was missed.
    quality : RegistrationQuality
        ``good``, ``fair`` or ``failed``.
    mirrored : bool
        Whether the follow-up shows the tissue mirrored in comparison with the baseline.
    matches : int
        Mutual matches of features.
    inliers : int
        Those that agree with the alignment.
    residual_mm : float or None
        Median distance between matched features that were held out of the fit.
    overlap_fraction : float or None
        Share of the smaller of both tissues in view that lies in both photos.
    correlation : float or None
        Normalised correlation of the fine structure of both photos where they overlap, in [-1, 1].
    baseline_xy_from_follow_up_xy : ndarray of float64, shape (3, 3), or None
        Affine matrix from the follow-up's standardized pixels to the baseline's, on (x, y, 1) columns.
    displacement_xy_px : ndarray of float32, shape (rows, columns, 2), or None
        Smooth displacement (x, y) in baseline pixels on a lattice over the baseline's picture; None without refinement.
    displacement_step_px : float
        Spacing of the lattice; its first node is pixel (0, 0). 0 without refinement.
    """

    registered: bool
    failure: RegistrationFailure | None
    observed: float | None = None
    limit: float | None = None
    quality: RegistrationQuality = RegistrationQuality.FAILED
    mirrored: bool = False
    matches: int = 0
    inliers: int = 0
    residual_mm: float | None = None
    overlap_fraction: float | None = None
    correlation: float | None = None
    baseline_xy_from_follow_up_xy: NDArray[np.float64] | None = None
    displacement_xy_px: NDArray[np.float32] | None = None
    displacement_step_px: float = 0.0

    def __post_init__(self) -> None:
        if self.registered != (self.failure is None) or self.registered != (self.matrix_known):
            raise InputError(
                "Registration: expected a matrix and no failure where registered, and a failure and no matrix where "
                f"not; got registered={self.registered}, failure={self.failure}, matrix known={self.matrix_known}."
            )
        if self.baseline_xy_from_follow_up_xy is not None:
            self._freeze("baseline_xy_from_follow_up_xy", dtype=np.float64, shape=(3, 3))
        if self.displacement_xy_px is not None:
            self._freeze("displacement_xy_px", dtype=np.float32, shape=(None, None, 2))

    @property
    def matrix_known(self) -> bool:
        """Whether there is a matrix."""
        return self.baseline_xy_from_follow_up_xy is not None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VisitLesions(ArrayRecord):
    """
    What one visit shows of a site, in the frame that all visits share.

    Parameters
    ----------
    visit : str
        Name of the visit.
    labels : ndarray of int32, shape (height, width), or None
        Label of the measured lesion at each pixel, 0 where none; None where the visit cannot be linked: no photo, a
        refused photo, or one that is not registered.
    in_view : ndarray of bool, shape (height, width), or None
        Where the photo shows tissue.
    areas_mm2 : tuple of (int, float)
        Label and measured area of each lesion, from the photo's own measurement.
    mm_per_px : float
        Of the shared frame.
    """

    visit: str
    labels: NDArray[np.int32] | None
    in_view: NDArray[np.bool_] | None
    areas_mm2: tuple[tuple[int, float], ...]
    mm_per_px: float

    def __post_init__(self) -> None:
        if (self.labels is None) != (self.in_view is None):
            raise InputError("VisitLesions: expected both labels and in_view, or neither.")
        if self.labels is not None:
            self._freeze("labels", dtype=np.int32, shape=(None, None))
            self._freeze("in_view", dtype=np.bool_, shape=self.labels.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionLink:
    """
    One lesion at one visit.

    Parameters
    ----------
    visit : str
        Name of the visit.
    state : LesionState
        What the lesion is at this visit.
    labels : tuple of int
        Labels of the visit's lesions that it is; empty where there is none or where that is not known.
    area_mm2 : float or None
        Sum of the measured areas of `labels`; 0 where healed; None where not known, absent or merged into another.
    into : str or None
        Id of the lesion that it merged into, or that it split from.
    """

    visit: str
    state: LesionState
    labels: tuple[int, ...] = ()
    area_mm2: float | None = None
    into: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionTrack:
    """
    One lesion through all visits of a site.

    Parameters
    ----------
    lesion_id : str
        Site and number by first appearance, such as ``buccal-left-01``.
    site : str
        Code of docs/sites.md.
    links : tuple of LesionLink
        One a visit, in the visits' order, missing and refused visits included.
    """

    lesion_id: str
    site: str
    links: tuple[LesionLink, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatabilityProfile:
    """
    Repeatability coefficient of an area as a function of the area.

    Parameters
    ----------
    points : tuple of (float, float)
        (area_mm2, rc_mm2), areas positive and rising.
    source : str
        Study that it was taken from.

    Raises
    ------
    InputError
        Where there is no point, or areas do not rise, or a number is not finite or is negative.
    """

    points: tuple[tuple[float, float], ...]
    source: str = ""

    def __post_init__(self) -> None:
        areas = [area for area, _ in self.points]
        numbers = [number for point in self.points for number in point]
        rises = all(first < second for first, second in itertools.pairwise(areas))
        if not areas or not rises or areas[0] <= 0 or not all(math.isfinite(n) and n >= 0 for n in numbers):
            raise InputError(
                "RepeatabilityProfile.points: expected (area_mm2, rc_mm2) with positive, rising areas and coefficients "
                f"of 0 or more, got {self.points}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaChange:
    """
    Difference of the erosion area between a baseline and a follow-up.

    Parameters
    ----------
    baseline_mm2, follow_up_mm2 : float
        Measured areas, each in its own photo.
    change_mm2 : float or None
        Follow-up minus baseline; None where both are the same photo, which says nothing of change.
    u_change_mm2 : float or None
        Standard uncertainty (k = 1); None also where both areas are 0, for the chance of a missed lesion is not known.
        Where one is 0 it is that of the other alone.
    change_percent : float or None
        100 × change / baseline; None where the baseline is 0 (flag ``baseline-zero``) or there is no change.
    u_change_percent : float or None
        Standard uncertainty (k = 1); None also where the follow-up is 0: -100 % whatever the baseline's error.
    exceeds_repeatability : bool or None
        Whether the change is larger than repeating the measurement would give; None where that is not known.
    flags : tuple of ChangeFlag
        Caveats, in alphabetical order.
    """

    baseline_mm2: float
    follow_up_mm2: float
    change_mm2: float | None
    u_change_mm2: float | None
    change_percent: float | None
    u_change_percent: float | None
    exceeds_repeatability: bool | None
    flags: tuple[ChangeFlag, ...] = ()
