"""The stations of the road from photo to endpoint: frozen records."""

from oral_lesion.records.change import (
    AreaChange,
    ChangeFlag,
    LesionLink,
    LesionState,
    LesionTrack,
    Registration,
    RegistrationFailure,
    RegistrationQuality,
    RepeatabilityProfile,
    VisitLesions,
)
from oral_lesion.records.endpoint import (
    ALL,
    PARAMETER_UNITS,
    EndpointNote,
    EndpointRow,
    LesionSize,
    NotDone,
    Parameter,
    ScoredPhoto,
    SiteVisit,
    UncertaintyGap,
)
from oral_lesion.records.measurement import Lesion, Measurement, PhotoCheck, PhotoScore
from oral_lesion.records.photo import Mirror, Photo, PhotoIdentity, Visit
from oral_lesion.records.quality import LimitCheck, PhotoQuality
from oral_lesion.records.segmentation import BoundaryCalibration, ModelIdentity, Segmentation
from oral_lesion.records.standardized import CardReading, ColorAgreement, Scale, StandardizedPhoto

__all__ = [
    "ALL",
    "PARAMETER_UNITS",
    "AreaChange",
    "BoundaryCalibration",
    "CardReading",
    "ChangeFlag",
    "ColorAgreement",
    "EndpointNote",
    "EndpointRow",
    "Lesion",
    "LesionLink",
    "LesionSize",
    "LesionState",
    "LesionTrack",
    "LimitCheck",
    "Measurement",
    "Mirror",
    "ModelIdentity",
    "NotDone",
    "Parameter",
    "Photo",
    "PhotoCheck",
    "PhotoIdentity",
    "PhotoQuality",
    "PhotoScore",
    "Registration",
    "RegistrationFailure",
    "RegistrationQuality",
    "RepeatabilityProfile",
    "Scale",
    "ScoredPhoto",
    "Segmentation",
    "SiteVisit",
    "StandardizedPhoto",
    "UncertaintyGap",
    "Visit",
    "VisitLesions",
]
