"""Segment: a probability of erosion for every pixel of a standardized photo, and the mask it gives."""

from oral_lesion.segment.segmenter import PredictingSegmenter, Prediction, Segmenter
from oral_lesion.segment.stage import segment

__all__ = ["PredictingSegmenter", "Prediction", "Segmenter", "segment"]
