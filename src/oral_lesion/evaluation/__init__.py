"""Judging a model on labelled pictures: a table, figures with intervals, and a page to look at."""

from oral_lesion.evaluation.pictures import Pictures, find_pictures
from oral_lesion.evaluation.run import Evaluation, Round, evaluate_pictures
from oral_lesion.evaluation.settings import EvaluationSettings

__all__ = ["Evaluation", "EvaluationSettings", "Pictures", "Round", "evaluate_pictures", "find_pictures"]
