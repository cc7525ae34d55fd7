"""Figures of a study: areas over time, aligned photos with outlines, repeatability."""

from oral_lesion.adapters.figures.subject_figures import SubjectFigures

__all__ = ["SubjectFigures"]
