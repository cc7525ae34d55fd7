"""Check a data set: files, masks, copies, groups."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from oral_lesion.errors import FormatError
from oral_lesion.io.datasets.clean_pixels import metadata_kinds
from oral_lesion.io.datasets.dataset import DataSet, open_dataset, read_dataset_settings
from oral_lesion.io.datasets.findings import Finding, FindingCode, Severity
from oral_lesion.io.datasets.near_copies import Fingerprint, fingerprint_of, near_copies
from oral_lesion.io.datasets.pictures import IGNORE_VALUE, LESION_VALUE, LabelledPicture, read_picture

__all__ = ["DataSetCheck", "check_dataset"]

_TINY_PX = 16
_SAME_LABELS = 0.999


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSetCheck:
    """
    A checked data set.

    Parameters
    ----------
    dataset : DataSet
        All its pictures.
    findings : tuple of Finding
        Errors first.
    lesion_areas_px : tuple of int
        Pixels of each lesion (8-connected) of each readable picture.
    diameters_mm : tuple of float
        Equivalent diameters of the lesions of pictures whose scale is known.
    lesion_pictures : int
        Readable pictures whose mask holds a lesion.
    """

    dataset: DataSet
    findings: tuple[Finding, ...]
    lesion_areas_px: tuple[int, ...]
    diameters_mm: tuple[float, ...]
    lesion_pictures: int

    @property
    def clean(self) -> bool:
        """Whether there is neither error nor warning."""
        return all(finding.severity is Severity.NOTE for finding in self.findings)

    def count(self, severity: Severity) -> int:
        """
        Return the number of findings of a severity.

        Parameters
        ----------
        severity : Severity
            Which.

        Returns
        -------
        int
        """
        return sum(finding.severity is severity for finding in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Seen:
    """A picture that could be read, without its pixels."""

    picture: LabelledPicture
    sha256: str
    fingerprint: Fingerprint
    areas_px: tuple[int, ...]


def check_dataset(folder: Path, *, on_checked: Callable[[int, int], None] | None = None) -> DataSetCheck:
    """
    Read every picture and mask of a data set, and tell what is wrong.

    Parameters
    ----------
    folder : Path
        Of the data set.
    on_checked : callable or None
        Called after each picture with the number done and the number of all.

    Returns
    -------
    DataSetCheck

    Raises
    ------
    SettingsError
        Where dataset.toml or photos.csv have faults.
    """
    dataset = open_dataset(folder)
    split_wanted = read_dataset_settings(folder).split_rule != "none"
    findings: list[Finding] = []
    seen: list[_Seen] = []
    for number, picture in enumerate(dataset.pictures, start=1):
        looked_at = _look_at(picture, findings)
        if looked_at is not None:
            seen.append(looked_at)
        if on_checked is not None:
            on_checked(number, len(dataset.pictures))
    findings += _split_findings(dataset.pictures, wanted=split_wanted)
    findings += _copies(seen)
    findings += _not_listed(dataset)
    order = list(Severity)
    findings.sort(key=lambda f: (order.index(f.severity), f.code, f.picture_id, f.other_id, f.detail))
    return DataSetCheck(
        dataset=dataset,
        findings=tuple(findings),
        lesion_areas_px=tuple(area for one in seen for area in one.areas_px),
        diameters_mm=tuple(
            2.0 * float(np.sqrt(area / np.pi)) * one.picture.mm_per_px
            for one in seen
            for area in one.areas_px
            if one.picture.mm_per_px is not None
        ),
        lesion_pictures=sum(bool(one.areas_px) for one in seen),
    )


def _look_at(picture: LabelledPicture, findings: list[Finding]) -> _Seen | None:
    """Read a picture and its mask; None where that cannot be."""

    def found(severity: Severity, code: FindingCode, detail: str = "") -> None:
        findings.append(Finding(severity=severity, code=code, picture_id=picture.picture_id, detail=detail))

    if not picture.image.is_file():
        found(Severity.ERROR, FindingCode.PICTURE_MISSING, f"no file {picture.image.name}")
        return None
    if picture.mask is not None and not picture.mask.is_file():
        found(Severity.ERROR, FindingCode.MASK_MISSING, f"no file {picture.mask.name}")
        return None
    try:
        srgb, labels = read_picture(picture)
    except FormatError:
        found(*_why_unreadable(picture))
        return None
    kinds = metadata_kinds(picture.image.read_bytes())
    if kinds:
        found(Severity.WARNING, FindingCode.METADATA, f"the file holds {', '.join(kinds)}; import it again")
    areas_px = _mask_findings(picture, labels, found)
    return _Seen(
        picture=picture,
        sha256=hashlib.sha256(str(srgb.shape).encode() + srgb.tobytes()).hexdigest(),
        fingerprint=fingerprint_of(srgb),
        areas_px=areas_px,
    )


def _why_unreadable(picture: LabelledPicture) -> tuple[Severity, FindingCode, str]:
    sizes = []
    for file, code in ((picture.image, FindingCode.PICTURE_UNREADABLE), (picture.mask, FindingCode.MASK_UNREADABLE)):
        pixels = None if file is None else cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        if file is not None and pixels is None:
            return Severity.ERROR, code, f"{file.name} is no readable PNG or JPEG"
        if pixels is not None:
            sizes.append(f"{pixels.shape[1]}×{pixels.shape[0]} px")
    return Severity.ERROR, FindingCode.SIZE_MISMATCH, f"picture and mask: {' and '.join(sizes)}"


def _mask_findings(
    picture: LabelledPicture, labels: NDArray[np.uint8], found: Callable[[Severity, FindingCode, str], None]
) -> tuple[int, ...]:
    """Note what is odd about a mask; return the areas of its lesions."""
    if picture.mask is None:
        return ()
    values = np.unique(np.asarray(cv2.imread(str(picture.mask), cv2.IMREAD_GRAYSCALE)))
    odd = [int(value) for value in values if value not in {0, IGNORE_VALUE, LESION_VALUE}]
    if odd:
        shown = ", ".join(map(str, odd[:5])) + (" …" if len(odd) > 5 else "")
        found(Severity.WARNING, FindingCode.ODD_MASK_VALUES, f"{len(odd)} values beside 0, 128 and 255: {shown}")
    if not labels.any():
        found(Severity.NOTE, FindingCode.EMPTY_MASK, "a mask without lesion; an empty cell says the same")
        return ()
    lesion = np.ascontiguousarray(labels == LESION_VALUE, dtype=np.uint8)
    count, _, statistics, _ = cv2.connectedComponentsWithStats(lesion, connectivity=8)
    areas = tuple(int(area) for area in statistics[1:count, cv2.CC_STAT_AREA])
    if not areas:
        found(Severity.NOTE, FindingCode.NO_LESION_LEFT, "the mask holds ignored pixels alone")
    tiny = [area for area in areas if area < _TINY_PX]
    if tiny:
        found(
            Severity.NOTE, FindingCode.TINY_LESION, f"{len(tiny)} lesions below {_TINY_PX} px, the least {min(tiny)} px"
        )
    return areas


def _split_findings(pictures: Sequence[LabelledPicture], *, wanted: bool) -> Iterator[Finding]:
    splits: dict[str, Counter[str]] = defaultdict(Counter)
    for picture in pictures:
        splits[picture.group][picture.split] += 1
        if wanted and not picture.split:
            yield Finding(
                severity=Severity.ERROR,
                code=FindingCode.NO_SPLIT,
                picture_id=picture.picture_id,
                detail="the column split is empty",
            )
    for group, counts in splits.items():
        if len(counts) > 1:
            listed = ", ".join(f"{count} in {split or '(none)'}" for split, count in sorted(counts.items()))
            yield Finding(
                severity=Severity.ERROR,
                code=FindingCode.GROUP_IN_TWO_SPLITS,
                detail=f"group {group}: {listed}",
            )


def _copies(seen: Sequence[_Seen]) -> Iterator[Finding]:
    by_hash: dict[str, list[LabelledPicture]] = defaultdict(list)
    for each in seen:
        by_hash[each.sha256].append(each.picture)
    for same in by_hash.values():
        for first, second in combinations(same, 2):
            yield _copy(FindingCode.EXACT_COPY, first, second)
            dice = _label_dice(first, second)
            if dice < _SAME_LABELS:
                yield Finding(
                    severity=Severity.WARNING,
                    code=FindingCode.COPY_LABELLED_OTHERWISE,
                    picture_id=first.picture_id,
                    other_id=second.picture_id,
                    detail=f"same pixels, Dice of their masks {dice:.3f}; keep one",
                )
    for one, other, correlation in near_copies([each.fingerprint for each in seen]):
        if seen[one].sha256 != seen[other].sha256:
            yield _copy(
                FindingCode.NEAR_COPY, seen[one].picture, seen[other].picture, f"; correlation {correlation:.3f}"
            )


def _copy(code: FindingCode, first: LabelledPicture, second: LabelledPicture, further: str = "") -> Finding:
    severity, where = _weight_of(first, second, exact=code is FindingCode.EXACT_COPY)
    return Finding(
        severity=severity,
        code=code,
        picture_id=first.picture_id,
        other_id=second.picture_id,
        detail=where + further,
    )


def _weight_of(first: LabelledPicture, second: LabelledPicture, *, exact: bool) -> tuple[Severity, str]:
    if first.split != second.split:
        return Severity.ERROR, f"in {first.split or '(no split)'} and {second.split or '(no split)'}"
    where = f"both in {first.split}" if first.split else "no split"
    if first.group != second.group:
        return Severity.WARNING, f"{where}, groups {first.group} and {second.group}: join the groups"
    return Severity.WARNING if exact else Severity.NOTE, f"{where}, both of group {first.group}"


def _label_dice(first: LabelledPicture, second: LabelledPicture) -> float:
    one, other = (read_picture(picture)[1] == LESION_VALUE for picture in (first, second))
    total = int(np.count_nonzero(one)) + int(np.count_nonzero(other))
    return 1.0 if total == 0 else 2.0 * int(np.count_nonzero(one & other)) / total


def _not_listed(dataset: DataSet) -> Iterator[Finding]:
    listed = {path for picture in dataset.pictures for path in (picture.image, picture.mask)}
    for below in ("images", "masks"):
        for path in sorted((dataset.folder / below).rglob("*")):
            if path.is_file() and path not in listed and not path.name.startswith("."):
                yield Finding(
                    severity=Severity.NOTE,
                    code=FindingCode.FILE_NOT_LISTED,
                    detail=f"{path.relative_to(dataset.folder).as_posix()} is in no row of photos.csv",
                )
