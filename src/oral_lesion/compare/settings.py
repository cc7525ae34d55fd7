"""Limits and figures that the comparison of visits depends on."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from oral_lesion.errors import InputError

__all__ = ["ChangeSettings", "ComparisonSettings", "LinkSettings", "RegistrationSettings"]


class _NumbersAboveZero:
    """Base of settings whose numbers are all 0 or more and finite."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for one in fields(self):  # type: ignore[arg-type]
            value = getattr(self, one.name)
            if isinstance(value, int | float) and not 0 <= value < float("inf"):
                raise InputError(f"{type(self).__name__}.{one.name}: expected a finite number >= 0, got {value}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationSettings(_NumbersAboveZero):
    """
    How photos are aligned, and the limits below which a pair is not registered.

    Parameters
    ----------
    working_mm_per_px : float
        Resolution that features are found at.
    most_features : int
        Strongest features of a photo that are kept.
    min_inliers : int
        Mutual matches that agree with the alignment.
    min_inlier_spread_mm : float
        Smaller standard deviation of the inliers' places, along the axis where it is smallest.
    max_scale_deviation : float
        Largest departure of the scale from 1, beside three standard uncertainties of both scales.
    max_anisotropy : float
        Largest ratio of the scales along and across, 1 or more: tissue that was inclined to the card differently.
    max_residual_mm : float
        Largest median distance of held-out matches.
    min_overlap_fraction : float
        Smallest share of the smaller tissue that is in both photos.
    min_correlation : float
        Smallest correlation of the fine structure in the overlap.
    inlier_mm : float
        Distance within which a match agrees with the affine alignment.
    max_displacement_mm : float
        Largest displacement that the refinement may add.
    min_jacobian : float
        Smallest local magnification of the refinement in [0, 1]; below it tissue would fold.
    """

    working_mm_per_px: float = 0.2
    most_features: int = 2500
    min_inliers: int = 12
    min_inlier_spread_mm: float = 2.0
    max_scale_deviation: float = 0.12
    max_anisotropy: float = 1.25
    max_residual_mm: float = 0.8
    min_overlap_fraction: float = 0.3
    min_correlation: float = 0.3
    inlier_mm: float = 1.5
    max_displacement_mm: float = 4.0
    min_jacobian: float = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings(_NumbersAboveZero):
    """
    When lesions of different visits are one.

    Parameters
    ----------
    working_mm_per_px : float
        Resolution that lesions are compared at.
    margin_mm : float
        How far beyond the reference photo lesions of other visits are followed.
    min_overlap_fraction : float
        Share of the smaller of two outlines that must lie in the other to be the same lesion by overlap.
    max_gap_mm : float
        Largest distance between outlines that are the same lesion without such overlap.
    min_covered_fraction : float
        Share of a lesion that must lie in another for it to have merged into it or split from it.
    recall_discount : float
        Factor a visit, in [0, 1], by which an older outline counts less than the latest.
    min_in_view_fraction : float
        Share of a lesion's place that must be in view for it to be called healed, absent or new.
    """

    working_mm_per_px: float = 0.2
    margin_mm: float = 40.0
    min_overlap_fraction: float = 0.3
    max_gap_mm: float = 1.2
    min_covered_fraction: float = 0.5
    recall_discount: float = 0.9
    min_in_view_fraction: float = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSettings(_NumbersAboveZero):
    """
    How uncertainties of two visits combine.

    Parameters
    ----------
    boundary_correlation : float
        Correlation, in [0, 1], of the boundary's errors of two photos scored by one model: their shared part.

    Raises
    ------
    InputError
        Where it is out of range.
    """

    boundary_correlation: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 <= self.boundary_correlation <= 1.0:
            raise InputError(f"boundary_correlation: expected a number in [0, 1], got {self.boundary_correlation}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonSettings:
    """Settings of registration, linking and change; each field documents its own."""

    registration: RegistrationSettings = field(default_factory=RegistrationSettings)
    linking: LinkSettings = field(default_factory=LinkSettings)
    change: ChangeSettings = field(default_factory=ChangeSettings)
