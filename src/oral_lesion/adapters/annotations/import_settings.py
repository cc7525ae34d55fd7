"""What an import is told: classes, groups, splits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from oral_lesion.adapters.annotations.records import PictureLabels
from oral_lesion.errors import FormatError, InputError

__all__ = ["AnnotationFormat", "ClassPlan", "GroupRule", "ImportSettings", "SplitPlan"]

_ATTRIBUTE, _REGEX = "attribute:", "regex:"


class AnnotationFormat(StrEnum):
    """Whose labels."""

    COCO = "coco"
    LABELME = "labelme"
    VIA = "via"
    CVAT = "cvat"
    FOLDERS = "folders"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPlan:
    """
    What becomes of each class.

    Parameters
    ----------
    lesion : tuple of str
        Drawn as lesion (255).
    ignored : tuple of str
        Drawn as ignored (128), below lesions.
    other : tuple of str
        Not drawn.
    """

    lesion: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    other: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        named = [*self.lesion, *self.ignored, *self.other]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise InputError(f"classes: expected each once, got {', '.join(twice)} more than once")
        if not self.lesion:
            raise InputError("classes: expected one that is the lesion; name it with --lesion-class")


@dataclass(frozen=True, slots=True)
class GroupRule:
    """
    Which pictures belong together.

    Parameters
    ----------
    text : str
        ``"file"``, ``"folder"``, ``"attribute:NAME"`` or ``"regex:PATTERN"``, whose first group is taken.
    """

    text: str = "file"

    def __post_init__(self) -> None:
        text = self.text
        known = text in {"file", "folder"} or (text.startswith(_ATTRIBUTE) and len(text) > len(_ATTRIBUTE))
        if text.startswith(_REGEX):
            try:
                known = re.compile(text.removeprefix(_REGEX)).groups >= 1
            except re.error as error:
                raise InputError(f"group: no regular expression ({error}): {text.removeprefix(_REGEX)!r}") from error
        if not known:
            raise InputError(
                f"group: expected file, folder, attribute:NAME or regex:PATTERN with a group in brackets, got {text!r}"
            )

    def group_of(self, picture: PictureLabels) -> str:
        """
        Return the group of a picture.

        Parameters
        ----------
        picture : PictureLabels
            With its attributes.

        Returns
        -------
        str
            Never empty.

        Raises
        ------
        FormatError
            Where the rule gives none for this picture.
        """
        path = PurePosixPath(picture.file)
        if self.text == "file":
            return path.with_suffix("").as_posix()
        if self.text == "folder":
            group = path.parent.as_posix() if len(path.parts) > 1 else ""
        elif self.text.startswith(_ATTRIBUTE):
            group = picture.attributes.get(self.text.removeprefix(_ATTRIBUTE), "")
        else:
            found = re.search(self.text.removeprefix(_REGEX), picture.file)
            group = (found.group(1) or "") if found else ""
        if not group.strip():
            known = ", ".join(sorted(picture.attributes)) or "none"
            raise FormatError(f"no group by {self.text!r} (attributes: {known}); correct the rule or the labels")
        return group.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPlan:
    """
    How pictures are divided.

    Parameters
    ----------
    rule : str
        ``"group"``, ``"none"`` or ``"attribute:NAME"``.
    validation_fraction : float
        For ``"group"``.
    seed : int
        For ``"group"``.
    """

    rule: str = "group"
    validation_fraction: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        named = self.rule.startswith(_ATTRIBUTE) and len(self.rule) > len(_ATTRIBUTE)
        if self.rule not in {"group", "none"} and not named:
            raise InputError(f"split rule: expected group, none or attribute:NAME, got {self.rule!r}")
        if not 0 <= self.validation_fraction < 1:
            raise InputError(f"validation: expected at least 0 and below 1, got {self.validation_fraction}")

    @property
    def attribute(self) -> str | None:
        """Name of the attribute that holds the split; None where the split is drawn or there is none."""
        return self.rule.removeprefix(_ATTRIBUTE) if self.rule.startswith(_ATTRIBUTE) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSettings:
    """
    An import.

    Parameters
    ----------
    format : AnnotationFormat
        Of the labels.
    source : Path
        File or folder of the labels.
    pictures : Path or None
        Folder that picture names are relative to; None takes the folder of the labels.
    name, licence, origin : str
        For dataset.toml; `origin` is its ``source``.
    classes : ClassPlan
        What is lesion.
    group : GroupRule
        Which pictures belong together.
    split : SplitPlan
        How they are divided.
    table : Path or None
        CSV file with the column ``file``: its other columns become attributes.
    columns : tuple of str
        Attributes to be kept as columns of photos.csv, beside weight, mm_per_px and confidence.
    class_attribute : str or None
        Of VIA's regions.
    """

    format: AnnotationFormat
    source: Path
    pictures: Path | None = None
    name: str
    licence: str
    origin: str
    classes: ClassPlan
    group: GroupRule = GroupRule()
    split: SplitPlan = SplitPlan()
    table: Path | None = None
    columns: tuple[str, ...] = ()
    class_attribute: str | None = None
