"""The annotation tools that readers may work with."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ReviewFormat"]


class ReviewFormat(StrEnum):
    """Whose files readers work with."""

    LABELME = "labelme"
    COCO = "coco"
    CVAT = "cvat"
