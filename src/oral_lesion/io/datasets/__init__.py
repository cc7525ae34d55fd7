"""Labelled pictures: what a data set holds, and how a picture and its mask are read."""

from oral_lesion.io.datasets.pictures import IGNORE_VALUE, LESION_VALUE, LabelledPicture, read_picture

__all__ = ["IGNORE_VALUE", "LESION_VALUE", "LabelledPicture", "read_picture"]
