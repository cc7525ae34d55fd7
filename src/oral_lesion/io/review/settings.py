"""The protocol's rules for reads by people: every key must be there, nothing is assumed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ReviewSettings"]


class ReviewSettings(BaseModel):
    """
    The section ``[review]`` of a protocol, which may be left out; docs/review.md says what each key decides.

    Two reads differ beyond the limits where their areas differ by more than both `max_area_difference_mm2` and
    `max_area_difference_percent` of their mean, or where their Dice coefficient is below `min_dice`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)

    readers: Literal[1, 2]
    max_area_difference_mm2: Annotated[float, Field(ge=0)]
    max_area_difference_percent: Annotated[float, Field(ge=0)]
    min_dice: Annotated[float, Field(ge=0, le=1)]
