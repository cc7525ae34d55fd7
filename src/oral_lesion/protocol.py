"""The scoring protocol: every setting that a measurement depends on, frozen and hashable, without hidden defaults."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from oral_lesion.errors import Fault, SettingsError

__all__ = [
    "CardDefinition",
    "CardMarker",
    "CardMarkers",
    "CardRuler",
    "Limits",
    "ReferencePatch",
    "ScoringProtocol",
    "SegmentationSettings",
    "StandardizationSettings",
    "UncertaintySettings",
    "faults_of",
]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Ratio = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)


class ReferencePatch(_Settings):
    """One patch of a card: its name and its reference colour as CIELAB (D50, 2 degree observer)."""

    name: str
    lab_d50: tuple[float, float, float]


class CardMarker(_Settings):
    """One ArUco marker of a card: its id and its middle, in mm from the card's upper left corner (x right, y down)."""

    id: Annotated[int, Field(ge=0, le=49)]
    xy_mm: tuple[Positive, Positive]


class CardMarkers(_Settings):
    """The ArUco markers of a card, upright on it; a marker is six modules wide, its black border included."""

    dictionary: Literal["4x4_50"]
    module_mm: Positive
    placed: Annotated[tuple[CardMarker, ...], Field(min_length=3)]

    @property
    def side_mm(self) -> float:
        """Width of a marker, its black border included."""
        return 6.0 * self.module_mm


class CardRuler(_Settings):
    """A ruler with mm ticks along x: its zero on the base line, in mm from the card's upper left corner."""

    start_xy_mm: tuple[Positive, Positive]
    length_mm: Annotated[int, Field(ge=10)]
    line_mm: Positive = 0.15

    @property
    def ticks_mm(self) -> tuple[tuple[float, float], ...]:
        """Place and length of each tick, up from the base line: longer at 5 mm, longest at 10 mm."""
        return tuple(
            (float(tick), (1.4, 2.0, 2.6)[(tick % 5 == 0) + (tick % 10 == 0)]) for tick in range(self.length_mm + 1)
        )


class CardDefinition(_Settings):
    """
    A colour card: its layout in mm and its reference colours.

    Patches run along the card's rows, the first row first. `pitch_mm` and `patch_mm` hold along the rows,
    `pitch_y_mm` and `patch_y_mm` across them (None: the same, square patches). `outer_mm` is (width, height) of the
    whole card, taken as centred on its patches; None where it is unknown.

    A card with `markers` takes scale and pose from them. Its colours are measured batch by batch: `nominal_colors` says
    that `patches` holds what was sent to the printer, which corrects no photo, and `batch` names the batch measured.
    """

    name: str
    title: str
    rows: Annotated[int, Field(ge=1)]
    columns: Annotated[int, Field(ge=1)]
    pitch_mm: Positive
    patch_mm: Positive
    pitch_y_mm: Positive | None = None
    patch_y_mm: Positive | None = None
    outer_mm: tuple[Positive, Positive] | None = None
    u_pitch_percent: NotNegative
    reference: str
    patches: tuple[ReferencePatch, ...]
    markers: CardMarkers | None = None
    ruler: CardRuler | None = None
    nominal_colors: bool = False
    batch: str | None = None

    @model_validator(mode="after")
    def _patches_fill_the_grid(self) -> CardDefinition:
        if len(self.patches) != self.rows * self.columns:
            raise ValueError(
                f"patches: {self.rows} rows of {self.columns} need {self.rows * self.columns}, got {len(self.patches)}"
            )
        if self.patch_mm >= self.pitch_mm:
            raise ValueError(f"patch_mm must be below pitch_mm, got {self.patch_mm} and {self.pitch_mm}")
        if self.patch_xy_mm[1] >= self.pitch_xy_mm[1]:
            raise ValueError(f"patch_y_mm must be below pitch_y_mm, got {self.patch_xy_mm[1]}, {self.pitch_xy_mm[1]}")
        return self

    @model_validator(mode="after")
    def _markers_lie_on_the_card(self) -> CardDefinition:
        if self.markers is None:
            return self
        if self.outer_mm is None:
            raise ValueError("outer_mm: a card with markers needs it, for they are placed from the card's corner")
        ids = [marker.id for marker in self.markers.placed]
        if len(set(ids)) < len(ids):
            raise ValueError(f"markers.placed: each id once, got {ids}")
        half = self.markers.side_mm / 2.0
        for marker in self.markers.placed:
            if any(not half <= at <= size - half for at, size in zip(marker.xy_mm, self.outer_mm, strict=True)):
                raise ValueError(f"markers.placed: marker {marker.id} reaches over the card's border")
        return self

    @property
    def pitch_xy_mm(self) -> tuple[float, float]:
        """Distance of neighbouring patch centres along the rows and across them."""
        return self.pitch_mm, self.pitch_mm if self.pitch_y_mm is None else self.pitch_y_mm

    @property
    def patch_xy_mm(self) -> tuple[float, float]:
        """Width and height of a patch."""
        return self.patch_mm, self.patch_mm if self.patch_y_mm is None else self.patch_y_mm

    @property
    def first_patch_xy_mm(self) -> tuple[float, float] | None:
        """Middle of the first patch, from the card's upper left corner; None where the card's size is unknown."""
        if self.outer_mm is None:
            return None
        (wide, high), (pitch_x, pitch_y) = self.outer_mm, self.pitch_xy_mm
        return (wide - (self.columns - 1) * pitch_x) / 2.0, (high - (self.rows - 1) * pitch_y) / 2.0


