"""The protocol: how one photo is scored. Its five steps are the five headings of docs/protocol.md."""

from __future__ import annotations

from oral_lesion.errors import Flag, Refusal, Refused
from oral_lesion.measure import measure
from oral_lesion.protocol import ScoringProtocol
from oral_lesion.records import CardReading, Photo, PhotoCheck, PhotoQuality, PhotoScore, StandardizedPhoto
from oral_lesion.segment import Segmenter, segment
from oral_lesion.standardize import measure_quality, read_card, require_acceptable, require_quality, standardize

__all__ = ["check_photo", "score_photo"]


def score_photo(photo: Photo, *, protocol: ScoringProtocol, segmenter: Segmenter) -> PhotoScore:
    """
    Score one photo: its measurement, or the reason why there is none.

    Parameters
    ----------
    photo : Photo
        Upright, in sRGB.
    protocol : ScoringProtocol
        All settings.
    segmenter : Segmenter
        Gives the probability of erosion for a standardized photo.

    Returns
    -------
    PhotoScore
        With what was known when the outcome was reached: a refused photo keeps its card where that was read.
    """
    checked = check_photo(photo, protocol=protocol)
    if checked.refusal is not None:
        return PhotoScore(
            identity=photo.identity,
            outcome=checked.refusal,
            card=checked.card,
            standardized=checked.standardized,
            quality=checked.quality,
            flags=checked.flags,
        )
    standardized, card = checked.stations
    segmentation = segment(standardized, segmenter, threshold=protocol.segmentation.threshold)
    measurement = measure(
        segmentation, standardized.scale, smallest_lesion_mm2=protocol.segmentation.smallest_lesion_mm2
    )
    return PhotoScore(
        identity=photo.identity,
        outcome=measurement,
        card=card,
        standardized=standardized,
        segmentation=segmentation,
        quality=checked.quality,
        flags=_each_once(checked, segmentation, measurement),
    )


def check_photo(photo: Photo, *, protocol: ScoringProtocol) -> PhotoCheck:
    """
    Tell whether a photo can be measured: read its card, standardize it, require that it is acceptable.

    Parameters
    ----------
    photo : Photo
        Upright, in sRGB.
    protocol : ScoringProtocol
        All settings.

    Returns
    -------
    PhotoCheck
        Without a refusal where it can.
    """
    card: CardReading | None = None
    standardized: StandardizedPhoto | None = None
    quality: PhotoQuality | None = None
    refusal: Refusal | None = None
    try:
        card = read_card(photo, protocol.card, limits=protocol.limits, uncertainty=protocol.uncertainty)
        standardized = standardize(photo, card, protocol.card, protocol.standardization, protocol.uncertainty)
        require_acceptable(card, standardized, protocol.limits)
        quality = measure_quality(photo, card, standardized, protocol.card, protocol.limits)
        require_quality(quality)
    except Refused as refused:
        refusal = refused.refusal
        quality = quality or measure_quality(photo, card, standardized, protocol.card, protocol.limits)
    return PhotoCheck(
        identity=photo.identity,
        refusal=refusal,
        card=card,
        standardized=standardized,
        quality=quality,
        flags=_each_once(photo, card, standardized, quality),
    )


def _each_once(*stations: object) -> tuple[Flag, ...]:
    return tuple(sorted({flag for station in stations for flag in getattr(station, "flags", ())}))
