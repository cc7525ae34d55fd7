"""Labelled pictures: what a data set holds, how it is read, split and checked."""

from oral_lesion.io.datasets.dataset import DataSet, open_dataset
from oral_lesion.io.datasets.pictures import IGNORE_VALUE, LESION_VALUE, LabelledPicture, read_picture
from oral_lesion.io.datasets.splits import assign_splits_by_group, folds_by_group

__all__ = [
    "IGNORE_VALUE",
    "LESION_VALUE",
    "DataSet",
    "LabelledPicture",
    "assign_splits_by_group",
    "folds_by_group",
    "open_dataset",
    "read_picture",
]