class StandardizationSettings(_Settings):
    """How a photo is brought to standard colour and scale."""

    working_mm_per_px: Positive
    max_working_megapixels: Positive


class Limits(_Settings):
    """What a photo must reach to be measured."""

    min_pitch_px: Positive
    max_mm_per_px: Positive
    max_tilt_deg: Annotated[float, Field(gt=0, lt=90)]
    max_blur_mm: Positive
    max_blur_pitch_ratio: Positive
    min_accepted_patches: Annotated[int, Field(ge=6)]
    max_clipped_patches: Annotated[int, Field(ge=0)]
    min_white_linear: Ratio
    max_u_scale_percent: Positive
    max_delta_e00_median: Positive
    max_delta_e00_max: Positive
    max_motion_blur_mm: Positive
    max_tissue_blur_mm: Positive
    max_tissue_clipped_percent: Percent
    max_tissue_glare_percent: Percent
    min_card_share_percent: Percent
    min_working_distance_mm: NotNegative
    min_jpeg_quality: Annotated[int, Field(ge=0, le=100)]


class SegmentationSettings(_Settings):
    """How probabilities become lesions; `threshold` is a number or ``"bundle"``, the model's own."""

    threshold: Annotated[float, Field(gt=0, lt=1)] | Literal["bundle"]
    smallest_lesion_mm2: NotNegative


class UncertaintySettings(_Settings):
    """Prior knowledge that enters the uncertainty budget of the scale."""

    card_plane_offset_mm: NotNegative
    working_distance_mm: Positive
    max_lesion_plane_tilt_deg: Annotated[float, Field(ge=0, lt=90)]


class ScoringProtocol(_Settings):
    """All settings of a scoring run; equal settings have equal hashes."""

    schema_version: Literal[2]
    name: str
    version: str
    card: CardDefinition
    standardization: StandardizationSettings
    limits: Limits
    segmentation: SegmentationSettings
    uncertainty: UncertaintySettings

    @property
    def sha256(self) -> str:
        """SHA-256 of the settings as canonical JSON, the card's definition included."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], *, source: str) -> ScoringProtocol:
        """
        Build a protocol from nested settings.

        Parameters
        ----------
        settings : mapping
            As read from TOML, with the card's definition in place of its name.
        source : str
            File name for the error message.

        Returns
        -------
        ScoringProtocol

        Raises
        ------
        SettingsError
            With all faults at once, each with its key.
        """
        try:
            return cls.model_validate(settings)
        except ValidationError as error:
            raise SettingsError(source, faults_of(error)) from error


def faults_of(error: ValidationError) -> list[Fault]:
    """
    Return pydantic's complaints as faults.

    Parameters
    ----------
    error : ValidationError
        With one complaint or more.

    Returns
    -------
    list of Fault
        Each with its dotted key.
    """
    return [
        Fault(".".join(str(part) for part in complaint["loc"]) or "(whole file)", complaint["msg"])
        for complaint in error.errors(include_url=False)
    ]
