"""What an evaluation may be told."""

from __future__ import annotations

from dataclasses import dataclass

from oral_lesion.errors import InputError

__all__ = ["EvaluationSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSettings:
    """
    How pictures are shown to the model, what counts as a lesion, and how intervals are drawn.

    Parameters
    ----------
    longer_side_px : tuple of int
        Lengths of the longer side at which the model sees pictures without a scale; one evaluation each.
        Pictures with a scale are seen at the model's working resolution.
    smallest_lesion_px : float
        Smallest lesion for the lesion-wise figures, in pixels that the model sees; of pictures without a scale.
    smallest_lesion_mm2 : float
        The same of pictures with a scale, in mm².
    resamples, seed : int
        Of the bootstrap.
    cases : int
        Worst and best pictures on the page, of each as many.
    """

    longer_side_px: tuple[int, ...] = (384,)
    smallest_lesion_px: float = 30.0
    smallest_lesion_mm2: float = 1.0
    resamples: int = 2000
    seed: int = 20260101
    cases: int = 6

    def __post_init__(self) -> None:
        if not self.longer_side_px or not all(32 <= side <= 8192 for side in self.longer_side_px):
            raise InputError(f"longer side: expected 32 to 8192 px, got {self.longer_side_px}; name another")
        if self.resamples < 100:
            raise InputError(f"resamples: expected 100 or more, got {self.resamples}; an interval needs its tails")
        if self.smallest_lesion_px < 0 or self.smallest_lesion_mm2 < 0 or self.cases < 0:
            raise InputError("smallest lesion and cases: expected 0 or more; correct them")
