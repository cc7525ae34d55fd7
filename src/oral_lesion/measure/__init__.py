"""Measure: from probabilities to lesions, areas in mm² and their uncertainty."""

from oral_lesion.measure.stage import measure

__all__ = ["measure"]
