"""The stations of the road from photo to endpoint: frozen records."""

from oral_lesion.records.measurement import Lesion, Measurement, PhotoCheck, PhotoScore
from oral_lesion.records.photo import Mirror, Photo, PhotoIdentity, Visit
from oral_lesion.records.quality import LimitCheck, PhotoQuality
from oral_lesion.records.segmentation import ModelIdentity, Segmentation
from oral_lesion.records.standardized import CardReading, ColorAgreement, Scale, StandardizedPhoto

__all__ = [
    "CardReading",
    "ColorAgreement",
    "Lesion",
    "LimitCheck",
    "Measurement",
    "Mirror",
    "ModelIdentity",
    "Photo",
    "PhotoCheck",
    "PhotoIdentity",
    "PhotoQuality",
    "PhotoScore",
    "Scale",
    "Segmentation",
    "StandardizedPhoto",
    "Visit",
]
